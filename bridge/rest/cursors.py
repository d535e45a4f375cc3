"""Cursors for lists: opaque to callers, plain inside."""

import base64
import binascii

from bridge.rest.problems import Problem


def encode(*parts: object) -> str:
    return base64.urlsafe_b64encode("\n".join(map(str, parts)).encode()).decode().rstrip("=")


def number(text: str) -> int:
    """A part that is a number. Raises `Problem` 400."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise Problem(400, "cursor: not one that this list gave; leave it out to begin anew (游标无效)")
    return int(text)


def decode(cursor: str, count: int) -> list[str]:
    """The parts of a cursor. Raises `Problem` 400."""
    try:
        parts = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split("\n")
    except (binascii.Error, ValueError):
        parts = []
    if len(parts) != count:
        raise Problem(400, "cursor: not one that this list gave; leave it out to begin anew (游标无效)")
    return parts
