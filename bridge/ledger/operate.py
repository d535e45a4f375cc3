"""The verbs of operators: replay and cancel, by name and with a reason, or only as a rehearsal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, update

from bridge.ledger.route import OPENING
from bridge.ledger.tables import Row, handoffs
from bridge.ledger.work import Work

REPLAYABLE = ("parked", "retrying", "unknown")
CANCELLABLE = ("parked", "retrying", "unknown", "waiting", "pending", "queued")


@dataclass(frozen=True, slots=True)
class Order:
    """An operator's order for one hand-off. `action`: replay or cancel."""

    action: str
    handoff_id: str
    operator: str
    reason: str
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the order did or would do: `done`, `would`, `not_found`, or `refused` with the state that forbids it."""

    handoff_id: str
    result: str
    state: str | None = None
    petition_id: str | None = None
    system: str | None = None
    why: str | None = None


def operate(work: Work, orders: Sequence[Order]) -> list[Verdict]:
    """Carry the orders out, in order. A replay keeps the hand-off's idempotency key, so that it has one effect."""
    ids = sorted({order.handoff_id for order in orders})
    work.load(work.conn.scalars(select(handoffs.c.petition_id).where(handoffs.c.handoff_id.in_(ids))).all())
    rows = work.conn.execute(select(handoffs).where(handoffs.c.handoff_id.in_(ids)).with_for_update()).mappings()
    states = {row["handoff_id"]: dict(row) for row in rows}
    verdicts = [_carry_out(work, order, states.get(order.handoff_id)) for order in orders]
    work.flush()
    cancelled = {verdict.petition_id for verdict in verdicts if verdict.state == "cancelled" and verdict.petition_id}
    work.wake_lanes(cancelled)
    work.close_finished()
    work.flush()
    return verdicts


def _carry_out(work: Work, order: Order, row: dict[str, Any] | None) -> Verdict:
    if row is None:
        return Verdict(order.handoff_id, "not_found", why="no hand-off has this id")
    allowed = REPLAYABLE if order.action == "replay" else CANCELLABLE
    if row["state"] not in allowed:
        return _verdict(row, "refused", f"only {', '.join(allowed)} can be {order.action}ed")
    if order.dry_run:
        return _verdict(row, "would")
    if order.action == "replay":
        _replay(work, row)
    else:
        _cancel(work, row, order.operator)
    what = {"replay": "handoff.replayed", "cancel": "handoff.cancelled"}[order.action]
    work.note(
        what, row["petition_id"], level="warning", handoff_id=row["handoff_id"], from_="bridge", to=row["system"],
        actor=f"operator:{order.operator}", reason=order.reason, outcome=row["state"],
    )  # fmt: skip
    return _verdict(row, "done")


def _cancel(work: Work, row: dict[str, Any], operator: str) -> None:
    work.conn.execute(_CANCEL, {"id": row["handoff_id"], "reason": f"cancelled:{operator}"})
    row["state"] = "cancelled"
    petition = work.rows[row["petition_id"]]
    if petition.holder is None and row["event_type"] in OPENING:
        # Nobody else was to have the case: it stays with the system it came from, which holds our receipt.
        petition.holder, petition.dirty = petition.source, True


def _replay(work: Work, row: dict[str, Any]) -> None:
    # The ladder begins anew; what may have arrived is asked about first, so that a replay never has two effects.
    ask_first = row["ask_first"] or row["attempts"] > 0
    work.conn.execute(
        _REPLAY,
        {"id": row["handoff_id"], "wake": work.now, "ask": ask_first, "base": row["attempts"]},
    )
    row["state"] = "pending"
    work.ready(row)


def _verdict(row: Row, result: str, why: str | None = None) -> Verdict:
    return Verdict(row["handoff_id"], result, row["state"], row["petition_id"], row["system"], why)


_REPLAY = (
    update(handoffs)
    .where(handoffs.c.handoff_id == bindparam("id"))
    .values(
        state="pending", reason=None, publishes=0, wake_at=bindparam("wake"), ask_first=bindparam("ask"),
        ladder_from=bindparam("base"),
    )
)  # fmt: skip
_CANCEL = (
    update(handoffs)
    .where(handoffs.c.handoff_id == bindparam("id"))
    .values(state="cancelled", reason=bindparam("reason"), wake_at=None)
)
