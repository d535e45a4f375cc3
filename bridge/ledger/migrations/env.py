"""Alembic runs this; the connection comes from `bridge.ledger.migrate`."""

from alembic import context

from bridge.ledger import digest_tables, roster_tables
from bridge.ledger.tables import metadata

# All tables of the one metadata, wherever they are written down.
__all__ = ["digest_tables", "roster_tables"]
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
