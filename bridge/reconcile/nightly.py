"""Every night, when the grace after midnight is over, yesterday is reconciled with each system; and of the week before
(D-2 to D-7) each day that nobody reconciled because the bridge or the system was away, or in which a run mended
something: whether that held is looked at the night after."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import structlog

from bridge.clock import Now, to_ms
from bridge.daily import Daily
from bridge.ledger import reconciling
from bridge.ledger.ledger import Ledger
from bridge.ledger.writer import LedgerAway
from bridge.reconcile.reconciler import CannotReconcile, Reconciler
from schemas.base import SHANGHAI, shanghai

LEASE_SECONDS = 1800.0
DAYS = 7
"""So far back a day is made up for; the systems' lists reach no further with certainty."""

_log = structlog.get_logger("bridge.reconcile")


class Nightly:
    """One per process that works; the lease lets one of them run a system's day."""

    def __init__(self, reconcilers: Sequence[Reconciler], ledger: Ledger, owner: str, now: Now, at: time) -> None:
        self._reconcilers = reconcilers
        self._ledger = ledger
        self._owner = owner
        self._now = now
        self._said: dict[tuple[str, date], tuple[date, str]] = {}
        self._daily = Daily(now, at, self.catch_up)

    async def run(self) -> None:
        """Until `stop`."""
        await self._daily.run()

    async def stop(self) -> None:
        await self._daily.stop()

    async def catch_up(self) -> int:
        """Every day that is due and not done, of every system; how many were run. A slow system holds up no other."""
        return sum(await asyncio.gather(*(self._catch_up(one) for one in self._reconcilers)))

    async def _catch_up(self, one: Reconciler) -> int:
        tried: set[date] = set()
        ran = 0
        try:
            # Whoever holds the lease looks at what is done: nobody else can do it meanwhile.
            while await self._mine(one) and (day := await self._next(one, tried)) is not None:
                # A day that cannot be run keeps no other day from it.
                tried.add(day)
                ran += await self._run(one, day)
        except LedgerAway:
            _log.warning("reconcile.ledger_away", system=one.system)
        return ran

    async def _run(self, one: Reconciler, day: date) -> bool:
        try:
            await one.run(day)
        except CannotReconcile as error:
            self._say_once(one.system, day, str(error))
            return False
        except LedgerAway:
            raise
        except Exception:
            _log.exception("reconcile.defect", system=one.system, day=day.isoformat())
            return False
        return True

    async def _mine(self, one: Reconciler) -> bool:
        return await self._ledger.hold(f"reconcile:{one.system}", self._owner, LEASE_SECONDS)

    async def _next(self, one: Reconciler, tried: set[date]) -> date | None:
        """The newest day that is due and was not tried just now."""
        now = shanghai(self._now())
        week = [now.date() - timedelta(days=back) for back in range(1, DAYS + 1)]
        midnight = to_ms(datetime.combine(now.date(), time(), SHANGHAI))
        names = [day.isoformat() for day in week]
        done = await self._ledger.read(lambda conn: reconciling.days_done(conn, one.system, names, midnight))
        return next((day for day in week if day.isoformat() not in done and day not in tried), None)

    def _say_once(self, system: str, day: date, why: str) -> None:
        """Once a day: it is tried again every few minutes, and a system may be away for hours, or have no list."""
        said = (shanghai(self._now()).date(), why)
        if self._said.get((system, day)) != said:
            self._said[system, day] = said
            _log.error("reconcile.failed", system=system, day=day.isoformat(), why=why)
