"""A petition of several units: each part by itself, the lead last; and what is wrong with a return."""

from typing import Any

import pytest

from bridge.rules.assignments import of_parts, parts_of, steps_of, waiting_for
from bridge.rules.deadlines import deadlines_for
from bridge.rules.returns import return_faults
from bridge.rules.steps import Step
from schemas.petition import Urgency
from tests.rules.support import CALENDAR, PROFILES, at, facts, step

LEAD, HELP, MORE = "住建局", "热力公司", "属地街道"
PACKAGE = step(
    "dispatched", "11-02 11:00",
    units=[{"unit": LEAD}, {"unit": HELP, "role": "assist"}, {"unit": MORE, "role": "assist"}],
)  # fmt: skip


def assisted(type_: str, when: str, unit: str, **data: Any) -> Step:
    return step(type_, when, unit=unit, role="assist", **data)


@pytest.mark.parametrize(
    ("steps", "states", "waits"),
    [
        ((), {LEAD: "assigned", HELP: "assigned", MORE: "assigned"}, {HELP, MORE}),
        ((step("signed", "11-03", unit=LEAD), assisted("replied", "11-03", HELP)),
         {LEAD: "signed", HELP: "finished", MORE: "assigned"}, {MORE}),
        ((assisted("replied", "11-03", HELP), assisted("return_requested", "11-03", MORE)),
         {LEAD: "assigned", HELP: "finished", MORE: "return_requested"}, {MORE}),
        ((assisted("replied", "11-03", HELP), assisted("returned", "11-03", MORE)),
         {LEAD: "assigned", HELP: "finished", MORE: "returned"}, set()),
        ((step("closed", "11-04"),), {LEAD: "excused", HELP: "excused", MORE: "excused"}, set()),
        ((step("replied", "11-03", unit=LEAD), step("closed", "11-04"), step("rehandled", "11-05")),
         {LEAD: "assigned", HELP: "assigned", MORE: "assigned"}, {HELP, MORE}),
        ((step("progressed", "11-03", units=[{"unit": HELP, "role": "assist", "state": "finished"}]),
          step("noted", "11-03", units=[{"unit": MORE, "role": "assist", "state": "excused"}])),
         {LEAD: "assigned", HELP: "finished", MORE: "excused"}, set()),
        ((step("progressed", "11-03"),), {LEAD: "assigned", HELP: "assigned", MORE: "assigned"}, {HELP, MORE}),
    ],
)  # fmt: skip
def test_each_part_has_its_own_state(steps: tuple[Step, ...], states: dict[str, str], waits: set[str]) -> None:
    parts = parts_of([PACKAGE, *steps])
    assert {unit: part.state for unit, part in parts.items()} == states
    assert set(waiting_for(parts)) == waits


@pytest.mark.parametrize(
    ("before", "stated", "state"),
    [
        ((), "signed", "signed"),
        ((), "finished", "finished"),
        ((), "returned", "returned"),
        ((assisted("progressed", "11-03", HELP),), "assigned", "handling"),
        ((assisted("replied", "11-03", HELP),), "handling", "finished"),
        ((assisted("replied", "11-03", HELP),), "assigned", "finished"),
        ((assisted("returned", "11-03", HELP),), "finished", "returned"),
        ((step("closed", "11-03"),), "handling", "excused"),
        ((assisted("replied", "11-03", HELP), step("closed", "11-03"), step("rehandled", "11-03 12:00")),
         "finished", "finished"),
    ],
)  # fmt: skip
def test_a_stated_part_goes_where_the_table_lets_it(before: tuple[Step, ...], stated: str, state: str) -> None:
    """What a system says of a part may skip steps; it does not go back, and a part that is out stays out."""
    said = step("noted", "11-04", units=[{"unit": HELP, "role": "assist", "state": stated}])
    assert parts_of([PACKAGE, *before, said])[HELP].state == state


def test_the_same_part_given_twice_is_one() -> None:
    """A system that tells its whole list with each order says again who has which part."""
    again = step("dispatched", "11-04", units=[{"unit": HELP, "role": "assist", "state": "assigned"}])
    parts = parts_of([PACKAGE, assisted("signed", "11-03", HELP), again])
    assert (parts[HELP].state, parts[HELP].number) == ("signed", 1)


def test_after_a_return_the_part_is_a_new_one() -> None:
    back = [PACKAGE, assisted("returned", "11-03", HELP)]
    again = [*back, step("dispatched", "11-04", units=[{"unit": HELP, "role": "lead"}])]
    assert (parts_of(back)[HELP].number, parts_of(back)[HELP].role) == (1, "assist")
    assert (parts_of(again)[HELP].number, parts_of(again)[HELP].role) == (2, "lead")
    assert parts_of(again)[HELP].state == "assigned"


def given(when: str, *units: str, **data: Any) -> Step:
    return step("dispatched", when, units=[{"unit": unit} for unit in units], **data)


