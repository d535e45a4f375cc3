"""The ledger's bench, on both databases, for the roster."""

from bridge.ledger import roster_tables  # noqa: F401 - the tables that are emptied between tests
from tests.ledger.conftest import (  # noqa: F401 - fixtures are found by their names
    _postgres_ledger_url,
    _sqlite_url,
    _stores,
    bench,
    make_bench,
    url,
)
