"""Which numbers in a text are a person's: every place where one may start, the longest reading of each."""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from bridge.prose import digits, papers, phones
from bridge.prose.candidate import Candidate
from bridge.prose.digits import Group
from bridge.prose.spans import Kind, Span

# Kind, how many digits it has, rule. Of two readings of one number the more particular one counts.
_RULES: tuple[tuple[Kind, range, Callable[[Candidate], int]], ...] = (
    ("id", range(15, 19), papers.identity),
    ("mobile", range(11, 18), phones.mobile),
    ("landline", range(10, 17), phones.landline),
    ("card", range(12, 22), papers.card),
    ("foreign", range(9, 18), phones.foreign),
    ("landline", range(7, 9), phones.local),
    ("landline", range(10, 13), phones.mistyped),
)
_ANY = range(21, 6, -1)
_HASH = re.compile(
    r"(?<![0-9a-z])(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?=[0-9]{0,40}[a-f])[0-9a-f]{32,128}+)(?![0-9a-z])",
    re.IGNORECASE,
)


def _lengths(first: str) -> tuple[int, ...]:
    """How long a number can be that starts with these two digits, with no word in front; the longest first."""
    lengths = set(range(10, 18)) if first[0] == "0" else set()
    if re.fullmatch(r"1[3-9]", first):
        lengths |= {11}
    if first in ("12", "17"):  # the dialling prefixes 12593, 179xx
        lengths |= {16}
    if first == "86":
        lengths |= {12, 13, 14}
    if papers.ISSUERS.match(first):
        lengths |= {16, 17, 18, 19}
    return tuple(sorted(lengths, reverse=True))


_LENGTHS = {f"{first:02}": _lengths(f"{first:02}") for first in range(100)}


def found(text: str) -> list[Span]:
    """All numbers of persons in the text, in order, apart."""
    hits = [hit for groups in digits.runs(text) for hit in _Run(text, groups).hits()]
    if not any(_is_glued(text, hit) for hit in hits):
        return hits
    # An event's id or a digest may have eleven digits in a row.
    hashes = [match.span() for match in _HASH.finditer(text)]
    return [hit for hit in hits if not any(hit.start < end and start < hit.end for start, end in hashes)]


def _is_glued(text: str, hit: Span) -> bool:
    """Whether a Latin letter or a hyphen touches it."""
    around = text[max(0, hit.start - 1) : hit.start] + text[hit.end : hit.end + 1]
    return any(each == "-" or (each.isascii() and each.isalpha()) for each in around)


class _Run:
    """A stretch of digit groups, each of which may be where a number starts or ends."""

    def __init__(self, text: str, groups: list[Group]) -> None:
        self._text = text
        self._groups = groups
        self._digits = "".join(group.digits for group in groups)
        self._starts = list(accumulate((len(group.digits) for group in groups), initial=0))
        self._index = {start: index for index, start in enumerate(self._starts)}

    def hits(self) -> Iterator[Span]:
        index = 0
        called = False  # the number before was a telephone's: another one may follow without its area code
        while index < len(self._groups):
            hit = self._longest(index, called)
            if hit is None:
                index, called = index + 1, False
                continue
            yield hit
            while index < len(self._groups) and self._groups[index].start < hit.end:
                index += 1
            called = hit.kind in ("mobile", "landline")

    def _longest(self, first: int, called: bool) -> Span | None:
        start = self._starts[first]
        for length in self._possible(first):
            if (last := self._index.get(start + length)) is not None and (hit := self._judge(first, last)):
                return hit
        for length in (8, 7) if called else ():
            if (last := self._index.get(start + length)) is not None:
                candidate = self._candidate(first, last)
                if end := phones.sibling(candidate):
                    return Span(candidate.start, end, "landline")
        return None

    def _possible(self, first: int) -> Iterable[int]:
        group = self._groups[first]
        if len(group.digits) > _ANY.start:
            return (len(group.digits),)
        if first == 0 or self._text[group.start - 1] in "+＋":
            return _ANY
        start = self._starts[first]
        lengths = _LENGTHS.get(self._digits[start : start + 2], ())
        return (18, 17, 15, *lengths) if papers.BORN.match(self._digits, start) else lengths

    def _candidate(self, first: int, last: int) -> Candidate:
        read = self._digits[self._starts[first] : self._starts[last]]
        return Candidate(self._text, tuple(self._groups[first:last]), read, leads=first == 0)

    def _judge(self, first: int, last: int) -> Span | None:
        """The span of a person's number, or None."""
        candidate = self._candidate(first, last)
        length = len(candidate.digits)
        if length > _ANY.start:
            return Span(candidate.start, candidate.end, "mixed") if papers.SEVERAL.fullmatch(candidate.digits) else None
        for kind, lengths, rule in _RULES:
            if length in lengths and (end := rule(candidate)):
                return Span(_with_sign(candidate), end, kind)
        return None


def _with_sign(candidate: Candidate) -> int:
    """Where it starts with the sign before it: `+86`, `(86)`."""
    text, start = candidate.text, candidate.start
    if start and text[start - 1] in "+＋":
        start -= 1
    if start and text[start - 1] in "(（" and candidate.closes_bracket:
        start -= 1
    return start
