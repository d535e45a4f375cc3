"""Once a minute: what is missing of the topology is declared again, and what no queue wanted is named in the log.

A binding that somebody deleted closes no connection, so nothing else would notice it: every message for that queue
would end in `petition.unroutable`, confirmed by the broker, and the watch would publish it there again.
"""

import asyncio
from dataclasses import dataclass

import structlog
from kombu import Connection

from bridge.bus.connect import connect
from bridge.bus.topology import Topology, declare, depths

EVERY_SECONDS = 60.0
MAX_NAMED = 100
_log = structlog.get_logger("bridge.inspection")


@dataclass(frozen=True, slots=True)
class Stray:
    """A message that no queue wanted; its copy in the ledger is the one that counts."""

    id: str
    exchange: str
    routing_key: str


class Inspection:
    """Any number of processes may inspect: declaring is idempotent, and looking takes nothing away."""

    def __init__(self, url: str, topology: Topology) -> None:
        self._url = url
        self._topology = topology
        self._depth = 0
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Until `stop`."""
        while not self._stopping.is_set():
            await self.inspect()
            try:
                await asyncio.wait_for(self._stopping.wait(), EVERY_SECONDS)
            except TimeoutError:
                continue

    async def stop(self) -> None:
        self._stopping.set()

    async def inspect(self) -> list[Stray]:
        """One round; the strays that were named."""
        try:
            strays = await asyncio.to_thread(self._look)
        except Exception as error:
            # The relay and the consumers say what is wrong with the broker; here is nothing to add.
            _log.warning("inspection.failed", error=type(error).__name__)
            return []
        for stray in strays:
            _log.error("inspection.unroutable", id=stray.id, exchange=stray.exchange, routing_key=stray.routing_key)
        return strays

    def _look(self) -> list[Stray]:
        with connect(self._url) as connection:
            declare(connection, self._topology)
            queue = self._topology.unroutable
            depth, self._depth = self._depth, depths(connection, [queue])[queue]["ready"]
            # Only when there are more: each look counts as a delivery, and RabbitMQ 4 drops a message after 20.
            return _strays(connection, queue) if self._depth > depth else []


def _strays(connection: Connection, queue: str) -> list[Stray]:
    channel = connection.channel()
    found: list[Stray] = []
    while len(found) < MAX_NAMED and (message := channel.basic_get(queue)) is not None:
        where = message.delivery_info
        found.append(Stray(message.properties.get("message_id", ""), where["exchange"], where["routing_key"]))
    channel.close()  # without an ack: they go back to where they were
    return found
