"""Months begin and end on the city's clock."""

import pytest

from bridge.clock import iso
from bridge.digest.month import BadMonth, Month


def test_a_month_is_the_citys() -> None:
    month = Month.parse("2026-02")
    assert iso(month.start) == "2026-02-01T00:00:00.000+08:00"
    assert iso(month.end) == "2026-03-01T00:00:00.000+08:00"
    assert (month.start in month, month.end - 1 in month, month.end in month, None in month) == (
        True,
        True,
        False,
        False,
    )


@pytest.mark.parametrize(("at", "of"), [(0, "2026-02"), (-1, "2026-01")])
def test_of_a_moment(at: int, of: str) -> None:
    assert str(Month.of(Month.parse("2026-02").start + at)) == of


def test_months_before_cross_the_year() -> None:
    assert [str(month) for month in Month.parse("2027-02").before(3)] == ["2026-11", "2026-12", "2027-01"]
    assert str(Month.parse("2026-12").shift(1)) == "2027-01"


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-00", "2026-1", "26-01", "2026-01-01", "２０２６-01", "2026-01\n"]
)
def test_what_is_no_month_is_named(text: str) -> None:
    with pytest.raises(BadMonth, match="YYYY-MM"):
        Month.parse(text)
