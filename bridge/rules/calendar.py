"""The working-day calendar (工作日历): which days are worked, how days are counted, and how far that is known."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import chinese_calendar
from pydantic import BeforeValidator, Field, StringConstraints

from bridge.rules.table import Entry, Ruled, read
from bridge.rules.term import Term, Unit
from schemas.base import SHANGHAI, shanghai

END_OF_DAY = time(23, 59, 59)
_DAY = timedelta(days=1)
MonthDay = Annotated[str, StringConstraints(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]


def _clock_time(value: object) -> object:
    return time.fromisoformat(value) if isinstance(value, str) and value else value or None


class Count(Ruled):
    """The day-count convention (local: DOMAIN 5)."""

    receipt_day: Literal[0, 1] = 0
    cut_off: Annotated[time | None, BeforeValidator(_clock_time)] = None
    due_time: Annotated[time, BeforeValidator(_clock_time)] = END_OF_DAY


class Horizon(Ruled):
    """What is assumed of years that no notice is known for; days as `MM-DD`."""

    fixed: tuple[MonthDay, ...]
    statutory_days: int = Field(ge=1)


class Alarm(Ruled):
    """From when a missing next year is an alarm, `MM-DD`."""

    since: MonthDay = Field(alias="from")


class CalendarRules(Entry):
    """`calendar.toml`."""

    version: str
    count: Count
    horizon: Horizon
    alarm: Alarm


def rules(path: Path | None = None) -> CalendarRules:
    """The built-in table, or the city's own. Raises `BadTable`."""
    return read("calendar.toml", CalendarRules, path)


@dataclass(frozen=True, slots=True)
class Override:
    """One day of an official notice. `source_doc` is the notice's number or title."""

    day: date
    is_workday: bool
    source_doc: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time on the city's clock; `provisional` when a day was counted of which no notice is known."""

    at: datetime
    provisional: bool = False


