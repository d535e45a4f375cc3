"""keyed hashes for look-up, erasure, reconciliation reports"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name, kind in (("phone_key", sa.Text()), ("fingerprint", sa.Text()), ("erased_at", sa.BigInteger())):
        op.add_column("petitions", sa.Column(name, kind, nullable=True))
    op.create_index("petitions_phone", "petitions", ["phone_key", "accepted_at"], unique=False)
    op.create_index("petitions_fingerprint", "petitions", ["fingerprint", "accepted_at"], unique=False)
    op.create_table(
        "reconciliations",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("ran_at", sa.BigInteger(), nullable=False),
        sa.Column("open_differences", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index("reconciliations_day", "reconciliations", ["system", "day", "ran_at"], unique=False)
