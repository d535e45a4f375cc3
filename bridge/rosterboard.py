"""The roster as one process sees it: the newest snapshot, looked at by everyone, reloaded when its version changes."""

import asyncio

import structlog

from bridge.ledger import roster as stored
from bridge.ledger.ledger import Ledger
from bridge.ledger.writer import LedgerAway
from bridge.roster import Roster
from schemas.petition import PetitionDraft, Secretary

LOOK_SECONDS = 5.0
_log = structlog.get_logger("bridge.roster")


class RosterBoard:
    """Fills `bridge.adapter.Directory` and the owner's part of the house rules. A snapshot is replaced whole, so that
    any thread may look at any time."""

    def __init__(self) -> None:
        self.roster = Roster()

    async def refresh(self, ledger: Ledger) -> bool:
        """Reload if the ledger has another version; whether it had. Raises `LedgerAway`."""
        if await ledger.read(stored.version) == self.roster.version:
            return False
        vault = ledger.privacy.vault
        self.roster = await ledger.read(lambda conn: stored.load(conn, vault))
        _log.info("roster.loaded", version=self.roster.version, secretaries=len(self.roster.members))
        return True

    async def watch(self, ledger: Ledger, every_seconds: float = LOOK_SECONDS) -> None:
        """Until cancelled: one small look every few seconds."""
        while True:
            try:
                await self.refresh(ledger)
            except LedgerAway:
                _log.warning("roster.ledger_away")
            await asyncio.sleep(every_seconds)

    # ── what is looked up ──
    def owner(self, draft: PetitionDraft) -> Secretary | None:
        return self.roster.owner(draft.place)

    def of_secretary(self, secretary_id: str) -> str | None:
        return self.roster.of_secretary(secretary_id)

    def of_unit(self, unit: str) -> str | None:
        return self.roster.of_unit(unit)
