"""A term (期限): a length of time as the rules write it, such as `5WD`, `2.5D` or `24H`."""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, GetPydanticSchema
from pydantic_core import core_schema

from schemas.event import Span

_WRITTEN = re.compile(r"(?P<amount>[0-9]{1,4}(\.[0-9]{1,2})?)(?P<unit>WD|D|H)")


class Unit(StrEnum):
    """Working days, calendar days, hours that run day and night."""

    WORKING_DAYS = "WD"
    DAYS = "D"
    HOURS = "H"

    @property
    def zh(self) -> str:
        return _UNIT_ZH[self]


_UNIT_ZH = {Unit.WORKING_DAYS: "个工作日", Unit.DAYS: "天", Unit.HOURS: "小时"}
_OF_SPAN = {"working_days": Unit.WORKING_DAYS, "days": Unit.DAYS, "hours": Unit.HOURS}


@dataclass(frozen=True, slots=True)
class Term:
    """`amount` is exact: 2.5 days are legal (DOMAIN 1.3 c)."""

    amount: Decimal
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> "Term":
        """Raises `ValueError` for anything but a number and `WD`, `D` or `H`."""
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no term; write 5WD, 2.5D or 24H")
        return cls(Decimal(found["amount"]), Unit(found["unit"]))

    @classmethod
    def of(cls, span: Span) -> "Term":
        """What a system said (`extend_by` of an event)."""
        return cls(Decimal(str(span.amount)), _OF_SPAN[span.unit])

    @property
    def whole(self) -> int:
        return int(self.amount)

    @property
    def part(self) -> Decimal:
        """What is left of the amount after whole units."""
        return self.amount - self.whole

    @property
    def zh(self) -> str:
        return f"{self.amount.normalize():f}{self.unit.zh}"

    def __str__(self) -> str:
        return f"{self.amount.normalize():f}{self.unit}"


def _read(value: object) -> object:
    return Term.parse(value) if isinstance(value, str) else value


WrittenTerm = Annotated[
    Term,
    # Without it pydantic would read the dataclass field by field; a table writes it as one word.
    GetPydanticSchema(lambda _source, _handler: core_schema.is_instance_schema(Term)),
    BeforeValidator(_read),
]
"""A term in a table."""
