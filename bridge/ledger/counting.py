"""What the rules of supervision count among petitions: of one place and subject (热点), of one petitioner and subject
(反复). And the verb `gather`, which finds the groups that grew."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, func, or_, select, tuple_, update

from bridge.ledger.tables import events, petitions
from bridge.ledger.work import PetitionRow, Work
from bridge.lifecycle import ENDED
from bridge.rules.supervision import Counted, Trigger, TriggerRule

_DAY_MS = 86_400_000
_FRESH_MS = 7 * _DAY_MS
"""So long after it came a petition may still be found to be the one: the watch may have been away."""

_NOT_COUNTED = ("merged", "cancelled")
_P = petitions.c


class Counts:
    """For the petitions of one batch, with a query for each rule.

    A group says something new with the member by which it reaches the threshold, and with each by which it has doubled
    since: to say it of each would send a whole crowd to supervision one by one. It is said of that member, or, where it
    was over before the rules looked (most are settled on the spot), of the first after it that is not.
    """

    def __init__(self, work: Work, rows: Sequence[PetitionRow]) -> None:
        self._hot, self._repeated = _rule(work, "place_and_subject"), _rule(work, "petitioner_and_subject")
        fresh = [row for row in rows if row.subject_key and row.accepted_at > work.now - _FRESH_MS]
        self._places: Groups = _groups(work, self._hot, fresh, _P.place_key)
        # Keyed hashes of two uses: none is ever the other.
        self._people: Groups = _groups(work, self._repeated, fresh, _P.phone_key) | _groups(
            work, self._repeated, fresh, _P.petitioner_key
        )

    def of(self, row: PetitionRow) -> Mapping[Counted, int]:
        """How many there are of its groups with this petition, where that is to be said of it; nothing otherwise."""
        counts: dict[Counted, int] = {}
        if self._hot is not None and (count := _said_of(row, self._hot, self._places.get(_key(row, "place_key"), {}))):
            counts["place_and_subject"] = count
        if self._repeated is not None:
            mine: Group = {}
            for name in ("phone_key", "petitioner_key"):
                mine |= self._people.get(_key(row, name), {})
            if count := _said_of(row, self._repeated, mine):
                counts["petitioner_and_subject"] = count
        return counts


Group = dict[str, tuple[int, bool]]
"""A group's members: number → when it was taken in (ms), and whether nothing can be said of it any more, because it is
over and nothing was."""

Groups = dict[tuple[str, str], Group]


def _key(row: PetitionRow, name: str) -> tuple[str, str]:
    return getattr(row, name) or "", row.subject_key or ""


def _groups(work: Work, rule: TriggerRule | None, rows: Iterable[PetitionRow], column: Column[Any]) -> Groups:
    """The groups of these petitions by this column and the subject."""
    wanted = sorted({key for row in rows if (key := _key(row, column.name))[0]})
    if rule is None or not wanted:
        return {}
    query = select(column, _P.subject_key, _P.petition_id, _P.accepted_at, _P.state).where(
        tuple_(column, _P.subject_key).in_(wanted), _P.state.not_in(_NOT_COUNTED)
    )
    if rule.window_days:
        # The one by which the threshold was reached may be a window older than the newest, and has a window of its own.
        query = query.where(_P.accepted_at > work.now - _FRESH_MS - 2 * rule.window_days * _DAY_MS)
    rows_ = work.conn.execute(query).all()
    said = _supervised(work, rule, [row.petition_id for row in rows_ if row.state in ENDED])
    found: Groups = {}
    for key, subject, petition_id, accepted_at, state in rows_:
        is_over = state in ENDED and petition_id not in said
        found.setdefault((key, subject), {})[petition_id] = (accepted_at, is_over)
    return found


def _supervised(work: Work, rule: TriggerRule, petition_ids: Iterable[str]) -> set[str]:
    """Those of which the rule has spoken."""
    of_event = {str(Trigger(rule, 0).event_id(one)): one for one in petition_ids}
    query = select(events.c.event_id).where(events.c.event_id.in_(sorted(of_event)))
    return {of_event[event_id] for event_id in work.conn.scalars(query)}


def _said_of(row: PetitionRow, rule: TriggerRule, group: Group) -> int:
    """The count to be said of this petition, or 0."""
    order = sorted(group, key=lambda one: (group[one][0], one))
    if row.petition_id not in group:
        return 0
    times = [group[one][0] for one in order]
    own = order.index(row.petition_id)
    there = _rank(times, own, rule)
    near = range(own, own - there, -1)
    step = next((at for at in near if is_step(_rank(times, at, rule), rule.threshold)), None)
    return there if step is not None and all(group[one][1] for one in order[step:own]) else 0


def _rank(times: Sequence[int], at: int, rule: TriggerRule) -> int:
    """How many there were within the window when this one came, itself included."""
    if not rule.window_days:
        return at + 1
    return at + 1 - bisect_right(times, times[at] - rule.window_days * _DAY_MS)


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
