"""From a canonical event to the center's document: pure."""

from collections.abc import Callable
from typing import Any

from adapters.governance_center import packages, supervision
from adapters.governance_center.codes import Codes, code_for
from adapters.governance_center.numbers import EVENT_ID
from adapters.governance_center.values import wire_time
from adapters.governance_center.wire import Op
from bridge.adapter import Outgoing, Permanent
from bridge.rules.rehandling import ASKED, is_citizens_word
from schemas.event import FINDING_ZH, Assignment, Event, EventData, EventType, PartState, Span, UnitRole
from schemas.petition import Attachment, Petition

Fields = dict[str, Any]

HOURS_A_DAY = 24
LONGEST_WHO = 40
UNNAMED = "承办单位"
NOBODYS: Fields = dict.fromkeys(("orgName", "orgCode", "role", "partStatus"))
"""Spoken by no unit."""
SAID = {
    "satisfied": "满意",
    "fair": "基本满意",
    "unsatisfied": "不满意",
    "yes": "已解决",
    "no": "未解决",
    "partly": "部分解决",
}
ITSELF = "000"
"""How a center calls itself among the platforms (INTERFACES 2)."""
PASSED, DENIED = "1", "2"
REVIEWS = {
    EventType.RETURNED: PASSED,
    EventType.RETURN_DENIED: DENIED,
    EventType.EXTENDED: PASSED,
    EventType.EXTENSION_DENIED: DENIED,
}
ESCALATIONS = frozenset({EventType.SUPERVISED, EventType.URGED, EventType.RECLASSED})
"""Events that bring a petition to the center which it may never have heard of: the report then goes first."""


def op_for(outgoing: Outgoing, codes: Codes) -> Op:
    """What the center is told. Raises `Permanent` for a type the table does not name."""
    kind = outgoing.event.type
    if kind in ESCALATIONS and EVENT_ID not in outgoing.external_ids:
        return Op.REPORT
    if kind is EventType.RECLASSED and outgoing.event.data.package is not None:
        return Op.PACKAGE
    if kind is EventType.NOTED and outgoing.event.data.supervision is not None:
        return Op.SUPERVISE
    if kind not in codes.says:
        raise Permanent("not_spoken")
    op = codes.says[kind]
    return Op.PROGRESS if op is Op.EVALUATE and _unheard(outgoing) else op


def document(outgoing: Outgoing, codes: Codes, op: Op | None = None) -> Fields:
    """The whole document, as `op` or as the event's usual one; what is not known is left out."""
    op = op or op_for(outgoing, codes)
    fields = {
        "op": op.value,
        "messageId": outgoing.idempotency_key,
        "eventId": outgoing.external_ids.get(EVENT_ID, outgoing.petition.petition_id),
        "oppoSideBusiCode": outgoing.petition.petition_id,
        "taskTime": wire_time(outgoing.event.occurred_at),
        "taskName": outgoing.event.type.zh,
        "status": codes.status_out.get(outgoing.event.type),
        **_step(outgoing.event.data, codes),
        **packages.fields(outgoing.event.data),
        **WRITERS.get(op, _nothing)(outgoing, codes),
        **(_of_itself(outgoing.event) if _unheard(outgoing) else {}),
    }
    return {name: value for name, value in fields.items() if value is not None and value != []}


def said(fields: Fields) -> str:
    """The text of a document that was meant for a reader: a report's content, any other step's advice."""
    return str((fields.get("content") if fields.get("op") == Op.REPORT else fields.get("advice")) or "")


# ── whose word it is ──────────────────────────────────────────────────────────────────────────────────────


def _unheard(outgoing: Outgoing) -> bool:
    """Whether it is a follow-up or a rating and not the citizen's word."""
    return outgoing.event.type in ASKED and not is_citizens_word(outgoing.event, outgoing.petition)


def _of_itself(event: Event) -> Fields:
    """A step whose name says who spoke. No status and no unit: it moves neither the event nor a unit's part."""
    data = event.data
    who = "系统自动" if event.actor == "system" else f"{(data.unit or UNNAMED)[:LONGEST_WHO]}自行"
    said = (data.text, SAID.get(data.satisfaction or ""), SAID.get(data.resolved or ""))
    return {
        **NOBODYS,
        "status": None,
        "taskName": who + event.type.zh,
        "advice": data.text or "，".join(word for word in said if word) or FINDING_ZH.get(data.finding or ""),
    }


# ── every step ────────────────────────────────────────────────────────────────────────────────────────────


def _step(data: EventData, codes: Codes) -> Fields:
    return {
        "advice": data.text or FINDING_ZH.get(data.finding or ""),
        "orgName": data.unit,
        "orgCode": codes.unit_code(data.unit) if data.unit else None,
        "role": data.role.value if data.role else None,
        "transactorName": data.person,
        "handleDate": wire_time(data.due_at) if data.due_at else None,
        "taskId": data.reference,
        "attrs": _files(data.attachments),
        "partStatus": _part_status(data, codes),
    }


def _part_status(data: EventData, codes: Codes) -> str | None:
    """Where the part of the unit that speaks stands, if the event says so."""
    state: PartState | None = next((one.state for one in data.units if one.unit == data.unit), None)
    return code_for(codes.part, state.value) if state else None


def _files(files: tuple[Attachment, ...]) -> list[Fields]:
    return [file.model_dump(exclude_none=True) for file in files]


# ── what each op adds ─────────────────────────────────────────────────────────────────────────────────────


