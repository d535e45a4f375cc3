"""One call of the action endpoint or the dictionary: envelope, token, judgement; once more with a new token if
refused."""

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from adapters.hotline12345 import answers
from adapters.hotline12345.codes import Codes
from adapters.hotline12345.settings import HotlineSettings
from adapters.hotline12345.token import JSON, Tokens
from bridge.adapter import Permanent, Workshop
from bridge.outcall import call

ACTION_PATH = "/openapi/v1/action"
DICTIONARY_PATH = "/openapi/v1/dic"


class Client:
    def __init__(self, settings: HotlineSettings, workshop: Workshop, codes: Codes) -> None:
        self._settings = settings
        self._workshop = workshop
        self._codes = codes
        self._tokens = Tokens(settings, workshop, codes)
        self._base = (settings.base_url or "").rstrip("/")

    async def ready(self) -> None:
        """Have a token for the next call. Raises `OutboundError`."""
        if not self._settings.base_url:
            raise Permanent("no_base_url")
        await self._tokens.current()

    async def act(self, action: str, data: dict[str, Any], uid: str | None = None) -> answers.Answer:
        """The answer of a call that was taken. Raises `OutboundError`. Without `uid`, a question asked afresh."""
        body = self._body(action, data, uid or str(uuid.uuid4()))
        return await self._authenticated("POST", ACTION_PATH, {}, body)

    async def look_up(self, code: str, page: int, size: int) -> answers.Answer:
        """One page of the dictionary. Raises `OutboundError`."""
        asked = {"code": code, "pageIndex": str(page), "pageSize": str(size)}
        return await self._authenticated("GET", DICTIONARY_PATH, asked, None)

    async def _authenticated(
        self, method: str, path: str, query: Mapping[str, str], body: bytes | None
    ) -> answers.Answer:
        """The call with the present token, and once more with a new one where that is refused."""
        if not self._settings.base_url:
            raise Permanent("no_base_url")
        token = await self._tokens.current()
        try:
            return await self._call(method, path, query, body, token)
        except answers.NotAuthenticated:
            token = await self._tokens.renew(token)
        try:
            return await self._call(method, path, query, body, token)
        except answers.NotAuthenticated as error:
            raise Permanent(f"auth:{error.code}") from error

    def _body(self, action: str, data: dict[str, Any], uid: str) -> bytes:
        envelope = {"uid": uid, "senderCode": self._settings.sender_code, "action": action, "data": data}
        try:
            return orjson.dumps(envelope)
        except orjson.JSONEncodeError as error:
            raise Permanent("not_encodable") from error

    async def _call(
        self, method: str, path: str, query: Mapping[str, str], body: bytes | None, token: str
    ) -> answers.Answer:
        headers, shown = JSON, dict(query)
        if self._settings.token_in == "query":  # noqa: S105 - where it travels, not the token
            shown[self._settings.token_parameter] = token
        else:
            headers = {**JSON, "Authorization": f"Bearer {token}"}
        reply = await call(
            self._workshop.session(),
            method,
            f"{self._base}{path}{'?' if shown else ''}{urlencode(shown, quote_via=quote)}",
            timeout_seconds=self._settings.timeout_seconds,
            body=body,
            headers=headers,
        )
        return answers.judge(reply, self._codes)
