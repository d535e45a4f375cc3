"""The law as a query: accepted = closed + held + in flight + parked, from one snapshot of the ledger.

`accepted` is counted in the journal, the four places in the tables: the two sides are written by different code and
can disagree. `orphans` are what nobody would ever look at again: petitions in no place, open petitions without a
deadline or a time at which the rules look, and hand-offs on their way without a live lease, a wake-up time or an
earlier one to wait for.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, and_, exists, func, or_, select

from bridge.ledger.tables import IN_FLIGHT, UNFINISHED, conveyor, handoffs, journal, petitions

MAX_ORPHANS = 100
OVERDUE_MS = 600_000
"""A wake-up time or a lease this long past means that nobody is watching."""

UNSEEN_MS = 3_600_000
"""So long after its time the rules should have looked at a petition."""


@dataclass(frozen=True, slots=True)
class Conservation:
    """The law at one instant; counts of petitions, except `by_system` (hand-offs by state)."""

    accepted: int
    closed: int
    held: int
    in_flight: int
    parked: int
    difference: int
    holds: bool
    by_system: dict[str, dict[str, int]] = field(default_factory=dict)
    oldest_in_flight_seconds: float = 0.0
    orphans: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def conservation(conn: Connection, now: int) -> Conservation:
    """The law now. `conn` must be one snapshot; `now` in milliseconds."""
    parked = exists().where(handoffs.c.petition_id == petitions.c.petition_id, handoffs.c.state == "parked")
    flying = or_(
        exists().where(handoffs.c.petition_id == petitions.c.petition_id, handoffs.c.state.in_(IN_FLIGHT)),
        exists().where(conveyor.c.petition_id == petitions.c.petition_id, conveyor.c.routed_at.is_(None)),
    )
    is_open = petitions.c.closed_at.is_(None)
    is_held = petitions.c.holder.is_not(None)
    counts = conn.execute(
        select(
            select(func.count()).select_from(journal).where(journal.c.opens).scalar_subquery().label("accepted"),
            _count(petitions.c.closed_at.is_not(None)).label("closed"),
            _count(and_(is_open, parked)).label("parked"),
            _count(and_(is_open, ~parked, flying)).label("in_flight"),
            _count(and_(is_open, ~parked, ~flying, is_held)).label("held"),
        )
    ).one()
    difference = counts.accepted - counts.closed - counts.held - counts.in_flight - counts.parked
    nowhere = conn.scalars(
        select(petitions.c.petition_id).where(is_open, ~parked, ~flying, ~is_held).limit(MAX_ORPHANS)
    ).all()
    orphans = [*nowhere, *_out_of_sight(conn, now), *_lost_handoffs(conn, now)]
    return Conservation(
        accepted=counts.accepted,
        closed=counts.closed,
        held=counts.held,
        in_flight=counts.in_flight,
        parked=counts.parked,
        difference=difference,
        holds=difference == 0 and not orphans,
        by_system=_by_system(conn),
        oldest_in_flight_seconds=_oldest(conn, now),
        orphans=orphans,
    )


def _count(condition: Any) -> Any:
    return select(func.count()).select_from(petitions).where(condition).scalar_subquery()


def _out_of_sight(conn: Connection, now: int) -> list[str]:
    """Open petitions that the rules have lost: without a deadline, or not looked at for long. What a migration has just
    brought (`look_at` 0) is no more than new to them."""
    late = and_(petitions.c.look_at > 0, petitions.c.look_at < now - UNSEEN_MS)
    lost = and_(petitions.c.due_at.is_(None), petitions.c.look_at > 0)
    query = select(petitions.c.petition_id).where(
        petitions.c.closed_at.is_(None), or_(petitions.c.look_at.is_(None), late, lost)
    )
    return list(conn.scalars(query.limit(MAX_ORPHANS)))


def _lost_handoffs(conn: Connection, now: int) -> list[str]:
    """In-flight hand-offs that nothing will ever wake, and events that nobody publishes."""
    earlier = handoffs.alias("earlier")
    waits = exists().where(
        earlier.c.petition_id == handoffs.c.petition_id,
        earlier.c.system == handoffs.c.system,
        earlier.c.sequence < handoffs.c.sequence,
        earlier.c.state.in_(UNFINISHED),
    )
    late = now - OVERDUE_MS
    asleep = or_(handoffs.c.wake_at.is_(None), handoffs.c.wake_at < late)
    dead = or_(handoffs.c.lease_until.is_(None), handoffs.c.lease_until < late)
    lost = select(handoffs.c.handoff_id).where(
        or_(
            and_(handoffs.c.state.in_(("pending", "queued", "retrying", "unknown")), asleep),
            and_(handoffs.c.state == "sending", dead),
            and_(handoffs.c.state == "waiting", ~waits),
        )
    )
    stuck = select(conveyor.c.event_id).where(conveyor.c.wake_at < late)
    found = [*conn.scalars(lost.limit(MAX_ORPHANS)), *conn.scalars(stuck.limit(MAX_ORPHANS))]
    return found[:MAX_ORPHANS]


def _by_system(conn: Connection) -> dict[str, dict[str, int]]:
    query = select(handoffs.c.system, handoffs.c.state, func.count()).group_by(handoffs.c.system, handoffs.c.state)
    table: dict[str, dict[str, int]] = {}
    for system, state, count in conn.execute(query.order_by(handoffs.c.system, handoffs.c.state)):
        table.setdefault(system, {})[state] = count
    return table


def _oldest(conn: Connection, now: int) -> float:
    oldest = conn.scalar(select(func.min(handoffs.c.created_at)).where(handoffs.c.state.in_(IN_FLIGHT)))
    return max(0.0, (now - oldest) / 1000) if oldest is not None else 0.0
