"""the city's rules: when to look at a petition next, the lists of the day, what was out of order, the calendar"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_COLUMNS: tuple[sa.Column[Any], ...] = (
    sa.Column("deadlines_version", sa.Text(), nullable=True),
    sa.Column("profile", sa.Text(), nullable=True),
    sa.Column("provisional", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    sa.Column("look_at", sa.BigInteger(), nullable=True),
    sa.Column("owner_id", sa.Text(), nullable=True),
    sa.Column("unit", sa.Text(), nullable=True),
    sa.Column("place_key", sa.Text(), nullable=True),
    sa.Column("subject_key", sa.Text(), nullable=True),
    sa.Column("no_echo", sa.Text(), nullable=True),
    sa.Column("no_echo_since", sa.BigInteger(), nullable=True),
    sa.Column("no_landing", sa.Text(), nullable=True),
    sa.Column("no_landing_since", sa.BigInteger(), nullable=True),
)


def upgrade() -> None:
    for column in _COLUMNS:
        op.add_column("petitions", column)
    op.add_column("events", sa.Column("out_of_order", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "workdays",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("is_workday", sa.Boolean(), nullable=False),
        sa.Column("source_doc", sa.Text(), nullable=False),
        sa.Column("loaded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
    _partial("petitions_look", "petitions", ["look_at"], "look_at IS NOT NULL")
    _partial("petitions_no_echo", "petitions", ["team_id", "petition_id"], "no_echo IS NOT NULL")
    _partial("petitions_no_landing", "petitions", ["team_id", "petition_id"], "no_landing IS NOT NULL")
    _partial("petitions_owner", "petitions", ["owner_id"], "closed_at IS NULL")
    op.create_index("petitions_group", "petitions", ["place_key", "subject_key", "accepted_at"])
    _partial("events_out_of_order", "events", ["recorded_at", "event_id"], "out_of_order")
    # Whatever is open is looked at once: its deadlines, its owner and its keys are filled in then.
    op.execute("UPDATE petitions SET look_at = 0 WHERE closed_at IS NULL")


def _partial(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=False, sqlite_where=where, postgresql_where=where)
