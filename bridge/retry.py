"""When a hand-off is tried again, decided purely: the ladder, its jitter, and the one map from error to action."""

import random
import re
from dataclasses import dataclass
from datetime import timedelta

from bridge.adapter import Busy, OutboundError, Permanent, Transient, Unknown

DEFAULT_LADDER = "5s,30s,2m,10m,30m,1h"
SPAN = timedelta(hours=24)
JITTER = 0.2
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RUNG = re.compile(r"^(\d+)([smhd])$")
_UNASKED_PAUSE = 30.0


class BadLadder(ValueError):
    """A retry ladder that cannot be read; the text names the rung and shows a good one."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """Seconds before each further attempt; after the last rung hourly, until `SPAN` is used up, then no more."""

    rungs: tuple[float, ...]

    @classmethod
    def parse(cls, text: str) -> "Ladder":
        """`5s,30s,2m,10m,30m,1h` → seconds. Raises `BadLadder`."""
        rungs: list[float] = []
        for rung in text.split(","):
            match = _RUNG.match(rung.strip())
            if match is None:
                raise BadLadder(
                    f"retry ladder: {rung.strip()!r} is not a number with s, m, h or d (e.g. {DEFAULT_LADDER})"
                )
            rungs.append(float(match[1]) * _UNITS[match[2]])
        return cls(tuple(rungs))

    def delays(self) -> tuple[float, ...]:
        """Every delay of the ladder, without jitter; their sum never exceeds `SPAN`."""
        delays: list[float] = []
        span, total = SPAN.total_seconds(), 0.0
        for rung in (*self.rungs, *([3600.0] * 24)):
            if total + rung > span:
                break
            delays.append(rung)
            total += rung
        return tuple(delays)

    def after(self, attempt: int, random_: random.Random) -> float | None:
        """Seconds to wait after failed attempt number `attempt` (from 1), jittered by ±20 %; None: park it."""
        delays = self.delays()
        if attempt > len(delays):
            return None
        return delays[attempt - 1] * random_.uniform(1 - JITTER, 1 + JITTER)


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again in `delay` seconds; `ask_first`: it may have arrived, so look it up before sending."""

    delay: float
    code: str
    ask_first: bool = False


@dataclass(frozen=True, slots=True)
class Park:
    """Only a person can go on; `reason` says why."""

    reason: str


def decide(error: OutboundError, attempt: int, ladder: Ladder, random_: random.Random) -> Retry | Park:
    """The one place where an error becomes an action (ARCHITECTURE 6)."""
    if isinstance(error, Permanent):
        return Park(error.code)
    delay = ladder.after(attempt, random_)
    if delay is None:
        return Park(f"ladder_exhausted:{error.code}")
    if isinstance(error, Busy):
        asked = _UNASKED_PAUSE if error.retry_after is None else min(error.retry_after, SPAN.total_seconds())
        return Retry(max(delay, asked), error.code)
    return Retry(delay, error.code, ask_first=isinstance(error, Unknown))


def is_transport(error: OutboundError) -> bool:
    """Whether the error says something about the system rather than about this hand-off: the breaker counts these."""
    return isinstance(error, Transient | Unknown | Busy)
