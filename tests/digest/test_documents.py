"""The documents: every number traced to its petitions, and nothing small in what is published."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.digest.anonymity import Members
from bridge.digest.case import Case
from bridge.digest.digest import Digest
from bridge.digest.documents import published, traced, trend
from bridge.digest.rules import DigestRules, Hot
from bridge.ids import digest as sha256
from bridge.witness.canonical import canonical
from tests.digest.cases import CUT_OFF, MONTH, case, digest, invented, many
from tests.digest.test_similar import HEATING, MIXER

Figure = dict[str, Any]


@pytest.fixture(scope="module")
def month() -> list[Case]:
    return invented(600)


@pytest.fixture(scope="module")
def both(month: list[Case]) -> tuple[dict[str, Any], dict[str, Any]]:
    made = digest(month)
    return published(made), traced(made)


def figures(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Figure]]:
    """Every number of a document with where it stands."""
    if isinstance(document, dict):
        if "count" in document:
            yield path, document
        for name, inner in document.items():
            yield from figures(inner, (*path, name))
    elif isinstance(document, list):
        for at, inner in enumerate(document):
            yield from figures(inner, (*path, at))


def test_every_number_of_the_traced_document_is_its_petitions(both: Any, month: list[Case]) -> None:
    known = {one.petition_id for one in month}
    found = list(figures(both[1]))
    assert len(found) > 300
    for path, figure in found:
        assert figure["count"] == len(set(figure["petitions"])), path
        assert set(figure["petitions"]) <= known, path


def test_the_tables_are_what_counting_by_hand_gives(both: Any, month: list[Case]) -> None:
    """An independent count, straight over the cases."""
    mine = [one for one in month if MONTH.start <= one.accepted_at <= CUT_OFF]
    tables = both[1]["tables"]
    for name in ("kind", "handling_class", "source", "region", "unit", "subject", "state"):
        for row in tables[name]:
            counted = {one.petition_id for one in mine if getattr(one, name) == row["key"]}
            assert set(row["petitions"]) == counted, (name, row["key"])
        assert sum(row["count"] for row in tables[name]) == len(mine) == both[1]["totals"]["accepted"]["count"]
    open_now = [one for one in month if one.closed_at is None]
    assert both[1]["totals"]["open"]["count"] == len(open_now)
    assert both[1]["totals"]["closed"]["count"] == sum(
        one.closed_at is not None and one.closed_at >= MONTH.start for one in month
    )


def test_what_is_published_says_the_same_and_names_no_petition(both: Any, month: list[Case]) -> None:
    open_, closed = both
    text = canonical(open_).decode()
    assert not any(one.petition_id in text for one in month)
    assert "petitions" not in text
    for name in ("kind", "region", "unit", "subject"):
        truth = {row["key"]: row["count"] for row in closed["tables"][name]}
        shown = {row["key"]: row["count"] for row in open_["tables"][name] if "key" in row}
        assert all(count in (None, truth[key]) for key, count in shown.items())
        missing = len(truth) - len(shown)
        assert [row["not_shown"] for row in open_["tables"][name] if "not_shown" in row] == (
            [missing] if missing else []
        )


@pytest.fixture
def spied(monkeypatch: pytest.MonkeyPatch) -> Callable[[Digest], dict[str, Any]]:
    """The published document with the petitions left in."""

    def spy(members: Members, shown: bool) -> Figure:
        return {"count": len(members) if shown else None, "members": members}

    monkeypatch.setattr("bridge.digest.pens._figure", spy)
    return published


def test_no_number_and_no_difference_of_two_is_a_small_group(month: list[Case], spied: Any) -> None:
    """Of every shown number, and of every list's entry with every number it lies inside. What tables leave of their
    totals is attacked in test_anonymity."""
    made = digest(month)
    document = spied(made)
    assert len(list(entries(document))) > 80
    assert {path[2] for path, _ in entries(document) if path[0] == "units"} >= {"hot", "similar", "difficult"}
    _attack(document, made)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 2**11 - 1), min_size=12, max_size=60), st.integers(2, 4))
def test_nor_in_any_other_month(spied: Any, fates: list[int], k: int) -> None:
    made = digest([fated(at, fate) for at, fate in enumerate(fates)], DigestRules(k=k, hot=Hot(persons=k)))
    _attack(spied(made), made)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(*(st.integers(0, 12),) * 4), min_size=3, max_size=3),
    st.lists(st.booleans(), min_size=12, max_size=12),
    st.integers(2, 5),
)
def test_nor_beside_the_numbers_of_earlier_months(
    spied: Any, months: list[tuple[int, ...]], closed: list[bool], k: int
) -> None:
    """Four matters in three earlier months, all but the last one hot in this one."""
    cases = [case for at, sizes in enumerate(months, 1) for case in _earlier(at, sizes, closed[4 * at - 4 :])]
    cases += [case for at in range(3) for case in many(12 + at, 100 * at, place=f"{at}社区")]
    made = digest(cases, DigestRules(k=k))
    document = spied(made)
    _attack(document, made)
    for at, month in enumerate(document["against"]):
        (taken_in,) = [one["members"] for one in document["months"] if one["month"] == month]
        column = [hot["before"][at] for hot in document["hot"]]
        rest = taken_in.difference(*(one["members"] for one in column if one["count"]))
        veiled = sum(one["count"] is None for one in column)
        assert not rest or (made.desk.people(rest) >= k and len(rest) > veiled), "each hidden one is one at least"
    for hot in document["hot"]:
        read = [k - 1 if one["count"] is None else one["count"] for one in hot["before"]]
        said = trend(hot["count"], read) if any(read) or len(read) == 3 else None
        assert hot["trend"] == said, "it is told by what stands beside it"


def _earlier(back: int, sizes: Sequence[int], closed: Sequence[bool]) -> Iterator[Case]:
    at = MONTH.shift(-back).start
    for place, size in enumerate(sizes):
        more: dict[str, Any] = {"closed_at": at + 1, "state": "closed"} if closed[place] else {}
        yield from many(size, 1000 * back + 100 * place, place=f"{place}社区", accepted_at=at, **more)


def fated(at: int, fate: int) -> Case:
    """A petition whose every trait hangs on a bit or two."""
    bits = [fate >> place & 1 for place in range(11)]
    early, closed = bits[9] and bits[10], bits[7] and not bits[8]
    return case(
        at,
        person=f"person-{at // (1 + bits[0])}",
        unit=("水务局", "住建局", "城管局", "")[bits[1] + 2 * bits[2]],
        region=("370811", "370881", "")[bits[2] + bits[8]],
        kind="suggestion" if bits[3] else "help",
        subject=("供水", "供热")[bits[4]],
        content=(HEATING[0], MIXER[0])[bits[5]],
        marks={"returned": 2 * bits[6], "heavy": bits[7]},
        accepted_at=MONTH.shift(-2 * bits[10] - 1).start if early else MONTH.start + at,
        closed_at=MONTH.end - 5 if closed else None,
        state="closed" if closed else "handling",
    )


LISTS = ("hot", "similar", "suggestions", "repeated", "difficult", "pending_matters", "difficult_matters")
UNIT_LISTS = ("hot", "similar", "suggestions", "repeated", "difficult")


def entries(document: dict[str, Any]) -> Iterator[tuple[tuple[Any, ...], Figure]]:
    """Every entry of a list, a department's as well, and the numbers of the months before beside it."""
    for path, figure in figures(document):
        own = path[2:] if path[0] == "units" else path
        if (len(own) == 2 and own[0] in LISTS) or "before" in path:
            yield path, figure


