"""A calendar month of the city."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Self

from bridge.clock import from_ms, to_ms
from schemas.base import SHANGHAI, shanghai

_WRITTEN = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])", re.ASCII)


class BadMonth(ValueError):
    """Not a month; the text says how to write one."""


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """`Month(2026, 10)`. It begins at 0:00 on the city's clock and ends where the next one begins."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """`2026-10`. Raises `BadMonth`."""
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise BadMonth(f"{text!r} is not a month; write YYYY-MM, e.g. 2026-10 (月份格式为 YYYY-MM)")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, milliseconds: int) -> Self:
        """The one in which this moment lies."""
        day = shanghai(from_ms(milliseconds))
        return cls(day.year, day.month)

    def __str__(self) -> str:
        return f"{self.year}-{self.number:02d}"

    @property
    def zh(self) -> str:
        return f"{self.year}年{self.number}月"

    @property
    def start(self) -> int:
        """Its first millisecond."""
        return _start(self.year, self.number)

    @property
    def end(self) -> int:
        """The first millisecond after it."""
        return self.shift(1).start

    def __contains__(self, milliseconds: int | None) -> bool:
        return milliseconds is not None and self.start <= milliseconds < self.end

    def shift(self, months: int) -> "Month":
        """So many months later (earlier, if negative)."""
        years, number = divmod(self.number - 1 + months, 12)
        return Month(self.year + years, number + 1)

    def before(self, months: int) -> tuple["Month", ...]:
        """The months before it, the oldest first."""
        return tuple(self.shift(-back) for back in range(months, 0, -1))


@cache
def _start(year: int, number: int) -> int:
    return to_ms(datetime(year, number, 1, tzinfo=SHANGHAI))
