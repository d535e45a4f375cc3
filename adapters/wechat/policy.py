"""What an error code means for a hand-off: one function over the table `[errors]` of `words.toml`."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from adapters.wechat.words import Policy
from bridge.adapter import Busy, OutboundError, Permanent
from schemas.base import shanghai


class BadToken(Busy):
    """The access token was refused; if a new one does not help, it is `Busy`."""


class Paused(Busy):
    """This way has to wait for everybody, not just for this hand-off."""


class Unreachable(Permanent):
    """It does not get there. `errcode` is the system's code; `at_all` False: only not this way."""

    def __init__(self, errcode: int, *, at_all: bool) -> None:
        super().__init__(f"errcode_{errcode}")
        self.errcode = errcode
        self.at_all = at_all


def judge(errcode: int, errors: Mapping[int, Policy], now: datetime) -> OutboundError:
    """The error to raise for `errcode`. A code without a row is permanent, and named."""
    code, policy = f"errcode_{errcode}", errors.get(errcode)
    if policy is None or policy.do == "permanent":
        return Permanent(code)
    if policy.do in ("person", "way"):
        return Unreachable(errcode, at_all=policy.do == "person")
    if policy.do == "token":
        return BadToken(code, policy.seconds)
    if policy.do == "quota":
        return Paused(code, until_midnight(now))
    return Paused(code, policy.seconds) if policy.do == "pause" else Busy(code, policy.seconds)


def until_midnight(now: datetime) -> float:
    """Seconds until the next day begins in Shanghai: quotas are counted by its days."""
    local = shanghai(now)
    midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - local).total_seconds()
