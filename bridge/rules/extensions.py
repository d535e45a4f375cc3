"""Extensions (延期) that two systems tell: the same one told again is no second one."""

from dataclasses import dataclass
from datetime import datetime

from bridge.rules.calendar import Calendar, Moment
from bridge.rules.term import Term
from schemas.base import shanghai

Grant = Term | datetime
"""By a term, or to a date."""


@dataclass(slots=True)
class _Told:
    """A grant: the deadline it came upon, the one it leads to, and who has told it so far."""

    before: Moment
    to: Moment
    sources: set[str]


class Tellings:
    """What was granted since more time was last asked for."""

    def __init__(self) -> None:
        self._told: list[_Told] = []

    def forget(self) -> None:
        """Whoever asks anew is granted anew."""
        self._told.clear()

    def is_again(self, grant: Grant, source: str, calendar: Calendar) -> bool:
        """Whether another system has told this grant: the same length, or the same date. Each tells it once, so what a
        system grants a second time is a second extension."""
        for one in self._told:
            if source not in one.sources and extended(one.before, grant, calendar).at == one.to.at:
                one.sources.add(source)
                return True
        return False

    def add(self, before: Moment, grant: Grant, source: str, calendar: Calendar) -> None:
        self._told.append(_Told(before, extended(before, grant, calendar), {source}))


def extended(due: Moment, grant: Grant, calendar: Calendar) -> Moment:
    """The deadline with this grant; a date that is earlier leaves it."""
    if isinstance(grant, Term):
        return calendar.put_off(due, grant)
    return max(due, Moment(shanghai(grant)), key=lambda moment: moment.at)
