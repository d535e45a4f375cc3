"""The month's analysis over the simulated month: every number is traced to petitions, and they are the right ones."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from bridge.clock import to_ms
from bridge.digest.month import Month
from bridge.digest.rules import DigestRules
from bridge.digest.seal import Reckoned, reckon, sealing
from bridge.ledger import digests
from bridge.ledger.work import Work
from bridge.prose import mask
from schemas.base import SHANGHAI
from tests.month.analysis import Analysis, agree, numbers, stood, told
from tests.month.run import Run

FIRST = [datetime(2026, number, 1, tzinfo=SHANGHAI) for number in (9, 10, 11)]
"""The first days of the months in which the city brings something, and of the next one."""

MONTHS = ("2026-09", "2026-10")


def _digest(over: Run, month: str) -> Reckoned:
    with over.bench.store.reading() as conn:
        return reckon(conn, over.bench.privacy.vault, Month.parse(month), over.bench.clock.ms, DigestRules(), mask)


@pytest.fixture(scope="module", params=MONTHS)
def digest(request: pytest.FixtureRequest, over: Run) -> Reckoned:
    return _digest(over, request.param)


def _analysis(over: Run, begin: datetime, end: datetime) -> Analysis:
    last = end - timedelta(milliseconds=1)
    rows = over.bench.rows("SELECT petition_id, announced, recorded_at FROM events WHERE type = 'supervised'")
    keyed = {row["petition_id"] for row in rows if row["recorded_at"] <= to_ms(last) and '"key"' in row["announced"]}
    everybody = tuple(stood(one, last, over.ids[one.key] in keyed) for one in over.city)
    return Analysis(everybody, begin, end)


def _bounds(month: str) -> dict[str, tuple[datetime, datetime]]:
    """Of the months that its analysis shows: none from before the city's first petition."""
    return {name: (FIRST[place], FIRST[place + 1]) for place, name in enumerate(MONTHS) if name <= month}


def test_every_number_is_traced_to_the_right_petitions(over: Run, digest: Reckoned) -> None:
    bounds = _bounds(str(digest.month))
    key_of = {petition_id: key for key, petition_id in over.ids.items()}
    said = told(digest.traced, key_of)
    wanted = numbers(_analysis(over, *bounds[str(digest.month)]), bounds)
    assert agree(said, wanted), sorted(path for path in said | wanted if said.get(path) != wanted.get(path))
    assert len(said) > 100


def test_what_is_published_are_those_numbers_or_nothing(digest: Reckoned) -> None:
    """The published document is the traced one without its petitions, and without numbers of fewer than five people."""
    shown = list(_shown(digest.published, digest.traced))
    assert all(count is None or count == traced["count"] for count, traced in shown)
    assert not [traced for count, traced in shown if count is not None and 0 < traced["count"] < DigestRules().k]
    assert sum(count is not None for count, _ in shown) > 20
    assert "petitions" not in str(digest.published)


def _shown(published: Any, traced: Any) -> Iterator[tuple[int | None, Any]]:
    """Each number with what it stands for, where both documents have the same shape."""
    if isinstance(published, dict):
        if "count" in published:
            yield published["count"], traced
        for part, entry in published.items():
            if part in traced:
                yield from _shown(entry, traced[part])
    elif isinstance(published, list) and len(published) == len(traced):
        for entry, other in zip(published, traced, strict=True):
            yield from _shown(entry, other)


def test_sealed_it_stays_the_same(over: Run, digest: Reckoned) -> None:
    bench = over.bench
    with bench.store.writing() as conn:
        work = Work(conn, bench.clock.ms, bench.privacy)
        assert digests.seal(work, [sealing(digest, "operator:test")]) == [True]
    later = _digest(over, str(digest.month))
    assert later.holds is True
    assert later.traced == digest.traced
