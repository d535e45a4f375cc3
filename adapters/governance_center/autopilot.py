"""What the center does with a case by itself: a script of steps, each one document to the bridge."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from adapters.governance_center.cases import Case
from adapters.governance_center.values import wire_time
from adapters.governance_center.wire import Op

Fields = dict[str, Any]
CENTER = "市社会治理服务中心"
ISSUED = "1"
PROPOSED = ("supervisionType", "remindStatus", "superviseReason")
DELAYED = 0.3
DELAY_GRANTED = 0.8
SATISFIED = 0.85
PLANNED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Step:
    op: Op
    fields: Fields = field(default_factory=dict)


def reported(case: Case, random: Random) -> Iterator[Step]:
    """A case the bridge reported: an order is published, then the units work."""
    yield supervise(case)
    yield from worked(case, random)


def worked(case: Case, random: Random) -> Iterator[Step]:
    """Dispatched, signed by each unit, worked on; the assisting units answer first, the lead answers last."""
    yield dispatch(case)
    for unit in (case.lead, *case.assists):
        yield sign(case, unit)
    yield progress(case, case.lead)
    if random.random() < DELAYED:
        yield delay_apply(case)
        yield delay_review(case, granted=random.random() < DELAY_GRANTED)
    for unit in case.assists:
        yield reply(case, unit, f"{unit}已完成协办事项，办理情况已告知{case.lead}。")
    yield reply(case)
    yield close(case)
    yield evaluate(case, satisfied=random.random() < SATISFIED)


def supervise(case: Case) -> Step:
    text = "该事项列入重点督办，请主办单位按时办结并向群众反馈。"
    return Step(Op.SUPERVISE, {"remindStatus": "2", "superviseState": ISSUED, "advice": text})


def issued(case: Case, proposal: Fields) -> Step:
    """An operator publishes the order that the bridge proposed, at its level, with a number of the center's own."""
    asked: Fields = {name: proposal[name] for name in PROPOSED if name in proposal}
    return Step(
        Op.SUPERVISE,
        {
            **asked,
            "superviseState": ISSUED,
            "superviseNo": f"DB-{case.number[:17]}-{case.said + 1}",
            "superviseOrgName": CENTER,
            "advice": "同意提请，督办单已发布，请主办单位按时办结。",
        },
    )


def propose(case: Case) -> Step:
    return Step(Op.SUPERVISE, {"remindStatus": "2", "superviseState": "0", "advice": "提请列入重点督办，待审核发布。"})


def order_step(state: str, text: str) -> Callable[[Case], Step]:
    """The order's own life after it was published."""
    return lambda case: Step(Op.SUPERVISE, {"remindStatus": "2", "superviseState": state, "advice": text})


def dispatch(case: Case) -> Step:
    units = [(case.lead, "lead"), *((name, "assist") for name in case.assists)]
    return Step(
        Op.DISPATCH,
        {
            "advice": "请按职责办理；请勿将诉求人信息提供给被反映单位。",
            "targetOrgName": case.lead,
            "assistOrgNames": list(case.assists),
            "assignments": [{"orgName": name, "orgCode": "", "role": role} for name, role in units],
        },
    )


def sign(case: Case, unit: str) -> Step:
    return Step(Op.SIGN, {**_by(case, unit), "advice": "已签收"})


def progress(case: Case, unit: str, text: str | None = None) -> Step:
    told = text or case.texts.get("progress") or f"{unit}已到现场核实情况，正在办理，请您放心。"
    return Step(Op.PROGRESS, {**_by(case, unit), "advice": told})


def return_apply(case: Case) -> Step:
    return Step(Op.RETURN_APPLY, {**_by(case, case.lead), "reason": "该事项不属于本单位职责范围，申请退回改派。"})


def return_review(case: Case) -> Step:
    return Step(Op.RETURN_REVIEW, {"checkResult": "1", "advice": "同意退回，另行派单。"})


def delay_apply(case: Case) -> Step:
    why = "需与多个部门会商，申请延期办理。"
    return Step(Op.DELAY_APPLY, {**_by(case, case.lead), "reason": why, "interval": "2.5", "intervalUnit": 1})


