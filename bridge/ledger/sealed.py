"""Which columns are sealed, and how they come under the newest key after a rotation (`bridge keys vault --reseal`)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, LargeBinary, and_, func, select, update

from bridge.ledger.roster_tables import bindings
from bridge.ledger.store import Store
from bridge.ledger.tables import events, messages, petitions
from bridge.vault import Vault

BATCH = 500


@dataclass(frozen=True, slots=True)
class Sealed:
    """One sealed column: its values are bound to `<table>.<column>:<key>`."""

    key: Column[Any]
    column: Column[Any]

    def place(self, key: str) -> str:
        return f"{self.column.table.name}.{self.column.name}:{key}"


SEALED = (
    Sealed(petitions.c.petition_id, petitions.c.body),
    Sealed(events.c.event_id, events.c.data),
    Sealed(messages.c.message_id, messages.c.body),
    Sealed(messages.c.message_id, messages.c.draft),
    Sealed(bindings.c.secretary_id, bindings.c.openid),
)

Progress = Callable[[int, int], None]
"""(rows seen, rows in all)."""


def reseal(store: Store, vault: Vault, progress: Progress) -> int:
    """Seal with the newest key every value that is not. How many were; may run beside the bridge, and again after it
    was stopped half-way. Raises `VaultError` for a value that no key opens."""
    with store.reading() as conn:
        total = sum(conn.scalar(select(func.count()).select_from(one.column.table)) or 0 for one in SEALED)
    seen = changed = 0
    for one in SEALED:
        after = ""
        while keys := _next_keys(store, one, after):
            changed += _reseal(store, vault, one, keys)
            after, seen = keys[-1], seen + len(keys)
            progress(seen, total)
    return changed


def _next_keys(store: Store, one: Sealed, after: str) -> list[str]:
    with store.reading() as conn:
        return list(conn.scalars(select(one.key).where(one.key > after).order_by(one.key).limit(BATCH)))


def _reseal(store: Store, vault: Vault, one: Sealed, keys: list[str]) -> int:
    """One short transaction for each batch: whoever else writes waits for no more than that."""
    changed = 0
    with store.writing() as conn:
        rows = conn.execute(select(one.key, one.column).where(one.key.in_(keys), one.column.is_not(None)))
        for key, value in rows.all():
            if vault.is_current(value):
                continue
            fresh = _again(vault, one, one.place(key), value)
            # What was changed meanwhile has been sealed by whoever changed it.
            same = and_(one.key == key, one.column == value)
            changed += conn.execute(update(one.column.table).where(same).values({one.column.name: fresh})).rowcount
    return changed


def _again(vault: Vault, one: Sealed, place: str, value: Any) -> str | bytes:
    """The value under the newest key; one of before the vault is sealed for the first time."""
    if isinstance(one.column.type, LargeBinary):
        data = bytes(value)
        return vault.seal_bytes(place, vault.open_bytes(place, data) if vault.is_sealed(data) else data)
    return vault.seal_text(place, vault.open_text(place, value) if vault.is_sealed(value) else value)
