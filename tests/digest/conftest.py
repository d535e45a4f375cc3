"""The ledger's bench, on both databases, with the tables of the monthly analysis."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from bridge.ledger import digest_tables  # noqa: F401 - the tables that are emptied between tests
from bridge.ledger.migrate import migrate
from bridge.ledger.store import Store
from bridge.ledger.tables import metadata
from tests.ledger.conftest import (  # noqa: F401 - fixtures are found by their names
    _stores,
    bench,
    make_bench,
    url,
)


@pytest.fixture(scope="session")
def _sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _prepared(f"sqlite:///{tmp_path_factory.mktemp('digest') / 'bridge.db'}")


@pytest.fixture(scope="session")
def _postgres_ledger_url(postgres_url: str) -> str:
    return _prepared(make_url(postgres_url).render_as_string(hide_password=False))


def _prepared(at: str) -> str:
    store = Store(at)
    migrate(store)
    metadata.create_all(store.engine)
    store.close()
    return at


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own with an SQLite ledger, as a command finds it."""
    monkeypatch.chdir(tmp_path)
    _prepared("sqlite:///data/bridge.db")
    return tmp_path
