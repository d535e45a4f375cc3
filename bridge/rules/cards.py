"""Cards (催办、黄牌、红牌、黑牌): which are due by a petition's deadlines, each once."""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bridge import ids
from bridge.rules.calendar import Calendar, Moment
from bridge.rules.deadlines import Deadlines, Due
from schemas.base import shanghai
from schemas.event import EventType, SupervisionLevel

_SOURCE = "bridge"


@dataclass(frozen=True, slots=True)
class Card:
    """One card. `at` is when it fell due, however late the watch looks; `due` the deadline it is about."""

    at: datetime
    level: SupervisionLevel
    clock: str
    round: int
    turn: int
    due: datetime

    @property
    def key(self) -> str:
        """Names the card within its petition. The date is no part of it: a corrected calendar gives no second card."""
        return f"{self.clock}:{self.level}:{self.round}:{self.turn}"

    @property
    def type(self) -> EventType:
        return EventType.URGED if self.level is SupervisionLevel.URGE else EventType.SUPERVISED

    def event_id(self, petition_id: str, unit: str = "") -> UUID:
        """The event that the card becomes: the same card can never become two. `unit`: about its part of a package."""
        return ids.event_id(_SOURCE, f"card:{petition_id}:{f'{unit}:' if unit else ''}{self.key}")


def cards_due(deadlines: Deadlines, calendar: Calendar, now: datetime, given: Container[str]) -> list[Card]:
    """The cards whose time has come and whose key is not in `given`, the earliest first."""
    return [card for card in _all(deadlines, calendar) if card.at <= now and card.key not in given]


def next_card_at(deadlines: Deadlines, calendar: Calendar, given: Container[str]) -> datetime | None:
    """When to look again if nothing happens before; None when no further card can fall due."""
    return next((card.at for card in _all(deadlines, calendar) if card.key not in given), None)


def overdue(deadlines: Deadlines, calendar: Calendar, now: datetime) -> int:
    """How often the reply was late so far: once a round, and once more after each extension (久拖不决)."""
    red = (card for card in _all(deadlines, calendar) if card.level is SupervisionLevel.RED)
    return sum(card.at <= now for card in red)


def _all(deadlines: Deadlines, calendar: Calendar) -> list[Card]:
    """Every card that has fallen due or will, each once."""
    earliest: dict[str, Card] = {}
    every = [card for due in deadlines.history for card in _of(due, calendar)]
    for card in sorted(every, key=lambda card: (card.at, _RANK[card.level])):
        earliest.setdefault(card.key, card)
    return list(earliest.values())


def _of(due: Due, calendar: Calendar) -> Iterator[Card]:
    for level, moment in _marks(due, calendar):
        if due.cards.hold_provisional and moment.provisional and level in _HELD:
            continue
        # A deadline that came into force late (an extension by half a day) has its card at once.
        at = max(shanghai(moment.at), due.since)
        if due.until is None or at < due.until:
            yield Card(at, level, due.clock, due.round, due.turn, due.at)


_RANK = {level: rank for rank, level in enumerate(SupervisionLevel)}
"""The lighter card first."""

_HELD = frozenset({SupervisionLevel.RED, SupervisionLevel.BLACK})
"""A card for being late cannot be taken back, so it waits until the days off are known."""


def _marks(due: Due, calendar: Calendar) -> Iterator[tuple[SupervisionLevel, Moment]]:
    rules = due.cards
    if due.clock != "reply":
        if rules.urge:
            yield SupervisionLevel.URGE, Moment(due.at, due.provisional)
        return
    if rules.yellow is not None:
        yield SupervisionLevel.YELLOW, _either(calendar.earlier(due.at, rules.yellow), due)
    if rules.red is not None:
        yield SupervisionLevel.RED, _either(calendar.day_over(due.at, rules.red), due)
    if rules.black is not None:
        yield SupervisionLevel.BLACK, _either(calendar.day_over(due.at, rules.black), due)


def _either(moment: Moment, due: Due) -> Moment:
    return Moment(moment.at, moment.provisional or due.provisional)
