"""How the sandbox's message server speaks: XML or JSON, plain, compatible or safe, with which key, and how often."""

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import orjson

from adapters.wechat import markup
from adapters.wechat.crypto import MessageKey, signature
from adapters.wechat.passive import cdata
from adapters.wechat.settings import WechatSettings, secret

ACCOUNT = "gh_sandbox000005"
Fields = Mapping[str, Any]
"""A message's fields; a mapping inside is nested, a list repeats."""

Format = Literal["xml", "json"]
Mode = Literal["safe", "compatible", "plain"]
_NUMBERS = frozenset({"CreateTime", "MsgId", "MsgID"})
_SIXTY_FOUR_BITS = re.compile("[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Manner:
    """How it speaks. `tries`: the platform sends a message again while it has no answer, up to three times in all; here
    it does so at will. `late` delays the delivery events by so many seconds."""

    format: Format = "xml"
    mode: Mode = "safe"
    key: Literal["current", "previous"] = "current"
    spelling: Literal["MsgID", "MsgId"] = "MsgID"
    tries: int = 1
    late: float = 0.0

    def __post_init__(self) -> None:
        allowed = {"format": get_args(Format), "mode": get_args(Mode), "key": ("current", "previous"),
                   "spelling": ("MsgID", "MsgId")}  # fmt: skip
        for name, values in allowed.items():
            if getattr(self, name) not in values:
                raise ValueError(f"{name} is one of {', '.join(values)}")
        if not 1 <= int(self.tries) <= 3:
            raise ValueError("tries: 1 to 3")


class Tongue:
    """Writes messages as the platform writes them, and reads the passive reply."""

    def __init__(self, settings: WechatSettings) -> None:
        self._token = secret(settings.token)
        keys = {"current": secret(settings.aes_key), "previous": secret(settings.previous_aes_key)}
        self._keys = {name: MessageKey.of(text, settings.app_id or "") for name, text in keys.items() if text}
        self.manner = Manner() if "current" in self._keys else Manner(mode="plain")

    def envelope(self, fields: Fields) -> tuple[bytes, dict[str, str], str]:
        """The body, the query, and the content type of one push."""
        manner = self.manner
        plain = as_json(fields) if manner.format == "json" else as_xml(fields)
        content_type = "application/json" if manner.format == "json" else "text/xml"
        seconds, nonce = str(int(time.time())), secrets.token_hex(5)
        query = {"signature": signature(self._token, seconds, nonce), "timestamp": seconds, "nonce": nonce}
        if manner.mode == "plain":
            return plain, query, content_type
        encrypted = self._keys[manner.key].encrypt(plain)
        query |= {"encrypt_type": "aes", "msg_signature": signature(self._token, seconds, nonce, encrypted)}
        # Compatible mode sends the clear fields beside the sealed ones.
        shown = dict(fields) if manner.mode == "compatible" else {"ToUserName": ACCOUNT}
        sealed = {**shown, "Encrypt": encrypted}
        return as_json(sealed) if manner.format == "json" else as_xml(sealed), query, content_type

    def reply(self, answer: bytes) -> str:
        """The text of a passive reply; "" for `success`. Raises `ValueError` for one that no phone would show."""
        if answer in (b"success", b""):
            return ""
        document = _document(answer)
        if "Encrypt" in document:
            words = (str(document["TimeStamp"]), str(document["Nonce"]), str(document["Encrypt"]))
            if signature(self._token, *words) != document["MsgSignature"]:
                raise ValueError("the reply's MsgSignature is wrong")
            document = _document(self._keys[self.manner.key].decrypt(str(document["Encrypt"])))
        elif self.manner.mode == "safe":
            raise ValueError("in safe mode the reply must be sealed")
        content = str(document.get("Content", ""))
        if document.get("MsgType") != "text" or len(content.encode()) > 2047:
            raise ValueError("a passive text has at most 2,047 bytes")
        return content


def as_xml(fields: Fields) -> bytes:
    return f"<xml>{_elements(fields)}</xml>".encode()


def as_json(fields: Fields) -> bytes:
    """Numbers as numbers; the JSON form has `List` at the top, an object for one entry and an array for several."""
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            entries = value["List"]
            flat["List"] = entries[0] if len(entries) == 1 else list(entries)
        else:
            flat[name] = int(value) if name in _NUMBERS and _SIXTY_FOUR_BITS.fullmatch(str(value)) else value
    return orjson.dumps(flat)


def _elements(fields: Fields) -> str:
    return "".join(_element(name, value) for name, value in fields.items())


def _element(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return f"<{name}>{_elements(value)}</{name}>"
    if isinstance(value, list | tuple):
        return "".join(_element(name, entry) for entry in value)
    return f"<{name}>{cdata(str(value))}</{name}>"


def _document(body: bytes) -> dict[str, Any]:
    return dict(orjson.loads(body)) if body[:1] == b"{" else markup.read(body)
