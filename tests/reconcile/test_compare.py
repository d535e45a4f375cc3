"""Two lists of a day held against each other: each class of difference, on each side, and nothing that will mend
itself. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bridge.adapter import Notice, Reading, Record
from bridge.reconcile.case import Case
from bridge.reconcile.compare import GRACE, Lists, compare
from bridge.reconcile.difference import HERE, THERE, Difference, Kind
from schemas.base import SHANGHAI
from schemas.petition import Attachment, HandlingClass, Petition, Secretary

DAY = date(2026, 11, 24)
BEGINS = datetime(2026, 11, 24, tzinfo=SHANGHAI)
NOON = BEGINS + timedelta(hours=12)
NOW = BEGINS + timedelta(days=1, hours=5)


class Plain:
    """A register whose digests are the words themselves."""

    async def day(self, day: date) -> Sequence[Record]:
        raise AssertionError("comparing asks nobody")

    def digests(self, petition: Petition) -> Mapping[str, str]:
        return {"title": petition.title, "kind": petition.kind.value, "only_here": "x"}

    def attachments(self, petition: Petition) -> frozenset[str]:
        return frozenset(file.name for file in petition.attachments)

    async def fetch(self, record: Record) -> Notice:
        raise AssertionError("comparing fetches nothing")

    def read(self, notice: Notice, received_at: datetime) -> Reading:
        raise AssertionError("comparing reads nothing")


def case(petition_id: str = "LT1", *, state: str = "handling", files: Sequence[str] = (), **changes: Any) -> Case:
    petition = Petition(
        petition_id=petition_id,
        source="wechat",
        title="路灯不亮",
        content="x",
        handling_class=HandlingClass.HOTLINE_TRANSFER,
        secretary=Secretary(id="S", team_id="T"),
        state=state,
        submitted_at=datetime(2026, 11, 24, tzinfo=UTC),
        attachments=tuple(Attachment(name=name, url="https://files.example.cn/1") for name in files),
    )
    made = Case(petition_id, frozenset({f"T-{petition_id}"}), NOON, True, False, NOON, petition)
    return replace(made, **changes)


def record(petition_id: str | None = "LT1", number: str | None = None, **changes: Any) -> Record:
    said = {"title": "路灯不亮", "kind": "other", "only_there": "y"}
    made = Record(number or f"T-{petition_id}", petition_id, NOON, True, "handling", digests=said)
    return replace(made, **changes)


def differences(
    cases: Sequence[Case], records: Sequence[Record], elsewhere: Sequence[Record] = (), **changes: Any
) -> tuple[list[Difference], int]:
    known = {number: one.petition_id for one in cases for number in one.numbers}
    lists = Lists(NOW, cases, records, elsewhere, known, frozenset(one.petition_id for one in cases))
    return compare(replace(lists, **changes), Plain())


def only(found: tuple[list[Difference], int]) -> Difference:
    (one,), _ = found
    return one


def test_what_both_have_the_same_is_no_difference() -> None:
    assert differences([case()], [record()]) == ([], 1)


def test_missing_there() -> None:
    one = only(differences([case()], []))
    assert (one.kind, one.side, one.petition_id, one.number) == (Kind.MISSING_THERE, THERE, "LT1", "T-LT1")


@pytest.mark.parametrize(
    "changes", [{"moving": True}, {"known_at": NOW - GRACE / 2}], ids=["it is on its way", "it has just been told"]
)
def test_what_may_still_mend_itself_is_not_missing(changes: dict[str, Any]) -> None:
    assert differences([case(**changes)], []) == ([], 0)


def test_it_may_stand_in_the_list_of_another_day() -> None:
    assert differences([case()], [], [record()]) == ([], 1)
    assert only(differences([case()], [], [record("LT2")])).kind is Kind.MISSING_THERE


def test_missing_here() -> None:
    one = only(differences([], [record(None, "T-9", ours=False)]))
    assert (one.kind, one.side, one.petition_id, one.number) == (Kind.MISSING_HERE, HERE, None, "T-9")


def test_what_came_in_a_moment_ago_or_is_known_from_another_day_is_not_missing_here() -> None:
    fresh = record(None, "T-9", ours=False, entered_at=NOW - GRACE / 2)
    assert differences([], [fresh]) == ([], 0)
    assert differences([], [record(None, "T-9", ours=False)], known={"T-9": "LT9"}) == ([], 0)
    assert differences([], [record("LT9", "T-9")], petitions=frozenset({"LT9"})) == ([], 0)


def test_a_petition_that_they_say_is_ours_and_is_not() -> None:
    one = only(differences([], [record("LT9")]))
    assert (one.kind, one.petition_id, one.detail) == (Kind.MISSING_HERE, "LT9", "ours, they say")


def test_state_mismatch() -> None:
    one = only(differences([case(state="closed")], [record(raw_state="办理中")]))
    assert (one.kind, one.detail) == (Kind.STATE_MISMATCH, "here closed, there 办理中")
    assert only(differences([case()], [record(state="closed")])).kind is Kind.STATE_MISMATCH


@pytest.mark.parametrize("state", ["submitted", "dispatched", "replied", "followed_up", None])
def test_finer_steps_are_no_mismatch_and_an_unknown_word_is_none(state: str | None) -> None:
    assert differences([case()], [record(state=state)]) == ([], 1)


def test_a_state_that_has_just_changed_is_on_its_way() -> None:
    assert differences([case(state="closed", state_at=NOW - GRACE / 2)], [record()]) == ([], 1)
    assert differences([case(state="closed", moving=True)], [record()]) == ([], 1)


def test_field_mismatch_names_the_fields_that_both_have() -> None:
    one = only(differences([case()], [record(digests={"title": "路灯", "kind": "help"})]))
    assert (one.kind, one.detail) == (Kind.FIELD_MISMATCH, "kind, title")


def test_what_both_say_in_words_of_their_own_is_held_against_the_state_alone() -> None:
    told = record(digests={"title": "路灯"}, attachments=frozenset({"a"}))
    assert differences([case(worded=False)], [told]) == ([], 1)
    assert only(differences([case(worded=False)], [replace(told, state="closed")])).kind is Kind.STATE_MISMATCH


def test_a_merged_petition_waits_for_the_answer_of_another() -> None:
    assert differences([case(state="merged")], [record()]) == ([], 1)


def test_duplicate_there() -> None:
    found, _ = differences([case()], [record(), record(number="T-X")])
    assert [(one.kind, one.side, one.detail) for one in found] == [(Kind.DUPLICATE, THERE, "T-LT1, T-X")]


def test_duplicate_here() -> None:
    """One of their cases that two of our petitions claim."""
    found, _ = differences([case()], [record("LT2", "T-LT1")], petitions=frozenset({"LT1", "LT2"}))
    assert [(one.kind, one.side) for one in found] == [(Kind.DUPLICATE, HERE)]


def test_orphan_attachments_on_either_side() -> None:
    there = only(differences([case()], [record(attachments=frozenset({"a"}))]))
    assert (there.kind, there.side, there.detail) == (Kind.ORPHAN_ATTACHMENT, THERE, "a")
    here = only(differences([case(files=["b"])], [record()]))
    assert (here.kind, here.side, here.detail) == (Kind.ORPHAN_ATTACHMENT, HERE, "b")
    assert differences([case(files=["b"], moving=True)], [record()]) == ([], 1)
