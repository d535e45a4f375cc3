"""The digest of one month: everything found, with the petitions behind every number."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bridge.digest import findings, phrases
from bridge.digest.anonymity import Members
from bridge.digest.case import Case
from bridge.digest.findings import Desk, Finding
from bridge.digest.month import Month
from bridge.digest.rules import DigestRules
from bridge.digest.tallies import Dimension, Tallies, count
from bridge.lifecycle import ENDED
from schemas.petition import Kind

FORMAT = "laiting-digest/4"
"""Changes whenever the same cases would give another document."""

Mask = Callable[[str], str]

_ANSWERED = ENDED | {"replied", "followed_up"}


def progress(case: Case) -> str:
    """How far it has come, in three steps."""
    if not case.is_open:
        return "closed"
    return "answered" if case.state in _ANSWERED else "handling"


DIMENSIONS: dict[str, Dimension] = {
    "kind": lambda case: case.kind,
    "handling_class": lambda case: case.handling_class,
    "source": lambda case: case.source,
    "region": lambda case: case.region,
    "unit": lambda case: case.unit,
    "subject": lambda case: case.subject,
    "state": lambda case: case.state,
    "progress": progress,
}
CROSSED = (("handling_class", "kind"), ("region", "kind"), ("unit", "kind"), ("unit", "progress"))


@dataclass(frozen=True, slots=True)
class Digest:
    """What one month teaches. Members are positions in `desk.cases`; `labels` are the words for a group."""

    desk: Desk
    final: bool
    accepted: Tallies
    open: Tallies
    totals: Mapping[str, Members]
    months: Sequence[tuple[Month, Members]]
    hot: Sequence[Finding]
    repeated: Sequence[Finding]
    pending: Sequence[Finding]
    difficult: Sequence[Finding]
    suggestions: Sequence[Finding]
    similar: Sequence[Finding]
    labels: Mapping[Members, Sequence[str]]

    @property
    def rules(self) -> DigestRules:
        return self.desk.rules


def compose(
    cases: Sequence[Case], month: Month, cut_off: int, rules: DigestRules, mask: Mask, *, since: int, final: bool = True
) -> Digest:
    """The digest of `month` over `cases` as they stood at `cut_off`. Pure: the same arguments give the same digest.

    `since` is when the ledger's first petition was taken in: the months before are no months to hold this one against.
    `mask` blots out what may be personal in a text: a phrase that it would change never becomes a label.
    """
    desk = Desk(cases, month, cut_off, rules, since)
    suggested = frozenset(at for at in desk.accepted if cases[at].kind == Kind.SUGGESTION.value)
    pending, difficult, repeated = findings.pending(desk), findings.difficult(desk), findings.repeated(desk)
    similar, suggestions = findings.alike(desk, desk.accepted), findings.alike(desk, suggested)
    return Digest(
        desk=desk,
        final=final,
        accepted=count(cases, desk.accepted, DIMENSIONS, CROSSED),
        open=count(cases, desk.open, {"age": _age(desk), "unit": DIMENSIONS["unit"]}, ()),
        totals={
            "accepted": desk.accepted,
            "closed": desk.closed,
            "open": desk.open,
            "pending": _together(pending),
            "difficult": _together(difficult),
            "repeated": _together(repeated),
            "suggestions": suggested,
        },
        months=[(earlier, desk.accepted_in(earlier)) for earlier in (*desk.before, month)],
        hot=findings.hot(desk),
        repeated=repeated,
        pending=pending,
        difficult=difficult,
        suggestions=suggestions,
        similar=similar,
        labels=_labels(desk, [*similar, *suggestions], mask),
    )


def _age(desk: Desk) -> Dimension:
    """Which step of 久拖不决 an open case has reached; none is the empty step."""
    steps = desk.rules.pending.days

    def age(case: Case) -> str:
        days = (desk.cut_off - case.accepted_at) // findings.DAY_MS
        return str(max((step for step in steps if days > step), default=""))

    return age


def _together(found: Sequence[Finding]) -> Members:
    return frozenset().union(*(finding.members for finding in found))


def _labels(desk: Desk, groups: Sequence[Finding], mask: Mask) -> dict[Members, Sequence[str]]:
    """Words for the groups that are large enough to be shown."""
    large = {found.members for found in groups if desk.people(found.members) >= desk.rules.k}
    if not large:
        return {}
    heard = sorted(desk.accepted)
    said = [phrases.plain(f"{desk.cases[at].title}\n{desk.cases[at].content}") for at in heard]
    commons = phrases.Commons(said, [desk.cases[at].place for at in heard])
    labels: dict[Members, Sequence[str]] = {}
    for members in sorted(large, key=sorted):
        names = frozenset().union(*(desk.cases[at].names for at in members)) - {""}
        spoken: dict[str, list[str]] = defaultdict(list)
        for at in sorted(members):
            # A title names the matter; a story is full of other things.
            spoken[desk.cases[at].person].append(phrases.plain(desk.cases[at].title or desk.cases[at].content[:60]))
        labels[members] = phrases.label(
            spoken, commons, k=desk.rules.k, places=desk.rules.similar.phrase_places, mask=mask, names=names
        )
    return labels
