"""A notice of days off is loaded: what was counted without it is looked at again, and corrected where it was wrong."""

from datetime import date, datetime, timedelta

import orjson
import pytest

from bridge.clock import from_ms
from bridge.ledger import notices
from bridge.ledger.explaining import explain, frozen_editions
from bridge.rules.calendar import Override
from bridge.rules.notice import Notice, parse
from schemas.base import SHANGHAI
from schemas.event import EventType as E
from tests.ledger.conftest import MakeBench
from tests.support.ledgers import HOTLINE, Bench, petition, submission

OFF_2027 = (
    "2027-01-01", "2027-01-04", "2027-02-05", "2027-02-08", "2027-02-09", "2027-02-10", "2027-02-11", "2027-04-05",
    "2027-05-01", "2027-05-02", "2027-05-03", "2027-10-01", "2027-10-02", "2027-10-03", "2027-10-04",
)  # fmt: skip
"""Invented: the fourth of January is off, which nobody could know before."""


def notice(bench: Bench) -> Notice:
    text = "date,is_workday,source_doc\n" + "".join(f"{day},0,国办发明电〔2026〕9号\n" for day in OFF_2027)
    return parse("2027.csv", text, bench.ledger.rules.calendar_rules)


def on(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def test_a_deadline_of_the_next_year_is_provisional_and_corrected_when_the_notice_is_loaded(bench: Bench) -> None:
    bench.clock.at = on("2026-12-29 10:00:00")
    fresh = bring(bench)
    before = bench.petition(fresh)
    assert before["provisional"]
    assert from_ms(before["due_at"]) == on("2027-01-06 23:59:59")
    bench.judge()
    found = bench.do(bench.ledger.load_notice(notice(bench), "zhang"))
    assert (found.days, found.years, found.provisional) == (15, (2027,), 1)
    bench.judge()
    after = bench.petition(fresh)
    assert not after["provisional"]
    assert from_ms(after["due_at"]) == on("2027-01-07 23:59:59")
    assert "deadline.corrected" in bench.trail(fresh)
    (entry,) = bench.rows("SELECT body FROM journal WHERE what = 'operator.calendar_loaded'")
    assert orjson.loads(entry["body"])["actor"] == "operator:zhang"


def test_no_red_card_by_days_that_nobody_knows(bench: Bench) -> None:
    bench.clock.at = on("2026-12-29 10:00:00")
    fresh = bring(bench)
    bench.clock.at = on("2027-01-07 00:00:00")
    bench.judge()
    assert levels(bench, fresh) == ["urge", "urge", "yellow"]
    bench.do(bench.ledger.load_notice(notice(bench), "zhang"))
    bench.judge()
    assert levels(bench, fresh) == ["urge", "urge", "yellow"], "the fourth was off: due on the seventh"
    bench.clock.at = on("2027-01-08 00:00:00")
    bench.judge()
    assert levels(bench, fresh) == ["urge", "urge", "yellow", "red"]


def bring(bench: Bench) -> str:
    (outcome,) = bench.take(submission("m1", draft=petition(), at=bench.clock.at))
    return outcome.petition_id or ""


def levels(bench: Bench, petition_id: str) -> list[str]:
    rows = [row for row in bench.events(petition_id) if row["source"] == "bridge" and row["type"] != "noted"]
    return [orjson.loads(row["announced"])["level"] for row in rows]


def test_another_process_learns_of_it_too(bench: Bench, make_bench: MakeBench) -> None:
    other = make_bench("w2", bench.clock)
    bench.do(bench.ledger.load_notice(notice(bench), "zhang"))
    assert not other.ledger.rules.calendar.knows(2027)
    other.judge()
    assert other.ledger.rules.calendar.knows(2027)


def test_a_day_that_is_loaded_again_is_replaced(bench: Bench) -> None:
    day = Override(date(2026, 12, 31), False, "一号")
    for is_workday in (False, True):
        bench.do(bench.ledger.load_notice(Notice((Override(day.day, is_workday, "二号"),), frozenset()), "zhang"))
    with bench.store.reading() as conn:
        assert notices.loaded_days(conn) == [Override(day.day, True, "二号")]


@pytest.mark.parametrize(("today", "missing"), [("2026-10-31", None), ("2026-11-01", 2027), ("2027-01-01", 2027)])
def test_the_alarm_of_a_missing_year(bench: Bench, today: str, missing: int | None) -> None:
    with bench.store.reading() as conn:
        assert notices.calendar(conn, bench.ledger.rules).alarm(date.fromisoformat(today)) == missing
    bench.do(bench.ledger.load_notice(notice(bench), "zhang"))
    with bench.store.reading() as conn:
        assert notices.calendar(conn, bench.ledger.rules).alarm(date.fromisoformat(today)) is None


# ── why a deadline is what it is ──


def test_deadlines_are_explained_with_all_that_moved_them(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.SIGNED, HOTLINE, unit="区城管局")
    bench.clock.at += timedelta(hours=1)
    bench.say(case, E.EXTENDED, HOTLINE, extend_by={"amount": 2, "unit": "working_days"})
    bench.say(case, E.RESUMED, HOTLINE)
    with bench.store.reading() as conn:
        found = explain(conn, bench.privacy.vault, bench.ledger.rules, case.id)
        assert explain(conn, bench.privacy.vault, bench.ledger.rules, "LT-none") is None
        assert frozen_editions(conn) == {"shandong-2020"}
    assert found is not None
    assert (found["profile"], found["extensions"], found["reply"][:19]) == ("general", 1, "2026-12-01T23:59:59")
    assert [due["due"][:10] for due in found["history"] if due["clock"] == "reply"] == ["2026-11-27", "2026-12-01"]
    assert any("resumed is not allowed" in note for note in found["notes"])
    assert "→ general" in found["explained"]
