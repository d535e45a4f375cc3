"""Where a case at the sandboxed hotline stands after an action (当前环节), whoever told it."""

from collections.abc import Mapping
from typing import Any

ENDED = frozenset({"结案", "作废", "不予受理", "并单"})
"""Nothing moves a case on from here but a re-handling."""

_STEPS: Mapping[str, str] = {
    "accept": "受理",
    "not_accept": "不予受理",
    "transit": "派遣",
    "sign": "签收",
    "handle": "处置",
    "dispose": "核查",
    "apply_rollback": "申请回退",
    "rollback": "回退",
    "rollback_denied": "处置",
    "apply_postpone": "申请延期",
    "postpone": "处置",
    "postpone_denied": "处置",
    "cancel": "作废",
    "check": "核查",
    "visit": "回访",
    "rehandle": "重办",
    "merge": "并单",
    "suspend": "挂起",
    "resume": "处置",
    "finish": "结案",
}

_ACTIONS: Mapping[str, str] = {
    "SIGN": "签收",
    "DISPOSE_FEEDBACK": "核查",
    "CHECK_FEEDBACK": "核查",
    "ARCHIVE": "结案",
    "CANCEL": "作废",
}

_VERDICTS: Mapping[tuple[str, int], str] = {
    ("APPLY_ROLLBACK", 0): "回退",
    ("APPLY_ROLLBACK", 1): "申请回退",
    ("REPLY_ROLLBACK", 0): "处置",
    ("REPLY_ROLLBACK", 1): "回退",
    ("APPLY_POSTPONE", 0): "处置",
    ("APPLY_POSTPONE", 1): "申请延期",
    ("REPLY_POSTPONE", 0): "处置",
    ("REPLY_POSTPONE", 1): "处置",
    ("APPLY_CANCEL", 0): "作废",
    ("REPLY_CANCEL", 1): "作废",
    ("REPLY_FINISH", 1): "结案",
    ("NOTIFY", 1): "受理",
    ("NOTIFY", 2): "核查",
    ("NOTIFY", 96): "处置",
}


def moved_to(action: str, data: Mapping[str, Any]) -> str | None:
    """The state after the action; None: it says nothing about where the case stands."""
    if action == "ITEM_INST_SYNC":
        return _STEPS.get(str(data.get("action")))
    if action == "CHECK_FEEDBACK" and data.get("archiveTypeId") is not None:
        return "结案"
    if action in ("REPORT", "UPDATE_CASE_INFO", "UPLOAD_CASE_INFO"):
        return "重办" if data.get("reHandleFlag") == 1 else None
    verdict = data.get("applyTypeId", data.get("replyResult", data.get("notifyTypeId")))
    return _ACTIONS.get(action) or (_VERDICTS.get((action, verdict)) if isinstance(verdict, int) else None)
