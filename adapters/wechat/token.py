"""The access token (DOMAIN 3.3): fetched by one caller at a time, renewed early, replaced once when it is refused.

One at a time in this process by a lock, and over all processes by a lease in the ledger: two that renew a refused token
together would each retire what the other one got.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.adapter import Busy, OutboundError, alone

EARLY = timedelta(seconds=300)
"""The old and the new token are both valid for the last five minutes: that is when we renew."""

FORCE_PAUSE = timedelta(seconds=30)
"""`force_refresh` is allowed 20 times a day and at most every 30 seconds."""

FETCHING, FORCING = "wechat:token", "wechat:token:force"
FETCH_SECONDS = 15.0
"""How long a process has the fetching to itself; one that died holds the others up no longer."""

LOOK_SECONDS = 0.1
"""Between two looks whether the other process has finished: a lease rings no bell."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token as the system gave it."""

    value: str
    expires_in: float


Fetch = Callable[[bool], Awaitable[Token]]
"""`fetch(force_refresh)` asks the system. Raises `OutboundError`."""

Hold = Callable[[str, float], Awaitable[bool]]
"""`hold(name, seconds)`: whether this process alone has that work for so long; 0 gives it up."""


class TokenKeeper:
    """Keeps the process's token. `stable_token` gives every process the same one, so keepers never fight."""

    def __init__(self, fetch: Fetch, now: Callable[[], datetime], hold: Hold = alone) -> None:
        self._fetch = fetch
        self._now = now
        self._hold = hold
        self._lock = asyncio.Lock()
        self._value = ""
        self._renew_at = self._dies_at = now()
        self._forced_at: datetime | None = None

    async def token(self) -> str:
        """A valid token. Raises `OutboundError` if none can be had."""
        if self._value and self._now() < self._renew_at:
            return self._value
        async with self._lock:
            if not self._value or self._now() >= self._renew_at:
                async with self._the_only_one():
                    await self._refresh()
            return self._value

    async def renew(self, refused: str) -> str:
        """Another token than the refused one; whoever comes second gets what the first one fetched."""
        async with self._lock:
            if self._value != refused and self._value:
                return self._value
            self._value = ""
            async with self._the_only_one():
                # Another process may have had it replaced already: then this is the new one.
                self._keep(await self._fetch(False))
                if self._value == refused:
                    await self._force()
            return self._value

    def drop(self, refused: str) -> None:
        """Forget a token that was refused, unless another one has come since."""
        if self._value == refused:
            self._value = ""

    async def _refresh(self) -> None:
        try:
            self._keep(await self._fetch(False))
        except OutboundError:
            # The renewal is early on purpose: until the old token dies there is time for another try.
            if not self._value or self._now() >= self._dies_at:
                self._value = ""
                raise

    async def _force(self) -> None:
        now = self._now()
        self._value = ""
        recently = self._forced_at is not None and now - self._forced_at < FORCE_PAUSE
        # Never given back: for that long no process forces another one.
        if recently or not await self._hold(FORCING, FORCE_PAUSE.total_seconds()):
            raise Busy("token_refused", FORCE_PAUSE.total_seconds())
        self._forced_at = now
        self._keep(await self._fetch(True))

    @contextlib.asynccontextmanager
    async def _the_only_one(self) -> AsyncIterator[None]:
        """Alone over all processes, or after `FETCH_SECONDS` of waiting for one that does not come to an end."""
        looks = round(FETCH_SECONDS / LOOK_SECONDS)
        while looks and not await self._hold(FETCHING, FETCH_SECONDS):
            looks -= 1
            await asyncio.sleep(LOOK_SECONDS)
        try:
            yield
        finally:
            if looks:
                await self._hold(FETCHING, 0)

    def _keep(self, token: Token) -> None:
        lifetime = timedelta(seconds=token.expires_in)
        self._value = token.value
        self._dies_at = self._now() + lifetime
        # `expires_in` may be as short as the overlap itself.
        self._renew_at = self._dies_at - min(EARLY, lifetime / 2)
