"""Outcomes and rates: what the citizen said first and last, and who is counted where."""

from dataclasses import replace
from fractions import Fraction

import pytest

from bridge.rules import rates, supervision
from bridge.rules.outcome import Fact, Outcome, outcome_of
from bridge.rules.rates import Formula, RateRules
from bridge.rules.rehandling import complaints, is_heard
from bridge.rules.steps import BRIDGE, Step
from tests.rules.support import step

TABLE = rates.rules()
REPLY, AGAIN = step("replied", "11-03"), step("rehandled", "11-05")


@pytest.mark.parametrize(
    ("steps", "first", "final", "resolved"),
    [
        ((), None, None, None),
        ((REPLY,), None, None, None),
        ((REPLY, step("rated", "11-04", satisfaction="fair", resolved="partly")), "fair", "fair", "partly"),
        ((REPLY, step("rated", "11-04", satisfaction="unsatisfied", resolved="no"), AGAIN, step("replied", "11-06"),
          step("followed_up", "11-07", satisfaction="satisfied", resolved="yes")), "unsatisfied", "satisfied", "yes"),
        ((REPLY, step("rated", "11-04", satisfaction="satisfied", resolved="yes", actor="unit")), None, None, None),
        ((step("verified", "11-04", satisfaction="satisfied", resolved="yes"),), None, None, None),
        ((step("rated", "11-04", satisfaction="satisfied", stage="final"),), None, "satisfied", None),
        ((step("rated", "11-04", satisfaction="fair", stage="first"),), "fair", "fair", None),
        ((step("rated", "11-04", satisfaction="fair", stage="final"),
          step("rated", "11-05", satisfaction="unsatisfied", stage="first")), "unsatisfied", "fair", None),
        ((step("followed_up", "11-07", satisfaction="satisfied"), step("rated", "11-04", satisfaction="fair")),
         "fair", "satisfied", None),
    ],
)  # fmt: skip
def test_first_and_final_are_kept_apart(
    steps: tuple[Step, ...], first: str | None, final: str | None, resolved: str | None
) -> None:
    found = outcome_of("LT1", steps)
    assert (found.first, found.final, found.resolved) == (first, final, resolved)


@pytest.mark.parametrize(
    ("steps", "facts"),
    [
        ((), {"valid"}),
        ((REPLY,), {"valid"}),
        ((step("progressed", "11-03"),), {"valid"}),
        ((step("not_accepted", "11-03"),), set()),
        ((step("cancelled", "11-03"),), set()),
        ((step("cancelled", "11-03"), AGAIN), {"valid"}),
        ((replace(step("cancelled", "11-03"), out_of_order=True),), {"valid"}),
        ((REPLY, step("merged", "11-03")), set()),
        ((REPLY, step("followed_up", "11-04", finding="unreachable")), {"valid", "unreachable"}),
        ((REPLY, step("followed_up", "11-04", finding="unreachable"), step("rated", "11-05", satisfaction="fair")),
         {"valid", "responded", "first_said", "first_fair", "final_said", "final_fair"}),
        ((REPLY, step("verified", "11-04", finding="unreasonable")), {"valid", "unreasonable"}),
        ((REPLY, step("verified", "11-04", finding="unreasonable", actor="unit")), {"valid"}),
        ((REPLY, replace(step("rated", "11-04", satisfaction="satisfied"), out_of_order=True)), {"valid"}),
        ((REPLY, step("rated", "11-04", satisfaction="unsatisfied", resolved="no")),
         {"valid", "responded", "first_said", "first_unsatisfied", "final_said", "final_unsatisfied",
          "said_resolved", "unresolved"}),
    ],
)  # fmt: skip
def test_the_facts_of_a_petition(steps: tuple[Step, ...], facts: set[str]) -> None:
    assert outcome_of("LT1", steps).facts == facts


