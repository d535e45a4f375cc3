"""并单: a petition that repeats another one goes no further by itself, and its petitioner gets the other one's answer.

The member keeps its number, its owner and its own petitioner, who is told that it was merged and, in the end, the same
answer: a petition is not answered by being merged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from bridge import ids
from bridge.ledger.journal import BRIDGE
from bridge.ledger.members import newest_answer, tell
from bridge.ledger.tables import petitions
from bridge.ledger.work import PetitionRow, Work
from bridge.lifecycle import ENDED
from schemas.event import EventData, EventType


@dataclass(frozen=True, slots=True)
class Merging:
    """An operator's order: `petition_id` becomes a member of `into`."""

    petition_id: str
    into: str
    operator: str
    reason: str
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of it. `result`: done, would, not_found, or refused with `why`."""

    petition_id: str
    into: str
    result: str
    why: str | None = None


def merge(work: Work, orders: Sequence[Merging]) -> list[Merged]:
    """Carry the orders out, in order."""
    work.load({number for order in orders for number in (order.petition_id, order.into)})
    found = [_carry_out(work, order) for order in orders]
    work.flush()
    work.close_finished()
    work.flush()
    return found


def _carry_out(work: Work, order: Merging) -> Merged:
    member, main = work.rows.get(order.petition_id), work.rows.get(order.into)
    if member is None or main is None:
        missing = order.petition_id if member is None else order.into
        return Merged(order.petition_id, order.into, "not_found", f"there is no petition {missing}")
    why = _why_not(member, main)
    if why is not None:
        return Merged(order.petition_id, order.into, "refused", why)
    if order.dry_run:
        return Merged(order.petition_id, order.into, "would")
    join(work, member, main, f"operator:{order.operator}", order.reason)
    return Merged(order.petition_id, order.into, "done")


def _why_not(member: PetitionRow, main: PetitionRow) -> str | None:
    if member.petition_id == main.petition_id:
        return "a petition cannot be merged into itself"
    if member.merged_into or member.members:
        return "it is merged already" if member.merged_into else f"{member.members} petitions are merged into it"
    if main.merged_into:
        return f"{main.petition_id} is itself merged into {main.merged_into}; merge into that one"
    if main.state == EventType.CANCELLED.value:
        return f"{main.petition_id} is cancelled: it answers nobody"
    if member.closed_at is not None or member.state in ENDED:
        return f"it has ended ({member.state})"
    return None


def join(work: Work, member: PetitionRow, main: PetitionRow, by: str, reason: str) -> None:
    """Make `member` a member of `main`; what `main` has been answered already is answered to the member at once. What
    was withdrawn answers nobody: who says the same again after that brings it anew."""
    if main.state == EventType.CANCELLED.value:
        return
    member.merged_into, member.dirty = main.petition_id, True
    main.members, main.dirty = main.members + 1, True
    member.holder = member.holder or main.holder or main.source
    work.note("petition.merging", member.petition_id, from_=BRIDGE, to=BRIDGE, actor=by, reason=reason,
              into=main.petition_id, outcome="merged")  # fmt: skip
    work.record(
        member,
        event_id=str(ids.event_id(BRIDGE, f"merge:{member.petition_id}:{main.petition_id}:{member.last_sequence}")),
        type_=EventType.MERGED,
        source=BRIDGE,
        occurred_at=work.now,
        data=EventData(reference=main.petition_id),
        actor=None,
        traceparent=None,
    )
    work.flush()
    answer = newest_answer(work, main)
    if answer is not None:
        tell(work, main, [member], *answer)


# ── suspects ────────────────────────────────────────────────────────────────────────────────────────────────


def suspects(conn: Connection, since: int, limit: int = 100) -> list[dict[str, Any]]:
    """Open petitions that one petitioner (by phone or openid) brought more than once since then: people decide."""
    is_open = (petitions.c.closed_at.is_(None), petitions.c.merged_into.is_(None), petitions.c.accepted_at >= since)
    groups: dict[tuple[str, ...], None] = {}
    for key in (petitions.c.phone_key, petitions.c.petitioner_key):
        many = select(key).where(key.is_not(None), *is_open).group_by(key).having(func.count() > 1).limit(limit)
        of_many: dict[str, list[str]] = {}
        query = select(key, petitions.c.petition_id).where(key.in_(many), *is_open).order_by(petitions.c.accepted_at)
        for who, petition_id in conn.execute(query):
            of_many.setdefault(who, []).append(petition_id)
        groups.update(dict.fromkeys(tuple(found) for found in of_many.values()))
    return [{"petitions": list(group)} for group in list(groups)[:limit]]
