"""Verification (核验) of an audit directory, from its files and the public keys alone: streaming, in constant memory.

What is held against what: each line against its own `leaf`, and its receipt if we gave it one; the numbers n against
1, 2, 3, …; the tree over the leaves against every signed checkpoint; the checkpoints against one another; packed days
against their digests; the tiles against the lines; each petition's entries against the order of a petition's life. Only
the last needs memory that grows: about 100 bytes a petition.

What cannot be seen from here: lines cut off after the newest checkpoint, and a directory put back whole to an earlier
state. The ledger shows both (`--ledger`), and so do checkpoints copied elsewhere (`copies`). Where a line's content and
leaf were changed to fit each other, only the tree can tell: the checkpoint then names the range of entries.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path

from bridge.witness import archive, checkpoints, receipts, tiles
from bridge.witness.canonical import Judged, judge
from bridge.witness.logfiles import Line, day_of, day_of_file, locked, read_file, snapshot
from bridge.witness.note import Checkpoint, Verifier
from bridge.witness.stories import Stories
from bridge.witness.tilecheck import TileCheck
from bridge.witness.tree import Frontier

MAX_FAULTS = 10_000
"""More faults than this are only counted: a log that is wrong throughout must not fill the memory."""

_FOLDERS = frozenset({"checkpoints", tiles.FOLDER, "torn", "lost+found"})
_MAX_TREES = 64
_MAX_STRAYS = 1024
_PROGRESS_LINES = 2048

Progress = Callable[[int, int], None]
"""(bytes read, bytes in all)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the entry, the file, seen from the audit directory, and the line, from 1, if known."""

    n: int | None
    file: str
    line: int | None
    what: str


@dataclass(slots=True)
class Verdict:
    """What was found. `unsigned`: the entries after the newest checkpoint, which is how a running log looks."""

    entries: int = 0
    tree_size: int = 0
    root: str = ""
    checkpoints: int = 0
    unsigned: int = 0
    petitions: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def to_dict(self) -> dict[str, object]:
        """As `bridge verify --json` gives it."""
        return {**asdict(self), "holds": self.holds}


def verify(
    audit_dir: Path,
    verifiers: Sequence[Verifier],
    *,
    copies: Sequence[Path] = (),
    progress: Progress | None = None,
) -> Verdict:
    """Recompute everything. Never raises for what the files contain: that is in the verdict.

    `verifiers`: the log's public keys, the newest last. `copies`: directories with copies of its checkpoints.
    `progress` is called now and then. FileNotFoundError if there is no such directory.
    """
    verdict, faults = Verdict(), _Faults()
    with locked(audit_dir, exclusive=False):
        log = snapshot(audit_dir)
        signed = checkpoints.Series(audit_dir, verifiers, copies, faults.add_file)
        tree = TileCheck(tiles.folder(audit_dir), max(checkpoints.sizes(audit_dir), default=0), faults.add_file)
    _check_names(audit_dir, faults)
    for file, what in archive.faults(audit_dir):
        faults.add(None, file, None, what)
    walk = _Walk(verdict, faults, signed, Stories(), tree)
    for line, judged, following in _with_following(_judged(log, progress, faults)):
        walk.step(line, judged, following)
    walk.finish()
    verdict.faults = faults.all()
    return verdict


class _Faults:
    """The faults in the order in which they were found."""

    def __init__(self) -> None:
        self._found: list[Fault] = []
        self._more = 0

    def add(self, n: int | None, file: str, line: int | None, what: str) -> None:
        if len(self._found) < MAX_FAULTS:
            self._found.append(Fault(n, file, line, what))
        else:
            self._more += 1

    def add_file(self, n: int | None, file: str, what: str) -> None:
        self.add(n, file, None, what)

    def all(self) -> list[Fault]:
        more = Fault(None, "", None, f"and {self._more} more faults (另有 {self._more} 处)")
        return [*self._found, more] if self._more else self._found


# --- the lines --------------------------------------------------------------------------------------------------------


def _check_names(audit_dir: Path, faults: _Faults) -> None:
    """Nothing lies in the directory but the log, its checkpoints and tiles, and what a crash left torn."""
    for name in sorted(os.listdir(audit_dir)):  # noqa: PTH208 — names only
        known = name in _FOLDERS or day_of_file(name) or archive.is_digest_name(name)
        # A name with a dot in front is a write that a crash cut short.
        if not known and not name.startswith("."):
            faults.add(None, name, None, "not the name of an audit file: it was not read (文件名不合规)")


def _judged(log: list[tuple[Path, int]], progress: Progress | None, faults: _Faults) -> Iterator[tuple[Line, Judged]]:
    done, total = 0, sum(size for _, size in log)
    for path, size in log:
        for line in _readable(path, size, faults):
            done += len(line.raw)
            if progress is not None and not line.number % _PROGRESS_LINES:
                progress(done, total)
            yield line, judge(line.raw)
    if progress is not None:
        progress(total, total)


def _readable(path: Path, size: int, faults: _Faults) -> Iterator[Line]:
    """The lines of one file, up to where it is damaged."""
    last = 0
    try:
        for line in read_file(path, size):
            last = line.number
            yield line
    except archive.DAMAGED as error:
        faults.add(None, path.name, last + 1, f"cannot be read from here on: {error} (文件损坏)")


def _with_following(lines: Iterator[tuple[Line, Judged]]) -> Iterator[tuple[Line, Judged, Judged | None]]:
    """Each line with the judgement of the next: that tells a line too many from a line too few."""
    current = next(lines, None)
    for following in lines:
        assert current is not None  # noqa: S101 — there was a line before this one
        yield *current, following[1]
        current = following
    if current is not None:
        yield *current, None


class _Placed(Enum):
    """How a line stands to the number that is due."""

    RIGHT = "it is the one that is due"
    INSTEAD = "it stands in the place of the one that is due"
    LATER = "those that are due are missing"
    ASTRAY = "it takes no place"


def _place(due: int, line: Judged, following: int | None) -> _Placed:
    """Decide by the line's n, if it can be trusted, and the next line's n; a fault must not shift all that follows."""
    trusted = line.sound and line.n is not None
    if not trusted:
        return _Placed.ASTRAY if following == due else _Placed.INSTEAD
    if line.n == due:
        return _Placed.RIGHT
    if following == due:
        return _Placed.ASTRAY
    if following == due + 1:
        return _Placed.INSTEAD
    return _Placed.LATER if (line.n or 0) > due else _Placed.ASTRAY


@dataclass(slots=True)
class _Astray:
    """A run of consecutive entries on consecutive lines, out of place."""

    n: int
    file: str
    line: int
    count: int = 1

    def goes_on_with(self, n: int, file: str, line: int) -> bool:
        return (n, file, line) == (self.n + self.count, self.file, self.line + self.count)

    def what(self) -> str:
        lines = f"; so do the {self.count - 1} lines that follow" if self.count > 1 else ""
        return f"n={self.n} stands here out of order, or a second time{lines} (顺序错乱或重复)"


class _Walk:
    """One pass over the log. `_due` is the n that comes next; `_trees` what the tree up to there can be.

    Normally there is one tree. After a line that was changed there are two, with the leaf it records and with the leaf
    it gives; after a missing line there is none; the next checkpoint settles it.
    """

    def __init__(
        self, verdict: Verdict, faults: _Faults, signed: checkpoints.Series, stories: Stories, tree: TileCheck
    ) -> None:
        self._verdict = verdict
        self._faults = faults
        self._signed = signed
        self._stories = stories
        self._tiles = tree
        self._due = 1
        self._trees = [Frontier()]
        self._settled = 0
        self._strays: dict[int, bytes] = {}
        self._run: _Astray | None = None
        self._day = _Day()
        self._check_signed()

    def step(self, line: Line, judged: Judged, following: Judged | None) -> None:
        """Take the next line."""
        self._verdict.entries += 1
        placed = _place(self._due, judged, following.n if following else None)
        if placed is _Placed.RIGHT and judged.fault is None:
            self._follow(line, judged)
            leaves = _leaves(judged, following)
            self._grow_tiles(line, leaves)
            self._grow(leaves)
        else:
            self._stories.doubt()
            self._tiles.stop()
            self._step_astray(placed, line, judged, following)

    def finish(self) -> None:
        """The log has ended: what is still to be said."""
        self._end_run()
        last = self._due - 1
        self._not_reached(last)
        self._tiles.finish()
        for n, what in self._stories.nowhere():
            self._faults.add(n, "", None, what)
        self._verdict.tree_size = last
        self._verdict.root = self._trees[0].root().hex() if self._trees else ""
        self._verdict.checkpoints = self._signed.opened
        self._verdict.unsigned = max(0, last - self._signed.newest)
        self._verdict.petitions = self._stories.count

    def _not_reached(self, last: int) -> None:
        if last and self._signed.is_empty:
            self._faults.add_file(None, "checkpoints", "no checkpoint signs any of these entries (没有检查点)")
        while self._signed.next_size is not None:
            file, checkpoint = self._signed.open_next()
            if checkpoint is not None:
                self._tiles.stop()
                what = f"signs {checkpoint.size} entries, but the log ends with n={last}: cut short (日志被截断)"
                self._faults.add_file(last + 1, file, what)

    # -- where something is wrong

    def _step_astray(self, placed: _Placed, line: Line, judged: Judged, following: Judged | None) -> None:
        if judged.fault is not None:
            n = judged.n if placed is _Placed.ASTRAY else self._due
            self._faults.add(n, line.file.name, line.number, judged.fault)
        if placed is _Placed.ASTRAY:
            self._stray(line, judged)
        elif placed is _Placed.INSTEAD and judged.sound:
            self._in_place_of(line, judged)
        else:
            self._take_up(line, judged, following)

    def _take_up(self, line: Line, judged: Judged, following: Judged | None) -> None:
        if judged.sound:
            self._missing(line, judged)
            self._follow(line, judged)
        self._grow(_leaves(judged, following))

    def _stray(self, line: Line, judged: Judged) -> None:
        if not judged.sound or judged.n is None or judged.leaf is None:
            return
        if len(self._strays) < _MAX_STRAYS:
            self._strays[judged.n] = judged.leaf
        if self._run is not None and self._run.goes_on_with(judged.n, line.file.name, line.number):
            self._run.count += 1
        else:
            self._end_run()
            self._run = _Astray(judged.n, line.file.name, line.number)

    def _end_run(self) -> None:
        if self._run is not None:
            self._faults.add(self._run.n, self._run.file, self._run.line, self._run.what())
        self._run = None

    def _in_place_of(self, line: Line, judged: Judged) -> None:
        self._end_run()
        what = f"n={judged.n} stands where n={self._due} belongs (序号错位)"
        self._faults.add(judged.n, line.file.name, line.number, what)
        self._grow(())

    def _missing(self, line: Line, judged: Judged) -> None:
        n = judged.n or 0
        while self._due < n and self._due in self._strays:
            # It is named where it stands; the tree has it where it belongs.
            self._grow((self._strays.pop(self._due),))
        if self._due < n:
            gap = f"n={self._due}" if self._due == n - 1 else f"n={self._due} to n={n - 1}"
            what = f"{gap} missing before this line, which has n={n} (序号缺失)"
            self._faults.add(self._due, line.file.name, line.number, what)
            self._leap(n)

    def _leap(self, n: int) -> None:
        """Go on with `n`; a checkpoint just before it gives the tree back."""
        while (size := self._signed.next_size) is not None and size < n:
            self._trees, self._due = [], size + 1
            self._check_signed()
        if self._due < n:
            self._trees, self._due = [], n

    # -- as it should be

    def _follow(self, line: Line, judged: Judged) -> None:
        self._end_run()
        entry = judged.entry
        for what in (self._day.fault(line, entry), receipts.fault(entry), self._stories.fault(entry)):
            if what is not None:
                self._faults.add(judged.n, line.file.name, line.number, what)

    def _grow_tiles(self, line: Line, leaves: Sequence[bytes]) -> None:
        if len(leaves) == 1:
            self._tiles.grow(leaves[0], line.file.name, line.number)
        else:
            self._tiles.stop()

    def _grow(self, leaves: Sequence[bytes]) -> None:
        """Add the entry that is due: one leaf, or several it can be, or none if it is unknown."""
        if len(leaves) == 1:
            for tree in self._trees:
                tree.append(leaves[0])
        else:
            self._trees = [_grown(tree, leaf) for tree in self._trees for leaf in leaves][:_MAX_TREES]
        self._due += 1
        if self._signed.next_size == self._due - 1:
            self._check_signed()

    def _check_signed(self) -> None:
        """Hold the tree against every checkpoint of this size."""
        size = self._due - 1
        while self._signed.next_size == size:
            file, checkpoint = self._signed.open_next()
            if checkpoint is None:
                continue
            right = [tree for tree in self._trees if tree.root() == checkpoint.root]
            if right:
                self._trees, self._settled = right[:1], size
                self._tiles.confirm()
            else:
                self._not_confirmed(file, checkpoint)

    def _not_confirmed(self, file: str, checkpoint: Checkpoint) -> None:
        """Name the range, and the lines if the tiles know them; go on with the tree found and the one signed: a later
        checkpoint knows which is right."""
        for n, name, number in self._tiles.deny(checkpoint.size, checkpoint.root):
            what = "changed, and its leaf with it: another entry was sealed as this one (内容与叶值一并被改)"
            self._faults.add(n, name, number, what)
        entries = f"n={self._settled + 1} to n={checkpoint.size}"
        what = f"does not confirm the log: entries {entries} are not, or not all, what was signed (与检查点不符)"
        self._faults.add_file(checkpoint.size, file, what)
        signed = checkpoints.frontier_of(checkpoint)
        if signed is not None:
            self._trees, self._settled = [*self._trees[:1], signed], checkpoint.size


def _grown(tree: Frontier, leaf: bytes) -> Frontier:
    grown = tree.copy()
    grown.append(leaf)
    return grown


def _leaves(line: Judged, following: Judged | None) -> Sequence[bytes]:
    """What the leaf of this entry can be, the likeliest first; two lines with one n are two possibilities."""
    twin = following if following is not None and following.n == line.n else None
    if line.sound and twin is None and line.leaf is not None:
        return (line.leaf,)
    possible = (line.leaf, line.digest, twin.leaf if twin else None)
    return tuple(dict.fromkeys(leaf for leaf in possible if leaf is not None))


class _Day:
    """A file is named for the day of its first entry, and no entry is filed under an earlier day than its own."""

    def __init__(self) -> None:
        self._file: Path | None = None
        self._latest = ""

    def fault(self, line: Line, entry: dict[str, object]) -> str | None:
        """What is wrong with the entry's day in this file; a file under a wrong name is named once only."""
        if line.file is not self._file:
            self._file, self._latest = line.file, day_of_file(line.file.name) or ""
        try:
            day = day_of(str(entry.get("at")))
        except ValueError:
            return "its time is not ISO 8601 with an offset (时间格式错误)"
        if day <= self._latest and (line.number > 1 or day == self._latest):
            return None
        self._latest = max(day, self._latest)
        return f"an entry of {day}: this file should have begun on another day (文件日期不符)"
