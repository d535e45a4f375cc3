"""The verbs `keep`, `refuse` and `use_nonces`: what comes in and becomes no event."""

import itertools
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import insert, select

from bridge.adapter import Outcome
from bridge.ledger.tables import Row, messages, nonces
from bridge.ledger.work import Work


@dataclass(frozen=True, slots=True)
class Kept:
    """An authenticated message that becomes nothing: malformed (listed for people) or deliberately ignored."""

    system: str
    door: str
    received_at: int
    content_type: str
    body: bytes
    status: str
    reason: str
    message_key: str | None = None
    nonce: str | None = None


_COUNT = itertools.count()
"""Keeps the order of messages that arrive within a millisecond."""


class Replayed:
    """The answer to a message whose nonce was used before."""


REPLAYED = Replayed()


class Raw(Protocol):
    """What every stored message has."""

    @property
    def system(self) -> str: ...
    @property
    def door(self) -> str: ...
    @property
    def received_at(self) -> int: ...
    @property
    def content_type(self) -> str: ...
    @property
    def body(self) -> bytes: ...


def keep(work: Work, kept: Sequence[Kept]) -> list[Replayed | None]:
    """Store messages that become nothing, and say so in the journal. A repeat of a known key is not stored again."""
    replayed = mark_nonces(work, [(message.system, message.nonce) for message in kept])
    known = known_keys(work, ((message.system, message.message_key) for message in kept if message.message_key))
    rows = []
    for message, again in zip(kept, replayed, strict=True):
        key = (message.system, message.message_key or "")
        if again or key in known:
            continue
        if message.message_key:
            known[key] = {}
        rows.append(message_row(work, message, message.message_key, message.status, reason=message.reason))
        if message.status == "malformed":
            work.note(
                "message.rejected", level="warning", from_=message.system, to="bridge", outcome="malformed",
                message_id=rows[-1]["message_id"], body_digest=work.privacy.lookup.digest(message.body),
            )  # fmt: skip
    if rows:
        work.conn.execute(insert(messages), rows)
    work.flush()
    return [REPLAYED if again else None for again in replayed]


def use_nonces(work: Work, used: Sequence[tuple[str, str]]) -> list[bool]:
    """(system, nonce) → whether it is new."""
    return [not again for again in mark_nonces(work, used)]


def refuse(work: Work, refusals: Sequence[tuple[str, str]]) -> list[None]:
    """A journal line for each refused caller: (system, reason code). Nothing else is kept."""
    for system, reason in refusals:
        work.note("message.rejected", level="warning", from_=system, to="bridge", outcome="refused", reason=reason)
    work.flush()
    return [None] * len(refusals)


def mark_nonces(work: Work, used: Sequence[tuple[str, str | None]]) -> list[bool]:
    """Whether each (system, nonce) was used before; the new ones are remembered."""
    wanted = sorted({nonce for _, nonce in used if nonce})
    if not wanted:
        return [False] * len(used)
    query = select(nonces.c.system, nonces.c.nonce).where(nonces.c.nonce.in_(wanted))
    seen = {(row.system, row.nonce) for row in work.conn.execute(query)}
    replayed, fresh = [], []
    for system, nonce in used:
        again = nonce is not None and (system, nonce) in seen
        replayed.append(again)
        if nonce is not None and not again:
            seen.add((system, nonce))
            fresh.append({"system": system, "nonce": nonce, "seen_at": work.now})
    if fresh:
        work.conn.execute(insert(nonces), fresh)
    return replayed


def known_keys(work: Work, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Row]:
    """Which message keys were taken before, with their first answers."""
    pairs = set(wanted)
    if not pairs:
        return {}
    columns = (
        messages.c.system,
        messages.c.message_key,
        messages.c.petition_id,
        messages.c.receipt,
        messages.c.event_id,
    )
    query = select(*columns).where(messages.c.message_key.in_(sorted({key for _, key in pairs})))
    rows = work.conn.execute(query).mappings()
    return {key: row for row in rows if (key := (row["system"], row["message_key"])) in pairs}


def message_row(
    work: Work, message: Raw, key: str | None, status: str, *, reason: str | None = None, outcome: Outcome | None = None
) -> dict[str, Any]:
    """The message's row in `messages`, its body sealed."""
    message_id = f"{message.received_at:012x}{next(_COUNT) & 0xFFFFFF:06x}{secrets.token_hex(7)}"
    return {
        "message_id": message_id,
        "system": message.system,
        "door": message.door.replace("\x00", "\\0")[:500],
        "message_key": key,
        "received_at": message.received_at,
        "content_type": message.content_type[:200],
        "body": work.privacy.vault.seal_bytes(f"messages.body:{message_id}", message.body),
        "status": status,
        "reason": reason,
        "petition_id": outcome.petition_id if outcome else None,
        "event_id": outcome.event_id if outcome else None,
        "receipt": outcome.receipt if outcome else None,
        "draft": None,
    }
