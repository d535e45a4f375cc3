"""The token's life: fetched once for all who wait, renewed before it expires, and once more when it is refused."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import orjson

from adapters.hotline12345 import answers, sm2
from adapters.hotline12345.codes import Codes
from adapters.hotline12345.settings import HotlineSettings
from bridge.adapter import OutboundError, Permanent, Transient, Unknown, Workshop
from bridge.outcall import Reply, call

PUBLIC_KEY_PATH = "/oauth/extras/openapi/pubkey"
CLIENT_PATH = "/oauth/extras/openapi/client"
JSON = {"Content-Type": "application/json; charset=utf-8"}

SHORTEST = timedelta(seconds=1)
MARGIN = timedelta(minutes=5)
PATIENCE = timedelta(seconds=30)


class Tokens:
    """`current` and `renew` never fetch twice at the same time; who waits shares the token, or the failure."""

    def __init__(self, settings: HotlineSettings, workshop: Workshop, codes: Codes) -> None:
        self._settings = settings
        self._workshop = workshop
        self._codes = codes
        self._lock = asyncio.Lock()
        self._token = ""
        self._never = datetime.min.replace(tzinfo=UTC)
        self._renew_at = self._expires_at = self._never
        self._flights = 0
        self._failure: OutboundError | None = None

    async def current(self) -> str:
        """A token that is good for the next call. Raises `OutboundError`; nothing has been sent then."""
        now = self._workshop.now()
        if now < self._renew_at or (now < self._expires_at and self._lock.locked()):
            return self._token
        try:
            return await self._fly(stale=self._token)
        except OutboundError:
            if now >= self._expires_at:
                raise
        # An early renewal that failed is no reason to stand still: the old token is good for a while.
        self._renew_at = min(now + PATIENCE, self._expires_at)
        return self._token

    async def renew(self, refused: str) -> str:
        """Another token than `refused`. Raises `OutboundError`; the message was refused, not taken."""
        if refused == self._token:
            self._renew_at = self._expires_at = self._never
        return await self._fly(stale=refused)

    async def _fly(self, stale: str) -> str:
        boarded = self._flights
        async with self._lock:
            if self._token != stale and self._workshop.now() < self._expires_at:
                return self._token
            if self._flights > boarded and self._failure is not None:
                # The fetch we waited for has failed: to try again at once would queue a time-out behind a time-out.
                raise self._failure.with_traceback(None)
            self._flights += 1
            try:
                await self._fetch()
            except OutboundError as error:
                self._failure = error
                raise
            self._failure = None
            return self._token

    async def _fetch(self) -> None:
        try:
            try:
                await self._apply()
            except answers.NotAuthenticated:
                # Their key pair may have changed between the two calls: once more, with the new one.
                await self._apply()
        except Unknown as error:
            # Whatever happened to the question for a token: the message itself has not been sent.
            raise Transient(f"token:{error.code}") from error
        except answers.NotAuthenticated as error:
            raise Permanent(f"token:{error.code}") from error
        except ValueError as error:
            raise Permanent("token:unusable_public_key") from error

    async def _apply(self) -> None:
        key = await self._ask("GET", PUBLIC_KEY_PATH, None)
        secret = self._settings.client_secret.get_secret_value()
        # Pure Python arithmetic of some 50 ms: not on the event loop.
        sealed = await asyncio.to_thread(sm2.encrypt, key.message, secret)
        self._keep(await self._ask("POST", CLIENT_PATH, self._application(sealed)))

    async def _ask(self, method: str, path: str, body: bytes | None) -> answers.Answer:
        url = f"{(self._settings.base_url or '').rstrip('/')}{path}"
        reply: Reply = await call(
            self._workshop.session(),
            method,
            url,
            timeout_seconds=self._settings.timeout_seconds,
            body=body,
            headers=JSON,
        )
        return answers.judge(reply, self._codes)

    def _application(self, sealed: str) -> bytes:
        return orjson.dumps(
            {
                "client_id": self._settings.client_id,
                "client_secret": sealed,
                "grant_type": "client_credentials",
                "uid": str(uuid.uuid4()),
            }
        )

    def _keep(self, granted: answers.Answer) -> None:
        token = granted.result.get("token")
        access = token.get("access_token") if isinstance(token, dict) else None
        if not isinstance(token, dict) or not isinstance(access, str) or not access:
            raise Unknown("no_token")
        lifetime = max(_seconds(token.get("expires_in")), SHORTEST)
        now = self._workshop.now()
        self._token = access
        self._expires_at = now + lifetime
        self._renew_at = self._expires_at - min(MARGIN, lifetime / 10)


def _seconds(value: object) -> timedelta:
    """`expires_in`, as a number or a string; an hour if it is neither."""
    try:
        return timedelta(seconds=min(float(str(value)), 86_400.0))
    except ValueError:
        return timedelta(hours=1)
