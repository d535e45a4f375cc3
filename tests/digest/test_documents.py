"""The documents: every number traced to its petitions, and nothing small in what is published."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
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


def fated(at: int, fate: int) -> Case:
    """A petition whose every trait hangs on a bit or two."""
    bits = [fate >> place & 1 for place in range(11)]
    early, closed = bits[9] and bits[10], bits[7] and not bits[8]
    return case(
        at,
        person=f"person-{at // (1 + bits[0])}",
        unit=("水务局", "住建局", "城管局", "")[bits[1] + 2 * bits[2]],
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
    """Every entry of a list, a department's as well; not the numbers of the months before beside it."""
    for path, figure in figures(document):
        own = path[2:] if path[0] == "units" else path
        if len(own) == 2 and own[0] in LISTS:
            yield path, figure


def _attack(document: dict[str, Any], made: Digest) -> None:
    people, k = made.desk.people, made.rules.k
    shown = [(path, figure["members"]) for path, figure in figures(document) if figure["count"]]
    this_month = [(path, members) for path, members in shown if path[0] != "months" and "before" not in path]
    for path, members in shown:
        assert people(members) >= k, path
    for (entry_path, entry), (path, number) in itertools.product(entries(document), this_month):
        if entry["members"] < number:
            assert people(number - entry["members"]) >= k, (entry_path, path)
    for family in _families(document):
        for path, number in this_month:
            rest = number.difference(*(members for members in family if members < number))
            assert not rest or people(rest) >= k, path
    _attack_hidden(document)


def _families(document: dict[str, Any]) -> Iterator[list[Members]]:
    """Entries that a reader knows to share nothing: of one list, and the departments' parts of one matter."""
    for held in (document, *document["units"]):
        yield from ([one["members"] for one in held.get(name, ())] for name in LISTS)
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


def test_small_earlier_months_are_not_told() -> None:
    before = many(3, 500, accepted_at=MONTH.shift(-1).start) + many(6, 600, accepted_at=MONTH.shift(-2).start)
    (hot,) = published(digest(many(30) + before))["hot"]
    assert [month["count"] for month in hot["before"]] == [0, 6, None]
    assert hot["trend"] == "surge"


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


def test_no_trend_tells_what_a_hidden_month_had() -> None:
    """Twelve against twice fourteen and one or two would be up, and level against three: no word says which."""
    before = many(7, 500, accepted_at=MONTH.shift(-1).start) + many(7, 600, accepted_at=MONTH.shift(-2).start)
    others = [*many(30, 800, place="青砖里社区")]
    before += [replace(one, petition_id=f"{one.petition_id}b", person=f"{one.person}b") for one in before]
    trends = set()
    for hidden in (1, 2, 3, 4):
        cases = [*many(12), *before, *many(hidden, 700, accepted_at=MONTH.shift(-3).start), *others]
        (hot,) = [one for one in published(digest(cases))["hot"] if one["place"] == "柳岸社区"]
        assert hot["before"][0] == {"count": None}
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
    "891228a015d5e56b7ff6d63dc269eafc637c7e0c9f94f6f9f3c5037bb0874f41",
    "b5d245181715eaeab5e32613c58a16f8d862d428c796c4ac3898c85b573ffbb9",
]
"""Of `laiting-digest/3`."""
