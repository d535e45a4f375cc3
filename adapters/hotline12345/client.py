"""One call of the action endpoint: envelope, token, judgement; once more with a new token when the old is refused."""

import uuid
from typing import Any

import orjson

from adapters.hotline12345 import answers
from adapters.hotline12345.codes import Codes
from adapters.hotline12345.settings import HotlineSettings
from adapters.hotline12345.token import JSON, Tokens, with_token
from bridge.adapter import Permanent, Workshop
from bridge.outcall import call

ACTION_PATH = "/openapi/v1/action"


class Client:
    def __init__(self, settings: HotlineSettings, workshop: Workshop, codes: Codes) -> None:
        self._settings = settings
        self._workshop = workshop
        self._codes = codes
        self._tokens = Tokens(settings, workshop, codes)
        self._url = f"{(settings.base_url or '').rstrip('/')}{ACTION_PATH}"

    async def act(self, action: str, data: dict[str, Any], uid: str | None = None) -> answers.Answer:
        """The answer of a call that was taken. Raises `OutboundError`. Without `uid`, a question asked afresh."""
        if not self._settings.base_url:
            raise Permanent("no_base_url")
        body = self._body(action, data, uid or str(uuid.uuid4()))
        token = await self._tokens.current()
        try:
            return await self._post(body, token)
        except answers.NotAuthenticated:
            token = await self._tokens.renew(token)
        try:
            return await self._post(body, token)
        except answers.NotAuthenticated as error:
            raise Permanent(f"auth:{error.code}") from error

    def _body(self, action: str, data: dict[str, Any], uid: str) -> bytes:
        envelope = {"uid": uid, "senderCode": self._settings.sender_code, "action": action, "data": data}
        try:
            return orjson.dumps(envelope)
        except orjson.JSONEncodeError as error:
            raise Permanent("not_encodable") from error

    async def _post(self, body: bytes, token: str) -> answers.Answer:
        url, headers = self._url, JSON
        if self._settings.token_in == "query":  # noqa: S105 - where it travels, not the token
            url = with_token(url, self._settings.token_parameter, token)
        else:
            headers = {**JSON, "Authorization": f"Bearer {token}"}
        reply = await call(
            self._workshop.session(),
            "POST",
            url,
            timeout_seconds=self._settings.timeout_seconds,
            body=body,
            headers=headers,
        )
        return answers.judge(reply, self._codes)
