"""A month is sealed by itself, once it is over, and by one process."""

from datetime import datetime, time, timedelta

import orjson
import pytest

from bridge.clock import from_ms
from bridge.digest.month import Month
from bridge.digest.monthly import Monthly, month_before, unsealed
from bridge.digest.rules import DigestRules
from schemas.base import SHANGHAI
from tests.digest.test_reading import MONTH, Town
from tests.support.ledgers import Bench


@pytest.fixture
def town(bench: Bench) -> Town:
    return Town(bench)


def monthly(bench: Bench, owner: str = "w1") -> Monthly:
    return Monthly(bench.ledger, owner, bench.clock, time(2, 30), DigestRules(k=2))


def seals(bench: Bench) -> list[dict[str, str]]:
    return [orjson.loads(row["body"]) for row in bench.rows("SELECT body FROM journal WHERE what = 'digest.sealed'")]


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
    town.submit()
    assert not bench.do(monthly(bench).catch_up()), "it came after the month"
    with bench.store.reading() as conn:
        assert not unsealed(conn, MONTH)
    assert seals(bench) == []


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
    with bench.store.reading() as conn:
        assert unsealed(conn, MONTH)
    bench.sql("UPDATE petitions SET body = :body", body=body)
    assert bench.do(monthly(bench).catch_up())


@pytest.mark.parametrize(("day", "month"), [("2026-11-01", Month(2026, 10)), ("2027-01-31", Month(2026, 12))])
def test_the_month_before(day: str, month: Month) -> None:
    assert month_before(datetime.fromisoformat(day).replace(tzinfo=SHANGHAI)) == month
