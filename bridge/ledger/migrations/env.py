"""Alembic runs this; the connection comes from `bridge.ledger.migrate`."""

from alembic import context

from bridge.ledger import roster_tables
from bridge.ledger.tables import metadata

# All tables of the one metadata, wherever they are written down.
__all__ = ["roster_tables"]
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
