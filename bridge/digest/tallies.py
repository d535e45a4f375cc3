"""Petitions counted by what they are: tables of one and of two dimensions over the same petitions."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bridge.digest.anonymity import Key, Line, Members
from bridge.digest.case import Case

Dimension = Callable[[Case], str]


@dataclass(frozen=True, slots=True)
class Tallies:
    """Cells of all tables, and the sums that tie them together."""

    cells: Mapping[Key, Members]
    lines: tuple[Line, ...]

    def table(self, name: str) -> Iterator[tuple[str, Members]]:
        """The rows of a table of one dimension, the largest first."""
        found = [(key[0][1], members) for key, members in self.cells.items() if len(key) == 1 and key[0][0] == name]
        return iter(sorted(found, key=lambda row: (-len(row[1]), row[0])))


def count(
    cases: Sequence[Case], counted: Members, dimensions: Mapping[str, Dimension], crossed: Sequence[tuple[str, str]]
) -> Tallies:
    """`counted` (positions in `cases`) by each dimension, and by each pair of `crossed` ones."""
    cells: dict[Key, set[int]] = defaultdict(set, {(): set(counted)})
    lines: dict[Key, dict[str, set[Key]]] = defaultdict(lambda: defaultdict(set))
    for at in sorted(counted):
        values = {name: dimension(cases[at]) for name, dimension in dimensions.items()}
        for name, value in values.items():
            _put(cells, lines, at, ((name, value),))
        for pair in crossed:
            _put(cells, lines, at, tuple(sorted((name, values[name]) for name in pair)))
    # A total's parts along each further dimension are one line.
    sums = tuple((total, *sorted(parts)) for total in sorted(lines) for _, parts in sorted(lines[total].items()))
    return Tallies({key: frozenset(members) for key, members in cells.items()}, sums)


def _put(cells: dict[Key, set[int]], lines: dict[Key, dict[str, set[Key]]], at: int, key: Key) -> None:
    cells[key].add(at)
    for place, (name, _) in enumerate(key):
        lines[key[:place] + key[place + 1 :]][name].add(key)
