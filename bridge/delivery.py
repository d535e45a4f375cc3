"""Delivery: queue → lane → lease → send → outcome recorded → ack. One desk per system; a slow system slows no other."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import orjson
import structlog

from bridge import failpoints
from bridge.adapter import CannotAsk, Outbound, OutboundError, Outgoing, Receipt, Unknown
from bridge.breaker import Breaker
from bridge.bus.consumer import Delivery, QueueConsumer
from bridge.bus.topology import Topology
from bridge.clock import Now, to_ms
from bridge.ledger.deliver import Leased, Release, Settlement
from bridge.ledger.ledger import Ledger
from bridge.ledger.reads import build_event, build_petition
from bridge.ledger.writer import LedgerAway
from bridge.minimum import Minimum
from bridge.patience import Patience
from bridge.retry import Ladder, Park, Retry, decide, is_transport

_AWAY_SECONDS = 1.0
_log = structlog.get_logger("bridge.delivery")


class Desk:
    """The hand-offs of one system. Everything but `_arrive` runs on the event loop."""

    def __init__(
        self,
        *,
        system: str,
        outbound: Outbound,
        minimum: Minimum,
        ladder: Ladder,
        concurrency: int,
        acknowledge_within_hours: float = 0.0,
        ledger: Ledger,
        owner: str,
        now: Now,
        url: str,
        topology: Topology,
        lease_seconds: float = Patience().lease_seconds,
        random_: random.Random | None = None,
    ) -> None:
        self.system = system
        self.breaker = Breaker(time.monotonic)
        self._outbound = outbound
        self._minimum = minimum
        self._ladder = ladder
        self._concurrency = concurrency
        self._acknowledge_within_ms = round(acknowledge_within_hours * 3_600_000)
        self._ledger = ledger
        self._owner = owner
        self._now = now
        self._lease_seconds = lease_seconds
        self._random = random_ or random.Random()  # noqa: S311 - jitter
        self._waiting: deque[Delivery] = deque()
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._awake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        prefetch = max(2 * concurrency, 100)
        self.consumer = QueueConsumer(url, topology, topology.handoff_queue(system), self._arrive, prefetch)

    # ── life ──
    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks = [self._loop.create_task(self._work()), self._loop.create_task(self._heartbeat())]
        self.consumer.start()

    async def stop(self, seconds: float = 8.0) -> None:
        """Finish what is being sent, within `seconds`; what is left then is unknown and will be asked about."""
        self._stopping = True
        self._awake.set()
        if self._sending:
            await asyncio.wait(list(self._sending.values()), timeout=seconds)
        for task in [*self._tasks, *self._sending.values()]:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._sending.values(), return_exceptions=True)
        await asyncio.to_thread(self.consumer.stop)
        await self._outbound.close()

    @property
    def load(self) -> dict[str, int]:
        """What the desk holds now: hand-offs waiting here and being sent."""
        return {"waiting": len(self._waiting), "sending": len(self._sending)}

    # ── arriving ──
    def _arrive(self, delivery: Delivery) -> None:
        """On the consumer's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put, delivery)

    def _put(self, delivery: Delivery) -> None:
        self._waiting.append(delivery)
        self._awake.set()

    # ── working ──
    async def _work(self) -> None:
        while not self._stopping:
            self._awake.clear()
            for delivery in self._next():
                self._begin(delivery)
            pause = self.breaker.wait() if self._waiting else 0.0
            try:
                await asyncio.wait_for(self._awake.wait(), pause or None)
            except TimeoutError:
                continue

    def _next(self) -> list[Delivery]:
        """As many as may be sent now; a hand-off that is being sent already is not begun twice."""
        room = min(self._concurrency - len(self._sending), len(self._waiting))
        room = self.breaker.room(room) if room > 0 else 0
        picked: list[Delivery] = []
        while self._waiting and len(picked) < room:
            delivery = self._waiting.popleft()
            if delivery.id in self._sending:
                self.consumer.done(delivery)
            else:
                picked.append(delivery)
        if room and not picked:
            self.breaker.unused()
        return picked

    def _begin(self, delivery: Delivery) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(delivery))
        self._sending[delivery.id] = task
        task.add_done_callback(lambda _: self._end(delivery.id))

    def _end(self, handoff_id: str) -> None:
        self._sending.pop(handoff_id, None)
        self._awake.set()

    async def _deliver(self, delivery: Delivery) -> None:
        """One message of the queue, from lease to ack. It is acked only when the outcome is in the ledger."""
        try:
            failpoints.hit("delivery.before_lease")
            leased = await self._ledger.lease(delivery.id, self._owner, self._lease_seconds)
            if leased is None:
                self.breaker.unused()
            else:
                await self._settle(await self._attempt(leased))
            failpoints.hit("delivery.before_ack")
            self.consumer.done(delivery)
        except LedgerAway:
            self.breaker.unused()
            self.consumer.retry(delivery, _AWAY_SECONDS)
        except asyncio.CancelledError:
            raise
        except Exception:
            # A defect of ours, not of the system: leave the hand-off to the watch, and say so.
            self.breaker.unused()
            _log.exception("delivery.defect", handoff_id=delivery.id, system=self.system)
            self.consumer.done(delivery)

    async def _settle(self, settlement: Settlement) -> None:
        """The outcome must not be lost because the database is away for a minute."""
        while True:
            try:
                await self._ledger.settle(settlement)
            except LedgerAway:
                if self._stopping:
                    raise
                await asyncio.sleep(_AWAY_SECONDS)
            else:
                failpoints.hit("delivery.after_settle")
                return

    async def _attempt(self, leased: Leased) -> Settlement:
        started = self._now()
        handoff = leased.handoff
        verdict: Receipt | Retry | Park | Release
        progress: Mapping[str, str] = {}
        try:
            verdict = await self._exchange(leased)
            progress = verdict.progress
            self.breaker.succeeded()
        except OutboundError as error:
            self._count(error)
            progress = error.progress
            verdict = decide(error, handoff["attempts"] - handoff["ladder_from"], self._ladder, self._random)
        took = max(0, to_ms(self._now()) - to_ms(started))
        return Settlement(
            handoff["handoff_id"],
            self._owner,
            handoff["attempts"],
            to_ms(started),
            took,
            verdict,
            progress,
            self._acknowledge_within_ms,
        )

    async def _exchange(self, leased: Leased) -> Receipt:
        """Ask first where an earlier attempt may have arrived, then send. Raises `OutboundError`."""
        try:
            outgoing = self._outgoing(leased)
            if leased.handoff["ask_first"] and (found := await self._look_up(outgoing)) is not None:
                return found
            failpoints.hit("delivery.before_send")
            receipt = await self._outbound.send(outgoing)
            failpoints.hit("delivery.after_send")
            return receipt
        except OutboundError:
            raise
        except Exception as error:
            _log.exception("delivery.adapter_defect", handoff_id=leased.handoff["handoff_id"], system=self.system)
            raise Unknown(f"defect:{type(error).__name__}") from error

    async def _look_up(self, outgoing: Outgoing) -> Receipt | None:
        try:
            return await self._outbound.lookup(outgoing)
        except CannotAsk:
            return None

    def _count(self, error: OutboundError) -> None:
        if is_transport(error):
            was_open = self.breaker.is_open
            self.breaker.failed(getattr(error, "retry_after", None))
            if self.breaker.is_open and not was_open:
                _log.warning("breaker.open", system=self.system, code=error.code)
        else:
            self.breaker.succeeded()

    def _outgoing(self, leased: Leased) -> Outgoing:
        handoff = leased.handoff
        petition, event = self._minimum.given(
            build_petition(leased.petition, leased.numbers), build_event(leased.event)
        )
        return Outgoing(
            handoff_id=handoff["handoff_id"],
            idempotency_key=handoff["handoff_id"],
            attempt=handoff["attempts"],
            event=event,
            petition=petition,
            external_ids={kind: value for system, kind, value in leased.numbers if system == self.system},
            progress=_progress(handoff),
            audience=frozenset(filter(None, handoff["audience"].split(","))),
        )

    async def _heartbeat(self) -> None:
        """Keep the leases of what is being sent; a system may take its time."""
        while True:
            await asyncio.sleep(self._lease_seconds / 3)
            for handoff_id in list(self._sending):
                try:
                    await self._ledger.extend(handoff_id, self._owner, self._lease_seconds)
                except LedgerAway:
                    break


def _progress(handoff: Mapping[str, Any]) -> dict[str, str]:
    return dict(orjson.loads(handoff["progress"])) if handoff["progress"] else {}
