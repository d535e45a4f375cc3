"""The journal told in words: what an operator reads in `bridge trail` and in the demo's story."""

from collections.abc import Mapping
from typing import Any

from schemas.event import EventType
from schemas.petition import HandlingClass

SYSTEMS_ZH = {
    "hotline12345": "12345热线",
    "governance_center": "社会治理服务中心",
    "wechat": "微信服务号",
    "bridge": "来听桥",
}
"""Any other system is named by its manifest: `name_systems`."""
WHAT_ZH = {
    "event.routed": "路由",
    "handoff.delivered": "已送达",
    "handoff.acknowledged": "对方已签收",
    "handoff.unacknowledged": "逾期未签收",
    "handoff.failed": "未送达，待重试",
    "handoff.unknown": "结果未知，先查询再重发",
    "handoff.parked": "挂起，等待人工",
    "handoff.replayed": "人工重推",
    "handoff.cancelled": "人工撤销",
    "petition.closed": "办结归档，诉求人已获答复",
    "message.rejected": "拒收",
    "pii.read": "查看个人信息",
    "reconciliation.done": "对账",
    "digest.sealed": "月度分析封存",
    "digest.traced": "查看分析明细",
    "digest.proposed": "提出建议",
    "digest.consult": "征求部门意见",
    "digest.opine": "部门反馈意见",
    "digest.assess": "评估合理性",
    "digest.adopt": "采纳",
    "digest.decline": "不予采纳",
    "digest.link": "关联民生实事项目",
    "digest.convey": "送两代表一委员",
    "digest.table": "形成议案提案",
    "digest.resolve": "议案提案办理结果",
    "petition.merging": "并单",
    "pii.erased": "个人信息已删除",
    "operator.roster": "名册导入",
    "operator.bind_code": "发放绑定码",
    "operator.bound": "书记绑定微信",
    "operator.owner_changed": "更换首问书记",
    "operator.calendar_loaded": "导入放假安排",
    "event.out_of_order": "次序不符，留存备查",
    "deadline.corrected": "时限更正",
    "deadline.not_judged": "规则未能判定",
}

_ACTORS_ZH = {
    "operator": "操作人", "key": "接口", "owner": "首问书记", "petitioner": "诉求人", "unit": "承办单位",
    "system": "系统", "bridge": "来听桥", "reconciliation": "对账",
}  # fmt: skip
_NOBODY_ZH = {"held": "已有系统持有 held", "no_target": "无须转告 no_target"}


def name_systems(names: Mapping[str, str]) -> None:
    """What the registered systems are called; the composition root knows."""
    SYSTEMS_ZH.update(names)


def system(name: str | None) -> str:
    """A system's name as people say it."""
    return "、".join(SYSTEMS_ZH.get(part, part) for part in name.split(",")) if name else "—"


def what(entry: Mapping[str, Any]) -> str:
    """The entry's `what` in Chinese."""
    word = str(entry["what"])
    if word == "petition.accepted" and entry.get("sequence") == 1:
        return "来听桥受理登记"
    if word == "petition.merging" or (word == "petition.closed" and "event_id" not in entry):
        return WHAT_ZH[word]
    if word.startswith("petition."):
        return EventType(word.removeprefix("petition.")).zh
    return WHAT_ZH.get(word, word)


def actor(name: str) -> str:
    """Who did it, as people say it."""
    kind, _, who = name.partition(":")
    return f"{_ACTORS_ZH.get(kind, kind)} {who}".rstrip()


def sentence(entry: Mapping[str, Any], new_class: HandlingClass | None = None) -> str:
    """One line: number, time, what, from whom to whom, by whom, what proves it. `new_class`: which a 改类 gave;
    the journal does not say."""
    number = f"{entry['n']:>6}" if entry.get("n") else "     ·"
    parts = [number, entry["at"][11:23], f"{what(entry)}　({entry['what']})"]
    if entry.get("from") or entry.get("to"):
        parts.append(f"{system(entry.get('from'))} → {system(entry.get('to'))}")
    if entry.get("attempt"):
        parts.append(f"第{entry['attempt']}次")
    if new_class is not None and entry["what"] == "petition.reclassed":
        parts.append(f"改为 {new_class.zh} {new_class}")
    if entry.get("outcome") and entry["what"] not in ("handoff.delivered", "handoff.acknowledged", "event.routed"):
        parts.append(f"[{entry['outcome']}]")
    if entry["what"] == "event.routed" and not entry.get("to") and entry.get("outcome") in _NOBODY_ZH:
        parts.append(f"[{_NOBODY_ZH[entry['outcome']]}]")
    if entry.get("actor"):
        parts.append(f"由 {actor(entry['actor'])}")
    if entry.get("receipt"):
        parts.append(f"回执 {str(entry['receipt'])[:24]}")
    if entry.get("reason"):
        parts.append(f"事由 {entry['reason']}")
    return "  ".join(parts)
