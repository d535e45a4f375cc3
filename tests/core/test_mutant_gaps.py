"""What `make mutants` found that no other test noticed: who acks what when, and who gets up again after an error."""

import asyncio
from concurrent.futures import Future
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from bridge import delivery
from bridge.adapter import Outgoing, Receipt
from bridge.app import Bridge
from bridge.bus.consumer import Delivery
from bridge.bus.topology import Topology
from bridge.clock import to_ms, utc_now
from bridge.conservation import Conservation
from bridge.ledger import reads
from bridge.ledger.accept import Arrival
from bridge.ledger.deliver import Settlement
from bridge.ledger.ledger import Ledger
from bridge.ledger.writer import LedgerAway
from bridge.router import Router
from bridge.rules.book import RuleBook
from bridge.watch import Watch
from schemas.petition import HandlingClass
from tests.support.assemblies import Played, play_systems, running, settings_in, take, until
from tests.support.ledgers import HOTLINE, SYSTEMS, arrival, number, petition, submission

EVENT = Delivery("event-1", 1, 1)


# ── the router ──


class Promise:
    """A ledger that takes an event to route and has not committed yet."""

    def __init__(self) -> None:
        self.future: Future[int] = Future()

    def route_later(self, _event_id: str) -> "Future[int]":
        return self.future


class Acks:
    """What became of the messages: acked, or handed out again."""

    def __init__(self, consumer: Any) -> None:
        self.done: list[Delivery] = []
        self.again: list[Delivery] = []
        consumer.done = self.done.append
        consumer.retry = lambda message, _seconds: self.again.append(message)


def test_the_router_acks_an_event_when_its_hand_offs_are_committed_and_not_before() -> None:
    ledger = Promise()
    router = Router("memory://", Topology(SYSTEMS, "gaps."), cast(Ledger, ledger))
    acks = Acks(router.consumer)
    router._handle(EVENT)
    assert acks.done == []
    ledger.future.set_result(1)
    assert (acks.done, acks.again) == ([EVENT], [])


@pytest.mark.parametrize("error", [LedgerAway("OperationalError"), RuntimeError("a defect")], ids=["away", "defect"])
def test_an_event_that_could_not_be_routed_is_not_acked_and_comes_again(error: Exception) -> None:
    ledger = Promise()
    router = Router("memory://", Topology(SYSTEMS, "gaps."), cast(Ledger, ledger))
    acks = Acks(router.consumer)
    router._handle(EVENT)
    ledger.future.set_exception(error)
    assert (acks.done, acks.again) == ([], [EVENT])


# ── delivery ──


async def _submit(bridge: Bridge) -> None:
    """One hand-off to the hotline."""
    draft = petition(openid=None, handling_class=HandlingClass.HOTLINE_TRANSFER)
    made = arrival(submission("p", number("p"), draft=draft, at=utc_now()))
    await bridge.ledger.accept(
        Arrival(made.system, made.door, to_ms(utc_now()), made.content_type, made.body, made.drafts)
    )


def _states_when_acked(bridge: Bridge) -> list[str]:
    """The state that each hand-off to the hotline is in when its message is acked."""
    states: list[str] = []
    consumer = bridge.desks[HOTLINE].consumer
    done = consumer.done

    def watched(message: Delivery) -> None:
        found = bridge.ledger.read_now(lambda conn: reads.handoff_list(conn, system=HOTLINE))
        states.extend(row["state"] for row in found if row["handoff_id"] == message.id)
        done(message)

    consumer.done = watched  # type: ignore[method-assign,assignment]
    return states


