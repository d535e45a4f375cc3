"""The archive (归档): audit files past their retention are packed where they lie, and read as before. None is deleted.

`audit-2026-05-28.jsonl` becomes `audit-2026-05-28.jsonl.gz` and, beside it, `….gz.sha256` in the form of sha256sum. The
plain file goes only when both are on the disk and the packed one has been read back: killed anywhere, a day is there
once or twice, and the next round finishes the work. The newest file is never packed.
"""

import asyncio
import gzip
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import structlog

from bridge.clock import Now
from bridge.witness.checkpoints import write_atomically
from bridge.witness.logfiles import PACKED, archives, day_of_file, files, locked, sync_directory
from schemas.base import shanghai

KEEP_DAYS = 180
"""The law's six months: audit files stay as they are at least so long (网络安全法 第二十一条)."""

DIGEST = ".sha256"
DAMAGED = (OSError, EOFError, zlib.error)
"""What reading a packed file raises when it is not whole."""

_CHUNK = 1 << 20
_log = structlog.get_logger("bridge.witness")


class ArchiveError(RuntimeError):
    """A day is there packed and plain, and the two differ: both stay for a person to look at."""


def due(audit_dir: Path, today: date, keep_days: int) -> list[Path]:
    """The plain files of days more than `keep_days` before `today`, oldest first; never the newest file."""
    first_kept = (today - timedelta(days=keep_days)).isoformat()
    return [path for path in files(audit_dir)[:-1] if (day_of_file(path.name) or first_kept) < first_kept]


def pack(path: Path, stopped: Callable[[], bool] = lambda: False) -> bool:
    """Pack one day; whether it was done (False: `stopped` said so). ArchiveError, OSError: the plain file stays."""
    packed = path.with_name(path.name + PACKED)
    if not packed.exists() and not _compress(path, packed, stopped):
        return False
    if not _same(path, packed):
        raise ArchiveError(f"{packed.name} is there, and is not {path.name} packed (归档与原件不符)")
    write_atomically(_digest_file(packed), f"{_sha256(packed)}  {packed.name}\n".encode())
    with locked(path.parent, exclusive=True):
        path.unlink()
        sync_directory(path.parent)
    return True


def faults(audit_dir: Path) -> Iterator[tuple[str, str]]:
    """(file, what is wrong) for packed days that are not as they were written; their lines are judged elsewhere."""
    # In this order: the sealer may be packing a day, and a digest comes after what it is of.
    digests = sorted(path for path in audit_dir.glob(f"audit-*{DIGEST}"))
    packed = archives(audit_dir)
    for path in packed:
        plain = path.with_name(path.name.removesuffix(PACKED))
        try:
            what = _unlike_twin(plain, path) if plain.exists() else _unlike_digest(path)
        except FileNotFoundError:
            what = _unlike_digest(path)  # the sealer has just finished packing it
        except DAMAGED as error:
            what = f"cannot be read: {error} (归档损坏)"
        if what is not None:
            yield path.name, what
    known = {_digest_file(path).name for path in packed}
    for path in digests:
        if path.name not in known:
            yield path.name.removesuffix(DIGEST), "missing: its digest is still here (归档缺失)"


def is_digest_name(name: str) -> bool:
    """Whether a file of this name is the digest of a packed day."""
    packed = name.removesuffix(DIGEST)
    return packed != name and packed.endswith(PACKED) and day_of_file(packed) is not None


def _unlike_twin(plain: Path, packed: Path) -> str | None:
    return None if _same(plain, packed) else f"not the same as {plain.name}, which is here as well (归档与原件不符)"


def _unlike_digest(packed: Path) -> str | None:
    try:
        wanted = _digest_file(packed).read_bytes()
    except FileNotFoundError:
        return f"its digest {packed.name}{DIGEST} is missing (归档摘要缺失)"
    right = wanted == f"{_sha256(packed)}  {packed.name}\n".encode()
    return None if right else f"it or {packed.name}{DIGEST} was changed (归档或其摘要被改动)"


def _digest_file(packed: Path) -> Path:
    return packed.with_name(packed.name + DIGEST)


def _compress(path: Path, packed: Path, stopped: Callable[[], bool]) -> bool:
    temporary = path.with_name(f".{packed.name}.new")
    with path.open("rb") as source, temporary.open("wb") as target:
        # No name and no time inside: the same day always gives the same bytes.
        with gzip.GzipFile("", "wb", 6, target, mtime=0) as stream:
            while data := source.read(_CHUNK):
                if stopped():
                    return False
                stream.write(data)
        target.flush()
        os.fsync(target.fileno())
    temporary.replace(packed)
    sync_directory(path.parent)
    return True


def _same(plain: Path, packed: Path) -> bool:
    with plain.open("rb") as one, gzip.open(packed, "rb") as other:
        while True:
            first, second = one.read(_CHUNK), other.read(_CHUNK)
            if first != second:
                return False
            if not first:
                return True


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Archivist:
    """Packs once a day what is due, in the background of the sealer. Trouble is said, and tried again the next day."""

    def __init__(self, audit_dir: Path, now: Now, keep_days: int) -> None:
        self._dir = audit_dir
        self._now = now
        self._keep_days = keep_days
        self._day: date | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    def nudge(self) -> None:
        """Cheap; starts a round where the day is a new one (Shanghai)."""
        today = shanghai(self._now()).date()
        if today != self._day and (self._task is None or self._task.done()):
            self._day = today
            self._task = asyncio.get_running_loop().create_task(self._round(today))

    async def stop(self) -> None:
        """Leave off soon; what was begun is begun again another time."""
        self._stopped = True
        if self._task is not None:
            await self._task

    async def _round(self, today: date) -> None:
        for path in await asyncio.to_thread(due, self._dir, today, self._keep_days):
            try:
                if not await asyncio.to_thread(pack, path, lambda: self._stopped):
                    return
            except (ArchiveError, *DAMAGED) as error:
                _log.error("witness.archive_failed", file=path.name, why=f"{type(error).__name__}: {error}")
            else:
                _log.info("witness.archived", file=path.name)
