"""What an owner secretary answers for (首问负责): what is open, and each closing that waits for the owner's word."""

from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, union_all

from bridge.ledger.tables import petitions

UNCONFIRMED = and_(petitions.c.state == "closed", petitions.c.confirmed_at.is_(None))
"""Said to be closed, and neither the owner nor the citizen has confirmed it (首问书记确认). The closing waits for that
only where the closing rule says so. A member (并单) whose own system closed it has a closing of its own; one that has
only the other petition's answer stands as merged."""

_KINDS: tuple[ColumnElement[bool], ...] = (
    petitions.c.closed_at.is_(None),
    and_(petitions.c.closed_at.is_not(None), UNCONFIRMED),
)


def owned(query: Select[Any]) -> CompoundSelect[Any]:
    """What of this query somebody answers for: asked twice, since each kind has an index by owner."""
    return union_all(*(query.where(kind) for kind in _KINDS))
