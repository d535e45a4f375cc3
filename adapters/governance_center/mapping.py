"""From the center's document to the canonical words: pure, every code through the tables, nothing guessed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.governance_center import petition
from adapters.governance_center.codes import Codes, Unmapped, find
from adapters.governance_center.units import assignments, attachments, unit
from adapters.governance_center.wire import EventDocument, Op
from bridge.adapter import Draft, Ref, Submission, Update
from bridge.ids import PETITION_ID
from schemas.event import EventData, EventType, RawCode, Span, SupervisionLevel
from schemas.petition import ExternalId

SYSTEM = "governance_center"
EVENT_ID = "eventId"
LONGEST_CODE = 64
LONGEST_NAME = 200
SPOKEN_BY_UNITS = frozenset({Op.SIGN, Op.PROGRESS, Op.RETURN_APPLY, Op.DELAY_APPLY, Op.REPLY})


class Unused(Exception):
    """The document is understood and says nothing we keep."""


@dataclass(frozen=True, slots=True)
class Message:
    """One authentic document. `key` identifies it for ever; `raw` is its body as text."""

    document: EventDocument
    op: Op
    event_id: str
    key: str
    raw: str
    received_at: datetime


Said = tuple[EventType, EventData]
Reader = Callable[[EventDocument, Codes], Said]

# ── which petition ────────────────────────────────────────────────────────────────────────────────────────


def is_own(number: str | None) -> bool:
    """Whether it is a number the bridge gave."""
    return number is not None and PETITION_ID.fullmatch(number) is not None


def crossings(document: EventDocument, codes: Codes) -> tuple[Ref, ...]:
    """Who else's petition it is: our own number in either field, or another system's in `oppoSideBusiCode`."""
    own = [n for n in (document.oppoSideBusiCode, document.eventId) if n and is_own(n)]
    refs = tuple(Ref(petition_id=number) for number in dict.fromkeys(own))
    other = document.oppoSideBusiCode
    return refs if other is None or is_own(other) else refs + _peers(document.bizPlatform, other, codes)


def _peers(platform: str | None, number: str, codes: Codes) -> tuple[Ref, ...]:
    systems = codes.peers.values() if platform is None else filter(None, [codes.peers.get(platform)])
    return tuple(Ref(system, number) for system in dict.fromkeys(systems))


def refs(document: EventDocument, event_id: str, codes: Codes) -> tuple[Ref, ...]:
    """All ways to find the petition, the surest first."""
    found = crossings(document, codes)
    own = tuple(ref for ref in found if ref.petition_id)
    return (*own, Ref(SYSTEM, event_id, EVENT_ID), *(ref for ref in found if not ref.petition_id))


def number_of(event_id: str) -> tuple[ExternalId, ...]:
    """The center's number as a cross-reference, unless it is our own that came back."""
    return () if is_own(event_id) else (ExternalId(system=SYSTEM, kind=EVENT_ID, value=event_id),)


# ── what it says ──────────────────────────────────────────────────────────────────────────────────────────


def submissions(message: Message, codes: Codes) -> tuple[Draft, ...]:
    """A report as a new petition, and an `unknown` event for each of its codes that no table knows."""
    draft, unmapped = petition.draft(message.document, codes)
    new = Submission(
        message_key=message.key,
        petition=draft,
        external_ids=(ExternalId(system=SYSTEM, kind=EVENT_ID, value=message.event_id),),
        submitted_at=message.document.registerTimeStr or message.received_at,
        again=noted(message, codes),
        holder=SYSTEM,
    )
    strange = (_update(message, codes, *_unknown(message, code), suffix=f"#{code.field}") for code in unmapped)
    return (new, *strange)


def noted(message: Message, codes: Codes, petition_id: str | None = None) -> Update:
    """A report about a petition that is known already: it has come back by another road, or is sent again."""
    known = (Ref(petition_id=petition_id),) if petition_id else None
    return _read(message, codes, _plain(EventType.NOTED), known)


def update(message: Message, codes: Codes) -> Update:
    """Any other document as news. Raises `Unused`."""
    return _read(message, codes, READERS[message.op])


def _read(message: Message, codes: Codes, reader: Reader, known: tuple[Ref, ...] | None = None) -> Update:
    try:
        kind, data = reader(message.document, codes)
    except Unmapped as unmapped:
        kind, data = _unknown(message, unmapped)
    return _update(message, codes, kind, data, known=known)


def _update(
    message: Message,
    codes: Codes,
    kind: EventType,
    data: EventData,
    *,
    suffix: str = "",
    known: tuple[Ref, ...] | None = None,
) -> Update:
    return Update(
        message_key=message.key + suffix,
        refs=known or refs(message.document, message.event_id, codes),
        type=kind,
        data=data,
        occurred_at=message.document.taskTime or message.received_at,
        external_ids=number_of(message.event_id),
        actor="unit" if message.op in SPOKEN_BY_UNITS and unit(message.document, codes) else None,
    )


