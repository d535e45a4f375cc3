"""Cards: each at its moment, each once, whoever looks and whenever."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.rules.calendar import Calendar
from bridge.rules.cards import Card, cards_due, next_card_at, overdue
from bridge.rules.deadlines import deadlines_for
from bridge.rules.profiles import Facts, Profiles
from bridge.rules.steps import Step
from schemas.event import EventType
from schemas.petition import HandlingClass, Urgency
from tests.rules.support import CALENDAR, PROFILES, RULES, at, facts, step
from tests.rules.test_calendar import notice_2027
from tests.rules.test_deadlines import HAPPENINGS, PAUSING, days
from tests.rules.test_profiles import edition, profile


def cards(
    now: str, *steps: Step, given: Facts | None = None, profiles: Profiles = PROFILES, calendar: Calendar = CALENDAR
) -> list[Card]:
    return cards_due(deadlines_for(given or facts(), steps, calendar, profiles), calendar, at(now), ())


def told(found: list[Card]) -> list[tuple[str, str]]:
    return [(card.key, f"{card.at:%m-%d %H:%M}") for card in found]


SIGNED = step("signed", "11-02 11:00")


@pytest.mark.parametrize(
    ("now", "keys"),
    [
        ("11-06 23:59:58", []),
        ("11-06 23:59:59", ["yellow"]),
        ("11-09 23:59:59", ["yellow"]),
        ("11-10 00:00", ["yellow", "red"]),
        ("11-16 23:59:59", ["yellow", "red"]),
        ("11-17 00:00", ["yellow", "red", "black"]),
        ("12-31 00:00", ["yellow", "red", "black"]),
    ],
)
def test_each_card_at_its_moment(now: str, keys: list[str]) -> None:
    assert [card.key for card in cards(now, SIGNED)] == [f"reply:{level}:0:0" for level in keys]


def test_over_days_off_the_first_day_over_is_a_working_day() -> None:
    found = cards("10-31", step("signed", "09-23"), given=facts("09-23"))
    assert told(found) == [
        ("reply:yellow:0:0", "09-30 23:59"),
        ("reply:red:0:0", "10-09 00:00"),
        ("reply:black:0:0", "10-15 00:00"),
    ]


@pytest.mark.parametrize(
    ("more", "submitted", "expected"),
    [
        ({"urgency": Urgency.CRITICAL}, "11-02 10:00", [
            ("accept:urge:0:0", "11-02 11:00"), ("sign:urge:0:0", "11-02 11:00"), ("reply:yellow:0:0", "11-02 11:30"),
            ("reply:red:0:0", "11-02 12:00"), ("reply:black:0:0", "11-03 12:00")]),
        ({"urgency": Urgency.URGENT}, "11-02 10:00", [
            ("accept:urge:0:0", "11-02 12:00"), ("sign:urge:0:0", "11-02 12:00"), ("reply:yellow:0:0", "11-03 06:00"),
            ("reply:red:0:0", "11-03 10:00"), ("reply:black:0:0", "11-08 10:00")]),
        ({"handling_class": HandlingClass.ON_SITE}, "11-02 10:00", []),
        ({}, "11-07 10:00", [
            ("accept:urge:0:0", "11-09 23:59"), ("sign:urge:0:0", "11-09 23:59"), ("reply:yellow:0:0", "11-12 23:59"),
            ("reply:red:0:0", "11-16 00:00"), ("reply:black:0:0", "11-23 00:00")]),
    ],
)  # fmt: skip
def test_a_petition_that_nobody_touches(more: dict[str, Any], submitted: str, expected: list[tuple[str, str]]) -> None:
    assert sorted(told(cards("12-31", given=facts(submitted, **more)))) == sorted(expected)


@pytest.mark.parametrize(
    ("steps", "keys"),
    [
        ((step("replied", "11-06 12:00"),), []),
        ((step("replied", "11-09 12:00"),), ["yellow:0:0"]),
        ((step("replied", "11-10 09:00"),), ["yellow:0:0", "red:0:0"]),
        ((step("closed", "11-06 12:00"),), []),
        ((step("extended", "11-05", **days(2)), step("replied", "11-11 12:00")), ["yellow:0:1"]),
        ((step("extended", "11-09", **days(2)), step("replied", "11-13 12:00")),
         ["yellow:0:0", "yellow:0:1", "red:0:1"]),
        ((step("extended", "11-12", **days(1)), step("replied", "11-12 12:00")),
         ["yellow:0:0", "red:0:0", "yellow:0:1", "red:0:1"]),
        ((step("replied", "11-06"), step("rehandled", "11-09"), step("signed", "11-09"), step("replied", "11-17")),
         ["yellow:1:0", "red:1:0"]),
    ],
)  # fmt: skip
def test_what_is_met_or_moved_gives_no_card_after_that(steps: tuple[Step, ...], keys: list[str]) -> None:
    assert [card.key for card in cards("12-31", SIGNED, *steps)] == [f"reply:{key}" for key in keys]


@pytest.mark.parametrize(
    ("steps", "keys"),
    [
        ((), ["accept:urge:0:0", "sign:urge:0:0"]),
        ((step("accepted", "11-02 12:00"),), ["sign:urge:0:0"]),
        ((step("accepted", "11-02 12:00"), step("dispatched", "11-04", unit="甲局")), ["sign:urge:0:0"]),
        ((step("accepted", "11-02 12:00"), step("dispatched", "11-03", unit="甲局"), step("signed", "11-04")), []),
        ((step("accepted", "11-04 12:00"), step("dispatched", "11-04 12:00", unit="甲局")),
         ["accept:urge:0:0", "sign:urge:0:0"]),
        ((step("replied", "11-03"),), []),
    ],
)  # fmt: skip
def test_a_late_signature_is_urged(steps: tuple[Step, ...], keys: list[str]) -> None:
    assert [card.key for card in cards("11-05 00:00", *steps)] == keys


KEY = profile("key", "15WD", when={"class": "key_supervision"})
BY_CLASS = Profiles((edition("by_class", "2020-01-01", KEY, profile(given="earlier")),))


def classed(when: str, handling_class: str) -> Step:
    return step("reclassed", when, handling_class=handling_class)


@pytest.mark.parametrize(
    ("steps", "keys"),
    [
        ((classed("11-07", "key_supervision"),), ["yellow:0:0", "yellow:0:1", "red:0:1", "black:0:1"]),
        ((classed("11-11", "key_supervision"),), ["yellow:0:0", "red:0:0", "yellow:0:1", "red:0:1", "black:0:1"]),
        ((classed("11-07", "home_unit"),), ["yellow:0:0", "red:0:0", "black:0:0"]),
        ((classed("11-07", "key_supervision"), classed("11-08", "home_unit")), ["yellow:0:0", "red:0:0", "black:0:0"]),
        ((classed("11-07", "key_supervision"), step("replied", "11-23"), step("rehandled", "11-26"),
          step("signed", "11-26"), step("replied", "12-17 09:00")), ["yellow:0:0", "yellow:0:1", "yellow:1:0"]),
    ],
)  # fmt: skip
def test_another_class_with_another_date_has_cards_of_its_own(steps: tuple[Step, ...], keys: list[str]) -> None:
    found = cards("12-31", SIGNED, *steps, profiles=BY_CLASS)
    assert [card.key for card in found] == [f"reply:{key}" for key in keys]


def test_a_new_unit_is_urged_for_itself() -> None:
    found = cards(
        "11-06 10:00", step("dispatched", "11-02 11:00", unit="甲局"), step("dispatched", "11-04", unit="乙局")
    )
    assert [card.key for card in found] == ["sign:urge:0:1", "sign:urge:0:2"]


def test_none_while_the_clock_stands_still() -> None:
    asked = step("extension_requested", "11-12")
    assert cards("12-31", SIGNED, asked, profiles=PAUSING) == []
    denied = cards("12-31", SIGNED, asked, step("extension_denied", "11-20"), profiles=PAUSING)
    assert told(denied) == [
        ("reply:yellow:0:0", "11-23 23:59"),
        ("reply:red:0:0", "11-25 00:00"),
        ("reply:black:0:0", "12-02 00:00"),
    ]


def test_a_card_is_given_once() -> None:
    found = deadlines_for(facts(), [SIGNED], CALENDAR, PROFILES)
    first = cards_due(found, CALENDAR, at("11-10 09:00"), ())
    given_keys = {card.key for card in first}
    assert cards_due(found, CALENDAR, at("11-10 09:00"), given_keys) == []
    assert next_card_at(found, CALENDAR, given_keys) == at("11-17 00:00")
    assert next_card_at(found, CALENDAR, given_keys | {"reply:black:0:0"}) is None


def test_the_same_card_is_the_same_event() -> None:
    yellow, red = cards("11-10 09:00", SIGNED)
    assert yellow.event_id("LT1") == cards("12-31", SIGNED)[0].event_id("LT1")
    assert len({yellow.event_id("LT1"), red.event_id("LT1"), yellow.event_id("LT2")}) == 3
    assert yellow.type is EventType.SUPERVISED
    assert cards("11-05")[0].type is EventType.URGED


def test_a_red_card_waits_until_the_days_off_are_known() -> None:
    late = facts("2027-02-03")
    signed = step("signed", "2027-02-03 11:00")
    assert [card.level for card in cards("2027-03-31", signed, given=late)] == ["yellow"]
    loaded = cards("2027-03-31", signed, given=late, calendar=Calendar(RULES, notice_2027()))
    assert told(loaded) == [
        ("reply:yellow:0:0", "02-16 23:59"),
        ("reply:red:0:0", "02-18 00:00"),
        ("reply:black:0:0", "02-24 00:00"),
    ]


def test_a_city_may_give_provisional_cards() -> None:
    table = Profiles((edition("bold", "2020-01-01", profile(), hold_provisional=False),))
    assert len(cards("2027-03-31", given=facts("2027-02-03"), profiles=table)) == 3


def test_the_last_day_of_the_known_year_is_not_yet_over() -> None:
    """Due on 2026-12-31: the first working day over lies in the unknown year."""
    found = cards("2027-01-31", step("signed", "12-24"), given=facts("12-24"))
    assert told(found) == [("reply:yellow:0:0", "12-30 23:59")]


@pytest.mark.parametrize(
    ("steps", "times"),
    [
        ((), 1),
        ((step("replied", "11-09"),), 0),
        ((step("extended", "11-11", **days(1)),), 2),
        ((step("replied", "11-11"), step("rehandled", "11-12"), step("replied", "11-20 12:00")), 2),
    ],
)
def test_how_often_it_was_late(steps: tuple[Step, ...], times: int) -> None:
    assert overdue(deadlines_for(facts(), steps, CALENDAR, PROFILES), CALENDAR, at("11-30")) == times


@settings(max_examples=100, deadline=None)
@given(HAPPENINGS, st.sampled_from([PROFILES, PAUSING]), st.lists(st.integers(1, 60 * 24), max_size=8))
def test_looking_often_or_once_gives_the_same_cards(
    happenings: list[Any], profiles: Profiles, looks: list[int]
) -> None:
    """The watch may be away for days: what it gives in the end does not depend on when it looked."""
    start = at("11-02")
    steps = [
        Step(type_, start + timedelta(hours=hours), step("noted", "11-02", unit=unit, **data).data)
        for type_, hours, unit, data in happenings
    ]
    end = start + timedelta(days=61)
    once = cards_due(deadlines_for(facts(), steps, CALENDAR, profiles), CALENDAR, end, ())
    keys: set[str] = set()
    for hours in [*sorted(looks), 61 * 24]:
        now = start + timedelta(hours=hours)
        known = [one for one in steps if one.at <= now]
        new = cards_due(deadlines_for(facts(), known, CALENDAR, profiles), CALENDAR, now, keys)
        assert len({card.key for card in new}) == len(new)
        assert all(card.at <= now for card in new)
        keys |= {card.key for card in new}
    assert keys == {card.key for card in once}
