"""Working days: the official years, the loaded ones, the unknown ones, and how days are counted."""

from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rules.calendar import Calendar, CalendarRules, Moment, Override
from bridge.rules.term import Term, Unit
from tests.rules.support import CALENDAR, RULES, at

OFF_2027 = ("01-01", "02-05", "02-06", "02-07", "02-08", "02-09", "02-10", "02-11", "04-05", "05-01", "05-02", "05-03",
            "06-09", "09-15", "10-01", "10-02", "10-03", "10-04", "10-05")  # fmt: skip
"""An invented notice: nobody knows the real one yet."""
MADE_UP_2027 = ("02-20", "10-09")


def notice_2027() -> list[Override]:
    days = [(day, False) for day in OFF_2027] + [(day, True) for day in MADE_UP_2027]
    return [Override(date.fromisoformat(f"2027-{day}"), worked, "notice of a test") for day, worked in days]


def counting(**count: object) -> Calendar:
    table = RULES.model_dump(by_alias=True)
    table["count"] |= count
    return Calendar(CalendarRules.model_validate(table))


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("09-18", "09-24"),  # 09-20 is a Sunday that is worked
        ("09-30", "10-13"),  # National Day, and 10-10 is a Saturday that is worked
        ("02-13", "02-27"),  # Spring Festival, and 02-14 is worked
        ("11-02", "11-09"),  # nothing special
        ("11-07", "11-13"),  # received on a Saturday
    ],
)
def test_five_working_days(received: str, due: str) -> None:
    moment = CALENDAR.due(at(received), Term.parse("5WD"))
    assert moment.at == at(f"{due} 23:59:59")
    assert not moment.provisional


@pytest.mark.parametrize("day", ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"])
def test_make_up_days_of_2026_are_worked(day: str) -> None:
    assert date.fromisoformat(f"2026-{day}").weekday() >= 5
    assert CALENDAR.is_workday(date.fromisoformat(f"2026-{day}"))


@pytest.mark.parametrize(
    ("first", "last"),
    [("01-01", "01-03"), ("02-15", "02-23"), ("04-04", "04-06"), ("05-01", "05-05"), ("06-19", "06-21"),
     ("09-25", "09-27"), ("10-01", "10-07")],
)  # fmt: skip
def test_days_off_of_2026(first: str, last: str) -> None:
    day, end = date.fromisoformat(f"2026-{first}"), date.fromisoformat(f"2026-{last}")
    while day <= end:
        assert not CALENDAR.is_workday(day)
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("term", "due"),
    [
        ("0D", "11-06 23:59:59"),
        ("1D", "11-07 23:59:59"),
        ("7D", "11-13 23:59:59"),
        ("2H", "11-06 12:30"),
        ("0.5H", "11-06 11:00"),
        ("24H", "11-07 10:30"),
        ("1WD", "11-09 23:59:59"),
        ("2.5WD", "11-11 12:00"),
        ("2.5D", "11-09 12:00"),
        ("0.5WD", "11-09 12:00"),
    ],
)
def test_terms_from_a_friday(term: str, due: str) -> None:
    assert CALENDAR.due(at("11-06 10:30"), Term.parse(term)).at == at(due)


@pytest.mark.parametrize(
    ("count", "received", "term", "due"),
    [
        ({"receipt_day": 1}, "11-02", "5WD", "11-06 23:59:59"),
        ({"receipt_day": 1}, "11-07", "1WD", "11-09 23:59:59"),
        ({"receipt_day": 1}, "11-07", "1D", "11-07 23:59:59"),
        ({"cut_off": "17:00"}, "11-02 16:59", "1WD", "11-03 23:59:59"),
        ({"cut_off": "17:00"}, "11-02 17:00", "1WD", "11-04 23:59:59"),
        ({"cut_off": "17:00"}, "11-06 18:00", "1WD", "11-10 23:59:59"),
        ({"cut_off": "17:00"}, "11-07 09:00", "1WD", "11-10 23:59:59"),
        ({"cut_off": "17:00"}, "11-02 18:00", "1D", "11-03 23:59:59"),
        ({"due_time": "17:30"}, "11-02", "1WD", "11-03 17:30"),
        ({"due_time": "17:30"}, "11-02", "1.9D", "11-04 17:30"),
        ({"due_time": "17:30"}, "11-02", "0D", "11-02 23:59:59"),
    ],
)
def test_the_convention_is_the_citys(count: dict[str, object], received: str, term: str, due: str) -> None:
    assert counting(**count).due(at(received), Term.parse(term)).at == at(due)


def test_beyond_the_known_years_a_working_day_is_provisional() -> None:
    known = CALENDAR.due(at("12-24"), Term.parse("5WD"))
    assert (known.at, known.provisional) == (at("12-31 23:59:59"), False)
    guessed = CALENDAR.due(at("12-28"), Term.parse("5WD"))
    assert (guessed.at, guessed.provisional) == (at("2027-01-05 23:59:59"), True)
    assert not CALENDAR.is_workday(date(2027, 1, 1))
    assert not CALENDAR.is_workday(date(2030, 10, 1))
    assert not CALENDAR.is_workday(date(2027, 1, 2))


@pytest.mark.parametrize("term", ["7D", "100H"])
def test_calendar_days_and_hours_need_no_notice(term: str) -> None:
    assert not CALENDAR.due(at("12-30"), Term.parse(term)).provisional


