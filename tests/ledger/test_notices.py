"""A notice of days off is loaded: what was counted without it is looked at again, and corrected where it was wrong."""

from datetime import date, datetime, timedelta

import orjson
import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs

from bridge.clock import from_ms
from bridge.ledger import notices
from bridge.ledger.explaining import explain, frozen_editions
from bridge.rules.book import RuleBook, built_in
from bridge.rules.calendar import Override
from bridge.rules.notice import Notice, parse
from schemas.base import SHANGHAI
from schemas.event import EventType as E
from schemas.petition import HandlingClass
from tests.ledger.conftest import MakeBench
from tests.support.ledgers import CENTER, HOTLINE, Bench, Case, number, petition, submission

OFF_2027 = (
    "2027-01-01", "2027-01-04", "2027-02-05", "2027-02-08", "2027-02-09", "2027-02-10", "2027-02-11", "2027-04-05",
    "2027-05-01", "2027-05-02", "2027-05-03", "2027-10-01", "2027-10-02", "2027-10-03", "2027-10-04",
)  # fmt: skip
"""Invented: the fourth of January is off, which nobody could know before."""


def notice(bench: Bench, *lines: str, without: str = "") -> Notice:
    """These lines, or the whole notice."""
    lines = lines or tuple(f"{day},0,国办发明电〔2026〕9号" for day in OFF_2027 if day != without)
    text = "date,is_workday,source_doc\n" + "\n".join(lines)
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


def bring(bench: Bench, key: str = "m1") -> str:
    return bring_case(bench, key).id


def bring_case(bench: Bench, key: str) -> Case:
    (outcome,) = bench.take(submission(key, draft=petition(), at=bench.clock.at))
    return Case(outcome.petition_id or "", outcome.event_id or "", number(key))


def due(bench: Bench, petition_id: str) -> tuple[datetime, bool]:
    row = bench.petition(petition_id)
    return from_ms(row["due_at"]), bool(row["provisional"])


def corrected(bench: Bench, petition_id: str) -> int:
    return bench.trail(petition_id).count("deadline.corrected")


def levels(bench: Bench, petition_id: str) -> list[str]:
    rows = [row for row in bench.events(petition_id) if row["source"] == "bridge" and row["type"] != "noted"]
    return [orjson.loads(row["announced"])["level"] for row in rows]


# ── what is corrected ──


def test_a_corrected_notice_takes_back_what_it_no_longer_names(bench: Bench) -> None:
    bench.clock.at = on("2026-12-29 10:00:00")
    bench.do(bench.ledger.load_notice(notice(bench), "zhang"))
    bench.judge()
    fresh = bring(bench)
    assert due(bench, fresh) == (on("2027-01-07 23:59:59"), False)
    bench.clock.turn(60)
    found = bench.do(bench.ledger.load_notice(notice(bench, without="2027-01-04"), "zhang"))
    assert (found.days, found.years, found.taken_away, found.looked_at) == (14, (2027,), 1, 1)
    assert bench.judge() == 1
    assert due(bench, fresh) == (on("2027-01-06 23:59:59"), False)
    assert corrected(bench, fresh) == 1


def test_a_correction_within_a_known_year_wakes_who_was_counted_without_it(bench: Bench) -> None:
    bench.clock.at = on("2026-12-21 10:00:00")
    fresh = bring(bench)
    bench.judge()
    for line, date_, notes in (("2026-12-25,0,市府办", "2026-12-29", 1), ("2026-12-25,1,市府办", "2026-12-28", 2)):
        bench.clock.turn(60)
        found = bench.do(bench.ledger.load_notice(notice(bench, line), "zhang"))
        assert (found.years, found.taken_away, found.looked_at, found.provisional) == ((), 0, 1, 0)
        assert bench.judge() == 1
        assert due(bench, fresh) == (on(f"{date_} 23:59:59"), False)
        assert corrected(bench, fresh) == notes


def test_what_says_the_same_again_wakes_nobody(bench: Bench) -> None:
    bench.clock.at = on("2026-12-29 10:00:00")
    bench.do(bench.ledger.load_notice(notice(bench), "zhang"))
    bring(bench)
    while bench.judge():
        pass
    again = bench.do(bench.ledger.load_notice(notice(bench), "zhang"))
    assert (again.taken_away, again.looked_at, bench.judge()) == (0, 0, 0)


def test_a_correction_leaves_the_other_days_of_its_year(bench: Bench) -> None:
    bench.sql("INSERT INTO workdays VALUES ('2026-12-25T00:00:00', false, '一号', 1)")
    for line, taken_away in (("2026-12-24,0,一号", 0), ("2026-12-25,0,二号", 1)):
        assert bench.do(bench.ledger.load_notice(notice(bench, line), "zhang")).taken_away == taken_away
    with bench.store.reading() as conn:
        assert [one.day.day for one in notices.loaded_days(conn)] == [24, 25]


def test_a_closed_petition_is_left_alone(bench: Bench) -> None:
    fresh = bring(bench)
    bench.sql("UPDATE petitions SET closed_at = 1, look_at = NULL")
    assert bench.do(bench.ledger.load_notice(notice(bench), "zhang")).looked_at == 0
    assert bench.petition(fresh)["look_at"] is None


def test_who_ends_long_before_the_days_is_left_alone(bench: Bench) -> None:
    bench.clock.at = on("2026-11-09 10:00:00")
    bring(bench)
    while bench.judge():
        pass
    assert bench.do(bench.ledger.load_notice(notice(bench), "zhang")).looked_at == 0
    assert bench.judge() == 0
    # Due on the 16th, and its black card comes on the 24th.
    assert bench.do(bench.ledger.load_notice(notice(bench, "2026-11-24,0,市府办"), "zhang")).looked_at == 1


