"""docs/rules.md: its tables and diagrams are those of the rule tables, and each rule has its row."""

import re

from bridge.rules import page
from bridge.rules.calendar import rules as calendar_rules
from bridge.rules.profiles import Profiles
from bridge.rules.rates import rules as rate_rules
from bridge.rules.supervision import rules as supervision_rules
from bridge.rules.table import Ruled
from bridge.rules.transitions import load

TEXT = page.PAGE.read_text(encoding="utf-8")


def every_rule() -> list[Ruled]:
    life, watch, days = load(), supervision_rules(), calendar_rules()
    editions = Profiles.load().editions
    return [
        *life.petition.edge, *life.assignment.edge, days.count, days.horizon, days.alarm,
        *(profile for edition in editions for profile in edition.profile), *(edition.cards for edition in editions),
        *watch.trigger, watch.rehandling, *watch.closing, *watch.on_site, *rate_rules().rate,
    ]  # fmt: skip


def test_the_page_is_what_the_tables_say() -> None:
    assert page.filled(TEXT, page.blocks()) == TEXT, "run python -m bridge.rules.page"


def test_no_block_is_left_out() -> None:
    assert set(re.findall(r"<!-- table: (\w+) -->", TEXT)) == set(page.blocks())
    assert TEXT.count("<!-- end -->") == len(page.blocks())


def test_every_rule_has_a_row_with_its_source_and_its_setting() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ")]
    for rule in every_rule():
        of_it = [row for row in rows if f"{rule.rule} ({rule.zh})" in row]
        assert of_it, rule.rule
        assert all(".toml`" in row for row in of_it)
        assert any(rule.source in row for row in of_it), rule.rule


def test_a_changed_table_shows() -> None:
    parts = page.blocks()
    assert page.filled(TEXT, parts | {"rates": "| changed |\n"}) != TEXT
