"""Proofs (证明) out of the tiles: that an entry is in a signed tree, and that one signed tree begins another.

Each proof is checked against the signed root before it is given away: damaged tiles give no wrong proofs, but none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.witness import checkpoints, tiles
from bridge.witness.note import NoteError
from bridge.witness.tiles import TileMissing, TileReader
from bridge.witness.tree import (
    consistency_proof,
    inclusion_proof,
    root_from,
    verify_consistency,
    verify_inclusion,
)


class NoProof(RuntimeError):
    """There is no proof to give now: the tiles are being made, or are damaged. The text says which."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint as it lies in the audit directory: its size, root (32 bytes) and the note."""

    size: int
    root: bytes
    note: str


def newest(audit_dir: Path) -> Signed | None:
    """The newest checkpoint; None before the first. NoProof if it is unreadable."""
    return _read(checkpoints.folder(audit_dir) / checkpoints.LATEST)


def at(audit_dir: Path, size: int) -> Signed | None:
    """The checkpoint of this size; None if this size was not signed. NoProof if it is unreadable."""
    return _read(checkpoints.folder(audit_dir) / checkpoints.name_of(size))


def _read(path: Path) -> Signed | None:
    try:
        checkpoint = checkpoints.read_unproven(path)
        return Signed(checkpoint.size, checkpoint.root, path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (NoteError, OSError, UnicodeDecodeError) as error:
        raise NoProof(f"checkpoints/{path.name}: {error} (检查点不可读)") from error


class Prover:
    """Proofs into one signed tree. Reads few files, and keeps them: for one answer, not for ever."""

    def __init__(self, audit_dir: Path, signed: Signed) -> None:
        self._signed = signed
        self._read = TileReader(tiles.folder(audit_dir))

    def leaf(self, n: int) -> bytes:
        """The leaf hash of entry `n` as the tree has it. NoProof."""
        try:
            return self._read(0, n - 1)
        except TileMissing as error:
            raise _not_now(error) from error

    def inclusion(self, n: int) -> list[bytes]:
        """The path from entry `n` (from 1) to the signed root, lowest first. NoProof; ValueError if n is beyond it."""
        try:
            path = inclusion_proof(self._read, n - 1, self._signed.size)
            leaf = self._read(0, n - 1)
        except TileMissing as error:
            raise _not_now(error) from error
        return self._checked(path, verify_inclusion(leaf, n - 1, self._signed.size, path, self._signed.root))

    def consistency(self, old: int) -> list[bytes]:
        """That the first `old` entries are the beginning of the signed tree. NoProof; ValueError if there are fewer."""
        try:
            path = consistency_proof(self._read, old, self._signed.size)
            root = root_from(self._read, old)
        except TileMissing as error:
            raise _not_now(error) from error
        return self._checked(path, verify_consistency(old, self._signed.size, path, root, self._signed.root))

    def _checked(self, path: Sequence[bytes], holds: bool) -> list[bytes]:
        if not holds:
            raise NoProof("the tiles do not give the signed root: see bridge verify (见证树分片与检查点不符)")
        return list(path)


def _not_now(error: TileMissing) -> NoProof:
    return NoProof(f"{error}; the witness makes the tiles anew when it takes up work")
