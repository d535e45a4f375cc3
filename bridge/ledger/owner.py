"""Who answers for a petition (首问负责): the owner secretary is replaced only by a recorded hand-over, and when a
secretary has left, the team's leader inherits until somebody is named."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select, update

from bridge import ids
from bridge.ledger.journal import BRIDGE
from bridge.ledger.opening import FIRST_OWNER, open_petition
from bridge.ledger.owned import owned
from bridge.ledger.roster_tables import secretaries, teams
from bridge.ledger.tables import Row, petitions
from bridge.ledger.work import PetitionRow, Work
from schemas.event import EventData, EventType
from schemas.petition import Secretary


@dataclass(frozen=True, slots=True)
class HandOver:
    """An operator's order: the secretary `to` answers for the petition from now on."""

    petition_id: str
    to: str
    operator: str
    reason: str
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What became of it. `result`: done, would, not_found, or refused with `why`; `owner` and `before` are ids."""

    petition_id: str
    result: str
    owner: str | None = None
    before: str | None = None
    why: str | None = None


def hand_over_owner(work: Work, orders: Sequence[HandOver]) -> list[HandedOver]:
    """Carry the orders out, in order."""
    work.load(order.petition_id for order in orders)
    found = [_carry_out(work, order) for order in orders]
    work.flush()
    return found


def _carry_out(work: Work, order: HandOver) -> HandedOver:
    row = work.rows.get(order.petition_id)
    if row is None:
        return HandedOver(order.petition_id, "not_found", why=f"there is no petition {order.petition_id}")
    after = _active(work, order.to)
    if after is None:
        why = f"no active secretary of the roster has the id {order.to} (名册中无此在任书记)"
        return HandedOver(order.petition_id, "refused", before=row.owner_id, why=why)
    if row.owner_id == order.to:
        return HandedOver(
            order.petition_id, "refused", row.owner_id, row.owner_id, "is the owner already (已是首问书记)"
        )
    before = row.owner_id
    if order.dry_run:
        return HandedOver(order.petition_id, "would", order.to, before)
    _change(work, row, after, "handed_over", f"operator:{order.operator}", order.reason)
    return HandedOver(order.petition_id, "done", order.to, before)


def inherit(work: Work, duty: Secretary, limits: Sequence[int]) -> list[int]:
    """What secretaries who have left answered for goes to the leader of their team, or to a member where nobody leads,
    or to the one on duty (值班) where the team has nobody left; how many petitions did."""
    left = select(secretaries.c.secretary_id).where(~secretaries.c.active, secretaries.c.secretary_id != duty.id)
    # Not in order: sorted by number, the database would walk through all petitions to find these few.
    gone = owned(select(petitions.c.petition_id, petitions.c.owner_id).where(petitions.c.owner_id.in_(left)))
    found = {row.petition_id: row.owner_id for row in work.conn.execute(gone.limit(max(limits)))}
    work.load(found)
    team_of = _teams_of(work, set(found.values()))
    heirs = {team_id: _heir(work, team_id) for team_id in set(team_of.values())}
    for petition_id, owner_id in found.items():
        heir, row = heirs[team_of[owner_id]], work.rows[petition_id]
        if heir is not None:
            _change(work, row, heir, "inherited", None, "书记离任，由队长接任")
        else:
            _change(work, row, _on_duty(duty), "inherited", None, "书记离任，队内无在任书记，由值班书记接任")
    work.flush()
    return [len(found)] * len(limits)


def _teams_of(work: Work, secretary_ids: Iterable[str]) -> dict[str, str]:
    columns = (secretaries.c.secretary_id, secretaries.c.team_id)
    query = select(*columns).where(secretaries.c.secretary_id.in_(sorted(secretary_ids)))
    return {row.secretary_id: row.team_id for row in work.conn.execute(query)}


def _heir(work: Work, team_id: str) -> Row | None:
    """The team's leader, or a member; None where nobody is left."""
    leader = work.conn.scalar(select(teams.c.leader_id).where(teams.c.team_id == team_id))
    heir = _active(work, leader or "")
    if heir is not None:
        return heir
    query = select(secretaries).where(secretaries.c.team_id == team_id, secretaries.c.active)
    return work.conn.execute(query.order_by(secretaries.c.secretary_id).limit(1)).mappings().first()


def _on_duty(duty: Secretary) -> Row:
    """As the roster would have them."""
    return {
        "secretary_id": duty.id, "team_id": duty.team_id, "name": duty.name or "", "home_unit": duty.home_unit or "",
    }  # fmt: skip


def _active(work: Work, secretary_id: str) -> Row | None:
    query = select(secretaries).where(secretaries.c.secretary_id == secretary_id, secretaries.c.active)
    return work.conn.execute(query).mappings().first()


def _change(work: Work, row: PetitionRow, after: Row, outcome: str, actor: str | None, reason: str) -> None:
    """The new owner stands in the sealed document, where whoever tells them reads it, and is told by an event."""
    query = select(petitions.c.petition_id, petitions.c.body).where(petitions.c.petition_id == row.petition_id)
    document = orjson.loads(open_petition(work.privacy.vault, work.conn.execute(query).mappings().one())["body"])
    before = row.owner_id or document.get("secretary", {}).get("id")
    # A month's analysis that was sealed before comes out the same after.
    document.setdefault(FIRST_OWNER, document.get("secretary", {}))
    document["secretary"] = _as_owner(work, document, after)
    sealed = work.privacy.vault.seal_text(f"petitions.body:{row.petition_id}", orjson.dumps(document).decode())
    row.team_id, row.owner_id = after["team_id"], after["secretary_id"]
    changed = {"body": sealed, "team_id": row.team_id, "owner_id": row.owner_id}
    work.conn.execute(update(petitions).where(petitions.c.petition_id == row.petition_id).values(changed))
    work.note("operator.owner_changed", row.petition_id, from_=BRIDGE, to=BRIDGE, actor=actor or BRIDGE, reason=reason,
              outcome=outcome, detail=f"{before} → {row.owner_id}")  # fmt: skip
    work.record(
        row,
        event_id=str(ids.event_id(BRIDGE, f"owner:{row.petition_id}:{row.last_sequence}:{row.owner_id}")),
        type_=EventType.NOTED,
        source=BRIDGE,
        occurred_at=work.now,
        data=EventData(text="首问书记已更换，由您跟办到底"),
        actor=None,
        traceparent=None,
    )


def _as_owner(work: Work, document: dict[str, Any], member: Row) -> dict[str, str]:
    """The new owner, for the home unit that has the petition: only a dispatch moves it to another. Where the petition
    came without one, the new owner's."""
    home = document.get("secretary", {}).get("home_unit") or member["home_unit"] or _home_of(work, member["team_id"])
    found = {"id": member["secretary_id"], "team_id": member["team_id"], "name": member["name"], "home_unit": home}
    return {name: value for name, value in found.items() if value}


def _home_of(work: Work, team_id: str) -> str | None:
    return work.conn.scalar(select(teams.c.home_unit).where(teams.c.team_id == team_id))
