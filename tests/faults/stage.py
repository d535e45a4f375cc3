"""The stage of the fault tests: a bridge with its three sandboxes in this process, traffic through all doors, and the
judgement at the end. The broker and the database are whatever the test gives, and takes away.

Time is the stage's own clock. Nothing waits for a grace period or a ladder: when nothing moves any more, the clock is
put forward to the next wake-up time, and the night watch walks.
"""

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from unittest import mock

import aiohttp
import orjson
import structlog
from sqlalchemy import func, select

from bridge import app as root
from bridge.adapter import SystemSettings
from bridge.app import Part
from bridge.clock import from_ms, utc_now
from bridge.conservation import Conservation
from bridge.demo.petitions import DemoPetition, petitions
from bridge.demo.playground import Playground
from bridge.ledger import reads
from bridge.ledger.tables import IN_FLIGHT, conveyor, handoffs, messages
from bridge.ledger.writer import LedgerAway
from bridge.sandbox import Sandbox
from bridge.witness.compare import compare
from bridge.witness.keys import verifiers
from bridge.witness.verify import verify
from schemas.base import SHANGHAI
from tests.faults.verdict import Verdict, judge
from tests.support.proxy import Proxy
from tests.support.waiting import wait_until

T = TypeVar("T")
AT_ONCE = 8
PACE_SECONDS = 0.05
SAMPLE_SECONDS = 0.25
LONGEST_STEP = 240.0
"""The clock goes forward in steps that a watch, a lease and a signature's time window survive."""

DRAIN_SECONDS = 90.0
LADDER = "1s,1s,2s,2s,5s,5s,10s,10s,30s,30s,1m,1m,5m"


class Clock:
    """The time of day on the stage; only ever put forward."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)


@dataclass(slots=True)
class Told:
    """One petition as its sender saw it: every HTTP status on the way (0: no answer), and the number it got."""

    petition: DemoPetition
    statuses: list[int] = field(default_factory=list)
    petition_id: str | None = None

    @property
    def acknowledged(self) -> bool:
        return self.petition_id is not None


@dataclass(frozen=True, slots=True)
class Sample:
    """The law at one moment of the run; None: the ledger could not be asked."""

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
            sections[manifest.system] = made.model_copy(update={"timeout_seconds": self._timeout_seconds})
        return sections

    @property
    def audit_dir(self) -> Path:
        return self.settings.audit_dir

    def second_bridge(self, clock: Clock, parts: Part) -> root.Bridge:
        """Another process's worth of bridge on the same database and broker."""
        return root.Bridge(self.settings, parts, now=clock)


