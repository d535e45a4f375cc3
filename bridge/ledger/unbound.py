"""Owner secretaries who have bound no WeChat (未绑定书记): they are told nothing, and confirm nothing."""

from typing import Any

from sqlalchemy import Connection, case, func, select

from bridge.clock import iso
from bridge.ledger import roster
from bridge.ledger.owned import owned
from bridge.ledger.roster_tables import bindings, secretaries
from bridge.ledger.tables import Row, petitions

UNBOUND_ZH = {
    "not_bound": "未绑定微信",
    "left": "已离任，尚未交接",
    "not_on_roster": "不在名册",
}
"""Why nobody is bound for an owner."""


def unbound_owners(conn: Connection, *, limit: int = 100, after: str | None = None) -> list[dict[str, Any]]:
    """Owner secretaries who answer for something and to whom no openid is bound, by id: why, how many petitions they
    have, since when the oldest is here. None before the first roster: then nobody can be bound, and a file says whom
    WeChat reaches."""
    if not roster.version(conn):
        return []
    query = (
        select(
            _OWNED.c.owner_id, _OWNED.c.petitions, _OWNED.c.oldest_at, secretaries.c.team_id,
            case(
                (secretaries.c.secretary_id.is_(None), "not_on_roster"), (secretaries.c.active, "not_bound"),
                else_="left",
            ).label("why"),
        )
        .join_from(_OWNED, secretaries, secretaries.c.secretary_id == _OWNED.c.owner_id, isouter=True)
        .join(bindings, bindings.c.secretary_id == _OWNED.c.owner_id, isouter=True)
        .where(bindings.c.secretary_id.is_(None))
        .order_by(_OWNED.c.owner_id)
        .limit(limit)
    )  # fmt: skip
    if after is not None:
        query = query.where(_OWNED.c.owner_id > after)
    return [_owner(row) for row in conn.execute(query).mappings()]


_EACH = owned(select(petitions.c.owner_id, petitions.c.accepted_at).where(petitions.c.owner_id.is_not(None))).subquery()
_OWNED = (
    select(
        _EACH.c.owner_id,
        func.count().label("petitions"),
        func.min(_EACH.c.accepted_at).label("oldest_at"),
    )
    .group_by(_EACH.c.owner_id)
    .subquery("owned")
)
"""Who answers for how many petitions."""


def _owner(row: Row) -> dict[str, Any]:
    line = {str(key): value for key, value in row.items() if value is not None}
    return {**line, "oldest_at": iso(row["oldest_at"]), "why_zh": UNBOUND_ZH[row["why"]]}
