"""Cases out of the ledger, in one snapshot. The only file of the digest that knows how the ledger keeps them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from bridge.digest.case import Case, Entry, Happening, fold
from bridge.digest.month import Month
from bridge.ledger.opening import open_event, open_petition
from bridge.ledger.tables import Row, events, journal, petitions
from bridge.vault import Vault
from schemas.event import EventType as E

_TELLING = frozenset({E.DISPATCHED, E.RECLASSED, E.SUPERVISED, E.RATED, E.FOLLOWED_UP, E.CLOSED, E.EXTENDED})
"""Events whose data the fold looks into."""

_ANNOUNCED = ("unit", "role", "units")
"""What it asks of all the others: that was announced, and nobody's words are opened for it."""


def cases(conn: Connection, vault: Vault, month: Month, cut_off: int, months_before: int) -> list[Case]:
    """Every petition taken in since `months_before` months before, still open at the cut-off, or closed since the
    month began, as it stood at `cut_off` (milliseconds, inclusive). In order of acceptance."""
    wanted = concerned(month, cut_off, months_before)
    rows = list(conn.execute(select(petitions).where(wanted).order_by(petitions.c.accepted_at)).mappings())
    rows.sort(key=lambda row: (row["accepted_at"], row["petition_id"]))
    happened = _happenings(conn, vault, wanted, cut_off)
    entries = _entries(conn, wanted, cut_off)
    folded = [
        (row, fold(row, document(vault, row), happened[row["petition_id"]], entries[row["petition_id"]]))
        for row in rows
    ]
    # What was closed before the month and came to life again after the cut-off is of no concern here.
    told = [(row, case) for row, case in folded if _concerns(case, month, months_before)]
    people = _people(row for row, _ in told)
    return [replace(case, person=people[case.petition_id]) for _, case in told]


def began(conn: Connection) -> int | None:
    """When the ledger's first petition was taken in (milliseconds); None while there is none."""
    found: int | None = conn.scalar(select(func.min(petitions.c.accepted_at)))
    return found


def lacks(conn: Connection, month: Month, now: int) -> str | None:
    """Why nothing can be said of this month, and what can be asked for instead; or None."""
    if now < month.start:
        return f"{month} has not begun (该月尚未开始)"
    since = began(conn)
    if since is None:
        return f"{month}: there is no petition in the ledger yet (台账中尚无诉求)"
    if since >= month.end:
        first = Month.of(since)
        return f"{month}: the ledger's first petition came later; ask for {first} or after (台账自{first.zh}起)"
    return None


def erased_since(conn: Connection, month: Month, cut_off: int, months_before: int, since: int) -> bool:
    """Whether personal data of one of these petitions was erased after `since`: who brought it and in which words is
    then no longer known."""
    wanted = concerned(month, cut_off, months_before)
    query = select(petitions.c.petition_id).where(wanted, petitions.c.erased_at > since).limit(1)
    return conn.scalar(query) is not None


def document(vault: Vault, row: Row) -> Mapping[str, Any]:
    """The petition's document in clear, without words where they were erased: all would say the same."""
    found: dict[str, Any] = orjson.loads(open_petition(vault, row)["body"])
    return found if row["erased_at"] is None else {**found, "title": "", "content": ""}


def concerned(month: Month, cut_off: int, months_before: int) -> ColumnElement[bool]:
    """The rows of the petitions that the month's digest may be about, and a few more."""
    # What was open at the cut-off is either open now or was closed after it: a superset that needs no history.
    return and_(
        petitions.c.accepted_at <= cut_off,
        or_(
            petitions.c.accepted_at >= month.shift(-months_before).start,
            petitions.c.closed_at.is_(None),
            petitions.c.closed_at >= month.start,
        ),
    )


def _concerns(case: Case, month: Month, months_before: int) -> bool:
    recent = case.accepted_at >= month.shift(-months_before).start
    return recent or case.closed_at is None or case.closed_at >= month.start


def _happenings(
    conn: Connection, vault: Vault, wanted: ColumnElement[bool], cut_off: int
) -> Mapping[str, list[Happening]]:
    query = (
        select(events)
        .join(petitions, petitions.c.petition_id == events.c.petition_id)
        # What was out of order moved nothing (lifecycle): it makes nobody the lead unit either.
        .where(wanted, events.c.recorded_at <= cut_off, ~events.c.out_of_order)
        .order_by(events.c.petition_id, events.c.sequence)
    )
    found: dict[str, list[Happening]] = defaultdict(list)
    for row in conn.execute(query).mappings():
        type_ = E(row["type"])
        data = orjson.loads(open_event(vault, row)["data"]) if type_ in _TELLING else _announced(row)
        one = Happening(
            type_, row["occurred_at"], row["recorded_at"], data, row["actor"], row["source"], row["event_id"]
        )
        found[row["petition_id"]].append(one)
    return found


def _announced(row: Row) -> dict[str, Any]:
    said = orjson.loads(row["announced"])
    return {name: said[name] for name in _ANNOUNCED if name in said}


def _entries(conn: Connection, wanted: ColumnElement[bool], cut_off: int) -> Mapping[str, list[Entry]]:
    query = (
        select(journal.c.petition_id, journal.c.what, journal.c.at, journal.c.body)
        .join(petitions, petitions.c.petition_id == journal.c.petition_id)
        .where(wanted, journal.c.at <= cut_off, journal.c.what.like("petition.%"))
        .order_by(journal.c.entry_id)
    )
    found: dict[str, list[Entry]] = defaultdict(list)
    for petition_id, what, at, body in conn.execute(query):
        said = orjson.loads(body)
        found[petition_id].append(Entry(what, at, said.get("outcome"), said.get("event_id")))
    return found


def _people(rows: Iterable[Row]) -> dict[str, str]:
    """Who brought what, by the keyed hashes of phone and openid: one person is one, by whichever road they came.

    Someone of whom neither is known counts as a person of their own.
    """
    rows = list(rows)
    phone_of = {key: phone for row in rows for key, phone in _both_keys(row)}
    return {
        row["petition_id"]: row.get("phone_key")
        or phone_of.get(row["petitioner_key"])
        or row["petitioner_key"]
        or f"only:{row['petition_id']}"
        for row in rows
    }


def _both_keys(row: Row) -> Iterator[tuple[str, str]]:
    if row["petitioner_key"] and row.get("phone_key"):
        yield row["petitioner_key"], row["phone_key"]