class Stage:
    """`with Stage(directory, …) as stage:`. Methods are for the test's thread; the world lives on a loop of its own."""

    def __init__(
        self,
        directory: Path,
        *,
        parts: Part = Part.ALL,
        timeout_seconds: float = 2.0,
        sample_seconds: float = SAMPLE_SECONDS,
        pace_seconds: float = PACE_SECONDS,
        **settings: Any,
    ) -> None:
        self.clock = Clock()
        self.logs: list[Any] = []
        self.samples: list[Sample] = []
        self.told: list[Told] = []
        self._sample_seconds = sample_seconds
        self._more = ExitStack()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stage", daemon=True)
        values = {"retry_ladder": LADDER, "pace_seconds": pace_seconds, **settings}
        self.world = World(directory, self.clock, parts, timeout_seconds, **values)
        self.bridge = self.world.bridge
        self._workers = [self.bridge] if Part.WORK in parts else []
        self._sampling: Future[None] | None = None

    # ── life ──
    def __enter__(self) -> Self:
        with ExitStack() as stack:
            # One clock for everybody: the center checks the time in a signature.
            clock = staticmethod(lambda: self.clock().astimezone(SHANGHAI))
            stack.enter_context(mock.patch.object(Sandbox, "now", clock))
            stack.enter_context(mock.patch("bridge.breaker.FIRST_PAUSE", 0.2))
            stack.enter_context(mock.patch("bridge.breaker.LONGEST_PAUSE", 1.0))
            self.logs = stack.enter_context(structlog.testing.capture_logs())
            for way in self.world.ways.values():
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
            self.do(self._leave())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._more.close()

    async def _leave(self) -> None:
        for bridge in self._workers:
            if bridge is not self.bridge:
                await bridge.stop()
        await self.world.__aexit__(None, None, None)

    def do(self, work: Coroutine[Any, Any, T], seconds: float = 120.0) -> T:
        """Run a coroutine in the world and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def read(self, query: Callable[[Any], T]) -> T:
        """A look into the ledger."""
        return self.do(self.bridge.ledger.read(query))

    def start_worker(self) -> root.Bridge:
        """`bridge work` beside what runs already."""
        bridge = self.world.second_bridge(self.clock, Part.WORK)
        self._workers.append(bridge)
        self.do(bridge.start())
        return bridge

    # ── traffic ──
    def send(self, chosen: Sequence[DemoPetition], at_once: int = AT_ONCE) -> "Future[None]":
        """All of these through their own doors, again and again until they are taken; the people act on them."""
        return asyncio.run_coroutine_threadsafe(self._send_all(chosen, at_once), self._loop)

    def day(self, count: int, seed: int = 5) -> list[DemoPetition]:
        """`count` petitions of today."""
        return petitions(count, seed=seed, day=datetime.now(SHANGHAI).date())

    async def _send_all(self, chosen: Sequence[DemoPetition], at_once: int) -> None:
        gate = asyncio.Semaphore(at_once)

        async def one(petition: DemoPetition) -> None:
            async with gate:
                told = Told(petition)
                self.told.append(told)
                await self._submit(told)
                await self._handle(told)

        await asyncio.gather(*(one(petition) for petition in chosen))

    async def _submit(self, told: Told) -> None:
        if told.petition.door == "rest":
            url = f"{self.world.url}/v1/petitions"
            answer = await self.post(url, told.petition.document, f"demo-{told.petition.external_id}", told.statuses)
            told.petition_id = answer.get("petition_id")
            return
        # The sandbox itself repeats a call until the bridge has taken it.
        sent = await self.world.send(told.petition)
        told.statuses.append(sent.status)
        told.petition_id = sent.petition_id

    async def _handle(self, told: Told) -> None:
        """What the secretary or the home unit says about it later."""
        kind, petition_id = told.petition.base["handling_class"], told.petition_id
        if petition_id is None or told.petition.door not in ("form", "rest") or kind not in ("on_site", "home_unit"):
            return
        for number, event in enumerate(_said(told.petition)):
            url = f"{self.world.url}/v1/petitions/{petition_id}/events"
            await self.post(url, event, f"{petition_id}-{number}", told.statuses)

    async def post(self, url: str, document: Any, key: str, statuses: list[int]) -> dict[str, Any]:
        """A POST over REST, repeated with its idempotency key until it is taken or refused for good."""
        for attempt in range(200):
            if attempt:
                await asyncio.sleep(min(0.05 * 2**attempt, 0.5))
            status, answer = await self._post_once(url, document, key)
            statuses.append(status)
            if 0 < status < 500 and status != 409:
                return answer
        raise TimeoutError(f"{url} was never taken: {statuses[-5:]}")

    async def _post_once(self, url: str, document: Any, key: str) -> tuple[int, dict[str, Any]]:
        headers = {"Idempotency-Key": key, "Authorization": f"Bearer {self.world.key}"}
        try:
            async with (
                aiohttp.ClientSession(headers=headers) as session,
                session.post(url, json=document, timeout=aiohttp.ClientTimeout(30)) as response,
            ):
                body = await response.read()
                return response.status, orjson.loads(body) if body.startswith(b"{") else {}
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, {}

    def mood(self, system: str, **mood: Any) -> None:
        """How the system behaves from now on."""
        status, _ = self.do(self.world.call("POST", f"{self.world.sandbox_url(system)}/sandbox/mood", mood))
        assert status == 200

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        return self.do(self.world.call("GET", f"{self.world.url}{path}"))

    # ── watching ──
    async def _sample(self) -> None:
        while True:
            law: Conservation | None = None
            try:
                law = await self.bridge.ledger.conservation()
            except Exception as error:
                if not isinstance(error, LedgerAway):
                    raise
            self.samples.append(Sample(time.monotonic(), law))
            await asyncio.sleep(self._sample_seconds)

    @property
    def connected(self) -> bool:
        """Whether relay and consumers of every process are at work."""
        consumers = [bridge.router.consumer for bridge in self._workers if bridge.router is not None]
        consumers += [desk.consumer for bridge in self._workers for desk in bridge.desks.values()]
        relays = [self.bridge.relay, *(bridge.relay for bridge in self._workers)]
        return all(part.connected for part in (*consumers, *relays))

    def wait_connected(self) -> None:
        wait_until(lambda: self.connected, "relay and consumers to be connected", 40)

    def wait_settled(self) -> None:
        """Until a message has gone the whole way: only then are RabbitMQ's new quorum queues safe from a kill -9."""
        self.wait_connected()
        self.send(self.day(5, seed=99)).result(30)
        wait_until(lambda: bool(self._delivered()), "the first hand-off to be delivered", 30)

    def _delivered(self) -> int:
        done = select(func.count()).select_from(handoffs).where(handoffs.c.state.in_(("delivered", "acknowledged")))
        return int(self.read(lambda conn: conn.scalar(done)))

    def logged(self, event: str) -> list[Any]:
        """The log lines of this kind so far."""
        return [line for line in list(self.logs) if line["event"] == event]

    # ── ending ──
    def drain(self, seconds: float = DRAIN_SECONDS) -> None:
        """Until nothing is on its way, in the bridge or in a sandbox; the clock is put forward where all wait for it."""
        deadline = time.monotonic() + seconds
        calm, before = 0, None
        while calm < 3:
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
        return counts["by_system"], counts["in_flight"], counts["closed"], self._next_wake()

    def _idle(self) -> bool:
        """Nothing is being sent: what is left waits for a time of day."""
        return self.connected and not any(d.load["sending"] for b in self._workers for d in b.desks.values())

    def _skip(self) -> None:
        """On to the next wake-up time."""
        wake = self._next_wake()
        if wake is not None:
            ahead = (from_ms(wake) - self.clock()).total_seconds()
            self.clock.advance(min(max(ahead, 0.0), LONGEST_STEP))
        self.walk()

    def walk(self) -> None:
        """One round of every watch, now."""
        for bridge in self._workers:
            assert bridge.watch is not None
            self.do(bridge.watch.walk())

    def _next_wake(self) -> int | None:
        return self.read(_next_wake)

    def pass_time(self, seconds: float, step: float = LONGEST_STEP) -> None:
        """Let so much time of day go by, and the watch walk meanwhile."""
        left = seconds
        while left > 0:
            self.clock.advance(min(step, left))
            left -= step
            self.walk()

    def finish(self, *, parked: int = 0) -> Verdict:
        """Drain, stop, and hold the ledger against what the senders and the systems say."""
        self.drain()
        verdict = self.do(self._judge(parked))
        verdict.samples = len([sample for sample in self.samples if sample.law is not None])
        for sample in self.samples:
            if sample.law is not None and (sample.law.difference or sample.law.orphans):
                verdict.faults.append(f"the law broke: {sample.law}")
        return verdict

    async def _judge(self, parked: int) -> Verdict:
        law = await self.bridge.ledger.conservation()
        manifests = root.manifests()
        received = {manifest.system: await self.world.received(manifest.system) for manifest in manifests}
        return judge(
            told=self.told,
            known={row["petition_id"] for row in await self.bridge.ledger.read(_all_petitions)},
            rows=await self.world.handoffs(),
            received=received,
            digests=[digest for manifest in manifests for digest in await self._digests(manifest.system)],
            bodies=set(await self.bridge.ledger.read(_message_digests)),
            law=law,
            parked=parked,
        )

    async def _digests(self, system: str) -> list[str]:
        _, answer = await self.world.call("GET", f"{self.world.sandbox_url(system)}/sandbox/told")
        return [digest for digest in answer["told"] if ":" not in digest]

    def proof(self) -> list[Any]:
        """What `bridge verify --ledger` finds; call it after the stage has ended."""
        audit = self.world.audit_dir
        found = verify(audit, verifiers(self.world.settings.keys_dir / "witness.pub")).to_dict()
        store = root.Store(self.world.settings.database_url)
        try:
            with store.reading() as conn:
                return [*found["faults"], *compare(conn, audit)]
        finally:
            store.close()


