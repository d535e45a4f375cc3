"""The tables of the monthly analysis (月度分析): sealed digests, and the proposals made from them."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from bridge.ledger.tables import metadata

digests = Table(
    "digests",
    metadata,
    Column("month", Text, primary_key=True),
    Column("sealed_at", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("traced_sha256", Text, nullable=False),
    Column("published", Text, nullable=False),
    Column("traced", Text, nullable=False),
)
"""One row a sealed month (月度分析). Both documents as canonical JSON: as published, and with petition ids."""

digest_items = Table(
    "digest_items",
    metadata,
    Column("item_id", Text, primary_key=True),
    Column("month", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("digest_items_month", "month", "item_id"),
)
"""One row a proposal for the meeting (对策建议). `document`: its title, what it is about, and its rounds, as JSON."""
