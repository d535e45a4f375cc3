"""The verb `load_notice`: the days off of an official notice (放假通知) become known, and what was counted without them
is looked at again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from bridge.clock import to_ms
from bridge.ledger.tables import petitions, workdays
from bridge.ledger.work import Work
from bridge.rules.book import RuleBook
from bridge.rules.calendar import Calendar, CalendarRules, Override
from bridge.rules.notice import Notice
from bridge.rules.profiles import Profiles
from bridge.rules.term import Term, Unit
from schemas.base import SHANGHAI

LONGEST_REST = timedelta(days=14)
"""More than any days off last, with the part of a week at either end of a term."""

_DAYS = {Unit.WORKING_DAYS: timedelta(days=7 / 5), Unit.DAYS: timedelta(days=1), Unit.HOURS: timedelta(hours=1)}

_log = structlog.get_logger("bridge.notices")


@dataclass(frozen=True, slots=True)
class Loaded:
    """`days` that were written, the `years` that are known by it, how many days of these years it has `taken_away`
    because it no longer names them, and how many open petitions are `looked_at` again, of which `provisional` were
    counted without these days."""

    days: int
    years: tuple[int, ...]
    taken_away: int
    looked_at: int
    provisional: int


def load_notice(work: Work, orders: Sequence[tuple[Notice, str]]) -> list[Loaded]:
    """(notice, operator) → what came of it. A day that was loaded before is replaced, and so is all that was loaded of
    a year of which this is the whole notice."""
    return [_load(work, notice, operator) for notice, operator in orders]


def _load(work: Work, notice: Notice, operator: str) -> Loaded:
    before = loaded_days(work.conn)
    taken_away = _replace(work, notice)
    first = _first_changed(work.rules.calendar_rules, before, loaded_days(work.conn))
    looked_at, provisional = _wake(work, first) if first is not None else (0, 0)
    loaded = Loaded(len(notice.days), tuple(sorted(notice.years)), taken_away, looked_at, provisional)
    years = " ".join(map(str, loaded.years)) or "-"
    work.note("operator.calendar_loaded", actor=f"operator:{operator}", outcome="loaded",
              detail=f"days {loaded.days}, years {years}, taken away {taken_away}, looked at {looked_at}, "
                     f"provisional {provisional}")  # fmt: skip
    work.flush()
    return loaded


def _replace(work: Work, notice: Notice) -> int:
    """Write the days; how many others are gone."""
    days = [one.day.isoformat() for one in notice.days]
    # By how a row begins: one that nobody can read (`2027-01-01T00:00:00`) goes with the day or the year it meant.
    same_day = func.substr(workdays.c.day, 1, 10).in_(days)
    same_year = func.substr(workdays.c.day, 1, 4).in_([f"{year:04}" for year in notice.years])
    replaced = or_(same_day, same_year)
    old = set(work.conn.scalars(select(workdays.c.day).where(replaced)))
    # Every process learns of a notice by this number: it must be another one, whatever the clock says.
    loaded_at = max(work.now, newest(work.conn) + 1)
    work.conn.execute(delete(workdays).where(replaced))
    work.conn.execute(
        insert(workdays),
        [
            {"day": day, "is_workday": one.is_workday, "source_doc": one.source_doc, "loaded_at": loaded_at}
            for day, one in zip(days, notice.days, strict=True)
        ],
    )
    return len(old.difference(days))


def _first_changed(rules: CalendarRules, before: Sequence[Override], after: Sequence[Override]) -> date | None:
    """The first day that is counted otherwise, or with another certainty, than before."""
    old, new = Calendar(rules, before), Calendar(rules, after)
    days = {one.day for one in (*before, *after)}
    changed = [day for day in days if old.is_workday(day) != new.is_workday(day)]
    years = [date(year, 1, 1) for year in {day.year for day in days} if old.knows(year) != new.knows(year)]
    return min([*changed, *years], default=None)


def _wake(work: Work, first: date) -> tuple[int, int]:
    """Let the rules look at every open petition whose clocks or cards may have counted this day or a later one; how
    many there are, and how many of them were provisional."""
    since = to_ms(datetime.combine(first, time.min, SHANGHAI) - reach(work.rules.profiles))
    # No row tells how far its clocks and cards go, but all of them begin with a word about the petition.
    counted = or_(petitions.c.updated_at >= since, petitions.c.due_at >= since, petitions.c.provisional)
    touched = and_(petitions.c.closed_at.is_(None), counted)
    # Locks are always taken in one order: another process may be working on some of them. They are waited for: what it
    # is counting now is counted without this notice.
    locked = select(petitions.c.provisional).where(touched).order_by(petitions.c.petition_id).with_for_update()
    provisional = work.conn.scalars(locked).all()
    later = or_(petitions.c.look_at.is_(None), petitions.c.look_at > work.now)
    work.conn.execute(update(petitions).where(touched, later).values(look_at=work.now))
    return len(provisional), sum(provisional)


def reach(profiles: Profiles) -> timedelta:
    """More than can lie between the last word about a petition and its last card, by any profile."""
    return LONGEST_REST + max(
        _longest(profile.accept, profile.sign, profile.return_window, profile.reply)
        + _longest(profile.extension)
        + _longest(cards.yellow, cards.red, cards.black)
        for edition in profiles.editions
        for profile in edition.profile
        for cards in (edition.cards_of(profile),)
    )


def _longest(*terms: Term | None) -> timedelta:
    """In days of any kind: a week has five working days."""
    return max((float(term.amount) * _DAYS[term.unit] for term in terms if term is not None), default=timedelta(0))


# ── what is known ──


def loaded_days(conn: Connection) -> list[Override]:
    """The days of all notices that were loaded, in order; those that nobody can read count for nothing."""
    return [Override(day, row.is_workday, row.source_doc) for row in _rows(conn) if (day := _day(row.day)) is not None]


def unreadable_days(conn: Connection) -> list[str]:
    """What stands there for a day and is none. Loading the notice of its year again removes it."""
    return [row.day for row in _rows(conn) if _day(row.day) is None]


def _rows(conn: Connection) -> Sequence[Any]:
    return conn.execute(select(workdays).order_by(workdays.c.day)).all()


def _day(text: str) -> date | None:
    # An earlier bridge took date-times for days.
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def newest(conn: Connection) -> int:
    """When a notice was loaded last (ms); 0: never."""
    return conn.scalar(select(workdays.c.loaded_at).order_by(workdays.c.loaded_at.desc()).limit(1)) or 0


def learn(conn: Connection, book: RuleBook) -> None:
    """What was loaded since this process looked last."""
    loaded_at = newest(conn)
    if loaded_at != book.calendar_loaded_at:
        book.learn(loaded_days(conn), loaded_at)
        if days := unreadable_days(conn):
            _log.error("calendar.unreadable_days", days=days, next="bridge calendar import FILE --operator NAME")


def calendar(conn: Connection, book: RuleBook) -> Calendar:
    """The calendar with what is loaded now, for those who only read."""
    return Calendar(book.calendar_rules, loaded_days(conn))
