"""Time in the bridge: aware datetimes outside, integer milliseconds since 1970 in the ledger."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from schemas.base import SHANGHAI

Now = Callable[[], datetime]
"""The clock is a function, so that a test can turn it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def utc_now() -> datetime:
    return datetime.now(UTC)


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970, rounded down."""
    return (moment - _EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """On the city's clock."""
    return (_EPOCH + timedelta(milliseconds=milliseconds)).astimezone(SHANGHAI)


def iso(milliseconds: int) -> str:
    """ISO 8601 with milliseconds and the city's offset, as it stands in the audit log."""
    return from_ms(milliseconds).isoformat(timespec="milliseconds")
