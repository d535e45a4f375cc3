"""What should have come of it, reckoned a second time: a small calendar and a small reading of the rules, which share
nothing with the product's. Only the stories of `tests.month.city` are understood."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from schemas.base import SHANGHAI
from schemas.event import EventType as E
from schemas.petition import HandlingClass
from tests.month.city import END, Brought, Told

_OFF = {date(2026, 9, 25), *(date(2026, 10, day) for day in (1, 2, 5, 6, 7))}
_MAKE_UP = {date(2026, 9, 20), date(2026, 10, 10)}
_DAY = timedelta(days=1)
_FOREVER = datetime(2100, 1, 1, tzinfo=SHANGHAI)
_TAKEN_ON = {E.ACCEPTED, E.DISPATCHED, E.SIGNED, E.PROGRESSED, E.RETURN_REQUESTED, E.RETURNED, E.EXTENSION_REQUESTED,
             E.EXTENDED, E.REPLIED, E.CLOSED}  # fmt: skip
_SEEN = {E.SIGNED, E.PROGRESSED, E.RETURN_REQUESTED, E.EXTENSION_REQUESTED, E.REPLIED, E.CLOSED}

Card = tuple[str, datetime]


def worked(day: date) -> bool:
    return day in _MAKE_UP or (day.weekday() < 5 and day not in _OFF)


def nth(day: date, count: int) -> date:
    """The n-th working day after (before: a negative n) this one."""
    step = _DAY if count > 0 else -_DAY
    while count:
        day += step
        if worked(day):
            count += -1 if count > 0 else 1
    return day


def evening(day: date) -> datetime:
    return datetime.combine(day, time(23, 59, 59), SHANGHAI)


def morning(day: date) -> datetime:
    return datetime.combine(day, time.min, SHANGHAI)


@dataclass(frozen=True, slots=True)
class Span:
    """A deadline while it is in force."""

    clock: str
    start: datetime
    end: datetime
    due: datetime

    def cards(self) -> Iterator[Card]:
        if self.clock != "reply":
            marks = [("urge", self.due)]
        else:
            last = self.due.date()
            before = datetime.combine(nth(last, -1), self.due.timetz())
            marks = [("yellow", before), ("red", morning(nth(last, 1))), ("black", morning(nth(last, 6)))]
        for level, moment in marks:
            at = max(moment, self.start)
            if at < self.end:
                yield level, at


@dataclass(frozen=True, slots=True)
class Reckoned:
    """`cards` until the end of the month's run, in order; `due` when the newest reply is due; `noes` how often the
    citizen said no."""

    cards: list[Card]
    due: datetime
    noes: int
    overnight: bool


def reckon(brought: Brought) -> Reckoned:
    steps = [told for told in brought.told if told.data.get("role") != "assist" and told.at <= END]
    begin, overnight = brought.at, False
    if brought.handling_class is HandlingClass.ON_SITE:
        midnight = morning(brought.at.date() + _DAY)
        if any(told.type is E.CLOSED and told.at < midnight for told in steps):
            return Reckoned([], evening(brought.at.date()), 0, overnight=False)
        begin, overnight = midnight, True
    spans = [*_accept(begin, steps), *_sign(begin, steps)]
    replies, noes = _reply(brought.at, begin, steps)
    cards = [card for span in (*spans, *replies) for card in span.cards() if brought.heard <= card[1] <= END]
    return Reckoned(sorted(cards, key=lambda card: card[1]), replies[-1].due, noes, overnight)


def _first(steps: Iterable[Told], types: set[E], after: datetime) -> datetime:
    return next((told.at for told in steps if told.type in types and told.at >= after), _FOREVER)


def _accept(begin: datetime, steps: list[Told]) -> Iterator[Span]:
    yield Span("accept", begin, _first(steps, _TAKEN_ON, begin), evening(nth(begin.date(), 1)))


def _sign(begin: datetime, steps: list[Told]) -> Iterator[Span]:
    """Whoever is asked has a working day to sign: from the start, each new dispatch, a return, a re-handling."""
    starts = [begin, *(told.at for told in steps if told.type in (E.DISPATCHED, E.RETURNED)), *_again(steps)]
    ended = _first(steps, {E.CLOSED}, begin)
    starts = sorted(start for start in starts if start < ended)
    for number, start in enumerate(starts):
        following = starts[number + 1] if number + 1 < len(starts) else _FOREVER
        yield Span("sign", start, min(following, _first(steps, _SEEN, start)), evening(nth(start.date(), 1)))


def is_no(told: Told) -> bool:
    """Whether the citizen says that it is not solved or not satisfied; nobody says it in the citizen's place."""
    no = told.data.get("satisfaction") == "unsatisfied" or told.data.get("resolved") == "no"
    return no and told.actor not in ("unit", "system")


def _again(steps: list[Told]) -> list[datetime]:
    """When the bridge heard a no after an answer: the next round begins."""
    found, replied = [], False
    for told in steps:
        if told.type is E.REPLIED:
            replied = True
        elif replied and is_no(told):
            found.append(told.heard)
            replied = False
    return found


def _reply(submitted: datetime, begin: datetime, steps: list[Told]) -> tuple[list[Span], int]:
    """Five working days a round, and what was granted on top while it was not answered."""
    again = _again(steps)
    spans: list[Span] = []
    for start in (begin, *again):
        counted_from = submitted if start == begin else start
        end = _first(steps, {E.REPLIED, E.CLOSED}, start)
        due, since = evening(nth(counted_from.date(), 5)), start
        for told in steps:
            if told.type is E.EXTENDED and start <= told.at < end:
                spans.append(Span("reply", since, told.at, due))
                due, since = evening(nth(due.date(), int(told.data["extend_by"]["amount"]))), told.at
        spans.append(Span("reply", since, end, due))
    return spans, len(again)


# ── supervision ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Crowd:
    """What came at one moment and made a group reach a step: so many of these petitions are supervised for it."""

    why: str
    keys: frozenset[str]
    supervised: int


def supervised(everybody: list[Brought]) -> tuple[dict[str, set[str]], list[Crowd]]:
    """Petition → why it is supervised for what it went through itself; and the crowds."""
    found: dict[str, set[str]] = defaultdict(set)
    for brought in everybody:
        reckoned = reckon(brought)
        if sum(level == "red" for level, _ in reckoned.cards) >= 2:
            found[brought.key].add("long_pending")
        if reckoned.noes >= 2:
            found[brought.key].add("unsatisfied")
    crowds = _crowds([one for one in everybody if one.hot], 10, timedelta(days=30), "hot")
    by_person: dict[int, list[Brought]] = defaultdict(list)
    for one in everybody:
        if one.person is not None:
            by_person[one.person].append(one)
    for group in by_person.values():
        crowds += _crowds(group, 3, timedelta(days=180), "repeated")
    return dict(found), crowds


def _crowds(group: list[Brought], many: int, window: timedelta, why: str) -> list[Crowd]:
    """The one with which there are so many is supervised, then the one with which there are twice as many as when it
    was said before in the window. Of what came at one moment nobody can say which was first."""
    said: list[datetime] = []
    found = []
    for moment in sorted({one.heard for one in group}):
        keys = frozenset(one.key for one in group if one.heard == moment)
        before = sum(moment - window < one.heard < moment for one in group)
        told = 0
        for rank in range(before + 1, before + len(keys) + 1):
            recent = told + sum(moment - window < one for one in said)
            told += rank >= many * 2**recent
        said += [moment] * told
        if told:
            found.append(Crowd(why, keys, told))
    return found
