"""Second places (另存) for the checkpoints: directories, and witnesses on HTTP that speak c2sp.org/tlog-witness.

A directory gets every checkpoint, and `latest.note`. A witness gets the newest one, with the proof that what it saw
last is the beginning of it: it remembers one size, and a log that was cut short or written anew has no such proof. Each
place has its own task; one that is away is tried again and again, said in the log and in /readyz, and never waited for.
"""

import asyncio
import base64
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import structlog

from bridge.witness import checkpoints
from bridge.witness.proofs import Prover, Signed, newest

FIRST_RETRY_SECONDS = 5.0
LAST_RETRY_SECONDS = 300.0
TIMEOUT_SECONDS = 15.0
FINISH_SECONDS = 4.0

_MAX_ANSWER = 64 * 1024
_log = structlog.get_logger("bridge.witness")


class CopyError(RuntimeError):
    """The second place did not take the checkpoint; the text says why."""


def is_url(target: str) -> bool:
    """Whether a target of BRIDGE_AUDIT_COPIES is a witness on HTTP, not a directory."""
    return target.startswith(("http://", "https://"))


def directories(targets: Sequence[str]) -> list[Path]:
    """Those of the targets that are directories."""
    return [Path(target) for target in targets if not is_url(target)]


class _Place(ABC):
    """One second place."""

    name: str

    @abstractmethod
    async def bring(self, audit_dir: Path) -> None:
        """Bring it what it has not got yet. Raises whatever hinders that."""


class _Directory(_Place):
    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path

    async def bring(self, audit_dir: Path) -> None:
        await asyncio.to_thread(checkpoints.copy, audit_dir, self._path)


class _Witness(_Place):
    """`POST <url>/add-checkpoint`: `old <size>`, the consistency proof, a blank line, the note."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        # A password in the URL stays out of the logs.
        self.name = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
        self._url = parts._replace(path=f"{parts.path.rstrip('/')}/add-checkpoint").geturl()
        self._seen = 0

    async def bring(self, audit_dir: Path) -> None:
        signed = await asyncio.to_thread(newest, audit_dir)
        if signed is None or signed.size == 0:
            return
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
            status, text = await self._post(session, audit_dir, signed)
            if status == 409 and text.strip().isdecimal():
                # It says what it saw last. After a restart we do not know; it does.
                self._seen = int(text)
                status, text = await self._post(session, audit_dir, signed)
        if status == 422:
            raise CopyError(
                f"it refuses this log: not the continuation of what it saw (日志与其所见不符): {text[:200]}"
            )
        if not 200 <= status < 300:
            raise CopyError(f"HTTP {status}: {text.strip()[:200]}")
        self._seen = signed.size

    async def _post(self, session: aiohttp.ClientSession, audit_dir: Path, signed: Signed) -> tuple[int, str]:
        if self._seen > signed.size:
            raise CopyError(
                f"it has seen {self._seen} entries, more than the {signed.size} that are signed here: "
                "this log was cut short or put back (日志被截断或回退)"
            )
        proof = await asyncio.to_thread(Prover(audit_dir, signed).consistency, self._seen)
        lines = (f"old {self._seen}", *(base64.b64encode(node).decode() for node in proof), "", signed.note)
        async with session.post(self._url, data="\n".join(lines).encode(), allow_redirects=False) as answer:
            return answer.status, (await answer.content.read(_MAX_ANSWER)).decode(errors="replace")


class Copies:
    """All second places of one log. `start` and `finish` on one loop; `nudge` when there is a new checkpoint."""

    def __init__(self, audit_dir: Path, targets: Sequence[str]) -> None:
        self._dir = audit_dir
        self._places: list[_Place] = [
            _Witness(target) if is_url(target) else _Directory(Path(target)) for target in targets
        ]
        self._news = [asyncio.Event() for _ in self._places]
        self._tasks: list[asyncio.Task[None]] = []
        self.troubles: dict[str, str] = {}

    def start(self) -> None:
        """Begin to wait for news."""
        loop = asyncio.get_running_loop()
        for place, news in zip(self._places, self._news, strict=True):
            self._tasks.append(loop.create_task(self._serve(place, news)))

    def nudge(self) -> None:
        """There is a new checkpoint."""
        for news in self._news:
            news.set()

    async def finish(self) -> None:
        """A last try for each place that has not got the newest checkpoint, for a few seconds at most."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        left = [
            self._try(place)
            for place, news in zip(self._places, self._news, strict=True)
            if news.is_set() or place.name in self.troubles
        ]
        try:
            await asyncio.wait_for(asyncio.gather(*left), FINISH_SECONDS)
        except TimeoutError:
            _log.warning("witness.copies_unfinished", places=sorted(self.troubles))

    async def _serve(self, place: _Place, news: asyncio.Event) -> None:
        delay = FIRST_RETRY_SECONDS
        while True:
            await news.wait()
            news.clear()
            if await self._try(place):
                delay = FIRST_RETRY_SECONDS
                continue
            try:
                await asyncio.wait_for(news.wait(), delay)
            except TimeoutError:
                news.set()
            delay = min(2 * delay, LAST_RETRY_SECONDS)

    async def _try(self, place: _Place) -> bool:
        try:
            await place.bring(self._dir)
        except Exception as error:
            self._say(place.name, f"{type(error).__name__}: {error}")
            return False
        if self.troubles.pop(place.name, None) is not None:
            _log.info("witness.copied_again", place=place.name)
        return True

    def _say(self, place: str, why: str) -> None:
        if self.troubles.get(place) != why:
            _log.error("witness.not_copied", place=place, why=why, effect="tried again; sealing goes on")
        self.troubles[place] = why
