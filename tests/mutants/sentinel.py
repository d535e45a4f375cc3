"""A pytest plugin for the run inside a copy: writes what happened there, and which code was really imported.

The workshop adds `MUTANT = "<name>"` to the patched file: a module that has it was compiled from that very file.
"""

import json
import os
import sys
from pathlib import Path

import pytest

REPORT = "BRIDGE_MUTANT_REPORT"
PACKAGES = ("bridge", "adapters", "schemas", "tests")
_reports: list[dict[str, object]] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember each test's call, and whatever failed around it."""
    if report.when == "call" or report.failed:
        _reports.append({"test": report.nodeid, "when": report.when, "outcome": report.outcome, "said": _said(report)})


def pytest_sessionfinish() -> None:
    """Write it all to the file that the workshop waits for."""
    ours = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in PACKAGES}
    told = {
        "reports": _reports,
        "imported": {name: str(getattr(module, "__file__", None)) for name, module in ours.items()},
        "mutants": {name: found for name, module in ours.items() if (found := getattr(module, "MUTANT", None))},
    }
    Path(os.environ[REPORT]).write_text(json.dumps(told), encoding="utf-8")


def _said(report: pytest.TestReport) -> str:
    """The first line of what went wrong."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = getattr(crash, "message", None) or report.longreprtext
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
