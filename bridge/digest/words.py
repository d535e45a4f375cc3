"""The digest's words in Chinese and English. Names of units, places and subjects are shown as they are."""

from collections.abc import Mapping
from typing import Any

from bridge.words import SYSTEMS_ZH
from schemas.petition import CLASS_ZH, KIND_ZH

Words = tuple[str, str]
"""Chinese, English."""

SYSTEMS = SYSTEMS_ZH | {"operator": "操作员录入"}
_SYSTEMS_EN = {
    "hotline12345": "12345 hotline",
    "governance_center": "Governance center",
    "wechat": "WeChat account",
    "bridge": "Bridge",
    "operator": "Entered by an operator",
}
_CLASS_EN = ("Solved on the spot", "Home unit", "Hotline transfer", "Key supervision", "Joint package")
_STATES = {
    "submitted": "已提交",
    "accepted": "已受理",
    "not_accepted": "不予受理",
    "dispatched": "已派单",
    "signed": "已签收",
    "handling": "办理中",
    "return_requested": "申请退单中",
    "returned": "已退单",
    "extension_requested": "申请延期中",
    "replied": "已答复",
    "followed_up": "已回访",
    "rehandling": "重办中",
    "closed": "已办结",
    "cancelled": "已作废",
    "merged": "已并单",
    "suspended": "已挂起",
}

WORDS: dict[str, dict[str, Words]] = {
    "kind": {kind.value: (zh, kind.value.capitalize()) for kind, zh in KIND_ZH.items()},
    "handling_class": {name.value: (zh, en) for (name, zh), en in zip(CLASS_ZH.items(), _CLASS_EN, strict=True)},
    "source": {name: (zh, _SYSTEMS_EN.get(name, name)) for name, zh in SYSTEMS.items()},
    "state": {state: (zh, state.replace("_", " ").capitalize()) for state, zh in _STATES.items()},
    "progress": {
        "closed": ("已办结", "Closed"),
        "answered": ("已答复待办结", "Answered, not closed"),
        "handling": ("办理中", "In hand"),
    },
    "reason": {
        "returns": ("多次退单", "Returned again and again"),
        "extensions": ("多次延期", "Extended again and again"),
        "rehandled": ("多次重办", "Handled anew more than once"),
        "unsatisfied": ("多次不满意", "Unsatisfied more than once"),
        "units": ("涉及多个单位", "Many units involved"),
        "supervised": ("红牌、黑牌或重点督办", "Red or black card, key supervision"),
    },
    "trend": {
        "new": ("新出现", "New"),
        "surge": ("大幅上升", "Sharply up"),
        "up": ("上升", "Up"),
        "level": ("持平", "Level"),
        "down": ("下降", "Down"),
    },
    "total": {
        "accepted": ("本月受理", "Taken in"),
        "closed": ("本月办结", "Closed"),
        "open": ("月末在办", "Open"),
        "pending": ("久拖不决", "Long pending"),
        "difficult": ("疑难诉求", "Difficult"),
        "repeated": ("反复反映", "Repeated"),
        "suggestions": ("意见建议", "Suggestions"),
    },
}

NOBODY: dict[str, Words] = {
    "unit": ("未确定承办单位", "No unit named"),
    "region": ("未注明区划", "No region given"),
    "subject": ("未分类", "No subject given"),
    "place": ("未注明地点", "No place given"),
}
OTHERS: dict[str, Words] = {
    "source": ("其他渠道（{}）", "Other channel ({})"),
    "region": ("区划{}", "Region {}"),
}
"""Codes that nobody has named: a key to the API is called as its holder likes, a region may be another city's."""


def words(dimension: str, key: str) -> Words:
    """What people read for `key`."""
    if not key:
        return NOBODY.get(dimension, ("未注明", "Not given"))
    if key not in WORDS.get(dimension, {}) and dimension in OTHERS:
        zh, en = OTHERS[dimension]
        return zh.format(key), en.format(key)
    return WORDS.get(dimension, {}).get(key, (key, key))


def where(entry: Mapping[str, Any]) -> str:
    """A place of the digest with its county, where that is known: until `laiting-digest/3` nobody asked for it."""
    county, place = entry.get("county") or "", str(entry["place"])
    if place.startswith(county):
        return place
    return f"{county} {place}" if county[-1].isdigit() else f"{county}{place}"


def age(least: int, most: int | None) -> Words:
    """How long a case has been open."""
    if most is None:
        return f"超过{least}天", f"Over {least} days"
    return f"{least + 1}–{most}天", f"{least + 1}–{most} days"
