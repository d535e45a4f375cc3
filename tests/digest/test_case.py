"""A case as it stood: folded out of its document, its events and its journal."""

from typing import Any

import pytest

from bridge.digest.case import Entry, Happening, fold
from schemas.event import EventType as E

ROW = {
    "petition_id": "LT1", "accepted_at": 1_000, "source": "wechat", "kind": "help", "handling_class": "joint_package",
    "region": "370811", "team_id": "present team", "state": "present state", "closed_at": 9_999,
}  # fmt: skip
DOCUMENT: dict[str, Any] = {
    "handling_class": "hotline_transfer", "title": "停水", "content": "停水三天",
    "place": {"region_code": "370811001002", "street": "柳岸街道", "community": " 青砖里  社区\u3000"},
    "category": {"code": "01", "name": "供水"}, "lead_unit": "水务局", "assist_units": ["住建局"],
    "secretary": {"id": "S1", "name": "王书记", "team_id": "T7", "home_unit": "审计局"},
    "petitioner": {"name": "徐某某", "phone": "13900001234"},
}  # fmt: skip


def happening(type_: E, at: int = 2_000, recorded: int | None = None, **data: Any) -> Happening:
    return Happening(type_, at, at if recorded is None else recorded, data)


def test_it_is_read_out_of_the_document_and_not_out_of_how_it_stands_now() -> None:
    case = fold(ROW, DOCUMENT, [], [])
    assert (case.handling_class, case.state, case.closed_at) == ("hotline_transfer", "submitted", None)
    assert (case.region, case.place, case.subject, case.team_id) == ("370811", "青砖里 社区", "供水", "T7")
    assert (case.unit, case.units) == ("水务局", {"水务局", "住建局"})
    assert case.names == {"徐某某", "王书记"}
    assert "徐某某" not in repr(case)


def test_a_document_of_which_nothing_is_left_still_counts() -> None:
    case = fold(ROW, {}, [], [])
    assert (case.kind, case.handling_class, case.place, case.subject, case.unit) == (
        "help",
        "joint_package",
        "",
        "",
        "",
    )


def test_a_number_in_a_name_is_blotted_out() -> None:
    case = fold(ROW, {**DOCUMENT, "category": {"name": "供水 电话13900001234"}}, [], [])
    assert "13900001234" not in case.subject
    assert case.subject.startswith("供水")


RECLASSED = [
    ([("key_supervision", 2_000, 2_000)], "key_supervision"),
    ([("key_supervision", 2_000, 2_000), ("joint_package", 3_000, 3_000)], "joint_package"),
    ([("key_supervision", 3_000, 3_000), ("joint_package", 2_000, 4_000)], "key_supervision"),
    ([("key_supervision", 90_000, 3_000), ("joint_package", 4_000, 4_000)], "joint_package"),
]
"""(class, occurred at, recorded at) in the order they came; the last one: a clock ahead of time makes nothing newer."""


@pytest.mark.parametrize(("given", "expected"), RECLASSED)
def test_the_newest_class_holds(given: list[tuple[str, int, int]], expected: str) -> None:
    events = [happening(E.RECLASSED, at, recorded, handling_class=name) for name, at, recorded in given]
    assert fold(ROW, DOCUMENT, events, []).handling_class == expected


def test_units_after_dispatches() -> None:
    events = [
        happening(E.DISPATCHED, units=[{"unit": "燃气公司", "role": "assist"}, {"unit": "城管局", "role": "lead"}]),
        happening(E.DISPATCHED, unit="交警支队", role="assist"),
        happening(E.DISPATCHED),
    ]
    case = fold(ROW, DOCUMENT, events, [])
    assert case.unit == "城管局"
    assert case.units == {"水务局", "住建局", "燃气公司", "城管局", "交警支队"}


@pytest.mark.parametrize(("name", "unit"), [("on_site", "审计局"), ("home_unit", "审计局"), ("hotline_transfer", "")])
def test_what_the_secretarys_unit_handles_is_its_own(name: str, unit: str) -> None:
    document = {**DOCUMENT, "handling_class": name, "lead_unit": None, "assist_units": []}
    assert fold(ROW, document, [], []).unit == unit


STANDING: list[tuple[list[Entry], str, int | None]] = [
    ([Entry("petition.accepted", 1, "submitted", "e1")], "submitted", None),
    # The unit's word that it is done is not the proof that the petitioner was answered.
    ([Entry("petition.closed", 2, "closed", "e2")], "closed", None),
    ([Entry("petition.closed", 2, "closed", "e2"), Entry("petition.closed", 3, "closed", None)], "closed", 3),
    (
        [Entry("petition.closed", 3, "closed", None), Entry("petition.rehandled", 4, "rehandling", "e3")],
        "rehandling",
        None,
    ),
    # Too late a word about something else opens nothing.
    ([Entry("petition.closed", 3, "closed", None), Entry("petition.noted", 4, "closed", "e3")], "closed", 3),
    ([Entry("petition.replied", 3, "replied", "e1"), Entry("petition.opened", 4, None, None)], "replied", None),
]


@pytest.mark.parametrize(("entries", "state", "closed_at"), STANDING)
def test_where_it_stands_is_what_the_journal_said(entries: list[Entry], state: str, closed_at: int | None) -> None:
    case = fold(ROW, DOCUMENT, [], entries)
    assert (case.state, case.closed_at, case.is_open) == (state, closed_at, closed_at is None)


def test_marks() -> None:
    events = [
        happening(E.SUPERVISED, level="yellow"), happening(E.SUPERVISED, level="red"),
        happening(E.SUPERVISED, level="key"), happening(E.EXTENDED), happening(E.REPLIED),
        happening(E.RATED, satisfaction="unsatisfied"), happening(E.FOLLOWED_UP, satisfaction="satisfied"),
    ]  # fmt: skip
    assert fold(ROW, DOCUMENT, events, []).marks == {
        "returned": 0, "extended": 1, "rehandled": 0, "unsatisfied": 1, "heavy": 2,
    }  # fmt: skip


def test_a_return_counts_if_it_moved_the_petition() -> None:
    """Told twice it is one, also where the second one comes after the next unit was asked."""
    told = [
        ("returned", "returned"),
        ("returned", "returned"),
        ("dispatched", "dispatched"),
        ("returned", "dispatched"),
        ("returned", "returned"),
    ]
    events = [Happening(E(type_), 1, 1, event_id=f"e{at}") for at, (type_, _) in enumerate(told)]
    entries = [Entry(f"petition.{type_}", 1, state, f"e{at}") for at, (type_, state) in enumerate(told)]
    assert fold(ROW, DOCUMENT, events, entries).marked("returned") == 2
