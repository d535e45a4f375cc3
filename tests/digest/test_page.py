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
from bridge.digest.extract import extract
from bridge.digest.markup import HIDDEN
from bridge.digest.meeting import export, package
from bridge.digest.words import where
from tests.digest.cases import MONTH, digest, invented, many
from tests.digest.test_documents import again, before
from tests.digest.test_items import ITEM
from tests.digest.test_similar import MIXER

NASTY = '=1+1"><script>alert(1)</script>'
ITEMS: list[dict[str, Any]] = [
    {
        "item_id": ITEM, "month": "2026-10", "state": "adopted", "title": f"更换管道{NASTY}",
        "about": {"subject": "供水"},
        "rounds": [
            {"action": "consult", "at": 1_793_500_000_000, "units": ["水务局", NASTY]},
            {"action": "opine", "at": 1_793_510_000_000, "unit": "水务局", "opinion": "同意"},
            {"action": "assess", "at": 1_793_520_000_000, "text": "条件具备"},
            {"action": "adopt", "at": 1_793_530_000_000, "text": "常务会议通过"},
            {"action": "link", "at": 1_793_540_000_000, "project": "民生实事第3项"},
            {"action": "convey", "at": 1_793_550_000_000, "to": "市人大代表"},
            {"action": "table", "at": 1_793_600_000_000, "kind": "proposal", "number": "2027-118"},
            {"action": "table", "at": 1_793_600_000_000, "kind": "议案", "number": "2027-9"},
            {"action": "resolve", "at": 1_793_700_000_000, "number": "2027-118", "outcome": "已采纳"},
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
    markup = page.render({**document, "final": False})
    assert "尚未结束" in markup
    assert "not to be handed on" in markup
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


def test_a_proposal_is_told_in_words(document: dict[str, Any]) -> None:
    text = Reader(page.render(document))
    assert "提案2027-118" in text.said("zh-CN")
    assert "Motion 2027-9" in text.said("en")
    assert "水务局：同意" in text.everything
    deputies = Reader(page.render(export(document, ITEMS)))
    assert "尚无办理结果" in deputies.said("zh-CN")
    assert "同意" not in deputies.everything
    assert "常务会议通过" not in deputies.everything
    assert not re.search("proposal ?2027", text.everything + deputies.everything)


def test_growth_is_told_where_every_number_of_it_is(document: dict[str, Any]) -> None:
    row = {"place": "甲社区", "subject": "供水", "trend": "surge"}
    shown = {**row, "count": 40, "before": [{"count": 20}, {"count": 10}, {"count": 0}]}
    veiled = {**row, "count": 40, "before": [{"count": 20}, {"count": None}, {"count": 0}]}
    for hot, percent in ((shown, "+300%"), (veiled, None), ({**shown, "count": None}, None)):
        changed = {**document, "hot": [hot], "months": [{"month": "2026-10", "count": None}]}
        (line,) = re.findall(r'<tr><td class="rank">1</td>甲.*?</tr>|<tr><td class="rank">1</td><td>甲社区.*?</tr>',
                             page.render(changed))  # fmt: skip
        assert re.findall(r"[+−±]\d+%", line) == ([percent] if percent else [])
        told = sheets(workbook.render(changed))["热点 Hot"][1]
        assert told[5:] == ([percent.strip("+%")] if percent else [])


def test_a_place_stands_with_its_county() -> None:
    """Where it is known, and on every paper: each county has an East Gate."""
    more: dict[str, Any] = {"place": "东关社区", "marks": {"returned": 2}}
    cases = [
        one
        for at, region in enumerate(("370812", "370881", ""))
        for one in many(12 - at, 100 * at, region=region, content=MIXER[at], **more)
    ]
    document = published(digest(cases))
    told = ["兖州区东关社区", "曲阜市东关社区", "东关社区"]
    for paper in (document, package(document, []), export(document, [])):
        found = sheets(workbook.render(paper))
        assert [row[0] for row in found["热点 Hot"][1:]] == told
        for place in told:
            assert place in Reader(page.render(paper)).everything
    assert [row[0] for row in sheets(workbook.render(document))["疑难事项 Difficult where"][1:]] == told
    assert [row[0] for row in sheets(workbook.render(extract(document, "水务局")))["热点 Hot"][1:]] == told


@pytest.mark.parametrize(
    ("county", "place", "text"),
    [
        ("兖州区", "东关社区", "兖州区东关社区"),
        ("兖州区", "兖州区东关社区", "兖州区东关社区"),
        ("区划370899", "东关社区", "区划370899 东关社区"),
        ("", "东关社区", "东关社区"),
        (None, "东关社区", "东关社区"),
    ],
)
def test_where(county: str | None, place: str, text: str) -> None:
    assert where({"place": place, "county": county}) == text


@pytest.mark.parametrize("since", [None, 0, 1, 2, 3])
def test_it_says_against_how_many_months(since: int | None) -> None:
    """Of a ledger that began so many months before; None: of one that began long ago."""
    earlier = [one for back in (1, 2, 3) if since is None or back <= since for one in before(back, 10, 1000 * back)]
    made = digest(many(14) + earlier, since=0 if since is None else MONTH.shift(-since).start)
    document = published(made)
    text, book = Reader(page.render(document)), sheets(workbook.render(document))["热点 Hot"]
    months = 3 if since is None else since
    if months:
        assert f"比前{months}个月月均上升40%" in text.said("zh-CN")
        assert f"走势、增幅：比前{months}个月月均（{'、'.join(document['against'])}）" in text.said("zh-CN")
        assert f"或达到前{months}个月月均的200%以上" in text.said("zh-CN")
        assert book[0][3].split(" / ") == [f"前{months}个月 Before", *document["against"]]
        assert book[1] == ["任城区柳岸社区", "供水", "14", " / ".join(["10"] * months), "上升", "40"]
    else:
        assert "没有可比月份" in text.said("zh-CN")
        assert not re.search("0个月|新出现|大幅|上升|200%", text.said("zh-CN"))
        assert book[1] == ["任城区柳岸社区", "供水", "14"]


def test_a_month_that_is_left_out_is_not_counted() -> None:
    """September gives one person away; the trend goes by August and July."""
    earlier = [*before(1, 10, 500), *before(1, 1, 600, place="丙社区"), *before(2, 10, 700), *before(3, 10, 800)]
    document = published(digest(many(14) + earlier))
    for paper in (document, package(document, []), export(document, [])):
        assert "走势、增幅：比前2个月月均（2026-07、2026-08）" in Reader(page.render(paper)).said("zh-CN")


@pytest.fixture(scope="module")
def extracts() -> dict[str, dict[str, Any]]:
    """Of a month in which each of two departments had something on every list."""
    cases = [
        *again(9, 0, unit="住建局", subject="供热"),
        *again(7, 100, unit=NASTY, subject="供热"),
        *many(8, 200, unit="住建局", kind="suggestion", title="建议增设路灯", subject="路灯"),
        *many(9, 300, unit=NASTY, kind="suggestion", title="建议增设路灯", subject="路灯", place=NASTY),
        *many(7, 400, unit=NASTY, marks={"returned": 2}, subject="噪声", accepted_at=MONTH.shift(-1).start),
        *many(6, 500, unit="住建局", marks={"returned": 2}, subject="噪声", place="丙社区"),
    ]
    made = published(digest(cases))
    return {unit: extract(made, unit) for unit in (NASTY, "住建局")}


def test_a_departments_own_page(extracts: dict[str, dict[str, Any]]) -> None:
    markup = page.render(extracts[NASTY], SEAL)
    found = Reader(markup)
    assert found.stack == []
    assert "<script" not in markup
    for word in ("分类反馈", "反复反映", "疑难诉求", "意见建议", "多次退单"):
        assert word in found.said("zh-CN"), word
    assert "Returned again and again" in found.said("en")
    assert "住建局" not in markup
    assert markup.count('<span lang="zh-CN">') == markup.count('<span lang="en">')


def test_a_departments_workbook(extracts: dict[str, dict[str, Any]]) -> None:
    found = sheets(workbook.render(extracts[NASTY]))
    assert found["总体情况 Summary"][1] == ["本月交办", "Assigned", "16"]
    assert found["反复 Repeated"][1:] == [["供热", "供热", "14"]]
    assert found["疑难 Difficult"][1:] == [["多次退单", "Returned again and again", "7"]]
    assert found["建议 Suggestions"][1][-1] == "9"
    assert "住建局" not in str(found)


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
    assert [row[:2] for row in found["热点 Hot"][1:]] == [[where(hot), hot["subject"]] for hot in document["hot"]]
    assert found["总体情况 Summary"][1] == ["本月受理", "Taken in", str(document["totals"]["accepted"]["count"])]
    assert found["对策建议 Proposals"][1][0] == ITEM
    assert len(found["分单位 Departments"]) == len(document["units"]) + 1


def test_a_name_that_looks_like_a_formula_stays_a_name(document: dict[str, Any]) -> None:
    assert NASTY in [row[0] for row in sheets(workbook.render(document))["分单位 Departments"]]


def test_the_same_document_gives_the_same_workbook(document: dict[str, Any]) -> None:
    assert workbook.render(document) == workbook.render(document)


def test_the_meeting_reads_every_round(document: dict[str, Any]) -> None:
    found = sheets(workbook.render(document))
    head, (number, _, subject, *rest) = found["对策建议 Proposals"]
    assert head[5:] == ["征求单位 Units asked", "反馈意见 Opinions", "民生实事项目 Projects", "议案提案 Motions"]
    assert (number, subject) == (ITEM, "供水")
    assert rest[-5:] == [
        "已采纳/Adopted", f"水务局、{NASTY}", "水务局：同意", "民生实事第3项",
        "提案2027-118：已采纳；议案2027-9：尚无办理结果 none yet",
    ]  # fmt: skip
    rounds = [row[2:] for row in found["办理过程 Rounds"][1:]]
    assert [row[1].partition("/")[0] for row in rounds] == [
        "征求部门意见", "部门意见", "合理性评估", "采纳", "列入民生实事项目", "送两代表一委员", "形成议案、提案",
        "形成议案、提案", "议案、提案办理结果",
    ]  # fmt: skip
    assert rounds[1] == ["2026-11-01", "部门意见/Opinion", "水务局", "同意"]
    assert rounds[6][-1] == "提案2027-118"
    assert found["议案提案 Motions"][1:] == [
        [ITEM, f"更换管道{NASTY}", "提案/Proposal", "2027-118", "已采纳"],
        [ITEM, f"更换管道{NASTY}", "议案/Motion", "2027-9", "尚无办理结果 none yet"],
    ]


def test_the_deputies_workbook(document: dict[str, Any]) -> None:
    found = sheets(workbook.render(export(document, ITEMS)))
    assert "分单位 Departments" not in found
    assert "办理过程 Rounds" not in found
    head, row = found["对策建议 Proposals"]
    assert head[5:] == ["民生实事项目 Projects", "议案提案 Motions"]
    assert row[-2:] == ["民生实事第3项", "提案2027-118：已采纳；议案2027-9：尚无办理结果 none yet"]
    assert [motion[3] for motion in found["议案提案 Motions"][1:]] == ["2027-118", "2027-9"]
    assert "同意" not in str(found)


def test_a_workbook_of_a_month_that_goes_on_says_so(document: dict[str, Any]) -> None:
    told = sheets(workbook.render({**document, "final": False}))["总体情况 Summary"]
    assert told[1] == ["阶段性数字，未封存，不得对外提供", "Interim, not sealed, not to be handed on"]
    assert "阶段性" not in str(sheets(workbook.render(document)))