@pytest.mark.parametrize("number_", range(1, 400, 7))
def test_no_clock_reaches_further_than_is_said(number_: int) -> None:
    book = built_in()
    begin = on("2025-09-01 10:00:00") + timedelta(days=number_)
    for edition in book.profiles.editions:
        for profile in edition.profile:
            due = book.calendar.due(begin, profile.reply)
            due = book.calendar.put_off(due, profile.extension) if profile.extension is not None else due
            for card in filter(None, (edition.cards_of(profile).red, edition.cards_of(profile).black)):
                assert book.calendar.day_over(due.at, card).at - begin < notices.reach(book.profiles)


def test_a_later_notice_is_another_one_whatever_the_clock_says(bench: Bench, make_bench: MakeBench) -> None:
    other = make_bench("w2", bench.clock)
    for line, worked in (("2026-12-25,0,市府办", False), ("2026-12-25,1,市府办", True)):
        bench.do(bench.ledger.load_notice(notice(bench, line), "zhang"))
        other.judge()
        assert other.ledger.rules.calendar.is_workday(date(2026, 12, 25)) is worked


def test_a_notice_that_comes_while_another_process_looks(
    bench: Bench, make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bench.store.is_sqlite:
        return  # There is one writer at a time.
    bench.clock.at = on("2026-12-29 10:00:00")
    fresh = bring(bench)
    while bench.judge():
        pass
    other, whole = make_bench("w2", bench.clock), notice(bench)
    learn = notices.learn

    def learn_just_before(conn: Connection, book: RuleBook) -> None:
        learn(conn, book)
        monkeypatch.setattr(notices, "learn", learn)
        other.do(other.ledger.load_notice(whole, "zhang"))

    monkeypatch.setattr(notices, "learn", learn_just_before)
    while bench.judge():
        pass
    bench.judge()
    assert due(bench, fresh) == (on("2027-01-07 23:59:59"), False)


@pytest.mark.parametrize("granted", [(2, "days"), (24, "hours"), (2, "working_days")])
def test_what_extends_a_provisional_deadline_leaves_it_provisional(bench: Bench, granted: tuple[int, str]) -> None:
    bench.clock.at = on("2026-12-28 10:00:00")
    case = bring_case(bench, "m1")
    bench.say(case, E.EXTENDED, HOTLINE, extend_by={"amount": granted[0], "unit": granted[1]})
    bench.judge()
    before, provisional = due(bench, case.id)
    assert (provisional, corrected(bench, case.id)) == (True, 0)
    bench.clock.turn(60)
    assert bench.do(bench.ledger.load_notice(notice(bench), "zhang")).provisional == 1
    bench.judge()
    after, provisional = due(bench, case.id)
    assert (after > before, provisional, corrected(bench, case.id)) == (True, False, 1)


def test_a_date_that_an_event_names_is_no_correction(bench: Bench) -> None:
    bench.clock.at = on("2026-12-29 10:00:00")
    case = bring_case(bench, "m1")
    bench.do(bench.ledger.load_notice(notice(bench, "2026-12-26,1,市府办"), "zhang"))
    bench.say(case, E.EXTENDED, HOTLINE, due_at=on("2027-01-08 18:00:00"))
    bench.judge()
    assert due(bench, case.id) == (on("2027-01-08 18:00:00"), False)
    assert corrected(bench, case.id) == 0


def test_a_process_that_only_takes_in_counts_with_the_notice(bench: Bench, make_bench: MakeBench) -> None:
    bench.clock.at = on("2026-12-29 10:00:00")
    serving = make_bench("serve", bench.clock)
    bench.do(bench.ledger.load_notice(notice(bench), "zhang"))
    assert due(serving, bring(serving)) == (on("2027-01-07 23:59:59"), False)


# ── what nobody can read ──


def test_a_row_that_nobody_can_read_stops_no_rule_and_goes_with_the_next_notice(bench: Bench) -> None:
    bench.clock.at = on("2026-12-29 10:00:00")
    fresh = bring(bench)
    bench.sql("INSERT INTO workdays VALUES ('2027-01-04T00:00:00', false, '国办', 1)")
    with capture_logs() as logs:
        bench.judge()
        bench.judge()
    (said,) = [one for one in logs if one["event"] == "calendar.unreadable_days"]
    assert said["days"] == ["2027-01-04T00:00:00"]
    assert due(bench, fresh) == (on("2027-01-06 23:59:59"), True)
    bench.clock.turn(60)
    assert bench.do(bench.ledger.load_notice(notice(bench), "zhang")).taken_away == 1
    with bench.store.reading() as conn:
        assert (notices.unreadable_days(conn), len(notices.loaded_days(conn))) == ([], 15)
    bench.judge()
    assert due(bench, fresh) == (on("2027-01-07 23:59:59"), False)


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


def test_after_a_new_class_its_own_profile_is_explained_too(bench: Bench) -> None:
    case = bench.submit(cls=HandlingClass.ON_SITE)
    bench.clock.at += timedelta(hours=1)
    bench.say(case, E.RECLASSED, CENTER, handling_class=HandlingClass.HOTLINE_TRANSFER)
    with bench.store.reading() as conn:
        found = explain(conn, bench.privacy.vault, bench.ledger.rules, case.id)
    assert found is not None
    before, after = found["explained"].split("re-classed")
    assert "→ on_site" in before
    assert f"→ {found['profile']}" in after
