"""The roster in the ledger: read whole, replaced by an import, and the verb that binds a secretary to an openid."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update

from bridge.ledger.roster_tables import areas, binding_codes, bindings, roster_versions, secretaries, teams, units
from bridge.ledger.tables import Row
from bridge.ledger.work import Work
from bridge.lookup import Lookup
from bridge.roster import Area, Bound, Member, Roster, Team, Unit
from bridge.vault import Vault

CODE_LENGTH = 8
CODE_HOURS = 24.0
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011")
_MAX_CODE_INPUT = 64


@dataclass(frozen=True, slots=True)
class Lists:
    """What an import brings. A list that is given is complete: who is not on it has left. None: not given."""

    teams: tuple[Team, ...] | None = None
    members: tuple[Member, ...] | None = None
    areas: tuple[Area, ...] | None = None
    units: tuple[Unit, ...] | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What an import did or would do, by id."""

    counts: Mapping[str, int] = field(default_factory=dict)
    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    version: int = 0


@dataclass(frozen=True, slots=True)
class CodeOrder:
    """A one-time code for this secretary, good for so many hours."""

    secretary_id: str
    operator: str
    hours: float = CODE_HOURS


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────


def version(conn: Connection) -> int:
    """The roster's version; 0 before the first import."""
    return conn.scalar(select(roster_versions.c.version)) or 0


def load(conn: Connection, vault: Vault) -> Roster:
    """The whole roster. Raises `bridge.vault.VaultError`."""
    return Roster(
        version=version(conn),
        teams=tuple(Team(row.team_id, row.name, row.home_unit, row.leader_id) for row in _rows(conn, teams)),
        members=tuple(
            Member(row.secretary_id, row.name, row.team_id, row.home_unit, row.active)
            for row in _rows(conn, secretaries)
        ),
        areas=tuple(
            Area(row.region_code, row.street, row.community, row.team_id, row.secretary_id)
            for row in _rows(conn, areas)
        ),
        units=tuple(Unit(row.name, row.code, row.contact_id) for row in _rows(conn, units)),
        openids={
            row.secretary_id: vault.open_text(_place(row.secretary_id), row.openid) for row in _rows(conn, bindings)
        },
    )


def _rows(conn: Connection, table: Table) -> Sequence[Any]:
    return conn.execute(select(table).order_by(*table.primary_key.columns)).all()


def _place(secretary_id: str) -> str:
    return f"bindings.openid:{secretary_id}"


# ── importing ───────────────────────────────────────────────────────────────────────────────────────────────


def import_lists(work: Work, orders: Sequence[tuple[Lists, str]]) -> list[Changes]:
    """(lists, operator) → what changed. Each list replaces what was there; a secretary who is on it no more stays,
    inactive, and loses the binding."""
    return [_import(work, lists, operator) for lists, operator in orders]


def _import(work: Work, lists: Lists, operator: str) -> Changes:
    known = set(work.conn.scalars(select(secretaries.c.secretary_id).where(secretaries.c.active)))
    if lists.teams is not None:
        _replace(work, teams, [
            {"team_id": one.id, "name": one.name, "home_unit": one.home_unit, "leader_id": one.leader_id}
            for one in lists.teams
        ])  # fmt: skip
    if lists.members is not None:
        _replace_members(work, lists.members)
    if lists.areas is not None:
        _replace(work, areas, [
            {"region_code": one.region_code, "street": one.street, "community": one.community,
             "team_id": one.team_id, "secretary_id": one.secretary_id}
            for one in lists.areas
        ])  # fmt: skip
    if lists.units is not None:
        rows = [{"name": one.name, "code": one.code, "contact_id": one.contact_id} for one in lists.units]
        _replace(work, units, rows)
    active = {one.id for one in lists.members if one.active} if lists.members is not None else known
    changes = Changes(_counts(lists), tuple(sorted(active - known)), tuple(sorted(known - active)), _raise(work))
    told = {**changes.counts, "joined": len(changes.joined), "left": len(changes.left)}
    detail = ", ".join(f"{name} {count}" for name, count in told.items())
    work.note("operator.roster", actor=f"operator:{operator}", outcome="imported", detail=detail)
    work.flush()
    return changes


def _replace(work: Work, table: Table, rows: list[dict[str, str]]) -> None:
    work.conn.execute(delete(table))
    if rows:
        work.conn.execute(insert(table), rows)


