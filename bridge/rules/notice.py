"""The official notice of days off (放假通知) as a file: `date,is_workday,source_doc` in CSV, or `[[day]]` in TOML."""

import csv
import io
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bridge.rules.calendar import Calendar, CalendarRules, Override

COLUMNS = ("date", "is_workday", "source_doc")
_WORDS = {
    "1": True, "true": True, "yes": True, "是": True, "班": True,
    "0": False, "false": False, "no": False, "否": False, "休": False,
}  # fmt: skip


class BadNotice(ValueError):
    """The file cannot be taken; every line at fault with its cause. Nothing of it is loaded."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a file says. `years` are those it makes known; days of other years only correct what is known already."""

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
    faults += [f"{name}: {fault}" for fault in _short(days.values(), rules)] if not faults else []
    if faults:
        raise BadNotice("\n".join(faults))
    known = Calendar(rules, days.values())
    return Notice(tuple(days[day] for day in sorted(days)), frozenset(y for y in _years(days) if known.knows(y)))


def _override(row: Mapping[str, Any], rules: CalendarRules) -> Override:
    if set(row) != set(COLUMNS):
        raise ValueError(f"columns must be {', '.join(COLUMNS)}")
    day = row["date"] if isinstance(row["date"], date) else date.fromisoformat(str(row["date"]).strip())
    is_workday = _WORDS.get(str(row["is_workday"]).strip().lower())
    if is_workday is None:
        raise ValueError(f"is_workday: write 1 or 0, not {str(row['is_workday'])!r}")
    source_doc = str(row["source_doc"] or "").strip()
    if not source_doc:
        raise ValueError("source_doc: name the notice that says so")
    if is_workday and f"{day:%m-%d}" in rules.horizon.fixed:
        raise ValueError(f"{day} is a statutory day off")
    return Override(day, is_workday, source_doc)


def _short(days: Iterable[Override], rules: CalendarRules) -> list[str]:
    """Years of which the file says too little: half a notice must not pass for the whole one."""
    faults = []
    for year in sorted({override.day.year for override in days}):
        # A notice may also name days at the edge of a year that is known already.
        if Calendar(rules).knows(year):
            continue
        off = {f"{override.day:%m-%d}" for override in days if override.day.year == year and not override.is_workday}
        if missing := [day for day in rules.horizon.fixed if day not in off]:
            faults.append(f"{year}: the statutory days {', '.join(missing)} are missing")
        elif len(off) < rules.horizon.statutory_days:
            faults.append(f"{year}: {len(off)} days off; a year has at least {rules.horizon.statutory_days}")
    return faults


def _years(days: Iterable[date]) -> set[int]:
    return {day.year for day in days}


def _csv(text: str) -> list[tuple[str, Mapping[str, Any]]]:
    # Spreadsheets put a byte order mark before the first column's name.
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    rows: list[tuple[str, Mapping[str, Any]]] = [(f"line {reader.line_num}", row) for row in reader]
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
