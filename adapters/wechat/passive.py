"""The passive reply (被动回复): the answer to a message, in the format and the encryption the message came with."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import orjson

from adapters.wechat.crypto import MessageKey, signature
from adapters.wechat.wire import JSON, Message
from bridge.adapter import Response

XML_TYPE = "application/xml; charset=utf-8"
MAX_REPLY_BYTES = 2047

_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]")

Seal = Callable[[bytes], str]


def success() -> Response:
    """Understood, nothing to say."""
    return Response(200, b"success", "text/plain; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Passive:
    """Answers `message`. `key` is the one that opened it; None in plain mode."""

    message: Message
    at: datetime
    token: str
    key: MessageKey | None = None

    def text(self, content: str) -> Response:
        """The citizen reads `content`."""
        clean = _fitted(_UNWRITABLE.sub("", content))
        plain = self._json(clean) if self.message.dialect == JSON else self._xml(clean)
        body = plain if self.key is None else self._sealed(self.key.encrypt(plain))
        return Response(200, body, "application/json" if self.message.dialect == JSON else XML_TYPE)

    def _seconds(self) -> str:
        return str(int(self.at.timestamp()))

    def _json(self, content: str) -> bytes:
        found = self.message
        return orjson.dumps(
            {
                "ToUserName": found.sender,
                "FromUserName": found.account,
                "CreateTime": int(self._seconds()),
                "MsgType": "text",
                "Content": content,
            }
        )

    def _xml(self, content: str) -> bytes:
        found = self.message
        return (
            f"<xml><ToUserName>{cdata(found.sender)}</ToUserName><FromUserName>{cdata(found.account)}</FromUserName>"
            f"<CreateTime>{self._seconds()}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
            f"<Content>{cdata(content)}</Content></xml>"
        ).encode()

    def _sealed(self, encrypted: str) -> bytes:
        nonce, seconds = secrets.token_hex(5), self._seconds()
        sign = signature(self.token, seconds, nonce, encrypted)
        if self.message.dialect == JSON:
            fields = {"Encrypt": encrypted, "MsgSignature": sign, "TimeStamp": int(seconds), "Nonce": nonce}
            return orjson.dumps(fields)
        return (
            f"<xml><Encrypt>{cdata(encrypted)}</Encrypt><MsgSignature>{cdata(sign)}</MsgSignature>"
            f"<TimeStamp>{seconds}</TimeStamp><Nonce>{cdata(nonce)}</Nonce></xml>"
        ).encode()


def cdata(text: str) -> str:
    """`text` as a CDATA section that nothing in it can end."""
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


def _fitted(text: str) -> str:
    # A text of 2,048 bytes or more is not delivered at all.
    data = text.encode()
    return text if len(data) <= MAX_REPLY_BYTES else data[: MAX_REPLY_BYTES - 3].decode("utf-8", "ignore") + "…"
