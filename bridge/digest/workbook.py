"""The published digest as a workbook (XLSX), for those who calculate on: the page's numbers, a list a sheet."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

import xlsxwriter

from bridge.digest import words
from bridge.digest.markup import HIDDEN
from bridge.digest.meeting import ACTIONS, STATES

Document = Mapping[str, Any]
Cell = str | int | None
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
            _write(book.add_worksheet(name), columns, rows, head)
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


def _sheets(document: Document) -> Iterable[tuple[str, Sequence[str], list[list[Cell]]]]:
    """(name, columns, rows) of each sheet the document has something for."""
    yield "总体情况 Summary", ("指标", "Figure", "件数 Count"), _summary(document)
    for name, title in _TABLES.items():
        if name in document["tables"]:
            yield title, ("名称", "Name", "件数 Count"), [_named(row) for row in document["tables"][name]]
    if "kinds_by_class" in document:
        yield "类型×方式 Kind by class", _CROSSED, [_crossed(cell) for cell in document["kinds_by_class"]]
    yield "热点 Hot", ("地点 Place", "事项 Subject", "件数 Count", "前几个月 Before", "走势 Trend"), _hot(document)
    for key, title in (("similar", "相似 Similar"), ("suggestions", "建议 Suggestions")):
        yield title, _GROUPED, [_group(group) for group in document[key]]
    lasting = {"repeated": "反复 Repeated", "pending": "久拖 Pending", "difficult": "疑难 Difficult"}
    for key, title in lasting.items():
        if key in document:
            yield title, ("名称", "Name", "件数 Count"), [_named(row) for row in document[key]]
    for key, title in (
        ("pending_matters", "久拖事项 Pending where"),
        ("difficult_matters", "疑难事项 Difficult where"),
    ):
        if key in document:
            rows = [[row["place"], row["subject"], _number(row["count"])] for row in document[key]]
            yield title, ("地点 Place", "事项 Subject", "件数 Count"), rows
    if "units" in document:
        yield "分单位 Departments", _UNITS, [_unit(unit) for unit in document["units"]]
    if "proposals" in document:
        yield "对策建议 Proposals", ("编号 Number", "标题 Title", "状态 State", "过程 Rounds"), _proposals(document)


def _number(count: int | None) -> Cell:
    return HIDDEN if count is None else count


def _summary(document: Document) -> list[list[Cell]]:
    totals = [[*word, _number(document["totals"][name]["count"])] for name, word in words.WORDS["total"].items()]
    return [*totals, *([month["month"], month["month"], _number(month["count"])] for month in document["months"])]


def _named(row: Mapping[str, Any]) -> list[Cell]:
    if "not_shown" in row:
        return [f"另有{row['not_shown']}项不予公布", f"{row['not_shown']} not shown", None]
    return [row["zh"], row["en"], _number(row["count"])]


def _crossed(cell: Mapping[str, Any]) -> list[Cell]:
    names = (words.words(name, cell[name])[0] for name in ("kind", "handling_class"))
    return [*names, _number(cell["count"])]


def _hot(document: Document) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for found in document["hot"]:
        before = " / ".join(str(_number(month["count"])) for month in found["before"])
        trend = words.words("trend", found["trend"])[0]
        rows.append([found["place"], found["subject"], _number(found["count"]), before, trend])
    return rows


def _group(group: Mapping[str, Any]) -> list[Cell]:
    label = "、".join(group["label"])
    return [group["place"], group["places"], group["subject"], label, _number(group["count"])]


def _unit(unit: Mapping[str, Any]) -> list[Cell]:
    kinds = {row["key"]: row["count"] for row in unit["kinds"]}
    return [unit["zh"], _number(unit["count"]), *(_number(kinds.get(kind, 0)) for kind in _KINDS),
            _number(unit["open"]["count"])]  # fmt: skip


def _proposals(document: Document) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for item in document["proposals"]:
        rounds = "；".join(f"{entry['at'][:10]} {ACTIONS[entry['action']][0]}" for entry in item.get("rounds", ()))
        motions = "；".join(f"{one['kind']}{one['number']}：{one['outcome'] or '—'}" for one in item.get("motions", ()))
        rows.append([item["item_id"], item["title"], STATES[item["state"]][0], rounds or motions])
    return rows
