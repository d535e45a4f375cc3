"""A case at the sandboxed hotline, and what each step of it says to the bridge."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from adapters.hotline12345 import times
from adapters.hotline12345.sandbox_states import ENDED, moved_to
from schemas.base import SHANGHAI

UNITS = ("市水务局", "市住房和城乡建设局", "任城区人民政府", "市公安局交警支队", "市城市管理局", "高新区管委会")


@dataclass(slots=True)
class Case:
    """`originated`: it began at the hotline. `petition_id` is the bridge's number for it, once known; `order` the
    work order as it was reported, by whichever side; `uid` that of the REPORT that tells it."""

    case_id: str
    rec_id: int
    task_num: str
    handle: str = ""
    originated: bool = False
    petition_id: str = ""
    title: str = ""
    description: str = ""
    unit: str = UNITS[0]
    reply: str = ""
    progress: str = ""
    signed: bool = False
    state: str = "受理"
    steps: list[dict[str, Any]] = field(default_factory=list)
    order: dict[str, Any] = field(default_factory=dict)
    entered: datetime = field(default_factory=lambda: datetime.now(SHANGHAI))
    uid: str = ""

    def move(self, action: str, data: Mapping[str, Any]) -> None:
        """Where the case stands after an action, told by either side."""
        state = moved_to(action, data)
        if state is not None and (self.state not in ENDED or state == "重办"):
            self.state = state
        self.signed = self.signed or action == "SIGN"

    @property
    def names(self) -> dict[str, str]:
        """How a message names the case: with their own numbers where it is theirs, with ours where we reported it."""
        if not self.originated:
            return {"caseId": self.case_id}
        return {"caseId": self.case_id, "caseHandleId": self.handle, "caseNum": self.task_num}


def script(case: Case, dice: random.Random) -> list[str]:
    """The steps the autopilot takes: most cases go straight, some are handed back, some need more time."""
    steps = [] if case.originated else ["accept", "dispatch"]
    if not case.originated and dice.random() < 0.1:
        steps += ["rollback", "rollback_reply", "redispatch"]
    steps += ["sign", "progress"]
    if dice.random() < 0.1:
        steps += ["postpone", "postpone_reply"]
    return [*steps, "reply", "archive"]


Message = tuple[str, dict[str, Any]]
Writer = Callable[[Case, str, datetime], Message]


def say(case: Case, step: str, text: str, now: datetime) -> Message:
    """The action and data of one step, which the case has then taken. KeyError: there is no such step."""
    action, data = STEPS[step](case, text, now)
    case.move(action, data)
    return action, case.names | data


def _item(code: str, name: str, default: str) -> Writer:
    def write(case: Case, text: str, now: datetime) -> Message:
        data = {
            "action": code,
            "actionName": name,
            "actionTime": times.write(now),
            "partName": "12345热线值班员",
            "unitName": "市12345热线受理中心",
            "itemContent": text or default,
        }
        if code == "transit":
            data |= {"nextUnitName": case.unit, "nextPartName": case.unit, "nextTaskDefineName": "责任单位处置"}
        return "ITEM_INST_SYNC", data

    return write


def _redispatch(case: Case, text: str, now: datetime) -> Message:
    case.unit = UNITS[(UNITS.index(case.unit) + 1) % len(UNITS)]
    return _item("transit", "改派", "请贵单位按时限办理并答复市民")(case, text, now)


def _progress(case: Case, text: str, now: datetime) -> Message:
    action, data = _item("handle", "处置", "已联系市民，正在现场核实办理")(case, text or case.progress, now)
    return action, data | {"unitName": case.unit, "partName": case.unit}


def _sign(case: Case, text: str, now: datetime) -> Message:
    return "SIGN", {"signTime": times.write(now), "unitName": case.unit}


def _reply(case: Case, text: str, now: datetime) -> Message:
    return "DISPOSE_FEEDBACK", {
        "disposeOpinion": text or case.reply or courteous(case),
        "disposeTime": times.write(now),
        "disposeState": 1,
        "disposeHumanName": "王科长",
        "disposeUnitName": case.unit,
        "medias": [],
    }


def courteous(case: Case) -> str:
    """A reply as a good unit would write it."""
    matter = f"“{case.title}”" if case.title else "有关"
    return (
        f"尊敬的市民，您好！您反映的{matter}问题收悉。{case.unit}高度重视，已安排工作人员现场核实并办理，"
        "相关情况已当面向您说明。如有疑问，请拨打12345。感谢您对我们工作的理解与支持！"
    )


def _archive(case: Case, text: str, now: datetime) -> Message:
    return "ARCHIVE", {
        "archiveTypeId": 1,
        "archiveTypeName": "正常结案",
        "archiveTime": times.write(now),
        "archiveOpinion": text or "已答复市民，予以结案",
        "archiveHumanName": "热线值班长",
        "autoTransitNext": 1,
    }


def _postpone(case: Case, text: str, now: datetime) -> Message:
    """By days, by hours, or until a date: by turns."""
    spans: tuple[dict[str, Any], ...] = (
        {"postponeType": 2, "postponeTime": 2.5},
        {"postponeType": 1, "postponeTime": "48"},
        {"postponeType": 0, "postponeTime": 0, "postponeDeadline": times.write(now + timedelta(days=3))},
    )
    return "APPLY_POSTPONE", _applied(case, text or "案情较为复杂，需多部门会商，申请延期", now) | spans[
        case.rec_id % 3
    ]


def _rollback(case: Case, text: str, now: datetime) -> Message:
    return "APPLY_ROLLBACK", _applied(case, text or "不属于本单位职责范围，建议转有关主管部门办理", now)


def _applied(case: Case, reason: str, now: datetime) -> dict[str, Any]:
    return {
        "applyTypeId": 1,
        "applyReason": reason,
        "applyTime": times.write(now),
        "applyHumanName": "李科员",
        "applyUnitName": case.unit,
    }


def _applying(action: str, kind: int, default: str) -> Writer:
    return lambda case, text, now: (action, _applied(case, text or default, now) | {"applyTypeId": kind})


def _check(case: Case, text: str, now: datetime) -> Message:
    return "CHECK_FEEDBACK", {
        "disposeOpinion": text or "经核查，情况属实，问题已解决",
        "disposeTime": times.write(now),
        "disposeState": 1,
        "disposeUnitName": "市12345热线受理中心",
        "medias": [],
    }


def _check_archive(case: Case, text: str, now: datetime) -> Message:
    """The end of a case as the standard's table has it."""
    return "CHECK_FEEDBACK", _archive(case, text, now)[1]


