"""The stage of the tests that break what is around the bridge: the bridge and its three sandboxes in this process, on
whatever broker and database the test gives, and takes away.

Time of day is the stage's own. Nobody waits for a grace period or a ladder: when nothing moves any more, the clock is
put forward to the next wake-up time, and the night watch walks. What the law says is written down all the while.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from unittest import mock

import structlog
from kombu import Connection
from sqlalchemy import func, select

from bridge import app as root
from bridge.adapter import SystemSettings
from bridge.app import Part
from bridge.bus.topology import depths
from bridge.clock import from_ms, utc_now
from bridge.conservation import Conservation
from bridge.demo.petitions import DemoPetition, petitions
from bridge.demo.playground import Playground
from bridge.ledger.tables import IN_FLIGHT, conveyor, handoffs
from bridge.ledger.writer import LedgerAway
from bridge.sandbox import Sandbox
from bridge.witness.compare import compare
from bridge.witness.keys import verifiers
from bridge.witness.verify import verify
from schemas.base import SHANGHAI
from tests.faults.report import Scenario
from tests.support.callers import Answer, Callers, Sending
from tests.support.outside import Tally, collect, judge
from tests.support.proxy import Proxy
from tests.support.waiting import wait_until

T = TypeVar("T")
PACE_SECONDS = 0.03
POLL_SECONDS = 0.1
SAMPLE_SECONDS = 0.25
DRAIN_SECONDS = 90.0
LONGEST_STEP = 240.0
"""The clock goes forward in steps that a signature's time window survives."""

LADDER = "1s,1s,2s,2s,5s,5s,10s,10s,30s,30s,1m,1m,5m"