def _attack(document: dict[str, Any], made: Digest) -> None:
    people, k = made.desk.people, made.rules.k
    shown = [(path, figure["members"]) for path, figure in figures(document) if figure["count"]]
    for path, members in shown:
        assert people(members) >= k, path
    for (entry_path, entry), (path, number) in itertools.product(entries(document), shown):
        if entry["count"] and entry["members"] < number:
            assert people(number - entry["members"]) >= k, (entry_path, path)
    for family in _families(document):
        for path, number in shown:
            rest = number.difference(*(members for members in family if members < number))
            assert not rest or people(rest) >= k, path
    _attack_hidden(document)


def _families(document: dict[str, Any]) -> Iterator[list[Members]]:
    """Entries that a reader knows to share nothing: of one list, and the departments' parts of one matter."""
    for held in (document, *document["units"]):
        yield from ([one["members"] for one in held.get(name, ())] for name in LISTS)
    columns = zip(*(hot["before"] for hot in document["hot"]), strict=True)
    yield from ([one["members"] for one in column if one["count"]] for column in columns)
    for name in UNIT_LISTS:
        parts = [one["members"] for unit in document["units"] for one in unit[name]]
        for whole in document[name]:
            yield [members for members in parts if members <= whole["members"]]


def _attack_hidden(document: dict[str, Any]) -> None:
    """No list tells how many a hidden number has at least, of the numbers that its entries are known to be of."""
    whole = [row for row in document["tables"]["kind"] if row["key"] == "suggestion"]
    for held in (document, *document["units"]):
        own = [row for row in held.get("kinds", ()) if row["key"] == "suggestion"]
        veiled = [row["members"] for row in (*whole, *own) if row["count"] is None]
        assert not [one for one in held["suggestions"] for hidden in veiled if one["members"] <= hidden]
    subjects = {row["key"] for row in document["tables"]["subject"] if row.get("count")}
    assert {hot["subject"] for hot in document["hot"]} <= subjects
    regions = {row["key"] for row in document["tables"]["region"] if row.get("count")}
    assert {hot["region"] for hot in document["hot"]} <= regions


