"""What counts as hot, repeated, pending, difficult, suggested: each rule at its threshold."""

from typing import Any

import pytest

from bridge.digest import findings
from bridge.digest.case import Case
from bridge.digest.findings import Desk, growth
from tests.digest.cases import CUT_OFF, DAY, MONTH, RULES, case, many

MATTER = ("柳岸社区", "供水")


def desk(cases: list[Case], since: int = 0) -> Desk:
    return Desk(cases, MONTH, CUT_OFF, RULES, since)


def earlier(months: int, count: int, start: int) -> list[Case]:
    return many(count, start, accepted_at=MONTH.shift(-months).start + DAY)


def matters(cases: list[Case]) -> list[tuple[str, str]]:
    return [(found.about["place"], found.about["subject"]) for found in findings.hot(desk(cases))]


HOT: list[tuple[str, list[Case], bool]] = [
    ("nine people", many(9) + earlier(1, 9, 100) + earlier(2, 9, 200) + earlier(3, 9, 300), False),
    ("ten people", many(10) + earlier(1, 9, 100) + earlier(2, 9, 200) + earlier(3, 9, 300), True),
    ("ten petitions of one", [case(at, person="one") for at in range(10)], False),
    ("new, four people", many(4), False),
    ("new, five people", many(5), True),
    ("five, twice the mean", many(5) + earlier(1, 7, 100), True),
    ("five, not twice the mean", many(5) + earlier(1, 8, 100), False),
    (
        "three months of one count as four each",
        many(6) + [at for n in (1, 2, 3) for at in earlier(n, 1, n * 100)],
        False,
    ),
    ("the same as if they were of four", many(6) + [at for n in (1, 2, 3) for at in earlier(n, 4, n * 100)], False),
    ("no place", many(20, place=""), False),
    ("no subject", many(20, subject=""), False),
    ("only last month", earlier(1, 30, 0), False),
    ("praise", many(20, kind="praise"), False),
    (
        "nine, and praise",
        many(9) + many(20, 50, kind="praise") + earlier(1, 9, 100) + earlier(2, 9, 200) + earlier(3, 9, 300),
        False,
    ),
]


@pytest.mark.parametrize(("cases", "is_hot"), [row[1:] for row in HOT], ids=[row[0] for row in HOT])
def test_hot(cases: list[Case], is_hot: bool) -> None:
    assert matters(cases) == ([MATTER] if is_hot else [])


def test_hot_is_about_one_place_and_one_subject() -> None:
    cases = many(6, place="甲社区") + many(6, 10, place="乙社区") + many(7, 20, place="乙社区", subject="供热")
    assert matters(cases) == [("乙社区", "供热"), ("甲社区", "供水"), ("乙社区", "供水")]


def test_hot_tells_the_months_before() -> None:
    (found,) = findings.hot(desk(many(12) + earlier(1, 3, 100) + earlier(3, 2, 300)))
    assert [len(members) for members in found.further["before"]] == [2, 0, 3]


def test_the_first_month_of_a_ledger_has_nothing_to_grow_from() -> None:
    for count, hot in ((5, []), (10, [MATTER])):
        found = findings.hot(desk(many(count), since=MONTH.start + DAY))
        assert [(one.about["place"], one.about["subject"]) for one in found] == hot


def test_a_month_counts_from_the_ledgers_first_petition_on() -> None:
    since = MONTH.shift(-2).end - 1
    (found,) = findings.hot(desk(many(12) + earlier(1, 12, 100), since=since))
    assert [len(members) for members in found.further["before"]] == [0, 12]
    (found,) = findings.hot(desk(many(12) + earlier(1, 12, 100), since=since + 1))
    assert [len(members) for members in found.further["before"]] == [12]


@pytest.mark.parametrize(
    ("now", "before", "percent"), [(5, [5, 5, 5], 100), (5, [0, 0, 0], 1500), (0, [3], 0), (7, [2, 4], 233), (7, [], 0)]
)
def test_growth(now: int, before: list[int], percent: int) -> None:
    assert growth(now, before) == percent


REPEATED: list[tuple[str, list[Case], dict[str, int]]] = [
    ("once", [case(1, person="x")], {}),
    ("twice in the month", [case(1, person="x"), case(2, person="x")], {"供水": 2}),
    ("twice, about other things", [case(1, person="x"), case(2, person="x", subject="供热")], {}),
    ("in an earlier month too", [case(1, person="x"), *earlier(2, 1, 9)], {}),
    ("only in earlier months", [case(at, person="x", accepted_at=MONTH.shift(-1).start) for at in (1, 2)], {}),
    ("too long ago", [case(1, person="x"), case(2, person="x", accepted_at=MONTH.shift(-4).start)], {}),
    ("no subject", [case(at, person="x", subject="") for at in (1, 2)], {}),
    ("nobody known", [case(1, person="P00001"), case(2, person="P00001", petition_id="P00001")], {}),
]


