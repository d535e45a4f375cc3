"""The report of one run (对账报告): JSON as it is sealed, and CSV; the page is `bridge.reconcile.page`."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.reconcile.difference import Difference, Kind, Resolution
from bridge.witness.canonical import canonical

_COLUMNS = ("kind", "side", "petition_id", "number", "detail", "resolution", "why")


@dataclass(frozen=True, slots=True)
class Report:
    """One run for one system and day (YYYY-MM-DD on the city's clock)."""

    run_id: str
    system: str
    day: str
    ran_at: str
    here: int
    there: int
    matched: int
    differences: Sequence[Difference]

    @property
    def open(self) -> int:
        """Differences that people must look at, or that the next run must find gone."""
        return sum(one.resolution in (Resolution.OPEN, Resolution.FOR_PEOPLE) for one in self.differences)

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(one.kind for one in self.differences)
        return {kind.value: found[kind] for kind in Kind}

    def as_json(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "system": self.system,
            "day": self.day,
            "ran_at": self.ran_at,
            "here": self.here,
            "there": self.there,
            "matched": self.matched,
            "counts": self.counts,
            "open": self.open,
            "differences": [one.as_json() for one in self.differences],
        }

    def canonical(self) -> bytes:
        """What is digested and sealed."""
        return canonical(self.as_json())


def csv_text(document: dict[str, Any]) -> str:
    """One line a difference; Excel reads it (a byte-order mark, and no cell that begins a formula)."""
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(_COLUMNS)
    for one in document["differences"]:
        writer.writerow([_cell(str(one.get(name, ""))) for name in _COLUMNS])
    return "\ufeff" + sheet.getvalue()


def _cell(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
