"""The audit log (审计日志) as files: `<dir>/audit-YYYY-MM-DD.jsonl`, UTF-8, one JSON object a line, never rewritten.
Days that are past their retention lie there packed, as `audit-YYYY-MM-DD.jsonl.gz` (see `archive`), and read the same.

The file is named for the Shanghai day of its first entry, and no line goes back: an entry whose own day has passed is
written to the newest file. Read in name order, the files give n = 1, 2, 3, … without a gap.

This is the writer; `logfiles` reads. Every write holds a lock on the directory for one batch, and readers take the
sizes of the files under the same lock: they never see half a batch.
"""

import io
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import accumulate, groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, cast

import structlog

from bridge.witness.canonical import Judged, judge, render, seal
from bridge.witness.logfiles import (
    MAX_LINE_BYTES,
    PACKED,
    day_of,
    day_of_file,
    days,
    files,
    locked,
    read_file,
    sync_directory,
)

_CHUNK = 1 << 16


class AuditLogError(RuntimeError):
    """The files are not as this writer left them, or the entries do not follow them. Call `tail` before going on."""


class EntryLogger(structlog.BoundLoggerBase):
    """A structlog logger whose event is a whole sealed entry."""

    def write(self, sealed: dict[str, object]) -> None:
        """Run the processors over the entry and write the line."""
        arguments, _ = self._process_event("msg", None, sealed)
        self._logger.msg(*arguments)


def _as_line(_logger: object, _method: str, event: Any) -> bytes:
    line = render(event)
    if len(line) >= MAX_LINE_BYTES:
        raise ValueError(f"entry {event['n']} gives a line of {len(line)} bytes: more than {MAX_LINE_BYTES}")
    return line


class _Open(NamedTuple):
    """The newest file as this writer left it."""

    path: Path
    handle: int
    size: int


class _Place(NamedTuple):
    """Where a line begins."""

    path: Path
    offset: int


