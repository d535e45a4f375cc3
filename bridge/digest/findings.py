"""What the month teaches: hot, repeated, long pending, difficult; suggestions and similar petitions grouped.

Each finding names its petitions by position, so that every number can be traced; nothing here is fit to be shown yet.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bridge.digest import similar
from bridge.digest.anonymity import Members
from bridge.digest.case import UNKNOWN, Case
from bridge.digest.month import Month
from bridge.digest.rules import DigestRules

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a list: what it is about, its petitions, and further numbers that belong to it."""

    about: Mapping[str, Any]
    members: Members
    further: Mapping[str, tuple[Members, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Desk:
    """The cases with the month they are looked at in. Positions are positions in `cases`."""

    cases: Sequence[Case]
    month: Month
    cut_off: int
    rules: DigestRules
    since: int
    """When the ledger's first petition was taken in."""

    @property
    def before(self) -> tuple[Month, ...]:
        """The months that this one is held against, the oldest first: none of them was over before the ledger began,
        since what nobody could bring is no zero."""
        return tuple(month for month in self.month.before(self.rules.months_before) if self.since < month.end)

    @property
    def accepted(self) -> Members:
        """Taken in during the month."""
        return self.accepted_in(self.month)

    @property
    def closed(self) -> Members:
        """Closed during the month, and not reopened until the cut-off."""
        return self.where(lambda case: case.closed_at in self.month)

    @property
    def open(self) -> Members:
        return self.where(lambda case: case.is_open)

    @property
    def worked_on(self) -> Members:
        """What was alive in the month: taken in, closed, or still open."""
        return self.accepted | self.closed | self.open

    def where(self, condition: Callable[[Case], bool]) -> Members:
        return frozenset(at for at, case in enumerate(self.cases) if condition(case))

    def accepted_in(self, month: Month) -> Members:
        return self.where(lambda case: case.accepted_at in month)

    def by(self, members: Iterable[int], key: Callable[[Case], Any]) -> dict[Any, Members]:
        """Positions by a key, in the order of the keys."""
        found: dict[Any, set[int]] = defaultdict(set)
        for at in members:
            found[key(self.cases[at])].add(at)
        return {name: frozenset(found[name]) for name in sorted(found)}

    def days_open(self, at: int) -> int:
        """Whole days from acceptance to the cut-off."""
        return (self.cut_off - self.cases[at].accepted_at) // DAY_MS

    def people(self, members: Members) -> int:
        return len({self.cases[at].person for at in members})

    def is_crowd(self, members: Members) -> bool:
        """Whether at least k people brought these."""
        seen: set[str] = set()
        for at in members:
            seen.add(self.cases[at].person)
            if len(seen) >= self.rules.k:
                return True
        return False

    def taken_for(self, members: Members) -> int:
        """How many a reader may take it for: a small group for the largest that is one. What is said of a hidden number
        (a trend, being listed) rests on this, lest it tell more."""
        return len(members) if not members or self.is_crowd(members) else self.rules.k - 1


def hot(desk: Desk) -> list[Finding]:
    """热点: a place and subject that many brought, or that many more brought than in the months before."""
    rules = desk.rules
    troubles = desk.where(lambda case: case.kind not in rules.hot.without)
    earlier = [desk.by(desk.accepted_in(month) & troubles, _matter) for month in desk.before]
    found = []
    for matter, members in desk.by(desk.accepted & troubles, _matter).items():
        before = tuple(month.get(matter, frozenset()) for month in earlier)
        people = desk.people(members)
        grown = growth(len(members), [desk.taken_for(month) for month in before])
        surges = people >= rules.k and grown >= rules.hot.growth_percent
        if matter.is_named and (people >= rules.hot.persons or surges):
            found.append(Finding(matter._asdict(), members, {"before": before}))
    return _largest(found)[: rules.hot.listed]


def growth(now: int, before: Sequence[int]) -> int:
    """The month as a percentage of the mean of the months before; of a matter that is new, as if there had been one.
    0 without any month to hold it against."""
    return 100 * now * len(before) // max(1, sum(before))


def matters(desk: Desk, members: Members) -> list[Finding]:
    """By place and subject, the largest first; what has no place or no subject is left out."""
    found = desk.by(members, _matter).items()
    return _largest(Finding(matter._asdict(), part) for matter, part in found if matter.is_named)


def repeated(desk: Desk) -> list[Finding]:
    """反复反映, by subject: petitions of people who brought the same subject again, the last time in this month."""
    recent = desk.where(lambda case: case.accepted_at >= desk.month.shift(-desk.rules.months_before).start)
    known = frozenset(
        at for at in recent if desk.cases[at].subject and desk.cases[at].person != desk.cases[at].petition_id
    )
    accepted = desk.accepted
    by_subject: dict[str, set[int]] = defaultdict(set)
    for (_, subject), members in desk.by(known, lambda case: (case.person, case.subject)).items():
        if len(members) >= desk.rules.repeated.times and members & accepted:
            by_subject[subject] |= members
    return _largest(Finding({"subject": subject}, frozenset(found)) for subject, found in by_subject.items())


def pending(desk: Desk) -> list[Finding]:
    """久拖不决: open at the cut-off, by how long."""
    steps, open_ = desk.rules.pending.days, desk.open
    found = []
    for least, most in zip(steps, (*steps[1:], None), strict=True):
        members = frozenset(at for at in open_ if least < desk.days_open(at) <= (most or desk.days_open(at)))
        found.append(Finding({"more_than_days": least, "up_to_days": most}, members))
    return found


def difficult(desk: Desk) -> list[Finding]:
    """疑难: alive in the month and hard for one of the reasons of the table; a case may have several."""
    rule = desk.rules.difficult
    reasons: dict[str, Callable[[Case], bool]] = {
        "returns": lambda case: case.marked("returned") >= rule.returns,
        "extensions": lambda case: case.marked("extended") >= rule.extensions,
        "rehandled": lambda case: case.marked("rehandled") >= rule.rehandled,
        "unsatisfied": lambda case: case.marked("unsatisfied") >= rule.unsatisfied,
        "units": lambda case: len(case.units) >= rule.units,
        "supervised": lambda case: case.marked("heavy") >= rule.supervised,
    }
    alive = desk.worked_on
    return [
        Finding({"reason": reason}, frozenset(at for at in alive if holds(desk.cases[at])))
        for reason, holds in reasons.items()
    ]


def alike(desk: Desk, members: Members) -> list[Finding]:
    """Groups of similar petitions among these, the largest first. `places`, `subjects`: how many there are of each."""
    order = sorted(members)
    texts = [similar.text_of(desk.cases[at].title, desk.cases[at].content) for at in order]
    rule = desk.rules.similar
    likeness = similar.Likeness(rule.alike_permille / 1000, rule.together_permille / 1000)
    groups = [frozenset(order[one] for one in group) for group in similar.groups(texts, likeness)]
    return _largest(Finding(_common(desk, group), group) for group in groups)


def _common(desk: Desk, group: Members) -> dict[str, Any]:
    """The place and the subject that all of the group share, if they do, and of how many places it speaks."""
    places = {(desk.cases[at].region, desk.cases[at].place) for at in group if desk.cases[at].place}
    subjects = {desk.cases[at].subject for at in group} - {UNKNOWN}
    region, place = next(iter(places)) if len(places) == 1 else (None, None)
    return {
        "region": region,
        "place": place,
        "subject": next(iter(subjects)) if len(subjects) == 1 else None,
        "places": len(places),
    }


class _Matter(NamedTuple):
    """One place and one subject. Every county has an East Gate (东关): a place is one of its county, and where nobody
    said which county it is, that is none of those."""

    region: str
    place: str
    subject: str

    @property
    def is_named(self) -> bool:
        return bool(self.place and self.subject)


def _matter(case: Case) -> _Matter:
    return _Matter(case.region, case.place, case.subject)


def _largest(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda found: (-len(found.members), sorted(found.members)))
