"""The audit log as it is read: a file for each Shanghai day, `audit-YYYY-MM-DD.jsonl`, or packed `….jsonl.gz`.

Read in name order, the files give n = 1, 2, 3, … without a gap. Readers take the names and sizes under a lock on the
directory that the writer holds for each batch: they never see half a batch.
"""

import fcntl
import gzip
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import orjson

from schemas.base import SHANGHAI

MAX_LINE_BYTES = 1 << 20
"""The longest line, newline included. Entries hold ids and digests: a longer one is a mistake or an attack."""

PACKED = ".gz"
"""What the name of a packed day ends in."""

_NAME = re.compile(r"audit-(\d{4}-\d\d-\d\d)\.jsonl(?:\.gz)?", re.ASCII)
_CHUNK = 1 << 16
_GZIP_TRAILER = 4
_ENDLESS = 1 << 62
_EIGHT_HOURS = timedelta(hours=8)


class Line(NamedTuple):
    """A line: its file, its number from 1, its bytes with the newline (a torn or too long one has none)."""

    file: Path
    number: int
    raw: bytes


def day_of(at: str) -> str:
    """The Shanghai day (YYYY-MM-DD) of an ISO 8601 time. ValueError if it is none or has no offset."""
    moment = datetime.fromisoformat(at)
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError(f"the time {at!r} has no offset")
    # The usual case needs no conversion, which costs three times the parsing.
    return (moment if offset == _EIGHT_HOURS else moment.astimezone(SHANGHAI)).date().isoformat()


def day_of_file(name: str) -> str | None:
    """The day in the name of an audit file, packed or not; None if it is not such a name."""
    found = _NAME.fullmatch(name)
    with suppress(ValueError):
        return date.fromisoformat(found[1]).isoformat() if found else None
    return None


def files(directory: Path) -> list[Path]:
    """The audit files that are not packed, oldest first; [] if there is no such directory."""
    return [path for path in _named(directory) if path.suffix != PACKED]


def archives(directory: Path) -> list[Path]:
    """The packed audit files, oldest first."""
    return [path for path in _named(directory) if path.suffix == PACKED]


def days(directory: Path) -> list[Path]:
    """A file for each day, oldest first. Where a crash left a day twice, the one that is not packed."""
    found: dict[str, Path] = {}
    for path in (*archives(directory), *files(directory)):
        found[path.name.removesuffix(PACKED)] = path
    return [found[name] for name in sorted(found)]


def _named(directory: Path) -> list[Path]:
    names = os.listdir(directory) if directory.is_dir() else []  # noqa: PTH208 — names only, three times as fast
    return [directory / name for name in sorted(names) if day_of_file(name)]


def snapshot(directory: Path) -> list[tuple[Path, int]]:
    """A file for each day with its size (unpacked) at one instant between two batches, oldest first."""
    with locked(directory, exclusive=False):
        return [(path, _size(path)) for path in days(directory)]


def _size(path: Path) -> int:
    size = path.stat().st_size
    if path.suffix != PACKED or size < _GZIP_TRAILER:
        return size
    with path.open("rb") as stream:
        stream.seek(-_GZIP_TRAILER, os.SEEK_END)
        return int.from_bytes(stream.read(), "little")


def read(directory: Path) -> Iterator[Line]:
    """Every line of the log in order, as it stood when the reading began; a line at a time, in constant memory."""
    for path, size in snapshot(directory):
        yield from read_file(path, size)


def read_file(path: Path, size: int, start: int = 0) -> Iterator[Line]:
    """The lines in the first `size` bytes of one file, from the one that begins at byte `start` (numbered from 1).

    Of a line over MAX_LINE_BYTES only the beginning is given. A packed file is read to its end: OSError, EOFError or
    zlib.error where it is damaged. A file that was packed since its name was taken down is read packed.
    """
    with _opened(path) as stream:
        stream.seek(start)
        number = 0
        left = _ENDLESS if isinstance(stream, gzip.GzipFile) else size - start
        while left > 0 and (raw := stream.readline(min(left, MAX_LINE_BYTES))):
            number += 1
            left -= len(raw) + _skip_rest(stream, raw, left - len(raw))
            yield Line(path, number, raw)


def _opened(path: Path) -> io.BufferedReader | gzip.GzipFile:
    if path.suffix != PACKED:
        try:
            return path.open("rb")
        except FileNotFoundError:
            path = path.with_name(path.name + PACKED)
    return gzip.GzipFile(path, "rb")


def leaves_from(directory: Path, first: int) -> Iterator[bytes]:
    """The leaf hashes of n = `first`, `first` + 1, … as the lines record them, up to where the log is damaged or ends.

    They are not held against the lines' content: who uses them compares the root.
    """
    due = first
    for path, size in _holding(snapshot(directory), first):
        start = 0 if path.suffix == PACKED else _start_before(path, size, first)
        for line in read_file(path, size, start):
            n, leaf = _n_and_leaf(line.raw)
            if n is not None and n < due:
                continue
            if n != due or leaf is None:
                return
            yield leaf
            due += 1


def _holding(log: list[tuple[Path, int]], first: int) -> list[tuple[Path, int]]:
    """The files from the one on that has the line `first`."""
    for place in range(len(log) - 1, -1, -1):
        begins = next((_n_and_leaf(line.raw)[0] for line in read_file(*log[place])), None)
        if begins is None or begins <= first:
            return log[place:]
    return log


def _start_before(path: Path, size: int, n: int) -> int:
    """Where a line begins in the file, at or not far before the line `n`: found by halving, without reading it all."""
    low, high = 0, size
    with path.open("rb") as stream:
        while high - low > _CHUNK:
            middle = (low + high) // 2
            stream.seek(middle)
            middle += len(stream.readline(MAX_LINE_BYTES))
            found = _n_and_leaf(stream.readline(MAX_LINE_BYTES))[0]
            if middle >= high or found is None:
                return low
            low, high = (middle, high) if found <= n else (low, middle)
    return low


def _n_and_leaf(raw: bytes) -> tuple[int | None, bytes | None]:
    try:
        entry = orjson.loads(raw)
        return int(entry["n"]), bytes.fromhex(entry["leaf"])
    except (ValueError, KeyError, TypeError):
        return None, None


def _skip_rest(stream: io.BufferedReader | gzip.GzipFile, raw: bytes, left: int) -> int:
    """Read on to the end of a line that was cut off; returns the bytes passed over."""
    skipped = 0
    while not raw.endswith(b"\n") and skipped < left:
        raw = stream.readline(min(MAX_LINE_BYTES, left - skipped))
        if not raw:
            break
        skipped += len(raw)
    return skipped


@contextmanager
def locked(directory: Path, *, exclusive: bool) -> Iterator[None]:
    """Hold the directory: alone to write, with others to read. The kernel lets go when the process dies."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        _flock(handle, exclusive=exclusive)
        yield
    finally:
        os.close(handle)


def _flock(handle: int, *, exclusive: bool) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
    except OSError:
        # An auditor's copy may lie where locks are unknown; nobody writes there.
        if exclusive:
            raise


def sync_directory(directory: Path) -> None:
    """Make the names in the directory durable."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
