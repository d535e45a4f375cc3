"""Joint packages (打包处理): which petitions are in which, and how far they are."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from bridge.clock import iso, to_ms
from bridge.ledger.bulk import insert_rows
from bridge.ledger.tables import packages, petitions
from schemas.event import Package

Joined = tuple[str, str, Package]
"""A petition that was said to be in a package: its number, the system that said it, the package."""


def join_packages(conn: Connection, now: int, joined: Sequence[Joined]) -> None:
    """Remember who is in which package, and the newest date of its plan, which is one for all of its members."""
    if not joined:
        return
    due = {(system, package.number): package.due_at for _, system, package in joined if package.due_at is not None}
    wanted = {(system, package.number, petition_id) for petition_id, system, package in joined}
    numbers = {number for _, number, _ in wanted}
    there = list(conn.execute(select(packages).where(packages.c.number.in_(sorted(numbers)))))
    known = {(row.system, row.number): row.due_at for row in there}
    fresh = sorted(wanted - {(row.system, row.number, row.petition_id) for row in there})
    dates = known | {key: to_ms(at) for key, at in due.items()}
    names = ("system", "number", "petition_id", "due_at", "joined_at")
    insert_rows(conn, packages, [dict(zip(names, (*one, dates.get(one[:2]), now), strict=True)) for one in fresh])
    if due:
        conn.execute(_DATE, [{"of": system, "as": number, "at": dates[system, number]} for system, number in due])


_DATE = (
    update(packages)
    .where(packages.c.system == bindparam("of"), packages.c.number == bindparam("as"))
    .values(due_at=bindparam("at"))
)


def package(conn: Connection, number: str, *, system: str | None = None) -> dict[str, Any] | None:
    """The package of this number: how many of its members are `answered`, how many are not yet (`open`), and each by
    petition number: where it is, whether its petitioner was answered, and what keeps it (无回音、无着落); nothing
    personal. None: there is no such package."""
    query = (
        select(
            packages.c.system, packages.c.petition_id, packages.c.due_at, packages.c.joined_at, petitions.c.state,
            petitions.c.unit, petitions.c.owner_id, petitions.c.answered_by, petitions.c.closed_at, petitions.c.no_echo,
            petitions.c.no_landing,
        )
        .join(petitions, petitions.c.petition_id == packages.c.petition_id)
        .where(packages.c.number == number)
        .order_by(packages.c.system, packages.c.petition_id)
    )  # fmt: skip
    if system:
        query = query.where(packages.c.system == system)
    members = [_member(dict(row)) for row in conn.execute(query).mappings()]
    answered = sum(member["answered"] for member in members)
    whole = {"number": number, "members": members, "answered": answered, "open": len(members) - answered}
    return whole if members else None


def _member(row: dict[str, Any]) -> dict[str, Any]:
    times = {name: iso(row[name]) for name in ("due_at", "joined_at", "closed_at") if row[name] is not None}
    answered = row.pop("answered_by") is not None
    known = {str(key): value for key, value in row.items() if value is not None}
    return {**known, **times, "answered": answered}


def plans_due(conn: Connection, petition_ids: Iterable[str]) -> Mapping[str, int | None]:
    """Those of these petitions that are in a package, and when its plan is to be carried out by (ms); of several, the
    first; None: nobody has named a date."""
    query = (
        select(packages.c.petition_id, func.min(packages.c.due_at).label("due_at"))
        .where(packages.c.petition_id.in_(sorted(petition_ids)))
        .group_by(packages.c.petition_id)
    )
    return {row.petition_id: row.due_at for row in conn.execute(query)}
