"""What the rules of supervision count among petitions: of one place and subject (热点), of one petitioner and subject
(反复). And the verb `gather`, which finds the groups that grew."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, func, or_, select, tuple_, update

from bridge.ledger.tables import events, petitions
from bridge.ledger.work import PetitionRow, Work
from bridge.lifecycle import ENDED
from bridge.rules.supervision import Counted, Trigger, TriggerRule

_DAY_MS = 86_400_000
_FRESH_MS = 7 * _DAY_MS
"""So long after it came a petition may still be found to be the one: the watch may have been away."""

_AT_ONCE = 5_000
"""So many ids in one question: PostgreSQL takes no more than 65,535."""

_NOT_COUNTED = ("merged", "cancelled")
_P = petitions.c


@dataclass(frozen=True, slots=True)
class Member:
    """Of a group: when it was taken in (ms), whether it `counts` (what was merged or cancelled does not), whether the
    rule has `said` it of this one, and whether it is `over`, so that it cannot any more."""

    at: int
    counts: bool = True
    said: bool = False
    over: bool = False


Group = dict[str, Member]
Groups = dict[tuple[str, str], Group]


class Counts:
    """For the petitions of one batch, with a query for each rule.

    A group says something new with the member by which it reaches the threshold, and with each by which it has doubled
    since: to say it of each would send a whole crowd to supervision one by one. It is said of that member, or, where it
    was over before the rules looked (most are settled on the spot), of the first after it that is not.
    """

    def __init__(self, work: Work, rows: Sequence[PetitionRow]) -> None:
        self._since = work.now - _FRESH_MS
        self._hot, self._repeated = _rule(work, "place_and_subject"), _rule(work, "petitioner_and_subject")
        fresh = [row for row in rows if row.subject_key and row.accepted_at > self._since]
        self._places: Groups = _groups(work, self._hot, fresh, _P.place_key)
        # Keyed hashes of two uses: none is ever the other.
        self._people: Groups = _groups(work, self._repeated, fresh, _P.phone_key) | _groups(
            work, self._repeated, fresh, _P.petitioner_key
        )
        self._news: dict[tuple[tuple[str, str], ...], Mapping[str, int]] = {}

    def of(self, row: PetitionRow) -> Mapping[Counted, int]:
        """How many there are of its groups with this petition, where that is to be said of it; nothing otherwise."""
        counts: dict[Counted, int] = {}
        if count := self._new_of(row, self._hot, self._places, "place_key"):
            counts["place_and_subject"] = count
        if count := self._new_of(row, self._repeated, self._people, "phone_key", "petitioner_key"):
            counts["petitioner_and_subject"] = count
        return counts

    def _new_of(self, row: PetitionRow, rule: TriggerRule | None, groups: Groups, *names: str) -> int:
        if rule is None:
            return 0
        keys = tuple(_key(row, name) for name in names)
        if keys not in self._news:
            whole: Group = {}
            for key in keys:
                whole |= groups.get(key, {})
            self._news[keys] = news_of(whole, rule, self._since)
        return self._news[keys].get(row.petition_id, 0)


def news_of(group: Group, rule: TriggerRule, since: int) -> Mapping[str, int]:
    """Of which members that came after `since` (ms) the rule has something new to say, and how many there were with
    each. It has when they are as many as the threshold, doubled as often as it was said within the window before:
    that members are merged or cancelled, or pass out of the window, is nothing new."""
    times, said, news = list[int](), list[int](), dict[str, int]()
    for one, member in sorted(group.items(), key=lambda item: (item[1].at, item[0])):
        if member.counts:
            times.append(member.at)
        may_be_said = member.counts and not member.over and member.at > since
        count = _within(times, member.at, rule)
        if member.said:
            said.append(member.at)
        elif may_be_said and count >= rule.threshold << _within(said, member.at, rule):
            news[one] = count
            said.append(member.at)
    return news


def _within(times: Sequence[int], at: int, rule: TriggerRule) -> int:
    """How many of these there were in the window that ends now."""
    if not rule.window_days:
        return len(times)
    return len(times) - bisect_right(times, at - rule.window_days * _DAY_MS)


def _key(row: PetitionRow, name: str) -> tuple[str, str]:
    return getattr(row, name) or "", row.subject_key or ""


def _groups(work: Work, rule: TriggerRule | None, rows: Iterable[PetitionRow], column: Column[Any]) -> Groups:
    """The groups of these petitions by this column and the subject."""
    wanted = sorted({key for row in rows if (key := _key(row, column.name))[0]})
    if rule is None or not wanted:
        return {}
    query = select(column, _P.subject_key, _P.petition_id, _P.accepted_at, _P.state).where(
        tuple_(column, _P.subject_key).in_(wanted), _P.kind.not_in(rule.without)
    )
    if rule.window_days:
        # The one by which the threshold was reached may be a window older than the newest, and has a window of its own.
        query = query.where(_P.accepted_at > work.now - _FRESH_MS - 2 * rule.window_days * _DAY_MS)
    found: Groups = {}
    for key, subject, petition_id, at, state in work.conn.execute(query):
        member = Member(at, counts=state not in _NOT_COUNTED, over=state in ENDED)
        found.setdefault((key, subject), {})[petition_id] = member
    _recall(work, rule, [group for group in found.values() if len(group) > 1])
    return found


def _recall(work: Work, rule: TriggerRule, groups: Iterable[Group]) -> None:
    """Mark the members of which the rule has spoken."""
    of_event = {str(Trigger(rule, 0).event_id(one)): (group, one) for group in groups for one in group}
    wanted = sorted(of_event)
    for start in range(0, len(wanted), _AT_ONCE):
        part = events.c.event_id.in_(wanted[start : start + _AT_ONCE])
        for event_id in work.conn.scalars(select(events.c.event_id).where(part)):
            group, one = of_event[event_id]
            group[one] = replace(group[one], said=True)


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
    counted: list[ColumnElement[bool]] = [_P.state.not_in(_NOT_COUNTED), _P.kind.not_in(rule.without)]
    if rule.window_days:
        counted.append(_P.accepted_at > work.now - rule.window_days * _DAY_MS)
    return counted


def _rule(work: Work, counts: Counted) -> TriggerRule | None:
    """The rule that counts this, if it is on."""
    return next((rule for rule in work.rules.supervision.trigger if rule.counts == counts and rule.threshold), None)
