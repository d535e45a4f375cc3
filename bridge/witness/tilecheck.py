"""The tiles held against the lines, as far as the lines are sound: a changed, missing or added tile is named.

Where a line and a tile differ, the next checkpoint decides. It confirms the lines: the tile was changed. It confirms
the tiles: the lines were, with their leaves, and the tiles tell which. Nothing else depends on the tiles, so a log
without the folder `tile` is whole: the sealer makes it anew.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bridge.witness.tiles import (
    FOLDER,
    HEIGHT,
    WIDTH,
    Edge,
    Tile,
    TileMissing,
    TileReader,
    edge_from,
    edge_tiles,
    listing,
)
from bridge.witness.tree import HASH_BYTES, root_from

Report = Callable[[int | None, str, str], None]
"""(n, file from the audit directory, what is wrong with it)."""

MAX_ODD = 10_000
"""More lines than this that differ from their tiles are not kept: the checkpoint names the range anyway."""


class Place(NamedTuple):
    """An entry and where it stands."""

    n: int
    file: str
    line: int


class TileCheck:
    """Grows with the log. Made while the audit directory is locked: it takes down the names."""

    def __init__(self, root: Path, signed_size: int, report: Report) -> None:
        """`signed_size`: the newest checkpoint's; the tiles are there at least up to it."""
        self._root = root
        self._signed_size = signed_size
        self._report = report
        self._edge = Edge()
        self._on = root.is_dir()
        self._there = self._names() if self._on else set()
        self._doubted: list[Tile] = []
        self._odd: list[Place] = []
        self._places: list[Place] = []
        self._partial: dict[int, list[Tile]] = {}
        for tile in sorted(self._there):
            if tile.width < WIDTH:
                self._partial.setdefault(tile.end, []).append(tile)

    def _names(self) -> set[Tile]:
        found: set[Tile] = set()
        for name in sorted(listing(self._root)):
            tile = Tile.parse(name)
            if tile is None:
                self._report(None, f"{FOLDER}/{name}", "not the name of a tile (文件名不合规)")
            else:
                found.add(tile)
        return found

    def grow(self, leaf: bytes, file: str, line: int) -> None:
        """The next entry of the log, and where it stands; as far as the line goes, it is sound."""
        if not self._on:
            return
        self._places.append(Place(self._edge.size + 1, file, line))
        for tile, data in self._edge.append(leaf):
            self._whole(tile, data)
        if not self._edge.hashes(0):
            self._places.clear()
        for tile in self._partial.pop(self._edge.size, ()):
            self._compare(tile, b"".join(self._edge.hashes(tile.level)))

    def confirm(self) -> None:
        """A checkpoint confirms the lines so far: what differs from them was changed."""
        for tile in self._doubted:
            what = "does not have the hashes of these entries (见证树分片与日志不符)"
            self._report(self._first(tile), f"{FOLDER}/{tile.name}", what)
        self._doubted.clear()
        self._odd.clear()

    def deny(self, size: int, root: bytes) -> list[Place]:
        """A checkpoint over the `size` entries so far has another root. If it is the tiles' root: the lines that differ
        from them; the tiles are followed from here on. If not, nothing, and no tile is judged any more."""
        if not self._on:
            return []
        edge = self._edge_with(size, root)
        if edge is None:
            self.stop()
            return []
        self._note_odd(self._edge.hashes(0), edge.hashes(0))
        odd = list(self._odd)
        self._edge = edge
        self._doubted.clear()
        self._odd.clear()
        return odd

    def _edge_with(self, size: int, root: bytes) -> Edge | None:
        """The edge that the tiles give, if their root is this."""
        read = TileReader(self._root)
        try:
            return edge_from(read, size) if root_from(read, size) == root else None
        except TileMissing:
            return None

    def stop(self) -> None:
        """What the log has from here on is in doubt: the tiles after it cannot be judged."""
        self._on = False

    def finish(self) -> None:
        """The log has ended."""
        if not self._on:
            return
        self.confirm()
        for tile in edge_tiles(self._signed_size):
            if not self._has(tile):
                self._missing(tile)
        for tiles in self._partial.values():
            for tile in tiles:
                self._too_many(tile)
        for tile in sorted(tile for tile in self._there if tile.width == WIDTH and tile.end > self._edge.size):
            self._too_many(tile)

    def _whole(self, tile: Tile, data: bytes) -> None:
        if tile in self._there:
            self._compare(tile, data)
        elif tile.end <= self._signed_size:
            self._missing(tile)

    def _compare(self, tile: Tile, data: bytes) -> None:
        try:
            found = (self._root / tile.name).read_bytes()
        except OSError:
            if not self._root.is_dir():
                self.stop()  # since the names were taken down, the sealer has begun to make all of them anew
            elif not (tile.width < WIDTH and self._gave_way(tile)):
                self._missing(tile)
            return
        if found != data or len(found) != tile.width * HASH_BYTES:
            self._doubted.append(tile)
            if tile.level == 0 and tile.width == WIDTH and len(found) == len(data):
                self._note_odd(_split(data), _split(found))

    def _note_odd(self, ours: list[bytes], theirs: list[bytes]) -> None:
        """Which of the entries of the current tile differ."""
        for place, our, their in zip(self._places, ours, theirs, strict=False):
            if our != their and len(self._odd) < MAX_ODD:
                self._odd.append(place)

    def _gave_way(self, tile: Tile) -> bool:
        """Whether there is a wider one in its place by now."""
        now = {found for name in listing(self._root) if (found := Tile.parse(name)) is not None}
        return any((now_.level, now_.index) == (tile.level, tile.index) and now_.width > tile.width for now_ in now)

    def _has(self, needed: Tile) -> bool:
        whole = Tile(needed.level, needed.index)
        if whole in self._there:
            return True
        return any(
            (tile.level, tile.index) == (needed.level, needed.index) and tile.width >= needed.width
            for tile in self._there
        )

    def _missing(self, tile: Tile) -> None:
        self._report(self._first(tile), f"{FOLDER}/{tile.name}", "missing (见证树分片缺失)")

    def _too_many(self, tile: Tile) -> None:
        self._report(None, f"{FOLDER}/{tile.name}", "not a tile of this log, which is shorter (多余的见证树分片)")

    def _first(self, tile: Tile) -> int:
        return ((tile.index * WIDTH) << (HEIGHT * tile.level)) + 1


def _split(data: bytes) -> list[bytes]:
    return [data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES)]
