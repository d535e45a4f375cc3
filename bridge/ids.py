"""The bridge's own numbers. Petition ids are read aloud by citizens; event and hand-off ids are computed, not drawn."""

import hashlib
import re
import secrets
from datetime import datetime
from uuid import UUID, uuid5

from schemas.base import shanghai

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_EVENTS = UUID("6b1f0c1e-5d0a-5c3e-9a57-6c1a1e5b0001")
MAX_KEY = 512
"""Characters of a key or number from outside that are kept as they are."""

PETITION_ID = re.compile(r"LT[0-9]{6}-[0-9A-HJKMNP-TV-Z]{10}")
"""The shape of a petition id: `LT`, the day it was taken in, 50 random bits without I, L, O, U."""


def petition_id(taken_at: datetime) -> str:
    """A new petition's number, e.g. `LT261122-7K3M9QX2AB`; the day is the city's."""
    bits = secrets.randbits(50)
    tail = "".join(_CROCKFORD[bits >> shift & 31] for shift in range(45, -1, -5))
    return f"LT{shanghai(taken_at):%y%m%d}-{tail}"


def event_id(system: str, message_key: str) -> UUID:
    """The event that a system's message with this key becomes: the same message can never become two."""
    return uuid5(_EVENTS, f"{system}\n{message_key}")


def handoff_id(event: UUID, system: str) -> UUID:
    """The duty to tell `system` this event: the same duty can never exist twice (ARCHITECTURE 2)."""
    return uuid5(event, system)


def still_merged_id(rehandled: str) -> UUID:
    """The event which says that the member that begins anew with this one remains a member (并单): only the systems
    need it, people have been told."""
    return event_id("bridge", f"still_merged:{rehandled}")


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold and index it as it is."""
    return len(text) <= MAX_KEY and "\x00" not in text


def storable(text: str) -> str:
    """An outside system's key or number as PostgreSQL can hold and index it: U+0000 becomes its visible sign (␀), and
    what is too long for an index is cut, its digest behind it. The same text always gives the same."""
    if is_storable(text):
        return text
    if len(text) > MAX_KEY:
        text = f"{text[: MAX_KEY // 2]}…{digest(text.encode('utf-8', 'surrogatepass'))}"
    return text.replace("\x00", "\u2400")


def digest(data: bytes) -> str:
    """SHA-256 as lower-case hex."""
    return hashlib.sha256(data).hexdigest()
