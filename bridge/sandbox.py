"""What the sandboxes share: a memory of all they were sent, moods, steps that happen after a while, a caller.

A sandbox stands in for a real system. It speaks that system's dialect on the real paths; everything under `/sandbox/`
is for whoever runs it:

    GET  /sandbox/received    what arrived, so that the outside view can be held against the ledger (?brief: counts)
    GET  /sandbox/pending     steps planned and calls to the bridge not yet answered
    GET  /sandbox/told        what the bridge has taken from it: it must all be in the ledger
    POST /sandbox/mood        how it misbehaves from now on, e.g. {"status": 500, "times": 3}
    POST /sandbox/originate   a petition starts here: the sandbox hands it to the bridge in its own dialect
    POST /sandbox/step        one step of a case now, e.g. {"petition_id": …, "step": "reply", "text": …}
"""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import aiohttp
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from schemas.base import SHANGHAI


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message the sandbox took: `key` is its idempotency key, `case` our number for the petition in it."""

    key: str
    case: str
    what: str
    number: str
    at: str
    text: str = ""


@dataclass(slots=True)
class Memory:
    """All that arrived, in order. `taken` answers a key seen before with the first answer: one effect only."""

    arrivals: list[Arrival] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    repeats: int = 0
    duplicates: int = 0
    _effects: set[tuple[str, str, str]] = field(default_factory=set)

    def taken(self, key: str) -> Any | None:
        """The first answer to `key`, or None if it is new; a repeat is counted."""
        answer = self.answers.get(key)
        if answer is not None:
            self.repeats += 1
        return answer

    def remember(self, arrival: Arrival, answer: Any, *, effect: str | None = None) -> None:
        """Keep what arrived. `effect` names what may happen only once per case: a second one is a duplicate."""
        self.answers[arrival.key] = answer
        self.arrivals.append(arrival)
        if effect is not None:
            mark = (arrival.case, arrival.what, effect)
            self.duplicates += mark in self._effects
            self._effects.add(mark)


@dataclass(slots=True)
class Mood:
    """How the sandbox misbehaves, for the next `times` calls (-1: until told otherwise), before or after the effect.

    `status` answers with that HTTP status, `delay` waits so many seconds, `reset` cuts the connection, `html` answers
    a login page with 200, `body` answers that text with 200 (a refusal in the system's own words); `after` True: the
    message has been taken all the same (a timeout after success). `content_type` is said of whatever is answered.
    """

    status: int | None = None
    delay: float = 0.0
    reset: bool = False
    html: bool = False
    body: str | None = None
    content_type: str | None = None
    after: bool = False
    retry_after: int | None = None
    times: int = 0

    def strike(self) -> bool:
        """Whether the present call is hit; counts down."""
        if self.times == 0:
            return False
        self.times -= self.times > 0
        return True

    def forged(self) -> Response | None:
        """What it answers instead of its own words; None: those."""
        if self.reset:
            return _Cut()
        if self.html:
            return Response(LOGIN_PAGE, 200, media_type="text/html")
        if self.body is not None:
            return Response(self.body, 200, media_type="application/json")
        if self.status is not None:
            more = {"Retry-After": str(self.retry_after)} if self.retry_after is not None else {}
            return Response(b"sandbox mood", self.status, headers=more)
        return None


_calls: ContextVar[list[int]] = ContextVar("calls")
"""How many tries each call of the present request to `/sandbox/originate` or `/sandbox/step` took."""

LOGIN_PAGE = "<html><head><title>登录</title></head><body><form>请登录</form></body></html>".encode()


class Sandbox:
    """The part of a sandbox that is not dialect. One per process or per test; lives on one event loop."""

    def __init__(self, system: str, bridge_url: str, pace_seconds: float, seed: int, *, autopilot: bool) -> None:
        self.system = system
        self.bridge_url = bridge_url.rstrip("/")
        self.pace = pace_seconds
        self.autopilot = autopilot
        self.random = random.Random(seed)  # noqa: S311 - play, not secrets
        self.memory = Memory()
        self.mood = Mood()
        self.originate: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]] | None = None
        self.step: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self.failed_calls = 0
        self.told: list[str] = []
        self._sequence = 0

    # ── numbers and clocks ──
    def number(self, width: int = 6) -> str:
        """The next of the sandbox's own numbers, zero-padded."""
        self._sequence += 1
        return str(self._sequence).zfill(width)

    @staticmethod
    def now() -> datetime:
        return datetime.now(SHANGHAI)

    # ── steps after a while ──
    def later(self, steps: float, action: Callable[[], Awaitable[None]]) -> None:
        """Do `action` after about `steps` paces (jittered), unless the autopilot is off."""
        if self.autopilot:
            self._spawn(self._after(self.pace * steps * self.random.uniform(0.7, 1.3), action))

    def soon(self, action: Callable[[], Awaitable[None]]) -> None:
        """Do `action` next, autopilot or not."""
        self._spawn(self._after(0.0, action))

    async def _after(self, seconds: float, action: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(seconds)
        await action()

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ── calling the bridge ──
    async def tell(
        self, method: str, path: str, body: bytes, headers: Callable[[], dict[str, str]], *, tries: int = 60
    ) -> tuple[int, bytes]:
        """Call the bridge, again and again while it is away or answers 5xx; `headers` is asked anew for each try.

        Returns the last status and body. A call given up is counted in `failed_calls`.
        """
        status, content = 0, b""
        for attempt in range(tries):
            if attempt:
                await asyncio.sleep(min(0.1 * 2 ** min(attempt, 5), 2.0))
            try:
                async with self._http().request(
                    method, self.bridge_url + path, data=body, headers=headers(), timeout=aiohttp.ClientTimeout(30)
                ) as response:
                    status, content = response.status, await response.read()
            except (aiohttp.ClientError, TimeoutError, OSError):
                continue
            if status < 500:
                self._answered(status, body, attempt + 1)
                return status, content
        self.failed_calls += 1
        return status, content

    def _answered(self, status: int, body: bytes, tries: int) -> None:
        if status < 300:
            # From now on the message is the bridge's to keep: its digest is held against the ledger's raw messages.
            self.told.append(hashlib.sha256(body).hexdigest())
        _calls.get([]).append(tries)

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession()
        return self._session

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self._session is not None:
            await self._session.close()

    # ── moods ──
    async def moody(self, handle: Callable[[], Awaitable[Response]]) -> Response:
        """`handle()` as the mood has it. Wrap every dialect handler in this."""
        if not self.mood.strike():
            return await handle()
        mood = Mood(**{**asdict(self.mood), "times": 0})
        forged = mood.forged()
        taken = await handle() if mood.after or forged is None else None
        if mood.delay:
            await asyncio.sleep(mood.delay)
        answer = forged or taken
        assert answer is not None  # noqa: S101 - one of the two was made above
        if mood.content_type:
            answer.headers["content-type"] = mood.content_type
        return answer

    # ── the runner's own paths ──
    def routes(self) -> list[Route]:
        return [
            Route("/sandbox/received", self._received),
            Route("/sandbox/pending", self._pending),
            Route("/sandbox/told", self._told),
            Route("/sandbox/mood", self._set_mood, methods=["POST"]),
            Route("/sandbox/originate", self._originate, methods=["POST"]),
            Route("/sandbox/step", self._step, methods=["POST"]),
        ]

    async def _received(self, request: Request) -> Response:
        memory = self.memory
        report = {
            "system": self.system,
            "received": len(memory.arrivals),
            "repeats": memory.repeats,
            "duplicates": memory.duplicates,
            "failed_calls": self.failed_calls,
        }
        if "brief" not in request.query_params:
            report["items"] = [asdict(arrival) for arrival in memory.arrivals]
        return _json(report)

    async def _pending(self, request: Request) -> Response:
        return _json({"pending": len(self._tasks), "failed_calls": self.failed_calls})

    async def _told(self, request: Request) -> Response:
        return _json({"system": self.system, "told": self.told})

    async def _set_mood(self, request: Request) -> Response:
        self.mood = Mood(**orjson.loads(await request.body()))
        return _json(asdict(self.mood))

    async def _originate(self, request: Request) -> Response:
        return await self._run(self.originate, request)

    async def _step(self, request: Request) -> Response:
        return await self._run(self.step, request)

    async def _run(
        self, action: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]] | None, request: Request
    ) -> Response:
        if action is None:
            return _json({"error": f"the {self.system} sandbox cannot do this"}, 404)
        calls: list[int] = []
        _calls.set(calls)
        answer = await action(orjson.loads(await request.body()))
        return _json({**answer, "tries": max(calls, default=0)})


class _Cut(Response):
    """Announces a body and never sends it: the server then cuts the connection in the middle of the answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"100"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": False})


def _json(document: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")
