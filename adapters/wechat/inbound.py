"""The doors of the service account: its message server and the form back end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from adapters.wechat import conversation, form, wire
from adapters.wechat.crypto import BadCipher, MessageKey, matches, open_with, signature
from adapters.wechat.form import FormDoor
from adapters.wechat.passive import Passive
from adapters.wechat.settings import WechatSettings, secret
from adapters.wechat.turn import Turn
from adapters.wechat.words import Words
from bridge.adapter import Answered, Door, Malformed, Read, Reading, Refused, Request, Response

PATH = "/in/wechat"
TEXT = "text/plain; charset=utf-8"
PATIENCE_SECONDS = 4.5
"""The platform cuts the connection after 5 seconds and sends the message again, three times in all (DOMAIN 3.1)."""
PLAIN_TYPES = frozenset({"", "raw"})


@dataclass(frozen=True, slots=True)
class Opened:
    """An authenticated body in the clear, and the key that opened it (None: it came plain)."""

    body: bytes
    key: MessageKey | None = None


class WechatInbound:
    """Reads what the service account's server and the form back end send. Pure."""

    doors: Sequence[Door] = (Door(PATH, ("GET", "POST"), PATIENCE_SECONDS), Door(form.PATH))

    def __init__(self, settings: WechatSettings, words: Words) -> None:
        self._token = secret(settings.token)
        self._keys = _keys(settings)
        self._encrypted_only = settings.require_encryption
        self._form = FormDoor(secret(settings.inbound_key))
        self._words = words
        self._window = timedelta(minutes=settings.window_minutes)

    def read(self, request: Request) -> Read:
        if request.path.rstrip("/") == form.PATH:
            return Read(self._form.read(request))
        if not self._token:
            return Read(_refused("no_token_configured"))
        return Read(self._handshake(request) if request.method == "GET" else self._message(request))

    def too_large(self, request: Request) -> Response:
        if request.path.rstrip("/") == form.PATH:
            return form.problem(413, "Send less than 1 MiB; attachments by reference / 请小于1MiB，附件请用链接")
        return Response(413, "the body is over 1 MiB / 请求体超过1MiB".encode(), TEXT)

    def unavailable(self, request: Request) -> Response:
        if request.path.rstrip("/") == form.PATH:
            return form.problem(503, "Nothing was kept; send the same document again / 未保存，请原样重新提交")
        return Response(503, "nothing was kept, please send it again / 未保存，请重新推送".encode(), TEXT)

    # ── the handshake ──
    def _handshake(self, request: Request) -> Reading:
        echo = request.query.get("echostr", "")
        if "msg_signature" in request.query and self._keys:
            return self._sealed_handshake(request, echo)
        if not self._signed(request, "signature"):
            return _refused("bad_signature")
        return Answered(Response(200, echo.encode("utf-8", "replace"), TEXT))

    def _sealed_handshake(self, request: Request, echo: str) -> Reading:
        if not self._signed(request, "msg_signature", echo):
            return _refused("bad_signature")
        try:
            return Answered(Response(200, open_with(self._keys, echo)[0], TEXT))
        except BadCipher:
            return _refused("bad_echostr")

    def _signed(self, request: Request, name: str, *words: str) -> bool:
        query = request.query
        given = query.get(name, "")
        expected = signature(self._token, query.get("timestamp", ""), query.get("nonce", ""), *words)
        return bool(given) and matches(expected, given)

    # ── messages ──
    def _message(self, request: Request) -> Reading:
        opened = self._open(request)
        if not isinstance(opened, Opened):
            return opened
        try:
            message = wire.message(opened.body)
            answer = Passive(message, request.received_at, self._token, opened.key)
            return conversation.read(Turn(message, request.received_at, answer, self._words, self._window))
        except wire.BadMessage as error:
            return _malformed(str(error))
        except ValueError:
            return _malformed("the message is longer than a petition can be (内容超出长度限制)")

    def _open(self, request: Request) -> Opened | Refused | Malformed:
        encryption = request.query.get("encrypt_type", "")
        if encryption == "aes":
            return self._open_sealed(request)
        if encryption not in PLAIN_TYPES:
            return _refused("unknown_encrypt_type")
        if self._encrypted_only:
            return _refused("plain_not_allowed")
        return Opened(request.body) if self._signed(request, "signature") else _refused("bad_signature")

    def _open_sealed(self, request: Request) -> Opened | Refused | Malformed:
        # Safe and compatible mode: `signature` does not cover the body, so only `msg_signature` counts.
        try:
            encrypted = wire.document(request.body)[1].get("Encrypt")
        except wire.BadMessage:
            encrypted = None
        if not isinstance(encrypted, str) or not self._signed(request, "msg_signature", encrypted):
            return _refused("bad_msg_signature")
        try:
            return Opened(*open_with(self._keys, encrypted))
        except BadCipher as error:
            return _malformed(
                f"the message cannot be decrypted: {error}; check app_id, aes_key and previous_aes_key "
                "(消息无法解密，请核对app_id与EncodingAESKey)"
            )


def _keys(settings: WechatSettings) -> tuple[MessageKey, ...]:
    current, previous = secret(settings.aes_key), secret(settings.previous_aes_key)
    return tuple(MessageKey.of(text, settings.app_id or "") for text in (current, previous) if text)


def _refused(reason: str) -> Refused:
    return Refused(Response(401, "not authenticated / 未通过验证".encode(), TEXT), reason)


def _malformed(reason: str) -> Malformed:
    return Malformed(Response(400, reason.encode(), TEXT), reason)
