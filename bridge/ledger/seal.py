"""The verbs of the sealer: read what is not sealed yet, and mark it once the audit file has it on disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, func, insert, select, update

from bridge.ledger.bulk import update_rows
from bridge.ledger.tables import journal, witness
from bridge.ledger.work import Work


@dataclass(frozen=True, slots=True)
class Unsealed:
    """A journal row that waits for its number. `body` is its canonical JSON."""

    entry_id: int
    body: str


@dataclass(frozen=True, slots=True)
class Seal:
    """What a batch of sealing has achieved: numbers given, and the tree afterwards."""

    numbered: tuple[tuple[int, int], ...]
    frontier: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Journalled:
    """A journal row with its number, if it has one. `body` is its canonical JSON."""

    entry_id: int
    n: int | None
    body: str

    def fields(self) -> dict[str, Any]:
        """The entry as it was journalled."""
        fields: dict[str, Any] = orjson.loads(self.body)
        return fields


def entries_of(conn: Connection, petition_id: str) -> list[Journalled]:
    """All rows of one petition in journal order; [] if it is not known."""
    query = select(journal.c.entry_id, journal.c.n, journal.c.body).where(journal.c.petition_id == petition_id)
    return [Journalled(row.entry_id, row.n, row.body) for row in conn.execute(query.order_by(journal.c.entry_id))]


def unsealed(work: Work, limits: Sequence[int]) -> list[list[Unsealed]]:
    """The oldest rows without a number, by state and never by `id > last`: rows commit out of order."""
    query = select(journal.c.entry_id, journal.c.body).where(journal.c.n.is_(None)).order_by(journal.c.entry_id)
    return [[Unsealed(row.entry_id, row.body) for row in work.conn.execute(query.limit(limit))] for limit in limits]


def unsealed_bodies(work: Work, requests: Sequence[Sequence[int]]) -> list[dict[int, str]]:
    """The bodies of those of these rows that have no number yet."""
    query = select(journal.c.entry_id, journal.c.body).where(journal.c.n.is_(None))
    return [
        {row.entry_id: row.body for row in work.conn.execute(query.where(journal.c.entry_id.in_(entry_ids)))}
        for entry_ids in requests
    ]


def mark_sealed(work: Work, seals: Sequence[Seal]) -> list[None]:
    """(entry, n) pairs and the new frontier, in one transaction."""
    for seal in seals:
        if seal.numbered:
            update_rows(
                work.conn, journal, "entry_id", [{"entry_id": entry_id, "n": n} for entry_id, n in seal.numbered]
            )
        state = {"id": 1, "frontier": seal.frontier, "size": seal.size, "sealed_at": work.now}
        if work.conn.execute(_KEEP_FRONTIER, {**state, "id_": 1}).rowcount == 0:
            work.conn.execute(insert(witness), state)
    return [None] * len(seals)


def frontier(work: Work, requests: Sequence[None]) -> list[tuple[bytes, int] | None]:
    """The stored frontier and its size, or None before the first seal."""
    row = work.conn.execute(select(witness.c.frontier, witness.c.size)).first()
    return [(row.frontier, row.size) if row else None] * len(requests)


def sealed_between(work: Work, ranges: Sequence[tuple[int, int]]) -> list[list[tuple[int, Unsealed]]]:
    """(n, row) for every sealed row with first ≤ n ≤ last: to write lines again that a disk has lost."""
    query = select(journal.c.n, journal.c.entry_id, journal.c.body).order_by(journal.c.n)
    return [
        [
            (row.n, Unsealed(row.entry_id, row.body))
            for row in work.conn.execute(query.where(journal.c.n.between(first, last)))
        ]
        for first, last in ranges
    ]


def unsealed_count(work: Work, requests: Sequence[None]) -> list[int]:
    count = work.conn.scalar(select(func.count()).select_from(journal).where(journal.c.n.is_(None))) or 0
    return [count] * len(requests)


_KEEP_FRONTIER = (
    update(witness)
    .where(witness.c.id == bindparam("id_"))
    .values(frontier=bindparam("frontier"), size=bindparam("size"), sealed_at=bindparam("sealed_at"))
)
