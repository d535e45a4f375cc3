"""The router: events from the conveyor become hand-offs. The ledger decides in one transaction, then comes the ack."""

from concurrent.futures import Future

import structlog

from bridge import failpoints
from bridge.bus.consumer import Delivery, QueueConsumer
from bridge.bus.topology import Topology
from bridge.ledger.ledger import Ledger
from bridge.ledger.writer import LedgerAway

_RETRY_SECONDS = 1.0
_log = structlog.get_logger("bridge.router")


class Router:
    """Consumes `bridge.router`; many messages in flight, committed together by the ledger."""

    def __init__(self, url: str, topology: Topology, ledger: Ledger) -> None:
        self._ledger = ledger
        self.consumer = QueueConsumer(url, topology, topology.router_queue, self._handle)

    def start(self) -> None:
        self.consumer.start()

    def stop(self) -> None:
        self.consumer.stop()

    def _handle(self, delivery: Delivery) -> None:
        failpoints.hit("router.before_route")
        try:
            future = self._ledger.route_later(delivery.id)
        except LedgerAway:
            return
        future.add_done_callback(lambda done: self._finish(delivery, done))

    def _finish(self, delivery: Delivery, future: "Future[int]") -> None:
        error = future.exception()
        if error is None:
            failpoints.hit("router.before_ack")
            self.consumer.done(delivery)
            return
        _log.error("router.failed", event_id=delivery.id, error=type(error).__name__)
        self.consumer.retry(delivery, _RETRY_SECONDS)
