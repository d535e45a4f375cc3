"""A conveyor on a bench: a relay, consumers, and what each has seen; the same for the embedded bus and for RabbitMQ."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from kombu import Connection, Consumer, Exchange, Queue

from bridge.bus.consumer import Delivery, QueueConsumer
from bridge.bus.message import Message, event_message, handoff_message
from bridge.bus.rabbit import RabbitRelay
from bridge.bus.relay import EmbeddedRelay, Relay
from bridge.bus.topology import Topology, declare, depths
from tests.support.waiting import wait_until

SYSTEMS = ("hotline12345", "governance_center", "wechat")
SECONDS = 20.0


def event(number: int | str, type_: str = "submitted", source: str = "wechat") -> Message:
    return event_message(
        event_id=f"event-{number}",
        petition_id="LT261122-7K3M9QX2AB",
        sequence=1,
        type_=type_,
        source=source,
        occurred_at=1_795_312_800_000,
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        data={"kind": "help", "unit": "城管局𠮷\x00"},
    )


def handoff(number: int | str, system: str = "wechat") -> Message:
    return handoff_message(
        handoff_id=f"handoff-{number}",
        event_id="e",
        petition_id="LT261122-7K3M9QX2AB",
        system=system,
        event_type="submitted",
        at=1_795_312_800_000,
        traceparent=None,
    )


@dataclass
class Confirms:
    """What the relay told the ledger."""

    events: list[str] = field(default_factory=list)
    handoffs: list[str] = field(default_factory=list)

    def __call__(self, events: Sequence[str], handoffs: Sequence[str]) -> None:
        self.events.extend(events)
        self.handoffs.extend(handoffs)

    @property
    def all(self) -> set[str]:
        return {*self.events, *self.handoffs}


class Sink:
    """A `QueueConsumer` that remembers; `acks` False: it never says that it is done."""

    def __init__(self, url: str, topology: Topology, queue: str, *, acks: bool = True, prefetch: int = 300) -> None:
        self.seen: list[Delivery] = []
        self._acks = acks
        self.consumer = QueueConsumer(url, topology, queue, self._take, prefetch)
        self.consumer.start()
        wait_until(lambda: self.consumer.connected, f"the consumer of {queue}", SECONDS)

    def _take(self, delivery: Delivery) -> None:
        self.seen.append(delivery)
        if self._acks:
            self.consumer.done(delivery)

    @property
    def ids(self) -> list[str]:
        return [delivery.id for delivery in self.seen]

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.ids)


class Bus:
    """One broker, one topology on it, and everything that a test starts there."""

    def __init__(self, url: str, prefix: str, topology: Topology | None = None) -> None:
        self.url = url
        self.embedded = url.startswith("memory")
        self.topology = topology or Topology(SYSTEMS, prefix)
        self.confirms = Confirms()
        self._relays: list[Relay] = []
        self._sinks: list[Sink] = []
        with self.connect() as connection:
            declare(connection, self.topology)

    def connect(self) -> Connection:
        return Connection(self.url, connect_timeout=5)

    def relay(self, topology: Topology | None = None, confirms: Confirms | None = None, *, wait: bool = True) -> Relay:
        kind = EmbeddedRelay if self.embedded else RabbitRelay
        relay: Relay = kind(self.url, topology or self.topology, confirms or self.confirms)
        self._relays.append(relay)
        relay.start()
        if wait:
            wait_until(lambda: relay.connected, "the relay", SECONDS)
        return relay

    def sink(self, queue: str, *, acks: bool = True, prefetch: int = 300, topology: Topology | None = None) -> Sink:
        sink = Sink(self.url, topology or self.topology, queue, acks=acks, prefetch=prefetch)
        self._sinks.append(sink)
        return sink

    def depth(self, queue: str) -> int:
        """Messages ready; -1 when the queue is not there."""
        with self.connect() as connection:
            return depths(connection, [queue]).get(queue, {"ready": -1})["ready"]

    def listen(self, key: str = "#") -> "Listener":
        """Another system's own queue on the public bus."""
        return Listener(self, key)

    def close(self) -> None:
        stops = [*(sink.consumer.stop for sink in self._sinks), *(relay.stop for relay in self._relays)]
        threads = [threading.Thread(target=stop) for stop in stops]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
        with self.connect() as connection:
            remove(connection, self.topology)


def remove(connection: Connection, topology: Topology) -> None:
    """Every queue and exchange of one bridge, from a broker that others use too."""
    with connection.channel() as channel:
        for queue in topology.queue_names():
            channel.queue_delete(queue)
        for exchange in (topology.events, topology.handoffs, topology.unroutable):
            channel.exchange_delete(exchange)


class Listener:
    """A stranger's queue, read with plain kombu: whole messages, not only ids."""

    def __init__(self, bus: Bus, key: str) -> None:
        self.messages: list[Any] = []
        self._connection = bus.connect()
        channel = self._connection.channel()
        exchange = Exchange(bus.topology.events, type="topic", durable=True)
        # Not declared here: whoever binds a queue needs to know only the exchange's name.
        queue = Queue(
            f"{bus.topology.prefix}stranger.{key}", exchange(channel), routing_key=key, durable=False, auto_delete=True
        )
        bound = queue(channel)
        bound.queue_declare()
        bound.queue_bind()
        self._consumer = Consumer(channel, [bound], on_message=self._take, auto_declare=False)
        self._consumer.consume()

    def _take(self, message: Any) -> None:
        self.messages.append(message)
        message.ack()

    def wait_for(self, count: int) -> list[Any]:
        wait_until(lambda: self._drained(count), f"{count} messages at the stranger's queue", SECONDS)
        return self.messages

    def _drained(self, count: int) -> bool:
        with suppress(TimeoutError):
            self._connection.drain_events(timeout=0.05)
        return len(self.messages) >= count

    def close(self) -> None:
        self._connection.release()


def eventually(condition: Callable[[], bool], what: str) -> None:
    wait_until(condition, what, SECONDS)
