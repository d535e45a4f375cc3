"""`bridge doctor` before a start: rules, settings that are missing or misspelt, and causes in words."""

import asyncio
import os
import socket
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from bridge import app as root
from bridge.causes import cause
from bridge.demo.playground import free_port
from bridge.doctor import examine
from bridge.ledger.migrate import migrate
from bridge.ledger.store import Store
from bridge.ledger.tables import petitions
from bridge.server import warn_of_unknown_names
from bridge.settings import unknown_names
from tests.support.ledgers import Bench

TABLES = Path(root.__file__).parent / "tables"
NEED = ("CALENDAR", "DEADLINES", "SUPERVISION", "RATES", "ROUTES", "DIGEST_RULES")


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("BRIDGE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BRIDGE_WECHAT__BASE_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.chdir(tmp_path)


def findings() -> dict[str, dict[str, Any]]:
    """By what they are about and what was found."""
    found = asyncio.run(examine(root.settings(), root.manifests()))
    return {f"{finding['what']}: {finding['found']}": finding for finding in found}


def failing(word: str) -> list[dict[str, Any]]:
    return [finding for said, finding in findings().items() if not finding["ok"] and word in said]


# ── rules ──


@pytest.mark.parametrize("name", NEED)
def test_a_table_that_would_stop_the_start_is_a_finding(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("broken.toml").write_text("nobody_knows = 1\n", "utf-8")
    monkeypatch.setenv(f"BRIDGE_{name}", "broken.toml")
    (finding,) = failing("broken.toml")
    assert finding["found"].startswith(f"BRIDGE_{name}: ")
    assert "nobody_knows: nobody knows this word" in finding["found"]
    assert "bridge run" in finding["next"]


def test_every_table_has_its_line() -> None:
    assert sum("built in" in said for said in findings()) == len(NEED)


def test_an_edition_that_open_petitions_are_bound_to_must_be_there() -> None:
    store = Store("sqlite:///data/bridge.db")
    migrate(store)
    store.close()
    bench = Bench("sqlite:///data/bridge.db")
    bench.submit()
    with bench.store.writing() as conn:
        conn.execute(update(petitions).values(deadlines_version="city-2019"))
    bench.close()
    (finding,) = failing("BRIDGE_DEADLINES")
    assert "petitions are bound to the editions city-2019" in finding["found"]


# ── settings ──


def test_what_is_needed_and_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    said = " ".join(finding["found"] for finding in failing("wechat settings"))
    for name in ("APP_ID", "APP_SECRET", "DUTY_OPENID", "TEMPLATES__ACCEPTED", "TEMPLATES__REPLY"):
        assert f"BRIDGE_WECHAT__{name}" in said
    monkeypatch.setenv("BRIDGE_WECHAT__SUBSCRIBE_TEMPLATES__REPLY", "t1")
    monkeypatch.setenv("BRIDGE_WECHAT__DUTY_OPENID", "oDuty")
    said = " ".join(finding["found"] for finding in failing("wechat settings"))
    assert "DUTY_OPENID" not in said
    assert "TEMPLATES__REPLY" not in said


def test_a_closed_door_is_worth_knowing_and_no_fault() -> None:
    closed = {said: finding for said, finding in findings().items() if "INBOUND_KEY" in said}
    assert len(closed) == 2
    assert all(finding["warning"] and finding["ok"] for finding in closed.values())


def test_the_whole_command_for_a_key_is_said() -> None:
    (finding,) = failing("API keys")
    assert "BRIDGE_API_KEYS=" in finding["next"]
    assert "bridge keys api --name NAME --scope petitions:write" in finding["next"]


def test_a_mistyped_name_is_told_with_the_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("BRIDGE_DEADLINE=x.toml\nPOSTGRES_PASSWORD=y\n", "utf-8")
    monkeypatch.setenv("BRIDGE_HOTLINE12345_BASE_URL", "http://h")
    assert unknown_names(type(root.settings())) == {
        "BRIDGE_DEADLINE": "BRIDGE_DEADLINES",
        "BRIDGE_HOTLINE12345_BASE_URL": "BRIDGE_HOTLINE12345__BASE_URL",
    }
    (said,) = [said for said in findings() if said.startswith("settings")]
    assert "BRIDGE_DEADLINE (meant: BRIDGE_DEADLINES?)" in said


def test_a_start_warns_of_a_name_that_sets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_DEADLINE", "x.toml")
    with capture_logs() as lines:
        warn_of_unknown_names(root.settings())
    (line,) = lines
    assert (line["log_level"], line["name"], line["did_you_mean"]) == ("warning", "BRIDGE_DEADLINE", "BRIDGE_DEADLINES")


# ── causes ──


def test_a_system_that_nobody_answers_for_is_told_in_words() -> None:
    assert "nothing listens there" in failing("wechat 微信服务号")[0]["found"]


def test_a_database_that_is_away_is_told_in_words_and_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_DATABASE_URL", f"postgresql+psycopg://u:hunter2@127.0.0.1:{free_port()}/x")
    (finding,) = failing("database")
    assert "Connection refused" in finding["found"]
    assert "hunter2" not in finding["found"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "no answer in time"),
        (socket.gaierror(-2, "Name or service not known"), "name is not known"),
        (aiohttp.InvalidURL("h"), "no http(s):// address"),
        (ssl.SSLCertVerificationError("self-signed"), "not trusted"),
        (OperationalError("SELECT 1", {}, Exception("disk I/O error\nmore")), "disk I/O error"),
        (KeyError(), "KeyError"),
    ],
)
def test_causes(error: Exception, words: str) -> None:
    assert words in cause(error)
    assert "\n" not in cause(error)
