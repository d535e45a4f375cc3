"""What a citizen sends, read into a petition: text, picture, voice, video, place, link."""

from collections.abc import Callable, Mapping

from adapters.wechat.wire import Message
from adapters.wechat.words import Words
from schemas.petition import Attachment, PetitionDraft, Petitioner, Place

TITLE_LENGTH = 40
MEDIA_SCHEME = "wechat-media:"
"""A MediaId as an address. The file is fetched at the system with it, for three days, by whoever holds a token."""


def spoken(message: Message) -> str | None:
    """The citizen's own words: the text, or what the system recognised in the voice. None if there are none."""
    if message.kind == "text":
        return message.get("Content")
    if message.kind == "voice":
        return message.get("Recognition") or None
    return None


def petition(message: Message, words: Words, text: str | None = None) -> PetitionDraft:
    """The draft; `text` instead of the message's own words. Raises `ValueError` (pydantic's) over the limits."""
    text = text or spoken(message)
    return PetitionDraft(
        title=title(text) if text else words.titles.get(message.kind, ""),
        content=text or _NOTES[message.kind](message, words),
        petitioner=Petitioner(openid=message.sender),
        place=_place(message) if message.kind == "location" else Place(),
        attachments=_attachments(message),
    )


def title(text: str) -> str:
    """The first line of a text, shortened."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1] + "…"


def _fixed(kind: str) -> Callable[[Message, Words], str]:
    def note(message: Message, words: Words) -> str:
        text: str = getattr(words.notes, kind)
        return text

    return note


def _location(message: Message, words: Words) -> str:
    values = {"label": message.get("Label"), "latitude": message.word("Location_X")}
    return words.notes.location.format_map({**values, "longitude": message.word("Location_Y")})


def _link(message: Message, words: Words) -> str:
    names = {"title": "Title", "description": "Description", "url": "Url"}
    return words.notes.link.format_map({ours: message.get(theirs) for ours, theirs in names.items()})


_NOTES: Mapping[str, Callable[[Message, Words], str]] = {
    "text": _fixed("voice"),
    "image": _fixed("image"),
    "voice": _fixed("voice"),
    "video": _fixed("video"),
    "shortvideo": _fixed("shortvideo"),
    "location": _location,
    "link": _link,
}
KINDS = frozenset(_NOTES)
"""The message types that are petitions."""


def _place(message: Message) -> Place:
    # Location_X is the latitude, Location_Y the longitude (GCJ-02).
    latitude, longitude = _degrees(message.word("Location_X"), 90), _degrees(message.word("Location_Y"), 180)
    both = latitude is not None and longitude is not None
    return Place(
        address=message.get("Label")[:1000] or None,
        latitude=latitude if both else None,
        longitude=longitude if both else None,
    )


def _degrees(text: str, limit: float) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) <= limit else None


_MEDIA = {
    "image": ("MediaId", "图片.jpg"),
    "voice": ("MediaId", "语音"),
    "video": ("MediaId", "视频.mp4"),
    "shortvideo": ("MediaId", "小视频.mp4"),
}


MEDIA_NAMES = frozenset({"图片.jpg", "视频.mp4", "小视频.mp4", "语音", "语音.amr", "语音.speex", "语音.silk"})
"""What a file of the conversation is called: the platform gives it no name."""


def _attachments(message: Message) -> tuple[Attachment, ...]:
    field, name = _MEDIA.get(message.kind, ("", ""))
    media, picture = message.word(field), message.word("PicUrl")
    url = picture or (MEDIA_SCHEME + media if media else "")
    if not field or not url or len(url) > 2048:
        return ()
    suffix = "." + message.word("Format").lower() if message.kind == "voice" and message.word("Format") else ""
    return (Attachment(name=(name + suffix)[:255], url=url, usage="report"),)
