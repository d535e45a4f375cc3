"""petitions in which a unit is known to assist"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("petitions", sa.Column("assisted", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.execute(
        "UPDATE petitions SET assisted = true WHERE petition_id IN"
        " (SELECT petition_id FROM events WHERE announced LIKE '%\"assist\"%')"
    )