@pytest.mark.parametrize(("cases", "expected"), [row[1:] for row in REPEATED], ids=[row[0] for row in REPEATED])
def test_repeated(cases: list[Case], expected: dict[str, int]) -> None:
    found = {one.about["subject"]: len(one.members) for one in findings.repeated(desk(cases))}
    assert found == expected


def test_repeated_counts_the_earlier_ones_as_well() -> None:
    cases = [case(1, person="x", accepted_at=MONTH.shift(-3).start), case(2, person="x")]
    assert [len(one.members) for one in findings.repeated(desk(cases))] == [2]


@pytest.mark.parametrize(
    ("days", "step"), [(0, None), (30, None), (31, 30), (60, 30), (61, 60), (90, 60), (91, 90), (400, 90)]
)
def test_pending(days: int, step: int | None) -> None:
    cases = [case(1, accepted_at=CUT_OFF - days * DAY - 1)]
    found = [one.about["more_than_days"] for one in findings.pending(desk(cases)) if one.members]
    assert found == ([] if step is None else [step])
    assert not any(one.members for one in findings.pending(desk([case(1, accepted_at=0, closed_at=CUT_OFF)])))


DIFFICULT: list[tuple[dict[str, Any], list[str]]] = [
    ({"marks": {"returned": 1, "extended": 1, "rehandled": 1, "unsatisfied": 1}}, []),
    ({"marks": {"returned": 2}}, ["returns"]),
    ({"marks": {"extended": 2}}, ["extensions"]),
    ({"marks": {"rehandled": 2, "unsatisfied": 3}}, ["rehandled", "unsatisfied"]),
    ({"marks": {"heavy": 1}}, ["supervised"]),
    ({"units": frozenset({"a", "b"})}, []),
    ({"units": frozenset({"a", "b", "c"})}, ["units"]),
    # Closed long before the month: no longer anybody's difficulty.
    ({"marks": {"returned": 2}, "accepted_at": 0, "closed_at": MONTH.start - 1}, []),
    ({"marks": {"returned": 2}, "accepted_at": 0, "closed_at": MONTH.start}, ["returns"]),
    ({"marks": {"returned": 2}, "accepted_at": 0}, ["returns"]),
]


@pytest.mark.parametrize(("more", "reasons"), DIFFICULT)
def test_difficult(more: dict[str, Any], reasons: list[str]) -> None:
    found = [one.about["reason"] for one in findings.difficult(desk([case(1, **more)])) if one.members]
    assert found == reasons


def test_alike_says_what_a_group_has_in_common() -> None:
    text = "晴川小区旁边的搅拌站日夜开工，灰尘和噪音让居民不敢开窗"
    cases = [
        case(1, content=text),
        case(2, content="您好，" + text),
        case(3, content=text, place="青砖里社区"),
        case(4, content="新生儿落户需要哪些材料"),
    ]
    (found,) = findings.alike(desk(cases), frozenset(range(4)))
    assert found.members == {0, 1, 2}
    assert found.about == {"region": None, "place": None, "subject": "供水", "places": 2}


@pytest.mark.parametrize(("other", "place"), [("370811", "东关社区"), ("370881", None), ("", None)])
def test_a_group_is_of_one_place_if_it_is_one_of_its_county(other: str, place: str | None) -> None:
    text = "晴川小区旁边的搅拌站日夜开工，灰尘和噪音让居民不敢开窗"
    cases = [case(at, content=text, place="东关社区", region=region) for at, region in enumerate(("370811", other))]
    (found,) = findings.alike(desk(cases), frozenset(range(2)))
    assert (found.about["place"], found.about["region"]) == (place, "370811" if place else None)
    assert found.about["places"] == (1 if place else 2)


def test_one_name_in_two_counties_is_two_places() -> None:
    """And where nobody said which county it is, it is none of them."""
    cases = [one for at, region in enumerate(("370812", "370881", "")) for one in many(6, 100 * at, region=region)]
    members = frozenset(range(len(cases)))
    for found in (findings.hot(desk(cases)), findings.matters(desk(cases), members)):
        assert [(one.about["region"], len(one.members)) for one in found] == [("370812", 6), ("370881", 6), ("", 6)]