@pytest.mark.parametrize("small", [1, 2, 3, 4])
def test_a_small_kind_takes_another_with_it(small: int) -> None:
    cases = many(30) + many(20, 100, kind="complaint") + many(12, 200, kind="report") + many(small, 300, kind="praise")
    rows = {row["key"]: row["count"] for row in published(digest(cases))["tables"]["kind"]}
    assert rows == {"help": 30, "complaint": 20, "report": None, "praise": None}


def test_a_unit_of_a_few_is_not_even_named() -> None:
    cases = many(30) + many(20, 100, unit="城管局") + many(2, 300, unit="某某个体诊所")
    document = published(digest(cases))
    assert "某某个体诊所" not in canonical(document).decode()
    assert {"not_shown": 2} in document["tables"]["unit"]


def test_one_persons_hundred_petitions_are_one_persons() -> None:
    cases = many(40) + [case(100 + at, person="one", place="独户村", subject="宅基地") for at in range(100)]
    document = published(digest(cases))
    assert "独户村" not in canonical(document).decode()
    assert "宅基地" not in canonical(document).decode()


def test_k_is_a_setting() -> None:
    cases = many(30) + many(7, 100, kind="praise") + many(9, 200, kind="report")
    for k, hidden in ((5, False), (8, True)):
        rows = published(digest(cases, DigestRules(k=k)))["tables"]["kind"]
        assert any(row["count"] is None for row in rows) is hidden


def test_a_month_without_a_petition() -> None:
    for document in (published(digest([])), traced(digest([]))):
        assert document["totals"]["accepted"]["count"] == 0
        assert document["hot"] == document["units"] == []
        assert canonical(document)


def test_a_month_of_a_few_people_shows_nothing() -> None:
    document = published(digest(many(3)))
    assert document["totals"]["accepted"]["count"] is None
    assert not any(figure["count"] for _, figure in figures(document))


TREND = [
    (10, [0, 0, 0], "new"),
    (10, [5, 5, 5], "surge"),
    (6, [5, 5, 5], "up"),
    (5, [5, 5, 5], "level"),
    (3, [5, 5, 5], "down"),
]


@pytest.mark.parametrize(("now", "before", "expected"), TREND)
def test_trend(now: int, before: list[int], expected: str) -> None:
    assert trend(now, before) == expected


def before(back: int, count: int, start: int, **more: Any) -> list[Case]:
    """So many petitions of an earlier month, with which the bridge was done at once."""
    at = MONTH.shift(-back).start
    return many(count, start, accepted_at=at, closed_at=at + 1, state="closed", **more)


def test_small_earlier_months_are_not_told() -> None:
    earlier = before(1, 3, 500) + before(1, 9, 700, place="青砖里社区") + before(2, 6, 600)
    document = published(digest(many(30) + earlier))
    (hot,) = document["hot"]
    assert [(month["month"], month["count"]) for month in hot["before"]] == [
        ("2026-07", 0), ("2026-08", 6), ("2026-09", None),
    ]  # fmt: skip
    assert document["against"] == ["2026-07", "2026-08", "2026-09"]
    assert hot["trend"] == "surge"


