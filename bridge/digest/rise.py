"""By how much a matter grew, out of numbers that are shown: a percentage of a hidden one would give it away."""

from collections.abc import Sequence


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
