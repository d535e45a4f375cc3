"""The tables that migrations make are the tables the code speaks of, on both databases, whoever migrates when."""

import multiprocessing
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, text

from bridge.ledger.migrate import current, migrate, newest
from bridge.ledger.store import BadDatabaseUrl, Store
from bridge.ledger.tables import metadata


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without a single table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'not there yet' / 'bridge.db'}"
    return str(request.getfixturevalue("fresh_postgres_url"))


@pytest.fixture
def store(empty_url: str) -> Store:
    return Store(empty_url)


def _as_built(conn: Connection) -> dict[str, object]:
    """Columns with types and defaults, and indexes with their conditions, as the database has them."""
    if conn.dialect.name == "sqlite":
        rows = conn.execute(text("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"))
        return {name: " ".join(sql.split()) for name, sql in rows if name != "alembic_version"}
    found: dict[str, object] = {
        row.indexname: row.indexdef
        for row in conn.execute(text("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"))
    }
    columns = text(
        "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
        " WHERE table_schema = 'public'"
    )
    found |= {f"{row.table_name}.{row.column_name}": tuple(row)[2:] for row in conn.execute(columns)}
    return {name: value for name, value in found.items() if not name.startswith("alembic_version")}


def test_migrations_make_exactly_the_tables_of_the_code(store: Store, tmp_path: Path) -> None:
    assert migrate(store) == newest() == current(store)
    with store.engine.connect() as conn:
        assert compare_metadata(MigrationContext.configure(conn, opts={"compare_server_default": True}), metadata) == []


def test_down_to_defaults_and_conditions_of_indexes(store: Store, tmp_path: Path) -> None:
    """Alembic compares neither the conditions of partial indexes nor everything about defaults."""
    migrate(store)
    with store.engine.connect() as conn:
        migrated = _as_built(conn)
    if store.is_sqlite:
        fresh = create_engine(f"sqlite:///{tmp_path / 'fresh.db'}")
        metadata.create_all(fresh)
        with fresh.connect() as conn:
            created = _as_built(conn)
        # Alembic writes constraints of a table in another order than `create_all`.
        tables = {table.name for table in metadata.sorted_tables}
        assert {n: s for n, s in migrated.items() if n not in tables} == {
            n: s for n, s in created.items() if n not in tables
        }
        with store.engine.connect() as one, fresh.connect() as two:
            for name in tables:
                assert _columns(one, name) == _columns(two, name)
        fresh.dispose()
        return
    with store.engine.begin() as conn:
        conn.execute(text("DROP SCHEMA public CASCADE"))
        conn.execute(text("CREATE SCHEMA public"))
        metadata.create_all(conn)
    with store.engine.connect() as conn:
        assert _as_built(conn) == migrated


def _columns(conn: Connection, name: str) -> list[tuple[object, ...]]:
    return sorted(tuple(row)[1:] for row in conn.execute(text(f"PRAGMA table_info({name})")))


def test_migrating_again_changes_nothing(store: Store) -> None:
    migrate(store)
    with store.engine.begin() as conn:
        conn.execute(text("INSERT INTO nonces (system, nonce, seen_at) VALUES ('x', 'y', 1)"))
    for _ in range(3):
        assert migrate(store) == newest()
    with store.engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM nonces")) == 1


def test_an_empty_database_has_no_revision(store: Store) -> None:
    assert current(store) is None


def test_many_threads_may_migrate_at_once(empty_url: str) -> None:
    barrier = threading.Barrier(6)
    done: list[str] = []
    errors: list[BaseException] = []

    def run() -> None:
        store = Store(empty_url)
        barrier.wait(10)
        try:
            done.append(migrate(store))
        except BaseException as error:
            errors.append(error)
        finally:
            store.close()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert done == [newest()] * 6


def test_processes_may_migrate_at_once(empty_url: str) -> None:
    fork = multiprocessing.get_context("fork")
    barrier, answers = fork.Barrier(4), fork.SimpleQueue()
    processes = [fork.Process(target=_migrate, args=(empty_url, barrier, answers)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [answers.get() for _ in processes] == [newest()] * 4


def _migrate(url: str, barrier: threading.Barrier, answers: Any) -> None:
    barrier.wait(30)
    try:
        answers.put(migrate(Store(url)))
    except BaseException as error:
        answers.put(repr(error))


def test_every_table_has_a_primary_key(store: Store) -> None:
    migrate(store)
    for name in inspect(store.engine).get_table_names():
        assert inspect(store.engine).get_pk_constraint(name)["constrained_columns"], name


@pytest.mark.parametrize(
    "url", ["mysql://u:s3cret@h/d", "postgresql://u:s3cret@h/d", "postgresql+asyncpg://u:s3cret@h/d"]
)
def test_another_database_is_refused_in_one_clear_line(url: str) -> None:
    with pytest.raises(BadDatabaseUrl) as refused:
        Store(url)
    assert "BRIDGE_DATABASE_URL" in str(refused.value)
    assert "postgresql+psycopg://" in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_sqlite_is_durable_and_does_not_lock_readers_out(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'bridge.db'}")
    with store.reading() as conn:
        assert conn.scalar(text("PRAGMA journal_mode")) == "wal"
        assert conn.scalar(text("PRAGMA synchronous")) == 2
    store.close()
