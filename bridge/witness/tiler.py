"""The tiler: keeps the tiles level with the audit log. It follows; nothing waits for it, and nothing is lost with it.

What a checkpoint needs is on the disk before the checkpoint is signed. After a crash it takes up the tiles at the
newest checkpoint, which it holds them against, and reads what is behind that in the audit files. Where there are no
tiles, or they are not those of the checkpoint, it makes all of them anew in a hidden folder, beside the sealing.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from bridge.witness.logfiles import leaves_from, sync_directory
from bridge.witness.tiles import FOLDER, WIDTH, Edge, Tile, TileMissing, TileReader, edge_from
from bridge.witness.tree import root_from

MAX_PENDING = 1 << 16
"""So many leaves are held in memory before their tiles are written."""

_REMAKING = f".{FOLDER}.new"
_OLD = f".{FOLDER}.old"


class Tiler:
    """The one writer of a directory's tiles. Not for several threads at once; `flush` under the directory's lock."""

    def __init__(self, audit_dir: Path) -> None:
        self._dir = audit_dir
        self._folder = audit_dir / FOLDER
        self._edge = Edge()
        self._whole: list[tuple[Tile, bytes]] = []
        self._flushed = 0
        self._reading: Iterator[bytes] | None = None

    @property
    def size(self) -> int:
        """How many leaves it has."""
        return self._edge.size

    def root(self) -> bytes:
        """The root over all its leaves."""
        return self._edge.root()

    @property
    def remaking(self) -> bool:
        """Whether all tiles are being made anew, so that there are none to read yet."""
        return self._folder.name != FOLDER

    def take_up(self, size: int, root: bytes) -> bool:
        """Go on from the newest checkpoint; whether the tiles there were its tiles. If not, all are made anew."""
        self._whole.clear()
        self._reading = None
        self._folder = self._dir / FOLDER
        try:
            read = TileReader(self._folder)
            self._edge = edge_from(read, size)
            good = root_from(read, size) == root
        except TileMissing:
            good = False
        if good:
            self._flushed = size
        else:
            self._remake()
        return good

    def append(self, leaves: Sequence[bytes]) -> None:
        """The next leaf hashes; the caller knows that they follow."""
        self._reading = None
        self._grow(leaves)

    def follow(self, limit: int) -> None:
        """Read at most `limit` further leaves in the audit files."""
        if self._reading is None:
            self._reading = leaves_from(self._dir, self.size + 1)
        leaves = list(islice(self._reading, limit))
        if len(leaves) < limit:
            self._reading = None
        self._grow(leaves)

    def flush(self) -> None:
        """Put the tiles of this size on the disk; where all were made anew, only now are they to be seen."""
        if not self.remaking and self._flushed and not self._folder.is_dir():
            # An operator took the folder away, to have it made anew.
            self._remake()
            return
        partial = self._edge.partial()
        self._write([*self._whole, *partial])
        self._whole.clear()
        self._flushed = self.size
        if self.remaking:
            self._put_in_place()
        for tile, _ in partial:
            _remove_narrower(self._folder, tile)

    def _grow(self, leaves: Sequence[bytes]) -> None:
        for leaf in leaves:
            self._whole += self._edge.append(leaf)
        if self.size - self._flushed > MAX_PENDING and self._whole:
            self._write(self._whole)
            self._whole.clear()
            self._flushed = self.size

    def _remake(self) -> None:
        self._edge = Edge()
        self._whole.clear()
        self._flushed = 0
        self._reading = None
        self._folder = self._dir / _REMAKING
        shutil.rmtree(self._folder, ignore_errors=True)
        # In one step: half of the old tiles would look like damage.
        old = self._dir / _OLD
        shutil.rmtree(old, ignore_errors=True)
        with suppress(FileNotFoundError):
            (self._dir / FOLDER).rename(old)
        shutil.rmtree(old, ignore_errors=True)

    def _put_in_place(self) -> None:
        self._folder.mkdir(exist_ok=True)
        self._folder.rename(self._dir / FOLDER)
        sync_directory(self._dir)
        self._folder = self._dir / FOLDER

    def _write(self, made: Sequence[tuple[Tile, bytes]]) -> None:
        touched: set[Path] = set()
        for tile, data in made:
            path = self._folder / tile.name
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True)
                touched.update(parent for parent in path.parents if parent.is_relative_to(self._folder))
            touched.add(path.parent)
            _write_durably(path, data)
        for directory in touched:
            sync_directory(directory)
        for tile, _ in made:
            if tile.width == WIDTH:
                shutil.rmtree(self._folder / f"{tile.name}.p", ignore_errors=True)


def _write_durably(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(handle)
    temporary.replace(path)


def _remove_narrower(root: Path, tile: Tile) -> None:
    """A wider partial tile is there: a narrower one is of no more use."""
    directory = (root / tile.name).parent
    for path in directory.iterdir():
        if path.name.isdecimal() and int(path.name) < tile.width:
            path.unlink(missing_ok=True)
