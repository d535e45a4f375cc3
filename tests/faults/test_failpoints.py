"""Killed with SIGKILL at every I/O edge, started again, drained: nothing is lost, doubled or out of order.

For each failpoint and its first, second and tenth hit, on the embedded default and on RabbitMQ + PostgreSQL. Petitions
go in through all doors all the while; who gets no answer asks again, as real callers do.
"""

import signal
import sys
from dataclasses import dataclass

import pytest

from bridge.failpoints import POINTS
from tests.faults.conftest import FULL
from tests.faults.report import Scenario
from tests.support.callers import Sending
from tests.support.outside import judge
from tests.support.processes import World
from tests.support.waiting import wait_until

HITS = (1, 2, 10)
MAX_BATCHES = 12
"""More traffic, rather than a skip, where a small run does not get to the wanted hit."""

TICKING = ("ledger.", "watch.", "witness.", "poller.before_fetch")
"""Points that are hit also when nothing happens: only a later hit falls into the middle of the work."""

DOORS = ("intake.", "ledger.", "relay.")
WORK = ("ledger.", "relay.", "router.", "delivery.", "watch.", "witness.", "poller.")
BROKER = (pytest.mark.rabbitmq, pytest.mark.postgres)


@dataclass(frozen=True)
class Kill:
    """Where to die: which process, at which point, at which hit."""

    mode: str
    owner: str
    point: str
    hits: int

    def __str__(self) -> str:
        return f"{self.mode}-{self.owner}-{self.point}-{self.hits}"


def _owners(mode: str, point: str) -> tuple[str, ...]:
    """Who comes by this point."""
    if mode == "embedded":
        return ("run",)
    return (*(["serve"] if point.startswith(DOORS) else []), *(["work1"] if point.startswith(WORK) else []))


def _matrix() -> list[Kill]:
    return [
        Kill(mode, owner, point, hits)
        for mode in ("embedded", "rabbit")
        for hits in HITS
        for point in sorted(POINTS)
        for owner in _owners(mode, point)
    ]


def _core() -> list[Kill]:
    """Each point once, the two modes by turns."""
    kills = []
    for number, point in enumerate(sorted(POINTS)):
        mode = ("embedded", "rabbit")[number % 2]
        owner = _owners(mode, point)[0]
        kills.append(Kill(mode, owner, point, _telling_hit(owner, point)))
    return sorted(kills, key=lambda kill: kill.mode)


def _telling_hit(owner: str, point: str) -> int:
    """The hit that falls into the middle of the work: for `serve` the very first, which is a petition."""
    return 1 if owner == "serve" else 10 if point.startswith(TICKING) else 2


def _parameters() -> list[object]:
    kills = _matrix() if FULL else _core()
    return [
        pytest.param(_world(kill), kill, id=str(kill), marks=BROKER if kill.mode == "rabbit" else ()) for kill in kills
    ]


def _world(kill: Kill) -> str:
    """One world for each mode (and hit, in the whole matrix): only who was killed is started anew from test to test."""
    return sys.intern(f"{kill.mode} {kill.hits}" if FULL else kill.mode)


@pytest.mark.parametrize(("world", "kill"), _parameters(), indirect=["world"], scope="module")
def test_nothing_is_lost_when_it_dies_there(world: World, kill: Kill, scenario: Scenario) -> None:
    _revive(world)
    before = list(world.callers.sent)
    world.kill(kill.owner)
    world.failpoints_log(kill.owner).unlink(missing_ok=True)
    sendings = [world.callers.send(next(world.batches))]  # they knock before the bridge is up
    world.launch(kill.owner, failpoints=f"{kill.point}:{kill.hits}")

    _send_until_dead(world, kill.owner, sendings)
    assert world.process(kill.owner).exit_code == -signal.SIGKILL, world.last_words(kill.owner)
    assert world.failpoints_log(kill.owner).read_text().splitlines()[-1] == f"died at {kill.point}"
    world.check_law()  # at any instant: also with everybody dead

    world.start(kill.owner)
    sent = [answer for sending in sendings for answer in sending.answers()]
    world.drain()
    tally = judge(sent, world.evidence(), before)
    scenario.record({**tally.as_dict(), "batches": len(sendings)})
    assert tally.holds, "\n".join(tally.faults)
    assert tally.ok == tally.acknowledged == tally.attempted
    world.check_commands()


def _revive(world: World) -> None:
    """What an earlier failed test left dead."""
    for name in world.names:
        if not world.alive(name):
            world.start(name)


def _send_until_dead(world: World, owner: str, sendings: list[Sending]) -> None:
    """Batch after batch, until the process has died."""
    while world.alive(owner):
        wait_until(lambda: not world.alive(owner) or sendings[-1].done, f"{owner} to die, or all to be answered", 120)
        if not _dies_soon(world, owner):
            assert len(sendings) < MAX_BATCHES, f"{owner} lives on after {len(sendings)} batches"
            sendings.append(world.callers.send(next(world.batches)))


def _dies_soon(world: World, owner: str) -> bool:
    """The cases go on moving for a while after their callers have been answered."""
    try:
        wait_until(lambda: not world.alive(owner), f"{owner} to die", 1.0)
    except TimeoutError:
        return False
    return True
