"""What is hidden stays hidden: an attacker who knows every shown number, every sum and the rule itself tries to find
a small group's number by trying out all tables that fit."""

import itertools
from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.digest.anonymity import Key, Line, Members, Shown, hidden
from bridge.digest.tallies import Tallies, count
from tests.digest.cases import case

K = 3


def people(members: Members) -> int:
    """In these tests everyone brings one petition."""
    return len(members)


def table(numbers: Sequence[Sequence[int]]) -> Tallies:
    """A cross table of kinds (rows) and units (columns) with these counts."""
    cases = [
        case(0, kind=f"kind{row}", unit=f"unit{column}")
        for row, counts in enumerate(numbers)
        for column, size in enumerate(counts)
        for _ in range(size)
    ]
    dimensions = {"kind": lambda one: one.kind, "unit": lambda one: one.unit}
    return count(cases, frozenset(range(len(cases))), dimensions, [("kind", "unit")])


def possible(tallies: Tallies, veiled: frozenset[Key], most: int) -> dict[Key, set[int]]:
    """Every value each hidden cell can have, by trying all of them that fit the shown ones; zero is never hidden."""
    known = {key: len(members) for key, members in tallies.cells.items() if key not in veiled}
    values: dict[Key, set[int]] = {key: set() for key in veiled}
    for guess in _guesses(sorted(key for key in veiled if len(key) == 2), known, tallies.lines, most):
        for key in veiled:
            values[key].add(guess[key])
    return values


def _guesses(
    inner: Sequence[Key], known: Mapping[Key, int], lines: Sequence[Line], most: int
) -> Iterator[Mapping[Key, int]]:
    if not _fits(known, lines):
        return
    if not inner:
        whole = dict(known)
        # Longer keys first: the grand total is the sum of sums.
        for total, *parts in sorted(lines, key=lambda line: -len(line[0])):
            whole.setdefault(total, sum(whole[part] for part in parts))
        if _fits(whole, lines):
            yield whole
        return
    for number in range(1, most + 1):
        yield from _guesses(inner[1:], {**known, inner[0]: number}, lines, most)


def _fits(known: Mapping[Key, int], lines: Sequence[Line]) -> bool:
    """Whether no sum is wrong or too large already."""
    for total, *parts in lines:
        added = sum(known.get(part, 0) for part in parts)
        whole = all(part in known for part in parts)
        if total in known and (added > known[total] or (whole and added != known[total])):
            return False
    return True


TABLES = [
    [[9, 8], [7, 6]],
    [[1, 8], [7, 6]],
    [[1, 8, 9], [7, 6, 9], [9, 9, 9]],
    [[1, 1], [1, 9]],
    [[1, 0], [0, 9]],
    [[2, 2, 9], [9, 9, 9]],
    [[1, 9, 9], [9, 1, 9], [9, 9, 1]],
    [[2, 9], [9, 9], [9, 2]],
]


@pytest.mark.parametrize("numbers", TABLES)
def test_no_small_number_can_be_worked_out(numbers: list[list[int]]) -> None:
    tallies = table(numbers)
    veiled = hidden(tallies.cells, tallies.lines, people, K)
    _attack(tallies, veiled, most=10)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), min_size=2, max_size=3), min_size=2, max_size=2))
def test_nor_in_any_other_table(numbers: list[list[int]]) -> None:
    tallies = table(numbers)
    _attack(tallies, hidden(tallies.cells, tallies.lines, people, K), most=6)


def _attack(tallies: Tallies, veiled: frozenset[Key], most: int) -> None:
    sizes = {key: len(members) for key, members in tallies.cells.items()}
    small = {key for key, size in sizes.items() if 0 < size < K}
    assert small <= veiled
    assert all(sizes[key] for key in veiled), "zero tells of nobody and need not be hidden"
    values = possible(tallies, veiled, most)
    assert all(sizes[key] in values[key] for key in veiled), "the attacker's own search is sound"
    assert [key for key in small if len(values[key]) < 2] == []


