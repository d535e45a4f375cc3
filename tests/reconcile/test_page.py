"""A report as people get it: the page and the spreadsheet. Pure."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import pytest

from bridge.reconcile.difference import HERE, KIND_ZH, THERE, Difference, Kind, Resolution
from bridge.reconcile.page import MEANS, page
from bridge.reconcile.report import Report, csv_text

PEOPLE, AGAIN, TAKEN = Resolution.FOR_PEOPLE, Resolution.HANDED_OVER_AGAIN, Resolution.TAKEN_IN
CLAIMED = "JN-4 is LT-4 here and LT-5 there"
EVERY = (
    Difference(Kind.MISSING_THERE, THERE, "LT-1", "JN-1", resolution=AGAIN, why="hand-off-1"),
    Difference(Kind.MISSING_HERE, HERE, None, "JN-2", resolution=TAKEN, why="LT-2"),
    Difference(Kind.STATE_MISMATCH, THERE, "LT-3", "JN-3", "here handling, there 结案", PEOPLE),
    Difference(Kind.FIELD_MISMATCH, THERE, "LT-3", "JN-3", "content, title", PEOPLE),
    Difference(Kind.DUPLICATE, HERE, "LT-4", "JN-4", CLAIMED, PEOPLE),
    Difference(Kind.ORPHAN_ATTACHMENT, THERE, "LT-6", "JN-6", "0a1b2c3d4e5f", PEOPLE),
)


def document(differences: Sequence[Difference] = EVERY) -> dict[str, Any]:
    return Report(
        "20261124-1", "hotline12345", "2026-11-24", "2026-11-25T00:30:04.120+08:00", 12, 13, 9, differences
    ).as_json()


def test_the_page_names_every_difference_and_tells_people_first() -> None:
    shown = page(document())
    for one in EVERY:
        assert KIND_ZH[one.kind] in shown
        assert (one.petition_id or one.number or "") in shown
    assert "4 项待核对" in shown
    assert shown.index("for people to look at") < shown.index("mended by the bridge")
    assert "我方办理中，对方结案" in shown
    assert "内容、标题" in shown
    assert "我方记为" in shown


def test_every_class_is_explained() -> None:
    assert set(MEANS) == set(Kind)


@pytest.mark.parametrize(
    ("differences", "verdict"), [((), "两边一致"), (EVERY[:2], "已补正"), (EVERY[2:3], "1 项待核对")]
)
def test_the_verdict_is_what_is_left_for_people(differences: Sequence[Difference], verdict: str) -> None:
    assert f"<b>{verdict}</b>" in page(document(differences))


def test_what_another_system_says_is_no_markup() -> None:
    evil = Difference(Kind.DUPLICATE, THERE, "LT-1", '"><script>x</script>', "<img src=x>", PEOPLE, "<b>why</b>")
    shown = page(document([evil]))
    for markup in ("<script", "<img", "<b>why"):
        assert markup not in shown


def test_the_spreadsheet_has_a_line_each_and_no_formula() -> None:
    lines = list(csv.DictReader(io.StringIO(csv_text(document()).removeprefix("\ufeff"))))
    assert [line["kind"] for line in lines] == [one.kind for one in EVERY]
    (line,) = csv.DictReader(
        io.StringIO(
            csv_text(document([Difference(Kind.DUPLICATE, THERE, "LT-1", "=1+1", "@x")])).removeprefix("\ufeff")
        )
    )
    assert (line["number"], line["detail"]) == ("'=1+1", "'@x")
