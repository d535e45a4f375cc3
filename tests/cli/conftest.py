"""A folder of its own for every test, with an empty ledger or none."""

from pathlib import Path

import pytest

from bridge.cli import output
from bridge.ledger.migrate import migrate
from bridge.ledger.store import Store


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No ledger, no keys. What is said is not folded."""
    monkeypatch.chdir(tmp_path)
    # Not by COLUMNS: xdist sets that in its workers before the consoles are made.
    for console in (output.out, output.err):
        monkeypatch.setattr(console, "width", 200)
    return tmp_path


@pytest.fixture
def here(nowhere: Path) -> Path:
    """With a ledger."""
    store = Store("sqlite:///data/bridge.db")
    migrate(store)
    store.close()
    return nowhere