def delay_review(case: Case, *, granted: bool = True) -> Step:
    told = "同意延期。" if granted else "不同意延期，请按原时限办结。"
    return Step(Op.DELAY_REVIEW, {"checkResult": 1 if granted else 2, "advice": told})


def reply(case: Case, unit: str | None = None, text: str | None = None) -> Step:
    """A unit finishes its part; the lead's words are the answer to the citizen."""
    told = (
        text
        or case.texts.get("reply")
        or (
            f"您好！您反映的问题收悉，{case.lead}高度重视，已会同有关单位现场核实并办理完毕。"
            "感谢您对我们工作的关心和支持，如有其他问题，欢迎随时反映。"
        )
    )
    return Step(Op.REPLY, {**_by(case, unit or case.lead), "advice": told})


def excuse(case: Case) -> Step:
    """The center lets an assisting unit go: it has nothing to do in this matter."""
    unit = next(iter(case.open_assists()), case.lead)
    return Step(Op.PROGRESS, {**_by(case, unit), "partStatus": "7", "advice": "经研究，该单位不再承担协办任务。"})


def first_batch(case: Case) -> Step:
    """Some of many households are done; the rest go on."""
    told = {"householdsTotal": 500, "householdsDone": 162, "batchNo": 1}
    return Step(Op.CLOSE, {**told, "advice": "首批162户已办结，其余正在办理。"})


def package(case: Case) -> Step:
    """The case is put into a package with others (`members` of the command)."""
    told = {"packageId": f"P{case.number[:14]}", "packageName": "专题整治", "topic": "同类诉求打包处理"}
    plan = {
        "packagePlan": f"由{case.lead}牵头，逐件核实，统一处置，分批办结并逐件答复诉求人。",
        "packageDueDate": wire_time(case.entered_at + PLANNED),
    }
    return Step(
        Op.PACKAGE, {**dispatch(case).fields, **told, **plan, "advice": "同类诉求打包处理，由主办单位牵头办理。"}
    )


def close(case: Case) -> Step:
    return Step(Op.CLOSE, {"advice": "经核查，事项已办结。"})


def evaluate(case: Case, *, satisfied: bool = True) -> Step:
    """The center's own desk has asked the citizen: no unit speaks."""
    told = "满意" if satisfied else "基本满意"
    asked = {"transactorName": "中心回访员", "advice": f"电话回访，诉求人表示：{told}"}
    return Step(Op.EVALUATE, {**asked, "satisfaction": "01" if satisfied else "02", "isSolved": "1"})


def evaluate_unit(case: Case) -> Step:
    """What the lead says of its own work."""
    told = {"satisfaction": "01", "isSolved": "1", "advice": "本单位自查：已办结，群众满意。"}
    return Step(Op.EVALUATE, {**_by(case, case.lead), **told})


def urge(case: Case) -> Step:
    return Step(Op.SUPERVISE, {"remindStatus": "1", "advice": "请抓紧办理，并及时回复群众。"})


def withdraw(case: Case) -> Step:
    return Step(Op.WITHDRAW, {"advice": "诉求人撤回诉求。"})


STEPS: dict[str, Callable[[Case], Step]] = {
    "supervise": supervise,
    "propose": propose,
    "order_signed": order_step("2", "责任单位已签收督办单。"),
    "order_feedback": order_step("3", "责任单位已反馈办理情况。"),
    "order_review": order_step("4", "督办单正在审核。"),
    "order_closed": order_step("5", "督办单办结。"),
    "order_rejected": order_step("6", "提请未予批准。"),
    "urge": urge,
    "dispatch": dispatch,
    "sign": lambda case: sign(case, case.lead),
    "progress": lambda case: progress(case, case.lead),
    "return_apply": return_apply,
    "return_review": return_review,
    "delay_apply": delay_apply,
    "delay_review": delay_review,
    "excuse": excuse,
    "reply": reply,
    "first_batch": first_batch,
    "close": close,
    "evaluate": evaluate,
    "evaluate_unit": evaluate_unit,
    "withdraw": withdraw,
    "package": package,
}
"""The usual step of each name, for whoever drives the sandbox by hand."""


def _by(case: Case, unit: str) -> Fields:
    return {"orgName": unit, "role": case.role_of(unit)}
