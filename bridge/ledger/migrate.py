"""Bringing the ledger's tables up to date (Alembic)."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from bridge.ledger.store import Store

_ADVISORY_LOCK = 7_205_512_345
"""Two processes that start together must not both create the tables."""


def migrate(store: Store) -> str:
    """Bring the tables to the newest revision and return it. Safe to run at any time, by several processes at once.
    An SQLite ledger that is not there is begun, with its folder: nothing else does. Raises `OSError`."""
    store.make_folder()
    with store.engine.connect() as conn, conn.begin():
        if store.is_sqlite:
            conn.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        if _revision(conn) != newest():
            command.upgrade(_config(conn), "head")
        return newest()


def newest() -> str:
    """The revision this code needs."""
    head = ScriptDirectory.from_config(_config(None)).get_current_head()
    assert head is not None  # noqa: S101 - the package ships its migrations
    return head


def current(store: Store) -> str | None:
    """The revision the database is at, or None when it is empty or not there: to ask must not begin it."""
    if store.is_missing_file:
        return None
    with store.engine.connect() as conn:
        return _revision(conn)


def _revision(conn: Connection) -> str | None:
    return MigrationContext.configure(conn).get_current_revision()


def _config(conn: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = conn
    return config