def _notify(case: Case, text: str, now: datetime) -> Message:
    said = {"notifyContent": text or "您的诉求正在办理，请您耐心等待", "notifyTypeId": 96, "notifyMethod": 1}
    return "NOTIFY", said | {"notifyTime": times.write(now)}


def _update(action: str) -> Writer:
    """A new time limit and a corrected place."""

    def write(case: Case, text: str, now: datetime) -> Message:
        until = times.write(now + timedelta(days=5))
        return action, {"disposeDeadlineTime": until, "dispatchOpinion": text or "已核定办理时限"}

    return write


def _media(case: Case, text: str, now: datetime) -> Message:
    name = text or "现场照片.jpg"
    file = {
        "mediaName": name,
        "mediaPath": "https://files.example.invalid/1.jpg",
        "mediaUsage": "核实",
        "mediaTypeId": 1,
    }
    return "UPLOAD_MEDIA", {"medias": [file]}


def _remark(action: str, default: str) -> Writer:
    return lambda case, text, now: (action, {"applyReason": text or default, "applyTime": times.write(now)})


def _cancel(case: Case, text: str, now: datetime) -> Message:
    return "CANCEL", {"cancelOpinion": text or "重复登记，予以作废", "cancelTime": times.write(now)}


def _replied(action: str, default: str, result: int = 1) -> Writer:
    def write(case: Case, text: str, now: datetime) -> Message:
        return action, {
            "replyResult": result,
            "replyOpinion": text or default,
            "replyTime": times.write(now),
            "replyUnitName": "市12345热线受理中心",
        }

    return write


