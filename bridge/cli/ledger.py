"""The ledger as commands find it. None of them begins one: in a wrong folder that would pass for an answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from bridge.cli.output import Exit, fail, reaching

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bridge.ledger.store import Store
    from bridge.ledger.work import Work

T = TypeVar("T")


@contextmanager
def ledger() -> Iterator["Store"]:
    """The ledger, if it is there and up to date; else the command ends and says what to do."""
    from bridge import app as root
    from bridge.ledger.migrate import current, newest
    from bridge.ledger.store import Store

    settings = root.settings()
    with reaching("the database"):
        store = Store(settings.database_url)
        try:
            if store.is_missing_file:
                fail(
                    Exit.UNREACHABLE,
                    f"there is no ledger at {settings.database_url}; see BRIDGE_DATABASE_URL, or begin one with "
                    "`bridge migrate` (无台账)",
                )
            if current(store) != newest():
                fail(
                    Exit.FALLS_SHORT,
                    "the ledger's tables are not up to date; run `bridge migrate` (请先执行 bridge migrate)",
                )
            yield store
        finally:
            store.close()


def reading(query: Callable[["Connection"], T]) -> T:
    """`query(connection)` in one snapshot."""
    with ledger() as store, store.reading() as conn:
        return query(conn)


def writing(work_on: Callable[["Work"], T]) -> T:
    """`work_on(work)` in one transaction. This process has no relay: the watch of the running bridge publishes what is
    due now."""
    from bridge import app as root
    from bridge.clock import to_ms, utc_now
    from bridge.ledger.members import mirror
    from bridge.ledger.work import Work

    with ledger() as store:
        settings = root.settings()
        privacy, rules = root.privacy(settings), root.rulebook(settings)
        with store.writing() as conn:
            now = to_ms(utc_now())
            return work_on(Work(conn, now, privacy, root.MESSENGER, settings.patience, mirror=mirror, rules=rules))
