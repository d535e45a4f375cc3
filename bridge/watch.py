"""The night watch: once a second it puts what is due on the conveyor again, reaps dead leases, frees lanes and lets the
rules look at what their time has come for; once a minute it looks for groups that grew, computes the law and says
loudly when it does not hold."""

import asyncio
from collections.abc import Callable
from datetime import date

import structlog

from bridge import failpoints
from bridge.clock import Now, to_ms
from bridge.conservation import Conservation
from bridge.ledger.ledger import Ledger
from bridge.ledger.writer import LedgerAway
from schemas.base import shanghai

LAW_EVERY_SECONDS = 60.0
LIMIT = 500
JUDGED = 200
"""Petitions that the rules look at in one transaction: whoever stands at a door waits no longer than for that."""

GROUPS_OVERLAP_MS = 300_000
"""Rows commit out of order: groups are looked for a little further back than the last look."""

_log = structlog.get_logger("bridge.watch")


class Watch:
    """Several processes may watch at once: they skip each other's rows."""

    def __init__(
        self,
        ledger: Ledger,
        now: Now,
        report: Callable[[Conservation], None],
        conveyor_runs: Callable[[], bool],
        every: float = 1.0,
    ) -> None:
        self._ledger = ledger
        self._conveyor_runs = conveyor_runs
        self._now = now
        self._report = report
        self._every = every
        self._stopping = asyncio.Event()
        self._gathered_at = GROUPS_OVERLAP_MS
        self._alarmed_on: date | None = None
        self.law: Conservation | None = None

    async def run(self) -> None:
        """Until `stop`."""
        loop = asyncio.get_running_loop()
        law_at = loop.time()
        while not self._stopping.is_set():
            try:
                await self.walk()
                if loop.time() >= law_at:
                    law_at = loop.time() + LAW_EVERY_SECONDS
                    await self.check_law()
                    await self.gather()
                    self.check_calendar()
            except LedgerAway:
                _log.warning("watch.ledger_away")
            except Exception:
                _log.exception("watch.failed")
            await self._pause()

    async def walk(self) -> int:
        """One round; how many rows were put on the conveyor."""
        failpoints.hit("watch.before_due")
        picked = await self._ledger.due(LIMIT, conveyor_runs=self._conveyor_runs())
        freed = await self._ledger.free_lanes(LIMIT)
        failpoints.hit("watch.after_due")
        if freed:
            _log.error("watch.lanes_freed", petitions=freed)
        await self.judge()
        return picked + freed

    async def judge(self) -> int:
        """Let the rules look at every petition whose time has come, some at a time; how many there were."""
        judged = 0
        failpoints.hit("watch.before_judge")
        while not self._stopping.is_set():
            found = await self._ledger.judge(JUDGED)
            judged += found
            if found < JUDGED:
                break
        failpoints.hit("watch.after_judge")
        return judged

    async def gather(self) -> int:
        """Find the groups that grew since the last time; the rules look at them in the next round. What belongs to
        secretaries who have left goes to their team's leader."""
        inherited = await self._ledger.inherit(LIMIT)
        if inherited:
            _log.warning("watch.inherited", petitions=inherited)
        now = to_ms(self._now())
        found = await self._ledger.gather(self._gathered_at - GROUPS_OVERLAP_MS)
        self._gathered_at = now
        return found

    def check_calendar(self) -> None:
        """Once a day, loudly, while the notice of a year that is near has not been loaded."""
        today = shanghai(self._now()).date()
        missing = self._ledger.rules.calendar.alarm(today)
        if missing is not None and self._alarmed_on != today:
            self._alarmed_on = today
            _log.error("calendar.missing_year", year=missing, next="bridge calendar import FILE --operator NAME")

    async def check_law(self) -> Conservation:
        """Compute the law, report it, and log an error when it does not hold."""
        law = self.law = await self._ledger.conservation()
        self._report(law)
        if not law.holds:
            _log.error("law.broken", difference=law.difference, orphans=law.orphans[:10], accepted=law.accepted)
        return law

    async def stop(self) -> None:
        self._stopping.set()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), self._every)
        except TimeoutError:
            return