def _replace_members(work: Work, members: Iterable[Member]) -> None:
    listed = {one.id: one for one in members}
    kept = work.conn.execute(select(secretaries)).mappings().all()
    gone = [dict(row, active=False) for row in kept if row["secretary_id"] not in listed]
    rows = [
        {"secretary_id": one.id, "team_id": one.team_id, "name": one.name, "home_unit": one.home_unit,
         "active": one.active}
        for one in listed.values()
    ]  # fmt: skip
    work.conn.execute(delete(secretaries))
    if rows or gone:
        work.conn.execute(insert(secretaries), [*rows, *gone])
    # Who has left must not go on reading citizens' cases, nor be bound by a code that was handed out before.
    active = select(secretaries.c.secretary_id).where(secretaries.c.active)
    for table in (bindings, binding_codes):
        work.conn.execute(delete(table).where(table.c.secretary_id.not_in(active)))


def _counts(lists: Lists) -> dict[str, int]:
    given = {"teams": lists.teams, "secretaries": lists.members, "areas": lists.areas, "units": lists.units}
    return {name: len(rows) for name, rows in given.items() if rows is not None}


def _raise(work: Work) -> int:
    """The next version."""
    following = version(work.conn) + 1
    done = work.conn.execute(update(roster_versions).values(version=following, changed_at=work.now))
    if not done.rowcount:
        work.conn.execute(insert(roster_versions), {"id": 1, "version": following, "changed_at": work.now})
    return following


# ── binding ─────────────────────────────────────────────────────────────────────────────────────────────────


def make_codes(work: Work, orders: Sequence[CodeOrder]) -> list[str | None]:
    """A fresh code each, shown once and kept only as its hash; None for an id that is no active secretary's. A code
    made before and not used is worth nothing any more."""
    return [_make_code(work, order) for order in orders]


def _make_code(work: Work, order: CodeOrder) -> str | None:
    if _active_name(work, order.secretary_id) is None:
        return None
    code = "".join(secrets.choice(_ALPHABET) for _ in range(CODE_LENGTH))
    earlier = binding_codes.c.secretary_id == order.secretary_id
    work.conn.execute(delete(binding_codes).where(earlier, binding_codes.c.used_at.is_(None)))
    row = {
        "code_key": code_key(work.privacy.lookup, code), "secretary_id": order.secretary_id, "made_at": work.now,
        "expires_at": work.now + round(order.hours * 3_600_000),
    }  # fmt: skip
    work.conn.execute(insert(binding_codes), row)
    work.note("operator.bind_code", actor=f"operator:{order.operator}", outcome="made", detail=order.secretary_id)
    work.flush()
    return f"{code[:4]}-{code[4:]}"


def bind(work: Work, requests: Sequence[tuple[str, str]]) -> list[Bound]:
    """(code, openid) → what became of it. A code is good for one openid. The same openid sending it again gets the same
    answer: a message may come twice."""
    return [_bind(work, code, openid) for code, openid in requests]


def _bind(work: Work, code: str, openid: str) -> Bound:
    lookup = work.privacy.lookup
    openid_key = lookup.petitioner(openid)
    query = select(binding_codes).where(binding_codes.c.code_key == code_key(lookup, code))
    found = work.conn.execute(query.with_for_update()).mappings().first()
    name = _active_name(work, found["secretary_id"]) if found else None
    if found is None or name is None:
        return Bound("unknown")
    if found["used_at"] is not None:
        return Bound("bound", found["secretary_id"], name) if found["used_by"] == openid_key else Bound("used")
    if found["expires_at"] <= work.now:
        return Bound("expired")
    _write_binding(work, found, openid, openid_key)
    return Bound("bound", found["secretary_id"], name)


def _write_binding(work: Work, code: Row, openid: str, openid_key: str) -> None:
    secretary_id = code["secretary_id"]
    # One person, one phone: a new phone replaces the old one, and a phone handed on belongs to its new owner.
    old = (bindings.c.secretary_id == secretary_id) | (bindings.c.openid_key == openid_key)
    work.conn.execute(delete(bindings).where(old))
    sealed = work.privacy.vault.seal_text(_place(secretary_id), openid)
    row = {"secretary_id": secretary_id, "openid_key": openid_key, "openid": sealed, "bound_at": work.now}
    work.conn.execute(insert(bindings), row)
    used = update(binding_codes).where(binding_codes.c.code_key == code["code_key"])
    work.conn.execute(used.values(used_at=work.now, used_by=openid_key))
    _raise(work)
    work.note("operator.bound", actor=f"secretary:{secretary_id}", from_="wechat", to="bridge", outcome="bound")
    work.flush()


def code_key(lookup: Lookup, code: str) -> str:
    """The keyed hash of a code, however it was typed: letters of either case, with or without the hyphen, O for 0."""
    typed = "".join(c for c in code[:_MAX_CODE_INPUT].upper() if c.isascii() and c.isalnum())
    return lookup.digest(b"bind " + typed.translate(_MISREAD).encode())


def _active_name(work: Work, secretary_id: str) -> str | None:
    query = select(secretaries.c.name).where(secretaries.c.secretary_id == secretary_id, secretaries.c.active)
    return work.conn.scalar(query)
