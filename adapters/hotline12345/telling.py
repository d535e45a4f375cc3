"""What we tell the hotline: canonical → wire. Pure; which event becomes which action is data (`[tell]` in codes.toml).

A message carries what the action needs and no more. The hotline itself must be able to call the citizen back, so name
and number go with a REPORT unless the petition is anonymous; `reporterPublicFlag` 0 and the sentence about discretion
keep them from the unit complained about. An openid never goes out: the hotline has no use for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.hotline12345 import cases, times
from adapters.hotline12345.codes import Codes
from bridge.adapter import Outgoing, Permanent
from schemas.event import EventType, Satisfaction
from schemas.petition import Attachment, Petition

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """One call to make: the action and its data."""

    action: str
    data: Data


def tell(outgoing: Outgoing, codes: Codes, unit_name: str) -> Told:
    """The call that tells `outgoing`. Raises `Permanent` for an event that this case cannot be told."""
    theirs = is_theirs(outgoing)
    telling = codes.tell.get(outgoing.event.type)
    action = "" if telling is None else telling.theirs if theirs else telling.ours
    if outgoing.event.type is EventType.RECLASSED and not outgoing.external_ids:
        # Re-classed to the hotline, which has never heard of it: this is how it gets the case.
        action = "REPORT"
    if action not in WRITERS:
        raise Permanent("the_case_is_theirs" if theirs else f"no_action:{outgoing.event.type}")
    return Told(action, WRITERS[action](Letter(outgoing, codes, unit_name)))


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
        """The words of the event; its Chinese name where it has none, for the field is required."""
        return self.outgoing.event.data.text or self.outgoing.event.type.zh

    @property
    def unit(self) -> str:
        return self.outgoing.event.data.unit or self.unit_name

    @property
    def at(self) -> str:
        return times.write(self.outgoing.event.occurred_at)

    def medias(self, usage: str) -> Data:
        """The attachments, where there are any."""
        files = self.outgoing.event.data.attachments
        return {"medias": [media(one, usage) for one in files]} if files else {}


def media(file: Attachment, usage: str) -> Data:
    return {"mediaName": file.name, "mediaPath": file.url, "mediaUsage": usage, "mediaTypeId": 1}


# ── REPORT ──


def _report(letter: Letter) -> Data:
    petition, codes = letter.outgoing.petition, letter.codes
    kind = codes.kinds_sent[petition.kind]
    source = codes.event_sources.get(petition.source) or codes.event_sources["*"]
    data: Data = {
        "caseId": petition.petition_id,
        "caseNum": petition.petition_id,
        "registerTime": times.write(petition.submitted_at),
        "title": petition.title or petition.content[:50],
        "eventDesc": petition.content,
        "recTypeId": kind["rec_type"],
        "recTypeName": petition.kind.zh,
        "eventPropertyName": petition.kind.zh,
        "eventSrcId": source["id"],
        "eventSrcName": source["name"],
        "urgentLevelId": codes.urgency_sent[petition.urgency],
        "caseMark": codes.report["case_mark"],
        "medias": [media(one, "上报") for one in petition.attachments],
    }
    if "property" in kind:
        data["eventPropertyId"] = kind["property"]
    return data | _place(petition, codes) | _subject(petition) | _reporter(petition, codes)


def _place(petition: Petition, codes: Codes) -> Data:
    place = petition.place
    parts = {
        "streetName": place.street,
        "communityName": place.community,
        "cellName": place.grid,
        "coordinateX": place.longitude,
        "coordinateY": place.latitude,
    }
    data = {name: value for name, value in parts.items() if value is not None}
    if place.region_code and place.region_code.isdecimal():
        data["districtId"] = int(place.region_code)
    written = "".join(part for part in (place.street, place.community) if part)
    data["address"] = place.address or written or codes.report["no_address"]
    return data


def _subject(petition: Petition) -> Data:
    """The category by name only: its code is the source's, and would mean something else over there."""
    data = {"mainTypeName": petition.category.name, "handleOrgName": petition.lead_unit}
    return {name: value for name, value in data.items() if value}


def _reporter(petition: Petition, codes: Codes) -> Data:
    person = petition.petitioner
    hidden = person.anonymous or person.confidential
    data: Data = {"reporterPublicFlag": 0 if hidden else 1}
    if hidden or petition.kind in codes.report["discreet_kinds"]:
        data["dispatchOpinion"] = codes.report["discretion"]
    if person.anonymous:
        return data | {"reporterName": codes.report["anonymous_names"][0]}
    known = {"reporterName": person.name, "contact": person.phone, "telReply": person.phone}
    return data | {name: value for name, value in known.items() if value}


# ── everything else ──


def _step(letter: Letter) -> Data:
    event = letter.outgoing.event
    telling = letter.codes.tell[event.type]
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
    return _apply(letter) | letter.medias("申请回退")


def _apply_postpone(letter: Letter) -> Data:
    said = letter.outgoing.event.data
    until = said.due_at or letter.outgoing.event.occurred_at
    if said.extend_by is not None and said.extend_by.unit in ("hours", "days"):
        span: Data = {"postponeType": 1 if said.extend_by.unit == "hours" else 2, "postponeTime": said.extend_by.amount}
    elif said.due_at is not None:
        span = {"postponeType": 0, "postponeTime": 0, "postponeDeadline": times.write(until)}
    else:
        # The standard knows hours, days and a date; working days without a date cannot be said.
        raise Permanent("postpone_without_date")
    return _apply(letter) | span | letter.medias("申请延期")


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


def _evaluate(letter: Letter) -> Data:
    event, table = letter.outgoing.event, letter.codes.evaluate
    satisfaction = event.data.satisfaction or Satisfaction.FAIR
    evaluation = {
        "schemeId": table["scheme_id"],
        "evaluateTime": letter.at,
        "content": letter.text,
        "score": table["scores"][satisfaction],
        "evaluateState": table["states"][satisfaction],
        "evaluateType": 0 if event.actor == "petitioner" else 1,
    }
    return letter.case | {"misRecEvaluation": evaluation}


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
    "SUPERVISE": _supervise,
    "PRESS": _opinion,
}
