"""What the rules of supervision count among petitions: of one place and subject (热点), of one petitioner and subject
(反复). And the verb `gather`, which finds the groups that grew."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_, update

from bridge.ledger.tables import petitions
from bridge.ledger.work import PetitionRow, Work
from bridge.rules.supervision import Counted, TriggerRule

_DAY_MS = 86_400_000
_FRESH_MS = _DAY_MS
"""So long after it came a petition is still told from those that came after it; the window has moved on then."""

_NOT_COUNTED = ("merged", "cancelled")
_P = petitions.c


class Counts:
    """For the petitions of one batch, with a query for each rule.

    A petition counts for its group when it came: the one with which the group reached the threshold, and each with
    which it has doubled since. To say it of each would send a whole crowd to supervision one by one.
    """

    def __init__(self, work: Work, rows: Sequence[PetitionRow]) -> None:
        self._places: dict[str, int] = {}
        self._people: dict[tuple[str, str], set[tuple[int, str]]] = {}
        self._hot, self._repeated = _rule(work, "place_and_subject"), _rule(work, "petitioner_and_subject")
        fresh = [row for row in rows if row.subject_key and row.accepted_at > work.now - _FRESH_MS]
        if self._hot is not None:
            self._count_places(work, self._hot, fresh)
        if self._repeated is not None:
            self._count_people(work, self._repeated, fresh)

    def of(self, row: PetitionRow) -> Mapping[Counted, int]:
        """Which member of its groups this petition is, where that is one to be said; nothing otherwise."""
        counts: dict[Counted, int] = {}
        if self._hot is not None and is_step(rank := self._places.get(row.petition_id, 0), self._hot.threshold):
            counts["place_and_subject"] = rank
        if self._repeated is not None and is_step(rank := self._rank(row), self._repeated.threshold):
            counts["petitioner_and_subject"] = rank
        return counts

    def _rank(self, row: PetitionRow) -> int:
        """Among what this petitioner, by phone or openid, brought of the subject."""
        own = (row.accepted_at, row.petition_id)
        same = {one for key in _people(row) for one in self._people.get((key, row.subject_key or ""), ())}
        return sum(one <= own for one in same) if own in same else 0

    def _count_places(self, work: Work, rule: TriggerRule, rows: Iterable[PetitionRow]) -> None:
        wanted = {(row.place_key, row.subject_key) for row in rows if row.place_key and row.subject_key}
        if not wanted:
            return
        order = func.row_number().over(
            partition_by=(_P.place_key, _P.subject_key), order_by=(_P.accepted_at, _P.petition_id)
        )
        query = select(_P.petition_id, order).where(
            tuple_(_P.place_key, _P.subject_key).in_(sorted(wanted)), *_in_window(work, rule)
        )
        self._places = {row[0]: row[1] for row in work.conn.execute(query)}

    def _count_people(self, work: Work, rule: TriggerRule, rows: Sequence[PetitionRow]) -> None:
        for column in (_P.phone_key, _P.petitioner_key):
            wanted = {key for row in rows if (key := getattr(row, column.name))}
            if not wanted:
                continue
            query = select(column, _P.subject_key, _P.accepted_at, _P.petition_id).where(
                column.in_(sorted(wanted)), _P.subject_key.is_not(None), *_in_window(work, rule)
            )
            for key, subject, accepted_at, petition_id in work.conn.execute(query):
                self._people.setdefault((key, subject), set()).add((accepted_at, petition_id))


def is_step(rank: int, threshold: int) -> bool:
    """Whether a group says something new with its `rank`-th member: at the threshold, and at each doubling of it."""
    times, rest = divmod(rank, threshold)
    return rank > 0 and rest == 0 and times & (times - 1) == 0


def gather(work: Work, since: Sequence[int]) -> list[int]:
    """Groups that have reached a threshold and grew since then (ms): the rules look at what came since. How many
    petitions these are."""
    begin, found = min(since), 0
    for rule, columns in _grouped(work):
        key = tuple_(*columns)
        grown = select(*columns).where(_P.accepted_at >= begin, *(column.is_not(None) for column in columns)).distinct()
        full = (
            select(*columns)
            .where(key.in_(grown), *_in_window(work, rule))
            .group_by(*columns)
            .having(func.count() >= rule.threshold)
        )
        for group in work.conn.execute(full).all():
            same = and_(*(column == value for column, value in zip(columns, group, strict=True)))
            found += _look_soon(work, and_(same, _P.accepted_at >= begin))
    return [found] * len(since)


def _grouped(work: Work) -> Iterator[tuple[TriggerRule, tuple[ColumnElement[Any], ...]]]:
    hot, repeated = _rule(work, "place_and_subject"), _rule(work, "petitioner_and_subject")
    if hot is not None:
        yield hot, (_P.place_key, _P.subject_key)
    if repeated is not None:
        yield repeated, (_P.phone_key, _P.subject_key)
        yield repeated, (_P.petitioner_key, _P.subject_key)


def _look_soon(work: Work, group: ColumnElement[bool]) -> int:
    """Whoever is being worked on by another process is found the next time: locks are always taken in one order."""
    later = or_(_P.look_at.is_(None), _P.look_at > work.now)
    query = select(_P.petition_id).where(group, _P.closed_at.is_(None), later).order_by(_P.petition_id)
    found = work.conn.scalars(query.with_for_update(skip_locked=True)).all()
    if found:
        work.conn.execute(update(petitions).where(_P.petition_id.in_(found)).values(look_at=work.now))
    return len(found)


def _in_window(work: Work, rule: TriggerRule) -> list[ColumnElement[bool]]:
    counted: list[ColumnElement[bool]] = [_P.state.not_in(_NOT_COUNTED)]
    if rule.window_days:
        counted.append(_P.accepted_at > work.now - rule.window_days * _DAY_MS)
    return counted


def _rule(work: Work, counts: Counted) -> TriggerRule | None:
    """The rule that counts this, if it is on."""
    return next((rule for rule in work.rules.supervision.trigger if rule.counts == counts and rule.threshold), None)


def _people(row: PetitionRow) -> list[str]:
    return [key for key in (row.phone_key, row.petitioner_key) if key]
