"""What is wrong with a return that was asked for, told of each request by what held when it was made."""

from dataclasses import replace

import pytest

from bridge.rules.profiles import Facts
from bridge.rules.returns import FaultyReturn, faults_of_returns
from bridge.rules.steps import Step
from schemas.petition import Urgency
from tests.rules.support import CALENDAR, PROFILES, facts, step

WHY = "不属于本单位职责"
DISPATCHED = step("dispatched", "11-02 11:00", unit="甲局")
ASKED = step("return_requested", "11-04", unit="甲局", text=WHY)
LATE = step("return_requested", "11-05", unit="甲局", text=WHY)


def faulty(*steps: Step, given: Facts | None = None) -> tuple[FaultyReturn, ...]:
    return faults_of_returns(given or facts(), steps, CALENDAR, PROFILES)


def told(*steps: Step) -> list[tuple[Step, tuple[str, ...]]]:
    return [(one.step, one.faults) for one in faulty(*steps)]


def turns(*days: str) -> list[Step]:
    """Dispatched, asked back and denied on each of these days."""
    kinds = (("dispatched", "09:00", {}), ("return_requested", "10:00", {"text": WHY}), ("returned", "11:00", {}))
    return [step(kind, f"{day} {clock}", unit="甲局", **more) for day in days for kind, clock, more in kinds]


def test_in_time_and_with_a_reason_nothing_is_wrong() -> None:
    assert faulty(DISPATCHED, ASKED) == ()
    assert faulty(DISPATCHED) == ()


def test_late() -> None:
    assert told(DISPATCHED, LATE) == [(LATE, ("超过退单时限（11月04日23:59）",))]


@pytest.mark.parametrize("text", [None, "  "])
def test_no_reason(text: str | None) -> None:
    silent = step("return_requested", "11-04", unit="甲局", text=text)
    assert told(DISPATCHED, silent) == [(silent, ("未写明退单理由",))]


def test_more_often_than_the_profile_allows() -> None:
    steps = turns("11-03", "11-04", "11-05", "11-06")
    assert [(one.step.at.day, one.faults) for one in faulty(*steps)] == [
        (5, ("第3次申请退单，至多2次",)),
        (6, ("第4次申请退单，至多2次",)),
    ]


def test_each_request_is_judged_by_the_limit_that_held_then() -> None:
    """The return gave the next unit a limit of its own; the one that was late stays late."""
    again = step("dispatched", "11-09", unit="乙局")
    own = step("return_requested", "11-10", unit="乙局", text=WHY)
    assert told(DISPATCHED, LATE, step("returned", "11-06", unit="甲局"), again, own) == [
        (LATE, ("超过退单时限（11月04日23:59）",))
    ]


def test_the_same_request_told_again_has_no_faults_of_its_own() -> None:
    again = replace(LATE, source="governance_center", at=LATE.at.replace(hour=12))
    assert told(DISPATCHED, LATE, again) == [(LATE, ("超过退单时限（11月04日23:59）",))]
    other = replace(again, data=again.data.model_copy(update={"unit": "乙局"}))
    assert [one for one, _ in told(DISPATCHED, LATE, other)] == [LATE, other]


@pytest.mark.parametrize(
    "steps",
    [
        (replace(LATE, out_of_order=True),),
        (step("replied", "11-04"), LATE),
        (step("return_requested", "11-05", unit="乙局", role="assist"),),
    ],
)
def test_what_is_no_request_has_no_faults(steps: tuple[Step, ...]) -> None:
    assert faulty(DISPATCHED, *steps) == ()


def test_a_profile_without_limits_finds_only_the_missing_reason() -> None:
    urgent = facts(urgency=Urgency.URGENT)
    silent = step("return_requested", "11-30", unit="甲局")
    assert [one.faults for one in faulty(DISPATCHED, silent, given=urgent)] == [("未写明退单理由",)]


def test_a_request_keeps_its_key_whatever_is_told_later() -> None:
    (alone,) = faulty(DISPATCHED, LATE)
    earlier = step("return_requested", "11-02 12:00", unit="甲局", source="governance_center")
    first, second = faulty(DISPATCHED, LATE, earlier, step("return_denied", "11-02 13:00"))
    assert second.key == alone.key == "return:hotline12345:2026-11-05T10:00:00+08:00:甲局"
    assert first.key != second.key
