"""The verb `route`: events become hand-offs, in the order of their petition."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, Column, ColumnElement, bindparam, case, delete, select, update

from bridge import ids
from bridge.ledger.bulk import insert_rows
from bridge.ledger.journal import BRIDGE
from bridge.ledger.tables import UNFINISHED, Row, conveyor, events, handoffs
from bridge.ledger.work import PetitionRow, Work
from bridge.patience import MAX_DOUBLINGS
from bridge.routing import Facts, Route, Target
from schemas.event import EventType, UnitRole

Decide = Callable[[Facts], Route]

OPENING = ("submitted", "reclassed")
"""Hand-offs of these types give a system the case itself."""


def route(work: Work, decide: Decide, event_ids: Sequence[str]) -> int:
    """Route these events, and before each the unrouted ones that came before it in its petition.

    Events routed already are left alone, so a message may come any number of times. Returns how many were routed.
    """
    asked = work.conn.execute(
        select(conveyor.c.petition_id).where(
            conveyor.c.event_id.in_(sorted(set(event_ids))), conveyor.c.routed_at.is_(None)
        )
    )
    petition_ids = set(asked.scalars())
    if not petition_ids:
        return 0
    work.load(petition_ids)
    waiting = _unrouted(work, petition_ids)
    lanes = _Lanes(work, petition_ids)
    made = [handoff for event in waiting for handoff in _hand_over(work, decide, lanes, event)]
    if made:
        insert_rows(work.conn, handoffs, made)
    routed = [event["event_id"] for event in waiting]
    work.conn.execute(_MARK_ROUTED, {"ids": routed, "at": work.now})
    work.conn.execute(_SWEEP, {"ids": routed})
    work.flush()
    work.close_finished()
    work.flush()
    return len(routed)


def confirm(work: Work, event_ids: Sequence[str], handoff_ids: Sequence[str]) -> None:
    """The broker has these messages. A hand-off that is further on already is left alone."""
    times = {"at": work.now, "grace": work.patience.queued_ms}
    if event_ids:
        work.conn.execute(_MARK_CONFIRMED, {"ids": list(event_ids), **times})
        work.conn.execute(_SWEEP, {"ids": list(event_ids)})
    if handoff_ids:
        work.conn.execute(_MARK_QUEUED, {"ids": list(handoff_ids), **times})


def _unrouted(work: Work, petition_ids: set[str]) -> list[Row]:
    """All unrouted events of these petitions, in order."""
    columns = (conveyor.c.event_id, conveyor.c.petition_id, conveyor.c.sequence, events.c.type, events.c.source,
               events.c.actor, events.c.traceparent, events.c.out_of_order, events.c.announced)  # fmt: skip
    query = (
        select(*columns)
        .join(events, events.c.event_id == conveyor.c.event_id)
        .where(conveyor.c.petition_id.in_(sorted(petition_ids)), conveyor.c.routed_at.is_(None))
        .order_by(conveyor.c.petition_id, conveyor.c.sequence)
    )
    return list(work.conn.execute(query).mappings())


class _Lanes:
    """Which lanes of these petitions are blocked, and which systems have each case."""

    def __init__(self, work: Work, petition_ids: Iterable[str]) -> None:
        self.blocked: set[tuple[str, str]] = set()
        self.systems: dict[str, set[str]] = {}
        columns = (handoffs.c.petition_id, handoffs.c.system, handoffs.c.state, handoffs.c.event_type)
        query = select(*columns).where(handoffs.c.petition_id.in_(sorted(petition_ids)))
        for found in work.conn.execute(query):
            self.note(found.petition_id, found.system, found.event_type, unfinished=found.state in UNFINISHED)

    def note(self, petition_id: str, system: str, event_type: str, *, unfinished: bool) -> None:
        if unfinished:
            self.blocked.add((petition_id, system))
        if event_type in OPENING:
            self.systems.setdefault(petition_id, set()).add(system)


def _hand_over(work: Work, decide: Decide, lanes: _Lanes, event: Row) -> list[dict[str, Any]]:
    row = work.rows[event["petition_id"]]
    answer = decide(_facts(row, event, lanes))
    made = []
    # A member of another petition goes to no system as a case of its own: its people are told.
    inside = row.merged_into is not None and event["type"] in OPENING
    targets = [target for target in answer.targets if not inside or target.system == work.messenger]
    targets = [heard for target in targets if (heard := _hearing(target, event, work.messenger)) is not None]
    if _only_confirms(work, row, event):
        targets = []
    elif _is_still_merged(work, row, event):
        targets = [target for target in targets if target.system != work.messenger]
    for target in targets:
        lane = (row.petition_id, target.system)
        handoff = _handoff_row(work, event, target.system, target.audience, target.rules, waits=lane in lanes.blocked)
        lanes.note(*lane, event["type"], unfinished=True)
        made.append(handoff)
        if handoff["state"] == "pending":
            work.ready(handoff)
    if row.holder is None and event["type"] in OPENING and (answer.held_by_origin or _only_told(work, row, made)):
        row.holder, row.dirty = row.source, True
    work.note(
        "event.routed", row.petition_id, event_id=event["event_id"], sequence=event["sequence"], from_="bridge",
        to=",".join(target.system for target in targets) or None,
        outcome="routed" if targets else _without_target(row, event),
        trace_id=event["traceparent"][3:35] if event["traceparent"] else None,
    )  # fmt: skip
    return made


def _without_target(row: PetitionRow, event: Row) -> str:
    """`held`: nobody else is to have the case, and somebody has it (现场解决: the secretary who filed it)."""
    return "held" if event["type"] in OPENING and row.holder is not None else "no_target"


def _hearing(target: Target, event: Row, messenger: str) -> Target | None:
    """Who of this target hears of it. What was out of order moved nothing: only the owner is told, who looks into it.
    An assisting unit's word is no answer: the petitioner waits for the lead's."""
    if event["out_of_order"]:
        audience = target.audience & {"owner"} if target.system == messenger else frozenset[str]()
        return replace(target, audience=audience) if audience else None
    if "petitioner" not in target.audience or orjson.loads(event["announced"]).get("role") != UnitRole.ASSIST.value:
        return target
    others = target.audience - {"petitioner"}
    return replace(target, audience=others) if others else None


def _only_confirms(work: Work, row: PetitionRow, event: Row) -> bool:
    """Whether the owner says closed of what is closed, and the petitioner has the answer: the ledger knows then that it
    is confirmed (首问书记确认), and nobody is told the same twice."""
    if event["type"] != EventType.CLOSED or event["actor"] != "owner" or row.answered_by is None:
        return False
    if row.answered_by == f"event:{event['event_id']}":
        return False
    earlier = events.c.sequence.between(row.round_from + 1, event["sequence"] - 1)
    query = select(events.c.event_id).where(
        events.c.petition_id == row.petition_id, earlier, events.c.type == EventType.CLOSED, ~events.c.out_of_order
    )
    return work.conn.scalar(query.limit(1)) is not None


def _is_still_merged(work: Work, row: PetitionRow, event: Row) -> bool:
    """Whether it only says that a member which begins anew (重办) remains one: its people have just been told so."""
    if event["type"] != EventType.MERGED or event["source"] != BRIDGE:
        return False
    query = select(events.c.event_id).where(
        events.c.petition_id == row.petition_id, events.c.sequence == event["sequence"] - 1
    )
    before = work.conn.scalar(query)
    return before is not None and event["event_id"] == str(ids.still_merged_id(before))


def _only_told(work: Work, row: PetitionRow, made: Sequence[Row]) -> bool:
    """Nobody else is to have the case, and it came from a system: that system keeps it. What a citizen wrote to the
    messenger and nobody is to handle has no place, and the law says so."""
    others = [handoff for handoff in made if handoff["system"] != work.messenger or "unit" in handoff["audience"]]
    return not others and row.source != work.messenger


def _facts(row: PetitionRow, event: Row, lanes: _Lanes) -> Facts:
    return Facts(
        type=event["type"],
        source=event["source"],
        origin=row.source,
        handling_class=row.handling_class,
        kind=row.kind,
        urgency=row.urgency,
        region=row.region,
        actor=event["actor"] or "",
        others=frozenset({*lanes.systems.get(row.petition_id, ()), *row.brought_by}),
        petitioner_has_openid=row.has_openid,
    )


def _handoff_row(
    work: Work, event: Row, system: str, audience: Iterable[str], rules: Iterable[str], *, waits: bool
) -> dict[str, Any]:
    return {
        "handoff_id": str(ids.handoff_id(UUID(event["event_id"]), system)),
        "event_id": event["event_id"],
        "petition_id": event["petition_id"],
        "system": system,
        "sequence": event["sequence"],
        "event_type": event["type"],
        "state": "waiting" if waits else "pending",
        "audience": ",".join(sorted(audience)),
        "rule": "; ".join(rules),
        "wake_at": None if waits else work.now + work.patience.publish_ms,
        "created_at": work.now,
    }


def _later(publishes: Column[int]) -> ColumnElement[int]:
    """The more often a row was published in vain, the longer until it is published again."""
    doublings = [(publishes == times, 2**times) for times in range(MAX_DOUBLINGS)]
    factor = case(*doublings, else_=2**MAX_DOUBLINGS)
    return bindparam("at", type_=BigInteger) + bindparam("grace", type_=BigInteger) * factor


_MARK_ROUTED = (
    update(conveyor).where(conveyor.c.event_id.in_(bindparam("ids", expanding=True))).values(routed_at=bindparam("at"))
)
_MARK_CONFIRMED = (
    update(conveyor)
    .where(conveyor.c.event_id.in_(bindparam("ids", expanding=True)), conveyor.c.confirmed_at.is_(None))
    .values(confirmed_at=bindparam("at"), wake_at=_later(conveyor.c.publishes))
)
_MARK_QUEUED = (
    update(handoffs)
    .where(handoffs.c.handoff_id.in_(bindparam("ids", expanding=True)), handoffs.c.state == "pending")
    .values(state="queued", wake_at=_later(handoffs.c.publishes))
)
_SWEEP = delete(conveyor).where(
    conveyor.c.event_id.in_(bindparam("ids", expanding=True)),
    conveyor.c.routed_at.is_not(None),
    conveyor.c.confirmed_at.is_not(None),
)
