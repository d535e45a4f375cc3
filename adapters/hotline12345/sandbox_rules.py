"""What the standard demands of each action's data. The sandbox refuses what does not keep to it."""

import re
from collections.abc import Callable, Mapping
from typing import Any

_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def time(value: Any) -> bool:
    return isinstance(value, str) and _TIME.fullmatch(value) is not None


def number(value: Any) -> bool:
    """Coordinates and scores come as numbers and as strings."""
    return isinstance(value, (int, float)) or (
        isinstance(value, str) and value.replace(".", "", 1).lstrip("-").isdigit()
    )


def flag(value: Any) -> bool:
    return value in (0, 1) and not isinstance(value, bool)


def files(value: Any) -> bool:
    return isinstance(value, list) and all(_file(one) for one in value)


def document(value: Any) -> bool:
    return isinstance(value, dict)


def _file(one: Any) -> bool:
    if not isinstance(one, dict) or not (text(one.get("mediaPath")) or text(one.get("content"))):
        return False
    return text(one.get("mediaName")) and text(one.get("mediaUsage")) and whole(one.get("mediaTypeId"))


Rule = Callable[[Any], bool]
APPLY: Mapping[str, Rule] = {"caseId": text, "applyTypeId": flag, "applyReason": text, "applyTime": time}
REPLY: Mapping[str, Rule] = {"caseId": text, "replyResult": flag, "replyOpinion": text, "replyTime": time}
CASE: Mapping[str, Rule] = {"caseId": text}

REQUIRED: Mapping[str, Mapping[str, Rule]] = {
    "REPORT": {
        "caseId": text,
        "registerTime": time,
        "eventDesc": text,
        "recTypeId": whole,
        "recTypeName": text,
        "eventSrcId": whole,
        "eventSrcName": text,
        "address": text,
        "medias": files,
    },
    "GET_REC_INFO": CASE,
    "GET_REC_PROCESS_INFO": CASE,
    "ITEM_INST_SYNC": {
        "caseId": text,
        "action": text,
        "actionName": text,
        "actionTime": time,
        "partName": text,
        "itemContent": text,
    },
    "DISPOSE_FEEDBACK": {"caseId": text, "disposeOpinion": text},
    "CHECK_FEEDBACK": {"caseId": text, "disposeOpinion": text, "disposeState": flag},
    "APPLY_ROLLBACK": APPLY,
    "APPLY_POSTPONE": {**APPLY, "postponeType": whole, "postponeTime": number},
    "APPLY_CANCEL": APPLY,
    "REPLY_ROLLBACK": REPLY,
    "REPLY_POSTPONE": REPLY,
    "REPLY_CANCEL": REPLY,
    "ARCHIVE": {"caseId": text, "archiveTypeId": whole},
    "EVALUATE": {"caseId": text, "misRecEvaluation": document},
    "SUPERVISE": {"caseId": text, "opinion": text},
    "PRESS": {"caseId": text, "opinion": text},
    "SIGN": CASE,
    "NOTIFY": {"caseId": text, "notifyContent": text, "notifyTypeId": whole, "notifyMethod": whole},
    "UPDATE_CASE_INFO": CASE,
    "UPLOAD_CASE_INFO": CASE,
    "UPLOAD_MEDIA": {"caseId": text, "medias": files},
    "GET_NOTICE_INFO": {"noticeName": text},
    "NOTICE_SIGNING": {"noticeList": lambda value: isinstance(value, list)},
}
"""Every action there is; any other is unknown."""

TYPED: Mapping[str, Rule] = {
    "medias": files,
    "coordinateX": number,
    "coordinateY": number,
    "districtId": whole,
    "urgentLevelId": whole,
    "reporterPublicFlag": flag,
    "eventPropertyId": whole,
    "disposeTime": time,
    "archiveTime": time,
    "endTime": time,
    "postponeDeadline": time,
    "thirdDeadlineTime": time,
    "caseHandleId": text,
    "caseNum": text,
    "curPage": whole,
    "numPerPage": whole,
}


def fault(action: str, data: Mapping[str, Any]) -> str | None:
    """What is wrong with `data`, or None."""
    for name, rule in REQUIRED[action].items():
        if not rule(data.get(name)):
            return f"参数错误：{name}"
    for name, value in data.items():
        if name in TYPED and not TYPED[name](value):
            return f"参数类型错误：{name}"
    if action == "APPLY_POSTPONE" and data["postponeType"] == 0 and not time(data.get("postponeDeadline")):
        return "参数错误：postponeDeadline"
    return None
