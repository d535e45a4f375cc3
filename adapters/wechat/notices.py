"""A canonical event as a template message for one audience, every value inside the limits of its field. Pure."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from adapters.wechat.recipients import unit_of
from adapters.wechat.words import Audience, Layout, Purpose, Speaker, Words, is_time
from schemas.base import shanghai
from schemas.event import Event
from schemas.petition import Petition

MAX_THING, MAX_CODE, MAX_PHRASE, MAX_NAME = 20, 32, 5, 10
MAX_TEXT_BYTES = 2047
"""A text message of 2,048 bytes or more is not delivered."""
EMPTY = "无"
BRIDGE = "bridge"
"""The source of what the bridge itself says."""
MASK = "＊"

# Enough for any field, and for a whole text message: a reply may have 100,000 characters.
_GLIMPSE = 120
_WHOLE = MAX_TEXT_BYTES
_DIGITS = re.compile(r"\d(?:[\s\-－—]?\d){6,}")
_NOT_CODE = re.compile(r"[^\x21-\x7e]")
_HAN = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Notice:
    """One event for one audience: what it is for, and all that can be said about it (`Meaning` → text)."""

    purpose: Purpose
    audience: Audience
    values: Mapping[str, str]

    def fields(self, layout: Layout) -> dict[str, str]:
        """The fields of a template, each inside its limits."""
        return {key: fit(key, self.values[meaning]) for key, meaning in layout.items()}

    def text(self, layout: str) -> str:
        """A plain text, its empty lines left out, inside the limit of a text message."""
        lines = (line.strip() for line in layout.format_map(self.values).splitlines())
        return _bytes("\n".join(line for line in lines if line), MAX_TEXT_BYTES)


def notice(event: Event, petition: Petition, audience: Audience, words: Words, *, unreachable: bool = False) -> Notice:
    """What `audience` is told. `unreachable`: WeChat does not reach the citizen, so the owner is asked to call."""
    told = words.told(event.type, audience, said_by(event))
    values = _values(event, petition, audience)
    note = words.unreachable.note if unreachable and audience == "owner" else told.note(values)
    values |= {"note": note, "phrase": told.phrase or words.events_told.get(event.type, event.type.zh)}
    return Notice(told.purpose, audience, values)


def said_by(event: Event) -> Speaker:
    """Who speaks: the bridge itself, a person through a system, or the system."""
    if event.source == BRIDGE:
        return "bridge"
    return "petitioner" if event.actor == "petitioner" else "systems"


def _values(event: Event, petition: Petition, audience: Audience) -> dict[str, str]:
    guard = _guard(petition) if audience != "petitioner" else _told_whole
    due = event.data.due_at
    return {
        "number": petition.petition_id,
        "title": guard(petition.title or petition.content),
        "time": f"{shanghai(event.occurred_at):%Y-%m-%d %H:%M}",
        "text": guard(event.data.text or ""),
        "unit": unit_of(event, petition),
        "kind": petition.kind.zh,
        "secretary": petition.secretary.name or "",
        "class": (event.data.handling_class or petition.handling_class).zh,
        "due": f"{shanghai(due).month}月{shanghai(due).day}日" if due else "",
    }


def _told_whole(text: str) -> str:
    return text[:_WHOLE].strip()


def _guard(petition: Petition) -> Callable[[str], str]:
    """A confidential or anonymous petitioner's name and numbers are masked for everyone else."""
    petitioner = petition.petitioner
    if not (petitioner.confidential or petitioner.anonymous):
        return _told_whole
    name, phone = petitioner.name or "", petitioner.phone or ""
    secrets = [word for word in (name, phone) if len(word) > 1]

    def masked(text: str) -> str:
        # One mask for a word of any length. Cut after masking, so that no half of a number is left.
        for word in secrets:
            text = text.replace(word, MASK)
        return _told_whole(masked_digits(text[: 2 * _WHOLE]))

    return masked


def masked_digits(text: str) -> str:
    """Without anything that could be a telephone or identity number."""
    return _DIGITS.sub(MASK, text)


# ── field limits (DOMAIN 3.4) ──


def fit(key: str, text: str) -> str:
    """`text` inside the limits of the field `key`; never empty, never a line break."""
    if is_time(key):
        return text
    for prefix, fitted in _KINDS:
        if key.startswith(prefix):
            return fitted(text)
    return _thing(text)


def _line(text: str) -> str:
    return " ".join("".join(c if _visible(c) else " " for c in text[:_GLIMPSE]).split())


def _visible(character: str) -> bool:
    return (character.isascii() and character.isprintable()) or unicodedata.category(character)[0] not in "CZ"


def _short(text: str, limit: int) -> str:
    # Counted in UTF-16 units: an emoji is two, whichever way the other side counts.
    if _units(text) <= limit:
        return text
    kept = text[: limit - 1]
    while _units(kept) > limit - 1:
        kept = kept[:-1]
    return kept + "…"


def _bytes(text: str, limit: int) -> str:
    data = text.encode("utf-8", "ignore")
    return text if len(data) <= limit else data[: limit - 3].decode("utf-8", "ignore") + "…"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _thing(text: str) -> str:
    return _short(_line(text), MAX_THING) or EMPTY


def _code(text: str) -> str:
    visible = _NOT_CODE.sub("", text)
    # A UUID has 36 characters; without its hyphens it fits.
    return (visible if len(visible) <= MAX_CODE else visible.replace("-", "")[:MAX_CODE]) or "0"


def _phrase(text: str) -> str:
    return "".join(_HAN.findall(text[:_GLIMPSE]))[:MAX_PHRASE] or EMPTY


def _name(text: str) -> str:
    return "".join(_HAN.findall(text[:_GLIMPSE]))[:MAX_NAME] or EMPTY


_KINDS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("character_string", _code),
    ("phrase", _phrase),
    ("name", _name),
    ("thing", _thing),
)
