"""The roster's tables in the ledger (名册): teams, secretaries, areas, units, and who is bound to which openid."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from bridge.ledger.tables import metadata

roster_versions = Table(
    "roster_versions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)
"""One row: every change of the roster raises `version`, by which the processes see that theirs is old."""

teams = Table(
    "teams",
    metadata,
    Column("team_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("home_unit", Text, nullable=False),
    Column("leader_id", Text, nullable=False),
)
"""服务队. `leader_id` is a secretary's, empty where nobody leads."""

secretaries = Table(
    "secretaries",
    metadata,
    Column("secretary_id", Text, primary_key=True),
    Column("team_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("home_unit", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Index("secretaries_team", "team_id"),
)
"""民情书记. Who has left stays, inactive: petitions name them."""

areas = Table(
    "areas",
    metadata,
    Column("region_code", Text, nullable=False),
    Column("street", Text, nullable=False),
    Column("community", Text, nullable=False),
    Column("team_id", Text, nullable=False),
    Column("secretary_id", Text, nullable=False),
    PrimaryKeyConstraint("region_code", "street", "community"),
)
"""包联区域. Empty `community`: the rest of the street; empty `street` as well: the rest of the region. Empty `team_id`:
nobody covers it."""

units = Table(
    "units",
    metadata,
    Column("name", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("contact_id", Text, nullable=False),
)
"""承办单位 and 派出单位; `contact_id` is the secretary who gets the unit's tasks on WeChat."""

bindings = Table(
    "bindings",
    metadata,
    Column("secretary_id", Text, primary_key=True),
    Column("openid_key", Text, nullable=False),
    Column("openid", Text, nullable=False),
    Column("bound_at", BigInteger, nullable=False),
    Index("bindings_openid", "openid_key", unique=True),
)
"""Secretary ↔ openid: one each. `openid_key` is a keyed hash to find it, `openid` is sealed (`bridge.vault`)."""

binding_codes = Table(
    "binding_codes",
    metadata,
    Column("code_key", Text, primary_key=True),
    Column("secretary_id", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("used_by", Text),
    Index("binding_codes_secretary", "secretary_id"),
)
"""One-time codes by their keyed hash; `used_by` is the keyed hash of the openid that used it."""
