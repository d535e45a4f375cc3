"""In a wrong folder a command says so, and leaves nothing behind; what is no ledger is said in a line."""

from pathlib import Path

import pytest

from tests.support.commands import Told, bridge

WHO = ("--reason", "试", "--operator", "zhang")
COMMANDS = [
    ("trail", "LT1"), ("conservation",), ("queues",), ("parked",), ("replay", "x", *WHO), ("cancel", "x", *WHO),
    ("replay", "--all-parked", "wechat", *WHO), ("erase", "--petition", "LT1", *WHO),
    ("erase", "--phone", "13900001234", *WHO), ("merge", "LT1", "--into", "LT2", *WHO), ("duplicates",),
    ("reconcile", "hotline12345", "--dry-run"), ("roster", "import", "teams.csv"), ("roster", "check"),
    ("roster", "bind-code", "S1"), ("unreached",), ("calendar", "import", "2027.csv", "--operator", "zhang"),
    ("calendar", "show", "2026"), ("deadlines", "explain", "LT1"), ("lists",), ("out-of-order",), ("package", "B1"),
    ("owner", "LT1", "--to", "S1", *WHO), ("rates", "--month", "2026-10"), ("doctor",),
]  # fmt: skip
OFF = ("01-01", "02-05", "02-06", "02-07", "02-08", "02-09", "04-05", "05-01", "05-02", "06-09", "09-15", "10-01",
       "10-02", "10-03")  # fmt: skip


@pytest.fixture(autouse=True)
def _files(nowhere: Path) -> None:
    (nowhere / "teams.csv").write_text("服务队编号,服务队名称\nT1,第一服务队\n", encoding="utf-8")
    days = "".join(f"2027-{day},0,国办发明电〔2026〕9号\n" for day in OFF)
    (nowhere / "2027.csv").write_text(f"date,is_workday,source_doc\n{days}", encoding="utf-8")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


def said_in_a_line(told: Told, *words: str) -> None:
    assert told.code == 3, told
    assert len(told.stderr.splitlines()) == 1, told
    assert all(word in told.stderr for word in words), told


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_begins_a_ledger(words: tuple[str, ...], nowhere: Path) -> None:
    before = names(nowhere)
    told = bridge(*words)
    assert (told.code, "there is no ledger at sqlite:///data/bridge.db" in told.stdout + told.stderr) == (3, True), told
    assert names(nowhere) == before


def test_to_migrate_begins_one(nowhere: Path) -> None:
    assert bridge("migrate").code == 0
    assert bridge("parked").code == 0
    assert bridge("roster", "import", "teams.csv").code == 0


def test_an_empty_file_is_told_to_be_migrated(nowhere: Path) -> None:
    (nowhere / "data").mkdir()
    (nowhere / "data" / "bridge.db").touch()
    for words in (("parked",), ("replay", "x", *WHO), ("erase", "--petition", "LT1", *WHO)):
        told = bridge(*words)
        assert (told.code, "run `bridge migrate`" in told.stderr) == (1, True), told


@pytest.mark.parametrize("words", [("conservation",), ("lists",), ("migrate",), ("replay", "x", *WHO)], ids=" ".join)
def test_a_file_that_is_no_database(words: tuple[str, ...], nowhere: Path) -> None:
    (nowhere / "data").mkdir()
    (nowhere / "data" / "bridge.db").write_bytes(b"This is a letter, and no database at all." * 100)
    said_in_a_line(bridge(*words), "the database cannot be reached: file is not a database")


def test_a_folder_that_cannot_be_made(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_DATABASE_URL", "sqlite:///teams.csv/data/bridge.db")
    said_in_a_line(bridge("migrate"), "teams.csv/data", "Not a directory")
    said_in_a_line(bridge("conservation"), "there is no ledger")


@pytest.mark.parametrize("which", ["witness", "vault"])
def test_to_show_a_key_makes_none(which: str, nowhere: Path) -> None:
    before = names(nowhere)
    told = bridge("keys", which)
    assert (told.code, "there is no key yet" in told.stderr) == (1, True), told
    assert names(nowhere) == before
    made = bridge("keys", which, "--rotate", "--json")
    shown = bridge("keys", which, "--json")
    keys = "public_keys" if which == "witness" else "keys"
    assert made.document[keys] == shown.document[keys]
    assert len(shown.document[keys]) == 1
    assert len(bridge("keys", which, "--rotate", "--json").document[keys]) == 2


def test_values_are_sealed_anew_in_a_ledger_only(nowhere: Path) -> None:
    bridge("keys", "vault", "--rotate")
    said_in_a_line(bridge("keys", "vault", "--reseal"), "there is no ledger")