MATTERS = ("柳岸社区", "青砖里社区")


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ((10, 10, 1), False),
        ((10, 10, 5), True),
        ((10, 10, 0), True),
        ((10, 4, 0), False),
        # The hidden one is one person at least: that leaves four.
        ((1, 0, 4), False),
        ((1, 0, 5), True),
    ],
)
def test_a_month_that_gives_a_few_people_away_stands_beside_no_hot_matter(sizes: tuple[int, ...], told: bool) -> None:
    """Who takes the hot matters' numbers from the month's: what is left may be no small group. The September paper has
    its total anyway, so it is these numbers that go, and trends then go by the other months."""
    places = (*MATTERS, "丙社区")
    earlier = [one for at, size in enumerate(sizes) for one in before(1, size, 500 + 50 * at, place=places[at])]
    document = published(digest(many(20) + many(15, 100, place=MATTERS[1]) + earlier))
    assert [month["count"] for month in document["months"]] == [0, 0, sum(sizes), 35]
    assert document["against"] == ["2026-07", "2026-08", *(["2026-09"] if told else [])]
    assert [(hot["place"], len(hot["before"])) for hot in document["hot"]] == [(place, 2 + told) for place in MATTERS]
    assert told or {hot["trend"] for hot in document["hot"]} == {None}, "nobody can say that it is new"


def test_a_month_before_the_ledger_began_is_no_zero() -> None:
    """The second month of a bridge, as many as in the first: no more than before."""
    cases = before(1, 12, 500) + many(12)
    document = published(digest(cases, since=cases[0].accepted_at))
    assert [month["month"] for month in document["months"]] == ["2026-09", "2026-10"]
    (hot,) = document["hot"]
    assert (document["against"], hot["before"]) == (["2026-09"], [{"month": "2026-09", "count": 12}])
    assert hot["trend"] == "level"


def test_the_first_month_of_a_ledger_is_held_against_nothing() -> None:
    cases = many(12) + many(6, 100, place="青砖里社区")
    document = published(digest(cases, since=cases[0].accepted_at))
    assert [month["month"] for month in document["months"]] == ["2026-10"]
    assert document["against"] == []
    assert [(hot["count"], hot["before"], hot["trend"]) for hot in document["hot"]] == [(12, [], None)]


def test_a_department_reads_its_part_of_a_group_by_the_words_of_the_whole() -> None:
    cases = [
        *many(8, content=HEATING[0], title="供暖不热", subject="供热", unit="住建局"),
        *many(7, 100, content=HEATING[0], title="供暖不热", subject="供热", unit="城管局", place="青砖里社区"),
        *many(6, 200, content=HEATING[0], title="供暖不热", subject="供热", unit="城管局", place="丙社区"),
    ]
    document = published(digest(cases))
    (whole,) = document["similar"]
    assert whole["label"]
    assert whole["count"] == 21
    parts = {unit["key"]: [(part["label"], part["count"]) for part in unit["similar"]] for unit in document["units"]}
    assert parts == {"城管局": [(whole["label"], 13)], "住建局": [(whole["label"], 8)]}


def again(count: int, start: int, **more: Any) -> list[Case]:
    """So many people who brought this in September and bring it again."""
    earlier = [
        case(1000 + at, person=f"person-{at}", accepted_at=MONTH.shift(-1).start + at, **more)
        for at in range(start, start + count)
    ]
    return [*earlier, *many(count, start, **more)]


def part(document: dict[str, Any], name: str) -> dict[str, list[tuple[str, int]]]:
    """Each department's part of a list."""
    return {
        unit["key"]: [(row.get("subject") or row["reason"], row["count"]) for row in unit[name]]
        for unit in document["units"]
    }


def test_a_department_reads_its_part_of_what_came_again_is_difficult_or_was_suggested() -> None:
    """What came again and what is difficult counts with the petitions of earlier months."""
    cases = [
        *again(9, 0, unit="住建局", subject="供热"),
        *again(7, 100, unit="城管局", subject="供热"),
        *many(8, 200, unit="住建局", kind="suggestion", title="建议增设路灯", subject="路灯"),
        *many(9, 300, unit="城管局", kind="suggestion", title="建议增设路灯", subject="路灯", place="青砖里社区"),
        *many(7, 400, unit="城管局", marks={"returned": 2}, subject="噪声", accepted_at=MONTH.shift(-1).start),
        *many(6, 500, unit="住建局", marks={"returned": 2}, subject="噪声", place="丙社区"),
    ]
    document = published(digest(cases))
    assert part(document, "repeated") == {"住建局": [("供热", 18)], "城管局": [("供热", 14)]}
    assert part(document, "difficult") == {"住建局": [("returns", 6)], "城管局": [("returns", 7)]}
    assert part(document, "suggestions") == {"住建局": [("路灯", 8)], "城管局": [("路灯", 9)]}


