"""Every night, when the grace after midnight is over, yesterday is reconciled with each system; and the days before it
that nobody reconciled because the bridge was away (D-1 to D-7)."""

import asyncio
from collections.abc import Sequence
from datetime import time

import structlog

from bridge.clock import Now
from bridge.ledger import reconciling
from bridge.ledger.ledger import Ledger
from bridge.ledger.writer import LedgerAway
from bridge.reconcile.reconciler import CannotReconcile, Reconciler, missed_days
from schemas.base import shanghai

LOOK_SECONDS = 300.0
LEASE_SECONDS = 1800.0
_log = structlog.get_logger("bridge.reconcile")


class Nightly:
    """One per process that works; the lease lets one of them run a system's day."""

    def __init__(self, reconcilers: Sequence[Reconciler], ledger: Ledger, owner: str, now: Now, at: time) -> None:
        self._reconcilers = reconcilers
        self._ledger = ledger
        self._owner = owner
        self._now = now
        self._at = at
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Until `stop`."""
        while not self._stopping.is_set():
            if shanghai(self._now()).time() >= self._at:
                await self.catch_up()
            try:
                await asyncio.wait_for(self._stopping.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue

    async def stop(self) -> None:
        self._stopping.set()

    async def catch_up(self) -> int:
        """Every day that is due and not done, of every system; how many were run."""
        return sum([await self._catch_up(one) for one in self._reconcilers])

    async def _catch_up(self, one: Reconciler) -> int:
        now = shanghai(self._now())
        week = [day.isoformat() for day in missed_days(now, set())]
        ran = 0
        try:
            done = await self._ledger.read(lambda conn: reconciling.days_done(conn, one.system, week))
            for day in missed_days(now, done):
                if not await self._ledger.hold(f"reconcile:{one.system}", self._owner, LEASE_SECONDS):
                    return ran
                await one.run(day)
                ran += 1
        except CannotReconcile as error:
            _log.error("reconcile.failed", system=one.system, why=str(error))
        except LedgerAway:
            _log.warning("reconcile.ledger_away", system=one.system)
        except Exception:
            _log.exception("reconcile.defect", system=one.system)
        return ran
