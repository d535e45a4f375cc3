"""The signed checkpoints (检查点): `<audit dir>/checkpoints/<size, 12 digits>.note`; `latest.note` copies the newest.

A checkpoint is written once and never changed. Each names the size of the one before it, so that one taken away is
missed; copies in a second place (另存) keep the log from being cut short unseen.
"""

import base64
import os
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.witness.logfiles import locked, sync_directory
from bridge.witness.note import Checkpoint, NoteError, Signer, Verifier, open_signed, sign
from bridge.witness.tree import Frontier

LATEST = "latest.note"

_NAME = re.compile(r"(\d{12})\.note", re.ASCII)
_SIZE = re.compile(r"\d{1,19}", re.ASCII)


Report = Callable[[int | None, str, str], None]
"""(size or None, file from the audit directory, what is wrong with it)."""


class CheckpointError(RuntimeError):
    """Signing or copying would make the log contradict itself."""


def folder(audit_dir: Path) -> Path:
    """Where the checkpoints of this audit directory lie."""
    return audit_dir / "checkpoints"


def name_of(size: int) -> str:
    """The file name of the checkpoint at this size."""
    return f"{size:012d}.note"


def size_of(name: str) -> int | None:
    """The size in a checkpoint's file name; None for any other name, `latest.note` too."""
    found = _NAME.fullmatch(name)
    return int(found[1]) if found else None


def sizes(audit_dir: Path) -> list[int]:
    """The sizes that are signed, ascending; [] if none is."""
    return sizes_in(folder(audit_dir))


def sizes_in(directory: Path) -> list[int]:
    """The sizes of the checkpoints in a directory of notes, ascending; [] if there is no such directory."""
    names = os.listdir(directory) if directory.is_dir() else []  # noqa: PTH208 — names only, three times as fast
    return sorted(size for name in names if (size := size_of(name)) is not None)


def nothing() -> None:
    """Nothing is to be done before signing."""


def issue(audit_dir: Path, signer: Signer, frontier: Frontier, at: str, before: Callable[[], None] = nothing) -> Path:
    """Sign the tree as it is at `at` (ISO 8601 with offset), durably; returns the note's path.

    `before` is called under the directory's lock, when nothing speaks against signing any more: what it writes and the
    note are seen together, or neither.
    Where this size is signed already, that note stays and `latest.note` is put right. CheckpointError if a larger size
    or another root of this size is signed: a log never contradicts a checkpoint (c2sp.org/tlog-checkpoint). NoteError
    if the note of this size is unreadable.
    """
    directory = folder(audit_dir)
    directory.mkdir(parents=True, exist_ok=True)
    with locked(audit_dir, exclusive=True):
        previous = max(sizes(audit_dir), default=None)
        path = directory / name_of(frontier.size)
        if previous == frontier.size:
            _check_same(path, frontier)
            before()
        else:
            note = sign(_next(signer.verifier.name, frontier, at, previous), signer)
            before()
            write_atomically(path, note.encode())
        _copy_file(path, directory / LATEST)
    return path


def read_unproven(path: Path) -> Checkpoint:
    """The checkpoint in a note of our own, its signature not checked. NoteError, OSError."""
    text = path.read_bytes().decode(errors="replace").rpartition("\n\n")[0]
    return Checkpoint.parse(f"{text}\n")


def copy(audit_dir: Path, second: Path) -> list[Path]:
    """Copy to a second directory every checkpoint it has not got yet, and `latest.note`; returns the new paths.

    What is there is never overwritten. CheckpointError if its newest checkpoint differs from ours of the same size.
    """
    second.mkdir(parents=True, exist_ok=True)
    ours, theirs = sizes(audit_dir), sizes_in(second)
    for size in set(theirs[-1:]) & set(ours):
        if (second / name_of(size)).read_bytes() != (folder(audit_dir) / name_of(size)).read_bytes():
            raise CheckpointError(f"{second / name_of(size)} differs from our own checkpoint (检查点副本不一致)")
    new = [name_of(size) for size in sorted(set(ours) - set(theirs))]
    for name in new:
        _copy_file(folder(audit_dir) / name, second / name)
    for size in ours[-1:]:
        _copy_file(folder(audit_dir) / name_of(size), second / LATEST)
    return [second / name for name in new]


