"""Names that no proposal may hold: of the month's petitioners and secretaries, out of the ledger."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from bridge.digest.month import Month
from bridge.digest.reading import concerned, document
from bridge.ledger.roster_tables import secretaries
from bridge.ledger.tables import petitions
from bridge.vault import Vault

_MONTHS_BEFORE = 3
"""A proposal made in one month is mostly about people who asked in it or shortly before, or still wait."""


def names(conn: Connection, vault: Vault, month: Month, now: int) -> frozenset[str]:
    """Who brought or owns a petition that the month's analysis is about, or one that came since, and everyone in the
    roster: a proposal is spoken of for months, and whoever speaks of it may think of a newer case."""
    query = select(petitions).where(concerned(month, now, _MONTHS_BEFORE))
    told = {name for row in conn.execute(query).mappings() for name in _named(document(vault, row))}
    return frozenset(told | set(conn.scalars(select(secretaries.c.name))))


def _named(petition: Any) -> Iterator[str]:
    for part in ("petitioner", "secretary"):
        name = (petition.get(part) or {}).get("name")
        if name:
            yield str(name)