@pytest.mark.parametrize(
    ("actor", "own", "heard"),
    [("petitioner", True, True), (None, False, True), (None, True, True), ("owner", False, True),
     ("owner", True, False), ("unit", False, False), ("system", False, False)],
)  # fmt: skip
def test_who_speaks_for_the_citizen(actor: str | None, own: bool, heard: bool) -> None:
    rated = replace(step("rated", "11-04", satisfaction="unsatisfied", actor=actor), own=own)
    assert is_heard(rated) is heard
    assert (outcome_of("LT1", (REPLY, rated)).final is not None) is heard
    assert complaints((REPLY, rated), supervision.rules().rehandling).open is heard


def test_what_a_members_petitioner_says_is_not_this_petitioners_word() -> None:
    """It reopens the petition (并单), and the rates ask whose petition it is."""
    content = step("rated", "11-04", satisfaction="satisfied", resolved="yes", actor="petitioner")
    passed_on = step("rated", "11-05", satisfaction="unsatisfied", resolved="no", actor="petitioner")
    steps = (REPLY, content, replace(passed_on, source=BRIDGE))
    found = outcome_of("LT1", steps)
    assert (found.first, found.final, found.resolved) == ("satisfied", "satisfied", "yes")
    assert complaints(steps, supervision.rules().rehandling).open
    assert Fact.RESPONDED not in outcome_of("LT1", (REPLY, replace(passed_on, source=BRIDGE))).facts


def test_that_the_petitioner_was_told_is_no_step() -> None:
    assert Fact.RESPONDED in outcome_of("LT1", (REPLY,), [Fact.RESPONDED]).facts


def outcome(petition_id: str, *steps: Step) -> Outcome:
    told = any(step.type in ("replied", "closed") for step in steps)
    return outcome_of(petition_id, steps, [Fact.RESPONDED] if told else [])


TOWN = [
    outcome("LT5", REPLY, step("rated", "11-04", satisfaction="satisfied", resolved="yes")),
    outcome("LT4", REPLY, step("rated", "11-04", satisfaction="unsatisfied", resolved="no"), AGAIN,
            step("replied", "11-06"), step("rated", "11-07", satisfaction="fair", resolved="yes")),
    outcome("LT3", REPLY, step("rated", "11-04", satisfaction="unsatisfied", resolved="partly")),
    outcome("LT2", REPLY),
    outcome("LT1"),
    outcome("LT6", step("cancelled", "11-03")),
    outcome("LT7", REPLY, step("rated", "11-04", satisfaction="unsatisfied", resolved="no"),
            step("verified", "11-05", finding="unreasonable")),
    outcome("LT8", REPLY, step("followed_up", "11-04", finding="unreachable")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "numerator", "denominator", "value"),
    [
        ("response", ("LT2", "LT3", "LT4", "LT5", "LT8"), ("LT1", "LT2", "LT3", "LT4", "LT5", "LT8"), Fraction(5, 6)),
        ("resolution", ("LT4", "LT5"), ("LT3", "LT4", "LT5"), Fraction(2, 3)),
        ("satisfaction", ("LT4", "LT5"), ("LT3", "LT4", "LT5"), Fraction(2, 3)),
        ("first_satisfaction", ("LT5",), ("LT3", "LT4", "LT5"), Fraction(1, 3)),
    ],
)
def test_each_rate_lists_whom_it_counts(
    name: str, numerator: tuple[str, ...], denominator: tuple[str, ...], value: Fraction
) -> None:
    found = {rate.formula.name: rate for rate in rates.rates(TABLE, TOWN)}[name]
    assert (found.numerator, found.denominator, found.value) == (numerator, denominator, value)


def test_over_nobody_there_is_no_rate() -> None:
    assert [rate.value for rate in rates.rates(TABLE, [])] == [None] * len(TABLE.rate)


def test_the_order_of_the_petitions_does_not_matter() -> None:
    assert rates.rates(TABLE, TOWN) == rates.rates(TABLE, reversed(TOWN))


def test_a_city_counts_by_its_own_formula() -> None:
    own = Formula.model_validate(
        {"name": "strict", "rule": "r", "zh": "规", "source": "s", "of": ["valid"], "counts": ["final_satisfied"]}
    )
    (rate,) = rates.rates(RateRules(version="own", rate=(own,)), TOWN)
    assert (rate.numerator, rate.value) == (("LT5",), Fraction(1, 7))
