"""Where a petition stands: one table, applied in order."""

import pytest

from bridge.lifecycle import ANSWERS, ENDED, SIGNS, STATE_AFTER, WORKING, allowed, answers, moves, state_after
from bridge.rules import transitions
from schemas.event import EventData
from schemas.event import EventType as E

SILENT = {E.CANCEL_REQUESTED, E.CANCEL_DENIED, E.SUPERVISED, E.URGED, E.RATED, E.RECLASSED, E.NOTED, E.UNKNOWN}


BEHIND = {E.SUBMITTED, E.ACCEPTED, E.SIGNED}
"""What has happened before the handling: whoever says it later says nothing new."""
EARLY = {E.FOLLOWED_UP}
"""What comes after the answer: whoever says it earlier stops no work."""


@pytest.mark.parametrize("event", list(E))
def test_an_event_says_where_the_petition_stands_or_leaves_it(event: E) -> None:
    assert (event in STATE_AFTER) != (event in SILENT)
    expected = "handling" if event in BEHIND | EARLY else STATE_AFTER.get(event, "handling")
    assert state_after("handling", event) == expected


@pytest.mark.parametrize(
    ("state", "event"),
    [
        ("replied", E.DISPATCHED),
        ("replied", E.RETURN_REQUESTED),
        ("replied", E.EXTENDED),
        ("closed", E.PROGRESSED),
        ("closed", E.CANCELLED),
        ("submitted", E.RETURN_DENIED),
        ("handling", E.RESUMED),
    ],
)
def test_what_the_table_does_not_allow_moves_nothing(state: str, event: E) -> None:
    assert not allowed(state, event)
    assert not moves(state, event)
    assert state_after(state, event) == state


def test_the_states_of_work_are_those_of_the_table() -> None:
    groups = transitions.petition().chart.groups
    assert {*groups["working"], *groups["deciding"]} == WORKING


@pytest.mark.parametrize(
    ("event", "actor", "data", "is_answer"),
    [
        (E.REPLIED, None, {}, True), (E.REPLIED, None, {"role": "assist"}, False), (E.CLOSED, None, {}, False),
        (E.CLOSED, None, {"text": " "}, False), (E.CLOSED, None, {"text": "已修好"}, True),
        (E.CLOSED, "owner", {}, True), (E.NOT_ACCEPTED, None, {}, True), (E.PROGRESSED, None, {"text": "在修"}, False),
    ],
)  # fmt: skip
def test_what_answers(event: E, actor: str | None, data: dict[str, str], is_answer: bool) -> None:
    assert answers(event, actor, EventData.model_validate(data)) is is_answer


@pytest.mark.parametrize("event", sorted(SILENT))
def test_what_says_nothing_about_the_state_is_always_allowed(event: E) -> None:
    for state in set(STATE_AFTER.values()):
        assert allowed(state, event)
        assert not moves(state, event)


@pytest.mark.parametrize("event", list(E))
@pytest.mark.parametrize("ended", sorted(ENDED))
def test_only_a_rehandling_moves_an_ended_petition(ended: str, event: E) -> None:
    assert state_after(ended, event) == ("rehandling" if event is E.REHANDLED else ended)


def test_every_end_is_an_answer() -> None:
    assert {event for event, state in STATE_AFTER.items() if state in ENDED} <= ANSWERS


def test_a_reply_is_an_answer_and_no_end() -> None:
    assert E.REPLIED in ANSWERS
    assert STATE_AFTER[E.REPLIED] not in ENDED


def test_the_citizens_own_words_prove_nothing_about_what_a_system_saw() -> None:
    assert SIGNS.isdisjoint({E.SUBMITTED, E.RATED, E.URGED, E.SUPERVISED, E.NOTED, E.UNKNOWN, E.FOLLOWED_UP})
    assert {E.SIGNED, E.ACCEPTED} <= SIGNS
