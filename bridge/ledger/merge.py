"""并单: a petition that repeats another one goes no further by itself, and its petitioner gets the other one's answer.

The member keeps its number, its owner and its own petitioner, who is told that it was merged and, in the end, the same
answer: a petition is not answered by being merged.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from bridge import ids
from bridge.ledger.opening import open_event, open_petition
from bridge.ledger.tables import events, petitions
from bridge.ledger.work import PetitionRow, Work
from bridge.lifecycle import ANSWERS, ENDED
from bridge.prose import mask, mask_words
from schemas.event import EventData, EventType

BRIDGE = "bridge"
RULE = "rule"
MIRRORED = ANSWERS - {EventType.MERGED}
"""Answers of the petition that are its members' answers too."""


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
    if member.closed_at is not None or member.state in ENDED:
        return f"it has ended ({member.state})"
    return None


def join(work: Work, member: PetitionRow, main: PetitionRow, by: str, reason: str) -> None:
    """Make `member` a member of `main`; what `main` has been answered already is answered to the member at once."""
    member.merged_into, member.dirty = main.petition_id, True
    main.members, main.dirty = main.members + 1, True
    member.holder = member.holder or main.holder or main.source
    work.note("petition.merging", member.petition_id, from_=BRIDGE, to=BRIDGE, actor=by, reason=reason,
              into=main.petition_id, outcome="merged")  # fmt: skip
    work.record(
        member,
        event_id=str(ids.event_id(BRIDGE, f"merge:{member.petition_id}:{main.petition_id}")),
        type_=EventType.MERGED,
        source=BRIDGE,
        occurred_at=work.now,
        data=EventData(reference=main.petition_id),
        actor=None,
        traceparent=None,
    )
    work.flush()
    for type_, data, event_id in _answers(work, main.petition_id)[-1:]:
        _mirror(work, member, type_, _for_others(work, main.petition_id, data), event_id)


def mirror(work: Work, answers: Iterable[tuple[PetitionRow, EventType, EventData, str]]) -> None:
    """(petition, answer, what it says, event id): each of its members is given the same answer."""
    said = [one for one in answers if one[0].members and one[1] in MIRRORED]
    if not said:
        return
    mains = sorted({row.petition_id for row, *_ in said})
    query = select(petitions.c.petition_id, petitions.c.merged_into).where(petitions.c.merged_into.in_(mains))
    members: dict[str, list[str]] = {}
    for row in work.conn.execute(query.order_by(petitions.c.petition_id)):
        members.setdefault(row.merged_into, []).append(row.petition_id)
    work.load(one for of_one in members.values() for one in of_one)
    for main, type_, data, event_id in said:
        shared = _for_others(work, main.petition_id, data)
        for number in members.get(main.petition_id, ()):
            _mirror(work, work.rows[number], type_, shared, event_id)


def _mirror(work: Work, member: PetitionRow, type_: EventType, data: EventData, of_event: str) -> None:
    work.record(
        member,
        event_id=str(ids.event_id(BRIDGE, f"mirror:{member.petition_id}:{of_event}")),
        type_=type_,
        source=BRIDGE,
        occurred_at=work.now,
        data=data,
        actor=None,
        traceparent=None,
    )


def _answers(work: Work, petition_id: str) -> list[tuple[EventType, EventData, str]]:
    query = select(events).where(
        events.c.petition_id == petition_id, events.c.type.in_([one.value for one in MIRRORED])
    )
    rows = work.conn.execute(query.order_by(events.c.sequence)).mappings().all()
    vault = work.privacy.vault
    return [
        (EventType(row["type"]), EventData.model_validate_json(open_event(vault, row)["data"]), row["event_id"])
        for row in rows
    ]


def _for_others(work: Work, petition_id: str, data: EventData) -> EventData:
    """The answer without what belongs to the other petitioner alone."""
    query = select(petitions).where(petitions.c.petition_id == petition_id)
    row = work.conn.execute(query).mappings().one()
    person = orjson.loads(open_petition(work.privacy.vault, row)["body"]).get("petitioner", {})
    words = tuple(word for word in (person.get("name"), person.get("phone")) if word and len(word) > 1)
    text = mask(mask_words(data.text, words)) if data.text else data.text
    return EventData(text=text, unit=data.unit, resolved=data.resolved)


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
