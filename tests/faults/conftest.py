"""The fault suite: its mark, its worlds, its report."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults import report
from tests.support.databases import fresh_database
from tests.support.processes import World

HERE = Path(__file__).parent
FULL = os.environ.get("BRIDGE_FAULTS") == "full"
"""`BRIDGE_FAULTS=full`: the whole matrix (`make faults`); otherwise the core of it (`make test`)."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("faults")


@pytest.fixture
def scenario(request: pytest.FixtureRequest, record_property: "pytest.RecordProperty") -> report.Scenario:
    """This test's line in the report."""
    return report.Scenario(request.node.nodeid, record_property)


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A running bridge that the tests of one module with the same parameter share. Its first word is the mode:
    `embedded` is `bridge run` on SQLite, `rabbit` is `bridge serve` and `bridge work` on RabbitMQ and PostgreSQL."""
    mode = request.param.partition(" ")[0]
    with ExitStack() as stack:
        database = broker = None
        if mode == "rabbit":
            services = request.getfixturevalue("_services")
            database, broker = stack.enter_context(fresh_database(services.postgres_url)), services.amqp_url
        running = stack.enter_context(World(tmp_path_factory.mktemp(mode), database, broker))
        running.start_all()
        yield running


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter", config: pytest.Config) -> None:
    """The table, where any of this suite ran."""
    reports = [
        item
        for category in ("passed", "failed", "error")
        for item in terminalreporter.stats.get(category, [])
        if isinstance(item, pytest.TestReport) and item.nodeid.startswith("tests/faults/")
    ]
    found = report.scenarios(reports)
    if not found:
        return
    path = config.rootpath / "build" / "faults.json"
    report.write(path, found)
    terminalreporter.section("faults, in Jepsen's words")
    for line in report.table(found):
        terminalreporter.write_line(line)
    terminalreporter.write_line(f"every scenario: {path.relative_to(config.rootpath)}")
