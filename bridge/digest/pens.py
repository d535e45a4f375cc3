"""Two ways of writing a number down: for operators with its petitions, for everyone else if it tells of many people."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from bridge.digest.anonymity import Key, Members, Shown, hidden
from bridge.digest.digest import Digest
from bridge.digest.findings import Finding

Figure = dict[str, Any]
"""`count`, None where it is hidden; `petitions` where the reader may know them."""


class Pen(Protocol):
    """How numbers are written. Cells belong to tables, entries to lists, single numbers stand alone."""

    def accepted(self, key: Key) -> Figure: ...

    def open(self, key: Key) -> Figure: ...

    def single(self, members: Members) -> Figure: ...

    def past(self, taken_in: Members, parts: Sequence[Members]) -> list[Figure] | None:
        """Of an earlier month, in which these were taken in: its part of each hot matter that is shown, or None where
        they cannot be told together."""
        ...

    def entries(self, found: Iterable[Finding], *cells: Key) -> list[tuple[Finding, Figure]]:
        """One list. `cells`: of the tables, in which everything on the list is known to lie."""
        ...


class Tracing:
    """Every number with the ids of its petitions."""

    def __init__(self, digest: Digest) -> None:
        self._digest = digest

    def accepted(self, key: Key) -> Figure:
        return self.single(self._digest.accepted.cells.get(key, frozenset()))

    def open(self, key: Key) -> Figure:
        return self.single(self._digest.open.cells.get(key, frozenset()))

    def single(self, members: Members) -> Figure:
        cases = self._digest.desk.cases
        return {"count": len(members), "petitions": [cases[at].petition_id for at in sorted(members)]}

    def past(self, taken_in: Members, parts: Sequence[Members]) -> list[Figure] | None:
        return [self.single(members) for members in parts]

    def entries(self, found: Iterable[Finding], *cells: Key) -> list[tuple[Finding, Figure]]:
        return [(finding, self.single(finding.members)) for finding in found if finding.members]


class Veiling:
    """Numbers without petitions, and none that tells of fewer than k people (see `anonymity`)."""

    def __init__(self, digest: Digest) -> None:
        self._digest = digest
        people, k = digest.desk.people, digest.rules.k
        accepted, open_ = digest.accepted, digest.open
        self._hidden = hidden(accepted.cells, accepted.lines, people, k)
        numbers = (members for key, members in accepted.cells.items() if key not in self._hidden)
        self._shown = Shown(digest.desk.is_crowd, numbers)
        # What a unit has open and what it was given this month may differ by a single old case.
        near = [key for key, members in open_.cells.items() if members and self._shown.nearly(members)]
        self._hidden_open = hidden(open_.cells, open_.lines, people, k, near)
        self._shown.show(members for key, members in open_.cells.items() if key not in self._hidden_open)

    def accepted(self, key: Key) -> Figure:
        return _figure(self._digest.accepted.cells.get(key, frozenset()), key not in self._hidden)

    def open(self, key: Key) -> Figure:
        return _figure(self._digest.open.cells.get(key, frozenset()), key not in self._hidden_open)

    def single(self, members: Members) -> Figure:
        return _figure(members, self._shown.admits(members))

    def past(self, taken_in: Members, parts: Sequence[Members]) -> list[Figure] | None:
        desk = self._digest.desk
        told = [members for members in parts if desk.is_crowd(members)]
        few = sum(bool(members) for members in parts) - len(told)
        # What is left of the month when a reader takes away what is told. Each hidden part of it has a person or more,
        # so besides those there must be a crowd. All parts go, not one: of a large one hidden among small ones no
        # trend could be told that does not say which it is.
        rest = taken_in.difference(*told)
        if (rest and desk.people(rest) < desk.rules.k + few) or not self._shown.admits_all(told, object()):
            return None
        return [_figure(members, not members or members in told) for members in parts]

    def entries(self, found: Iterable[Finding], *cells: Key) -> list[tuple[Finding, Figure]]:
        # Entries of a list share nothing, and neither do the departments' parts of a matter: a reader can add them up.
        this_list = object()
        return [
            (finding, _figure(finding.members, shown=True))
            for finding in found
            if finding.members
            and not self._is_least(finding, cells)
            and self._shown.admits(finding.members, (this_list, *finding.further.get("whole", ())))
        ]

    def _is_least(self, finding: Finding, cells: Iterable[Key]) -> bool:
        """Whether it lies in a hidden number that a reader can name (its county's, its subject's): that one would then
        be at least so large, and what is hidden with it at most the rest."""
        named = ((name, finding.about.get(name)) for name in ("region", "subject"))
        known = [*cells, *(((name, value),) for name, value in named if value is not None)]
        return any(key in self._hidden and finding.members <= self._digest.accepted.cells[key] for key in known)


def _figure(members: Members, shown: bool) -> Figure:
    return {"count": len(members) if shown else None}
