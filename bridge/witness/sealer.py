"""The sealer: journal rows get their number, become leaves of the tree and lines of the audit log, and only then are
marked. Killed anywhere it goes on without a gap or a double: the file says what was numbered, the ledger what is left.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import structlog

from bridge import failpoints
from bridge.clock import Now
from bridge.ledger.ledger import Ledger
from bridge.ledger.seal import Seal, Unsealed
from bridge.ledger.writer import LedgerAway
from bridge.witness.archive import KEEP_DAYS, Archivist
from bridge.witness.auditlog import AuditLog
from bridge.witness.canonical import canonical
from bridge.witness.copies import Copies
from bridge.witness.note import Signer
from bridge.witness.signing import Signing
from bridge.witness.tree import Frontier

BATCH = 1000
IDLE_SECONDS = 0.2
_PAUSE_SECONDS = 1.0
_ADDED = frozenset({"n", "entry", "leaf"})
_log = structlog.get_logger("bridge.witness")


class Sealer:
    """One at a time over all processes, held by a lease in the ledger; the others stand by.

    `signer` gives the key that signs now. `copies`: directories and URLs that get each checkpoint. `keep_days`: days
    that stay as plain files before they are packed.
    """

    def __init__(
        self,
        ledger: Ledger,
        audit_dir: Path,
        signer: Callable[[], Signer],
        owner: str,
        now: Now,
        *,
        every_seconds: float,
        lease_seconds: float = 15.0,
        copies: Sequence[str] = (),
        keep_days: int = KEEP_DAYS,
    ) -> None:
        self._ledger = ledger
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._log = AuditLog(audit_dir)
        self._signing = Signing(audit_dir, signer, now, every_seconds)
        self._archivist = Archivist(audit_dir, now, keep_days)
        self._tree: Frontier | None = None
        self._stopping = asyncio.Event()
        self.copies = Copies(audit_dir, copies)
        self.trouble: str | None = None

    @property
    def size(self) -> int:
        """How many entries this process knows to be sealed."""
        return self._tree.size if self._tree else 0

    async def run(self) -> None:
        """Until `stop`; any failure is said, and sealing taken up anew."""
        self.copies.start()
        while not self._stopping.is_set():
            try:
                busy = await self._turn()
                self.trouble = None
            except LedgerAway:
                busy = self._let_go("the ledger is away")
            except Exception as error:
                busy = self._let_go(f"{type(error).__name__}: {error}")
                _log.exception("witness.failed")
            if not busy:
                await self._wait(IDLE_SECONDS if self.trouble is None else _PAUSE_SECONDS)

    async def stop(self) -> None:
        """Seal what is there, sign it, give the work up."""
        self._stopping.set()

    async def finish(self) -> None:
        """After `run` has ended: a last pass, a last checkpoint, its copies."""
        try:
            while await self._turn():
                pass
            if self._tree is not None:
                await self._checkpoint(self._tree)
                await self._ledger.hold("sealer", self._owner, 0)
        except LedgerAway:
            _log.warning("witness.unfinished", reason="the ledger is away")
        await self._archivist.stop()
        await self.copies.finish()
        self._log.close()

    # ── one turn ──
    async def _turn(self) -> bool:
        """Seal one batch; whether there is more to do at once."""
        if not await self._ledger.hold("sealer", self._owner, self._lease_seconds):
            self._tree = None
            self._log.close()
            return False
        if self._tree is None:
            self._tree = await self._take_up()
        if self._signing.day_is_over(self._tree.size):
            # What the day left unsigned is signed before the next day's first entry.
            await self._checkpoint(self._tree)
        rows = await self._ledger.unsealed(BATCH)
        if rows:
            await self._seal(self._tree, rows)
        behind = self._signing.is_behind(self._tree.size)
        if behind:
            behind = await asyncio.to_thread(self._signing.catch_up, self._tree)
        if self._signing.due(self._tree.size):
            await self._checkpoint(self._tree)
        self._archivist.nudge()
        return bool(rows) or behind

    async def _seal(self, tree: Frontier, rows: Sequence[Unsealed]) -> None:
        entries = [_line(row, n) for n, row in enumerate(rows, tree.size + 1)]
        failpoints.hit("witness.before_append")
        leaves = await asyncio.to_thread(self._log.append, entries)
        failpoints.hit("witness.after_append")
        grown = tree.copy()
        grown.extend(leaves)
        numbered = tuple((row.entry_id, n) for n, row in enumerate(rows, tree.size + 1))
        self._tree = None  # until the ledger has it: a failure here takes up anew from the file
        await self._ledger.mark_sealed(Seal(numbered, grown.to_bytes(), grown.size))
        await asyncio.to_thread(self._signing.grown, tree.size, leaves)
        self._tree = grown

    # ── taking up ──
    async def _take_up(self) -> Frontier:
        stored = await self._ledger.frontier()
        tree = Frontier.from_bytes(stored[0]) if stored else Frontier()
        ahead = await asyncio.to_thread(self._log.tail, tree.size)
        last_n = self._log.last_n or 0
        if last_n < tree.size:
            await self._write_again(last_n + 1, tree.size)
        if ahead:
            # Written and fsynced, but the process died before the rows were marked.
            tree.extend(bytes.fromhex(str(entry["leaf"])) for entry in ahead)
            numbered = await self._rows_of(ahead)
            await self._ledger.mark_sealed(Seal(numbered, tree.to_bytes(), tree.size))
            _log.warning("witness.recovered", entries=len(ahead), rows=len(numbered))
        await asyncio.to_thread(self._signing.take_up, tree)
        self.copies.nudge()
        return tree

    async def _rows_of(self, ahead: Sequence[dict[str, object]]) -> tuple[tuple[int, int], ...]:
        """The rows that these lines were written from. A line without its row is a line of a ledger that is gone (an
        older backup was restored): it keeps its number, and no other row may take it."""
        bodies = await self._ledger.unsealed_bodies([_entry_id(entry) for entry in ahead])
        mine = tuple((_entry_id(entry), _n(entry)) for entry in ahead if bodies.get(_entry_id(entry)) == _body(entry))
        if len(mine) < len(ahead):
            _log.error("witness.lines_without_rows", lines=len(ahead) - len(mine), next="bridge verify --ledger")
        return mine

    async def _write_again(self, first: int, last: int) -> None:
        _log.error("witness.lines_missing", first=first, last=last, mend="written again from the ledger")
        for start in range(first, last + 1, BATCH):
            rows = await self._ledger.sealed_between(start, min(start + BATCH - 1, last))
            await asyncio.to_thread(self._log.append, [_line(row, n) for n, row in rows])

    async def _checkpoint(self, tree: Frontier) -> None:
        if tree.size > self._signing.signed_size:
            await asyncio.to_thread(self._signing.sign, tree)
            self.copies.nudge()

    def _let_go(self, trouble: str) -> bool:
        self.trouble = trouble
        self._tree = None
        return False

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return


def _line(row: Unsealed, n: int) -> dict[str, Any]:
    entry: dict[str, Any] = orjson.loads(row.body)
    entry["n"] = n
    entry["entry"] = row.entry_id
    return entry


def _body(entry: dict[str, object]) -> str:
    """The journal row's body that a line was written from."""
    return canonical({key: value for key, value in entry.items() if key not in _ADDED}).decode()


def _entry_id(entry: dict[str, object]) -> int:
    return int(str(entry["entry"]))


def _n(entry: dict[str, object]) -> int:
    return int(str(entry["n"]))
