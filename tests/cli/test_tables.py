"""What is listed can be read and copied on any terminal, and nothing is said twice."""

from pathlib import Path

import pytest

from bridge.cli import output, reconcile
from bridge.cli.output import moment
from bridge.clock import utc_now
from bridge.retry import Park
from schemas.base import shanghai
from tests.support.commands import bridge
from tests.support.ledgers import HOTLINE, Bench, Case

WHO = ("--reason", "试", "--operator", "zhang")


@pytest.fixture
def bench(here: Path) -> Bench:
    return Bench("sqlite:///data/bridge.db")


@pytest.fixture
def parked(bench: Bench) -> tuple[Case, str]:
    """A petition whose hand-off to the hotline is parked, and the hand-off's id."""
    case = bench.submit()
    bench.route_all()
    handoff = bench.head(case, HOTLINE)
    bench.send(handoff, Park("ladder_exhausted:connection"))
    bench.clock.turn(20 * 86_400)
    bench.judge()
    bench.close()
    return case, handoff


@pytest.mark.parametrize("columns", [40, 80, 100, 160])
def test_no_terminal_is_too_narrow(parked: tuple[Case, str], columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    case, handoff = parked
    monkeypatch.setattr(output.out, "width", columns)
    told = bridge("parked").stdout
    assert all(word in told for word in (handoff, case.id, "ladder_exhausted:connection"))
    rows = [line for line in told.splitlines() if line[:1] not in "┏┡└"]
    assert len(rows) == (3 if columns == 160 else 5), "the heading, the hand-off, the next step"
    listed = bridge("lists").stdout
    assert f"{case.id} │ 逾期未答复" in listed or f"{case.id}\n  逾期未答复 not_replied · " in listed
    rehearsed = bridge("replay", handoff, *WHO, "--dry-run").stdout
    assert f"{handoff} │ would" in rehearsed or f"{handoff}\n  would · parked · {case.id}" in rehearsed


def test_a_moment_has_its_year_where_it_is_another() -> None:
    year = shanghai(utc_now()).year
    assert moment(f"{year}-06-26T23:54:59.999+08:00") == "06-26 23:54"
    assert moment(f"{year - 1}-12-30T16:05:00.000+00:00") == f"{year - 1}-12-31 00:05"
    assert moment(None) == ""


def test_what_is_refused_is_said_once(parked: tuple[Case, str]) -> None:
    case, handoff = parked
    told = bridge("replay", "nosuch", handoff, *WHO)
    assert told.code == 1
    assert ((told.stdout + told.stderr).count("nosuch"), handoff in told.stdout) == (1, True)
    assert told.stderr == "nosuch: not_found: no hand-off has this id\n"
    told = bridge("owner", case.id, "--to", "nosuch", *WHO)
    assert (told.code, told.stdout, told.stderr.count(case.id)) == (1, "", 1)
    assert bridge("replay", "nosuch", *WHO, "--json").document["handoffs"][0]["result"] == "not_found"


def test_differences_are_read_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output.out, "width", 80)
    difference = {
        "kind": "missing_there", "side": "there", "petition_id": "LT261122-XGXVDBAPJQ", "number": "JN2026112239711876",
        "detail": "ladder_exhausted:connection", "resolution": "open", "why": "对方无此件",
    }  # fmt: skip
    found = {"system": HOTLINE, "day": "2026-11-22", "here": 2, "there": 1, "matched": 1, "open": 0}
    reconcile._say({**found, "differences": [difference]}, as_json=False)
    told = capsys.readouterr().out
    assert all(difference[name] in told for name in ("petition_id", "number", "detail"))
