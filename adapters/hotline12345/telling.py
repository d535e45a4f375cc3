"""What we tell the hotline: canonical → wire. Pure; which event becomes which action is data (`[tell]` in codes.toml).

A message carries what the action needs and no more (see `work_order.py` for what a REPORT says of the citizen).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from adapters.hotline12345 import cases, times
from adapters.hotline12345.codes import Codes
from adapters.hotline12345.work_order import medias, place_of, work_order
from bridge.adapter import Outgoing, Permanent
from bridge.rules import calendar
from bridge.rules.rehandling import is_citizens_word
from bridge.rules.term import Term
from schemas.base import shanghai
from schemas.event import FINDING_ZH, Event, EventType, Satisfaction

Data = dict[str, Any]


@cache
def _calendar() -> calendar.Calendar:
    return calendar.Calendar(calendar.rules())


@dataclass(frozen=True, slots=True)
class Told:
    """One call to make: the action as we spell it, and its data. `part` names it among the calls of one hand-off."""

    action: str
    data: Data
    part: str = ""


PARTS = ("info", "media", "sign")
"""What a hand-off may need beside its first call; each has the hand-off's uid with `/part` behind it."""


def calls(outgoing: Outgoing, codes: Codes, unit_name: str) -> tuple[Told, ...]:
    """The calls that tell `outgoing`, at least one. Raises `Permanent` for an event that this case cannot be told."""
    letter = Letter(outgoing, codes, unit_name)
    if outgoing.event.type is EventType.NOTED and codes.tell[EventType.NOTED].theirs == "ITEM_INST_SYNC":
        return _noted(letter)
    action = _action(letter)
    return (Told(codes.spelling.get(action, action), WRITERS[action](letter)),)


def _action(letter: "Letter") -> str:
    outgoing = letter.outgoing
    event, theirs = outgoing.event, is_theirs(outgoing)
    telling = letter.codes.tell.get(event.type)
    action = "" if telling is None else telling.theirs if theirs else telling.ours
    if event.type is EventType.RECLASSED and not outgoing.external_ids:
        # Re-classed to the hotline, which has never heard of it: this is how it gets the case.
        return "REPORT"
    if event.type is EventType.SUBMITTED and outgoing.petition.source != cases.SYSTEM:
        # The citizen may have called there too, and we have heard of it before this went out: they get ours all the
        # same, with the number of theirs beside it, and join the two.
        action = telling.ours if telling is not None else ""
    if action == "NOTIFY" and event.type is EventType.FOLLOWED_UP and not _citizen_spoke(outgoing):
        # Nobody answered the visit, or a unit speaks of its own: to say that the citizen was told would be untrue.
        return "ITEM_INST_SYNC"
    if action == "APPLY_POSTPONE" and event.type is EventType.EXTENDED and not _says_until_when(event):
        # Another system has granted more time, without a date: nothing that could be applied for. Parked, it would keep
        # the answer behind it from the citizen.
        return "ITEM_INST_SYNC"
    if action not in WRITERS:
        raise Permanent("the_case_is_theirs" if theirs else f"no_action:{event.type}")
    return action


def _says_until_when(event: Event) -> bool:
    return event.data.due_at is not None or event.data.extend_by is not None


def _citizen_spoke(outgoing: Outgoing) -> bool:
    data = outgoing.event.data
    answered = data.resolved is not None or data.satisfaction is not None
    return answered and data.finding != "unreachable" and is_citizens_word(outgoing.event, outgoing.petition)


def _noted(letter: "Letter") -> tuple[Told, ...]:
    """What was added to a case: words as a step, a place as an update, files as files."""
    data, files = letter.outgoing.event.data, letter.medias("上报")
    place = place_of(data.place) if data.place else {}
    told: list[Told] = []
    if data.text or not (place or files):
        told.append(Told("ITEM_INST_SYNC", _step(letter)))
    if place:
        told.append(Told(letter.codes.spelling["UPDATE_CASE_INFO"], letter.case | place, "info"))
    if files:
        told.append(Told("UPLOAD_MEDIA", letter.case | files, "media"))
    return tuple(told)


def is_theirs(outgoing: Outgoing) -> bool:
    """Whether the case began at the hotline. One that we reported may learn their own caseId later and stays ours."""
    numbers = outgoing.external_ids
    reported = "taskNum" in numbers or "recId" in numbers
    return "caseId" in numbers and (outgoing.petition.source == cases.SYSTEM or not reported)


def case_id(outgoing: Outgoing) -> str:
    """The case as the hotline knows it: its own id if it began there, else our petition id."""
    return outgoing.external_ids["caseId"] if is_theirs(outgoing) else outgoing.petition.petition_id


