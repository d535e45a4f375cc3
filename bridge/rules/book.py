"""The rule book (规则集): the tables in use and the working-day calendar, as one process holds them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from bridge.clock import to_ms
from bridge.rules import calendar as calendars
from bridge.rules import supervision as supervisions
from bridge.rules.calendar import Calendar, CalendarRules, Override
from bridge.rules.cards import next_card_at
from bridge.rules.deadlines import Deadlines, deadlines_for
from bridge.rules.profiles import Facts, Profiles, terms
from bridge.rules.steps import Step
from bridge.rules.supervision import SupervisionRules
from bridge.rules.term import Unit
from schemas.base import shanghai

_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Opening:
    """What a petition gets when it is taken in: its edition (frozen), profile, when the reply is due, and when the
    rules must look first. Milliseconds."""

    version: str
    profile: str
    due_at: int
    look_at: int
    provisional: bool


class RuleBook:
    """All the ledger asks. Loading a notice replaces the calendar; what was computed before it is forgotten."""

    def __init__(self, calendar_rules: CalendarRules, profiles: Profiles, supervision: SupervisionRules) -> None:
        self.calendar_rules = calendar_rules
        self.profiles = profiles
        self.supervision = supervision
        self.calendar = Calendar(calendar_rules)
        self.calendar_loaded_at = 0
        self._openings: dict[tuple[object, ...], Opening] = {}

    @classmethod
    def load(cls) -> "RuleBook":
        """The built-in tables. With the city's own in their place: `bridge.app.rulebook`."""
        return cls(calendars.rules(), Profiles.load(), supervisions.rules())

    def learn(self, days: Iterable[Override], loaded_at: int) -> None:
        """The notices that are loaded now; `loaded_at` is that of the newest (ms)."""
        self.calendar = Calendar(self.calendar_rules, days)
        self.calendar_loaded_at = loaded_at
        self._openings.clear()

    def deadlines(self, facts: Facts, steps: Iterable[Step]) -> Deadlines:
        """Raises `BadTable` when the frozen edition is gone."""
        return deadlines_for(facts, steps, self.calendar, self.profiles)

    def opening(self, facts: Facts) -> Opening:
        """For a petition without a history: remembered by day, because this is asked before a door is answered."""
        day = shanghai(facts.submitted_at).date()
        key = (day, facts.kind, facts.urgency, facts.handling_class, facts.system)
        known = self._openings.get(key)
        if known is None:
            known = self._opening(facts)
            if self._whole_days(facts, known):
                if len(self._openings) > _MOST_REMEMBERED:
                    self._openings.clear()
                self._openings[key] = known
        return known

    def _opening(self, facts: Facts) -> Opening:
        found = self.deadlines(facts, ())
        looks = [found.reply + timedelta(seconds=1)]
        if (card := next_card_at(found, self.calendar, ())) is not None:
            looks.append(card)
        return Opening(found.version, found.profile, to_ms(found.reply), to_ms(min(looks)), found.provisional)

    def _whole_days(self, facts: Facts, opening: Opening) -> bool:
        """Whether every petition of the day gets the same: hours run from the minute, and so does a cut-off."""
        choice = self.profiles.choose(facts)
        cards = (choice.cards.yellow, choice.cards.red, choice.cards.black)
        units = {term.unit for term in (*terms(choice.profile).values(), *cards) if term is not None}
        later = opening.look_at > to_ms(shanghai(facts.submitted_at).replace(hour=23, minute=59, second=58))
        return Unit.HOURS not in units and self.calendar_rules.count.cut_off is None and later


@cache
def built_in() -> RuleBook:
    """The built-in tables, without a notice."""
    return RuleBook.load()
