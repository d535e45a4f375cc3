"""The contract of the ledger is one; it is tested on both databases."""

import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from bridge.ledger.migrate import migrate
from bridge.ledger.store import Store
from bridge.ledger.tables import metadata
from tests.support.ledgers import Bench, Clock

MakeBench = Callable[..., Bench]


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ledger") / "template.db"
    store = Store(f"sqlite:///{path}")
    migrate(store)
    store.close()
    return path


@pytest.fixture(scope="session")
def _migrated_postgres(request: pytest.FixtureRequest) -> Iterator[str]:
    server = make_url(request.getfixturevalue("_services").postgres_url)
    name = f"bridge_ledger_{secrets.token_hex(6)}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name}"))
    url = server.set(database=name).render_as_string(hide_password=False)
    store = Store(url)
    migrate(store)
    store.close()
    yield url
    with admin.connect() as conn:
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty, migrated database."""
    if request.param == "sqlite":
        path = tmp_path / "bridge.db"
        shutil.copy(request.getfixturevalue("_migrated_sqlite"), path)
        return f"sqlite:///{path}"
    found = str(request.getfixturevalue("_migrated_postgres"))
    engine = create_engine(found)
    with engine.begin() as conn:
        # Faster than a database for each test, and as empty.
        conn.execute(text(f"TRUNCATE {', '.join(table.name for table in metadata.sorted_tables)} RESTART IDENTITY"))
    engine.dispose()
    return found


@pytest.fixture
def make_bench(url: str) -> Iterator[MakeBench]:
    """More ledgers on the same database: what other processes have."""
    made: list[Bench] = []

    def make(owner: str = "w1", clock: Clock | None = None, **more: object) -> Bench:
        made.append(Bench(url, clock, owner=owner, **more))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return make_bench()
