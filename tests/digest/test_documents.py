"""The documents: every number traced to its petitions, and nothing small in what is published."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.digest.anonymity import Members
from bridge.digest.case import Case
from bridge.digest.documents import published, traced, trend
from bridge.digest.rules import DigestRules
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


def test_no_number_and_no_difference_of_two_is_a_small_group(
    month: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The published document once more with the petitions left in: of every shown number, and of every list's entry
    with every number it lies inside. What tables leave of their totals is attacked in test_anonymity."""

    def spy(members: Members, shown: bool) -> Figure:
        return {"count": len(members) if shown else None, "members": members}

    monkeypatch.setattr("bridge.digest.pens._figure", spy)
    made = digest(month)
    shown = [(path, figure["members"]) for path, figure in figures(published(made)) if figure["count"]]
    this_month = [(path, members) for path, members in shown if path[0] != "months" and "before" not in path]
    entries = [members for path, members in this_month if path[0] in LISTS or path[-2:-1] in (("hot",), ("similar",))]
    assert len(entries) > 60
    for path, members in shown:
        assert made.desk.people(members) >= 5, path
    for entry, (path, number) in itertools.product(entries, this_month):
        if entry < number:
            assert made.desk.people(number - entry) >= 5, path


LISTS = ("hot", "similar", "suggestions", "repeated", "difficult", "pending_matters", "difficult_matters")


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
    "8722a7725633cf87be1646149786bfd16c57cbd62444ec66220883c7071f8fb1",
    "9ae535bab7cc52b53c9ae46c979de91d8dada518d238e6dca30c17474f49e91c",
]
"""Of `laiting-digest/2`."""
