"""The verb `load_notice`: the days off of an official notice (放假通知) become known, and what was counted without them
is looked at again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, delete, insert, select, update

from bridge.ledger.tables import petitions, workdays
from bridge.ledger.work import Work
from bridge.rules.book import RuleBook
from bridge.rules.calendar import Calendar, Override
from bridge.rules.notice import Notice


@dataclass(frozen=True, slots=True)
class Loaded:
    """`days` that were written, the `years` that are known by it, and how many petitions' deadlines were counted
    without them."""

    days: int
    years: tuple[int, ...]
    provisional: int


def load_notice(work: Work, orders: Sequence[tuple[Notice, str]]) -> list[Loaded]:
    """(notice, operator) → what came of it. A day that was loaded before is replaced."""
    return [_load(work, notice, operator) for notice, operator in orders]


def _load(work: Work, notice: Notice, operator: str) -> Loaded:
    rows = [
        {"day": one.day.isoformat(), "is_workday": one.is_workday, "source_doc": one.source_doc, "loaded_at": work.now}
        for one in notice.days
    ]
    work.conn.execute(delete(workdays).where(workdays.c.day.in_([row["day"] for row in rows])))
    work.conn.execute(insert(workdays), rows)
    uncertain = petitions.c.provisional & petitions.c.closed_at.is_(None)
    # Locks are always taken in one order: another process may be working on some of them.
    locked = select(petitions.c.petition_id).where(uncertain).order_by(petitions.c.petition_id).with_for_update()
    found = len(work.conn.scalars(locked).all())
    work.conn.execute(update(petitions).where(uncertain).values(look_at=work.now))
    years = tuple(sorted(notice.years))
    work.note("operator.calendar_loaded", actor=f"operator:{operator}", outcome="loaded",
              detail=f"days {len(rows)}, years {' '.join(map(str, years)) or '-'}, provisional {found}")  # fmt: skip
    work.flush()
    return Loaded(len(rows), years, found)


def loaded_days(conn: Connection) -> list[Override]:
    """The days of all notices that were loaded, in order."""
    return [
        Override(date.fromisoformat(row.day), row.is_workday, row.source_doc)
        for row in conn.execute(select(workdays).order_by(workdays.c.day))
    ]


def newest(conn: Connection) -> int:
    """When a notice was loaded last (ms); 0: never."""
    return conn.scalar(select(workdays.c.loaded_at).order_by(workdays.c.loaded_at.desc()).limit(1)) or 0


def learn(conn: Connection, book: RuleBook) -> None:
    """What was loaded since this process looked last."""
    loaded_at = newest(conn)
    if loaded_at != book.calendar_loaded_at:
        book.learn(loaded_days(conn), loaded_at)


def calendar(conn: Connection, book: RuleBook) -> Calendar:
    """The calendar with what is loaded now, for those who only read."""
    return Calendar(book.calendar_rules, loaded_days(conn))
