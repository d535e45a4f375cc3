"""`bridge calendar`: the year that was asked for is judged, and files are read as spreadsheets write them."""

from pathlib import Path

import pytest

from tests.cli.test_ledger import OFF
from tests.support.commands import bridge

NOTICE = "date,is_workday,source_doc\n" + "".join(f"2027-{day},0,国办发明电〔2026〕9号\n" for day in OFF)


def test_only_the_year_that_was_asked_for_is_judged(here: Path) -> None:
    assert bridge("calendar", "show", "2026").code == 0
    told = bridge("calendar", "show", "2027")
    assert (told.code, "the notice for 2027 is missing" in told.stderr) == (1, True)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_notice_as_spreadsheets_write_it(encoding: str, here: Path) -> None:
    (here / "2027.csv").write_text(NOTICE, encoding=encoding)
    told = bridge("calendar", "import", "2027.csv", "--operator", "zhang")
    assert (told.code, "14 days loaded" in told.stdout) == (0, True), told
    assert bridge("calendar", "show", "2027").code == 0


@pytest.mark.parametrize(
    "words",
    [("calendar", "import", "nofile", "--operator", "zhang"), ("routes", "explain", "nofile"),
     ("roster", "import", "nofile")],
    ids=" ".join,
)  # fmt: skip
def test_a_file_that_is_not_there(words: tuple[str, ...], here: Path) -> None:
    told = bridge(*words)
    assert (told.code, told.stderr) == (2, "nofile: cannot be read: No such file or directory (无法读取)\n")
