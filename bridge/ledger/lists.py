"""The lists of the day (无回音、无着落), and what was out of order: read as the rules left them at their last look."""

from typing import Any, Literal

from sqlalchemy import Connection, func, select

from bridge.clock import iso
from bridge.ledger.tables import events, petitions
from bridge.rules.landing import WHY_ZH

Which = Literal["no_echo", "no_landing"]
LIST_ZH: dict[Which, str] = {"no_echo": "无回音", "no_landing": "无着落"}


def listed(
    conn: Connection,
    which: Which,
    *,
    team: str | None = None,
    unit: str | None = None,
    after: str | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Open petitions on this list by number, each with why and since when; nothing personal. `unit` is the one that
    leads."""
    why, since = petitions.c[which], petitions.c[f"{which}_since"]
    query = (
        select(
            petitions.c.petition_id, petitions.c.team_id, petitions.c.owner_id, petitions.c.unit, petitions.c.state,
            petitions.c.handling_class, petitions.c.due_at, why.label("why"), since.label("since"),
        )
        .where(why.is_not(None), petitions.c.closed_at.is_(None))
        .order_by(petitions.c.petition_id)
        .limit(limit)
    )  # fmt: skip
    if team:
        query = query.where(petitions.c.team_id == team)
    if unit:
        query = query.where(petitions.c.unit == unit)
    if after:
        query = query.where(petitions.c.petition_id > after)
    return [_line(dict(row)) for row in conn.execute(query).mappings()]


def _line(row: dict[str, Any]) -> dict[str, Any]:
    times = {name: iso(row[name]) for name in ("due_at", "since") if row[name] is not None}
    return {
        **{str(key): value for key, value in row.items() if value is not None},
        **times,
        "why_zh": WHY_ZH[row["why"]],
    }


def counts(conn: Connection) -> dict[Which, int]:
    """How many petitions are on each list."""
    return {
        which: conn.scalar(select(func.count()).select_from(petitions).where(petitions.c[which].is_not(None))) or 0
        for which in LIST_ZH
    }


def out_of_order_count(conn: Connection) -> int:
    """How many events were out of order."""
    return conn.scalar(select(func.count()).select_from(events).where(events.c.out_of_order)) or 0


def out_of_order(conn: Connection, *, after: tuple[int, str] | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Events that the lifecycle did not allow, the oldest first; `after` is (recorded_at in ms, event_id) of the last
    one seen. What they say stays sealed."""
    query = (
        select(
            events.c.event_id, events.c.petition_id, events.c.sequence, events.c.type, events.c.source, events.c.actor,
            events.c.occurred_at, events.c.recorded_at, petitions.c.state,
        )
        .join(petitions, petitions.c.petition_id == events.c.petition_id)
        .where(events.c.out_of_order)
        .order_by(events.c.recorded_at, events.c.event_id)
        .limit(limit)
    )  # fmt: skip
    if after:
        at, event_id = after
        later = (events.c.recorded_at == at) & (events.c.event_id > event_id)
        query = query.where((events.c.recorded_at > at) | later)
    # Column names are SQLAlchemy's own kind of string, which orjson refuses as keys.
    return [{str(key): value for key, value in row.items()} for row in conn.execute(query).mappings()]
