"""Who may call the sandboxed hotline: its SM2 key, the client door, the tokens it has given."""

import secrets
import time
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from adapters.hotline12345 import envelope, sm2
from adapters.hotline12345.settings import HotlineSettings

LIFETIME = 24_000


class Gate:
    def __init__(self, settings: HotlineSettings) -> None:
        self._client_id = settings.client_id
        self._secret = settings.client_secret.get_secret_value()
        self._private, self._public = sm2.new_keys()
        self._tokens: dict[str, float] = {}
        self.lifetime = LIFETIME
        self.granted = 0

    async def public_key(self, request: Request) -> Response:
        return _json(envelope.document("data", message=self._public))

    async def client(self, request: Request) -> Response:
        try:
            asked = orjson.loads(await request.body())
        except orjson.JSONDecodeError:
            asked = None
        return _json(self._judged(asked if isinstance(asked, dict) else {}))

    def admits(self, request: Request) -> bool:
        """By the token in the query or in a header, and as long as it lives."""
        shown = request.query_params.get("egova_openapi_token") or request.query_params.get("token")
        if shown is None:
            header = request.headers.get("x-egova-authorization") or request.headers.get("authorization") or ""
            shown = header.removeprefix("Bearer ")
        return self._tokens.get(shown, 0.0) > time.monotonic()

    def forget_tokens(self) -> None:
        """All tokens given are void from now on, as after a restart over there."""
        self._tokens.clear()

    def _judged(self, asked: dict[str, Any]) -> dict[str, Any]:
        uid = asked.get("uid")
        if not self._is_client(asked):
            return envelope.document(uid, envelope.BAD_CLIENT, "客户端认证失败")
        token = secrets.token_urlsafe(20)
        self._tokens[token] = time.monotonic() + self.lifetime
        self.granted += 1
        told = {
            "access_token": token,
            "token_type": "bearer",
            "refresh_token": secrets.token_urlsafe(20),
            "expires_in": self.lifetime,
            "scope": "egova",
        }
        return envelope.document(uid, result={"token": told})

    def _is_client(self, asked: dict[str, Any]) -> bool:
        try:
            secret = sm2.decrypt(self._private, str(asked.get("client_secret")))
        except sm2.BadCiphertext:
            return False
        right = secrets.compare_digest(secret.encode(), self._secret.encode())
        return right and asked.get("client_id") == self._client_id and asked.get("grant_type") == "client_credentials"


def _json(document: Any) -> Response:
    return Response(orjson.dumps(document), media_type="application/json")
