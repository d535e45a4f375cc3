"""The clock of the reply within one round: when it started, what was granted, and while what it stood still."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from bridge.rules.calendar import Calendar, Moment
from bridge.rules.extensions import Grant, Tellings, extended
from bridge.rules.profiles import Profile
from bridge.rules.term import Term, Unit


class ReplyClock:
    """Keeps what happened, not what came of it: the deadline is computed from here, by whatever profile holds now.

    `given` are deadlines that systems named, `grants` the extensions, `tellings` which of them another system may tell
    again.
    """

    def __init__(self, start: datetime) -> None:
        self.start = start
        self.given: list[datetime] = []
        self.grants: list[Grant] = []
        self.tellings = Tellings()
        self.paused_since: datetime | None = None
        self.stopped_at: datetime | None = None
        self._reasons: set[str] = set()
        self._pauses: list[tuple[datetime, datetime]] = []

    @property
    def runs(self) -> bool:
        return self.stopped_at is None and self.paused_since is None

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
        self._pauses.append((self.paused_since, at))
        self.paused_since = None
        return True

    def stop(self, at: datetime) -> None:
        """Answered or ended; the first time is what counts."""
        self._reasons.clear()
        self.paused_since = None
        self.stopped_at = self.stopped_at or at

    def due(self, profile: Profile, calendar: Calendar) -> Moment:
        """The deadline: the profile's term, an earlier one that a system named, pauses, then extensions up to the most
        that the profile allows."""
        plain = self._unextended(profile, calendar)
        return min(self._extended(plain, calendar), self._latest(plain, profile, calendar), key=_when)

    def is_capped(self, profile: Profile, calendar: Calendar) -> bool:
        """Whether more was granted than the profile allows."""
        plain = self._unextended(profile, calendar)
        return self._extended(plain, calendar).at > self._latest(plain, profile, calendar).at

    def _unextended(self, profile: Profile, calendar: Calendar) -> Moment:
        due = calendar.due(self.start, profile.reply)
        due = min([due, *map(Moment, self.given)], key=_when)
        for since, until in self._pauses:
            due = _put_off(due, since, until, profile.reply.unit, calendar)
        return due

    def _extended(self, due: Moment, calendar: Calendar) -> Moment:
        for grant in self.grants:
            due = extended(due, grant, calendar)
        return due

    def _latest(self, plain: Moment, profile: Profile, calendar: Calendar) -> Moment:
        return calendar.put_off(plain, profile.extension) if profile.extension is not None else plain


def _put_off(due: Moment, since: datetime, until: datetime, unit: Unit, calendar: Calendar) -> Moment:
    if unit is Unit.HOURS:
        return Moment(due.at + max(until - since, timedelta(0)), due.provisional)
    days, guessed = calendar.between(since, until, unit)
    due = calendar.put_off(due, Term(Decimal(days), unit)) if days else due
    return Moment(due.at, due.provisional or guessed)


def _when(moment: Moment) -> datetime:
    return moment.at
