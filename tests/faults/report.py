"""What the fault suite found, in Jepsen's words: a table at the end of the run, and `build/faults.json`.

A test hands its counts to the fixture `scenario`; they travel with the test's own report, so that a run on several
workers (pytest-xdist) is told as one.
"""

import json
import platform
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.base import SHANGHAI

WORDS = ("attempted", "acknowledged", "ok", "lost", "unexpected", "duplicated", "recovered", "reordered")
MORE = ("repeats",)
PROPERTY = "scenario"
_MAX_FAULTS = 20
_COLUMN = max(len(word) for word in (*WORDS, *MORE))


class Scenario:
    """One test's place in the report. `record` once; what is wrong may be asserted afterwards."""

    def __init__(self, name: str, keep: Callable[[str, object], None]) -> None:
        self.name = name
        self._keep = keep

    def record(self, counts: Mapping[str, Any]) -> None:
        """`counts` has the report's words; `faults` are lines in plain words; anything else is kept as it is."""
        self._keep(PROPERTY, {"name": self.name, **counts, "faults": list(counts.get("faults", ()))[:_MAX_FAULTS]})


def scenarios(reports: Iterable[pytest.TestReport]) -> list[dict[str, Any]]:
    """The scenarios of a run, each with its outcome; a test that failed before it could be judged is there too."""
    found = []
    for report in reports:
        recorded = dict(report.user_properties).get(PROPERTY)
        if not isinstance(recorded, dict):
            if report.failed:
                found.append({"name": report.nodeid, "outcome": f"{report.when} failed", "faults": []})
            continue
        if report.when == "call":
            found.append({**recorded, "outcome": report.outcome, "seconds": round(report.duration, 1)})
    return found


def group(name: str) -> str:
    """`tests/faults/test_failpoints.py::test_x[embedded-2-relay.confirmed]` → `failpoints x, embedded`."""
    match = re.search(r"test_(\w+)\.py::test_(\w+)(?:\[(\w+))?", name)
    if match is None:
        return name
    return " ".join(filter(None, (f"{match[1]}:", match[2].replace("_", " "), f"({match[3]})" if match[3] else "")))


def totals(found: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The sum of each word."""
    return {word: sum(int(item.get(word, 0)) for item in found) for word in (*WORDS, *MORE)}


def table(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each kind of scenario, the sum, and then each fault in words."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for item in found:
        groups.setdefault(group(item["name"]), []).append(item)
    width = max(len(name) for name in (*groups, "all"))
    head = f"{'scenario':<{width}}  runs " + " ".join(f"{word:>{_COLUMN}}" for word in (*WORDS, *MORE))
    lines = [head, *(_line(name, width, items) for name, items in groups.items()), _line("all", width, found)]
    for item in found:
        if item["outcome"] != "passed":
            lines.append(f"✗ {item['name']}: {item['outcome']}")
        lines += [f"    {fault}" for fault in item["faults"]]
    return lines


def _line(name: str, width: int, items: Sequence[Mapping[str, Any]]) -> str:
    sums = totals(items)
    return f"{name:<{width}}  {len(items):>4} " + " ".join(f"{count:>{_COLUMN}}" for count in sums.values())


def write(path: Path, found: Sequence[Mapping[str, Any]]) -> None:
    """The same for machines."""
    document = {
        "at": datetime.now(SHANGHAI).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "totals": totals(found),
        "holds": all(item["outcome"] == "passed" for item in found),
        "scenarios": list(found),
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
