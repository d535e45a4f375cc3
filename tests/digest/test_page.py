"""The page and the workbook: the document's numbers, both languages, nothing fetched, nothing run."""

import io
import re
import zipfile
from html.parser import HTMLParser
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring

from bridge.digest import page, workbook
from bridge.digest.documents import published
from bridge.digest.markup import HIDDEN
from bridge.digest.meeting import export, package
from tests.digest.cases import digest, invented, many
from tests.digest.test_items import ITEM

NASTY = '=1+1"><script>alert(1)</script>'
ITEMS: list[dict[str, Any]] = [
    {
        "item_id": ITEM, "month": "2026-10", "state": "adopted", "title": f"更换管道{NASTY}",
        "about": {"subject": "供水"},
        "rounds": [
            {"action": "consult", "at": 1_793_500_000_000, "units": ["水务局", NASTY]},
            {"action": "table", "at": 1_793_600_000_000, "kind": "提案", "number": "2027-118"},
        ],
    }
]  # fmt: skip
SEAL = {"sha256": "ab" * 32, "at": "2026-11-01T00:12:00.000+08:00"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    few = many(3, 9000, kind="praise", unit=NASTY, place=NASTY, subject=NASTY)
    crowd = many(12, 8000, unit=NASTY, place=NASTY, subject=NASTY)
    return package(published(digest([*invented(400), *few, *crowd])), ITEMS)


class Reader(HTMLParser):
    """Tags that open and close in order, attributes, and the text of each language."""

    VOID = frozenset({"meta", "input", "br", "rect", "line"})

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.stack: list[tuple[str, str]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: dict[str, list[str]] = {}
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.stack.append((tag, dict(attrs).get("lang") or ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        language = next((lang for _, lang in reversed(self.stack) if lang), "")
        self.text.setdefault(language, []).append(data)

    def said(self, language: str) -> str:
        return " ".join(self.text.get(language, []))

    @property
    def everything(self) -> str:
        return " ".join(text for texts in self.text.values() for text in texts)


@pytest.fixture(scope="module")
def read(document: dict[str, Any]) -> Reader:
    return Reader(page.render(document, SEAL))


def test_the_page_is_well_formed_and_needs_nothing_else(read: Reader) -> None:
    assert read.stack == []
    tags = {tag for tag, _, _ in read.attributes}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "form"}
    assert not [name for _, name, _ in read.attributes if name.startswith("on") or name in ("src", "href", "srcset")]
    assert not re.search(r"url\(|@import|https?:", page.render(package(published(digest(many(30))), []), SEAL))


def test_names_are_text_and_never_markup(document: dict[str, Any], read: Reader) -> None:
    assert "<script" not in page.render(document, SEAL)
    assert NASTY in read.everything


def test_every_word_is_there_in_both_languages(document: dict[str, Any]) -> None:
    """A pair of languages each time: one span for Chinese, the next for English."""
    markup = page.render(document, SEAL)
    assert markup.count('<span lang="zh-CN">') == markup.count('<span lang="en">') > 100
    assert re.findall(r'<span lang="zh-CN">[^<]*</span>(?!<span lang="en">)', markup) == []


def test_the_numbers_are_the_documents(document: dict[str, Any], read: Reader) -> None:
    text = read.everything
    for figure in document["totals"].values():
        if figure["count"] is not None:
            assert f"{figure['count']:,}" in text
    assert HIDDEN in text
    assert SEAL["sha256"] in text
    assert ITEM in text


def test_a_month_that_goes_on_says_so(document: dict[str, Any]) -> None:
    assert "尚未结束" in page.render({**document, "final": False})
    assert "尚未结束" not in page.render(document)


def test_an_empty_month_is_a_page_too() -> None:
    found = Reader(page.render(package(published(digest([])), [])))
    assert found.stack == []
    assert "没有达到公布标准" in found.said("zh-CN")


def test_what_deputies_get_has_no_departments(document: dict[str, Any]) -> None:
    text = Reader(page.render(export(document, ITEMS))).said("zh-CN")
    assert "两代表一委员" in text
    assert "承办单位" not in text
    assert "2027-118" in page.render(export(document, ITEMS))


def test_a_departments_own_page(document: dict[str, Any]) -> None:
    unit = next(unit for unit in document["units"] if unit["key"] == NASTY)
    found = Reader(page.department(document, unit))
    assert found.stack == []
    assert "分类反馈" in found.said("zh-CN")
    others = [other["key"] for other in document["units"] if other["key"] not in ("", NASTY)]
    assert not any(other in page.department(document, unit) for other in others)


# ── the workbook ────────────────────────────────────────────────────────────────────────────────────────────

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def sheets(content: bytes) -> dict[str, list[list[str]]]:
    """The cells of each sheet as text, read by the standard of the format and not by the library that wrote it."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        strings = ["".join(part.itertext()) for part in _xml(archive, "xl/sharedStrings.xml").findall(f"{_MAIN}si")]
        names = [sheet.attrib["name"] for sheet in _xml(archive, "xl/workbook.xml").iter(f"{_MAIN}sheet")]
        return {
            name: [
                [_cell(cell, strings) for cell in row.iter(f"{_MAIN}c")]
                for row in _xml(archive, f"xl/worksheets/sheet{at}.xml").iter(f"{_MAIN}row")
            ]
            for at, name in enumerate(names, 1)
        }


def _xml(archive: zipfile.ZipFile, name: str) -> Element:
    found: Element = fromstring(archive.read(name))
    return found


def _cell(cell: Element, strings: list[str]) -> str:
    assert cell.find(f"{_MAIN}f") is None, "no cell is a formula"
    value = cell.findtext(f"{_MAIN}v") or ""
    return strings[int(value)] if cell.get("t") == "s" else value


def test_the_workbook_has_the_same_numbers(document: dict[str, Any]) -> None:
    found = sheets(workbook.render(document))
    kinds = {row[0]: row[2] for row in found["类型 Kind"][1:]}
    assert kinds == {
        row["zh"]: HIDDEN if row["count"] is None else str(row["count"]) for row in document["tables"]["kind"]
    }
    assert [row[:2] for row in found["热点 Hot"][1:]] == [[hot["place"], hot["subject"]] for hot in document["hot"]]
    assert found["总体情况 Summary"][1] == ["本月受理", "Taken in", str(document["totals"]["accepted"]["count"])]
    assert found["对策建议 Proposals"][1][0] == ITEM
    assert len(found["分单位 Departments"]) == len(document["units"]) + 1


def test_a_name_that_looks_like_a_formula_stays_a_name(document: dict[str, Any]) -> None:
    assert NASTY in [row[0] for row in sheets(workbook.render(document))["分单位 Departments"]]


def test_the_same_document_gives_the_same_workbook(document: dict[str, Any]) -> None:
    assert workbook.render(document) == workbook.render(document)


def test_the_deputies_workbook(document: dict[str, Any]) -> None:
    found = sheets(workbook.render(export(document, ITEMS)))
    assert "分单位 Departments" not in found
    assert found["对策建议 Proposals"][1][3] == "提案2027-118：—"