@pytest.mark.parametrize("times_away", [0, 2], ids=["there", "away"])
def test_a_hand_off_is_acked_when_its_outcome_is_in_the_ledger(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, times_away: int
) -> None:
    """Also when the ledger is away just after the system has answered: the answer waits for it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(delivery, "_AWAY_SECONDS", 0.01)
    systems = play_systems(monkeypatch)
    away = [LedgerAway("OperationalError")] * times_away

    async def tell(bridge: Bridge) -> None:
        settle = bridge.ledger.settle

        async def now_and_then(settlement: Settlement) -> bool:
            if away:
                raise away.pop()
            return await settle(settlement)

        monkeypatch.setattr(bridge.ledger, "settle", now_and_then)
        states = _states_when_acked(bridge)
        await _submit(bridge)
        await until(lambda: bool(states), "the ack")
        assert states == ["delivered"]
        assert len(systems[HOTLINE].sends) == 1

    async def within() -> None:
        # Patient enough that the watch puts no second copy on the conveyor meanwhile.
        settings = settings_in(tmp_path, patience={"publish_seconds": 60})
        async with running(settings) as bridge:
            await tell(bridge)

    asyncio.run(within())
    assert away == []


def test_a_system_that_takes_its_time_keeps_its_lease(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a heartbeat the watch would take the hand-off for lost, and it would be sent a second time."""
    monkeypatch.chdir(tmp_path)
    systems = play_systems(monkeypatch)
    go = asyncio.Event()

    async def slow(system: Played, outgoing: Outgoing) -> Receipt:
        await go.wait()
        return await take(system, outgoing)

    def handoff(bridge: Bridge) -> dict[str, Any]:
        (row,) = bridge.ledger.read_now(lambda conn: reads.handoff_list(conn, system=HOTLINE))
        return row

    async def within() -> None:
        systems[HOTLINE].play = slow
        async with running(settings_in(tmp_path, patience={"publish_seconds": 60, "lease_seconds": 6})) as bridge:
            await _submit(bridge)
            await until(lambda: bool(systems[HOTLINE].sends), "the call")
            first = handoff(bridge)["lease_until"]
            try:
                await until(lambda: handoff(bridge).get("lease_until") != first, "a heartbeat")
                assert handoff(bridge)["state"] == "sending"
            finally:
                go.set()
            await until(lambda: handoff(bridge)["state"] == "delivered", "the delivery")
            assert handoff(bridge)["attempts"] == 1

    asyncio.run(within())


# ── the watch ──


class Moody:
    """A ledger whose first rounds fail; at the third good one it has seen enough."""

    rules = RuleBook.load()

    def __init__(self) -> None:
        self.errors: list[Exception] = [RuntimeError("a row that cannot be published"), LedgerAway("OperationalError")]
        self.rounds = 0
        self.watch: Watch | None = None

    async def due(self, _limit: int, *, conveyor_runs: bool) -> int:
        assert conveyor_runs
        if self.errors:
            raise self.errors.pop(0)
        self.rounds += 1
        if self.rounds == 3 and self.watch is not None:
            await self.watch.stop()
        return 0

    async def free_lanes(self, _limit: int) -> int:
        return 0

    async def judge(self, _limit: int) -> int:
        return 0

    async def gather(self, _since: int) -> int:
        return 0

    async def inherit(self, _limit: int) -> int:
        return 0

    async def conservation(self) -> Conservation:
        return Conservation(0, 0, 0, 0, 0, 0, True)


def test_a_watch_whose_round_failed_walks_again() -> None:
    ledger, laws = Moody(), list[Conservation]()
    watch = ledger.watch = Watch(cast(Ledger, ledger), utc_now, laws.append, lambda: True, every=0.0)
    asyncio.run(asyncio.wait_for(watch.run(), 20))
    assert ledger.rounds == 3
    assert [law.holds for law in laws] == [True]


class Recorder(Moody):
    """How the watch asks, and what law it is told."""

    def __init__(self, law: Conservation) -> None:
        super().__init__()
        self.asked: list[bool] = []
        self._law = law

    async def due(self, _limit: int, *, conveyor_runs: bool) -> int:
        self.asked.append(conveyor_runs)
        return 0

    async def conservation(self) -> Conservation:
        return self._law


BROKEN = Conservation(2, 0, 1, 0, 0, 1, False, orphans=["LT261122-7K3M9QX2AB"])


def test_while_the_conveyor_stands_still_nothing_counts_as_published_in_vain() -> None:
    ledger, runs = Recorder(BROKEN), [False, True]
    watch = Watch(cast(Ledger, ledger), utc_now, lambda _: None, lambda: runs.pop(0))
    asyncio.run(watch.walk())
    asyncio.run(watch.walk())
    assert ledger.asked == [False, True]


def test_a_broken_law_is_said_loudly_with_what_is_lost() -> None:
    laws: list[Conservation] = []
    watch = Watch(cast(Ledger, Recorder(BROKEN)), utc_now, laws.append, lambda: True)
    with capture_logs() as logs:
        asyncio.run(watch.check_law())
    assert laws == [BROKEN]
    (said,) = logs
    assert (said["event"], said["log_level"], said["difference"]) == ("law.broken", "error", 1)
    assert said["orphans"] == BROKEN.orphans
