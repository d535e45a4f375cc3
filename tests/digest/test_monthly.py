"""A month is sealed by itself, once it is over, and by one process."""

from datetime import time, timedelta
from types import SimpleNamespace

import orjson
import pytest

from bridge import doctor
from bridge.clock import from_ms
from bridge.digest.monthly import Monthly, waiting
from bridge.digest.rules import DigestRules
from bridge.settings import Settings
from schemas.petition import HandlingClass
from tests.digest.test_reading import MONTH, Town
from tests.support.ledgers import HOTLINE, Bench


@pytest.fixture
def town(bench: Bench) -> Town:
    return Town(bench)


def monthly(bench: Bench, owner: str = "w1") -> Monthly:
    return Monthly(bench.ledger, owner, bench.clock, time(2, 30), DigestRules(k=2))


def seals(bench: Bench) -> list[dict[str, str]]:
    return [orjson.loads(row["body"]) for row in bench.rows("SELECT body FROM journal WHERE what = 'digest.sealed'")]


def waits(bench: Bench) -> list[str]:
    with bench.store.reading() as conn:
        return [str(month) for month in waiting(conn, bench.clock.ms)]


def test_it_is_sealed_when_it_is_over_and_once(town: Town) -> None:
    bench = town.bench
    town.submit()
    bench.clock.at = from_ms(MONTH.end) + timedelta(minutes=9)
    assert not bench.do(monthly(bench).catch_up()), "what was recorded in its last moments may not be committed yet"
    bench.clock.turn(120)
    assert bench.do(monthly(bench).catch_up())
    (sealed,) = seals(bench)
    assert (sealed["month"], sealed["actor"]) == (str(MONTH), "bridge")
    assert not bench.do(monthly(bench).catch_up())
    assert len(seals(bench)) == 1
    again = town.reckon()
    assert again.sealed is not None
    assert again.holds


def test_a_ledger_without_petitions_has_nothing_to_seal(town: Town) -> None:
    bench = town.bench
    bench.clock.at = from_ms(MONTH.end) + timedelta(days=2)
    assert waits(bench) == []
    town.submit()
    assert not bench.do(monthly(bench).catch_up()), "it came after the month"
    assert waits(bench) == []
    assert seals(bench) == []


def test_a_month_that_was_missed_is_sealed_when_somebody_is_there_again(town: Town) -> None:
    """No bridge was there from September until January: one month a look, the oldest first, and the empty ones too."""
    bench = town.bench
    bench.clock.at = from_ms(MONTH.shift(-1).start)
    town.submit(1)
    bench.clock.at = from_ms(MONTH.shift(2).end) + timedelta(days=2)
    town.submit(2)
    missed = [str(MONTH.shift(by)) for by in (-1, 0, 1, 2)]
    for done in range(4):
        assert waits(bench) == missed[done:]
        assert bench.do(monthly(bench).catch_up())
        assert [seal["month"] for seal in seals(bench)] == missed[: done + 1]
    assert not bench.do(monthly(bench).catch_up())


def test_the_doctor_names_every_month_that_waits(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = town.bench
    town.submit()
    settings = Settings(database_url=bench.store.engine.url.render_as_string(hide_password=False))
    monkeypatch.setattr(doctor, "datetime", SimpleNamespace(now=lambda _: bench.clock()))
    (found,) = doctor._digest(settings)
    assert found == {"what": "monthly analysis 分析研判", "ok": True, "found": "no month waits for its seal"}
    bench.clock.at = from_ms(MONTH.shift(1).end) + timedelta(days=2)
    (found,) = doctor._digest(settings)
    assert (found["found"], found["warning"]) == ("over and not sealed: 2026-10, 2026-11", True)
    assert "bridge digest --month 2026-10" in found["next"]


def test_a_month_that_cannot_be_reckoned_keeps_no_other_waiting(town: Town) -> None:
    bench = town.bench
    bench.clock.at = from_ms(MONTH.shift(-4).start)
    town.close(town.submit(1, system=HOTLINE, handling_class=HandlingClass.ON_SITE))
    bench.sql("UPDATE petitions SET body = 'broken'")
    bench.clock.at = from_ms(MONTH.end) + timedelta(days=2)
    assert bench.do(monthly(bench).catch_up())
    assert [seal["month"] for seal in seals(bench)] == [str(MONTH)], "the first one of which it is no part"
    assert len(waits(bench)) == 4


def test_who_does_not_hold_the_lease_leaves_it(town: Town) -> None:
    bench = town.bench
    town.submit()
    bench.clock.at = from_ms(MONTH.end) + timedelta(days=2)
    assert bench.do(bench.ledger.hold("digest", "another", 60))
    assert not bench.do(monthly(bench).catch_up())
    bench.clock.turn(61)
    assert bench.do(monthly(bench).catch_up())
    assert bench.do(bench.ledger.hold("digest", "another", 60)), "it is given back"


def test_what_cannot_be_reckoned_is_tried_again(town: Town) -> None:
    bench = town.bench
    petition_id = town.submit()
    body = bench.petition(petition_id)["body"]
    bench.sql("UPDATE petitions SET body = 'broken'")
    bench.clock.at = from_ms(MONTH.end) + timedelta(days=2)
    assert not bench.do(monthly(bench).catch_up())
    assert waits(bench) == [str(MONTH)]
    bench.sql("UPDATE petitions SET body = :body", body=body)
    assert bench.do(monthly(bench).catch_up())
