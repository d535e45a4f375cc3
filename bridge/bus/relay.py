"""The relay: what this process has just committed goes to the conveyor, and the ledger hears what was confirmed.

The relay holds no truth. What it drops, loses or cannot place is in the ledger, and the watch brings it again.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog
from kombu import Connection, Producer

from bridge import failpoints
from bridge.bus.message import CONTENT_TYPE, Message
from bridge.bus.topology import Topology, declare

MAX_BUFFER = 50_000
Confirmed = Callable[[Sequence[str], Sequence[str]], None]
"""Called with the ids of events and of hand-offs that the broker has."""

_log = structlog.get_logger("bridge.relay")


class Relay(Protocol):
    """What the writer and the watch need of a publisher; both implementations pass one test suite."""

    def start(self) -> None: ...

    def publish(self, messages: Sequence[Message]) -> None:
        """Take messages to publish, from any thread, at once. Never blocks, never raises."""
        ...

    def stop(self) -> None:
        """Publish what is buffered if the broker lets us within a moment, then end."""
        ...

    @property
    def connected(self) -> bool: ...

    @property
    def trouble(self) -> str | None:
        """Why nothing is being published right now, or None."""
        ...


class Buffer:
    """Messages between the threads that commit and the one that publishes. Over `MAX_BUFFER` it forgets."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self.forgotten = 0

    def put(self, messages: Sequence[Message]) -> None:
        room = MAX_BUFFER - len(self._messages)
        if room < len(messages):
            self.forgotten += len(messages) - max(room, 0)
            messages = messages[: max(room, 0)]
        self._messages.extend(messages)

    def take(self) -> Message | None:
        try:
            return self._messages.popleft()
        except IndexError:
            return None

    def put_back(self, messages: Sequence[Message]) -> None:
        self._messages.extendleft(reversed(messages))

    def __len__(self) -> int:
        return len(self._messages)


class EmbeddedRelay:
    """Publishes on kombu's in-process transport, where arriving is being confirmed."""

    def __init__(self, url: str, topology: Topology, confirmed: Confirmed) -> None:
        self._url = url
        self._topology = topology
        self._confirmed = confirmed
        self._buffer = Buffer()
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def publish(self, messages: Sequence[Message]) -> None:
        self._buffer.put(messages)
        self._wake.set()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        self._thread.join(5)

    @property
    def connected(self) -> bool:
        return self._thread.is_alive()

    @property
    def trouble(self) -> str | None:
        return None if self.connected else "the relay thread has ended"

    def _run(self) -> None:
        with Connection(self._url) as connection:
            declare(connection, self._topology)
            with connection.channel() as channel:
                producer = Producer(channel)
                while not self._stopping or len(self._buffer):
                    self._wake.wait(0.5)
                    self._wake.clear()
                    self._drain(producer)

    def _drain(self, producer: Producer) -> None:
        events: list[str] = []
        handoffs: list[str] = []
        while message := self._buffer.take():
            failpoints.hit("relay.before_publish")
            producer.publish(
                message.body,
                exchange=self._topology.exchange_of(message.channel),
                routing_key=message.routing_key,
                content_type=CONTENT_TYPE,
                content_encoding="utf-8",
                headers=dict(message.headers),
                message_id=message.id,
                delivery_mode=2,
            )
            failpoints.hit("relay.after_publish")
            (events if message.channel == "event" else handoffs).append(message.id)
        if events or handoffs:
            failpoints.hit("relay.confirmed")
            self._confirmed(events, handoffs)
