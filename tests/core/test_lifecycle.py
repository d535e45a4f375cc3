"""Where a petition stands: one table, applied in order."""

import pytest

from bridge.lifecycle import ANSWERS, ENDED, SIGNS, STATE_AFTER, state_after
from schemas.event import EventType as E

SILENT = {E.CANCEL_REQUESTED, E.CANCEL_DENIED, E.SUPERVISED, E.URGED, E.RATED, E.RECLASSED, E.NOTED, E.UNKNOWN}


@pytest.mark.parametrize("event", list(E))
def test_an_event_says_where_the_petition_stands_or_leaves_it(event: E) -> None:
    assert (event in STATE_AFTER) != (event in SILENT)
    assert state_after("handling", event) == STATE_AFTER.get(event, "handling")


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