class Clock:
    """The time of day on the stage; only ever put forward."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Sample:
    """The law at one moment of the run; None where the ledger could not be asked."""

    at: float
    law: Conservation | None


class World(Playground):
    """The playground with a clock of its own, short time-outs, and a proxy in front of each system."""

    def __init__(self, directory: Path, clock: Clock, parts: Part, timeout_seconds: float, **more: Any) -> None:
        self._timeout_seconds = timeout_seconds
        self.ways: dict[str, Proxy] = {}
        super().__init__(directory, **more)
        self.bridge = root.Bridge(self.settings, parts, now=clock)

    def _sections(self) -> dict[str, SystemSettings]:
        sections = {}
        for manifest in root.manifests():
            way = self.ways[manifest.system] = Proxy("127.0.0.1", self._ports[manifest.system])
            made = manifest.sandbox_settings(f"http://127.0.0.1:{way.port}", self._secret)
            brief = {"timeout_seconds": self._timeout_seconds, "poll_seconds": POLL_SECONDS}
            known = {name: value for name, value in brief.items() if name in type(made).model_fields}
            sections[manifest.system] = made.model_copy(update=known)
        return sections


class Stage:
    """`with Stage(directory, …) as stage:`. Methods are for the test's thread; the world lives on a loop of its own."""

    def __init__(
        self,
        directory: Path,
        *,
        parts: Part = Part.ALL,
        timeout_seconds: float = 2.0,
        pace_seconds: float = PACE_SECONDS,
        **settings: Any,
    ) -> None:
        self.clock = Clock()
        self.logs: list[Any] = []
        self.samples: list[Sample] = []
        self._more = ExitStack()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stage", daemon=True)
        values = {"retry_ladder": LADDER, "pace_seconds": pace_seconds, **settings}
        self.world = World(directory, self.clock, parts, timeout_seconds, **values)
        self.ways = self.world.ways
        self.bridge = self.world.bridge
        self.workers = [self.bridge] if Part.WORK in parts else []
        self._sampling: Future[None] | None = None
        sandboxes = {manifest.system: self.world.sandbox_url(manifest.system) for manifest in root.manifests()}
        self.callers = Callers(self.world.url, self.world.key, sandboxes)

    # ── life ──
    def __enter__(self) -> Self:
        with ExitStack() as stack:
            # One clock for everybody: the center checks the time in a signature.
            clock = staticmethod(lambda: self.clock().astimezone(SHANGHAI))
            stack.enter_context(mock.patch.object(Sandbox, "now", clock))
            stack.enter_context(mock.patch("bridge.breaker.FIRST_PAUSE", 0.1))
            stack.enter_context(mock.patch("bridge.breaker.LONGEST_PAUSE", 0.4))
            self.logs = stack.enter_context(structlog.testing.capture_logs())
            # A stack trace for each connection that a test cuts on purpose would bury what matters.
            logging.getLogger("pika").setLevel(logging.CRITICAL)
            for way in self.ways.values():
                stack.enter_context(way)
            self._thread.start()
            self.do(self.world.__aenter__())
            self._sampling = asyncio.run_coroutine_threadsafe(self._sample(), self._loop)
            self._more = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._sampling is not None:
                self._sampling.cancel()
            self.callers.close()
            self.do(self._leave())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._more.close()

    async def _leave(self) -> None:
        for bridge in self.workers:
            if bridge is not self.bridge:
                await bridge.stop()
        await self.world.__aexit__(None, None, None)

    def do(self, work: Coroutine[Any, Any, T], seconds: float = 120.0) -> T:
        """Run a coroutine in the world and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def start_worker(self) -> root.Bridge:
        """`bridge work`, beside what runs already."""
        bridge = root.Bridge(self.world.settings, Part.WORK, now=self.clock)
        self.workers.append(bridge)
        self.do(bridge.start())
        return bridge

    # ── acting ──
    def send(self, count: int, seed: int = 5) -> Sending:
        """`count` petitions of today through all doors; each caller knocks until it is answered."""
        return self.bring(petitions(count, seed=seed, day=datetime.now(SHANGHAI).date()))

    def bring(self, chosen: Sequence[DemoPetition]) -> Sending:
        return self.callers.send(chosen)

    def mood(self, system: str, **mood: Any) -> None:
        """How the system behaves from now on."""
        status, _ = self.do(self.world.call("POST", f"{self.world.sandbox_url(system)}/sandbox/mood", mood))
        assert status == 200

    # ── looking ──
    def read(self, query: Callable[[Any], T]) -> T:
        """A look into the ledger."""
        return self.do(self.bridge.ledger.read(query))

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        return self.do(self.world.call("GET", f"{self.world.url}{path}"))

    def trouble(self, what: str) -> str:
        """What `/readyz` says is wrong with it; empty when nothing is."""
        _, answer = self.get("/readyz")
        return str(answer["checks"][what].get("why", ""))

    def logged(self, event: str) -> list[Any]:
        """The log lines of this kind so far."""
        return [line for line in list(self.logs) if line["event"] == event]

    def queues(self, url: str) -> dict[str, dict[str, int]]:
        """Depth and consumers of each queue there is."""
        with Connection(url) as connection:
            return depths(connection, self.bridge.topology.queue_names())

    @property
    def connected(self) -> bool:
        """Whether relay and consumers of every process are at work."""
        consumers = [bridge.router.consumer for bridge in self.workers if bridge.router is not None]
        consumers += [desk.consumer for bridge in self.workers for desk in bridge.desks.values()]
        relays = [self.bridge.relay, *(bridge.relay for bridge in self.workers)]
        return all(part.connected for part in (*consumers, *relays))

    def wait_connected(self) -> None:
        wait_until(lambda: self.connected, "relay and consumers to be connected", 60)

    async def _sample(self) -> None:
        while True:
            law: Conservation | None = None
            with suppress(LedgerAway):
                law = await self.bridge.ledger.conservation()
            self.samples.append(Sample(time.monotonic(), law))
            await asyncio.sleep(SAMPLE_SECONDS)

    # ── ending ──
    def drain(self, seconds: float = DRAIN_SECONDS) -> None:
        """Until nothing is on its way, here or in a sandbox. Where all wait for a time, the clock is put forward."""
        deadline = time.monotonic() + seconds
        calm, before = 0, None
        while calm < 2:
            if time.monotonic() > deadline:
                raise TimeoutError(f"not drained after {seconds:g} s: {self.do(self.world.law())}")
            now = self._where_all_is()
            moved, before = now != before, now
            calm = 0 if self.do(self.world.busy()) else calm + 1
            if calm == 0 and not moved and self._idle():
                self._skip()
            time.sleep(0.1)  # between two looks at a condition

    def _where_all_is(self) -> Any:
        counts = self.do(self.world.law())
        return counts["by_system"], counts["in_flight"], counts["closed"], self.read(_next_wake)

    def _idle(self) -> bool:
        """Nothing is being sent: what is left waits for a time of day."""
        return self.connected and not any(
            desk.load["sending"] for bridge in self.workers for desk in bridge.desks.values()
        )

    def _skip(self) -> None:
        """On to the next wake-up time."""
        wake = self.read(_next_wake)
        if wake is not None:
            ahead = (from_ms(wake) - self.clock()).total_seconds()
            self.clock.advance(min(max(ahead, 0.0), LONGEST_STEP))
        self.walk()

    def walk(self) -> None:
        """One round of every watch, now."""
        for bridge in self.workers:
            assert bridge.watch is not None
            self.do(bridge.watch.walk())

    def pass_time(self, seconds: float, step: float = LONGEST_STEP) -> None:
        """Let so much time of day go by, and the watch walk meanwhile."""
        while seconds > 0:
            self.clock.advance(min(step, seconds))
            seconds -= step
            self.walk()

    def finish(self, scenario: Scenario, before: Sequence[Answer] = (), **more: Any) -> Tally:
        """Drain, and hold the ledger against what the callers and the systems say: all there, once, in order. What was
        sent `before` has been judged already."""
        self.drain()
        tally = judge(self.callers.sent[len(before) :], self._evidence(), before)
        scenario.record({**tally.as_dict(), "samples": len(self.samples), **more})
        assert tally.holds, "\n".join(tally.faults)
        assert tally.ok == tally.acknowledged == tally.attempted > 0
        self.check_law()
        return tally

    def _evidence(self) -> Any:
        systems = [manifest.system for manifest in root.manifests()]
        received = {system: self.do(self.world.received(system)) for system in systems}
        told = {system: self.do(self._told(system)) for system in systems}
        return self.read(lambda conn: collect(conn, self.bridge.privacy.vault, received, told))

    async def _told(self, system: str) -> list[str]:
        _, answer = await self.world.call("GET", f"{self.world.sandbox_url(system)}/sandbox/told")
        return list(answer["told"])

    def check_law(self) -> None:
        """It has held in every sample, and it holds now."""
        laws = [sample.law for sample in self.samples if sample.law is not None]
        broken = [law for law in (*laws, self.do(self.bridge.ledger.conservation())) if law.difference or law.orphans]
        assert laws
        assert not broken, broken[0]

    def check_proof(self) -> None:
        """`bridge verify --ledger`, after the stage has ended."""
        settings = self.world.settings
        found = verify(settings.audit_dir, verifiers(settings.keys_dir / "witness.pub")).to_dict()
        store = root.Store(settings.database_url)
        try:
            with store.reading() as conn:
                faults = [*found["faults"], *compare(conn, settings.audit_dir)]
        finally:
            store.close()
        assert not faults, faults[:5]


def _next_wake(conn: Any) -> int | None:
    soonest = [
        conn.scalar(select(func.min(conveyor.c.wake_at))),
        conn.scalar(select(func.min(handoffs.c.wake_at)).where(handoffs.c.state.in_(IN_FLIGHT))),
        conn.scalar(select(func.min(handoffs.c.lease_until)).where(handoffs.c.state == "sending")),
    ]
    return min((moment for moment in soonest if moment is not None), default=None)
