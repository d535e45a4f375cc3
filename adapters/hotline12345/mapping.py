"""What the hotline's messages mean: wire → canonical. Pure; the codes are data (`codes.toml`).

Each action has a reader. A code without an entry in its table becomes an event of type `unknown`, with the code in
`status` and the payload in `raw`; a code marked `ignore` gives no draft.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from adapters.hotline12345 import cases, submission, wire
from adapters.hotline12345.cases import Unclear
from adapters.hotline12345.codes import DESK, IGNORE, Codes
from bridge.adapter import Draft, Update
from bridge.rules.rehandling import ASKED
from schemas.event import Assignment, EventData, EventType, Indicator, RawCode, Satisfaction, Span, SupervisionLevel
from schemas.petition import Place

UNTIL = "0"
"""The postponeType that comes with a date instead of a length."""

W = TypeVar("W", bound=wire.Wire)


@dataclass(frozen=True, slots=True)
class Message:
    """One message in hand, from the door or from a notice."""

    key: str
    action: str
    data: dict[str, Any]
    at: datetime


Reader = Callable[[Message, Codes], tuple[Draft, ...]]


def drafts(message: Message, codes: Codes) -> tuple[Draft, ...]:
    """The drafts in `message`; none for a message that is deliberately ignored.

    Raises `Unclear` for a message that cannot be used. Its action is one of `READERS`.
    """
    reader = READERS[message.action]
    try:
        return reader(message, codes)
    except ValidationError as error:
        raise Unclear(where(error)) from None


def where(error: ValidationError) -> str:
    """Which fields are wrong and how, without a word of what was in them."""
    faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['type']}" for fault in error.errors(include_input=False))
    return f"data does not fit ({'; '.join(list(faults)[:5])}) (参数类型错误)"


# ── readers ──


def _report(message: Message, codes: Codes) -> tuple[Draft, ...]:
    return submission.read(_parsed(wire.Report, message), message.key, message.at, codes)


def _step(message: Message, codes: Codes) -> tuple[Draft, ...]:
    step = _parsed(wire.Step, message)
    word = codes.item_actions.get(step.action.strip().lower()) or codes.item_actions.get(
        (step.action_name or "").strip()
    )
    if word == IGNORE:
        return ()
    passed_on = word == EventType.DISPATCHED
    unit = (step.next_unit_name or step.next_part_name if passed_on else None) or step.unit_name or step.part_name
    data = EventData(
        text=step.content,
        unit=_cut(unit, 200),
        person=_cut(step.human_name, 100),
        units=(Assignment(unit=unit[:200], code=_cut(step.next_unit_id, 64)),) if passed_on and unit else (),
        status=_code(step.action, step.action_name),
    )
    return _told(message, step, word, data, step.action_time, actor=_speaker(step, word, codes))


def _speaker(step: wire.Step, word: str | None, codes: Codes) -> str | None:
    """Whose word a step is in which the citizen may be heard: what a handling unit says of itself is not theirs, what
    they told the hotline's own desk (or nobody named) is."""
    name = step.unit_name or step.part_name
    if word not in ASKED or name is None:
        return None
    found = codes.speaker(name)
    return None if found == DESK else found


def _disposal(message: Message, codes: Codes) -> tuple[Draft, ...]:
    disposal = _parsed(wire.Disposal, message)
    data = EventData(
        text=disposal.opinion,
        unit=_cut(disposal.unit_name, 200),
        person=_cut(disposal.human_name, 100),
        status=_code(disposal.state),
        attachments=cases.attachments(disposal, message.key),
    )
    return _told(message, disposal, EventType.REPLIED, data, disposal.time)


def _check(message: Message, codes: Codes) -> tuple[Draft, ...]:
    if message.data.get("archiveTypeId") not in (None, ""):
        return _archive(message, codes)
    check = _parsed(wire.Disposal, message)
    state = codes.check_states.get(check.state or "")
    data = EventData(
        text=check.opinion,
        unit=_cut(check.unit_name, 200),
        person=_cut(check.human_name, 100),
        resolved=state["resolved"] if state else None,
        status=_code(check.state, state["name"] if state else None),
        attachments=cases.attachments(check, message.key),
    )
    # Without a result it was looked at, and nothing is said about what was found.
    known = state is not None or check.state is None
    return _told(message, check, EventType.VERIFIED if known else None, data, check.time)


def _archive(message: Message, codes: Codes) -> tuple[Draft, ...]:
    archive = _parsed(wire.Archive, message)
    data = EventData(
        text=archive.opinion,
        person=_cut(archive.human_name, 100),
        status=_code(archive.type_id, archive.type_name),
        attachments=cases.attachments(archive, message.key),
    )
    return _told(message, archive, EventType.CLOSED, data, archive.time)


def _application(message: Message, codes: Codes) -> tuple[Draft, ...]:
    applied = _parsed(wire.Application, message)
    if applied.kind is None:
        raise Unclear("data has no applyTypeId or replyResult (缺少applyTypeId或replyResult)")
    word = codes.applications[message.action].get(applied.kind)
    status = _code(applied.kind)
    if applied.postpone_type not in (None, UNTIL, *codes.postpone_units):
        word, status = None, _code(f"postponeType={applied.postpone_type}")
    data = EventData(
        text=applied.opinion,
        unit=_cut(applied.unit_name, 200),
        person=_cut(applied.human_name, 100),
        due_at=applied.postpone_deadline or applied.third_deadline,
        extend_by=_span(applied, codes),
        status=status,
        attachments=cases.attachments(applied, message.key),
    )
    return _told(message, applied, word, data, applied.time)


