"""The ledger's bench, on both databases, for the roster."""

from tests.ledger.conftest import (  # noqa: F401 - fixtures are found by their names
    _postgres_ledger_url,
    _sqlite_url,
    _stores,
    bench,
    make_bench,
    url,
)
