"""From the center's document to the canonical words: pure, every code through the tables, nothing guessed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.governance_center import packages, parts, petition, supervision
from adapters.governance_center.codes import Codes, StatusRule, Unmapped, find
from adapters.governance_center.numbers import EVENT_ID, SYSTEM, member_refs, number_of, refs, subjects
from adapters.governance_center.units import assignments, attachments, unit
from adapters.governance_center.wire import EventDocument, Op, UnknownDocument
from bridge.adapter import Draft, Ref, Submission, Update
from bridge.lifecycle import ENDED, STATE_AFTER
from bridge.rules.rehandling import ASKED
from schemas.event import EventData, EventType, RawCode, Span
from schemas.petition import ExternalId, HandlingClass

LONGEST_CODE = 64
LONGEST_NAME = 200
SPOKEN_BY_UNITS = frozenset({Op.SIGN, Op.PROGRESS, Op.RETURN_APPLY, Op.DELAY_APPLY, Op.REPLY})


class Unused(Exception):
    """The document is understood and says nothing we keep."""


@dataclass(frozen=True, slots=True)
class Message:
    """One authentic document. `event_id` is the event it is about, or the first; `key` identifies it for ever; `raw` is
    its body as text."""

    document: EventDocument
    op: Op
    event_id: str
    key: str
    raw: str
    received_at: datetime


Said = tuple[EventType, EventData]
Reader = Callable[[EventDocument, Codes], Said]

# ── reports ───────────────────────────────────────────────────────────────────────────────────────────────


def submissions(message: Message, codes: Codes) -> tuple[Draft, ...]:
    """A report as a new petition; a note on its package or households, and an `unknown` event for each of its codes
    that no table knows. Raises `UnknownDocument`."""
    if message.document.members:
        raise UnknownDocument("字段members不适用于report：上报须一事一报，打包请用package报文", message.event_id)
    draft, unmapped = petition.draft(message.document, codes)
    new = Submission(
        message_key=message.key,
        petition=draft,
        external_ids=(ExternalId(system=SYSTEM, kind=EVENT_ID, value=message.event_id),),
        submitted_at=message.document.registerTimeStr or message.received_at,
        again=noted(message, codes),
        holder=SYSTEM,
    )
    strange = (_update(message, *_unknown(message, code), codes, suffix=f"#{code.field}") for code in unmapped)
    return (new, *_joint(message, codes), *_ended(message, codes), *strange)


def reported_status(message: Message, codes: Codes) -> StatusRule | Unmapped | None:
    """What a report's status says, if it has one."""
    if message.document.status is None:
        return None
    try:
        return codes.status_rule(message.document.status, message.document.subStatus)
    except Unmapped as unmapped:
        return unmapped


def _ended(message: Message, codes: Codes) -> tuple[Update, ...]:
    """A report may be of a matter that is over there already; one whose status no table knows says so."""
    rule = reported_status(message, codes)
    if isinstance(rule, Unmapped):
        return (_update(message, *_unknown(message, rule), codes, suffix="#status"),)
    if rule is None or rule.event is None or STATE_AFTER.get(rule.event) not in ENDED:
        return ()
    return (_update(message, rule.event, _data(message.document, codes), codes, suffix="#status"),)


def _joint(message: Message, codes: Codes) -> tuple[Update, ...]:
    """A submission has no room for its package: that is told right after it."""
    joint, share = packages.package(message.document), packages.households(message.document)
    if joint is None and share is None:
        return ()
    data = EventData(package=joint, households=share, due_at=message.document.handleDate)
    return (_update(message, EventType.NOTED, data, codes, suffix="#package"),)


def noted(message: Message, codes: Codes, petition_id: str | None = None) -> Update:
    """A report about a petition that is known already: it has come back by another road, or is sent again."""
    known = (Ref(petition_id=petition_id),) if petition_id else None
    return _update(message, *_said(message, codes, _plain(EventType.NOTED)), codes, known=known)


# ── any other document ────────────────────────────────────────────────────────────────────────────────────


def updates(message: Message, codes: Codes) -> tuple[Update, ...]:
    """News about each event that the document is about. Raises `Unused`, `UnknownDocument`."""
    kind, data = _said(message, codes, READERS[message.op])
    about = subjects(message.document, message.event_id)
    if about == (message.event_id,):
        return (_update(message, kind, data, codes),)
    return tuple(_update(message, kind, data, codes, member=number) for number in about)


def _said(message: Message, codes: Codes, reader: Reader) -> Said:
    try:
        kind, data = reader(message.document, codes)
        spoken = parts.part(message.document, codes, data.role, message.op, kind)
    except Unmapped as unmapped:
        return _unknown(message, unmapped)
    # A document that hands out work lists every unit; a unit's own step says where its own part stands.
    return parts.measured(kind, data if data.units else data.model_copy(update={"units": spoken}))


def _update(
    message: Message,
    kind: EventType,
    data: EventData,
    codes: Codes,
    *,
    suffix: str = "",
    known: tuple[Ref, ...] | None = None,
    member: str | None = None,
) -> Update:
    number = member or message.event_id
    named = member in (None, message.document.eventId)
    return Update(
        message_key=message.key + (f"#{member}" if member else suffix),
        refs=known or (refs(message.document, number, codes) if named else member_refs(number)),
        type=kind,
        data=data,
        occurred_at=message.document.taskTime or message.received_at,
        external_ids=number_of(number),
        actor=_actor(message, kind, codes),
    )


def _actor(message: Message, kind: EventType, codes: Codes) -> str | None:
    """Who speaks. In a rating or a follow-up the citizen, asked by the desk there, unless a unit speaks of itself."""
    document, name = message.document, unit(message.document, codes)
    if name is None:
        return None
    if kind in ASKED:
        # Which unit had closed the event (closeOrgID) says nothing of who asked.
        return codes.speaker(name) if document.orgName or document.orgCode else None
    return "unit" if message.op in SPOKEN_BY_UNITS else None


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
        "package": packages.package(document),
        "households": packages.households(document),
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
        quiet = parts.state(document, codes, Op.PROGRESS, EventType.PROGRESSED) in parts.QUIET
        return (EventType.NOTED if quiet else EventType.PROGRESSED), _data(document, codes)
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


def _supervise(document: EventDocument, codes: Codes) -> Said:
    data = _data(
        document,
        codes,
        level=supervision.level(document, codes),
        supervision=supervision.order(document, codes),
        units=assignments(document, codes),
    )
    return supervision.kind(data), data


def _package(document: EventDocument, codes: Codes) -> Said:
    if document.packageId is None:
        raise UnknownDocument("字段packageId缺失：打包须填写包号", document.eventId)
    joint = HandlingClass.JOINT_PACKAGE
    return EventType.RECLASSED, _data(document, codes, handling_class=joint, units=assignments(document, codes))


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
    Op.PACKAGE: _package,
}
"""`report` is not here: it may start a petition."""
