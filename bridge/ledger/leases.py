"""The verb `hold`: work that only one process does at a time (sealing, polling a system)."""

from collections.abc import Sequence

from sqlalchemy import bindparam, insert, or_, select, update

from bridge.ledger.tables import leases
from bridge.ledger.work import Work


def hold(work: Work, requests: Sequence[tuple[str, str, float]]) -> list[bool]:
    """(name, owner, seconds) → whether this owner has it until then. 0 seconds gives it up."""
    return [_hold(work, name, owner, seconds) for name, owner, seconds in requests]


def _hold(work: Work, name: str, owner: str, seconds: float) -> bool:
    until = work.now + round(seconds * 1000)
    taken = work.conn.execute(_TAKE, {"name_": name, "owner_": owner, "until_": until, "now_": work.now})
    if taken.rowcount:
        return True
    if work.conn.scalar(select(leases.c.owner).where(leases.c.name == name)) is not None:
        return False
    # Two processes that both find no row meet at the primary key; the loser's transaction is run again.
    work.conn.execute(insert(leases), {"name": name, "owner": owner, "until": until})
    return True


_TAKE = (
    update(leases)
    .where(
        leases.c.name == bindparam("name_"),
        or_(leases.c.owner == bindparam("owner_"), leases.c.until <= bindparam("now_")),
    )
    .values(owner=bindparam("owner_"), until=bindparam("until_"))
)
