"""How what we sent fared (送达结果): the delivery events of template messages and subscribe messages."""

import re
from collections.abc import Mapping

from adapters.wechat.wire import Message
from adapters.wechat.words import Words
from bridge.adapter import Acknowledgement


def told(message: Message, words: Words) -> tuple[Acknowledgement, ...]:
    """The fate of each message that the event speaks of; none if it names none."""
    if message.items:
        # One event may tell of several subscribe messages.
        named = [(n, item.get("MsgID", "").strip(), item) for n, item in enumerate(message.items)]
        return tuple(_fate(f"{message.key}:{n}", number, _status(item), words) for n, number, item in named if number)
    return (_fate(message.key, message.number, message.word("Status"), words),) if message.number else ()


def _status(item: Mapping[str, str]) -> str:
    if item.get("ErrorCode", "").strip() == "0":
        return "success"
    return item.get("ErrorStatus", "") or f"failed:{item.get('ErrorCode', '')}"


def _fate(key: str, number: str, status: str, words: Words) -> Acknowledgement:
    failure = _failure(status, words)
    # Not parked: the next attempt goes another way, and knows by the number which message it was that failed.
    return Acknowledgement(key, number, failure, {f"failed:{number}": failure} if failure else {})


def _failure(status: str, words: Words) -> str | None:
    """`failed:user block` and `failed: system failed` (with and without the blank) become `user_block`, …"""
    said = status.casefold().removeprefix("failed:").strip()
    known = words.deliveries.get(said)
    return (known if known is not None else code(said) or "failed") or None


def code(text: str) -> str:
    """A short code of what somebody wrote: small letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", text.casefold()).strip("_")[:40]