class Calendar:
    """Immutable: loading a notice makes a new one. Remembers what it counted (as many days as petitions name)."""

    def __init__(self, rules: CalendarRules, overrides: Iterable[Override] = ()) -> None:
        self.rules = rules
        self._overrides: Mapping[date, Override] = {override.day: override for override in overrides}
        self._workdays: dict[date, bool] = {}
        self._steps: dict[tuple[date, int, Unit], tuple[date, bool]] = {}
        self._fixed = frozenset(rules.horizon.fixed)

    # ── which days are worked ──
    def is_workday(self, day: date) -> bool:
        """By the loaded notices, else by `chinesecalendar`, else Monday to Friday without the fixed statutory days."""
        known = self._workdays.get(day)
        if known is None:
            known = self._workdays[day] = self._look_up(day)
        return known

    def _look_up(self, day: date) -> bool:
        override = self._overrides.get(day)
        if override is not None:
            return override.is_workday
        if packaged(day.year):
            return bool(chinese_calendar.is_workday(day))
        return day.weekday() < 5 and f"{day:%m-%d}" not in self._fixed

    @cached_property
    def _noticed(self) -> frozenset[int]:
        """Years of which the loaded notices say enough to be whole."""
        free: dict[int, int] = {}
        for override in self._overrides.values():
            free[override.day.year] = free.get(override.day.year, 0) + (not override.is_workday)
        return frozenset(year for year, days in free.items() if days >= self.rules.horizon.statutory_days)

    def knows(self, year: int) -> bool:
        """Whether this year's official notice is known."""
        return packaged(year) or year in self._noticed

    @cached_property
    def horizon_end(self) -> date:
        """The last day before the first year of which no notice is known."""
        year = _LAST_PACKAGED
        while year + 1 in self._noticed:
            year += 1
        return date(year, 12, 31)

    def alarm(self, today: date) -> int | None:
        """The year whose notice is missing and should be loaded by now; None when all is well."""
        if not self.knows(today.year):
            return today.year
        due = f"{today:%m-%d}" >= self.rules.alarm.since
        return today.year + 1 if due and not self.knows(today.year + 1) else None

    # ── counting ──
    def due(self, received: datetime, term: Term) -> Moment:
        """When a term that starts with this receipt ends, by the convention of `calendar.toml`."""
        start = shanghai(received)
        if term.unit is Unit.HOURS:
            return Moment(start + _hours(term))
        if term.amount == 0:
            return Moment(datetime.combine(start, END_OF_DAY, SHANGHAI))
        counts = self._counting(term.unit)
        day = self._counted_from(start, term.unit)
        if self.rules.count.receipt_day == 1 and counts(day):
            # The day of receipt is day 1: counting starts on the evening before.
            day -= _DAY
        return self._end(day, term, self.rules.count.due_time)

    def later(self, moment: datetime, term: Term) -> Moment:
        """The moment put off by a term: the same time of day, so many counted days later (延期)."""
        start = shanghai(moment)
        if term.unit is Unit.HOURS:
            return Moment(start + _hours(term))
        return self._end(start.date(), term, start.timetz().replace(tzinfo=None))

    def put_off(self, due: Moment, term: Term) -> Moment:
        """A deadline put off by a term: from a provisional one it is provisional too, whatever the unit."""
        end = self.later(due.at, term)
        return Moment(end.at, due.provisional or end.provisional)

    def earlier(self, moment: datetime, term: Term) -> Moment:
        """The moment brought forward by a term: the same time of day, so many counted days earlier. Whole days only."""
        start = shanghai(moment)
        if term.unit is Unit.HOURS:
            return Moment(start - _hours(term))
        day, provisional = self._step(start.date(), -term.whole, term.unit)
        return Moment(datetime.combine(day, start.time(), SHANGHAI), provisional)

    def day_over(self, moment: datetime, term: Term) -> Moment:
        """When the n-th counted day after this deadline begins: `1WD` is the first working day over. Hours run on."""
        start = shanghai(moment)
        if term.unit is Unit.HOURS:
            return Moment(start + _hours(term))
        day, provisional = self._step(start.date(), max(term.whole, 1), term.unit)
        return Moment(datetime.combine(day, time.min, SHANGHAI), provisional)

    def between(self, start: datetime, end: datetime, unit: Unit) -> tuple[int, bool]:
        """How many counted days follow the day of `start` up to that of `end`: what a pause is worth, and whether that
        is provisional. Not for hours."""
        counts, day, last = self._counting(unit), shanghai(start).date(), shanghai(end).date()
        days = sum(counts(day + _DAY * number) for number in range(1, (last - day).days + 1))
        return days, self._guesses(day, last, unit)

    def _counted_from(self, start: datetime, unit: Unit) -> date:
        """The day that counts as the day of receipt."""
        cut_off, day = self.rules.count.cut_off, start.date()
        if unit is not Unit.WORKING_DAYS or cut_off is None:
            return day
        if self.is_workday(day) and start.time() < cut_off:
            return day
        return self._step(day, 1, unit)[0]

    def _end(self, day: date, term: Term, end: time) -> Moment:
        """The end of the last counted day after `day`; part of a day is that part of the next one, from midnight."""
        last, provisional = self._step(day, term.whole + bool(term.part), term.unit)
        if not term.part:
            return Moment(datetime.combine(last, end, SHANGHAI), provisional)
        part = timedelta(seconds=int(term.part * 86_400))
        latest = datetime.combine(last, end, SHANGHAI)
        return Moment(min(datetime.combine(last, time.min, SHANGHAI) + part, latest), provisional)

    def _step(self, day: date, days: int, unit: Unit) -> tuple[date, bool]:
        """The n-th counted day after `day` (before it: a negative n), and whether that is provisional."""
        known = self._steps.get((day, days, unit))
        if known is None:
            known = self._steps[day, days, unit] = self._count(day, days, unit)
        return known

    def _count(self, start: date, days: int, unit: Unit) -> tuple[date, bool]:
        counts, day, step = self._counting(unit), start, _DAY if days > 0 else -_DAY
        left = abs(days)
        while left:
            day += step
            left -= counts(day)
        return day, self._guesses(min(start, day), max(start, day), unit)

    def _guesses(self, first: date, last: date, unit: Unit) -> bool:
        """Whether counting from the one to the other takes days of which no notice is known."""
        years = range(first.year, last.year + 1)
        return unit is Unit.WORKING_DAYS and not all(self.knows(year) for year in years)

    def _counting(self, unit: Unit) -> Callable[[date], bool]:
        return self.is_workday if unit is Unit.WORKING_DAYS else _every_day


def _every_day(_day: date) -> bool:
    return True


def _hours(term: Term) -> timedelta:
    return timedelta(seconds=int(term.amount * 3600))


_LAST_PACKAGED: int = max(chinese_calendar.holidays).year
_PACKAGED = range(min(chinese_calendar.holidays).year, _LAST_PACKAGED + 1)


def packaged(year: int) -> bool:
    """Whether the installed `chinesecalendar` knows this year (it is loud about the others, unlike its likes)."""
    return year in _PACKAGED
