"""Many rows in one statement, without a per-row price in Python.

PostgreSQL gets one array for each column (`unnest`), SQLite the driver's own `executemany`. Through the generic
`executemany` a row costs ten times as much, and the ledger writes a dozen rows for each petition.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Connection, Integer, LargeBinary, Table

from bridge.ledger.tables import Row


def insert_rows(conn: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert `rows`, which all have the same keys. Raises the database's error as any statement does."""
    if not rows:
        return
    names = tuple(rows[0])
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(_pg_insert(table, names), tuple([row[name] for row in rows] for name in names))
    else:
        conn.exec_driver_sql(_sqlite_insert(table, names), [tuple(row[name] for name in names) for row in rows])


def update_rows(conn: Connection, table: Table, key: str, rows: Sequence[Row]) -> None:
    """Set the columns in `rows` where `key` matches; all rows have the same keys."""
    if not rows:
        return
    names = tuple(name for name in rows[0] if name != key)
    if conn.dialect.name == "postgresql":
        arrays = tuple([row[name] for row in rows] for name in (key, *names))
        conn.exec_driver_sql(_pg_update(table, key, names), arrays)
    else:
        values = [(*(row[name] for name in names), row[key]) for row in rows]
        conn.exec_driver_sql(_sqlite_update(table, key, names), values)


@cache
def _pg_insert(table: Table, names: tuple[str, ...]) -> str:
    arrays = ", ".join(f"%s::{_pg_array(table.c[name])}" for name in names)
    return f"INSERT INTO {table.name} ({_listed(names)}) SELECT * FROM unnest({arrays})"  # noqa: S608 - our own names


@cache
def _pg_update(table: Table, key: str, names: tuple[str, ...]) -> str:
    arrays = ", ".join(f"%s::{_pg_array(table.c[name])}" for name in (key, *names))
    changes = ", ".join(f'"{name}" = new."{name}"' for name in names)
    return (
        f"UPDATE {table.name} SET {changes} FROM unnest({arrays}) "  # noqa: S608 - our own names
        f'AS new({_listed((key, *names))}) WHERE {table.name}."{key}" = new."{key}"'
    )


@cache
def _sqlite_insert(table: Table, names: tuple[str, ...]) -> str:
    marks = ", ".join("?" for _ in names)
    return f"INSERT INTO {table.name} ({_listed(names)}) VALUES ({marks})"  # noqa: S608 - our own names


@cache
def _sqlite_update(table: Table, key: str, names: tuple[str, ...]) -> str:
    changes = ", ".join(f'"{name}" = ?' for name in names)
    return f'UPDATE {table.name} SET {changes} WHERE "{key}" = ?'  # noqa: S608 - our own names


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _pg_array(column: Column[Any]) -> str:
    for kind, array in (
        (Boolean, "boolean[]"),
        (BigInteger, "bigint[]"),
        (Integer, "integer[]"),
        (LargeBinary, "bytea[]"),
    ):
        if isinstance(column.type, kind):
            return array
    return "text[]"