def _unknown(message: Message, unmapped: Unmapped) -> Said:
    document = message.document
    name = document.statusName if unmapped.field == "status" and document.statusName else ""
    status = RawCode(code=unmapped.code[:LONGEST_CODE], name=f"{unmapped.field} {name}".strip()[:LONGEST_NAME])
    return EventType.UNKNOWN, EventData(raw=message.raw, status=status)


def _data(document: EventDocument, codes: Codes, *, reason_first: bool = False, **more: Any) -> EventData:
    fields: dict[str, Any] = {
        "text": _words(document, reason_first),
        "unit": unit(document, codes),
        "role": find(codes.role, document.role, "role") if document.role else None,
        "person": document.transactorName,
        "due_at": document.handleDate,
        "reference": document.taskId,
        "status": RawCode(code=document.status, name=document.statusName) if document.status else None,
        "attachments": attachments(document),
    }
    return EventData(**(fields | more))


def _words(document: EventDocument, reason_first: bool) -> str | None:
    # A step may carry the whole event again, its first content included: the step's own words come first.
    first, second = (document.reason, document.advice) if reason_first else (document.advice, document.reason)
    return first or second or document.remarks or document.content


# ── one reader an op ──────────────────────────────────────────────────────────────────────────────────────


def _plain(kind: EventType) -> Reader:
    return lambda document, codes: (kind, _data(document, codes))


def _dispatch(document: EventDocument, codes: Codes) -> Said:
    return EventType.DISPATCHED, _data(document, codes, units=assignments(document, codes))


def _progress(document: EventDocument, codes: Codes) -> Said:
    if document.status is None:
        return EventType.PROGRESSED, _data(document, codes)
    rule = codes.status_rule(document.status, document.subStatus)
    raw = RawCode(code=_raw_status(document), name=document.statusName or rule.zh)
    data = _data(document, codes, status=raw)
    if rule.event is not None:
        return rule.event, data
    if document.advice or document.remarks:
        return EventType.NOTED, data
    raise Unused(f"status {raw.code}: {rule.ignored}")


def _raw_status(document: EventDocument) -> str:
    return "/".join(part for part in (document.status, document.subStatus) if part)


def _return_apply(document: EventDocument, codes: Codes) -> Said:
    return EventType.RETURN_REQUESTED, _data(document, codes, reason_first=True)


def _return_review(document: EventDocument, codes: Codes) -> Said:
    passed = find(codes.check, document.checkResult, "checkResult") == "passed"
    return (EventType.RETURNED if passed else EventType.RETURN_DENIED), _data(document, codes)


def _span(document: EventDocument, codes: Codes) -> Span | None:
    if document.interval is None:
        return None
    return Span(amount=document.interval, unit=find(codes.interval, document.intervalUnit, "intervalUnit"))


def _delay_apply(document: EventDocument, codes: Codes) -> Said:
    data = _data(document, codes, reason_first=True, extend_by=_span(document, codes))
    return EventType.EXTENSION_REQUESTED, data


def _delay_review(document: EventDocument, codes: Codes) -> Said:
    passed = find(codes.check, document.checkResult, "checkResult") == "passed"
    kind = EventType.EXTENDED if passed else EventType.EXTENSION_DENIED
    return kind, _data(document, codes, extend_by=_span(document, codes))


def _level(document: EventDocument, codes: Codes) -> SupervisionLevel:
    if document.supervisionType:
        return find(codes.supervision, document.supervisionType, "supervisionType")
    return find(codes.remind, document.remindStatus, "remindStatus")


def _supervise(document: EventDocument, codes: Codes) -> Said:
    level = _level(document, codes)
    data = _data(document, codes, level=level, units=assignments(document, codes))
    if find(codes.supervise_state, document.superviseState, "superviseState") == "proposed":
        # Proposing is not publishing: an order binds only once an operator there has issued it.
        return EventType.NOTED, data
    return (EventType.URGED if level is SupervisionLevel.URGE else EventType.SUPERVISED), data


def _evaluate(document: EventDocument, codes: Codes) -> Said:
    told, solved = document.satisfaction, document.isSolved
    return EventType.RATED, _data(
        document,
        codes,
        satisfaction=find(codes.satisfaction, told, "satisfaction") if told else None,
        score=document.score or told,
        resolved=find(codes.resolved, solved, "isSolved") if solved else None,
    )


READERS: dict[Op, Reader] = {
    Op.DISPATCH: _dispatch,
    Op.SIGN: _plain(EventType.SIGNED),
    Op.PROGRESS: _progress,
    Op.RETURN_APPLY: _return_apply,
    Op.RETURN_REVIEW: _return_review,
    Op.DELAY_APPLY: _delay_apply,
    Op.DELAY_REVIEW: _delay_review,
    Op.SUPERVISE: _supervise,
    Op.REPLY: _plain(EventType.REPLIED),
    Op.CLOSE: _plain(EventType.CLOSED),
    Op.EVALUATE: _evaluate,
    Op.WITHDRAW: _plain(EventType.CANCELLED),
}
"""`report` is not here: it may start a petition."""
