"""The verbs of reconciliation: hand a case over again, keep a report and seal its digest; and the reads of reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, insert, select, update

from bridge import ids
from bridge.ledger.tables import handoffs, reconciliations
from bridge.ledger.work import Work

MAX_AGAIN = 3
"""How often reconciliation hands one case to one system again by itself; then a person looks."""

_MENDED = ("handed_over_again", "taken_in")
_HAS_IT = ("delivered", "acknowledged")


@dataclass(frozen=True, slots=True)
class Again:
    """The system says it does not have this petition, which it gave a receipt for."""

    petition_id: str
    system: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Kept:
    """One run's report as canonical JSON."""

    run_id: str
    system: str
    day: str
    open_differences: int
    report: bytes
    counts: dict[str, int]


def hand_over_again(work: Work, wanted: Sequence[Again]) -> list[str | None]:
    """The hand-off that goes out again, with its own idempotency key, or None where there is none to send."""
    work.load(sorted({one.petition_id for one in wanted}))
    done = [_again(work, one) for one in wanted]
    work.flush()
    return done


def keep_reports(work: Work, kept: Sequence[Kept]) -> list[None]:
    """Store each report, and its digest in the journal."""
    for one in kept:
        digest = ids.digest(one.report)
        row = {
            "run_id": one.run_id,
            "system": one.system,
            "day": one.day,
            "ran_at": work.now,
            "open_differences": one.open_differences,
            "digest": digest,
            "report": one.report.decode(),
        }
        work.conn.execute(insert(reconciliations), row)
        level = "warning" if one.open_differences else "info"
        counts: dict[str, Any] = dict(one.counts)
        work.note("reconciliation.done", level=level, from_="bridge", to=one.system, day=one.day, run_id=one.run_id,
                  digest=digest, outcome="agrees" if not one.open_differences else "differs", **counts)  # fmt: skip
    work.flush()
    return [None] * len(kept)


def reports(conn: Connection, system: str | None = None, limit: int = 50) -> list[dict[str, Any]]:
    """The newest runs, without their differences."""
    columns = [column for column in reconciliations.c if column.name != "report"]
    query = select(*columns).order_by(reconciliations.c.ran_at.desc()).limit(limit)
    if system:
        query = query.where(reconciliations.c.system == system)
    return [{str(name): value for name, value in row.items()} for row in conn.execute(query).mappings()]


def report(conn: Connection, system: str, day: str) -> dict[str, Any] | None:
    """The newest report of this system and day, whole."""
    query = select(reconciliations.c.report).where(reconciliations.c.system == system, reconciliations.c.day == day)
    found = conn.scalar(query.order_by(reconciliations.c.ran_at.desc()).limit(1))
    return None if found is None else dict(orjson.loads(found))


def all_reports(conn: Connection, system: str, day: str) -> list[dict[str, Any]]:
    """Every report of this system and day, whole, oldest first."""
    query = select(reconciliations.c.report).where(reconciliations.c.system == system, reconciliations.c.day == day)
    return [dict(orjson.loads(found)) for found in conn.scalars(query.order_by(reconciliations.c.ran_at))]


def days_done(conn: Connection, system: str, days: Sequence[str], since: int) -> set[str]:
    """Which of these days need no run now: the newest run mended nothing, or was made after `since` (ms). What was
    mended is looked at once more."""
    query = select(reconciliations.c.day, reconciliations.c.ran_at, reconciliations.c.report)
    newest = query.where(reconciliations.c.system == system, reconciliations.c.day.in_(days))
    done: dict[str, bool] = {}
    for row in conn.execute(newest.order_by(reconciliations.c.ran_at)):
        done[row.day] = row.ran_at >= since or not _mended(row.report)
    return {day for day, settled in done.items() if settled}


def _mended(report: str) -> bool:
    return any(one["resolution"] in _MENDED for one in orjson.loads(report)["differences"])


def open_by_system(conn: Connection) -> dict[str, int]:
    """Open differences in the newest run of each system's each day, added up (a gauge)."""
    found: dict[tuple[str, str], int] = {}
    query = select(reconciliations.c.system, reconciliations.c.day, reconciliations.c.open_differences)
    for row in conn.execute(query.order_by(reconciliations.c.ran_at)):
        found[row.system, row.day] = row.open_differences
    totals: dict[str, int] = {}
    for (system, _), count in found.items():
        totals[system] = totals.get(system, 0) + count
    return totals


def _again(work: Work, wanted: Again) -> str | None:
    first = select(handoffs).where(
        handoffs.c.petition_id == wanted.petition_id,
        handoffs.c.system == wanted.system,
        handoffs.c.state.in_(_HAS_IT),
    )
    row = work.conn.execute(first.order_by(handoffs.c.sequence).limit(1).with_for_update()).mappings().first()
    if row is None:
        return None
    work.conn.execute(
        _SEND_AGAIN, {"id": row["handoff_id"], "wake": work.now + work.patience.publish_ms, "base": row["attempts"]}
    )
    work.note(
        "handoff.replayed", wanted.petition_id, level="warning", handoff_id=row["handoff_id"], from_="bridge",
        to=wanted.system, actor="reconciliation", reason=f"missing_there:{wanted.run_id}", outcome="pending",
    )  # fmt: skip
    work.ready(row)
    return str(row["handoff_id"])


# Its receipt proved to be void. What the system may have after all is asked about first.
_SEND_AGAIN = (
    update(handoffs)
    .where(handoffs.c.handoff_id == bindparam("id"))
    .values(
        state="pending",
        wake_at=bindparam("wake"),
        ask_first=True,
        ladder_from=bindparam("base"),
        publishes=0,
        delivered_at=None,
        acknowledged_at=None,
        acknowledge_by=None,
    )
)