def _evaluate(case: Case, text: str, now: datetime) -> Message:
    said = {"indicatorId": 1, "indicatorCode": "rec_total_evaluation", "score": "5"}
    evaluation = {
        "schemeId": 1,
        "evaluateTime": times.write(now),
        "content": text or "非常满意",
        "score": 5,
        "evaluateState": 0,
        "evaluateType": 0,
        "detailList": [{"groupId": 1, "opinion": text or "非常满意", "indicatorResult": [said]}],
    }
    return "EVALUATE", {"misRecEvaluation": evaluation}


def _evaluate_auto(case: Case, text: str, now: datetime) -> Message:
    """Nobody has rated in time: the system rates by itself."""
    said = {"schemeId": 1, "evaluateTime": times.write(now), "content": text or "逾期未评价，系统自动评价"}
    return "EVALUATE", {"misRecEvaluation": said | {"score": 5, "evaluateState": 0, "evaluateType": 1}}


def _visit_unit(case: Case, text: str, now: datetime) -> Message:
    """What the handling unit says of its own visit."""
    action, data = _item("visit", "回访", "我单位已回访，市民表示满意")(case, text, now)
    return action, data | {"unitName": case.unit, "partName": case.unit}


def _opinion(action: str, default: str) -> Writer:
    return lambda case, text, now: (action, {"opinion": text or default})


STEPS: Mapping[str, Writer] = {
    "accept": _item("accept", "受理", "诉求已受理"),
    "dispatch": _item("transit", "批转", "请贵单位按时限办理并答复市民"),
    "redispatch": _redispatch,
    "sign": _sign,
    "progress": _progress,
    "rollback": _rollback,
    "rollback_reply": _replied("REPLY_ROLLBACK", "同意退单"),
    "postpone": _postpone,
    "postpone_reply": _replied("REPLY_POSTPONE", "同意延期"),
    "reply": _reply,
    "archive": _archive,
    "evaluate": _evaluate,
    "evaluate_auto": _evaluate_auto,
    "press": _opinion("PRESS", "请加快办理，尽快答复市民"),
    "supervise": _opinion("SUPERVISE", "群众反映强烈，请重点督办"),
    "visit": _item("visit", "回访", "已电话回访，市民表示满意"),
    "visit_unit": _visit_unit,
    "check": _check,
    "check_archive": _check_archive,
    "notify": _notify,
    "update": _update("UPDATE_CASE_INFO"),
    "upload": _update("UPLOAD_CASE_INFO"),
    "media": _media,
    "rollback_now": _applying("APPLY_ROLLBACK", 0, "不属于本单位职责范围，已退回"),
    "rollback_deny": _replied("REPLY_ROLLBACK", "属于贵单位职责范围，请继续办理", 0),
    "postpone_deny": _replied("REPLY_POSTPONE", "请按原时限办结", 0),
    "cancel_apply": _applying("APPLY_CANCEL", 1, "市民要求撤回诉求"),
    "cancel_reply": _replied("REPLY_CANCEL", "同意作废"),
    "cancel_deny": _replied("REPLY_CANCEL", "不同意作废", 0),
    "cancel": _cancel,
    "finish_reply": _replied("REPLY_FINISH", "同意办结"),
    "archive_apply": _remark("APPLY_ARCHIVE", "申请办结"),
    "evaluate_appeal": _remark("EVALUATE_APPEAL", "对评价结果提出申诉"),
    "evaluate_audit": _remark("EVALUATE_AUDIT", "申诉审核通过"),
}
"""Those of `NOTICES_ONLY` are told under the name of their notice."""
