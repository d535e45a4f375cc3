"""Seals each month by itself (每月自动封存): once it is over, its digest is computed and sealed into the journal,
before anybody erases what it is computed from."""

from datetime import datetime, time

import structlog
from sqlalchemy import Connection, select

from bridge.clock import Now, to_ms
from bridge.daily import Daily
from bridge.digest.month import Month
from bridge.digest.rules import DigestRules
from bridge.digest.seal import Reckoned, is_over, reckon, sealing
from bridge.ledger import digests
from bridge.ledger.ledger import Ledger
from bridge.ledger.tables import petitions
from bridge.ledger.writer import LedgerAway
from bridge.prose import mask
from schemas.base import shanghai

LEASE_SECONDS = 3600.0

_log = structlog.get_logger("bridge.digest")


class Monthly:
    """One per process that works; the lease lets one of them reckon. `at` is the hour of the day from which it may: the
    work takes a while of one processor."""

    def __init__(self, ledger: Ledger, owner: str, now: Now, at: time, rules: DigestRules) -> None:
        self._ledger = ledger
        self._owner = owner
        self._now = now
        self._rules = rules
        self._daily = Daily(now, at, self.catch_up)

    async def run(self) -> None:
        """Until `stop`."""
        await self._daily.run()

    async def stop(self) -> None:
        await self._daily.stop()

    async def catch_up(self) -> bool:
        """Whether the month before this one was sealed now."""
        try:
            return await self._seal(month_before(self._now()))
        except LedgerAway:
            _log.warning("digest.ledger_away")
        except Exception:
            # A month that cannot be reckoned must not end the loop: it is tried again, and the doctor says so.
            _log.exception("digest.not_sealed")
        return False

    async def _seal(self, month: Month) -> bool:
        if not is_over(month, to_ms(self._now())) or not await self._ledger.read(lambda conn: unsealed(conn, month)):
            return False
        if not await self._ledger.hold("digest", self._owner, LEASE_SECONDS):
            return False
        try:
            found = await self._ledger.read(lambda conn: self._reckon(conn, month))
            done = await self._ledger.seal_digest(sealing(found, "bridge"))
        finally:
            await self._ledger.hold("digest", self._owner, 0)
        if done:
            _log.info("digest.sealed", month=str(month))
        return done

    def _reckon(self, conn: Connection, month: Month) -> Reckoned:
        vault = self._ledger.privacy.vault
        return reckon(conn, vault, month, to_ms(self._now()), self._rules, mask, again=False)


def month_before(now: datetime) -> Month:
    """The last month that is over, but for its grace."""
    today = shanghai(now)
    return Month(today.year, today.month).shift(-1)


def unsealed(conn: Connection, month: Month) -> bool:
    """Whether there is something to seal: petitions were taken in by the month's end, and no seal is there."""
    if digests.sealed(conn, str(month)) is not None:
        return False
    return conn.scalar(select(petitions.c.petition_id).where(petitions.c.accepted_at < month.end).limit(1)) is not None