def _nothing(outgoing: Outgoing, codes: Codes) -> Fields:
    return {}


def _report(outgoing: Outgoing, codes: Codes) -> Fields:
    petition, data = outgoing.petition, outgoing.event.data
    return {
        **codes.report_defaults,
        "eventName": petition.title,
        "content": petition.content,
        "appealType": petition.kind.zh,
        "eventType": petition.category.code,
        "typeName": petition.category.name,
        "handleWay": petition.handling_class.zh,
        "urgencyDegree": code_for(codes.urgency, petition.urgency),
        "registerTimeStr": wire_time(petition.submitted_at),
        "happenTimeStr": wire_time(petition.occurred_at) if petition.occurred_at else None,
        "attrs": _files(petition.attachments + data.attachments),
        **_place(petition),
        **_contact(petition),
        **_targets(data.units or _units(petition), codes),
        **supervision.fields(outgoing, codes),
        "relatedCodes": _related(outgoing, codes),
    }


def _place(petition: Petition) -> Fields:
    place = petition.place
    return {
        "occurred": place.address,
        "regionCode": place.region_code,
        "streetName": place.street,
        "communityName": place.community,
        "gridCode": place.grid,
        "longitude": place.longitude,
        "latitude": place.latitude,
    }


def _contact(petition: Petition) -> Fields:
    """Who brought it, unless that must not be known: the center hands reports on to the units complained about."""
    person = petition.petitioner
    if person.confidential or person.anonymous:
        return {"confidential": "1" if person.confidential else None, "anonymous": "1" if person.anonymous else None}
    return {"contactUserName": person.name, "contactTel": person.phone, "openId": person.openid}


def _related(outgoing: Outgoing, codes: Codes) -> list[Fields]:
    """The numbers by which the center may have heard of the same matter: from its other channels, or its own of an
    earlier round."""
    platforms = {system: code for code, system in reversed(codes.peers.items())}
    others = [
        {"bizPlatform": platforms[known.system], "code": known.value}
        for known in outgoing.petition.external_ids
        if known.system in platforms
    ]
    earlier = outgoing.external_ids.get(EVENT_ID)
    return others + ([{"bizPlatform": ITSELF, "code": earlier}] if earlier else [])


def _units(petition: Petition) -> tuple[Assignment, ...]:
    lead = (Assignment(unit=petition.lead_unit, role=UnitRole.LEAD),) if petition.lead_unit else ()
    return lead + tuple(Assignment(unit=name, role=UnitRole.ASSIST) for name in petition.assist_units)


def _targets(units: tuple[Assignment, ...], codes: Codes) -> Fields:
    """One assignment each, and the same in the platform's flat fields."""
    entries = [
        {
            "orgName": one.unit,
            "orgCode": one.code or codes.unit_code(one.unit) or "",
            "role": one.role.value,
            **({"partStatus": code_for(codes.part, one.state.value)} if one.state else {}),
        }
        for one in units
    ]
    lead = next((entry for entry in entries if entry["role"] == UnitRole.LEAD), None)
    assists = [entry for entry in entries if entry["role"] == UnitRole.ASSIST]
    return {
        "assignments": entries,
        "targetOrgName": lead["orgName"] if lead else None,
        "targetOrgCode": lead["orgCode"] if lead else None,
        "assistOrgNames": [entry["orgName"] for entry in assists],
        "assistOrgCodes": [entry["orgCode"] for entry in assists],
    }


def _dispatch(outgoing: Outgoing, codes: Codes) -> Fields:
    return _targets(outgoing.event.data.units, codes)


def _supervise(outgoing: Outgoing, codes: Codes) -> Fields:
    return {**supervision.fields(outgoing, codes), **_targets(outgoing.event.data.units, codes)}


def _review(outgoing: Outgoing, codes: Codes) -> Fields:
    return {"checkResult": REVIEWS.get(outgoing.event.type), **_delay(outgoing, codes)}


def _delay(outgoing: Outgoing, codes: Codes) -> Fields:
    span, text = outgoing.event.data.extend_by, outgoing.event.data.text
    return {"reason": text, **(_interval(span, codes) if span else {})}


def _interval(span: Span, codes: Codes) -> Fields:
    if span.unit == "hours":
        return {"interval": round(span.amount / HOURS_A_DAY, 4), "intervalUnit": code_for(codes.interval, "days")}
    amount = int(span.amount) if span.amount.is_integer() else span.amount
    return {"interval": amount, "intervalUnit": code_for(codes.interval, span.unit)}


def _evaluate(outgoing: Outgoing, codes: Codes) -> Fields:
    data = outgoing.event.data
    return {
        # It is the citizen's word: a unit that is named would be speaking of itself.
        **NOBODYS,
        "satisfaction": code_for(codes.satisfaction, data.satisfaction) if data.satisfaction else None,
        "score": data.score,
        "isSolved": code_for(codes.resolved, data.resolved) if data.resolved else None,
    }


WRITERS: dict[Op, Callable[[Outgoing, Codes], Fields]] = {
    Op.REPORT: _report,
    Op.DISPATCH: _dispatch,
    Op.PACKAGE: _dispatch,
    Op.SUPERVISE: _supervise,
    Op.DELAY_APPLY: _delay,
    Op.DELAY_REVIEW: _review,
    Op.RETURN_APPLY: _delay,
    Op.RETURN_REVIEW: _review,
    Op.EVALUATE: _evaluate,
}
"""Ops that are not here say all they have in the fields every step has."""