def test_departments_parts_leave_no_small_part_of_a_third() -> None:
    """Nine and eight of twenty: the three of 财政局 would be the rest. That a list of difficult ones holds them too
    helps nobody."""
    cases = [
        *again(4, 0, unit="住建局", subject="供热"),
        *again(5, 10, unit="住建局", subject="供热", marks={"returned": 2}),
        *again(8, 100, unit="城管局", subject="供热"),
        *again(3, 200, unit="财政局", subject="供热", marks={"returned": 2}),
        *(one for at, unit in enumerate(("住建局", "城管局", "财政局")) for one in many(20, 300 + 50 * at, unit=unit)),
    ]
    document = published(digest(cases))
    assert [(row["subject"], row["count"]) for row in document["repeated"]] == [("供热", 40)]
    assert part(document, "repeated") == {"住建局": [("供热", 18)], "城管局": [], "财政局": []}


def test_a_hidden_kind_has_no_list_beside_it() -> None:
    """One praise and six suggestions are hidden together: that six suggestions are alike would leave one for praise."""
    cases = [*many(30), *many(20, 100, kind="report"), *many(1, 200, kind="praise")]
    cases += many(6, 300, kind="suggestion", title="建议增设路灯", subject="路灯")
    document = published(digest(cases))
    assert {row["key"] for row in document["tables"]["kind"] if row["count"] is None} == {"praise", "suggestion"}
    assert document["suggestions"] == []
    assert not any(unit["suggestions"] for unit in document["units"])
    assert traced(digest(cases))["suggestions"]


def test_a_subject_that_is_not_shown_is_not_hot() -> None:
    cases = [*many(30), *many(1, 200, subject="殡葬"), *many(6, 300, subject="路灯", place="青砖里社区")]
    document = published(digest(cases))
    assert "路灯" not in {row.get("key") for row in document["tables"]["subject"]}
    assert [hot["subject"] for hot in document["hot"]] == ["供水"]


def test_a_county_that_is_not_shown_has_nothing_hot() -> None:
    """One of 金乡县 and six of 曲阜市 are hidden together: that six are of one place there would leave one."""
    cases = [*many(30), *many(6, 300, region="370881", place="东关社区"), *many(4, 400, subject="噪声")]
    cases += [*many(4, 500, subject="噪声", place=MATTERS[1]), *many(1, 200, region="370828", subject="噪声")]
    document = published(digest(cases))
    assert [row["key"] for row in document["tables"]["region"] if row.get("count")] == ["370811"]
    assert [(hot["region"], hot["county"]) for hot in document["hot"]] == [("370811", "任城区")]
    assert {hot["region"] for hot in traced(digest(cases))["hot"]} == {"370811", "370881"}


def test_no_trend_tells_what_a_hidden_month_had() -> None:
    """Twelve against twice fourteen and one or two would be up, and level against three: no word says which."""
    others = [*many(30, 800, place="青砖里社区"), *before(3, 9, 900, place="丙社区")]
    trends = set()
    for hidden in (1, 2, 3, 4):
        cases = [*many(12), *before(1, 14, 500), *before(2, 14, 600), *before(3, hidden, 700), *others]
        (hot,) = [one for one in published(digest(cases))["hot"] if one["place"] == "柳岸社区"]
        assert hot["before"][0] == {"month": "2026-07", "count": None}
        trends.add(hot["trend"])
    assert len(trends) == 1


def test_the_same_cases_give_the_same_bytes() -> None:
    """Whoever changes what a digest says must change its FORMAT as well, and these digests with it: a month that was
    sealed by the older computation is then not held against the newer one."""
    cases = [
        *many(14, content=MIXER[0], kind="complaint", subject="噪声"),
        *many(9, 100, content=MIXER[1], kind="complaint", subject="噪声", place="青砖里社区", unit="城管局"),
        *many(7, 200, content=HEATING[0], subject="供热", closed_at=MONTH.end - 5, state="closed"),
        *many(6, 300, title="建议增设路灯", kind="suggestion", marks={"returned": 2}),
        *many(3, 400, kind="praise", unit="邮政局"),
        *many(8, 500, accepted_at=MONTH.shift(-2).start, subject="噪声"),
    ]
    made = digest(cases)
    assert [sha256(canonical(document)) for document in (published(made), traced(made))] == GOLDEN


GOLDEN = [
    "940b77a99f4c44baa336d5c2b5cd94f32352a3772e8c62df2a38ca8d8c07374d",
    "ed45ad85b48d9859a00c4d22b8481354f6cd8e46b5b13fdfde9d96e53645fec2",
]
"""Of `laiting-digest/4`."""
