"""Each unit's own part of a petition (承办单位任务): what a step says of the unit that took it.

A unit signs, returns, asks for more time and finishes for itself. Only the lead's finish, when all of it is done, is
the answer to the citizen: an assisting unit's finish, and the first batch of many households, are progress.
"""

from adapters.governance_center.codes import Codes, find
from adapters.governance_center.units import unit
from adapters.governance_center.wire import EventDocument, Op
from schemas.event import Assignment, EventData, EventType, PartState, UnitRole

AFTER: dict[Op, PartState] = {
    Op.SIGN: PartState.SIGNED,
    Op.PROGRESS: PartState.HANDLING,
    Op.RETURN_APPLY: PartState.RETURN_REQUESTED,
    Op.DELAY_APPLY: PartState.EXTENSION_REQUESTED,
    Op.REPLY: PartState.FINISHED,
    Op.CLOSE: PartState.FINISHED,
}
"""Where the unit's part stands after its own step, unless `partStatus` says otherwise."""

REVIEWED: dict[EventType, PartState] = {
    EventType.RETURNED: PartState.RETURNED,
    EventType.RETURN_DENIED: PartState.HANDLING,
    EventType.EXTENDED: PartState.HANDLING,
    EventType.EXTENSION_DENIED: PartState.HANDLING,
}
"""The same after a review of what the unit asked for."""

QUIET: frozenset[PartState] = frozenset({PartState.ASSIGNED, PartState.EXCUSED})
"""States of a part that say nothing about the handling itself."""

FINISHES = frozenset({EventType.REPLIED, EventType.CLOSED})


def state(document: EventDocument, codes: Codes, op: Op, kind: EventType) -> PartState | None:
    """Raises `Unmapped`."""
    if document.partStatus is not None:
        return find(codes.part, document.partStatus, "partStatus")
    return REVIEWED.get(kind) or AFTER.get(op)


def part(
    document: EventDocument, codes: Codes, role: UnitRole | None, op: Op, kind: EventType
) -> tuple[Assignment, ...]:
    """The speaking unit's part; none where the document does not say in which role it speaks."""
    name = unit(document, codes)
    after = state(document, codes, op, kind)
    if name is None or role is None or after is None:
        return ()
    return (Assignment(unit=name, code=document.orgCode, role=role, state=after),)


def measured(kind: EventType, data: EventData) -> tuple[EventType, EventData]:
    """What a finish amounts to: only the lead's, for all households, ends or answers a petition."""
    if kind not in FINISHES:
        return kind, data
    if is_partial(data):
        return EventType.PROGRESSED, data.model_copy(update={"resolved": "partly"})
    return (EventType.PROGRESSED if data.role is UnitRole.ASSIST else kind), data


def is_partial(data: EventData) -> bool:
    """Whether it speaks of some households of more (“首批162户”)."""
    share = data.households
    return share is not None and share.total is not None and share.done < share.total