@dataclass(frozen=True, slots=True)
class Letter:
    """What every writer needs."""

    outgoing: Outgoing
    codes: Codes
    unit_name: str

    @property
    def case(self) -> Data:
        handle = self.outgoing.external_ids.get("caseHandleId") if is_theirs(self.outgoing) else None
        return {"caseId": case_id(self.outgoing), **({"caseHandleId": handle} if handle else {})}

    @property
    def text(self) -> str:
        """The words of the event; what was found or its Chinese name where it has none, for the field is required."""
        data = self.outgoing.event.data
        return data.text or FINDING_ZH.get(data.finding or "") or self.outgoing.event.type.zh

    @property
    def unit(self) -> str:
        return self.outgoing.event.data.unit or self.unit_name

    @property
    def at(self) -> str:
        return times.write(self.outgoing.event.occurred_at)

    def medias(self, usage: str) -> Data:
        """The attachments, where there are any."""
        files = medias(self.outgoing.event.data.attachments, usage)
        return {"medias": files} if files else {}


# ── everything else ──


def _step(letter: Letter) -> Data:
    event = letter.outgoing.event
    telling = letter.codes.tell[_step_type(letter.outgoing)]
    data = letter.case | {
        "action": telling.step,
        "actionName": telling.name,
        "actionTime": letter.at,
        "partName": letter.unit_name,
        "itemContent": letter.text,
    }
    if event.type is EventType.DISPATCHED and event.data.unit:
        return data | {"nextUnitName": event.data.unit, "nextPartName": event.data.unit}
    return data | ({"unitName": event.data.unit} if event.data.unit else {})


def _step_type(outgoing: Outgoing) -> EventType:
    """A visit in which the citizen was not heard is their step only under the name of the unit that answers for it."""
    event = outgoing.event
    nobodys = (
        event.type is EventType.FOLLOWED_UP and not event.data.unit and not is_citizens_word(event, outgoing.petition)
    )
    return EventType.NOTED if nobodys else event.type


def _report(letter: Letter) -> Data:
    """A case they do not have yet; or one that is handled again, as a new dispatch with a number of its own."""
    event = letter.outgoing.event
    order = work_order(letter.outgoing.petition, letter.codes)
    if event.type is not EventType.REHANDLED:
        return order | _same(letter, order)
    said = _joined(event.data.text, order.get("dispatchOpinion"))
    again = {"caseHandleId": round_trip(letter.outgoing), "reHandleFlag": 1, "dispatchTime": letter.at}
    return order | again | ({"dispatchOpinion": said} if said else {})


def _same(letter: Letter, order: Data) -> Data:
    """For a case that they have as one of their own already."""
    theirs = letter.outgoing.external_ids.get("caseId")
    if theirs is None:
        return {}
    words = letter.codes.report["same_case"].format(caseId=theirs)
    return {"repeatCallFlag": 1, "dispatchOpinion": _joined(words, order.get("dispatchOpinion"))}


def _joined(*words: str | None) -> str:
    return "\n".join(one for one in words if one)


def round_trip(outgoing: Outgoing) -> str:
    """The number of this dispatch of a case of ours: the same for every attempt, another for every re-handling."""
    return f"{outgoing.petition.petition_id}-R{outgoing.event.sequence}"


def _sign(letter: Letter) -> Data:
    return letter.case


def _dispose(letter: Letter) -> Data:
    person = letter.outgoing.event.data.person
    data = letter.case | {"disposeOpinion": letter.text, "disposeTime": letter.at, "disposeUnitName": letter.unit}
    return data | ({"disposeHumanName": person} if person else {}) | letter.medias("处置")


def _check(letter: Letter) -> Data:
    passed = letter.outgoing.event.data.resolved != "no"
    data = {"disposeOpinion": letter.text, "disposeTime": letter.at, "disposeUnitName": letter.unit}
    return letter.case | data | {"disposeState": int(passed)} | letter.medias("核查")


def _apply(letter: Letter) -> Data:
    """An application wants a reply (1) while it is one, and none (0) once the thing is done."""
    asking = letter.outgoing.event.type.endswith("_requested")
    # To cancel a case that is theirs is theirs to decide, even when it is over for us.
    theirs_to_say = letter.outgoing.event.type is EventType.CANCELLED and is_theirs(letter.outgoing)
    data = {
        "applyTypeId": int(asking or theirs_to_say),
        "applyReason": letter.text,
        "applyTime": letter.at,
        "applyUnitName": letter.unit,
    }
    return letter.case | data


def _apply_rollback(letter: Letter) -> Data:
    return _apply(letter) | letter.medias("处置")