class AuditLog:
    """The one writer of a directory: `tail` first, then `append`, at last `close`. Not for several threads at once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._open: _Open | None = None
        self._last_n: int | None = None
        self._buffer = io.BytesIO()
        wrapped = structlog.wrap_logger(
            structlog.BytesLogger(self._buffer), [_as_line], wrapper_class=EntryLogger, context_class=dict
        )
        self._logger = cast(EntryLogger, wrapped.bind())

    @property
    def last_n(self) -> int | None:
        """The n of the last line, 0 for an empty log; None before `tail` and after an error of the disk."""
        return self._last_n

    def append(self, entries: Sequence[Mapping[str, object]]) -> list[bytes]:
        """Write the entries as lines and make them durable: one fsync a batch, one more where a new day begins.

        `entries`: n goes on from `last_n` without a gap. Returns their leaf hashes, in order. ValueError: an entry has
        no line, nothing is written. AuditLogError: n does not go on, or someone else has written; nothing is written.
        OSError: the disk; call `tail` before going on, because of a batch over two days the first may be there.
        """
        sealed = [seal(entry) for entry in entries]
        with locked(self._directory, exclusive=True):
            last_n = self._check_turn(entries)
            for day, lines in self._by_file(sealed):
                self._write(day, lines)
            self._last_n = last_n + len(entries)
        return [leaf for _, leaf in sealed]

    def tail(self, after: int) -> list[dict[str, object]]:
        """Take up the directory, and return the entries with n > `after` (their `leaf` included), oldest first.

        `after`: the n up to which the ledger knows its rows as sealed. What a crash left behind that is not a whole
        line following them is cut off and saved in `<dir>/torn/` for the auditor; whole lines up to `after` are never
        touched, even damaged ones. Where lines up to `after` are missing at the end, `last_n` is less than `after`:
        append them again from the ledger.
        """
        self.close()
        self._directory.mkdir(parents=True, exist_ok=True)
        with locked(self._directory, exclusive=True):
            self._cut_torn_line()
            entries, last_n = self._entries_after(after)
            self._take_up(last_n)
        return entries

    def close(self) -> None:
        """Let go of the file. `tail` takes it up again."""
        if self._open is not None:
            os.close(self._open.handle)
        self._open = self._last_n = None

    # -- appending

    def _check_turn(self, entries: Sequence[Mapping[str, object]]) -> int:
        if self._last_n is None:
            raise AuditLogError("the audit log is not taken up: call tail first")
        if not self._is_as_left():
            self.close()
            raise AuditLogError("someone else has written the audit log (审计日志被他人写入): call tail")
        for n, entry in enumerate(entries, self._last_n + 1):
            if entry["n"] != n:
                raise AuditLogError(f"n={n} comes next in the audit log, not n={entry['n']}")
        return self._last_n

    def _is_as_left(self) -> bool:
        newest = files(self._directory)[-1:]
        if self._open is None:
            return not newest
        return newest == [self._open.path] and os.fstat(self._open.handle).st_size == self._open.size

    def _by_file(self, sealed: Sequence[tuple[dict[str, object], bytes]]) -> list[tuple[str, bytes]]:
        """(day, lines) for each file the batch goes to; all of them rendered before any is written."""
        newest = (day_of_file(self._open.path.name) if self._open else None) or ""
        own_days = (day_of(str(fields["at"])) for fields, _ in sealed)
        days = islice(accumulate(own_days, max, initial=newest), 1, None)
        placed = zip(days, (fields for fields, _ in sealed), strict=True)
        return [(day, self._render(fields for _, fields in batch)) for day, batch in groupby(placed, itemgetter(0))]

    def _render(self, batch: Iterable[dict[str, object]]) -> bytes:
        self._buffer.seek(0)
        self._buffer.truncate()
        for fields in batch:
            self._logger.write(fields)
        return self._buffer.getvalue()

    def _write(self, day: str, lines: bytes) -> None:
        target = self._file_of(day)
        try:
            _write_all(target.handle, lines)
            os.fsync(target.handle)
        except BaseException:
            # Half a batch must not stay: what is appended to it would be taken for whole.
            with suppress(OSError):
                os.truncate(target.path, target.size)
            self.close()
            raise
        self._open = target._replace(size=target.size + len(lines))

    def _file_of(self, day: str) -> _Open:
        path = self._directory / f"audit-{day}.jsonl"
        if self._open is not None and self._open.path == path:
            return self._open
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o644)
        if self._open is not None:
            os.close(self._open.handle)
        self._open = _Open(path, handle, 0)
        sync_directory(self._directory)
        return self._open

    # -- taking up

    def _take_up(self, last_n: int) -> None:
        for path in files(self._directory)[-1:]:
            handle = os.open(path, os.O_WRONLY | os.O_APPEND)
            self._open = _Open(path, handle, os.fstat(handle).st_size)
        self._last_n = last_n

    def _cut_torn_line(self) -> None:
        """Only the newest file can be torn: it is durable before the next is begun. An empty one is removed."""
        for path in reversed(files(self._directory)):
            whole = _whole_lines(path)
            if whole and whole == path.stat().st_size:
                return
            self._cut(_Place(path, whole))

    def _entries_after(self, after: int) -> tuple[list[dict[str, object]], int]:
        """The entries with n > `after`, and the n of the last line that stays."""
        last_n, lines = self._lines_after(after)
        entries: list[dict[str, object]] = []
        for place, line in lines:
            if line.sound and line.n == max(last_n, after) + 1:
                entries.append(line.whole())
                last_n = line.n
            elif last_n >= after:
                if place.path.suffix == PACKED:
                    raise AuditLogError(f"{place.path.name} is damaged: run bridge verify (归档损坏)")
                self._cut_from(place)
                break
            else:
                # A damaged line that the ledger knows as sealed is evidence: it stays, and `bridge verify` names it.
                last_n += 1
        return entries, last_n

    def _lines_after(self, after: int) -> tuple[int, list[tuple[_Place, Judged]]]:
        """The n of the last sound line up to `after` (0 if there is none), and all lines behind it."""
        behind: list[tuple[_Place, Judged]] = []
        for path in reversed(days(self._directory)):
            for offset, raw in _backwards(path) if path.suffix != PACKED else _packed_backwards(path):
                line = judge(raw)
                if line.sound and line.n is not None and line.n <= after:
                    return line.n, behind[::-1]
                behind.append((_Place(path, offset), line))
        return 0, behind[::-1]

    def _cut_from(self, place: _Place) -> None:
        for path in reversed(files(self._directory)):
            if path > place.path:
                self._cut(_Place(path, 0))
        self._cut(place)

    def _cut(self, place: _Place) -> None:
        """Move everything from `place` to the end of its file into `torn/`."""
        if place.offset < place.path.stat().st_size:
            self._save_torn(place)
        with place.path.open("r+b") as stream:
            stream.truncate(place.offset)
            os.fsync(stream.fileno())
        if place.offset == 0:
            # The file of a day is named for its first entry: an empty one would give the next entry a wrong day.
            place.path.unlink()
        sync_directory(self._directory)

    def _save_torn(self, place: _Place) -> None:
        folder = self._directory / "torn"
        folder.mkdir(exist_ok=True)
        with place.path.open("rb") as source, _free_name(folder, place).open("xb") as target:
            source.seek(place.offset)
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
        sync_directory(folder)


def _free_name(folder: Path, place: _Place) -> Path:
    """`<file>.<offset>.<count>`: the same place can be torn twice."""
    names = (folder / f"{place.path.name}.{place.offset}.{count}" for count in range(1_000_000))
    return next(path for path in names if not path.exists())


def _write_all(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _whole_lines(path: Path) -> int:
    """The bytes up to and with the last newline."""
    for start, block in _blocks_backwards(path):
        end = block.rfind(b"\n")
        if end >= 0:
            return start + end + 1
    return 0


def _backwards(path: Path) -> Iterator[tuple[int, bytes]]:
    """(offset, line with its newline), the last line first; the file ends in a newline."""
    rest = b""
    for start, block in _blocks_backwards(path):
        rest = block + rest
        while (cut := rest.rfind(b"\n", 0, -1)) >= 0:
            yield start + cut + 1, rest[cut + 1 :]
            rest = rest[: cut + 1]
    if rest:
        yield 0, rest


def _packed_backwards(path: Path) -> Iterator[tuple[int, bytes]]:
    """The same for a packed file. Only a ledger that was put back by half a year asks for it: a day in memory."""
    yield from reversed([(0, line.raw) for line in read_file(path, 0)])


def _blocks_backwards(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as stream:
        position = stream.seek(0, os.SEEK_END)
        while position > 0:
            start = max(0, position - _CHUNK)
            stream.seek(start)
            yield start, stream.read(position - start)
            position = start
