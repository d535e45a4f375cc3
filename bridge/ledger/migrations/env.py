"""Alembic runs this; the connection comes from `bridge.ledger.migrate`."""

from alembic import context

from bridge.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