def _apply_postpone(letter: Letter) -> Data:
    said = letter.outgoing.event.data
    until = said.due_at or letter.outgoing.event.occurred_at
    if said.extend_by is not None and said.extend_by.unit in ("hours", "days"):
        span: Data = {"postponeType": 1 if said.extend_by.unit == "hours" else 2, "postponeTime": said.extend_by.amount}
    elif said.due_at is not None:
        span = {"postponeType": 0, "postponeTime": 0, "postponeDeadline": times.write(until)}
    elif said.extend_by is not None:
        # The standard knows hours, days and a date, not working days: as many days as these working days span.
        asked = letter.outgoing.event.occurred_at
        later = _calendar().later(asked, Term.of(said.extend_by)).at
        span = {"postponeType": 2, "postponeTime": (shanghai(later).date() - shanghai(asked).date()).days}
    else:
        raise Permanent("postpone_without_date")
    return _apply(letter) | span | letter.medias("处置")


def _reply(letter: Letter) -> Data:
    event = letter.outgoing.event
    data = letter.case | {
        "replyResult": 0 if event.type.endswith("_denied") else 1,
        "replyOpinion": letter.text,
        "replyTime": letter.at,
        "replyUnitName": letter.unit,
    }
    return data | ({"thirdDeadlineTime": times.write(event.data.due_at)} if event.data.due_at else {})


def _archive(letter: Letter) -> Data:
    archive = letter.codes.archive
    return letter.case | {
        "archiveTypeId": archive["type_id"],
        "archiveTypeName": archive["type_name"],
        "archiveTime": letter.at,
        "archiveOpinion": letter.text,
    }


def _notify(letter: Letter) -> Data:
    notify, event = letter.codes.notify, letter.outgoing.event
    if event.type not in notify["types"]:
        raise Permanent(f"no_notify_type:{event.type}")
    return letter.case | {
        "notifyContent": letter.text,
        "notifyTypeId": notify["types"][event.type],
        "notifyMethod": notify["method"],
        "notifyTime": letter.at,
    }


def _state(event: Event, satisfaction: Satisfaction, states: Mapping[str, int]) -> int:
    """Bad in the end is worse than bad at first (多次差评)."""
    return states.get(f"{event.data.stage}_{satisfaction}", states[satisfaction])


def _evaluate(letter: Letter) -> Data:
    event, table = letter.outgoing.event, letter.codes.evaluate
    unsolved = event.data.resolved == "no"
    satisfaction = event.data.satisfaction or (Satisfaction.UNSATISFIED if unsolved else Satisfaction.FAIR)
    evaluation = {
        "schemeId": table["scheme_id"],
        "evaluateTime": letter.at,
        "score": table["scores"][satisfaction],
        "evaluateState": _state(event, satisfaction, table["states"]),
        "evaluateType": 0 if is_citizens_word(event, letter.outgoing.petition) else 1,
    }
    measured = [one for one in event.data.indicators if one.code and _SCORE.fullmatch(one.score)]
    worded = [f"{one.code}：{one.score}" for one in event.data.indicators if one not in measured]
    if measured:
        results = [
            {"indicatorId": n, "indicatorCode": one.code, "score": one.score} for n, one in enumerate(measured, 1)
        ]
        evaluation["detailList"] = [{"opinion": letter.text, "indicatorResult": results}]
    # A score in words has no place in a number's field, and is said all the same.
    evaluation["content"] = "；".join([letter.text, *worded])
    return letter.case | {"misRecEvaluation": evaluation}


_SCORE = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def _opinion(letter: Letter) -> Data:
    return letter.case | {"opinion": letter.text}


def _supervise(letter: Letter) -> Data:
    due = letter.outgoing.event.data.due_at
    return _opinion(letter) | ({"endTime": times.write(due)} if due else {})


WRITERS: Mapping[str, Callable[[Letter], Data]] = {
    "REPORT": _report,
    "ITEM_INST_SYNC": _step,
    "SIGN": _sign,
    "DISPOSE_FEEDBACK": _dispose,
    "CHECK_FEEDBACK": _check,
    "APPLY_ROLLBACK": _apply_rollback,
    "REPLY_ROLLBACK": _reply,
    "APPLY_POSTPONE": _apply_postpone,
    "REPLY_POSTPONE": _reply,
    "APPLY_CANCEL": _apply,
    "REPLY_CANCEL": _reply,
    "ARCHIVE": _archive,
    "EVALUATE": _evaluate,
    "NOTIFY": _notify,
    "SUPERVISE": _supervise,
    "PRESS": _opinion,
}