def _said(petition: DemoPetition) -> Iterator[dict[str, Any]]:
    if petition.base["handling_class"] == "on_site":
        yield {"type": "closed", "actor": "owner", "text": petition.on_site_result}
        return
    unit = petition.base["lead_unit"]
    yield {"type": "signed", "actor": "unit", "unit": unit}
    yield {"type": "progressed", "actor": "unit", "unit": unit, "text": petition.progress}
    yield {"type": "replied", "actor": "unit", "unit": unit, "text": petition.reply}
    yield {"type": "closed", "actor": "owner", "text": "已与诉求人核实，问题解决。"}


def _all_petitions(conn: Any) -> list[Any]:
    return reads.petition_list(conn, limit=1_000_000)


def _message_digests(conn: Any) -> list[str]:
    return [hashlib.sha256(body).hexdigest() for body in conn.scalars(select(messages.c.body))]


def _next_wake(conn: Any) -> int | None:
    soonest = [
        conn.scalar(select(func.min(conveyor.c.wake_at))),
        conn.scalar(select(func.min(handoffs.c.wake_at)).where(handoffs.c.state.in_(IN_FLIGHT))),
        conn.scalar(select(func.min(handoffs.c.lease_until)).where(handoffs.c.state == "sending")),
    ]
    return min((moment for moment in soonest if moment is not None), default=None)
