"""The official notice of days off (放假通知) as a file: `date,is_workday,source_doc` in CSV, or `[[day]]` in TOML."""

import csv
import io
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from bridge.rules.calendar import CalendarRules, Override, packaged

COLUMNS = ("date", "is_workday", "source_doc")
_WORDS = {
    "1": True, "true": True, "yes": True, "是": True, "班": True,
    "0": False, "false": False, "no": False, "否": False, "休": False,
}  # fmt: skip


class BadNotice(ValueError):
    """The file cannot be taken; every line at fault with its cause. Nothing of it is loaded."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a file says. `years` are those it makes known, of which it is the whole notice; days of other years only
    correct what is known already."""

    days: tuple[Override, ...]
    years: frozenset[int]


def parse(name: str, text: str, rules: CalendarRules) -> Notice:
    """Read a notice by its file name's ending. Raises `BadNotice`."""
    rows = _toml(text) if Path(name).suffix.lower() == ".toml" else _csv(text)
    faults: list[str] = []
    days: dict[date, Override] = {}
    for place, row in rows:
        try:
            override = _override(row, rules)
            if days.get(override.day, override) != override:
                raise ValueError(f"{override.day} stands here twice, and differently")
            days[override.day] = override
        except ValueError as error:
            faults.append(f"{name}: {place}: {error}")
    short = _short(days.values(), rules)
    # A notice may also name days at the edge of a year that is known already.
    faults = faults or [f"{name}: {fault}" for year, fault in short.items() if fault and not packaged(year)]
    if faults:
        raise BadNotice("\n".join(faults))
    years = frozenset(year for year, fault in short.items() if not fault)
    return Notice(tuple(days[day] for day in sorted(days)), years)


def _override(row: Mapping[str, Any], rules: CalendarRules) -> Override:
    if set(row) != set(COLUMNS):
        raise ValueError(f"columns must be {', '.join(COLUMNS)}")
    day = _day(row["date"])
    is_workday = _WORDS.get(str(row["is_workday"]).strip().lower())
    if is_workday is None:
        raise ValueError(f"is_workday: write 1 or 0, not {str(row['is_workday'])!r}")
    source_doc = str(row["source_doc"] or "").strip()
    if not source_doc:
        raise ValueError("source_doc: name the notice that says so")
    if is_workday and f"{day:%m-%d}" in rules.horizon.fixed:
        raise ValueError(f"{day} is a statutory day off")
    return Override(day, is_workday, source_doc)


def _day(written: object) -> date:
    # To Python a date-time is a date as well, but it is another key: such a day would stand beside the real one.
    if isinstance(written, datetime):
        raise ValueError(f"date: write {written:%Y-%m-%d} without a time of day")
    return written if isinstance(written, date) else date.fromisoformat(str(written).strip())


def _short(days: Iterable[Override], rules: CalendarRules) -> dict[int, str]:
    """What each year lacks to be whole, empty if nothing: half a notice must not pass for the whole one."""
    off: dict[int, set[str]] = {}
    for override in days:
        of_year = off.setdefault(override.day.year, set())
        if not override.is_workday:
            of_year.add(f"{override.day:%m-%d}")
    return {year: _lacks(year, off[year], rules) for year in sorted(off)}


def _lacks(year: int, off: set[str], rules: CalendarRules) -> str:
    if missing := [day for day in rules.horizon.fixed if day not in off]:
        return f"{year}: the statutory days {', '.join(missing)} are missing"
    if len(off) < rules.horizon.statutory_days:
        return f"{year}: {len(off)} days off; a year has at least {rules.horizon.statutory_days}"
    return ""


def _csv(text: str) -> list[tuple[str, Mapping[str, Any]]]:
    # Spreadsheets put a byte order mark before the first column's name.
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    try:
        rows: list[tuple[str, Mapping[str, Any]]] = [(f"line {reader.line_num}", row) for row in reader]
    except csv.Error as error:
        # The line in which it broke off is not counted yet.
        raise BadNotice(f"line {reader.line_num + 1}: {error}") from error
    return rows or _nothing()


def _toml(text: str) -> list[tuple[str, Mapping[str, Any]]]:
    try:
        days = tomllib.loads(text).get("day")
    except tomllib.TOMLDecodeError as error:
        raise BadNotice(str(error)) from error
    if not isinstance(days, list) or not all(isinstance(day, dict) for day in days):
        return _nothing()
    return [(f"day {number}", day) for number, day in enumerate(days, 1)]


def _nothing() -> list[tuple[str, Mapping[str, Any]]]:
    raise BadNotice(f"no days in it; expected the columns {', '.join(COLUMNS)}, or [[day]] in TOML")
