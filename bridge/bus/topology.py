"""Every exchange, queue and binding of the bridge, spelled here and nowhere else (ARCHITECTURE 5)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kombu import Connection, Exchange, Queue

DELIVERY_LIMIT = 100
"""Redeliveries after lost connections; business retries are counted in the ledger, never here."""

MAX_LENGTH = 1_000_000
"""A full queue refuses (`reject-publish`): the row stays in the ledger and is published again later."""


@dataclass(frozen=True, slots=True)
class Topology:
    """The names in use. `prefix` sets several bridges apart on one broker (tests); it is empty in production."""

    systems: Sequence[str]
    prefix: str = ""

    @property
    def events(self) -> str:
        return f"{self.prefix}petition.events"

    @property
    def handoffs(self) -> str:
        return f"{self.prefix}petition.handoffs"

    @property
    def unroutable(self) -> str:
        return f"{self.prefix}petition.unroutable"

    @property
    def router_queue(self) -> str:
        return f"{self.prefix}bridge.router"

    def handoff_queue(self, system: str) -> str:
        return f"{self.prefix}handoff.{system}"

    def queue_names(self) -> list[str]:
        """All queues an operator watches, in the order of the flow."""
        return [self.router_queue, *(self.handoff_queue(system) for system in self.systems), self.unroutable]

    def exchange_of(self, channel: str) -> str:
        """Where a message of this channel (`event` or `handoff`) is published."""
        return self.events if channel == "event" else self.handoffs

    # ── entities ──
    def entities(self) -> list[Queue]:
        """Queues with their exchanges and bindings; declaring them declares everything."""
        return [self._unroutable(), self._router(), *(self._handoff(system) for system in self.systems)]

    def queue(self, name: str) -> Queue:
        """One queue by its name."""
        return next(queue for queue in self.entities() if queue.name == name)

    def _unroutable(self) -> Queue:
        exchange = Exchange(self.unroutable, type="fanout", durable=True)
        return Queue(self.unroutable, exchange, durable=True, queue_arguments={"x-queue-type": "quorum"})

    def _router(self) -> Queue:
        return self._quorum(self.router_queue, self._exchange(self.events, "topic"), "petition.#")

    def _handoff(self, system: str) -> Queue:
        return self._quorum(self.handoff_queue(system), self._exchange(self.handoffs, "direct"), system)

    def _exchange(self, name: str, kind: str) -> Exchange:
        return Exchange(name, type=kind, durable=True, arguments={"alternate-exchange": self.unroutable})

    def _quorum(self, name: str, exchange: Exchange, key: str) -> Queue:
        arguments: dict[str, Any] = {
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": self.unroutable,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
            "x-max-length": MAX_LENGTH,
        }
        return Queue(name, exchange, routing_key=key, durable=True, queue_arguments=arguments)


def declare(connection: Connection, topology: Topology) -> None:
    """Create what is missing; raises the broker's error when something of the same name is different."""
    with connection.channel() as channel:
        for queue in topology.entities():
            queue(channel).declare()


def differing(connection: Connection, topology: Topology, existing: Iterable[str]) -> list[str]:
    """Which of these existing queues are not as this code declares them (other arguments, another kind)."""
    found: list[str] = []
    for name in existing:
        channel = connection.channel()
        try:
            topology.queue(name)(channel).declare()
        except (*connection.channel_errors, *connection.connection_errors):
            found.append(name)
        else:
            channel.close()
    return found


def depths(connection: Connection, names: Iterable[str]) -> dict[str, dict[str, int]]:
    """Messages ready and consumers, per queue; a queue that is not there is left out."""
    found: dict[str, dict[str, int]] = {}
    for name in names:
        channel = connection.channel()
        try:
            declared = channel.queue_declare(queue=name, passive=True)
        except (*connection.channel_errors, *connection.connection_errors):
            # A missing queue closes the channel; the next name gets a new one.
            continue
        found[name] = {"ready": declared.message_count, "consumers": declared.consumer_count}
        channel.close()
    return found
