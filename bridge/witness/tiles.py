"""The tree's hashes as tiles (见证树分片), so that a proof over millions of entries needs a few small reads.

Laid out as c2sp.org/tlog-tiles says: `<audit dir>/tile/<level>/<index>` is 256 hashes (8 KiB); those of level 0 are
leaf hashes, those of level L + 1 the roots of whole tiles of level L. The ragged right edge of the tree lies in partial
tiles `<index>.p/<width>`. An index is written in groups of three digits, all but the last with an x: 1234067 is
x001/x234/067.

Tiles are derived: made from the audit files, made anew from them at any time, and trusted by nobody. Who serves a proof
holds it against a signed root first.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.witness.tree import HASH_BYTES, Frontier, node_hash

FOLDER = "tile"
HEIGHT = 8
WIDTH = 1 << HEIGHT

_NAME = re.compile(r"(\d{1,2})/((?:x\d{3}/)*)(\d{3})(?:\.p/([1-9]\d{0,2}))?", re.ASCII)


class TileMissing(LookupError):
    """A tile is not there, or not as long as its name says."""


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """Which tile: its level, its index there, and how many hashes it has (256: it is whole)."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def name(self) -> str:
        """The file, seen from the folder `tile`."""
        groups = [f"{self.index % 1000:03d}"]
        rest = self.index // 1000
        while rest > 0:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        whole = "/".join((str(self.level), *groups))
        return whole if self.width == WIDTH else f"{whole}.p/{self.width}"

    @property
    def end(self) -> int:
        """The tree has at least so many leaves where this tile is."""
        return (self.index * WIDTH + self.width) << (HEIGHT * self.level)

    @classmethod
    def parse(cls, name: str) -> "Tile | None":
        """The tile of this name; None for any other name, and for another spelling of one."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        digits = found[2].replace("x", "").replace("/", "") + found[3]
        tile = cls(int(found[1]), int(digits), int(found[4] or WIDTH))
        return tile if tile.name == name else None


def folder(audit_dir: Path) -> Path:
    """Where the tiles of this audit directory lie."""
    return audit_dir / FOLDER


def listing(root: Path) -> list[str]:
    """The names of all files under the folder `root`, as `Tile.name` writes them; hidden ones are left out."""
    found = []
    for directory, _, names in os.walk(root):
        inside = Path(directory).relative_to(root).as_posix()
        found += [name if inside == "." else f"{inside}/{name}" for name in names if not name.startswith(".")]
    return found


def edge_tiles(size: int) -> Iterator[Tile]:
    """The partial tiles at the right edge of a tree of `size` leaves."""
    level = 0
    while size:
        index, width = divmod(size, WIDTH)
        if width:
            yield Tile(level, index, width)
        level, size = level + 1, index


def root_of_tile(hashes: Sequence[bytes]) -> bytes:
    """The root over 2^k hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[place], row[place + 1]) for place in range(0, len(row), 2)]
    return row[0]


class Edge:
    """The right edge of the tree, tile by tile: at most 255 hashes a level, whatever the size."""

    def __init__(self, size: int = 0, levels: Sequence[Sequence[bytes]] = ()) -> None:
        self.size = size
        self._levels = [list(level) for level in levels]

    def append(self, leaf: bytes) -> list[tuple[Tile, bytes]]:
        """Add a leaf hash; returns the tiles that are whole now, with their content."""
        whole: list[tuple[Tile, bytes]] = []
        level, node = 0, leaf
        self.size += 1
        while True:
            if level == len(self._levels):
                self._levels.append([])
            row = self._levels[level]
            row.append(node)
            if len(row) < WIDTH:
                return whole
            index = (self.size >> (HEIGHT * (level + 1))) - 1
            whole.append((Tile(level, index), b"".join(row)))
            node = root_of_tile(row)
            row.clear()
            level += 1

    def hashes(self, level: int) -> list[bytes]:
        """Those of the level's partial tile."""
        return self._levels[level] if level < len(self._levels) else []

    def root(self) -> bytes:
        """The root of the whole tree."""
        subtrees: list[bytes] = []
        for row in reversed(self._levels):
            start = 0
            for height in reversed(range(HEIGHT)):
                if len(row) >> height & 1:
                    subtrees.append(root_of_tile(row[start : start + (1 << height)]))
                    start += 1 << height
        return Frontier(self.size, subtrees).root()

    def partial(self) -> list[tuple[Tile, bytes]]:
        """The partial tiles, with their content."""
        return [(tile, b"".join(self._levels[tile.level])) for tile in edge_tiles(self.size)]


class TileReader:
    """Complete subtrees out of the tiles in a folder, as `tree.SubtreeReader`. Keeps what it reads: use it briefly."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._kept: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, index: int) -> bytes:
        """The hash of the complete subtree. Raises `TileMissing`."""
        tile_level, height = divmod(level, HEIGHT)
        first = index << height
        return root_of_tile(self.hashes(tile_level, first // WIDTH, first % WIDTH, 1 << height))

    def hashes(self, level: int, index: int, start: int, count: int) -> list[bytes]:
        """Some hashes of one tile. Raises `TileMissing`."""
        data = self._kept.get((level, index), b"")
        end = (start + count) * HASH_BYTES
        if len(data) < end:
            data = self._kept[level, index] = self._load(Tile(level, index), end)
        return [data[place : place + HASH_BYTES] for place in range(start * HASH_BYTES, end, HASH_BYTES)]

    def _load(self, tile: Tile, at_least: int) -> bytes:
        # A partial tile gives way to a wider one, and at last to the whole: look once more if it was taken away.
        for _ in range(3):
            for candidate in self._candidates(tile):
                try:
                    data = (self._root / candidate.name).read_bytes()
                except OSError:
                    continue
                if len(data) == candidate.width * HASH_BYTES >= at_least:
                    return data
        raise TileMissing(f"{FOLDER}/{tile.name} is missing or too short (见证树分片缺失)")

    def _candidates(self, tile: Tile) -> list[Tile]:
        try:
            names = os.listdir(self._root / f"{tile.name}.p")  # noqa: PTH208 — names only
        except OSError:
            names = []
        widths = sorted((int(name) for name in names if name.isascii() and name.isdecimal()), reverse=True)
        return [tile, *(replace(tile, width=width) for width in widths if 0 < width < WIDTH)]


def edge_from(read: TileReader, size: int) -> Edge:
    """The right edge of the tree of `size` leaves as the tiles have it. Raises `TileMissing`."""
    partial = {tile.level: read.hashes(tile.level, tile.index, 0, tile.width) for tile in edge_tiles(size)}
    return Edge(size, [partial.get(level, []) for level in range(max(partial, default=-1) + 1)])
