"""The verbs of the watch: what is due is put on the conveyor again; what nobody works on any more is found.

Every row that is picked gets a later wake-up time in the same transaction, so that one row that can never be published
goes to the back and stops no other.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, exists, insert, select, text, update

from bridge.ledger.tables import IN_FLIGHT, UNFINISHED, Row, attempts, conveyor, events, handoffs, leases, nonces
from bridge.ledger.work import Work, stored_event_message
from bridge.patience import MAX_DOUBLINGS, Patience

NONCE_KEPT_MS = 3_600_000


def due(work: Work, rounds: Sequence[tuple[int, bool]]) -> list[int]:
    """(limit, whether the conveyor runs): pick up to `limit` rows of each kind that are due; their messages go out
    after COMMIT. Returns how many were picked.

    While the conveyor stands still nothing is published, so nothing is counted as published in vain either: what is
    due is looked at again a moment later.
    """
    return [_due(work, limit, conveyor_runs=runs) for limit, runs in rounds]


def _due(work: Work, limit: int, *, conveyor_runs: bool) -> int:
    picked = _reap(work, limit)
    _unsigned(work, limit)
    if conveyor_runs:
        picked += _events(work, limit) + _handoffs(work, limit)
    else:
        _put_off(work)
    work.conn.execute(delete(nonces).where(nonces.c.seen_at < work.now - NONCE_KEPT_MS))
    work.flush()
    return picked


def _put_off(work: Work) -> None:
    soon = work.now + work.patience.publish_ms
    work.conn.execute(update(conveyor).where(conveyor.c.wake_at <= work.now).values(wake_at=soon))
    moving = handoffs.c.state.in_(("pending", "queued", "retrying", "unknown"))
    work.conn.execute(update(handoffs).where(moving, handoffs.c.wake_at <= work.now).values(wake_at=soon))


def wake_all(work: Work, owners_gone: Sequence[bool]) -> list[None]:
    """At the start of an embedded bridge: its conveyor was emptied by the stop, and no other process holds a lease."""
    work.conn.execute(update(conveyor).values(wake_at=work.now))
    work.conn.execute(update(handoffs).where(handoffs.c.state.in_(("pending", "queued"))).values(wake_at=work.now))
    if any(owners_gone):
        work.conn.execute(update(handoffs).where(handoffs.c.state == "sending").values(lease_until=work.now))
        work.conn.execute(delete(leases))
    return [None] * len(owners_gone)


def _events(work: Work, limit: int) -> int:
    """Events that the broker has not confirmed, or that nobody has routed in time."""
    query = (
        select(conveyor.c.event_id, conveyor.c.publishes)
        .where(conveyor.c.wake_at <= work.now)
        .order_by(conveyor.c.wake_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(work.conn.execute(query).mappings())
    if not rows:
        return 0
    work.conn.execute(
        _DEFER_EVENT,
        [{"id": row["event_id"], "wake": work.now + _grace(work.patience, row["publishes"])} for row in rows],
    )
    found = list(
        work.conn.execute(select(events).where(events.c.event_id.in_([row["event_id"] for row in rows]))).mappings()
    )
    for event in sorted(found, key=lambda event: (event["petition_id"], event["sequence"])):
        work.outgoing.append(stored_event_message(event))
    return len(rows)


def _handoffs(work: Work, limit: int) -> int:
    """Hand-offs whose retry has come, and those on the conveyor that show no sign of life."""
    query = (
        select(handoffs)
        .where(handoffs.c.state.in_(("pending", "queued", "retrying", "unknown")), handoffs.c.wake_at <= work.now)
        .order_by(handoffs.c.wake_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(work.conn.execute(query).mappings())
    if rows:
        work.conn.execute(_DEFER_HANDOFF, [_deferred(work, row) for row in rows])
        for row in rows:
            work.ready(row)
    return len(rows)


def _deferred(work: Work, row: Row) -> dict[str, Any]:
    retry = row["state"] in ("retrying", "unknown")
    publishes = 0 if retry else row["publishes"] + 1
    return {"id": row["handoff_id"], "publishes": publishes, "wake": work.now + _grace(work.patience, publishes)}


def _reap(work: Work, limit: int) -> int:
    """Leases that ran out: whoever held them may have sent, so the hand-off is unknown and will be asked about."""
    query = (
        select(handoffs)
        .where(handoffs.c.state == "sending", handoffs.c.lease_until <= work.now)
        .order_by(handoffs.c.lease_until)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(work.conn.execute(query).mappings())
    if not rows:
        return 0
    work.conn.execute(_EXPIRE, [{"id": row["handoff_id"], "wake": work.now} for row in rows])
    work.conn.execute(insert(attempts), [_lost_attempt(work, row) for row in rows])
    for row in rows:
        work.note("handoff.unknown", row["petition_id"], level="warning", handoff_id=row["handoff_id"], from_="bridge",
                  to=row["system"], event_id=row["event_id"], attempt=row["attempts"],
                  outcome="lease_expired")  # fmt: skip
    return len(rows)


def _unsigned(work: Work, limit: int) -> None:
    """Delivered hand-offs that nobody has signed for in time (逾期未签收): said once each."""
    query = (
        select(handoffs)
        .where(handoffs.c.acknowledge_by <= work.now)
        .order_by(handoffs.c.acknowledge_by)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(work.conn.execute(query).mappings())
    if rows:
        work.conn.execute(_SAID, [{"id": row["handoff_id"]} for row in rows])
    for row in rows:
        work.note("handoff.unacknowledged", row["petition_id"], level="warning", handoff_id=row["handoff_id"],
                  from_="bridge", to=row["system"], event_id=row["event_id"], receipt=row["receipt"],
                  outcome="not_signed_in_time")  # fmt: skip


def _lost_attempt(work: Work, row: Row) -> dict[str, Any]:
    return {
        "handoff_id": row["handoff_id"],
        "attempt": row["attempts"],
        "started_at": work.now,
        "took_ms": 0,
        "outcome": "unknown",
        "code": "lease_expired",
        "detail": None,
    }


def free_lanes(work: Work, limits: Sequence[int]) -> list[int]:
    """Lanes whose first unfinished hand-off waits for nothing: a safety net, no known path leads there."""
    earlier = handoffs.alias("earlier")
    blocked = exists().where(
        earlier.c.petition_id == handoffs.c.petition_id,
        earlier.c.system == handoffs.c.system,
        earlier.c.sequence < handoffs.c.sequence,
        earlier.c.state.in_(UNFINISHED),
    )
    query = select(handoffs.c.petition_id).where(handoffs.c.state == "waiting", ~blocked).limit(max(limits))
    if work.conn.dialect.name == "postgresql":
        # A plan that was kept from when there were few reads all that is unfinished for each that waits: minutes, with
        # a backlog of ten thousand, in which nothing else is written.
        work.conn.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    petition_ids = set(work.conn.scalars(query))
    if petition_ids:
        work.load(petition_ids)
        work.wake_lanes(petition_ids)
    return [len(petition_ids)] * len(limits)


def next_wake(work: Work, requests: Sequence[None]) -> list[int | None]:
    """When the next row falls due, in milliseconds; None when nothing waits."""
    soonest = [
        work.conn.scalar(select(conveyor.c.wake_at).order_by(conveyor.c.wake_at).limit(1)),
        work.conn.scalar(
            select(handoffs.c.wake_at)
            .where(handoffs.c.state.in_(IN_FLIGHT), handoffs.c.wake_at.is_not(None))
            .order_by(handoffs.c.wake_at)
            .limit(1)
        ),
        work.conn.scalar(
            select(handoffs.c.lease_until)
            .where(handoffs.c.state == "sending")
            .order_by(handoffs.c.lease_until)
            .limit(1)
        ),
    ]
    known = [moment for moment in soonest if moment is not None]
    return [min(known) if known else None] * len(requests)


def _grace(patience: Patience, publishes: int) -> int:
    """The more often it was published in vain, the longer the pause: 60 s, doubling to 32 min."""
    return patience.queued_ms * 2 ** min(publishes, MAX_DOUBLINGS) if publishes else patience.publish_ms * 3


_SAID = update(handoffs).where(handoffs.c.handoff_id == bindparam("id")).values(acknowledge_by=None)
_DEFER_EVENT = (
    update(conveyor)
    .where(conveyor.c.event_id == bindparam("id"))
    .values(wake_at=bindparam("wake"), publishes=conveyor.c.publishes + 1)
)
_DEFER_HANDOFF = (
    update(handoffs)
    .where(handoffs.c.handoff_id == bindparam("id"))
    .values(state="pending", wake_at=bindparam("wake"), publishes=bindparam("publishes"))
)
_EXPIRE = (
    update(handoffs)
    .where(handoffs.c.handoff_id == bindparam("id"))
    .values(state="unknown", ask_first=True, wake_at=bindparam("wake"), lease_owner=None, lease_until=None)
)