@pytest.mark.parametrize("term", ["1WD", "2D", "2.5D", "24H"])
def test_what_is_put_off_from_a_guess_is_one(term: str) -> None:
    for guessed in (True, False):
        assert CALENDAR.put_off(Moment(at("11-02"), guessed), Term.parse(term)).provisional is guessed


def test_what_a_pause_is_worth_may_be_a_guess() -> None:
    assert CALENDAR.between(at("12-30"), at("12-31"), Unit.WORKING_DAYS) == (1, False)
    assert CALENDAR.between(at("12-31"), at("2027-01-01"), Unit.WORKING_DAYS) == (0, True)
    assert CALENDAR.between(at("12-31"), at("2027-01-02"), Unit.DAYS) == (2, False)


def test_a_loaded_year_is_known_and_counted_anew() -> None:
    loaded = Calendar(RULES, notice_2027())
    assert CALENDAR.horizon_end == date(2026, 12, 31)
    assert loaded.horizon_end == date(2027, 12, 31)
    before = CALENDAR.due(at("2027-02-04"), Term.parse("5WD"))
    after = loaded.due(at("2027-02-04"), Term.parse("5WD"))
    assert (before.at, before.provisional) == (at("2027-02-11 23:59:59"), True)
    assert (after.at, after.provisional) == (at("2027-02-18 23:59:59"), False)
    assert loaded.is_workday(date(2027, 2, 20))


def test_half_a_notice_makes_no_year_known() -> None:
    half = Calendar(RULES, notice_2027()[:5])
    assert half.horizon_end == date(2026, 12, 31)
    assert half.due(at("2027-02-04"), Term.parse("1WD")).provisional


def test_a_year_that_skips_one_does_not_move_the_horizon() -> None:
    later = [Override(one.day.replace(year=2028), one.is_workday, one.source_doc) for one in notice_2027()]
    assert Calendar(RULES, later).horizon_end == date(2026, 12, 31)


def test_a_correction_of_a_known_year_wins() -> None:
    corrected = Calendar(RULES, [Override(date(2026, 11, 3), False, "a city holiday")])
    assert CALENDAR.is_workday(date(2026, 11, 3))
    assert not corrected.is_workday(date(2026, 11, 3))


@pytest.mark.parametrize(
    ("today", "missing"),
    [("2026-10-31", None), ("2026-11-01", 2027), ("2026-12-31", 2027), ("2027-01-01", 2027), ("2028-06-01", 2028)],
)
def test_the_alarm_names_the_missing_year(today: str, missing: int | None) -> None:
    assert CALENDAR.alarm(date.fromisoformat(today)) == missing


def test_the_alarm_is_silent_once_the_year_is_loaded() -> None:
    loaded = Calendar(RULES, notice_2027())
    assert loaded.alarm(date(2026, 12, 31)) is None
    assert loaded.alarm(date(2027, 10, 31)) is None
    assert loaded.alarm(date(2027, 11, 1)) == 2028


days_2026 = st.dates(date(2025, 1, 1), date(2026, 10, 31))


@given(days_2026, st.integers(1, 30))
def test_so_many_working_days_lie_between(day: date, number: int) -> None:
    due = CALENDAR.due(at(f"{day} 09:00"), Term.parse(f"{number}WD")).at.date()
    assert chinese_calendar.is_workday(due)
    between = chinese_calendar.get_workdays(day + timedelta(days=1), due)
    assert len(between) == number
    assert CALENDAR.between(at(f"{day} 09:00"), at(f"{due} 09:00"), Unit.WORKING_DAYS) == (number, False)


@given(days_2026, st.integers(0, 23), st.integers(1, 200), st.sampled_from(["", "17:00"]), st.sampled_from([0, 1]))
def test_whoever_comes_later_is_due_no_earlier(day: date, hour: int, later: int, cut_off: str, receipt: int) -> None:
    calendar = counting(cut_off=cut_off, receipt_day=receipt)
    received = at(f"{day} {hour:02}:00")
    for term in ("1WD", "2.5WD", "5WD", "3D", "2H"):
        first = calendar.due(received, Term.parse(term))
        second = calendar.due(received + timedelta(hours=later), Term.parse(term))
        assert received <= first.at <= second.at


@given(days_2026, st.integers(1, 15))
def test_earlier_undoes_later(day: date, number: int) -> None:
    term = Term.parse(f"{number}WD")
    due = CALENDAR.due(at(f"{day} 09:00"), Term.parse("1WD")).at
    assert CALENDAR.earlier(CALENDAR.later(due, term).at, term).at == due


@pytest.mark.parametrize(
    ("deadline", "term", "begins"),
    [
        ("11-06 23:59:59", "1WD", "11-09 00:00"),
        ("09-18 23:59:59", "1WD", "09-20 00:00"),
        ("11-06 23:59:59", "1D", "11-07 00:00"),
        ("11-06 23:59:59", "6WD", "11-16 00:00"),
        ("11-06 12:00", "0H", "11-06 12:00"),
    ],
)
def test_the_first_day_over(deadline: str, term: str, begins: str) -> None:
    assert CALENDAR.day_over(at(deadline), Term.parse(term)).at == at(begins)


@pytest.mark.parametrize("text", ["5", "WD", "5wd", "-1D", "1.234D", "5 WD", "99999D", "１D"])
def test_what_is_no_term_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no term"):
        Term.parse(text)


def test_a_term_reads_as_it_is_written() -> None:
    assert [str(Term.parse(text)) for text in ("5WD", "2.50D", "10H", "0D")] == ["5WD", "2.5D", "10H", "0D"]
    assert Term.parse("2.5WD").zh == "2.5个工作日"