@pytest.mark.parametrize(
    ("steps", "order"),
    [
        ((given("11-02", LEAD), given("11-03", MORE)), [LEAD, MORE]),
        ((given("11-02", LEAD), given("11-03", MORE), given("11-04", LEAD)), [MORE, LEAD]),
        ((given("11-02", LEAD), given("11-03", MORE), step("replied", "11-04", unit=MORE), step("closed", "11-04"),
          step("rehandled", "11-05"), given("11-06", LEAD)), [MORE, LEAD]),
    ],
)  # fmt: skip
def test_who_was_asked_last_comes_last(steps: tuple[Step, ...], order: list[str]) -> None:
    assert list(parts_of(steps)) == order


def test_who_assists_may_be_made_the_lead_while_it_works() -> None:
    made = [PACKAGE, step("returned", "11-03", unit=LEAD), given("11-04", HELP)]
    assert (parts_of(made)[HELP].role, parts_of(made)[HELP].state) == ("lead", "assigned")
    told = [PACKAGE, step("dispatched", "11-04", unit=HELP, role="assist")]
    assert parts_of(told)[HELP].role == "assist"


@pytest.mark.parametrize(
    ("before", "unit", "stays"),
    [
        ((given("11-02", LEAD, MORE),), LEAD, True),
        ((given("11-02", LEAD), given("11-03", MORE)), LEAD, True),
        ((given("11-02", LEAD), given("11-03", MORE)), MORE, False),
        ((given("11-02", LEAD), given("11-03", MORE), step("progressed", "11-04", unit=LEAD)), MORE, True),
        ((given("11-02", LEAD, MORE), step("returned", "11-03", unit=MORE)), LEAD, False),
        ((given("11-02", LEAD, MORE), step("replied", "11-03", unit=MORE)), LEAD, False),
        ((PACKAGE,), LEAD, False),
        ((given("11-02", LEAD),), LEAD, False),
        ((given("11-02", LEAD, MORE),), "别的单位", False),
    ],
)
def test_a_return_leaves_the_petition_with_whoever_else_works(before: tuple[Step, ...], unit: str, stays: bool) -> None:
    """Asked with it or after it, or heard of since; an assisting unit has nothing, and a unit nobody asked is all."""
    steps = [*before, step("returned", "11-05", unit=unit)]
    assert [of_part for _, of_part in of_parts(steps)][-1] is stays


def test_a_return_that_is_one_units_affair_moves_no_clock_of_the_others() -> None:
    before = [given("11-02", LEAD, MORE), step("signed", "11-02", unit=MORE)]
    after = [*before, step("return_requested", "11-03", unit=LEAD), step("returned", "11-04", unit=LEAD)]
    clocks = [deadlines_for(facts(), steps, CALENDAR, PROFILES) for steps in (before, after)]
    assert clocks[0] == clocks[1]


def test_a_unit_that_speaks_before_its_dispatch_is_known_has_a_part() -> None:
    assert parts_of([step("signed", "11-03", unit=LEAD)])[LEAD].state == "signed"


def test_each_unit_has_deadlines_of_its_own() -> None:
    steps = [
        PACKAGE,
        assisted("extended", "11-04", HELP, extend_by={"amount": 5, "unit": "working_days"}),
        assisted("replied", "11-05", MORE),
    ]
    own = {unit: deadlines_for(facts(), steps_of(unit, steps), CALENDAR, PROFILES) for unit in (LEAD, HELP, MORE)}
    assert {unit: found.reply for unit, found in own.items()} == {
        LEAD: at("11-09 23:59:59"), HELP: at("11-16 23:59:59"), MORE: at("11-09 23:59:59"),
    }  # fmt: skip
    assert {unit for unit, found in own.items() if found.stopped_at} == {MORE}


@pytest.mark.parametrize(
    ("when", "text", "before", "more", "faults"),
    [
        ("11-04 23:59:59", "不属于本单位职责", 0, {}, ()),
        ("11-05 00:00:01", "不属于本单位职责", 0, {}, ("late",)),
        ("11-04", None, 0, {}, ("no_reason",)),
        ("11-04", "  ", 0, {}, ("no_reason",)),
        ("11-04", "不属于本单位职责", 1, {}, ()),
        ("11-04", "不属于本单位职责", 2, {}, ("too_often",)),
        ("11-05 09:00", "", 2, {}, ("late", "no_reason", "too_often")),
        ("11-30", "不属于本单位职责", 9, {"urgency": Urgency.URGENT}, ()),
    ],
)
def test_what_is_wrong_with_a_return(
    when: str, text: str | None, before: int, more: dict[str, Any], faults: tuple[str, ...]
) -> None:
    given = facts(**more)
    profile = PROFILES.choose(given).profile
    dispatched = step("dispatched", "11-02 11:00", unit=LEAD)
    deadlines = deadlines_for(given, [dispatched], CALENDAR, PROFILES)
    request = step("return_requested", when, unit=LEAD, text=text)
    earlier = [dispatched, *(step("return_requested", "11-03") for _ in range(before))]
    assert return_faults(profile, deadlines, request, earlier) == faults
