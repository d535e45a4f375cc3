"""A kombu thread that consumes one queue: hands each message on at once and acks it when its outcome is committed.

Acks happen on the connection's own thread; contiguous tags are merged into one frame. After a lost connection the
thread connects, declares and consumes again, and acks for the old connection are forgotten: the broker redelivers.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from kombu import Connection, Consumer
from kombu.message import Message as KombuMessage

from bridge.bus.connect import connect
from bridge.bus.topology import Topology, declare

PREFETCH = 300
HEARTBEAT_SECONDS = 15
POLL_SECONDS = 0.02
ACK_SECONDS = 0.01
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_log = structlog.get_logger("bridge.consumer")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as consumed: `id` of the event or hand-off; `tag` and `connection` say what to ack."""

    id: str
    tag: Any
    connection: int


class QueueConsumer:
    """Consumes `queue`. `handle` must not block; whoever is done calls `done`, or `retry` to get it again later."""

    def __init__(
        self,
        url: str,
        topology: Topology,
        queue: str,
        handle: Callable[[Delivery], None],
        prefetch: int = PREFETCH,
    ) -> None:
        self._url = url
        self._topology = topology
        self._queue = queue
        self._handle = handle
        self._prefetch = prefetch
        self._done: deque[Delivery] = deque()
        self._retries: deque[tuple[float, Delivery]] = deque()
        self._stopping = threading.Event()
        self._generation = 0
        self._outstanding: list[Any] = []
        self._thread = threading.Thread(target=self._run, name=f"consumer {queue}", daemon=True)
        self.connected = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ack what is done and end; unacknowledged messages go back to the queue."""
        self._stopping.set()
        self._thread.join(10)

    def done(self, delivery: Delivery) -> None:
        """From any thread: the outcome is committed."""
        self._done.append(delivery)

    def retry(self, delivery: Delivery, seconds: float) -> None:
        """From any thread: hand it to `handle` again after a while (the ledger was away)."""
        self._retries.append((time.monotonic() + seconds, delivery))

    # ── the thread ──
    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                self._consume()
                pause = _FIRST_PAUSE
            except Exception as error:
                if self.connected:
                    pause = _FIRST_PAUSE
                _log.warning("consumer.lost", queue=self._queue, error=type(error).__name__)
            self.connected = False
            self._stopping.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _consume(self) -> None:
        embedded = self._url.startswith("memory")
        with connect(self._url, heartbeat=HEARTBEAT_SECONDS, polling_interval=POLL_SECONDS) as connection:
            declare(connection, self._topology)
            channel = connection.channel()
            self._generation += 1
            self._outstanding.clear()
            self._retries.clear()
            queue = self._topology.queue(self._queue)(channel)
            consumer = Consumer(
                channel, [queue], on_message=self._on_message, prefetch_count=self._prefetch, auto_declare=False
            )
            with consumer:
                self.connected = True
                self._serve(connection, channel, merge=not embedded)

    def _serve(self, connection: Connection, channel: Any, *, merge: bool) -> None:
        next_beat = next_ack = 0.0
        while not self._stopping.is_set():
            idle = self._drain(connection)
            now = time.monotonic()
            if idle or now >= next_ack:
                # Under load acks are gathered for a moment, so that they can be merged.
                self._ack(channel, merge=merge)
                self._retry_due(now)
                next_ack = now + ACK_SECONDS
            if now >= next_beat:
                connection.heartbeat_check()
                next_beat = now + 1
        self._ack(channel, merge=merge)

    @staticmethod
    def _drain(connection: Connection) -> bool:
        """Wait a moment for one message; whether none came."""
        try:
            connection.drain_events(timeout=POLL_SECONDS)
        except TimeoutError:
            return True
        return False

    def _on_message(self, message: KombuMessage) -> None:
        delivery = Delivery(message.properties.get("message_id", ""), message.delivery_tag, self._generation)
        self._outstanding.append(delivery.tag)
        self._handle(delivery)

    def _retry_due(self, now: float) -> None:
        while self._retries and self._retries[0][0] <= now:
            _, delivery = self._retries.popleft()
            if delivery.connection == self._generation:
                self._handle(delivery)

    def _ack(self, channel: Any, *, merge: bool) -> None:
        finished: set[Any] = set()
        while self._done:
            delivery = self._done.popleft()
            if delivery.connection == self._generation:
                finished.add(delivery.tag)
        if not finished:
            return
        if merge:
            prefix = self._finished_prefix(finished)
            if prefix:
                channel.basic_ack(prefix[-1], multiple=True)
                finished.difference_update(prefix)
        for tag in finished:
            channel.basic_ack(tag)
        if finished:
            self._outstanding = [tag for tag in self._outstanding if tag not in finished]

    def _finished_prefix(self, finished: set[Any]) -> list[Any]:
        """The oldest outstanding tags that are all finished: one `multiple` ack settles them."""
        count = 0
        for tag in self._outstanding:
            if tag not in finished:
                break
            count += 1
        prefix, self._outstanding = self._outstanding[:count], self._outstanding[count:]
        return prefix
