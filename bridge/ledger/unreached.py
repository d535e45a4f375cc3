"""Who has not been reached yet (事事有回音): petitions whose petitioner waits for an answer or the news of it."""

from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select

from bridge.clock import iso
from bridge.ledger.tables import Row, attempts, events, handoffs, petitions
from bridge.lifecycle import ANSWERS, ENDED

GRACE_MS = 3_600_000
"""An answer that was given less than an hour ago may still be on its way."""

WHY_ZH = {
    "no_proof": "已有结果，尚无送达凭据",
    "not_delivered": "最近一条消息未送达",
    "call_asked": "微信无法送达，已请书记致电",
}
"""Why a petitioner counts as not reached."""

_CALL_ASKED = "petitioner_unreachable"
_TOLD = "petitioner"


def unreached(
    conn: Connection, now: int, *, limit: int = 100, after: str | None = None, messenger: str = "wechat"
) -> list[dict[str, Any]]:
    """Petitions by number, each with why, since when, and the code of the last message that failed. `now` in ms.

    `no_proof`: it has ended or was answered more than an hour ago, and nothing proves that the petitioner heard of it.
    `not_delivered`: the newest message to the petitioner's own WeChat is parked. `call_asked`: WeChat does not reach
    them and the owner was asked to call; closing by the owner is the proof.
    """
    newest = handoffs.alias("newest")
    answered = _last_answer()
    detail = _last_detail(newest.c.handoff_id)
    parked = newest.c.state == "parked"
    asked = detail.like(f"%{_CALL_ASKED}%")
    waits = and_(
        petitions.c.answered_by.is_(None),
        or_(petitions.c.state.in_(sorted(ENDED)), answered.is_not(None)),
        func.coalesce(answered, petitions.c.updated_at) < now - GRACE_MS,
    )
    query = (
        select(
            petitions.c.petition_id, petitions.c.state, petitions.c.source, petitions.c.team_id, petitions.c.kind,
            petitions.c.has_openid, petitions.c.accepted_at, newest.c.event_type, newest.c.handoff_id,
            func.coalesce(newest.c.reason, detail).label("code"),
            case((parked, "not_delivered"), (asked, "call_asked"), else_="no_proof").label("why"),
            func.coalesce(answered, newest.c.created_at, petitions.c.updated_at).label("since"),
        )
        .join_from(petitions, newest, newest.c.handoff_id == _newest_message(messenger), isouter=True)
        .where(petitions.c.closed_at.is_(None), or_(waits, parked, and_(asked, petitions.c.answered_by.is_(None))))
        .order_by(petitions.c.petition_id)
        .limit(limit)
    )  # fmt: skip
    if after:
        query = query.where(petitions.c.petition_id > after)
    return [_line(row) for row in conn.execute(query).mappings()]


# Each is asked once for an open petition and answered from an index: the closed ones, nearly all, cost nothing.


def _newest_message(messenger: str) -> Any:
    """The hand-off of the newest message for the petitioner; one that only waits behind a parked one does not count."""
    one = handoffs.alias("one")
    query = select(one.c.handoff_id).where(
        one.c.petition_id == petitions.c.petition_id,
        one.c.system == messenger,
        one.c.audience.like(f"%{_TOLD}%"),
        one.c.state != "waiting",
    )
    return query.order_by(one.c.sequence.desc()).limit(1).correlate(petitions).scalar_subquery()


def _last_detail(handoff_id: Any) -> Any:
    """What the last attempt of the hand-off noted."""
    query = select(attempts.c.detail).where(attempts.c.handoff_id == handoff_id)
    return query.order_by(attempts.c.attempt.desc()).limit(1).scalar_subquery()


def _last_answer() -> Any:
    """When the petition was answered last."""
    query = select(func.max(events.c.recorded_at)).where(
        events.c.petition_id == petitions.c.petition_id,
        events.c.type.in_(sorted(kind.value for kind in ANSWERS)),
        events.c.answers,
    )
    return query.correlate(petitions).scalar_subquery()


def _line(row: Row) -> dict[str, Any]:
    times = {name: iso(row[name]) for name in ("accepted_at", "since")}
    line = {str(key): value for key, value in row.items() if value is not None} | times
    return {**line, "why_zh": WHY_ZH[row["why"]]}
