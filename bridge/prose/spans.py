"""What a search of free text finds, and how it is shown."""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

Kind = Literal["mobile", "landline", "foreign", "id", "card", "plate", "email", "account", "word", "mixed"]

STAR = "*"


class Span(NamedTuple):
    """`text[start:end]` is personal data of this kind."""

    start: int
    end: int
    kind: Kind


# What stays readable of each kind: the groups `head` and `tail` (DOMAIN 4). A form that is not spelled here is hidden
# whole: who writes a number in circled digits gets circles back, not a puzzle.
_PLAIN: dict[Kind, re.Pattern[str]] = {
    "mobile": re.compile(r"(?P<head>\d{3})\D{0,4}\d{4}\D{0,4}(?P<tail>\d{4})"),
    "landline": re.compile(r"(?P<head>[(（]?[0０]\d{2,3}[^\d*]{1,3})\d{3,4}\D{0,3}\d{2}(?P<tail>\d{2})"),
    "id": re.compile(r"(?P<head>\d{3})(?:\d{11}|\d{8})(?P<tail>\d{3}[\dXxＸｘ])"),
    "card": re.compile(r"(?P<head>)\d{12,15}(?P<tail>\d{4})"),
    "plate": re.compile(r"(?P<head>.\s?[^\W\d_]).{4,}+(?P<tail>)"),
    "email": re.compile(r"(?P<head>)[^@＠]++(?P<tail>[@＠].++)"),
}


def shown(piece: str, kind: Kind) -> str:
    """`piece` with its middle starred out: as long as before, so that positions in the text stay true."""
    plain = _PLAIN[kind].fullmatch(piece) if kind in _PLAIN else None
    if plain is None:
        return STAR * len(piece)
    head, tail = plain["head"], plain["tail"]
    return head + STAR * (len(piece) - len(head) - len(tail)) + tail


def hide(text: str, spans: Iterable[Span]) -> str:
    """The text with each of the spans (in order, apart) as `shown` has it."""
    parts: list[str] = []
    position = 0
    for start, end, kind in spans:
        parts += (text[position:start], shown(text[start:end], kind))
        position = end
    parts.append(text[position:])
    return "".join(parts)


def apart(spans: Iterable[Span]) -> list[Span]:
    """In order, those that overlap made one: a mobile number that is an e-mail address is `mixed`."""
    result: list[Span] = []
    for span in sorted(spans, key=lambda each: (each.start, -each.end)):
        if result and span.start < result[-1].end:
            last = result[-1]
            kind = last.kind if last.kind == span.kind else "mixed"
            result[-1] = Span(last.start, max(last.end, span.end), kind)
        else:
            result.append(span)
    return result
