"""Thresholds, re-handling, closing and the on-site rule: each by a table."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.rules import closing, onsite, supervision
from bridge.rules.onsite import OnSite
from bridge.rules.rehandling import complaints, reopens
from bridge.rules.steps import BRIDGE, Step
from bridge.rules.supervision import Counted
from schemas.petition import Category, HandlingClass, Place, Urgency
from tests.rules.support import at, step

TABLE = supervision.rules()
LEAD, HELPER = "区城管局", "区住建局"


@pytest.mark.parametrize(
    ("counts", "names"),
    [
        ({}, []),
        ({"place_and_subject": 9}, []),
        ({"place_and_subject": 10}, ["hot"]),
        ({"overdue": 1}, []),
        ({"overdue": 2}, ["stuck"]),
        ({"petitioner_and_subject": 2}, []),
        ({"petitioner_and_subject": 3}, ["repeated"]),
        ({"unsatisfied": 1}, []),
        ({"unsatisfied": 2}, ["unsatisfied"]),
        ({"orders": 1}, ["leader"]),
        ({"orders": 1, "overdue": 5, "place_and_subject": 99}, ["hot", "stuck", "leader"]),
    ],
)
def test_each_trigger_at_its_threshold(counts: dict[Any, int], names: list[str]) -> None:
    assert [trigger.rule.name for trigger in supervision.triggered(TABLE, counts, ())] == names


def test_a_trigger_is_given_once_a_petition() -> None:
    (first,) = supervision.triggered(TABLE, {"overdue": 2}, ())
    assert supervision.triggered(TABLE, {"overdue": 9}, {first.key}) == []
    (again,) = supervision.triggered(TABLE, {"overdue": 3}, ())
    assert first.event_id("LT1") == again.event_id("LT1") != first.event_id("LT2")
    assert first.text == "久拖不决：两次超期（2，标准 2）"


def test_a_threshold_of_zero_turns_it_off() -> None:
    off = TABLE.model_copy(update={"trigger": tuple(one.model_copy(update={"threshold": 0}) for one in TABLE.trigger)})
    assert supervision.triggered(off, {"overdue": 9, "orders": 9}, ()) == []


@pytest.mark.parametrize(
    ("place", "key"),
    [
        ({"region_code": "370811", "street": "甲街道", "community": "乙社区", "grid": "3"}, "370811/乙社区"),
        ({"region_code": "370811", "street": "甲街道", "grid": "3"}, "370811/3"),
        ({"street": " 甲街道 "}, "/甲街道"),
        ({"region_code": "370811001", "community": "乙社区"}, "370811/乙社区"),
        ({"region_code": "370811001002", "community": "乙社区居委会"}, "370811/乙社区"),
        ({"region_code": "370812", "community": "乙社区"}, "370812/乙社区"),
        ({"street": "甲街道办事处"}, "/甲街道"),
        ({"region_code": "370811", "address": "somewhere"}, None),
        ({}, None),
    ],
)
def test_what_one_place_is(place: dict[str, str], key: str | None) -> None:
    assert supervision.place_key(Place(**place)) == key


@pytest.mark.parametrize(
    ("category", "key"),
    [({"code": "0301", "name": "供暖"}, "供暖"), ({"code": "0301"}, "0301"), ({"name": " "}, None), ({}, None)],
)
def test_what_one_subject_is(category: dict[str, str], key: str | None) -> None:
    assert supervision.subject_key(Category(**category)) == key


REPLY, AGAIN = step("replied", "11-03"), step("rehandled", "11-05")
NO = step("followed_up", "11-04", satisfaction="unsatisfied")


@pytest.mark.parametrize(
    ("steps", "discontent", "round_", "again"),
    [
        ((), 0, 1, False),
        ((REPLY,), 0, 1, False),
        ((REPLY, NO), 1, 1, True),
        ((REPLY, step("rated", "11-04", resolved="no")), 1, 1, True),
        ((REPLY, step("rated", "11-04", resolved="partly", satisfaction="fair")), 0, 1, False),
        ((REPLY, step("rated", "11-04", satisfaction="satisfied")), 0, 1, False),
        ((REPLY, step("rated", "11-04", satisfaction="unsatisfied", actor="unit")), 0, 1, False),
        ((REPLY, step("verified", "11-04", satisfaction="unsatisfied")), 0, 1, False),
        ((NO,), 0, 1, False),
        ((REPLY, NO, step("rated", "11-04 12:00", resolved="no")), 1, 1, True),
        ((REPLY, NO, AGAIN), 1, 2, False),
        ((REPLY, NO, AGAIN, step("replied", "11-06"), step("rated", "11-07", resolved="no")), 2, 2, True),
        ((step("closed", "11-03"), NO), 1, 1, True),
        ((step("merged", "11-03"), replace(step("rehandled", "11-04", actor="system"), source=BRIDGE)), 0, 1, False),
        ((REPLY, NO, AGAIN, replace(step("rehandled", "11-05", actor="system"), source=BRIDGE)), 1, 2, False),
    ],
)
def test_what_reopens(steps: tuple[Step, ...], discontent: int, round_: int, again: bool) -> None:
    found = complaints(steps, TABLE.rehandling)
    assert (found.discontent, found.round, reopens(found, TABLE.rehandling)) == (discontent, round_, again)


def test_the_second_time_goes_to_supervision_too() -> None:
    steps = (REPLY, NO, AGAIN, step("replied", "11-06"), step("rated", "11-07", resolved="no"))
    counts: dict[Counted, int] = {"unsatisfied": complaints(steps, TABLE.rehandling).discontent}
    assert [trigger.rule.name for trigger in supervision.triggered(TABLE, counts, ())] == ["unsatisfied"]


def test_after_the_most_rounds_people_decide() -> None:
    steps = []
    for day in range(3, 3 + 3 * (TABLE.rehandling.rounds + 1), 3):
        steps += [step("replied", f"11-{day:02}"), step("rated", f"11-{day + 1:02}", resolved="no")]
        if day < 3 + 3 * TABLE.rehandling.rounds:
            steps.append(step("rehandled", f"11-{day + 2:02}"))
    assert not reopens(complaints(steps, TABLE.rehandling), TABLE.rehandling)
    assert reopens(complaints(steps[:-3], TABLE.rehandling), TABLE.rehandling)


STRICT = TABLE.model_copy(
    update={
        "closing": (
            TABLE.closing[-1].model_copy(
                update={
                    "classes": (HandlingClass.KEY_SUPERVISION, HandlingClass.JOINT_PACKAGE),
                    "needs": ("answered", "followed_up"),
                }
            ),
            *TABLE.closing,
        )
    }
)
"""A city that asks the citizen before supervised and joint matters close."""

ASKED = step("followed_up", "11-04", satisfaction="satisfied")


@pytest.mark.parametrize(
    ("handling_class", "steps", "answered", "missing"),
    [
        ("hotline_transfer", (REPLY,), True, ()),
        ("hotline_transfer", (REPLY,), False, ("answered",)),
        ("on_site", (step("closed", "11-03", text="已修好"),), True, ()),
        ("key_supervision", (REPLY,), True, ("followed_up",)),
        ("key_supervision", (REPLY, ASKED), True, ()),
        ("key_supervision", (REPLY, step("rated", "11-04", satisfaction="satisfied")), True, ()),
        ("key_supervision", (REPLY, step("rated", "11-04", satisfaction="satisfied", actor="unit")), True,
         ("followed_up",)),
        ("joint_package", (REPLY,), False, ("answered", "followed_up")),
        ("joint_package", (REPLY, ASKED, AGAIN, step("replied", "11-06")), True, ("followed_up",)),
    ],
)  # fmt: skip
def test_what_a_closing_lacks(
    handling_class: str, steps: tuple[Step, ...], answered: bool, missing: tuple[str, ...]
) -> None:
    assert closing.lacks(STRICT, HandlingClass(handling_class), steps, answered=answered) == missing


def test_built_in_the_answer_is_enough_for_every_class_but_the_one_on_the_spot() -> None:
    assert {
        handling_class: closing.lacks(TABLE, handling_class, (), answered=True) for handling_class in HandlingClass
    } == (dict.fromkeys(HandlingClass, ()) | {HandlingClass.ON_SITE: ("explained",)})


def test_a_city_may_ask_for_the_owners_word() -> None:
    strict = TABLE.model_copy(
        update={"closing": (TABLE.closing[-1].model_copy(update={"needs": ("owner_confirmed",)}),)}
    )
    by_system, by_owner = step("closed", "11-04"), step("closed", "11-04", actor="owner")
    assert closing.lacks(strict, HandlingClass.HOME_UNIT, (by_system,), answered=True) == ("owner_confirmed",)
    assert closing.lacks(strict, HandlingClass.HOME_UNIT, (by_owner,), answered=True) == ()


@pytest.mark.parametrize(
    ("now", "home_unit", "urgency", "becomes"),
    [
        ("11-05 23:59:59", True, "normal", None),
        ("11-06 00:00", True, "normal", "home_unit"),
        ("11-06 00:00", False, "normal", "hotline_transfer"),
        ("11-06 00:00", True, "urgent", "hotline_transfer"),
    ],
)
def test_nothing_stays_overnight(now: str, home_unit: bool, urgency: str, becomes: str | None) -> None:
    facts = OnSite(at("11-05 23:59:59"), home_unit, Urgency(urgency))
    rule = onsite.overnight(TABLE, facts, at(now))
    assert (rule.reclass if rule else None) == becomes


def test_the_new_class_is_announced_with_its_reason() -> None:
    rule = onsite.overnight(TABLE, OnSite(at("11-05 23:59:59"), True, Urgency.NORMAL), at("11-06 00:00"))
    assert rule is not None
    said = onsite.announcement(rule, at("11-05 23:59:59"))
    assert said.handling_class is HandlingClass.HOME_UNIT
    assert said.text == "现场解决未在11月05日当日办结，按规则改为“派出单位办理”：派出单位可办的，转派出单位"


@pytest.mark.parametrize(
    ("texts", "missing"),
    [
        ((("closed", "已修好路灯"),), ()),
        ((("closed", ""),), ("explained",)),
        ((("closed", " \n"),), ("explained",)),
        ((("closed", None),), ("explained",)),
        ((("closed", None), ("noted", "已换灯泡")), ()),
        ((("replied", "已修好"), ("closed", None)), ()),
        ((("progressed", "正在修"), ("closed", None)), ("explained",)),
        ((("replied", "已修好"), ("rehandled", None), ("closed", None)), ("explained",)),
    ],
)
def test_on_the_spot_closes_with_what_was_done(
    texts: tuple[tuple[str, str | None], ...], missing: tuple[str, ...]
) -> None:
    steps = [step(type_, f"11-{day:02}", text=text) for day, (type_, text) in enumerate(texts, 2)]
    assert closing.lacks(TABLE, HandlingClass.ON_SITE, steps, answered=True) == missing


HELPED = step("dispatched", "11-02", units=({"unit": LEAD}, {"unit": HELPER, "role": "assist"}))


@pytest.mark.parametrize(
    ("steps", "missing"),
    [
        ((step("replied", "11-03", unit=LEAD),), ("assisted",)),
        ((step("replied", "11-03", unit=LEAD), step("closed", "11-04")), ("assisted",)),
        ((step("replied", "11-03", unit=HELPER, role="assist"), step("replied", "11-04", unit=LEAD)), ()),
        ((step("returned", "11-03", unit=HELPER, role="assist"), step("replied", "11-04", unit=LEAD)), ()),
        ((step("closed", "11-04"), step("replied", "11-05", unit=HELPER, role="assist")), ()),
        ((step("replied", "11-03", unit=HELPER, role="assist"), step("rehandled", "11-05")), ("assisted",)),
    ],
)
def test_a_package_waits_for_its_assisting_units(steps: tuple[Step, ...], missing: tuple[str, ...]) -> None:
    """The lead's answer and even the center's closing are not all of it while somebody still owes a part."""
    assert closing.lacks(TABLE, HandlingClass.JOINT_PACKAGE, (HELPED, *steps), answered=True) == missing
