"""What the interface document allows in an event document, said a second time and by itself.

In its strict mode the sandbox refuses whatever is not written here, so that what the bridge sends is checked against
the document (README, sections 2 to 5) and not against the bridge's own models and tables.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

Document = Mapping[str, Any]
Rule = Callable[[Any], bool]

TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
NUMBER = re.compile(r"[^\x00-\x1f\x7f]{1,128}")
CODE = re.compile(r"[^\x00-\x1f\x7f]{1,64}")
LONGEST_TEXT = 100_000


def text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TEXT


def short(longest: int) -> Rule:
    return lambda value: isinstance(value, str) and len(value) <= longest


def number(value: Any) -> bool:
    return isinstance(value, str) and NUMBER.fullmatch(value) is not None


def code(value: Any) -> bool:
    return isinstance(value, str) and CODE.fullmatch(value) is not None


def one_of(*codes: str) -> Rule:
    return lambda value: value in codes


def time(value: Any) -> bool:
    if not isinstance(value, str) or TIME.fullmatch(value) is None:
        return False
    try:
        datetime.strptime(value, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - the wire has no zone
    except ValueError:
        return False
    return True


def within(lowest: float, highest: float) -> Rule:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and lowest <= value <= highest


def count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def listed(rule: Rule) -> Rule:
    return lambda value: isinstance(value, list) and bool(value) and all(map(rule, value))


def entry(allowed: Mapping[str, Rule], *required: str) -> Rule:
    """An object with these keys and no other."""

    def fits(value: Any) -> bool:
        if not isinstance(value, dict) or not set(required) <= value.keys() <= allowed.keys():
            return False
        return all(allowed[name](one) for name, one in value.items())

    return fits


# ── fields ────────────────────────────────────────────────────────────────────────────────────────────────

FLAG = one_of("1")
ROLE = one_of("lead", "assist")
PART = one_of("0", "1", "2", "3", "4", "5", "6", "7")
UNIT_NAME = short(200)
UNIT = entry(
    {"orgName": UNIT_NAME, "orgCode": short(64), "role": ROLE, "partStatus": PART}, "orgName", "orgCode", "role"
)
FILE = entry({"name": short(255), "url": short(2048), "usage": short(32)}, "name", "url")
RELATED = entry({"bizPlatform": code, "code": number}, "bizPlatform", "code")

ANY_STEP: Mapping[str, Rule] = {
    "op": code,
    "messageId": number,
    "eventId": number,
    "oppoSideBusiCode": number,
    "taskTime": time,
    "taskName": short(50),
    "status": code,
    "advice": text,
    "orgName": UNIT_NAME,
    "orgCode": short(64),
    "role": ROLE,
    "partStatus": PART,
    "transactorName": short(100),
    "handleDate": time,
    "taskId": number,
    "attrs": listed(FILE),
    "packageId": number,
    "packageName": short(500),
    "topic": short(200),
    "packagePlan": short(10_000),
    "packageDueDate": time,
    "householdsTotal": count,
    "householdsDone": count,
    "batchNo": count,
}
ALWAYS = ("op", "messageId", "eventId", "oppoSideBusiCode", "taskTime", "taskName")

UNITS: Mapping[str, Rule] = {
    "assignments": listed(UNIT),
    "targetOrgName": UNIT_NAME,
    "targetOrgCode": short(64),
    "assistOrgNames": listed(UNIT_NAME),
    "assistOrgCodes": listed(short(64)),
}
ORDER: Mapping[str, Rule] = {
    "supervisionType": one_of("1", "2", "3"),
    "remindStatus": one_of("1", "2", "3"),
    "superviseState": one_of("0", "1", "2", "3", "4", "5", "6"),
    "superviseNo": number,
    "superviseReason": one_of("1", "2", "3", "4", "5"),
    "superviseOrgName": UNIT_NAME,
}
DELAY: Mapping[str, Rule] = {"reason": text, "interval": within(0.0001, 10_000), "intervalUnit": one_of("1", "2")}
REVIEW: Mapping[str, Rule] = {"checkResult": one_of("1", "2"), **DELAY}
WHO = ("contactUserName", "contactTel", "openId")
REPORT: Mapping[str, Rule] = {
    "eventName": short(500),
    "content": text,
    "appealType": one_of("咨询", "求助", "投诉", "举报", "建议", "表扬", "其他"),
    "eventType": short(64),
    "typeName": short(200),
    "handleWay": one_of("现场解决", "派出单位办理", "12345统一转办", "重点督办", "打包处理"),
    "urgencyDegree": code,
    "registerTimeStr": time,
    "happenTimeStr": time,
    "occurred": short(1000),
    "regionCode": short(12),
    "streetName": short(100),
    "communityName": short(100),
    "gridCode": short(64),
    "longitude": within(-180, 180),
    "latitude": within(-90, 90),
    "contactUserName": short(100),
    "contactTel": short(64),
    "openId": number,
    "anonymous": FLAG,
    "confidential": FLAG,
    "relatedCodes": listed(RELATED),
    "collectWay": one_of("02"),
    "source": one_of("01", "02"),
    "influenceDegree": one_of("01", "02", "03"),
    "involvedNum": one_of("00"),
    **UNITS,
    **ORDER,
}

OWN: Mapping[str, Mapping[str, Rule]] = {
    "report": REPORT,
    "dispatch": UNITS,
    "sign": {},
    "progress": {},
    "return_apply": DELAY,
    "return_review": REVIEW,
    "delay_apply": DELAY,
    "delay_review": REVIEW,
    "supervise": {**ORDER, **UNITS},
    "reply": {},
    "close": {},
    "evaluate": {"satisfaction": one_of("01", "02", "03"), "score": short(64), "isSolved": one_of("0", "1", "2")},
    "withdraw": {},
    "package": UNITS,
}
"""What each op may say beside what any step may say."""

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "report": ("eventName", "content", "appealType", "urgencyDegree", "registerTimeStr", "handleWay"),
    "return_review": ("checkResult",),
    "delay_review": ("checkResult",),
    "supervise": ("remindStatus",),
    "package": ("packageId",),
}

STATUS: Mapping[str, frozenset[str]] = {
    "jiangyin": frozenset({"02", "03", "04", "06", "99"}),
    "ffcs": frozenset({"00", "01", "02", "03", "04", "05", "06", "07", "99"}),
    "wecom": frozenset({"待受理", "办理中", "已办结", "不受理"}),
    "digital_city": frozenset("0123456"),
}
"""The status codes of the platforms whose documents list them."""

URGENCY: Mapping[str, frozenset[str]] = {
    "jiangyin": frozenset({"01", "02", "03"}),
    "ffcs": frozenset({"01", "02", "03"}),
    "wecom": frozenset({"1", "2", "3"}),
}


def fault(document: Document, platform: str) -> str | None:
    """The first thing in `document` that the interface does not allow, in the center's words; None: it is allowed."""
    op = str(document.get("op"))
    if op not in OWN:
        return "字段op的取值不在约定之内"
    allowed = {**ANY_STEP, **OWN[op]}
    for name in (*ALWAYS, *REQUIRED.get(op, ())):
        if name not in document:
            return f"字段{name}缺失：{op}须填写"
    for name, value in document.items():
        if name not in allowed:
            return f"字段{name}不适用于{op}"
        if not allowed[name](value):
            return f"字段{name}的取值不在约定之内"
    return _codes(document, platform) or _together(document)


def _codes(document: Document, platform: str) -> str | None:
    for name, table in (("status", STATUS), ("urgencyDegree", URGENCY)):
        if name in document and document[name] not in table.get(platform, {document[name]}):
            return f"字段{name}的取值不在本平台代码表之内"
    return None


def _together(document: Document) -> str | None:
    """Rules that look at more than one field."""
    hidden = [name for name in WHO if name in document and ("confidential" in document or "anonymous" in document)]
    if hidden:
        return f"字段{hidden[0]}不得填写：诉求人要求保密或匿名"
    if ("longitude" in document) != ("latitude" in document):
        return "字段longitude、latitude须同时填写"
    if ("interval" in document) != ("intervalUnit" in document):
        return "字段interval、intervalUnit须同时填写"
    if document.get("householdsDone", 0) > document.get("householdsTotal", float("inf")):
        return "字段householdsDone不能大于householdsTotal"
    leads = [unit for unit in document.get("assignments", ()) if unit["role"] == "lead"]
    return "主办单位只能有一个" if len(leads) > 1 else None
