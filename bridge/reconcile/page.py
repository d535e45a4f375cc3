"""The report of one run as a page to read, to show and to print on A4: Chinese first, the English beside it."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from html import escape
from importlib.resources import files
from typing import Any

from bridge.reconcile.difference import KIND_ZH, RESOLUTION_ZH, Kind, Resolution
from bridge.words import SYSTEMS_ZH

_SYSTEMS_EN = {
    "hotline12345": "12345 hotline",
    "governance_center": "governance center",
    "wechat": "WeChat service account",
}
_SIDE = {"here": "我方<i>here</i>", "there": "对方<i>there</i>"}
_MENDED = (Resolution.HANDED_OVER_AGAIN, Resolution.TAKEN_IN)

MEANS: Mapping[Kind, tuple[str, str]] = {
    Kind.MISSING_THERE: ("我方已送达，对方清单中没有", "we handed it over, and it is not in their list"),
    Kind.MISSING_HERE: ("对方清单中有，我方未收到", "it is in their list, and never came here"),
    Kind.STATE_MISMATCH: ("一方已办结，另一方仍在办", "one side has ended it, the other has not"),
    Kind.FIELD_MISMATCH: ("同一诉求，两边内容不同", "the same petition says different things"),
    Kind.DUPLICATE: ("同一诉求在一方有两件", "one petition stands there twice, or two claim it"),
    Kind.ORPHAN_ATTACHMENT: ("附件只在一方", "a file that only one side has"),
}
"""What each class means, in Chinese and English."""

_FIELDS_ZH = {
    "title": "标题", "content": "内容", "kind": "诉求类型", "urgency": "紧急程度", "category": "事项分类",
    "district": "区县", "region_code": "区划代码", "street": "街道", "community": "社区", "grid": "网格",
}  # fmt: skip
_STATES_ZH = {
    "submitted": "已提交", "accepted": "已受理", "not_accepted": "不予受理", "dispatched": "已派单",
    "signed": "已签收", "handling": "办理中", "return_requested": "申请退单", "returned": "已退单",
    "extension_requested": "申请延期", "replied": "已答复", "followed_up": "已回访", "rehandling": "重新办理",
    "closed": "已办结", "cancelled": "已作废", "merged": "已并单", "suspended": "已挂起",
}  # fmt: skip


def page(document: Mapping[str, Any]) -> str:
    """The whole page; `document` is `Report.as_json()`."""
    differences: Sequence[Mapping[str, Any]] = document["differences"]
    mended = [one for one in differences if one["resolution"] in _MENDED]
    left = [one for one in differences if one["resolution"] not in _MENDED]
    system = SYSTEMS_ZH.get(document["system"], document["system"])
    return _PAGE.format(
        style=files("bridge.reconcile").joinpath("page.css").read_text("utf-8"),
        system=escape(system),
        system_en=escape(_SYSTEMS_EN.get(document["system"], document["system"])),
        day=_day(document["day"]),
        day_en=escape(document["day"]),
        seal=_seal(len(left), len(mended)),
        lead=_lead(document, len(left), len(mended)),
        sum=_sum(document, len(left)),
        tiles="".join(_tile(Kind(kind), count) for kind, count in document["counts"].items()),
        left=_table("待人工核对", "for people to look at", left),
        mended=_table("已自动补正", "mended by the bridge", mended),
        means="".join(_meaning(kind) for kind in Kind if document["counts"].get(kind)),
        ran=escape(datetime.fromisoformat(document["ran_at"]).strftime("%Y-%m-%d %H:%M:%S")),
        run=escape(document["run_id"]),
    )


def _day(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.year}年{day.month}月{day.day}日"


def _seal(left: int, mended: int) -> str:
    if left:
        return f'<div class="seal"><b>{left} 项待核对</b><i>{left} for people</i></div>'
    if mended:
        return '<div class="seal good"><b>已补正</b><i>mended</i></div>'
    return '<div class="seal good"><b>两边一致</b><i>in agreement</i></div>'


def _lead(document: Mapping[str, Any], left: int, mended: int) -> str:
    here, there, matched = document["here"], document["there"], document["matched"]
    zh = f"我方 {here} 件，对方 {there} 件，{matched} 件逐项一致"
    en = f"{here} here, {there} there, {matched} agree in every field"
    if mended:
        zh, en = f"{zh}；{mended} 项差异已自动补正", f"{en}; {mended} mended"
    if left:
        zh, en = f"{zh}；{left} 项须人工核对", f"{en}; {left} for people"
    return f'<p class="lead">{zh}。<i>{en}.</i></p>'


def _sum(document: Mapping[str, Any], left: int) -> str:
    tiles = (
        ("", document["here"], "我方", "here"),
        ("", document["there"], "对方", "there"),
        ("good", document["matched"], "一致", "in agreement"),
        ("open" if left else "good", left, "待人工核对", "for people"),
    )
    return "".join(f'<div class="{mood}"><b>{count}</b>{zh} <i>{en}</i></div>' for mood, count, zh, en in tiles)


def _tile(kind: Kind, count: int) -> str:
    return f'<div class="tile{"" if count else " none"}"><b>{count}</b>{KIND_ZH[kind]}<i>{_en(kind)}</i></div>'


def _en(word: str) -> str:
    return word.replace("_", " ")


def _meaning(kind: Kind) -> str:
    zh, en = MEANS[kind]
    return f"<dt>{KIND_ZH[kind]}</dt><dd>{zh} <i>{en}</i></dd>"


def _table(zh: str, en: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Nothing where there is nothing to show."""
    if not rows:
        return ""
    body = "".join(map(_row, rows))
    return f"<h2>{zh}<i>{en}</i></h2>{_HEAD}<tbody>{body}</tbody></table></div>"


