"""By how much a matter grew, out of numbers that are shown: a percentage of a hidden one would give it away."""

from collections.abc import Mapping, Sequence
from typing import Any


def against(document: Mapping[str, Any]) -> list[str]:
    """The months that its hot matters are held against. Until `laiting-digest/3` these were all that it shows, and no
    number said of which it was."""
    found: list[str] = document.get("against", [month["month"] for month in document["months"][:-1]])
    return found


def mean(months: int) -> tuple[str, str]:
    """What a number is held against, in Chinese and English, with how many months that is: a young ledger has few."""
    if months < 1:
        return "前几个月月均", "the months before"
    return f"前{months}个月月均", f"the mean of the {months} months before" if months > 1 else "the month before"


def rise(now: int | None, before: Sequence[int | None]) -> int | None:
    """Percent above (or, negative, below) the mean of the months before; None where one of them is hidden, or where
    there was nothing before."""
    known = [count for count in before if count is not None]
    if now is None or len(known) < len(before) or not sum(known):
        return None
    return round(100 * now * len(known) / sum(known)) - 100


def written(percent: int | None) -> str:
    """+150%, −20%, ±0%; nothing where it is not told."""
    if percent is None:
        return ""
    sign = "+" if percent > 0 else "−" if percent < 0 else "±"
    return f"{sign}{abs(percent)}%"
