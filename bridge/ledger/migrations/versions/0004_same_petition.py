"""the same petition by another road: merged petitions, echoes"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("petitions", sa.Column("merged_into", sa.Text(), nullable=True))
    op.add_column("petitions", sa.Column("roads", sa.Text(), nullable=True))
    op.add_column("petitions", sa.Column("members", sa.Integer(), server_default="0", nullable=False))
    op.create_index(
        "petitions_merged",
        "petitions",
        ["merged_into"],
        unique=False,
        sqlite_where=sa.text("merged_into IS NOT NULL"),
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )
    op.add_column("events", sa.Column("echo_key", sa.Text(), nullable=True))
