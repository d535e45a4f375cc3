"""k-anonymity: which numbers may be shown, so that none says anything about fewer than k petitioners.

A number behind which stand 1 to k-1 people is hidden (primary suppression). In a table whose parts sum to a shown
total the hidden one would be the difference, so others are hidden with it (complementary suppression), until

* no line (row or column with its total) has exactly one hidden cell, or hidden parts of fewer than k people together;
* no small cell can be worked out from all the shown ones together: neither by solving the sums (exact linear algebra:
  two lines can conspire) nor by knowing that zero is never hidden (bounds pushed along the sums).

A list (hot matters, groups of similar petitions) has no total, but a matter can lie inside a shown number, so that the
difference of the two would be a small group: such an entry is left out. Zero is shown: it tells of nobody.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from fractions import Fraction

Members = frozenset[int]
"""Petitions of one number, by position."""
Count = Callable[[Members], int]
"""How many people stand behind petitions."""
Key = tuple[tuple[str, str], ...]
"""A cell by its dimensions, sorted: () is the grand total, (("kind", "help"), ("unit", "…")) one of a cross table."""
Line = tuple[Key, ...]
"""A sum: its total first, then its parts."""

Numbers = Mapping[Key, int]
"""How many petitions each cell has."""

_Row = dict[int, Fraction]
_NO_BOUND = 10**9


def hidden(
    cells: Mapping[Key, Members], lines: Sequence[Line], people: Count, k: int, also: Iterable[Key] = ()
) -> frozenset[Key]:
    """The cells that must not be shown, of all the tables of a document together: they share their totals. `also` are
    to be hidden for another reason."""
    size = {key: people(members) for key, members in cells.items()}
    numbers = {key: len(members) for key, members in cells.items()}
    found = {key for key, count in size.items() if 0 < count < k} | set(also)
    while True:
        wanted = {key for line in lines if (key := _exposed(line, cells, size, found, people, k)) is not None}
        wanted = wanted or _solved(lines, found, size, numbers, k)
        if not wanted:
            return frozenset(found)
        found |= wanted


def _exposed(
    line: Line, cells: Mapping[Key, Members], size: Mapping[Key, int], found: set[Key], people: Count, k: int
) -> Key | None:
    """The cell to hide next because this line gives a hidden one away, or None."""
    total, *parts = line
    veiled = [key for key in parts if key in found]
    if not veiled and total not in found:
        return None
    if total in found:
        safe = bool(veiled)
    else:
        safe = len(veiled) > 1 and people(frozenset().union(*(cells[key] for key in veiled))) >= k
    if safe:
        return None
    open_parts = [key for key in parts if key not in found and size[key]]
    if open_parts:
        return min(open_parts, key=lambda key: (size[key], key))
    return total if total not in found and size[total] else None


def _solved(lines: Sequence[Line], found: set[Key], size: Mapping[Key, int], shown: Numbers, k: int) -> set[Key]:
    """What to hide because small hidden cells follow from the shown ones: one more beside each of them."""
    unknown = sorted(found)
    column = {key: at for at, key in enumerate(unknown)}
    equations = [row for line in lines if (row := _equation(line, column))]
    known = {unknown[at] for at in _determined(equations)} | _pinned(lines, found, shown)
    wanted: set[Key] = set()
    for key in sorted(known):
        near = {other for line in lines if key in line for other in line if other not in found and size[other]}
        if size[key] < k and near and not near & wanted:
            wanted.add(min(near, key=lambda other: (-len(other), size[other], other)))
    # Beside a cell whose every neighbour is hidden there is nothing left; the sums above its neighbours are.
    if not wanted and any(size[key] < k for key in known):
        wanted = {
            key for key in size if key not in found and size[key] and any(_near(lines, key, one) for one in found)
        }
    return wanted


def _near(lines: Iterable[Line], one: Key, other: Key) -> bool:
    return any(one in line and other in line for line in lines)


def _pinned(lines: Sequence[Line], found: set[Key], shown: Numbers) -> set[Key]:
    """Hidden cells with one value only for someone who knows that zero is never hidden: bounds pushed along the sums
    until they rest."""
    low = {key: 1 if key in found else number for key, number in shown.items()}
    high = {key: _NO_BOUND if key in found else number for key, number in shown.items()}
    moved = True
    while moved:
        moved = False
        for total, *parts in lines:
            lows, highs = sum(low[part] for part in parts), sum(high[part] for part in parts)
            bounds = [(total, lows, highs)]
            bounds += [(part, low[total] - highs + high[part], high[total] - lows + low[part]) for part in parts]
            for key, least, most in bounds:
                if least > low[key] or most < high[key]:
                    low[key], high[key], moved = max(low[key], least), min(high[key], most), True
    return {key for key in found if low[key] == high[key]}


def _equation(line: Line, column: Mapping[Key, int]) -> _Row:
    total, *parts = line
    row = {column[key]: Fraction(1) for key in parts if key in column}
    if total in column:
        row[column[total]] = Fraction(-1)
    return row


def _determined(equations: Iterable[_Row]) -> list[int]:
    """The unknowns that have one value only in every solution: alone in a row of the reduced row echelon form."""
    reduced: dict[int, _Row] = {}
    for given in equations:
        row = dict(given)
        for pivot in [at for at in row if at in reduced]:
            _subtract(row, reduced[pivot], row[pivot])
        if not row:
            continue
        pivot = min(row)
        lead = row[pivot]
        row = {at: value / lead for at, value in row.items()}
        for other in reduced.values():
            if pivot in other:
                _subtract(other, row, other[pivot])
        reduced[pivot] = row
    return sorted(pivot for pivot, row in reduced.items() if len(row) == 1)


def _subtract(row: _Row, other: _Row, factor: Fraction) -> None:
    for at, value in other.items():
        left = row.get(at, Fraction(0)) - factor * value
        if left:
            row[at] = left
        else:
            row.pop(at, None)


class Shown:
    """Numbers that are shown already; an entry of a list may join if neither it nor what it leaves of them is small.

    Entries of one family are known to share nothing (the departments' parts of a matter), so that a reader can add them
    up: no family may leave a small rest of a number that its entries lie in. All entries together are one more family.
    `enough`: whether at least k people stand behind petitions.
    """

    def __init__(self, enough: Callable[[Members], bool], numbers: Iterable[Members] = ()) -> None:
        self._many = enough
        self._numbers = set(numbers)
        self._families: dict[Hashable, set[Members]] = defaultdict(set)

    def admits(self, members: Members, families: Iterable[Hashable] = ()) -> bool:
        """Whether this number may be shown; if so it counts as shown from now on."""
        if not members:
            return True
        if members not in self._numbers and not self._is_whole(members):
            return False
        wanted = [family for family in (_ALL, *families) if members not in self._families[family]]
        if not self._stands_apart(members) or not all(self._leaves_enough(members, family) for family in wanted):
            return False
        self._numbers.add(members)
        for family in wanted:
            self._families[family].add(members)
        return True

    def admits_all(self, entries: Iterable[Members], family: Hashable) -> bool:
        """Whether all of these, which are one family, may be shown; if not, none of them counts as shown."""
        numbers, families = set(self._numbers), {name: set(held) for name, held in self._families.items()}
        if all(self.admits(members, (family,)) for members in entries):
            return True
        self._numbers, self._families = numbers, defaultdict(set, families)
        return False

    def nearly(self, members: Members) -> bool:
        """Whether a small group is all that lies between these and a number that is shown."""
        return any(
            not self._enough(members ^ number) for number in self._numbers if members < number or number < members
        )

    def show(self, numbers: Iterable[Members]) -> None:
        """These are shown now, being the cells of a table that was seen to."""
        self._numbers.update(numbers)

    def _stands_apart(self, members: Members) -> bool:
        return self._enough(members) and not self.nearly(members)

    def _is_whole(self, members: Members) -> bool:
        """Whether no family of entries that are shown leaves a small rest of these."""
        return all(self._rest_is_enough(members, entries) for entries in self._families.values())

    def _leaves_enough(self, members: Members, family: Hashable) -> bool:
        """Whether these and the rest of their family leave no small rest of a number that they lie in."""
        entries = {*self._families[family], members}
        return all(self._rest_is_enough(number, entries) for number in self._numbers if members < number)

    def _rest_is_enough(self, whole: Members, entries: Iterable[Members]) -> bool:
        return self._enough(whole.difference(*(entry for entry in entries if entry < whole)))

    def _enough(self, members: Members) -> bool:
        return not members or self._many(members)


_ALL: Hashable = None
"""The family of all entries."""
