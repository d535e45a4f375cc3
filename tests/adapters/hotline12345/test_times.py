from datetime import UTC, datetime

import pytest

from adapters.hotline12345 import times
from schemas.base import SHANGHAI

MOMENT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    "value",
    [
        "2024-01-02 03:04:05",
        "2024/1/2 3:04:05",
        "2024-01-02T03:04:05",
        "2024-01-02T03:04:05.000",
        "2024-01-02T03:04:05+08:00",
        "2024-01-01T19:04:05Z",
        "20240102030405",
        1704135845000,
        "1704135845000",
        "1704135845",
        1704135845,
    ],
)
def test_one_moment_in_many_hands(value: object) -> None:
    assert times.read(value) == MOMENT


@pytest.mark.parametrize("value", ["", None, "0001-01-01T00:00:00", 0, "  ", "0"])
def test_no_time(value: object) -> None:
    assert times.read(value) is None


@pytest.mark.parametrize(
    "value", ["2024-02-30 00:00:00", "24-01-02", "soon", 45292.5, -1, 10**30, ["2024-01-02"], "123456", "²"]
)
def test_not_a_time(value: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        times.read(value)
    assert times.read_or_none(value) is None


def test_minutes_are_enough_and_chinese_is_read() -> None:
    assert times.read("2024年1月2日 3时4分") == MOMENT.replace(second=0)
    assert times.read("2024-01-02") == datetime(2024, 1, 2, tzinfo=SHANGHAI)


def test_written_on_the_citys_clock() -> None:
    assert times.write(datetime(2024, 1, 1, 19, 4, 5, tzinfo=UTC)) == "2024-01-02 03:04:05"
