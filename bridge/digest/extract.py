"""One department's extract (分类反馈) out of the published document."""

from collections.abc import Mapping
from typing import Any

from bridge.digest.documents import Document

_HEAD = ("format", "month", "cut_off", "final", "rules")


class NoSuchUnit(LookupError):
    """There is no such department, or hardly anybody's petitions went to it: which of the two is not told."""


def extract(published: Document, unit: str) -> Document:
    """Raises `NoSuchUnit`."""
    own = next((one for one in published["units"] if one["key"] == unit and unit), None)
    if own is None:
        raise NoSuchUnit(f"{published['month']}: no department of this name is shown (该月无此单位的可公布数据)")
    return {**{name: published[name] for name in _HEAD}, "audience": "department", "unit": own}


def departments(published: Document) -> list[str]:
    """Those that have an extract."""
    return [unit["key"] for unit in published["units"] if unit["key"]]


def totals(unit: Mapping[str, Any]) -> tuple[tuple[str, str, int | None], ...]:
    """(Chinese, English, count) of the numbers at its head."""
    return (
        ("本月交办", "Assigned", unit["count"]),
        ("月末在办", "Open", unit["open"]["count"]),
        ("久拖不决", "Long pending", unit["pending"]["count"]),
    )
