"""who confirmed the closing, which units are late, what answers in which round, which petitions are in which package"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("petitions", sa.Column("confirmed_at", sa.BigInteger(), nullable=True))
    op.add_column("petitions", sa.Column("late_units", sa.Text(), nullable=True))
    op.add_column("petitions", sa.Column("round_from", sa.Integer(), server_default="0", nullable=False))
    op.add_column("events", sa.Column("answers", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    # What was closed before anybody was asked to confirm it is nobody's to confirm now.
    op.execute("UPDATE petitions SET confirmed_at = updated_at WHERE state = 'closed'")
    where = sa.text("confirmed_at IS NULL")
    op.create_index(
        "petitions_unconfirmed", "petitions", ["state", "owner_id", "petition_id"], unique=False, sqlite_where=where,
        postgresql_where=where,
    )  # fmt: skip
    op.create_table(
        "packages",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("petition_id", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("system", "number", "petition_id"),
    )
    op.create_index("packages_petition", "packages", ["petition_id"], unique=False)
