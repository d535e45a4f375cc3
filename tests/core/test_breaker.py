"""The breaker on a virtual clock: nothing burnt, one probe at a time, nobody stranded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.breaker import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def trip(breaker: Breaker) -> None:
    for _ in range(FAILURES):
        breaker.failed()


def test_it_opens_after_so_many_failures_in_a_row(breaker: Breaker) -> None:
    for _ in range(FAILURES - 1):
        breaker.failed()
    assert not breaker.is_open
    assert breaker.room(64) == 64
    breaker.failed()
    assert breaker.is_open
    assert breaker.room(64) == 0
    assert breaker.wait() == FIRST_PAUSE


def test_one_success_forgets_the_failures(breaker: Breaker) -> None:
    for _ in range(50):
        for _ in range(FAILURES - 1):
            breaker.failed()
        breaker.succeeded()
    assert not breaker.is_open


def test_one_probe_at_a_time(breaker: Breaker, clock: Clock) -> None:
    trip(breaker)
    clock.now += FIRST_PAUSE
    assert breaker.wait() == 0
    assert breaker.room(64) == 1
    assert breaker.room(64) == 0


def test_no_probe_when_nothing_is_wanted(breaker: Breaker, clock: Clock) -> None:
    trip(breaker)
    clock.now += FIRST_PAUSE
    assert breaker.room(0) == 0
    breaker.unused()
    assert breaker.room(5) == 1


def test_a_probe_that_found_nothing_to_send_leaves_the_turn_to_the_next(breaker: Breaker, clock: Clock) -> None:
    trip(breaker)
    clock.now += FIRST_PAUSE
    assert breaker.room(1) == 1
    breaker.unused()
    assert breaker.is_open
    assert breaker.room(1) == 1


def test_a_successful_probe_lets_all_go(breaker: Breaker, clock: Clock) -> None:
    trip(breaker)
    clock.now += FIRST_PAUSE
    assert breaker.room(9) == 1
    breaker.succeeded()
    assert not breaker.is_open
    assert breaker.wait() == 0
    assert breaker.room(64) == 64


def test_failed_probes_come_ever_less_often_and_never_stop(breaker: Breaker, clock: Clock) -> None:
    trip(breaker)
    pauses = []
    for _ in range(10):
        pauses.append(breaker.wait())
        clock.now += breaker.wait()
        assert breaker.room(3) == 1
        breaker.failed()
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60, 60, 60]
    assert LONGEST_PAUSE == 60


def test_after_a_success_the_pauses_begin_anew(breaker: Breaker, clock: Clock) -> None:
    trip(breaker)
    for _ in range(6):
        clock.now += breaker.wait()
        breaker.room(1)
        breaker.failed()
    clock.now += breaker.wait()
    breaker.room(1)
    breaker.succeeded()
    trip(breaker)
    assert breaker.wait() == FIRST_PAUSE


def test_a_system_that_says_how_long_is_left_alone_so_long(breaker: Breaker, clock: Clock) -> None:
    for _ in range(FAILURES):
        breaker.failed(45)
    assert breaker.wait() == 45
    clock.now += 44
    assert breaker.room(1) == 0
    clock.now += 1
    assert breaker.room(1) == 1


def test_a_system_that_asks_for_a_year_is_not_left_alone_for_a_year(breaker: Breaker) -> None:
    """One absurd `Retry-After` must not strand every other hand-off of the system."""
    for _ in range(FAILURES):
        breaker.failed(31_536_000)
    assert breaker.wait() <= 3600


def test_failures_of_what_was_under_way_when_it_opened_do_not_lengthen_the_first_pause(breaker: Breaker) -> None:
    """A system goes down with 64 requests under way: 64 failures, one outage."""
    for _ in range(64):
        breaker.failed()
    assert breaker.wait() == FIRST_PAUSE


@given(st.lists(st.sampled_from(["ok", "fail", "unused", "room", "wait"]), max_size=60))
def test_whatever_happens_a_probe_comes_within_the_longest_pause(steps: list[str]) -> None:
    clock = Clock()
    breaker = Breaker(clock)
    out = 0
    for step in steps:
        if step == "room":
            out += breaker.room(3)
        elif step == "wait":
            clock.now += breaker.wait()
        elif step == "unused":
            breaker.unused()
        elif out:
            out -= 1
            breaker.succeeded() if step == "ok" else breaker.failed()
    # All that was sent comes to an end.
    for _ in range(out):
        breaker.failed()
    breaker.unused()
    clock.now += LONGEST_PAUSE
    assert breaker.room(1) == 1
