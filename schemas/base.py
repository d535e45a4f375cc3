"""What every canonical model shares: frozen, closed to unknown fields, times with an offset."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints

SHANGHAI = ZoneInfo("Asia/Shanghai")
"""The zone of every clock in the city; the systems write local times without an offset."""

SystemName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,31}$")]
"""A system's name: `hotline12345`, `governance_center`, `wechat`, a fourth system's folder, or an API key's name."""

# Control characters have no place in an identifier; in free text they are kept byte for byte.
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A number some system gave: 1 to 128 characters, no control characters."""

Moment = AwareDatetime
"""A point in time with its offset; a time without one is refused."""


class Canonical(BaseModel):
    """Base of all canonical models: immutable, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=False)


def shanghai(moment: datetime) -> datetime:
    """The same instant on the city's clock."""
    return moment.astimezone(SHANGHAI)