def _evaluate(message: Message, codes: Codes) -> tuple[Draft, ...]:
    rated = _parsed(wire.Evaluate, message)
    said = rated.evaluation
    word = codes.evaluate_states.get(said.state or "")
    data = EventData(
        text=said.content or next((detail.opinion for detail in said.details if detail.opinion), None),
        satisfaction=Satisfaction(word) if word else None,
        score=_score(said),
        indicators=tuple(_indicators(said)),
        stage=codes.evaluate_stages.get(said.state or ""),
        status=_code(said.state),
    )
    actor = codes.evaluate_types.get(said.type or "")
    known = (word is not None or said.state is None) and actor is not None
    return _told(message, rated, EventType.RATED if known else None, data, said.time, actor=actor)


def _notify(message: Message, codes: Codes) -> tuple[Draft, ...]:
    told = _parsed(wire.Notify, message)
    method = codes.notify_methods.get(told.method or "", told.method)
    data = EventData(text=told.content, status=_code(told.type, method))
    return _told(message, told, codes.notify_types.get(told.type or ""), data, told.time)


def _updated(message: Message, codes: Codes) -> tuple[Draft, ...]:
    changed = _parsed(wire.Report, message)
    data = EventData(
        text=changed.dispatch_opinion,
        unit=_cut(changed.handle_org_name, 200),
        due_at=changed.dispose_deadline,
        sign_by=changed.sign_deadline,
        return_by=changed.rollback_deadline,
        place=_moved(changed),
        raw=_raw(message),
        attachments=cases.attachments(changed, message.key),
    )
    type_ = EventType.REHANDLED if changed.re_handle == "1" else EventType.NOTED
    return _told(message, changed, type_, data, None)


def _moved(changed: wire.Report) -> Place | None:
    """The place in an update, where it says one."""
    place = submission.place_of(changed)
    return place if place != Place() else None


def _spoken(type_: EventType, level: SupervisionLevel | None = None) -> Reader:
    """A reader for the actions that carry an opinion at most."""

    def read(message: Message, codes: Codes) -> tuple[Draft, ...]:
        said = _parsed(wire.Opinion, message)
        data = EventData(
            text=said.opinion,
            unit=_cut(said.unit_name, 200),
            person=_cut(said.human_name, 100),
            due_at=said.end_time,
            level=level,
            status=_code(message.action) if type_ is EventType.NOTED else None,
            attachments=cases.attachments(said, message.key),
        )
        return _told(message, said, type_, data, said.time)

    return read


READERS: Mapping[str, Reader] = {
    "REPORT": _report,
    "ITEM_INST_SYNC": _step,
    "DISPOSE_FEEDBACK": _disposal,
    "CHECK_FEEDBACK": _check,
    "ARCHIVE": _archive,
    "APPLY_ROLLBACK": _application,
    "REPLY_ROLLBACK": _application,
    "APPLY_POSTPONE": _application,
    "REPLY_POSTPONE": _application,
    "APPLY_CANCEL": _application,
    "REPLY_CANCEL": _application,
    "REPLY_FINISH": _application,
    "EVALUATE": _evaluate,
    "NOTIFY": _notify,
    "UPDATE_CASE_INFO": _updated,
    "UPLOAD_CASE_INFO": _updated,
    "UPLOAD_MEDIA": _spoken(EventType.NOTED),
    "SIGN": _spoken(EventType.SIGNED),
    "SUPERVISE": _spoken(EventType.SUPERVISED),
    "PRESS": _spoken(EventType.URGED, SupervisionLevel.URGE),
    "CANCEL": _spoken(EventType.CANCELLED),
    "APPLY_ARCHIVE": _spoken(EventType.NOTED),
    "EVALUATE_APPEAL": _spoken(EventType.NOTED),
    "EVALUATE_AUDIT": _spoken(EventType.NOTED),
}
"""Every action that brings news. The last four, CANCEL and REPLY_FINISH exist as notices only."""


# ── helpers ──


def _parsed(model: type[W], message: Message) -> W:
    return model.model_validate(message.data)


def _told(
    message: Message,
    case: wire.Case,
    word: str | None,
    data: EventData,
    when: datetime | None,
    *,
    actor: str | None = None,
) -> tuple[Draft, ...]:
    """The update; without a word for it, `unknown` with the payload as it came."""
    if word is None:
        data = data.model_copy(update={"raw": _raw(message)})
    return (
        Update(
            message_key=message.key,
            refs=cases.refs(case),
            type=EventType(word or EventType.UNKNOWN),
            data=data,
            occurred_at=when or message.at,
            external_ids=cases.external_ids(case),
            actor=actor,
        ),
    )


def _raw(message: Message) -> str:
    return json.dumps({"action": message.action, "data": message.data}, ensure_ascii=False)


def _span(applied: wire.Application, codes: Codes) -> Span | None:
    unit = codes.postpone_units.get(applied.postpone_type or "")
    amount = applied.postpone_time
    return Span(amount=amount, unit=unit) if unit and amount and 0 < amount <= 10_000 else None


def _score(said: wire.Evaluation) -> str | None:
    """The overall score; what each indicator says stands in `indicators`."""
    return f"{said.score:g}" if said.score is not None else None


def _indicators(said: wire.Evaluation) -> Iterator[Indicator]:
    for detail in said.details:
        for one in detail.indicators:
            if one.code is not None and one.score is not None:
                yield Indicator(code=one.code[:64], name=_cut(one.name, 200), score=f"{one.score:g}"[:32])


def _code(code: str | None, name: str | None = None) -> RawCode | None:
    return RawCode(code=code[:64], name=_cut(name, 200)) if code else None


def _cut(text: str | None, length: int) -> str | None:
    return text[:length] if text else None
