"""A known person's name and numbers, found in whatever form they are written."""

import re
from collections.abc import Iterable, Iterator

from bridge.prose import digits
from bridge.prose.digits import Group
from bridge.prose.spans import Span, apart, hide

_BETWEEN = re.compile(digits.BETWEEN)
_CALLED = re.compile(
    r"(?:(?:00)?86|0)?+(?P<mobile>1[3-9]\d{9})|(?:(?:00)?860?|0)(?:10|2\d|[3-9]\d\d)(?P<local>[1-9]\d{6,7})"
)
_WIDE = 0xFEE0
"""From a sign to its full-width form."""
_SHORTEST = 2
"""Characters of a word that is looked for: one alone (a surname) stands in every second line."""
_LONG = 7
"""Digits from which a number is recognised inside another one."""


def mask_words(text: str, words: Iterable[str]) -> str:
    """The text with these names and numbers starred out, also with blanks, dots or invisible signs between, in other
    widths and cases, numbers also in other scripts, with or without country or area code. Words of one character are
    left. As long as before. The work is that of the text times the words."""
    wanted = [word for word in (each.strip() for each in words) if len(word) >= _SHORTEST]
    spans = apart(span for word in wanted for span in _found(text, word))
    return hide(text, spans) if spans else text


def _found(text: str, word: str) -> Iterator[Span]:
    number = _number(word)
    yield from _digits(text, number) if number else _letters(text, word)


# ── names ──


def _letters(text: str, word: str) -> Iterator[Span]:
    signs = [_variants(character) for character in word if not _BETWEEN.fullmatch(character)]
    reached = 0
    for place in re.finditer(f"[{re.escape(signs[0])}]", text) if signs else ():
        if place.start() >= reached and (end := _end(text, signs, place.start())):
            yield Span(place.start(), end, "word")
            reached = end


def _variants(character: str) -> str:
    """The character in both cases and widths."""
    code = ord(character)
    narrow = chr(code - _WIDE) if 0xFF01 <= code <= 0xFF5E else character
    both = {narrow, narrow.upper(), narrow.lower()}
    wide = {chr(ord(each) + _WIDE) for each in both if len(each) == 1 and "!" <= each <= "~"}
    return "".join(each for each in both | wide if len(each) == 1)


def _end(text: str, signs: list[str], start: int) -> int:
    """Where the word that starts here ends, 0 if it is another one."""
    position = start
    for sign in signs:
        if position > start and (gap := _BETWEEN.match(text, position)):
            position = gap.end()
        if position >= len(text) or text[position] not in sign:
            return 0
        position += 1
    return position


# ── numbers ──


def _number(word: str) -> str:
    """The word's digits, of a telephone number those without country and area code; empty if it is not a number."""
    read = digits.only(word)
    called = _CALLED.fullmatch(read)
    return called["mobile"] or called["local"] if called else read


def _digits(text: str, number: str) -> Iterator[Span]:
    for run in digits.runs(text) if len(number) >= _LONG else digits.short_runs(text):
        yield from _in_run(run, number)


def _in_run(run: list[Group], number: str) -> Iterator[Span]:
    read = "".join(group.digits for group in run)
    place = read.find(number)
    if place < 0:
        return
    positions = [position for group in run for position in range(group.start, group.end)]
    starts, ends = {group.start for group in run}, {group.end for group in run}
    while place >= 0:
        start, end = positions[place], positions[place + len(number) - 1] + 1
        if len(number) >= _LONG or (start in starts and end in ends):
            yield Span(start, end, "word")
        place = read.find(number, place + 1)
