"""Opening the ledger: SQLite as the embedded default, PostgreSQL for several processes."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from tenacity import Retrying, retry_if_exception_message, stop_after_delay, wait_random

BUSY_SECONDS = 30
_USE = "use sqlite:///data/bridge.db or postgresql+psycopg://user:password@host/name"
_AWAY_STATES = ("08", "57P", "53", "25006")
"""SQLSTATEs: no connection, shutting down, no resources (disk, memory, connections), a standby that only reads."""


class BadDatabaseUrl(ValueError):
    """BRIDGE_DATABASE_URL cannot be used; the text says what it should look like."""


class Store:
    """The two engines of one process: one connection that writes, a small pool that reads."""

    def __init__(self, url: str) -> None:
        try:
            self.url = make_url(url)
        except ArgumentError:
            raise BadDatabaseUrl(f"BRIDGE_DATABASE_URL: this is no database address (地址格式有误); {_USE}") from None
        self.is_sqlite = self.url.drivername in ("sqlite", "sqlite+pysqlite")
        if not self.is_sqlite and self.url.drivername != "postgresql+psycopg":
            raise BadDatabaseUrl(f"BRIDGE_DATABASE_URL: {self.url.drivername!r} is not supported; {_USE}")
        self._writer = self._engine(size=1)
        self._reader = self._engine(size=4)

    def _engine(self, size: int) -> Engine:
        if not self.is_sqlite:
            return create_engine(
                self.url,
                pool_size=size,
                max_overflow=2,
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args={"connect_timeout": 5},
            )
        engine = create_engine(
            self.url, pool_size=size, max_overflow=2, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS}
        )
        event.listen(engine, "connect", _prepare_sqlite)
        return engine

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A write transaction: committed at the end, rolled back on any exception."""
        with self._writer.connect() as conn, conn.begin():
            if self.is_sqlite:
                # IMMEDIATE: a transaction that will write takes its lock at once instead of failing half-way.
                conn.exec_driver_sql("BEGIN IMMEDIATE")
            yield conn

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read transaction: everything in it is one snapshot."""
        with self._reader.connect() as conn:
            if self.is_sqlite:
                conn.exec_driver_sql("BEGIN")
            else:
                conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield conn
            conn.rollback()

    @property
    def is_missing_file(self) -> bool:
        """Whether this is an SQLite ledger that nobody has begun yet."""
        name = self.url.database
        return self.is_sqlite and name not in (None, "", ":memory:") and not Path(str(name)).exists()

    def make_folder(self) -> None:
        """Where an SQLite ledger is to be begun. Raises `OSError`."""
        if self.is_missing_file:
            Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True)

    @property
    def engine(self) -> Engine:
        """For migrations."""
        return self._writer

    def ping(self) -> None:
        """Raises `OperationalError` when the database cannot be reached."""
        with self._reader.connect() as conn:
            conn.execute(text("SELECT 1"))

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()


def unreachable(error: BaseException) -> bool:
    """Whether the database went away or has no room (as against refusing what it was asked)."""
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    if isinstance(error.orig, sqlite3.Error):
        return isinstance(error, OperationalError) and "no such" not in str(error.orig)
    state = getattr(error.orig, "sqlstate", None)
    return state.startswith(_AWAY_STATES) if state else isinstance(error, OperationalError)


_patiently = Retrying(
    retry=retry_if_exception_message(match="database is locked"),
    stop=stop_after_delay(BUSY_SECONDS),
    wait=wait_random(0.01, 0.1),
    reraise=True,
)


def _prepare_sqlite(connection: sqlite3.Connection, record: Any) -> None:
    # We begin transactions ourselves: the driver would begin a deferred one.
    connection.isolation_level = None
    cursor = connection.cursor()
    # First: changing the journal mode already needs the lock that another process may hold.
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    # The first to come turns the journal mode over, and SQLite tells the others at once that it is locked: the time-out
    # does not count for this one statement.
    _patiently(cursor.execute, "PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
