"""A folder of its own for every test, with an empty ledger or none."""

from pathlib import Path

import pytest

from bridge.ledger.migrate import migrate
from bridge.ledger.store import Store


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No ledger, no keys. What is said is not folded."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def here(nowhere: Path) -> Path:
    """With a ledger."""
    store = Store("sqlite:///data/bridge.db")
    migrate(store)
    store.close()
    return nowhere
