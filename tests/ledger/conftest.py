"""The contract of the ledger is one; it is tested on both databases."""

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import create_engine, make_url, text

from bridge.ledger import digest_tables, roster_tables  # noqa: F401 - every table is emptied between tests
from bridge.ledger.migrate import migrate
from bridge.ledger.store import Store
from bridge.ledger.tables import metadata
from tests.support.ledgers import Bench, Clock

MakeBench = Callable[..., Bench]
_TABLES = [table.name for table in metadata.sorted_tables]


@pytest.fixture(scope="session")
def _sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'bridge.db'}"
    _migrate(url)
    return url


@pytest.fixture(scope="session")
def _postgres_ledger_url(request: pytest.FixtureRequest) -> Iterator[str]:
    server = make_url(request.getfixturevalue("_services").postgres_url)
    name = f"bridge_ledger_{secrets.token_hex(6)}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name}"))
    url = server.set(database=name).render_as_string(hide_password=False)
    _migrate(url)
    yield url
    with admin.connect() as conn:
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def _migrate(url: str) -> None:
    store = Store(url)
    migrate(store)
    store.close()


@pytest.fixture(scope="session")
def _stores() -> dict[str, list[Store]]:
    """Used again and again: what SQLAlchemy has compiled for one test serves the next."""
    return defaultdict(list)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, _stores: dict[str, list[Store]]) -> str:
    """A migrated database without a row."""
    found = request.getfixturevalue("_sqlite_url" if request.param == "sqlite" else "_postgres_ledger_url")
    store = _store(_stores, found, 0)
    with store.writing() as conn:
        if store.is_sqlite:
            for name in _TABLES:
                conn.execute(text(f"DELETE FROM {name}"))
        else:
            conn.execute(text(f"TRUNCATE {', '.join(_TABLES)} RESTART IDENTITY"))
    return str(found)


def _store(stores: dict[str, list[Store]], url: str, number: int) -> Store:
    while len(stores[url]) <= number:
        stores[url].append(Store(url))
    return stores[url][number]


@pytest.fixture
def make_bench(url: str, _stores: dict[str, list[Store]]) -> Iterator[MakeBench]:
    """More ledgers on the same database: what other processes have."""
    made: list[Bench] = []

    def make(owner: str = "w1", clock: Clock | None = None) -> Bench:
        made.append(Bench(url, clock, owner=owner, store=_store(_stores, url, len(made))))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return make_bench()
