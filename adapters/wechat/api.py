"""The calls of the service account's API: one POST, judged by `errcode`, never by the HTTP status alone."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import aiohttp
import orjson

from adapters.wechat.messages import Wire
from adapters.wechat.policy import BadToken, judge
from adapters.wechat.token import TokenKeeper
from adapters.wechat.words import Policy
from bridge import strictjson
from bridge.adapter import Busy, Transient, Unknown
from bridge.outcall import Reply, call, refuse_http_error

JSON_HEADERS = {"Content-Type": "application/json"}


class Api:
    """Speaks to `base_url` with the keeper's token. A refused token is replaced and the call repeated once."""

    def __init__(
        self,
        base_url: str,
        keeper: TokenKeeper,
        errors: Mapping[int, Policy],
        session: Callable[[], aiohttp.ClientSession],
        now: Callable[[], datetime],
        timeout_seconds: float,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._keeper = keeper
        self._errors = errors
        self._session = session
        self._now = now
        self._timeout = timeout_seconds

    async def send(self, path: str, message: Wire, *, numbered: bool = False) -> str:
        """The `msgid` of a message, "" if the answer gives none; `numbered`: it must. Raises `OutboundError`."""
        answer = await self._authorized(path, message.model_dump(exclude_none=True))
        msgid = answer.get("msgid")
        if isinstance(msgid, int | str) and str(msgid):
            return str(msgid)
        if numbered:
            raise Unknown("no_msgid")
        return ""

    async def _authorized(self, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        token = await self._keeper.token()
        try:
            return await self._post(path, token, document)
        except BadToken:
            fresh = await self._keeper.renew(token)
        try:
            return await self._post(path, fresh, document)
        except BadToken as error:
            self._keeper.drop(fresh)
            raise Busy(error.code, error.retry_after) from None

    async def _post(self, path: str, token: str, document: Mapping[str, Any]) -> dict[str, Any]:
        url = f"{self._base}{path}?access_token={token}"
        reply = await call(
            self._session(),
            "POST",
            url,
            timeout_seconds=self._timeout,
            body=orjson.dumps(document),
            headers=JSON_HEADERS,
        )
        return judged(reply, self._errors, self._now())


def judged(
    reply: Reply, errors: Mapping[int, Policy], now: datetime, *, errcode_required: bool = True
) -> dict[str, Any]:
    """The answer's document if it says that all went well. Raises `OutboundError`."""
    refuse_http_error(reply)
    if reply.status != 200:
        raise Transient(f"http_{reply.status}")
    try:
        document = strictjson.loads_object(reply.body)
        errcode = int(document["errcode"] if errcode_required else document.get("errcode", 0))
    except (ValueError, TypeError, KeyError):
        # A login page, a proxy's notice: nobody knows what became of the message behind it.
        raise Unknown("answer_unreadable") from None
    if errcode:
        raise judge(errcode, errors, now)
    return document
