"""Fetching the notices that a system keeps for us: accepted like any other message, signed only after COMMIT."""

import asyncio
from collections.abc import Sequence

import structlog

from bridge import failpoints
from bridge.adapter import Notice, OutboundError, Poller, Question, Taken
from bridge.clock import Now, to_ms
from bridge.intake import Intake
from bridge.ledger.ledger import Ledger
from bridge.ledger.writer import LedgerAway

_log = structlog.get_logger("bridge.polling")


class Polling:
    """One system's notices, polled by one process at a time."""

    def __init__(
        self,
        system: str,
        poller: Poller,
        intake: Intake,
        ledger: Ledger,
        owner: str,
        now: Now,
        lease_seconds: float = 60.0,
    ) -> None:
        self._system = system
        self._poller = poller
        self._intake = intake
        self._ledger = ledger
        self._owner = owner
        self._now = now
        self._lease_seconds = poller.every_seconds + lease_seconds
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Until `stop`, every `poller.every_seconds`."""
        while not self._stopping.is_set():
            try:
                if await self._ledger.hold(f"poll:{self._system}", self._owner, self._lease_seconds):
                    await self.poll()
            except (LedgerAway, OutboundError) as error:
                _log.warning("polling.failed", system=self._system, error=type(error).__name__, code=str(error))
            except Exception:
                _log.exception("polling.defect", system=self._system)
            await self._pause()

    async def poll(self) -> int:
        """One round: fetch, take in, sign. How many notices were signed."""
        failpoints.hit("poller.before_fetch")
        notices = await self._poller.fetch()
        if not notices:
            return 0
        failpoints.hit("poller.before_accept")
        taken = [notice for notice in notices if await self._take(notice)]
        failpoints.hit("poller.before_sign")
        await self._sign(taken)
        failpoints.hit("poller.after_sign")
        return len(taken)

    async def _take(self, notice: Notice) -> bool:
        """Whether the notice is in the ledger now, as an event or as a raw message."""
        received = self._now()
        reading = self._poller.read(notice, received)
        if isinstance(reading, Question):
            reading = reading.then(await self._intake.views(reading))
        if isinstance(reading, Taken):
            await self._intake.take(self._system, "notice", to_ms(received), notice.body, reading.drafts)
        else:
            await self._intake.keep_notice(self._system, notice.key, to_ms(received), notice.body, reading)
        return True

    async def _sign(self, notices: Sequence[Notice]) -> None:
        if notices:
            await self._poller.sign(notices)

    async def stop(self) -> None:
        self._stopping.set()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), self._poller.every_seconds)
        except TimeoutError:
            return
