"""The ladder and the one map from error to action: pinned to the second, because ladders rot unnoticed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.adapter import Busy, OutboundError, Permanent, Transient, Unknown
from bridge.retry import DEFAULT_LADDER, JITTER, SPAN, BadLadder, Ladder, Park, Retry, decide, is_transport

LADDER = Ladder.parse(DEFAULT_LADDER)
SECOND, MINUTE, HOUR = 1.0, 60.0, 3600.0


class Mean(random.Random):
    """No jitter."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


# ── the ladder ──


def test_every_delay_of_the_ladder() -> None:
    assert LADDER.delays() == (
        5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, 1 * HOUR, *([HOUR] * 22),
    )  # fmt: skip


def test_the_span_of_the_ladder_is_a_day_but_for_less_than_an_hour() -> None:
    assert sum(LADDER.delays()) == 85_355
    assert SPAN.total_seconds() - HOUR < sum(LADDER.delays()) <= SPAN.total_seconds()


@pytest.mark.parametrize("attempt", range(1, 29))
def test_each_failed_attempt_waits_for_its_own_rung(attempt: int) -> None:
    assert LADDER.after(attempt, Mean()) == pytest.approx(LADDER.delays()[attempt - 1])


def test_after_the_last_rung_it_is_parked() -> None:
    assert LADDER.after(len(LADDER.delays()) + 1, Mean()) is None
    assert LADDER.after(10_000, Mean()) is None


@given(st.integers(1, 28), st.randoms(use_true_random=False))
def test_jitter_stays_within_a_fifth(attempt: int, source: random.Random) -> None:
    rung = LADDER.delays()[attempt - 1]
    assert rung * (1 - JITTER) <= (LADDER.after(attempt, source) or 0) <= rung * (1 + JITTER)


def test_jitter_is_not_nothing() -> None:
    assert JITTER == 0.2
    assert len({LADDER.after(1, random.Random(seed)) for seed in range(20)}) == 20


@given(st.lists(st.tuples(st.integers(1, 999), st.sampled_from("smhd")), min_size=1, max_size=8))
def test_no_ladder_ever_exceeds_its_span(rungs: list[tuple[int, str]]) -> None:
    ladder = Ladder.parse(",".join(f"{amount}{unit}" for amount, unit in rungs))
    assert sum(ladder.delays()) <= SPAN.total_seconds()


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1), ("2m", 120), ("3h", 10_800), ("1d", 86_400), (" 5s , 7m ", 5)]
)
def test_units_are_what_they_say(text: str, seconds: float) -> None:
    assert Ladder.parse(text).delays()[0] == seconds


@pytest.mark.parametrize("text", ["", "5", "s", "5 s", "-5s", "1.5m", "5s,,6s", "5s;6s", "5S", "fünf", "²s"])
def test_a_ladder_that_cannot_be_read_is_refused_with_a_good_one(text: str) -> None:
    with pytest.raises(BadLadder) as refused:
        Ladder.parse(text)
    assert DEFAULT_LADDER in str(refused.value)
    assert "\n" not in str(refused.value)


# ── from error to action ──


@pytest.mark.parametrize("attempt", [1, 5, 28, 29, 1000])
def test_permanent_is_parked_at_once_with_its_own_reason(attempt: int) -> None:
    assert decide(Permanent("bad_region"), attempt, LADDER, Mean()) == Park("bad_region")


def test_transient_is_sent_again_blindly() -> None:
    assert decide(Transient("refused"), 2, LADDER, Mean()) == Retry(30.0, "refused", ask_first=False)


def test_unknown_is_asked_about_first() -> None:
    assert decide(Unknown("timeout"), 3, LADDER, Mean()) == Retry(120.0, "timeout", ask_first=True)


def test_an_error_of_no_kind_is_sent_again() -> None:
    assert decide(OutboundError("odd"), 1, LADDER, Mean()) == Retry(5.0, "odd")


@pytest.mark.parametrize("error", [Transient("x"), Unknown("x"), Busy("x"), Busy("x", 5)])
def test_at_the_ladders_end_a_person_is_asked(error: OutboundError) -> None:
    assert decide(error, 29, LADDER, Mean()) == Park("ladder_exhausted:x")


def test_busy_waits_as_long_as_it_was_asked_to() -> None:
    assert decide(Busy("http_429", 400), 1, LADDER, Mean()) == Retry(400, "http_429")


def test_busy_never_comes_back_before_its_rung() -> None:
    assert decide(Busy("http_429", 1), 3, LADDER, Mean()) == Retry(120.0, "http_429")


def test_busy_that_says_right_now_waits_for_its_rung_only() -> None:
    assert decide(Busy("http_429", 0), 1, LADDER, Mean()) == Retry(5.0, "http_429")


def test_busy_that_says_nothing_gets_a_pause() -> None:
    assert decide(Busy("http_429"), 1, LADDER, Mean()) == Retry(30.0, "http_429")


@given(st.floats(min_value=0, allow_nan=False, allow_infinity=True), st.integers(1, 28))
def test_a_lying_retry_after_cannot_put_a_hand_off_away_for_ever(seconds: float, attempt: int) -> None:
    """`Retry-After: 99999999999999999999` is beyond every clock and every integer column."""
    verdict = decide(Busy("http_429", seconds), attempt, LADDER, Mean())
    assert isinstance(verdict, Retry)
    assert verdict.delay <= SPAN.total_seconds()


@pytest.mark.parametrize(
    ("error", "counts"), [(Transient("x"), True), (Unknown("x"), True), (Busy("x"), True), (Permanent("x"), False)]
)
def test_the_breaker_counts_what_says_something_about_the_system(error: OutboundError, counts: bool) -> None:
    assert is_transport(error) is counts
