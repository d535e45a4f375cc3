"""Times come back as they went out, on every road: text, model, ledger milliseconds, bus."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bridge.clock import from_ms, iso, to_ms
from schemas.base import SHANGHAI, Moment, shanghai
from schemas.event import EventData

MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
WITHIN = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=ZONES)  # noqa: DTZ001 - zones are drawn


@given(moment=WITHIN)
def test_a_moment_is_read_back_from_its_own_text(moment: datetime) -> None:
    for text in (moment.isoformat(), shanghai(moment).isoformat(), moment.isoformat(" ")):
        assert MOMENT.validate_python(text) == moment
    assert EventData.model_validate_json(EventData(due_at=moment).model_dump_json()).due_at == moment


@given(moment=WITHIN)
def test_a_moment_of_the_ledger_is_read_back_from_the_bus(moment: datetime) -> None:
    assert MOMENT.validate_python(iso(to_ms(moment))) == from_ms(to_ms(moment))


@given(moment=st.datetimes(timezones=ZONES))
def test_whatever_the_model_takes_the_ledger_can_tell(moment: datetime) -> None:
    try:
        taken = MOMENT.validate_python(moment)
    except ValidationError:
        return
    assert iso(to_ms(taken))


def test_the_year_that_means_no_time() -> None:
    """SQL Server's 1900-01-01: the city's real offset of then, +08:05:43, could not be read back by anyone."""
    no_time = datetime(1900, 1, 1, tzinfo=SHANGHAI)
    assert no_time.isoformat() == "1900-01-01T00:00:00+08:00"
    assert MOMENT.validate_python(iso(to_ms(no_time))) == no_time


@pytest.mark.parametrize("value", [1795314600, 1795314600.5, "1795314600", "2026-11-22", "2026-11-22T10:00:00", True])
def test_what_does_not_tell_its_offset_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match="offset"):
        MOMENT.validate_python(value)


@pytest.mark.parametrize(
    "moment", [datetime(1, 1, 1, 7, tzinfo=SHANGHAI), datetime(9999, 12, 31, 23, tzinfo=UTC)], ids=str
)
def test_a_time_off_the_calendar_is_refused(moment: datetime) -> None:
    with pytest.raises(ValidationError, match="cannot be told"):
        MOMENT.validate_python(moment)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T02:00Z",
        "2026-11-22t02:00:00z",
        "2026-11-22 10:00:00+0800",
        "2026-11-22T10:00:00,0+08:00",
        "2026-11-22T10:00:00.0000000009+08:00",
        "2026-11-21T21:00:00-05:00",
    ],
)
def test_one_moment_written_in_many_ways(text: str) -> None:
    for strict in (False, True):
        assert MOMENT.validate_python(text, strict=strict) == datetime(2026, 11, 22, 10, tzinfo=SHANGHAI)
        assert MOMENT.validate_json(f'"{text}"', strict=strict) == datetime(2026, 11, 22, 10, tzinfo=SHANGHAI)
