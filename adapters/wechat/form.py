"""The form door: the form back end files a secretary's petition document (CONTRACT 4)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from pydantic import ValidationError

from adapters.wechat.crypto import matches
from bridge import strictjson
from bridge.adapter import Malformed, Outcome, Reading, Refused, Request, Response, Submission, Taken
from schemas.petition import ExternalId, PetitionDocument

SYSTEM = "wechat"
PATH = "/in/wechat/petitions"
MOST_FAULTS = 20

_STATUS = {
    400: ("unreadable", "The body cannot be read / 请求体无法读取"),
    401: ("unauthorized", "The key is missing or wrong / 密钥缺失或有误"),
    413: ("too-large", "The body is over 1 MiB / 请求体超过1MiB"),
    422: ("invalid-petition", "The petition document does not hold / 诉求文件不符合要求"),
    503: ("unavailable", "Nothing was kept, please send it again / 暂未保存，请重新提交"),
}

_ZH: Mapping[str, str] = {
    "missing": "必填，请补充",
    "extra_forbidden": "不认识的字段，请删除或核对字段名",
    "string_type": "应为字符串",
    "string_too_short": "不能为空",
    "string_too_long": "过长，请缩短",
    "string_pattern_mismatch": "含有不允许的字符",
    "enum": "取值不在允许的范围内",
    "bool_type": "应为true或false",
    "bool_parsing": "应为true或false",
    "float_type": "应为数字",
    "float_parsing": "应为数字",
    "finite_number": "应为有限的数字",
    "greater_than_equal": "数值过小",
    "less_than_equal": "数值过大",
    "timezone_aware": "时间须带时区，如2026-11-22T09:30:00+08:00",
    "datetime_type": "应为带时区的时间，如2026-11-22T09:30:00+08:00",
    "datetime_parsing": "应为带时区的时间，如2026-11-22T09:30:00+08:00",
    "datetime_from_date_parsing": "应为带时区的时间，如2026-11-22T09:30:00+08:00",
    "tuple_type": "应为数组",
    "model_type": "应为对象",
    "value_error": "请按提示修改",
}


class FormDoor:
    """Reads the requests of the form back end. Without a configured key it refuses everything."""

    def __init__(self, key: str) -> None:
        self._key = key

    def read(self, request: Request) -> Reading:
        if reason := self._refusal(request.headers.get("authorization", "")):
            return Refused(problem(401, "Send Authorization: Bearer <key> / 请在Authorization中提供密钥"), reason)
        try:
            document = PetitionDocument.model_validate(strictjson.loads_object(request.body))
        except strictjson.BadJson as error:
            return Malformed(problem(400, str(error)), str(error))
        except ValidationError as error:
            return _invalid(error)
        return Taken((submission(document, request.received_at),), _answer)

    def _refusal(self, authorization: str) -> str | None:
        if not self._key:
            return "no_key_configured"
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() != "bearer" or not matches(self._key, given.strip()):
            return "unknown_key"
        return None


def message_key(external_id: str) -> str:
    """The same document twice is one petition."""
    return f"form:{external_id}"


def submission(document: PetitionDocument, received_at: datetime) -> Submission:
    """What a petition document becomes, whichever way it came."""
    return Submission(
        message_key=message_key(document.external_id),
        petition=document.draft(),
        external_ids=(ExternalId(system=SYSTEM, kind="external_id", value=document.external_id),),
        submitted_at=received_at,
        actor="owner",
    )


def _answer(outcomes: Sequence[Outcome]) -> Response:
    first = outcomes[0]
    return Response(202, orjson.dumps({"petition_id": first.petition_id, "receipt": first.receipt}))


def _invalid(error: ValidationError) -> Malformed:
    faults = [_fault(fault) for fault in error.errors(include_url=False, include_input=False, include_context=False)]
    named = "; ".join(f"{fault['field']}: {fault['reason']}" for fault in faults[:3])
    return Malformed(problem(422, named, errors=faults[:MOST_FAULTS]), f"petition document: {named}")


def _fault(fault: Mapping[str, Any]) -> dict[str, str]:
    # pydantic's texts name the rule and never the value.
    reason = fault["msg"].removeprefix("Value error, ")
    # A rule over several fields has no place of its own; it begins with the name of the field to mend.
    field = ".".join(_name(part) for part in fault["loc"]) or reason.partition(":")[0]
    zh = _ZH.get(fault["type"], "请核对")
    return {"field": field, "reason": f"{reason} ({zh})", "next": f"mend {field} and send it again / 请修改后重新提交"}


def _name(part: object) -> str:
    # A field's name comes from the caller as well: shortened, and without anything that could break a line.
    text = str(part)
    return "".join(c for c in text if c.isprintable())[:40] or "?"


def problem(status: int, detail: str, **more: Any) -> Response:
    """An RFC 9457 problem document."""
    name, title = _STATUS[status]
    document = {"type": f"urn:laiting:problem:{name}", "title": title, "status": status, "detail": detail, **more}
    return Response(status, orjson.dumps(document), "application/problem+json")