def _row(one: Mapping[str, Any]) -> str:
    kind = Kind(one["kind"])
    what = _what(kind, str(one.get("detail") or ""))
    done = RESOLUTION_ZH[Resolution(one["resolution"])]
    cells = (
        f"{KIND_ZH[kind]}<i>{_en(kind)}</i>",
        _SIDE[one["side"]],
        f"<code>{escape(one.get('petition_id') or '—')}</code>",
        f"<code>{escape(one.get('number') or '—')}</code>",
        what,
        f"{done}{_why(one)}",
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _why(one: Mapping[str, Any]) -> str:
    """What it was mended with, or why it could not be."""
    why = str(one.get("why") or "")
    if one["resolution"] == Resolution.HANDED_OVER_AGAIN:
        return f"<i>交接 hand-off {escape(why)}</i>"
    if one["resolution"] == Resolution.TAKEN_IN:
        return f"<i>编号 petition {escape(why)}</i>" if why else ""
    zh = next((told for begins, told in _WHY_ZH.items() if why.startswith(begins)), "")
    return "".join(f"<i>{escape(text)}</i>" for text in (zh, why) if text)


def _what(kind: Kind, detail: str) -> str:
    """What differs, in words where they are words; numbers and digests as they are."""
    shown = escape(detail)
    if kind is Kind.FIELD_MISMATCH:
        names = "、".join(_FIELDS_ZH.get(name, name) for name in detail.split(", "))
        return f"{escape(names)}<i>{shown}</i>"
    if kind is Kind.STATE_MISMATCH:
        ours, _, theirs = detail.removeprefix("here ").partition(", there ")
        zh = f"我方{_STATES_ZH.get(ours, ours)}，对方{_STATES_ZH.get(theirs, theirs)}"
        return f"{escape(zh)}<i>{shown}</i>"
    if kind is Kind.DUPLICATE and (claimed := _CLAIMED.fullmatch(detail)):
        return f"我方记为<code> {escape(claimed[2])}</code>，对方记为<code> {escape(claimed[3])}</code><i>{shown}</i>"
    return f"<code>{shown}</code>" if shown else "—"


_WHY_ZH = {
    "it began there": "由对方发起，现对方清单中已没有",
    "they name a petition number": "对方所报的我方编号不存在",
    "no hand-off of it": "我方从未向对方送达过此件",
    "handed over again": "已多次重新交接，仍未出现在对方清单中",
    "could not be fetched": "向对方取件未成功",
    "fetched, and not understood": "已取回，但无法识别内容",
}
_CLAIMED = re.compile(r"(\S+) is (\S+) here and (\S+) there")

_HEADS = (
    ("差异", "class"), ("一方", "side"), ("诉求编号", "petition"), ("对方编号", "their number"),
    ("差在哪里", "what differs"), ("处理", "resolution"),
)  # fmt: skip
_COLUMNS = "".join(f'<col class="{name}">' for name in ("kind", "side", "petition", "number", "what", "done"))
_HEAD = (
    f'<div class="wide"><table><colgroup>{_COLUMNS}</colgroup><thead><tr>'
    + "".join(f"<th>{zh}<i>{en}</i></th>" for zh, en in _HEADS)
    + "</tr></thead>"
)

_PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{system} {day_en} 对账报告</title>
<style>
{style}</style></head><body>
<header><div><h1>{system}对账报告</h1>
<p>来听桥 · {day}　<i>Reconciliation with the {system_en}, {day_en}</i></p></div>{seal}</header>
<main>
{lead}
<div class="sum">{sum}</div>
<div class="tiles">{tiles}</div>
{left}{mended}
<dl>{means}</dl>
</main>
<footer><p>对账时间 {ran}　批次 {run}　报告摘要已封入审计日志，可用 bridge verify 验证；报告不含任何个人信息。</p>
<p>Run {run}. The digest of this report is sealed in the audit log and can be verified. Nothing personal is in it.</p>
</footer>
</body></html>
"""
