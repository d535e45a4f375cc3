"""The published digest as a workbook (XLSX), for those who calculate on: the page's numbers, a list a sheet."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

import xlsxwriter

from bridge.digest import words
from bridge.digest.extract import totals
from bridge.digest.markup import HIDDEN
from bridge.digest.meeting import ACTIONS, STATES, what, who
from bridge.digest.rise import against, mean, rise
from bridge.digest.rounds import asked, motion_words

Document = Mapping[str, Any]
Cell = str | int | None
Sheet = tuple[str, Sequence[str], list[list[Cell]]]
"""Name, columns, rows."""
_KINDS = tuple(words.WORDS["kind"])
_TABLES = {
    "kind": "类型 Kind",
    "handling_class": "处理方式 Class",
    "source": "渠道 Channel",
    "region": "县市区 County",
    "unit": "承办单位 Unit",
    "subject": "事项 Subject",
    "state": "状态 State",
    "progress": "进度 Progress",
}
_NAMED = ("名称", "Name", "件数 Count")
_MATTERS = ("地点 Place", "事项 Subject", "件数 Count")
_PROPOSED = ("编号 Number", "标题 Title", "事项 Subject", "地点 Place", "状态 State")
_CAME = ("民生实事项目 Projects", "议案提案 Motions")
_ROUNDS = ("编号 Number", "标题 Title", "日期 Date", "环节 Round", "单位或对象 Who", "内容 What")
_MOTIONS = ("编号 Number", "标题 Title", "类别 Kind", "文号 Number of the motion", "办理结果 Outcome")
_INTERIM = ("阶段性数字，未封存，不得对外提供", "Interim, not sealed, not to be handed on")
_OPEN = "尚无办理结果 none yet"
_GROUPED = ("地点 Place", "处数 Places", "事项 Subject", "共同用语 Words", "件数 Count")
_CROSSED = ("诉求类型 Kind", "处理方式 Class", "件数 Count")
_UNITS = ("承办单位 Unit", "合计 All", *("/".join(words.words("kind", kind)) for kind in _KINDS), "在办 Open")


def render(document: Document) -> bytes:
    """The workbook. The same document gives the same bytes."""
    out = BytesIO()
    # Text stays text: a unit that called itself "=1+1" must not become a formula, an address not a link.
    safe = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, safe) as book:
        book.set_properties({"title": f"月度分析研判 {document['month']}", "created": _cut_off(document)})
        head = book.add_format({"bold": True, "bg_color": "#F7F3EC", "bottom": 1, "text_wrap": True})
        for name, columns, rows in _sheets(document):
            sheet = book.add_worksheet(name)
            _write(sheet, columns, rows, head)
            if not document["final"]:
                sheet.set_header(f"&C{_INTERIM[0]} {_INTERIM[1]}")
    return out.getvalue()


def _cut_off(document: Document) -> datetime:
    return datetime.fromisoformat(document["cut_off"]).replace(tzinfo=None)


def _write(sheet: Any, columns: Sequence[str], rows: Iterable[Sequence[Cell]], head: Any) -> None:
    sheet.write_row(0, 0, columns, head)
    widths = [_width(column) for column in columns]
    for at, row in enumerate(rows, 1):
        for column, value in enumerate(row):
            if isinstance(value, int):
                sheet.write_number(at, column, value)
            elif value:
                sheet.write_string(at, column, value)
            widths[column] = max(widths[column], _width(str(value or "")))
    for column, width in enumerate(widths):
        sheet.set_column(column, column, min(48, width + 2))
    sheet.freeze_panes(1, 0)
    sheet.set_paper(9)  # A4
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)


def _width(text: str) -> int:
    """In Latin characters: a Chinese one takes two."""
    return sum(2 if char > "\u2e80" else 1 for char in text)


def _sheets(document: Document) -> Iterable[Sheet]:
    """Each sheet that the document has something for."""
    if document["audience"] == "department":
        yield from _extract(document["unit"])
        return
    yield "总体情况 Summary", ("指标", "Figure", "件数 Count"), _summary(document)
    for name, title in _TABLES.items():
        if name in document["tables"]:
            yield title, _NAMED, [_named(row) for row in document["tables"][name]]
    if "kinds_by_class" in document:
        yield "类型×方式 Kind by class", _CROSSED, [_crossed(cell) for cell in document["kinds_by_class"]]
    yield "热点 Hot", _hot_columns(against(document)), [_hot(found) for found in document["hot"]]
    yield from _lists(document)
    for key, title in (
        ("pending_matters", "久拖事项 Pending where"),
        ("difficult_matters", "疑难事项 Difficult where"),
    ):
        if key in document:
            yield title, _MATTERS, [_matter(row) for row in document[key]]
    if "units" in document:
        yield "分单位 Departments", _UNITS, [_unit(unit) for unit in document["units"]]
    if "proposals" in document:
        yield from _proposals(document["proposals"])


def _lists(held: Mapping[str, Any]) -> Iterable[Sheet]:
    """The lists that the whole city and one department have alike."""
    for key, title in (("similar", "相似 Similar"), ("suggestions", "建议 Suggestions")):
        yield title, _GROUPED, [_group(group) for group in held[key]]
    lasting = {"repeated": "反复 Repeated", "pending": "久拖 Pending", "difficult": "疑难 Difficult"}
    for key, title in lasting.items():
        # A department's long pending ones are a number, not a list.
        if isinstance(held.get(key), list):
            yield title, _NAMED, [_named(row) for row in held[key]]


def _extract(unit: Mapping[str, Any]) -> Iterable[Sheet]:
    yield (
        "总体情况 Summary",
        ("指标", "Figure", "件数 Count"),
        [[zh, en, _number(count)] for zh, en, count in totals(unit)],
    )
    for key, title in (("kinds", _TABLES["kind"]), ("progress", _TABLES["progress"])):
        yield title, _NAMED, [_named(row) for row in unit[key]]
    yield "热点 Hot", _MATTERS, [_matter(row) for row in unit["hot"]]
    yield from _lists(unit)


def _number(count: int | None) -> Cell:
    return HIDDEN if count is None else count


def _summary(document: Document) -> list[list[Cell]]:
    told: list[list[Cell]] = [] if document["final"] else [[*_INTERIM, None]]
    told += [[*word, _number(document["totals"][name]["count"])] for name, word in words.WORDS["total"].items()]
    return [*told, *([month["month"], month["month"], _number(month["count"])] for month in document["months"])]


def _named(row: Mapping[str, Any]) -> list[Cell]:
    if "not_shown" in row:
        return [f"另有{row['not_shown']}项不予公布", f"{row['not_shown']} not shown", None]
    return [row["zh"], row["en"], _number(row["count"])]


def _crossed(cell: Mapping[str, Any]) -> list[Cell]:
    names = (words.words(name, cell[name])[0] for name in ("kind", "handling_class"))
    return [*names, _number(cell["count"])]


def _hot_columns(months: Sequence[str]) -> Sequence[str]:
    zh, en = mean(len(months))
    before = " / ".join((f"{zh.removesuffix('月均')} Before", *months))
    return (*_MATTERS, before, "走势 Trend", f"比{zh}% Against {en}, %")


def _hot(found: Mapping[str, Any]) -> list[Cell]:
    counts = [month["count"] for month in found["before"]]
    before = " / ".join(str(_number(count)) for count in counts)
    trend = words.words("trend", found["trend"])[0] if found["trend"] else None
    return [*_matter(found), before, trend, rise(found["count"], counts)]


def _matter(row: Mapping[str, Any]) -> list[Cell]:
    return [words.where(row), row["subject"], _number(row["count"])]


def _group(group: Mapping[str, Any]) -> list[Cell]:
    label = "、".join(group["label"])
    where = words.where(group) if group["place"] else None
    return [where, group["places"], group["subject"], label, _number(group["count"])]


def _unit(unit: Mapping[str, Any]) -> list[Cell]:
    kinds = {row["key"]: row["count"] for row in unit["kinds"]}
    return [unit["zh"], _number(unit["count"]), *(_number(kinds.get(kind, 0)) for kind in _KINDS),
            _number(unit["open"]["count"])]  # fmt: skip


# ── proposals ───────────────────────────────────────────────────────────────────────────────────────────────


def _proposals(found: Sequence[Mapping[str, Any]]) -> Iterable[Sheet]:
    """What became of each; for the meeting also every round, with who and what."""
    meeting = any("rounds" in item for item in found)
    columns = (*_PROPOSED, *(("征求单位 Units asked", "反馈意见 Opinions") if meeting else ()), *_CAME)
    yield "对策建议 Proposals", columns, [_proposal(item) for item in found]
    if meeting:
        yield "办理过程 Rounds", _ROUNDS, [_round(item, entry) for item in found for entry in item["rounds"]]
    yield "议案提案 Motions", _MOTIONS, [_motion(item, motion) for item in found for motion in item["motions"]]


def _proposal(item: Mapping[str, Any]) -> list[Cell]:
    about = item["about"]
    opinions = [entry for entry in item.get("rounds", ()) if entry["action"] == "opine"]
    house = ["、".join(asked(item.get("rounds", ()))), "；".join(f"{who(one)}：{what(one)[0]}" for one in opinions)]
    return [
        item["item_id"], item["title"], about.get("subject"), about.get("place"), "/".join(STATES[item["state"]]),
        *(house if "rounds" in item else ()),
        "；".join(item["projects"]), "；".join(_motion_told(motion) for motion in item["motions"]),
    ]  # fmt: skip


def _motion_told(motion: Mapping[str, Any]) -> str:
    return f"{motion_words(motion['kind'])[0]}{motion['number']}：{motion['outcome'] or _OPEN}"


def _round(item: Mapping[str, Any], entry: Mapping[str, Any]) -> list[Cell]:
    action = "/".join(ACTIONS[entry["action"]])
    return [item["item_id"], item["title"], entry["at"][:10], action, who(entry), what(entry)[0]]


def _motion(item: Mapping[str, Any], motion: Mapping[str, Any]) -> list[Cell]:
    kind = "/".join(motion_words(motion["kind"]))
    return [item["item_id"], item["title"], kind, motion["number"], motion["outcome"] or _OPEN]
