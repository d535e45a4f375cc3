"""What every canonical model shares: frozen, closed to unknown fields, times with an offset."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    WithJsonSchema,
)

# Not ZoneInfo: before 1901 its offset has seconds, which nobody reads back, and some systems write 1900 for "no time".
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""The zone of every clock in the city; the systems write local times without an offset."""

SystemName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,31}$")]
"""A system's name: `hotline12345`, `governance_center`, `wechat`, a fourth system's folder, or an API key's name."""

# Control characters have no place in an identifier; in free text they are kept byte for byte.
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A number some system gave: 1 to 128 characters, no control characters."""

_WRITTEN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})$"


def _written_out(value: object) -> object:
    # A bare number is seconds to one system and milliseconds to the next: pydantic would guess which.
    if isinstance(value, int | float) or (isinstance(value, str) and not re.fullmatch(_WRITTEN, value)):
        raise ValueError("write the time in ISO 8601 with its offset (时间须为ISO 8601格式并带时区)")
    # Read here, because pydantic's strict mode takes no text from a validator before it.
    return datetime.fromisoformat(value.upper()) if isinstance(value, str) else value


def _within_the_calendar(moment: datetime) -> datetime:
    # At both ends of the calendar an instant may have no name in another zone, and the ledger needs both.
    try:
        moment.astimezone(UTC), moment.astimezone(SHANGHAI)
    except OverflowError:
        raise ValueError("this time cannot be told in UTC or in the city (时间超出可表示范围)") from None
    return moment


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_written_out),
    AfterValidator(_within_the_calendar),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": _WRITTEN}),
]
"""A point in time in ISO 8601 with its offset; a time without one, or a bare number, is refused."""

TRACEPARENT = r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"
"""W3C trace context."""


class Canonical(BaseModel):
    """Base of all canonical models: immutable, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=False)


def shanghai(moment: datetime) -> datetime:
    """The same instant on the city's clock."""
    return moment.astimezone(SHANGHAI)
