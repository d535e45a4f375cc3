"""Seals each month by itself (每月自动封存): once it is over, its digest is computed and sealed into the journal,
before anybody erases what it is computed from. A month that was missed, while no bridge was there, is sealed when one
is there again."""

from datetime import time

import structlog
from sqlalchemy import Connection

from bridge.clock import Now, to_ms
from bridge.daily import Daily
from bridge.digest import reading
from bridge.digest.month import Month
from bridge.digest.rules import DigestRules
from bridge.digest.seal import Reckoned, is_over, reckon, sealing
from bridge.ledger import digests
from bridge.ledger.ledger import Ledger
from bridge.ledger.writer import LedgerAway
from bridge.prose import mask

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
        """Whether a month was sealed now: of those that wait the oldest, so that one look takes no longer than one
        month; the next look takes the next one."""
        try:
            months = await self._ledger.read(lambda conn: waiting(conn, to_ms(self._now())))
        except LedgerAway:
            _log.warning("digest.ledger_away")
            return False
        for month in months:
            if await self._tried(month):
                return True
        return False

    async def _tried(self, month: Month) -> bool:
        try:
            return await self._seal(month)
        except LedgerAway:
            _log.warning("digest.ledger_away")
        except Exception:
            # A month that cannot be reckoned must end neither the loop nor keep the next one waiting: it is tried
            # again, and the doctor says so.
            _log.exception("digest.not_sealed", month=str(month))
        return False

    async def _seal(self, month: Month) -> bool:
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


def waiting(conn: Connection, now: int) -> list[Month]:
    """The months that are over and not sealed, the oldest first: from the one on in which the ledger's first petition
    was taken in."""
    began, found = reading.began(conn), list[Month]()
    if began is None:
        return found
    known, month = digests.sealed_months(conn), Month.of(began)
    while is_over(month, now):
        if str(month) not in known:
            found.append(month)
        month = month.shift(1)
    return found