def previous_of(checkpoint: Checkpoint) -> int | None:
    """The size of the checkpoint before this one; None for the first. NoteError if the line is not a size."""
    value = checkpoint.extension("previous")
    if value is None:
        return None
    if not _SIZE.fullmatch(value):
        raise NoteError(f"previous {value[:40]!r} is not a size")
    return int(value)


def frontier_of(checkpoint: Checkpoint) -> Frontier | None:
    """The frontier that the checkpoint signs; None if it has none. NoteError if it does not give the root."""
    value = checkpoint.extension("subtrees")
    if value is None:
        return None
    try:
        data = base64.b64decode(value, validate=True)
        frontier = Frontier.from_bytes(checkpoint.size.to_bytes(8, "big") + data)
    except ValueError as error:
        raise NoteError(f"the subtrees are not those of {checkpoint.size} entries") from error
    if frontier.root() != checkpoint.root:
        raise NoteError("the subtrees do not give the root")
    return frontier


def write_atomically(path: Path, data: bytes, mode: int = 0o644) -> None:
    """The file has either its old content or all of `data`, whatever happens; durable when this returns."""
    temporary = path.with_name(f".{path.name}.new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as stream:
        os.fchmod(handle, mode)
        stream.write(data)
        stream.flush()
        os.fsync(handle)
    temporary.replace(path)
    sync_directory(path.parent)


def _next(origin: str, frontier: Frontier, at: str, previous: int | None) -> Checkpoint:
    if previous is not None and previous > frontier.size:
        raise CheckpointError(f"size {previous} is signed already; the log has only {frontier.size} (日志短于检查点)")
    lines = [f"time {at}"]
    if previous is not None:
        lines.append(f"previous {previous}")
    if frontier.size:
        lines.append(f"subtrees {base64.b64encode(frontier.to_bytes()[8:]).decode()}")
    return Checkpoint(origin, frontier.size, frontier.root(), tuple(lines))


def _check_same(path: Path, frontier: Frontier) -> None:
    if read_unproven(path).root != frontier.root():
        raise CheckpointError(f"{path.name} is signed with another root (同一大小已签不同树根)")


def _copy_file(source: Path, target: Path) -> None:
    data = source.read_bytes()
    if not target.exists() or target.read_bytes() != data:
        write_atomically(target, data)


@dataclass(frozen=True, slots=True, order=True)
class _Note:
    """A checkpoint file; `rank` 0 in the audit directory itself, 1 elsewhere."""

    size: int
    rank: int
    path: Path
    file: str


class Series:
    """All checkpoints of a log in the order of their sizes, to be opened one by one as the log is read.

    Made while the audit directory is locked: it takes down the names, and opens nothing but `latest.note`. What is
    wrong with a file is told to `report`, and that file is passed over.
    """

    def __init__(self, audit_dir: Path, verifiers: Sequence[Verifier], copies: Sequence[Path], report: Report) -> None:
        self._folder = folder(audit_dir)
        self._verifiers = list(verifiers)
        self._report = report
        self._sizes = sizes(audit_dir)
        self._newest_key = 0
        self.opened = 0
        self.newest = 0
        notes = [_Note(size, 0, self._folder / name_of(size), _label(size)) for size in self._sizes]
        copied = [note for copy_dir in copies for note in self._copied(copy_dir)]
        self._waiting = sorted([*notes, *copied, *self._latest()], reverse=True)
        self._check_names()

    @property
    def next_size(self) -> int | None:
        """The size of the next checkpoint; None after the last."""
        return self._waiting[-1].size if self._waiting else None

    @property
    def is_empty(self) -> bool:
        """Whether the audit directory has no checkpoint at all."""
        return not self._sizes

    def open_next(self) -> tuple[str, Checkpoint | None]:
        """The next file, and its checkpoint if it is to be held against the log."""
        note = self._waiting.pop()
        try:
            return note.file, self._open(note)
        except (NoteError, OSError) as error:
            self._report(note.size, note.file, f"not a valid checkpoint: {error} (检查点无效)")
            return note.file, None

    def _copied(self, directory: Path) -> list[_Note]:
        try:
            return _notes_in(directory)
        except OSError as error:
            self._report(None, str(directory), f"cannot be read: {error.strerror} (另存目录不可读)")
            return []

    def _open(self, note: _Note) -> Checkpoint | None:
        data = note.path.read_bytes()
        if note.rank and data == _bytes_of(self._folder / name_of(note.size)):
            return None
        checkpoint, verifier = open_signed(data, self._verifiers)
        if checkpoint.size != note.size:
            raise NoteError(f"it signs {checkpoint.size} entries, not as many as its name says")
        frontier_of(checkpoint)
        if not note.rank:
            self._check_key(verifier)
            self._check_chain(note, checkpoint)
            self.opened += 1
        self.newest = max(self.newest, note.size)
        return checkpoint

    def _check_key(self, verifier: Verifier) -> None:
        """A key that was replaced signs nothing new."""
        place = self._verifiers.index(verifier)
        if place < self._newest_key:
            raise NoteError(f"signed by {verifier.name}+{verifier.key_hash.hex()}, which had been replaced")
        self._newest_key = place

    def _check_chain(self, note: _Note, checkpoint: Checkpoint) -> None:
        place = bisect_left(self._sizes, note.size)
        before = self._sizes[place - 1] if place else None
        named = previous_of(checkpoint)
        if named == before:
            return
        if named is not None and not (self._folder / name_of(named)).exists():
            self._report(named, _label(named), f"missing: {note.file} names it (检查点缺失)")
        else:
            # Either this one was put in, or the one before it, which it does not know.
            wrong = note.size if named is None or before is None or named >= before else before
            self._report(wrong, _label(wrong), f"not in the chain: {note.file} follows {named} (检查点不连续)")

    def _latest(self) -> list[_Note]:
        """`latest.note` is the newest checkpoint once more. If it is a newer one, that is held against the log too."""
        path, newest = self._folder / LATEST, max(self._sizes, default=None)
        data = _bytes_of(path)
        if data == (None if newest is None else _bytes_of(self._folder / name_of(newest))):
            return []
        size = self._size_signed(data)
        if size is None or size <= (newest or 0):
            what = "not the newest checkpoint: one of the two was changed or taken away (最新检查点不符)"
            self._report(newest, f"checkpoints/{LATEST}", what)
            return []
        self._report(size, _label(size), f"missing: {LATEST} is its copy (检查点缺失)")
        return [_Note(size, 1, path, f"checkpoints/{LATEST}")]

    def _size_signed(self, data: bytes | None) -> int | None:
        try:
            return None if data is None else open_signed(data, self._verifiers)[0].size
        except NoteError:
            return None

    def _check_names(self) -> None:
        known = {LATEST, *map(name_of, self._sizes)}
        names = os.listdir(self._folder) if self._folder.is_dir() else []  # noqa: PTH208 — names only
        # A name with a dot in front is a write that a crash cut short.
        for name in sorted(name for name in set(names) - known if not name.startswith(".")):
            self._report(None, f"checkpoints/{name}", "not the name of a checkpoint: it was not read (文件名不合规)")


def _label(size: int) -> str:
    return f"checkpoints/{name_of(size)}"


def _notes_in(directory: Path) -> list[_Note]:
    paths = ((size, directory / name_of(size)) for size in sizes_in(directory))
    return [_Note(size, 1, path, str(path)) for size, path in paths]


def _bytes_of(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
