"""When the tree is signed, and what must be there by then: checkpoints at intervals and at day's end, tiles first.

Only the signatures matter to the proof: trouble with the tiles is said in the log, and stops neither sealing nor
signing.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import structlog

from bridge import failpoints
from bridge.clock import Now, iso, to_ms
from bridge.witness import checkpoints
from bridge.witness.checkpoints import CheckpointError
from bridge.witness.logfiles import locked
from bridge.witness.note import NoteError, Signer
from bridge.witness.tiler import Tiler
from bridge.witness.tree import EMPTY_ROOT, Frontier
from schemas.base import shanghai

CATCH_UP = 50_000
"""So many lines are read at once to bring the tiles level: well under a second."""

_log = structlog.get_logger("bridge.witness")


class Signing:
    """The checkpoints of one audit directory. Its methods read and write files: call them off the loop, one at a time.

    `signer` is asked before each signature, so that a rotated key is used at once.
    """

    def __init__(self, audit_dir: Path, signer: Callable[[], Signer], now: Now, every_seconds: float) -> None:
        self._dir = audit_dir
        self._signer = signer
        self._now = now
        self._every = every_seconds
        self._signed_at: datetime | None = None
        self._tiler = Tiler(audit_dir)
        self._tiles_fail = False
        self.signed_size = 0

    def take_up(self, tree: Frontier) -> None:
        """The sealer goes on with `tree`. CheckpointError if more is signed than the log and the ledger still have:
        whatever were sealed now would contradict a signature."""
        signed = checkpoints.sizes(self._dir)
        if max(signed, default=0) > tree.size:
            raise CheckpointError(
                f"a checkpoint signs {signed[-1]} entries, the log has {tree.size}: nothing is sealed until the audit "
                "directory is put back from a backup (日志短于检查点，请先恢复审计目录)"
            )
        if tree.size == 0 and not signed:
            # From the first line on there is something signed, so that a log without checkpoints is a fault.
            checkpoints.issue(self._dir, self._signer(), tree, iso(to_ms(self._now())))
        self.signed_size = max(signed, default=0)
        self._take_up_tiles()

    def _take_up_tiles(self) -> None:
        if not self._tiler.take_up(self.signed_size, self._signed_root()):
            _log.warning("witness.tiles_remade", why="they are missing, or not those of the newest checkpoint")

    def _signed_root(self) -> bytes:
        if self.signed_size == 0:
            return EMPTY_ROOT
        try:
            path = checkpoints.folder(self._dir) / checkpoints.name_of(self.signed_size)
            return checkpoints.read_unproven(path).root
        except (NoteError, OSError):
            return b""

    # ── signing ──
    def due(self, size: int) -> bool:
        """Whether a tree of this size is to be signed now."""
        if size <= self.signed_size:
            return False
        waited = self._signed_at is None or (self._now() - self._signed_at).total_seconds() >= self._every
        return waited or self.day_is_over(size)

    def day_is_over(self, size: int) -> bool:
        """Whether the day has changed (Shanghai) over entries that are not signed yet."""
        if size <= self.signed_size or self._signed_at is None:
            return False
        return shanghai(self._now()).date() != shanghai(self._signed_at).date()

    def sign(self, tree: Frontier) -> None:
        """Sign the tree, its tiles first."""
        now = self._now()
        while not self._tiler.remaking and self.catch_up(tree):
            pass  # after a crash: what lies behind the last checkpoint
        failpoints.hit("witness.before_checkpoint")
        checkpoints.issue(self._dir, self._signer(), tree, iso(to_ms(now)), before=lambda: self._flush_tiles(tree))
        failpoints.hit("witness.after_checkpoint")
        self.signed_size, self._signed_at = tree.size, now

    # ── tiles ──
    def grown(self, size: int, leaves: Sequence[bytes]) -> None:
        """Leaves were sealed behind the first `size`."""
        if self._tiler.size == size:
            self._try(lambda: self._tiler.append(leaves))

    def is_behind(self, size: int) -> bool:
        """Whether the tiles have fewer leaves; costs nothing."""
        return self._tiler.size < size

    def catch_up(self, tree: Frontier) -> bool:
        """Bring the tiles nearer to the tree; whether there is more to read at once."""
        before = self._tiler.size
        if before < tree.size:
            self._try(lambda: self._tiler.follow(min(CATCH_UP, tree.size - before)))
            if self._tiler.remaking and self._tiler.size == tree.size:
                # All were made anew: proofs need not wait for the next checkpoint.
                with locked(self._dir, exclusive=True):
                    self._flush_tiles(tree)
        return before < self._tiler.size < tree.size

    def _flush_tiles(self, tree: Frontier) -> None:
        if self._tiler.size != tree.size:
            return
        if self._tiler.root() != tree.root():
            self._say("the audit files do not give the root: see bridge verify (审计文件与树根不符)")
            return
        self._try(self._tiler.flush)

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
            self._tiles_fail = False
        except (OSError, EOFError) as error:
            self._say(f"{type(error).__name__}: {error}")

    def _say(self, why: str) -> None:
        # Once: the same trouble comes again with every batch.
        if not self._tiles_fail:
            _log.error("witness.tiles_failed", why=why, effect="no proofs until it is mended; sealing goes on")
        self._tiles_fail = True
