"""Mutants run when they are asked for (`make mutants`); that their patches still apply is looked at always."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mutants import page
from tests.mutants.catalogue import MUTANTS
from tests.mutants.workshop import Workshop

HERE = Path(__file__).parent
PROPERTY = "mutant"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`make test` leaves them out: only whoever names this folder, or sets BRIDGE_MUTANTS=1, wants to wait for them."""
    return True if collection_path == HERE / "test_mutants.py" and not _asked_for(config) else None


def _asked_for(config: pytest.Config) -> bool:
    folder = config.invocation_params.dir
    named = (folder / argument.partition("::")[0] for argument in config.args)
    return os.environ.get("BRIDGE_MUTANTS") == "1" or any(path.is_relative_to(HERE) for path in named)


@pytest.fixture(scope="session")
def workshop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Everything that this session will ask about is begun at once, a few at a time."""
    asked = [item.callspec.params.get("mutant") for item in request.session.items if hasattr(item, "callspec")]
    wanted = [mutant for mutant in MUTANTS if mutant in asked]
    environment = {}
    if any(mutant.needs for mutant in wanted):
        services = request.getfixturevalue("_services")
        environment = {
            "BRIDGE_TEST_AMQP_URL": services.amqp_url,
            "BRIDGE_TEST_POSTGRES_URL": services.postgres_url,
        }
    found = Workshop(tmp_path_factory.mktemp("mutants"), environment)
    if "PYTEST_XDIST_WORKER" not in os.environ:
        # Of several workers each sees all items, and runs only some.
        found.start(wanted)
    yield found
    found.close()


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter", config: pytest.Config) -> None:
    """Mutant → the test that caught it; `build/mutants.json` says how; the page, if it is wanted and deserved."""
    found = _verdicts(terminalreporter)
    if not found:
        return
    terminalreporter.section("mutant → the test that caught it")
    width = max(len(row["name"]) for row in found)
    for row in found:
        line = f"→ {row['test']}" if row["caught"] else f"✗ {row['how']}"
        terminalreporter.write_line(f"{row['name']:<{width}} {line}")
    caught = sum(row["caught"] for row in found)
    terminalreporter.write_line(f"{caught} of {len(found)} caught")
    report = config.rootpath / "build" / "mutants.json"
    report.parent.mkdir(exist_ok=True)
    report.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if os.environ.get("BRIDGE_MUTANTS_DOC") == "1":
        if caught == len(MUTANTS):
            page.PAGE.write_text(page.render(MUTANTS), encoding="utf-8")
        said = "written" if caught == len(MUTANTS) else "not written: it tells only of a run that has caught them all"
        terminalreporter.write_line(f"{page.PAGE.relative_to(config.rootpath)}: {said}")


def _verdicts(terminalreporter: "pytest.TerminalReporter") -> list[dict[str, Any]]:
    reports = [report for category in ("passed", "failed") for report in terminalreporter.stats.get(category, [])]
    told = [dict(report.user_properties).get(PROPERTY) for report in reports if report.when == "call"]
    rows = {row["name"]: row for row in told if isinstance(row, dict)}
    return [rows[mutant.name] for mutant in MUTANTS if mutant.name in rows]
