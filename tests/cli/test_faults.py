"""A table or a database that cannot be used ends a command, and a start, with one line and its code."""

import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest

from tests.support.commands import Told, bridge
from tests.support.ledgers import Bench


def in_a_line(told: Told, code: int, *words: str) -> None:
    assert told.code == code, told
    assert len(told.stderr.splitlines()) == 1, told
    assert all(word in told.stderr for word in words), told


def test_a_table_of_rates_with_a_wrong_fact(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = files("bridge.tables").joinpath("rates.toml").read_text("utf-8")
    (here / "rates.toml").write_text(right.replace('"responded"', '"respnded"'), encoding="utf-8")
    monkeypatch.setenv("BRIDGE_RATES", "rates.toml")
    in_a_line(bridge("rates", "--month", "2026-10"), 2, "rates.toml: rate.response.counts")


@pytest.mark.parametrize("url", ["data/bridge.db", "sqlite+aiosqlite:///data/bridge.db", "mysql://host/name"])
def test_an_address_that_is_none(url: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_DATABASE_URL", url)
    for command in ("conservation", "migrate"):
        in_a_line(bridge(command), 2, "BRIDGE_DATABASE_URL: ", "use sqlite:///data/bridge.db or postgresql+psycopg://")


@pytest.fixture
def petition(here: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Bound to an edition of deadlines that the city's own table has not."""
    bench = Bench("sqlite:///data/bridge.db")
    case = bench.submit()
    bench.close()
    table = files("bridge.tables").joinpath("deadlines.toml").read_text("utf-8")
    own = table.replace(f'"{bound(here)}"', '"another"')
    (here / "deadlines.toml").write_text(own, encoding="utf-8")
    monkeypatch.setenv("BRIDGE_DEADLINES", "deadlines.toml")
    return case.id


def bound(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "data" / "bridge.db")) as ledger:
        ((version,),) = ledger.execute("SELECT DISTINCT deadlines_version FROM petitions").fetchall()
    return str(version)


def test_deadlines_whose_edition_is_gone(petition: str) -> None:
    in_a_line(bridge("deadlines", "explain", petition), 2, "petitions are bound to it: add it")


def test_a_start_whose_edition_is_gone(petition: str) -> None:
    in_a_line(started(), 2, "BRIDGE_DEADLINES: petitions are bound to the editions", "add them")


def test_a_start_whose_database_is_none(nowhere: Path) -> None:
    (nowhere / "data").mkdir()
    (nowhere / "data" / "bridge.db").write_bytes(b"This is a letter, and no database at all." * 100)
    in_a_line(started(), 3, "file is not a database")


def test_a_start_whose_folder_cannot_be_made(nowhere: Path) -> None:
    (nowhere / "data").write_text("a file", encoding="utf-8")
    in_a_line(started(), 3, "data/keys: Not a directory")


def test_a_start_whose_port_is_taken(nowhere: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = started(BRIDGE_PORT=str(port))
    assert (told.code, "Traceback" in told.stderr, "the HTTP server ended" in told.stderr) == (3, False, True), told


def started(**settings: str) -> Told:
    """`bridge run` in a process of its own, which ends by itself."""
    ended = subprocess.run(
        [sys.executable, "-c", "from bridge.cli.main import main; main()", "run"],
        env={**os.environ, "BRIDGE_PORT": "0", "BRIDGE_LOG_LEVEL": "warning", **settings},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return Told(ended.returncode, ended.stdout, ended.stderr)
