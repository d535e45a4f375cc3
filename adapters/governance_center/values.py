"""How single values of the event document are read: numbers as text, text as numbers, local times, "" for none.

Each reader takes what JSON can hold and gives the one type the document has, or raises ValueError in words that never
quote the value: it may be personal data.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from schemas.base import SHANGHAI, shanghai

LONGEST_IDENTIFIER = 128
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# What a spreadsheet makes of a long number: the digits behind the first few are gone for good.
SPREADSHEET = re.compile(r"\d+(\.\d+)?[eE]\+?\d+")
TIME_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y%m%d%H%M%S", "%Y/%m/%d %H:%M", "%Y/%m/%d")
EPOCH_SECONDS, EPOCH_MILLIS = 10, 13
DIGITS_OF_DATES = (8, 14)
DIGITS_OF_COUNTS = 9
YEARS = range(1900, 2201)
WIRE_TIME = "%Y-%m-%d %H:%M:%S"


def text(value: Any) -> str | None:
    """Free text, kept as it is; "" is none."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("应为文字 (text expected)")
    return str(value)


def code(value: Any) -> str | None:
    """A code, `1` and `"1"` alike, outer blanks dropped."""
    if value is None:
        return None
    if (isinstance(value, float) and value.is_integer()) or isinstance(value, bool):
        value = int(value)
    if not isinstance(value, str | int):
        raise ValueError("应为代码（文字或整数） (a code expected)")
    return str(value).strip() or None


def identifier(value: Any) -> str | None:
    """A number some system gave; whole, without control characters."""
    if isinstance(value, float):
        raise ValueError("编号不能是小数或科学计数法，请以字符串发送 (send the number as a string)")
    found = text(value)
    found = found.strip(" ") if found else found
    if not found:
        return None
    if CONTROL.search(found):
        raise ValueError("编号中含有控制字符 (control characters in a number)")
    if len(found) > LONGEST_IDENTIFIER:
        raise ValueError(f"编号超过{LONGEST_IDENTIFIER}个字符 (number too long)")
    if SPREADSHEET.fullmatch(found):
        raise ValueError("编号是科学计数法，末位已丢失，请以完整数字发送 (digits were lost in a spreadsheet)")
    return found


def count(value: Any) -> int | None:
    """How many: 0, "0" or 162; never below zero."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("应为整数 (a whole number expected)")
    written = str(value).strip()
    if not (written.isascii() and written.isdigit() and len(written) <= DIGITS_OF_COUNTS):
        raise ValueError("应为不小于0的整数 (a whole number, not below zero)")
    return int(written)


def amount(value: Any) -> float | None:
    """A positive length such as 3, "3" or 2.5."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("应为数字 (a number expected)")
    try:
        found = float(value)
    except (ValueError, OverflowError):
        raise ValueError("应为数字 (a number expected)") from None
    if not (math.isfinite(found) and 0 < found <= 10_000):
        raise ValueError("应大于0且不超过10000 (out of range)")
    return found


def coordinate(value: Any) -> float | None:
    """Degrees as number or text; what is neither is none: a wrong pin must not cost the petition."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and -180 <= found <= 180 else None


def _by_format(known: str) -> Callable[[str], datetime]:
    return lambda written: datetime.strptime(written, known)  # noqa: DTZ007 - the zone is added by the caller


# The usual form first: it is read by compiled code.
PARSERS = (datetime.fromisoformat, *map(_by_format, TIME_FORMATS))


def moment(value: Any) -> datetime | None:
    """A time without a zone is the city's; "" and the year 1 are none; epoch seconds and milliseconds are known."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("时间应为yyyy-MM-dd HH:mm:ss (unreadable time)")
    written = str(value).strip()
    bare = written.isascii() and written.isdigit() and len(written) not in DIGITS_OF_DATES
    found = _epoch(written) if bare else _calendar(written)
    if found.year == 1:
        return None
    if found.year not in YEARS:
        raise ValueError("时间的年份不合理 (unlikely year)")
    return found


def _epoch(written: str) -> datetime:
    if len(written) not in (EPOCH_SECONDS, EPOCH_MILLIS):
        raise ValueError("时间应为yyyy-MM-dd HH:mm:ss (unreadable time)")
    return shanghai(datetime.fromtimestamp(int(written[:EPOCH_SECONDS]), UTC))


def _calendar(written: str) -> datetime:
    for parse in PARSERS:
        try:
            found = parse(written)
        except (ValueError, OverflowError):
            continue
        return found if found.tzinfo else found.replace(tzinfo=SHANGHAI)
    raise ValueError("时间应为yyyy-MM-dd HH:mm:ss (unreadable time)")


def names(value: Any) -> tuple[str, ...]:
    """A list of codes or names, also comma-joined in one text as many platforms send it."""
    if value is None:
        return ()
    parts = re.split(r"[,，;；]", value) if isinstance(value, str) else value
    if not isinstance(parts, list):
        raise ValueError("应为列表或以逗号分隔的文字 (a list expected)")
    found = (code(part) for part in parts)
    return tuple(name for name in found if name)


def numbers(value: Any) -> tuple[str, ...]:
    """A list of numbers some system gave, also comma-joined in one text; each as `identifier` reads it, once."""
    if value is None or value == "":
        return ()
    parts = re.split(r"[,，;；]", value) if isinstance(value, str) else value
    if not isinstance(parts, list):
        raise ValueError("应为列表或以逗号分隔的编号 (a list of numbers expected)")
    found = (identifier(part) for part in parts)
    return tuple(dict.fromkeys(number for number in found if number))


def wire_time(instant: datetime) -> str:
    """The instant as the center writes times."""
    return shanghai(instant).strftime(WIRE_TIME)
