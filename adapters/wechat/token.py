"""The access token (DOMAIN 3.3): fetched by one caller at a time, renewed early, replaced once when it is refused."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.adapter import Busy, OutboundError

EARLY = timedelta(seconds=300)
"""The old and the new token are both valid for the last five minutes: that is when we renew."""

FORCE_PAUSE = timedelta(seconds=30)
"""`force_refresh` is allowed 20 times a day and at most every 30 seconds."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token as the system gave it."""

    value: str
    expires_in: float


Fetch = Callable[[bool], Awaitable[Token]]
"""`fetch(force_refresh)` asks the system. Raises `OutboundError`."""


class TokenKeeper:
    """Keeps the process's token. `stable_token` gives every process the same one, so keepers never fight."""

    def __init__(self, fetch: Fetch, now: Callable[[], datetime]) -> None:
        self._fetch = fetch
        self._now = now
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
                await self._refresh()
            return self._value

    async def renew(self, refused: str) -> str:
        """Another token than the refused one; whoever comes second gets what the first one fetched."""
        async with self._lock:
            if self._value != refused and self._value:
                return self._value
            self._value = ""
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
        if self._forced_at is not None and now - self._forced_at < FORCE_PAUSE:
            raise Busy("token_refused", FORCE_PAUSE.total_seconds())
        self._forced_at = now
        self._keep(await self._fetch(True))

    def _keep(self, token: Token) -> None:
        lifetime = timedelta(seconds=token.expires_in)
        self._value = token.value
        self._dies_at = self._now() + lifetime
        # `expires_in` may be as short as the overlap itself.
        self._renew_at = self._dies_at - min(EARLY, lifetime / 2)
