"""The clock of the reply within one round: when it started, what was granted, and while what it stood still."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bridge.rules.calendar import Calendar, Moment
from bridge.rules.extensions import Grant, Tellings, extended
from bridge.rules.profiles import Profile
from bridge.rules.term import Term, Unit


@dataclass(frozen=True, slots=True)
class _Named:
    """A deadline that a system named."""

    at: datetime


@dataclass(frozen=True, slots=True)
class _Stood:
    """A pause that is over."""

    since: datetime
    until: datetime


class ReplyClock:
    """Keeps what happened, not what came of it: the deadline is computed from here, by whatever profile holds now.

    `given` are deadlines that systems named, `grants` the extensions, `tellings` which of them another system may tell
    again.
    """

    def __init__(self, start: datetime) -> None:
        self.start = start
        self.tellings = Tellings()
        self.paused_since: datetime | None = None
        self.stopped_at: datetime | None = None
        self._reasons: set[str] = set()
        self._happened: list[_Named | _Stood | Grant] = []

    @property
    def given(self) -> list[datetime]:
        return [one.at for one in self._happened if isinstance(one, _Named)]

    @property
    def grants(self) -> list[Grant]:
        return [one for one in self._happened if not isinstance(one, (_Named, _Stood))]

    @property
    def runs(self) -> bool:
        return self.stopped_at is None and self.paused_since is None

    def name(self, due: datetime) -> None:
        """A system names a date by which it wants the reply."""
        self._happened.append(_Named(due))

    def grant(self, grant: Grant) -> None:
        self._happened.append(grant)

    def pause(self, reason: str, at: datetime) -> bool:
        """Whether the clock stands still from now on."""
        if self.stopped_at is not None:
            return False
        self._reasons.add(reason)
        if self.paused_since is not None:
            return False
        self.paused_since = at
        return True

    def resume(self, reasons: Iterable[str], at: datetime) -> bool:
        """Whether the clock goes on from now on: it does when the last reason is gone."""
        self._reasons -= set(reasons)
        if self.paused_since is None or self._reasons:
            return False
        self._happened.append(_Stood(self.paused_since, at))
        self.paused_since = None
        return True

    def stop(self, at: datetime) -> None:
        """Answered or ended; the first time is what counts."""
        self._reasons.clear()
        self.paused_since = None
        self.stopped_at = self.stopped_at or at

    def due(self, profile: Profile, calendar: Calendar) -> Moment:
        """The deadline: the profile's term, an earlier one that a system named, pauses, and extensions up to the most
        that the profile allows."""
        plain, due = self._reckon(profile, calendar)
        return min(due, _latest(plain, profile, calendar), key=_when)

    def is_capped(self, profile: Profile, calendar: Calendar) -> bool:
        """Whether more was granted than the profile allows."""
        plain, due = self._reckon(profile, calendar)
        return due.at > _latest(plain, profile, calendar).at

    def _reckon(self, profile: Profile, calendar: Calendar) -> tuple[Moment, Moment]:
        """The deadline without the extensions, and with all of them. In the order in which it happened: whoever names a
        date has counted what was granted, and how long the clock stood, before."""
        plain = due = calendar.due(self.start, profile.reply)
        for one in self._happened:
            if isinstance(one, _Named):
                plain, due = (min(moment, Moment(one.at), key=_when) for moment in (plain, due))
            elif isinstance(one, _Stood):
                plain, due = (_put_off(moment, one, profile.reply.unit, calendar) for moment in (plain, due))
            else:
                due = extended(due, one, calendar)
        return plain, due


def _latest(plain: Moment, profile: Profile, calendar: Calendar) -> Moment:
    return calendar.put_off(plain, profile.extension) if profile.extension is not None else plain


def _put_off(due: Moment, pause: _Stood, unit: Unit, calendar: Calendar) -> Moment:
    if unit is Unit.HOURS:
        return Moment(due.at + max(pause.until - pause.since, timedelta(0)), due.provisional)
    days, guessed = calendar.between(pause.since, pause.until, unit)
    due = calendar.put_off(due, Term(Decimal(days), unit)) if days else due
    return Moment(due.at, due.provisional or guessed)


def _when(moment: Moment) -> datetime:
    return moment.at