def test_nothing_is_hidden_without_need() -> None:
    tallies = table([[9, 8], [7, 6]])
    assert hidden(tallies.cells, tallies.lines, people, K) == frozenset()


def test_one_small_row_takes_one_more_with_it() -> None:
    cases = [case(at, kind=kind) for at, kind in enumerate(["a"] * 9 + ["b"] * 6 + ["c"])]
    tallies = count(cases, frozenset(range(16)), {"kind": lambda one: one.kind}, ())
    assert hidden(tallies.cells, tallies.lines, people, K) == {(("kind", "c"),), (("kind", "b"),)}


def test_people_count_and_not_petitions() -> None:
    """Nine petitions of one person are one person's."""
    cases = [case(at, kind="a" if at < 9 else "b", person="x" if at < 9 else f"p{at}") for at in range(30)]
    tallies = count(cases, frozenset(range(30)), {"kind": lambda one: one.kind}, ())

    def persons(members: Members) -> int:
        return len({cases[at].person for at in members})

    assert (("kind", "a"),) in hidden(tallies.cells, tallies.lines, persons, K)


def test_tables_share_their_sums() -> None:
    """A row that one table has to hide is hidden in the other table too."""
    tallies = table([[1, 0], [9, 9], [9, 9]])
    veiled = hidden(tallies.cells, tallies.lines, people, K)
    assert (("kind", "kind0"),) in veiled
    assert len([key for key in veiled if len(key) == 1 and key[0][0] == "kind"]) == 2


# ── lists ───────────────────────────────────────────────────────────────────────────────────────────────────


def members(*spans: range) -> Members:
    return frozenset(itertools.chain(*spans))


def shown(*numbers: Members) -> Shown:
    return Shown(lambda some: len(some) >= K, numbers)


WHOLE = members(range(20))


@pytest.mark.parametrize(
    ("entry", "admitted"),
    [
        (members(range(10)), True),
        (members(range(2)), False),  # small itself
        (members(range(18)), False),  # leaves two of the whole
        (WHOLE, True),  # the same number again
        (members(range(17)), True),  # leaves three
        (members(range(15, 40)), True),  # neither inside the other
        (members(range(22)), False),  # two more than the whole
    ],
)
def test_an_entry_beside_a_total(entry: Members, admitted: bool) -> None:
    assert shown(WHOLE).admits(entry) is admitted


def test_entries_together_leave_no_small_rest() -> None:
    numbers = shown(WHOLE)
    assert numbers.admits(members(range(9)))
    assert not numbers.admits(members(range(9, 19)))
    assert numbers.admits(members(range(9, 17)))


def test_what_is_refused_is_not_remembered() -> None:
    numbers = shown(WHOLE)
    assert numbers.admits(members(range(9)))
    assert not numbers.admits(members(range(9, 18)))
    assert numbers.admits(members(range(8, 17)))


def test_a_family_is_added_up_by_itself() -> None:
    """Two departments' parts leave two of the matter. An entry of another list, which happens to have these two as
    well, hides that from nobody: who reads it cannot know that it lies inside, but knows that the parts do."""
    numbers = shown(WHOLE)
    assert numbers.admits(members(range(14, 20)), ["another list"])
    assert numbers.admits(members(range(9)), ["matter"])
    assert not numbers.admits(members(range(9, 18)), ["matter"])
    assert numbers.admits(members(range(9, 17)), ["matter"])


def test_a_number_that_comes_after_its_parts() -> None:
    numbers = shown()
    assert numbers.admits(members(range(9)))
    assert numbers.admits(members(range(9, 18)))
    assert not numbers.admits(WHOLE)
    assert numbers.admits(members(range(21)))


def test_an_entry_of_two_families_answers_for_both() -> None:
    numbers = shown(WHOLE)
    assert numbers.admits(members(range(9)), ["a"])
    part = members(range(9, 18))
    assert not numbers.admits(part, ["b"])
    assert not numbers.admits(part, ["b", "a"])
