"""The lists of the day (无回音、无着落), and what was out of order: read as the rules left them at their last look."""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, and_, func, literal, or_, select

from bridge.clock import iso, to_ms
from bridge.ledger.histories import read_histories
from bridge.ledger.owned import UNCONFIRMED
from bridge.ledger.roster_tables import secretaries
from bridge.ledger.tables import events, petitions
from bridge.rules.landing import WHY_ZH
from bridge.rules.rehandling import ASKED, complaints
from bridge.rules.supervision import RehandlingRule
from bridge.vault import Vault

Which = Literal["no_echo", "no_landing", "unconfirmed"]
LIST_ZH: dict[Which, str] = {"no_echo": "无回音", "no_landing": "无着落", "unconfirmed": "待确认"}


def listed(
    conn: Connection,
    which: Which,
    *,
    team: str | None = None,
    unit: str | None = None,
    after: str | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Petitions on this list by number, each with why and since when; nothing personal. `team` is the one that the
    owner is in now; `unit` the one that leads, or an assisting one that is late (`late_units`)."""
    why, since, on_it = _columns(which)
    query = (
        select(
            petitions.c.petition_id, _team_now().label("team_id"), petitions.c.owner_id, petitions.c.unit,
            petitions.c.state, petitions.c.handling_class, petitions.c.due_at, petitions.c.late_units,
            why.label("why"), since.label("since"),
        )
        # Found by the list's own index, and only then put in order: the table itself is long.
        .where(petitions.c.petition_id.in_(select(petitions.c.petition_id).where(on_it).correlate(None)))
        .order_by(petitions.c.petition_id)
        .limit(limit)
    )  # fmt: skip
    if team:
        query = query.where(_team_now() == team)
    if unit:
        query = query.where(works_or_is_late(unit) if which == "no_echo" else petitions.c.unit == unit)
    if after:
        query = query.where(petitions.c.petition_id > after)
    return [_line(dict(row)) for row in conn.execute(query).mappings()]


def _columns(which: Which) -> tuple[ColumnElement[Any], ColumnElement[Any], ColumnElement[bool]]:
    """Why, since when, and whether it is on the list."""
    if which == "unconfirmed":
        return literal("not_confirmed"), petitions.c.state_at, UNCONFIRMED
    why = petitions.c[which]
    return why, petitions.c[f"{which}_since"], and_(why.is_not(None), petitions.c.closed_at.is_(None))


def works_or_is_late(unit: str) -> ColumnElement[bool]:
    """Whether this unit leads, or assists and is late."""
    return or_(petitions.c.unit == unit, petitions.c.late_units.contains(f"\n{unit}\n", autoescape=True))


def _team_now() -> ColumnElement[str]:
    """Whom to ask today: the owner's team on the roster, where the roster knows the owner. The petition itself keeps
    the team that it came to, or was handed over to."""
    found = select(secretaries.c.team_id).where(secretaries.c.secretary_id == petitions.c.owner_id)
    return func.coalesce(found.scalar_subquery(), petitions.c.team_id)


def _line(row: dict[str, Any]) -> dict[str, Any]:
    late = (row.pop("late_units") or "").split("\n")
    times = {name: iso(row[name]) for name in ("due_at", "since") if row[name] is not None}
    line = {
        **{str(key): value for key, value in row.items() if value is not None},
        **times,
        "why_zh": WHY_ZH[row["why"]],
    }
    units = [unit for unit in late if unit]
    return {**line, "late_units": units} if units else line


def with_discontent(
    conn: Connection, vault: Vault, rule: RehandlingRule, lines: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """These lines; where the citizen still says no to a closing that waits (诉求人仍不满意), with that as the reason
    and since then. What was said is sealed: the list alone cannot tell."""
    waiting = [line["petition_id"] for line in lines if line["why"] == "not_confirmed"]
    heard = events.c.petition_id.in_(waiting) & events.c.type.in_(one.value for one in ASKED)
    asked = conn.scalars(select(events.c.petition_id).where(heard).distinct()).all()
    said = {
        petition_id: complaints(history.steps, rule).said
        for petition_id, history in read_histories(conn, vault, asked).items()
        if history.fault is None
    }
    return [
        {**line, "why": "discontent", "why_zh": WHY_ZH["discontent"], "since": iso(to_ms(no.at))}
        if (no := said.get(line["petition_id"])) is not None
        else line
        for line in lines
    ]


def counts(conn: Connection) -> dict[Which, int]:
    """How many petitions are on each list."""
    return {
        which: conn.scalar(select(func.count()).select_from(petitions).where(_columns(which)[2])) or 0
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
