"""Deadlines: what starts, moves, pauses and stops each clock, and what does not."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.rules.calendar import Calendar
from bridge.rules.deadlines import Deadlines, deadlines_for
from bridge.rules.profiles import Facts, Profiles
from bridge.rules.steps import Step
from schemas.event import EventType as E
from schemas.petition import HandlingClass, Urgency
from tests.rules.support import CALENDAR, PROFILES, RULES, at, facts, step
from tests.rules.test_calendar import notice_2027
from tests.rules.test_profiles import edition, profile

TWO_WEEKS = profile(
    reply="10WD", sign="1WD", return_window="2WD", extension="5WD", extensions=2,
    pause=["return", "redispatch", "extension", "suspension"], given="earlier",
)  # fmt: skip
PAUSING_5 = Profiles((edition("pausing", "2020-01-01", profile(
    reply="5WD", extension="10WD", extensions=2, pause=["return", "redispatch", "suspension"], given="earlier",
)),))  # fmt: skip
PAUSING = Profiles((edition("pausing", "2020-01-01", TWO_WEEKS),))


def after(*steps: Step, given: Facts | None = None, profiles: Profiles = PROFILES) -> Deadlines:
    return deadlines_for(given or facts(), steps, CALENDAR, profiles)


def days(amount: float, unit: str = "working_days") -> dict[str, Any]:
    return {"extend_by": {"amount": amount, "unit": unit}}


def test_a_new_petition_has_all_its_deadlines() -> None:
    found = after(step("submitted", "11-02"))
    assert found.accept == at("11-03 23:59:59")
    assert found.sign == at("11-03 23:59:59")
    assert found.return_by == at("11-04 23:59:59")
    assert found.reply == at("11-09 23:59:59")
    assert (found.profile, found.version) == ("general", "shandong-2020")
    assert (found.round, found.extensions, found.provisional, found.notes) == (0, 0, False, ())
    assert found.paused_since is found.stopped_at is None


def test_no_petition_is_outside_even_if_nobody_has_it() -> None:
    assert after().reply == at("11-09 23:59:59")


@pytest.mark.parametrize(
    ("more", "submitted", "reply"),
    [
        ({"handling_class": HandlingClass.ON_SITE}, "11-15 23:30", "11-15 23:59:59"),
        ({"urgency": Urgency.CRITICAL}, "11-15 23:30", "11-16 01:30"),
        ({"urgency": Urgency.URGENT}, "11-14 08:00", "11-15 08:00"),
        ({}, "11-15 08:00", "11-20 23:59:59"),
        ({}, "09-18 08:00", "09-24 23:59:59"),
    ],
)
def test_each_profile_from_its_own_start(more: dict[str, Any], submitted: str, reply: str) -> None:
    assert after(given=facts(submitted, **more)).reply == at(reply)


EDITS = ("noted", "progressed", "supervised", "urged", "rated", "unknown", "accepted", "signed", "cancel_requested",
         "cancel_denied", "reclassed")  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_no_edit_restarts_the_clock(edit: str) -> None:
    untouched = after(step("dispatched", "11-02 11:00", unit="甲局"))
    edited = after(step("dispatched", "11-02 11:00", unit="甲局"), *(step(edit, f"11-0{day}") for day in (3, 4, 5, 6)))
    assert (edited.reply, edited.return_by, edited.round) == (untouched.reply, untouched.return_by, 0)


def test_a_dispatch_told_again_restarts_neither_signature_nor_return() -> None:
    first = step("dispatched", "11-02 11:00", unit="甲局")
    again = step("dispatched", "11-05 11:00", unit="甲局")
    assert after(first, again).sign == after(first).sign == at("11-03 23:59:59")
    assert after(first, again).return_by == after(first).return_by == at("11-04 23:59:59")


def test_another_unit_has_its_own_time_to_sign_but_not_to_reply() -> None:
    found = after(step("dispatched", "11-02 11:00", unit="甲局"), step("dispatched", "11-05 11:00", unit="乙局"))
    assert found.sign == at("11-06 23:59:59")
    assert found.return_by == at("11-09 23:59:59")
    assert found.reply == at("11-09 23:59:59")


def test_after_a_return_even_the_same_unit_begins_anew() -> None:
    found = after(
        step("dispatched", "11-02 11:00", unit="甲局"),
        step("return_requested", "11-03"),
        step("returned", "11-04"),
        step("dispatched", "11-05", unit="甲局"),
    )
    assert found.sign == at("11-06 23:59:59")
    assert found.reply == at("11-09 23:59:59")


# ── extensions ──


@pytest.mark.parametrize(
    ("granted", "reply"),
    [
        (days(3), "11-12 23:59:59"),
        (days(2.5), "11-12 12:00"),
        (days(3, "days"), "11-12 23:59:59"),
        (days(12, "hours"), "11-10 11:59:59"),
        ({"due_at": at("11-16 17:00")}, "11-16 17:00"),
        ({"due_at": at("11-03 17:00")}, "11-09 23:59:59"),
        (days(10), "11-23 23:59:59"),
        (days(11), "11-23 23:59:59"),
        ({"due_at": at("12-31 17:00")}, "11-23 23:59:59"),
    ],
)
def test_an_extension(granted: dict[str, Any], reply: str) -> None:
    found = after(step("extension_requested", "11-06"), step("extended", "11-07", **granted))
    assert found.reply == at(reply)
    assert found.extensions == 1


def test_extensions_together_add_no_more_than_the_most() -> None:
    found = after(step("extended", "11-06", **days(6)), step("extended", "11-10", **days(6)))
    assert found.reply == at("11-23 23:59:59")
    assert found.notes == ("2026-11-10 10:00 extensions beyond 10WD count up to it",)


def test_a_third_extension_is_not_counted() -> None:
    found = after(*(step("extended", f"11-0{day}", **days(1)) for day in (3, 4, 5)))
    assert found.reply == at("11-11 23:59:59")
    assert found.notes == ("2026-11-05 10:00 extension 3: profile general allows 2",)


@pytest.mark.parametrize(
    "steps",
    [
        (step("extension_requested", "11-04"), step("extension_denied", "11-05")),
        (step("extension_requested", "11-04"),),
        (step("extended", "11-05"),),
        (step("replied", "11-04"), step("extended", "11-05", **days(3))),
    ],
)
def test_what_extends_nothing(steps: tuple[Step, ...]) -> None:
    assert after(*steps).reply == at("11-09 23:59:59")


CENTER = "governance_center"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (days(5), days(5)),
        ({"due_at": at("11-16 17:00")}, {"due_at": at("11-16 17:00")}),
        (days(5), {"due_at": at("11-16 23:59:59")}),
        ({"due_at": at("11-16 23:59:59")}, days(5)),
    ],
)
def test_one_extension_told_by_two_systems_counts_once(first: dict[str, Any], second: dict[str, Any]) -> None:
    once = step("extended", "11-05", **first)
    found = after(once, step("extended", "11-06", source=CENTER, **second))
    assert (found.reply, found.extensions, found.history) == (after(once).reply, 1, after(once).history)
    assert found.notes == ("2026-11-06 10:00 the same extension told again by governance_center",)


@pytest.mark.parametrize(
    "between_and_second",
    [
        (step("extended", "11-06", **days(3)),),
        (step("extended", "11-06", source=CENTER, **days(4)),),
        (step("extension_requested", "11-05 12:00"), step("extended", "11-06", source=CENTER, **days(3))),
    ],
)
def test_what_is_granted_a_second_time_is_a_second_extension(between_and_second: tuple[Step, ...]) -> None:
    found = after(step("extended", "11-05", **days(3)), *between_and_second)
    assert (found.extensions, found.notes) == (2, ())


def test_two_extensions_told_by_two_systems_are_two() -> None:
    told = [step("extended", f"11-0{day}", source=who, **days(2))
            for day, who in ((3, "hotline12345"), (4, CENTER), (5, CENTER), (6, "hotline12345"))]  # fmt: skip
    found = after(*told)
    assert (found.extensions, found.reply, len(found.notes)) == (2, at("11-13 23:59:59"), 2)


def test_a_profile_without_extensions_grants_none() -> None:
    found = after(step("extended", "11-02 11:00", **days(3)), given=facts(urgency=Urgency.URGENT))
    assert found.reply == at("11-03 10:00")
    assert found.notes == ("2026-11-02 11:00 extension 1: profile urgent allows 0",)


# ── a deadline that a system names ──


@pytest.mark.parametrize(
    ("named", "reply"),
    [
        (("11-05 17:00",), "11-05 17:00"),
        (("11-30 17:00",), "11-09 23:59:59"),
        (("11-01 17:00",), "11-09 23:59:59"),
        (("11-06 17:00", "11-30 17:00"), "11-06 17:00"),
    ],
)
def test_an_earlier_date_named_with_the_dispatch_counts(named: tuple[str, ...], reply: str) -> None:
    steps = [step("dispatched", f"11-02 1{place}:00", unit="甲局", due_at=at(one)) for place, one in enumerate(named)]
    assert after(*steps).reply == at(reply)


def test_a_dispatch_may_name_all_its_limits() -> None:
    named = {"sign_by": at("11-02 18:00"), "return_by": at("11-03 12:00"), "due_at": at("11-05 17:00")}
    found = after(step("dispatched", "11-02 11:00", unit="甲局", **named))
    assert (found.sign, found.return_by, found.reply) == tuple(named.values())
    past = {name: at("11-02 10:30") for name in ("sign_by", "return_by")}
    assert after(step("dispatched", "11-02 11:00", unit="甲局", **past)).sign == at("11-03 23:59:59")


@pytest.mark.parametrize("name", ["sign_by", "return_by", "due_at"])
@pytest.mark.parametrize("past", ["11-02 18:00", "11-03 10:00"])
def test_a_date_that_has_passed_at_the_dispatch_is_noted_and_not_counted(name: str, past: str) -> None:
    plain = step("dispatched", "11-03", unit="甲局")
    named = step("dispatched", "11-03", unit="甲局", **{name: at(past)})
    assert after(named).notes == (f"2026-11-03 10:00 {name} 2026-{past} is not after the dispatch",)
    assert replace(after(named), notes=()) == after(plain)


def test_a_date_that_counted_may_be_named_again_when_it_has_passed() -> None:
    named = [step("dispatched", when, unit="甲局", due_at=at("11-05 17:00")) for when in ("11-03", "11-06")]
    assert (after(*named).reply, after(*named).notes) == (at("11-05 17:00"), ())


def named_at(when: str, due: str = "11-12 18:00") -> Step:
    return step("dispatched", when, unit="乙局", due_at=at(due))


GRANTED, STOOD = step("extended", "11-06 12:00", **days(5)), (step("suspended", "11-04"), step("resumed", "11-06"))


@pytest.mark.parametrize(
    ("steps", "reply"),
    [
        ((GRANTED, named_at("11-09")), "11-12 18:00"),
        ((GRANTED, named_at("11-09", "11-06 18:00")), "11-16 23:59:59"),
        ((named_at("11-03"), GRANTED), "11-16 23:59:59"),
        ((named_at("11-03", "11-05 18:00"), GRANTED), "11-12 18:00"),
        ((named_at("11-03"), GRANTED, named_at("11-09")), "11-16 23:59:59"),
        ((GRANTED, named_at("11-09"), step("extended", "11-10", **days(2))), "11-16 18:00"),
        ((GRANTED, named_at("11-09"), step("extended", "11-10", **days(9))), "11-23 23:59:59"),
        ((*STOOD, named_at("11-09", "11-10 18:00")), "11-10 18:00"),
        ((*STOOD, GRANTED, named_at("11-09")), "11-12 18:00"),
        ((named_at("11-03", "11-06 18:00"), *STOOD), "11-10 18:00"),
        ((step("extended", "11-03", due_at=at("11-16 18:00")), *STOOD), "11-18 18:00"),
    ],
)
def test_whoever_names_a_date_has_counted_what_came_before(steps: tuple[Step, ...], reply: str) -> None:
    assert after(*steps, profiles=PAUSING_5).reply == at(reply)


def test_where_the_profile_ignores_it_a_named_date_does_not_count() -> None:
    named = step("dispatched", "11-02 11:00", due_at=at("11-02 12:00"))
    assert after(named, given=facts(urgency=Urgency.URGENT)).reply == at("11-03 10:00")


# ── pauses ──

ASKED = ("return_requested", "11-03 16:00")
TAKEN, DENIED = ("returned", "11-05 09:00"), ("return_denied", "11-05 09:00")


@pytest.mark.parametrize(
    ("steps", "reply"),
    [
        ((ASKED, DENIED), "11-18 23:59:59"),
        ((ASKED, TAKEN), "11-18 23:59:59"),
        ((ASKED, TAKEN, ("dispatched", "11-06 09:00")), "11-19 23:59:59"),
        ((ASKED, ("return_denied", "11-03 18:00")), "11-16 23:59:59"),
        ((("extension_requested", "11-05"), ("extension_denied", "11-09")), "11-18 23:59:59"),
        ((("suspended", "11-05"), ("resumed", "11-09")), "11-18 23:59:59"),
        ((("suspended", "11-05"), ("progressed", "11-09")), "11-18 23:59:59"),
        ((ASKED, ("extension_requested", "11-04"), ("return_denied", "11-05")), "11-16 23:59:59"),
        ((ASKED, ("extension_requested", "11-04"), ("return_denied", "11-05"), ("extension_denied", "11-09")),
         "11-20 23:59:59"),
        ((("suspended", "11-07"), ("resumed", "11-08")), "11-16 23:59:59"),
    ],
)  # fmt: skip
def test_the_clock_stands_still_while_it_is_decided(steps: tuple[tuple[str, str], ...], reply: str) -> None:
    found = after(*(step(*one) for one in steps), profiles=PAUSING)
    assert found.reply == at(reply)


@pytest.mark.parametrize("steps", [(ASKED, DENIED), (ASKED, TAKEN), (("suspended", "11-03"), ("resumed", "11-05"))])
def test_it_does_not_where_the_profile_does_not_say_so(steps: tuple[tuple[str, str], ...]) -> None:
    found = after(*(step(*one) for one in steps))
    assert found.reply == at("11-09 23:59:59")
    assert found.paused_since is None


def test_an_open_pause_is_told() -> None:
    assert after(step(*ASKED), profiles=PAUSING).paused_since == at("11-03 16:00")
    assert after(step(*ASKED), step("replied", "11-04"), profiles=PAUSING).paused_since is None


SUSPENDED, MORE_TIME = ("suspended", "11-03 16:00"), ("extension_requested", "11-03 16:00")
OUT = ("returned", "11-03 16:00")


@pytest.mark.parametrize(
    "begun",
    [
        (ASKED,),
        (MORE_TIME,),
        (SUSPENDED,),
        (OUT,),
        (ASKED, ("extension_requested", "11-04")),
        (MORE_TIME, ("return_requested", "11-04")),
        (ASKED, ("suspended", "11-04")),
    ],
)
@pytest.mark.parametrize("end", ["rehandled", "dispatched"])
def test_a_new_round_and_a_new_dispatch_end_every_pause(begun: tuple[tuple[str, str], ...], end: str) -> None:
    found = after(*(step(*one) for one in begun), step(end, "11-05"), profiles=PAUSING)
    assert (found.paused_since, found.reply) == (None, at("11-18 23:59:59"))


@pytest.mark.parametrize(
    "steps",
    [
        (ASKED, ("suspended", "11-04"), ("resumed", "11-05")),
        (MORE_TIME, ("suspended", "11-04"), ("progressed", "11-05")),
        (MORE_TIME, ("return_requested", "11-04"), ("return_denied", "11-04 12:00"), ("progressed", "11-05")),
        (ASKED, ("extension_requested", "11-04"), ("extension_denied", "11-04 12:00"), ("signed", "11-04 13:00"),
         ("progressed", "11-05")),
        (OUT, ("accepted", "11-04"), ("signed", "11-05")),
        (OUT, ("progressed", "11-05")),
        (OUT, ("suspended", "11-04"), ("resumed", "11-05")),
    ],
)  # fmt: skip
def test_whatever_ends_what_was_pending_ends_the_pause(steps: tuple[tuple[str, str], ...]) -> None:
    assert after(*(step(*one) for one in steps), profiles=PAUSING).paused_since is None


@pytest.mark.parametrize(
    "steps",
    [
        (ASKED, ("signed", "11-04")),
        (ASKED, ("progressed", "11-04")),
        (ASKED, ("followed_up", "11-05")),
        (MORE_TIME, ("return_requested", "11-04"), ("return_denied", "11-04 12:00"), ("noted", "11-05")),
        (ASKED, ("extension_requested", "11-04"), ("extension_denied", "11-04 12:00"), ("rated", "11-05")),
        (SUSPENDED, ("followed_up", "11-05")),
        (OUT, ("accepted", "11-04")),
    ],
)
def test_what_leaves_it_pending_ends_no_pause(steps: tuple[tuple[str, str], ...]) -> None:
    assert after(*(step(*one) for one in steps), profiles=PAUSING).paused_since == at("11-03 16:00")


def test_an_extension_after_a_pause_adds_to_it() -> None:
    found = after(step("extension_requested", "11-03"), step("extended", "11-05", **days(5)), profiles=PAUSING)
    assert found.reply == at("11-25 23:59:59")


def test_hours_stand_still_for_hours() -> None:
    table = Profiles((edition("hours", "2020-01-01", profile(reply="24H", pause=["suspension"])),))
    found = after(step("suspended", "11-02 12:00"), step("resumed", "11-02 15:30"), profiles=table)
    assert found.reply == at("11-03 13:30")


# ── rounds, classes, ends ──


def test_a_rehandling_after_the_reply_is_a_new_round() -> None:
    found = after(
        step("extended", "11-06", **days(5)),
        step("replied", "11-09"),
        step("rehandled", "11-16 15:00"),
    )
    assert (found.round, found.extensions, found.stopped_at) == (1, 0, None)
    assert found.reply == at("11-23 23:59:59")
    assert found.sign == at("11-17 23:59:59")


def test_a_rehandling_before_the_reply_restarts_nothing() -> None:
    found = after(step("dispatched", "11-02 11:00"), step("rehandled", "11-06"))
    assert (found.round, found.reply) == (0, at("11-09 23:59:59"))


def test_another_class_keeps_the_start() -> None:
    found = after(
        step("reclassed", "11-03 00:00", source="bridge", handling_class="home_unit"),
        given=facts(handling_class=HandlingClass.ON_SITE),
    )
    assert found.profile == "general"
    assert found.reply == at("11-09 23:59:59")


def test_who_gets_the_case_by_another_class_has_time_to_sign() -> None:
    moved = step("reclassed", "11-03 00:00", source="bridge", handling_class="home_unit")
    found = after(moved, given=facts(handling_class=HandlingClass.ON_SITE))
    assert (found.accept, found.sign, found.return_by) == (
        at("11-04 23:59:59"), at("11-04 23:59:59"), at("11-05 23:59:59"),
    )  # fmt: skip


def test_supervision_on_top_asks_nobody_to_sign_again() -> None:
    handled = (step("dispatched", "11-02 11:00", unit="甲局"), step("signed", "11-02 12:00"))
    found = after(*handled, step("reclassed", "11-04", handling_class="key_supervision"))
    assert (found.accept, found.sign, found.return_by) == (after(*handled).accept, after(*handled).sign,
                                                           after(*handled).return_by)  # fmt: skip


def test_the_same_class_told_again_is_an_edit() -> None:
    again = step("reclassed", "11-04", handling_class="hotline_transfer")
    assert after(again).history == after().history


def test_another_class_stays_in_its_edition() -> None:
    old = edition("old", "2020-01-01", profile("spot", "0D", when={"class": "on_site"}), profile(reply="15WD"))
    new = edition("new", "2026-11-03", profile(reply="1WD"))
    found = after(
        step("reclassed", "11-04", handling_class="home_unit"),
        given=facts(handling_class=HandlingClass.ON_SITE), profiles=Profiles((old, new)),
    )  # fmt: skip
    assert (found.version, found.reply) == ("old", at("11-23 23:59:59"))


@pytest.mark.parametrize("end", ["replied", "closed", "cancelled", "not_accepted", "merged"])
def test_what_stops_the_clock(end: str) -> None:
    found = after(step(end, "11-05 09:30"), step("noted", "11-06"))
    assert found.stopped_at == at("11-05 09:30")
    assert all(due.until is not None for due in found.history)


@pytest.mark.parametrize("before", ["dispatched", "signed", "progressed", "return_requested", "extension_requested"])
def test_a_check_of_what_was_done_is_the_answer(before: str) -> None:
    found = after(step(before, "11-03", unit="甲局"), step("verified", "11-05 09:30"), profiles=PAUSING)
    assert (found.stopped_at, found.paused_since) == (at("11-05 09:30"), None)
    assert all(due.until is not None for due in found.history)
    again = after(step(before, "11-03"), step("verified", "11-05 09:30"), step("rehandled", "11-06"))
    assert (again.round, again.stopped_at) == (1, None)


@pytest.mark.parametrize("before", ["submitted", "accepted", "returned"])
def test_a_check_before_anyone_has_it_answers_nothing(before: str) -> None:
    found = after(step(before, "11-03"), step("verified", "11-05 09:30"))
    assert found.stopped_at is None
    assert found.history == after(step(before, "11-03")).history


def test_the_first_answer_is_what_stops_it() -> None:
    found = after(step("replied", "11-05"), step("replied", "11-06"), step("closed", "11-10"))
    assert found.stopped_at == at("11-05")


@pytest.mark.parametrize("type_", sorted(set(E) - {E.SUBMITTED}))
def test_what_an_assisting_unit_says_moves_nothing_of_the_whole(type_: str) -> None:
    before = after(step("dispatched", "11-02 11:00", unit="甲局"), profiles=PAUSING)
    assisted = step(type_, "11-03", unit="乙局", role="assist", due_at=at("11-04"), **days(3), handling_class="on_site")
    found = after(step("dispatched", "11-02 11:00", unit="甲局"), assisted, profiles=PAUSING)
    assert found == before


def test_what_the_lifecycle_does_not_allow_moves_no_deadline() -> None:
    found = after(step("replied", "11-05"), step("dispatched", "11-06", unit="乙局"), step("resumed", "11-06"))
    assert found.sign == at("11-03 23:59:59")
    assert found.notes == (
        "2026-11-06 10:00 dispatched is not allowed from replied",
        "2026-11-06 10:00 resumed is not allowed from replied",
    )


@pytest.mark.parametrize(
    "told", [step("closed", "11-05"), step("extended", "11-05", **days(3)), step("dispatched", "11-05", unit="乙局")]
)
def test_what_the_ledger_found_out_of_order_moves_no_deadline(told: Step) -> None:
    first = step("dispatched", "11-02 11:00", unit="甲局")
    found = after(first, replace(told, out_of_order=True))
    assert found.notes == (f"2026-11-05 10:00 {told.type} was out of order",)
    assert replace(found, notes=()) == after(first)


def test_the_loaded_year_corrects_what_was_provisional() -> None:
    late = facts("2027-02-04")
    guessed = deadlines_for(late, [], CALENDAR, PROFILES)
    known = deadlines_for(late, [], Calendar(RULES, notice_2027()), PROFILES)
    assert (guessed.reply, guessed.provisional) == (at("2027-02-11 23:59:59"), True)
    assert (known.reply, known.provisional) == (at("2027-02-18 23:59:59"), False)


@pytest.mark.parametrize("granted", [days(2), days(2, "days"), days(24, "hours"), {"due_at": at("2027-01-02 10:00")}])
def test_an_extension_of_a_provisional_deadline_is_provisional(granted: dict[str, Any]) -> None:
    found = after(step("extended", "12-29", **granted), given=facts("12-28"))
    assert (found.provisional, found.history[-1].provisional) == (True, True)


def test_a_date_that_is_granted_is_certain() -> None:
    found = after(step("extended", "12-29", due_at=at("2027-01-07 18:00")), given=facts("12-28"))
    assert (found.reply, found.provisional) == (at("2027-01-07 18:00"), False)


def test_what_the_most_cuts_off_is_as_uncertain_as_the_deadline_without() -> None:
    hourly = Profiles((edition("hours", "2020-01-01", profile(reply="5WD", extension="24H", extensions=1)),))
    found = after(step("extended", "12-29", **days(9)), given=facts("12-28"), profiles=hourly)
    assert (found.reply, found.provisional) == (at("2027-01-06 23:59:59"), True)


def test_a_pause_over_days_that_nobody_knows_makes_a_deadline_provisional() -> None:
    daily = Profiles((edition("days", "2020-01-01", profile(reply="10WD", pause=["suspension"], given="earlier")),))
    named = step("dispatched", "12-29 11:00", unit="甲局", due_at=at("12-31 17:00"))
    stood = (step("suspended", "12-31 16:00"), step("resumed", "2027-01-01"))
    assert not after(named, given=facts("12-28"), profiles=daily).provisional
    assert after(named, *stood, given=facts("12-28"), profiles=daily).provisional


# ── whatever happens ──

HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from(list(E)), st.integers(0, 40 * 24), st.sampled_from(["甲局", "乙局", None]),
        st.sampled_from([{}, days(2), days(0.5), days(30), days(3, "hours"), {"due_at": at("11-20 17:00")},
                         {"handling_class": "on_site"}, {"handling_class": "key_supervision"}]),
    ), max_size=14,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(HAPPENINGS, st.sampled_from([PROFILES, PAUSING]))
def test_whatever_happens_the_clocks_hold(happenings: list[Any], profiles: Profiles) -> None:
    steps = [
        Step(type_, at("11-02") + timedelta(hours=hours), step("noted", "11-02", unit=unit, **data).data)
        for type_, hours, unit, data in happenings
    ]
    found = deadlines_for(facts(), steps, CALENDAR, profiles)
    assert found.reply >= at("11-02")
    assert found.profile
    for clock in ("accept", "sign", "reply"):
        line = [due for due in found.history if due.clock == clock]
        assert sum(due.until is None for due in line) <= 1
        for earlier, later in pairwise(line):
            assert earlier.until is not None
            assert earlier.since <= earlier.until <= later.since
        for due in line:
            assert (due.round, due.at >= at("11-02")) == (due.round, True)
    running = any(due.clock == "reply" and due.until is None for due in found.history)
    assert running == (found.stopped_at is None and found.paused_since is None)
    assert found == deadlines_for(facts(), steps, CALENDAR, profiles)
