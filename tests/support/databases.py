"""Databases of a test's own on a PostgreSQL server that others use too."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import make_url

from tests.support.probe import libpq


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """An empty database; gone at the end."""
    name = f"bridge_test_{secrets.token_hex(6)}"
    _administer(server, f"CREATE DATABASE {name}")
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        # With force: a test that left a connection open must not keep the database.
        _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(server: str, statement: str) -> None:
    with psycopg.connect(libpq(server), autocommit=True) as connection:
        connection.execute(statement.encode())
