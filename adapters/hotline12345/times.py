"""The hotline's clock: local times without a zone, or epoch milliseconds, as numbers or strings."""

import re
from datetime import UTC, datetime

from schemas.base import SHANGHAI, shanghai

_LATEST = 4_102_444_800  # the year 2100: beyond it, a number is not a time
_PARTS = re.compile(r"(\d{4})\D(\d{1,2})\D(\d{1,2})(?:\D+(\d{1,2})\D(\d{1,2})(?:\D(\d{1,2}))?\D?)?")


def read(value: object) -> datetime | None:
    """The moment in `value`; None for "", null, 0 and the year 1 ("no time"). Raises ValueError for anything else."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return _epoch(value)
    if not isinstance(value, str):
        raise ValueError(
            "a time is text as yyyy-MM-dd HH:mm:ss, or epoch milliseconds (时间格式应为yyyy-MM-dd HH:mm:ss)"
        )
    return _text(value.strip())


def read_or_none(value: object) -> datetime | None:
    """As `read`, for times a message can do without: what is not a time (some fields carry days) is None."""
    try:
        return read(value)
    except ValueError:
        return None


def write(moment: datetime) -> str:
    """yyyy-MM-dd HH:mm:ss on the city's clock."""
    return shanghai(moment).strftime("%Y-%m-%d %H:%M:%S")


def _epoch(number: int) -> datetime | None:
    if number == 0:
        return None
    seconds = number / 1000 if abs(number) > _LATEST else float(number)
    if not 0 < seconds <= _LATEST:
        raise ValueError("an epoch time is out of range (时间戳超出范围)")
    return datetime.fromtimestamp(seconds, UTC).astimezone(SHANGHAI)


def _text(text: str) -> datetime | None:
    if not text or text.startswith("0001-01-01"):
        return None
    if text.isdecimal():
        return _digits(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _loose(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)


def _digits(text: str) -> datetime | None:
    if len(text) == 14 and text.startswith(("19", "20")):
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=SHANGHAI)
    if len(text) not in (1, 10, 13):
        raise ValueError("digits alone are an epoch time or yyyyMMddHHmmss (纯数字时间应为时间戳)")
    return _epoch(int(text))


def _loose(text: str) -> datetime:
    found = _PARTS.fullmatch(text)
    if found is None:
        raise ValueError("not a time; write yyyy-MM-dd HH:mm:ss (时间格式应为yyyy-MM-dd HH:mm:ss)")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the caller adds the zone
