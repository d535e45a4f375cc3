"""A body of the message server, XML or JSON, read into one flat message."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.wechat import markup
from bridge import strictjson
from schemas.base import SHANGHAI

XML, JSON = "xml", "json"

_NUMBER = re.compile(r"[0-9A-Za-z_-]{1,64}")
_OPENID = re.compile(r"[^\x00-\x20\x7f]{1,128}")
_SECONDS = re.compile(r"[0-9]{1,10}")
_LONGEST_INTEGER = 256  # bits

# A message is sent again within seconds, never after hours. A clock further off than this is not believed.
_OLDEST, _NEWEST = timedelta(days=1), timedelta(minutes=5)


class BadMessage(ValueError):
    """The body is not a message of the dialect; the text says why and what to do, and quotes no value."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message or event. `fields` are all leaves (`Outer.Inner` for nested ones), `items` the entries of `List`."""

    dialect: str
    fields: Mapping[str, str]
    items: tuple[Mapping[str, str], ...] = ()

    def get(self, name: str) -> str:
        """The field as it came, "" if it is not there."""
        return self.fields.get(name, "")

    def word(self, name: str) -> str:
        """The field without surrounding blanks, as for names and codes."""
        return self.fields.get(name, "").strip()

    @property
    def kind(self) -> str:
        return self.word("MsgType").casefold()

    @property
    def sender(self) -> str:
        return self.word("FromUserName")

    @property
    def account(self) -> str:
        return self.word("ToUserName")

    @property
    def event(self) -> str:
        return self.word("Event")

    @property
    def event_key(self) -> str:
        return self.word("EventKey")

    @property
    def number(self) -> str:
        """`MsgId` of a message, `MsgID` of a delivery event; "" for other events."""
        return self.word("MsgId") or self.word("MsgID")

    @property
    def key(self) -> str:
        """What makes the platform's repeat of it the same message (DOMAIN 3.1), with no openid readable in it."""
        if self.kind != "event" and self.number:
            return f"msg:{self.number}"
        names = ("FromUserName", "CreateTime", "MsgType", "Event", "EventKey")
        parts = [*(self.word(name) for name in names), self.number, self.get("Content"), self.word("MediaId")]
        digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]
        return f"{'event' if self.kind == 'event' else 'msg'}:sha256:{digest}"

    def created(self, received_at: datetime) -> datetime:
        """When it was written; `received_at` where `CreateTime` is missing, unreadable or far off."""
        seconds = self.word("CreateTime")
        if not _SECONDS.fullmatch(seconds):
            return received_at
        at = datetime.fromtimestamp(int(seconds), SHANGHAI)
        return at if received_at - _OLDEST <= at <= received_at + _NEWEST else received_at


def document(body: bytes) -> tuple[str, dict[str, Any]]:
    """Which of the two formats it is, and its content. Raises `BadMessage`."""
    try:
        if _first(body) == "{":
            return JSON, strictjson.loads_object(body)
        return XML, markup.read(body)
    except (strictjson.BadJson, markup.BadMarkup) as error:
        raise BadMessage(str(error)) from None


def _first(body: bytes) -> str:
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if not start:
        raise BadMessage("the body is empty (请求体为空)")
    return chr(start[0])


def message(body: bytes) -> Message:
    """The message in a (decrypted) body. Raises `BadMessage`."""
    dialect, content = document(body)
    return _checked(Message(dialect, dict(_leaves(content)), tuple(_items(content))))


def _leaves(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        elif value is not None and not isinstance(value, list):
            yield prefix + name, _text(value)


def _items(content: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    # The JSON form writes one entry as an object and several as an array; the XML form nests them one deeper.
    for name, value in content.items():
        if name == "List":
            entries = value if isinstance(value, list) else [value]
            yield from (dict(_leaves(entry)) for entry in entries if isinstance(entry, dict))
        elif isinstance(value, dict):
            yield from _items(value)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > _LONGEST_INTEGER:
        raise BadMessage("a number is too long (数值过长)")
    return str(value)


def _checked(found: Message) -> Message:
    if not found.kind:
        raise BadMessage("MsgType is missing (缺少MsgType)")
    if not _OPENID.fullmatch(found.sender):
        raise BadMessage("FromUserName is missing or no openid (缺少FromUserName或其不是openid)")
    if found.number and not _NUMBER.fullmatch(found.number):
        raise BadMessage("MsgId is not a number (MsgId不是数字)")
    if found.kind == "event" and not found.event:
        raise BadMessage("Event is missing (缺少Event)")
    return found
