"""A petition that starts at the center: the petition document of the doors as the center's own report."""

from datetime import datetime
from typing import Any

from adapters.governance_center.codes import Codes, code_for
from adapters.governance_center.values import wire_time
from schemas.petition import URGENCY_ZH, Urgency

Document = dict[str, Any]


def report_fields(document: Document, codes: Codes) -> Document:
    """The report's fields; what the petition document does not say is left out."""
    fields = {
        "eventName": document.get("title", ""),
        "content": document.get("content", ""),
        "appealType": document.get("kind"),
        "urgencyDegree": code_for(codes.urgency, _urgency(document.get("urgency"))),
        "happenTimeStr": _time(document.get("occurred_at")),
        "attrs": document.get("attachments"),
        **_place(document.get("place") or {}),
        **_contact(document.get("petitioner") or {}),
        **_category(document.get("category") or {}),
        **_units(document),
    }
    return {name: value for name, value in fields.items() if value not in (None, [])}


def _urgency(word: Any) -> Urgency:
    chinese = {zh: urgency for urgency, zh in URGENCY_ZH.items()}
    return chinese.get(word) or Urgency(word or Urgency.NORMAL)


def _time(written: Any) -> str | None:
    return wire_time(datetime.fromisoformat(written)) if written else None


def _place(place: Document) -> Document:
    names = {
        "region_code": "regionCode",
        "street": "streetName",
        "community": "communityName",
        "grid": "gridCode",
        "address": "occurred",
        "longitude": "longitude",
        "latitude": "latitude",
    }
    return {wire: place.get(name) for name, wire in names.items()}


def _contact(person: Document) -> Document:
    return {
        "contactUserName": person.get("name"),
        "contactTel": person.get("phone"),
        "openId": person.get("openid"),
        "anonymous": "1" if person.get("anonymous") else None,
        "confidential": "1" if person.get("confidential") else None,
    }


def _category(category: Document) -> Document:
    return {"eventType": category.get("code"), "typeName": category.get("name")}


def _units(document: Document) -> Document:
    return {
        "targetOrgName": document.get("lead_unit"),
        "assistOrgNames": list(document.get("assist_units", ())),
    }
