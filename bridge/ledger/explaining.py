"""Why a petition's deadlines are what they are (`bridge deadlines explain`)."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select

from bridge.clock import iso, to_ms
from bridge.ledger import notices
from bridge.ledger.histories import read_histories
from bridge.ledger.judge import facts_of
from bridge.ledger.tables import petitions
from bridge.rules.book import RuleBook
from bridge.rules.profiles import Facts
from bridge.rules.steps import Step, in_order
from bridge.vault import Vault
from schemas.event import EventType


def frozen_editions(conn: Connection) -> set[str]:
    """The editions of the table of deadlines that open petitions are bound to."""
    query = select(petitions.c.deadlines_version).where(petitions.c.closed_at.is_(None)).distinct()
    return {version for version in conn.scalars(query) if version}


def explain(conn: Connection, vault: Vault, book: RuleBook, petition_id: str) -> dict[str, Any] | None:
    """The profile with the reason for it, every deadline that was ever in force, and what was not counted; None for a
    petition that is not here. Raises `BadTable`, `VaultError`."""
    row = conn.execute(select(petitions).where(petitions.c.petition_id == petition_id)).first()
    if row is None:
        return None
    notices.learn(conn, book)
    history = read_histories(conn, vault, [petition_id])[petition_id]
    if history.fault is not None:
        raise history.fault
    facts = facts_of(row, history)
    found = book.deadlines(facts, history.steps)
    moments = {"accept": found.accept, "sign": found.sign, "return_by": found.return_by, "reply": found.reply,
               "paused_since": found.paused_since, "stopped_at": found.stopped_at}  # fmt: skip
    return {
        "petition_id": petition_id,
        "explained": _explained(book, facts, history.steps),
        "profile": found.profile,
        "version": found.version,
        "provisional": found.provisional,
        "round": found.round,
        "extensions": found.extensions,
        **{name: iso(to_ms(moment)) for name, moment in moments.items() if moment is not None},
        "history": [
            {
                "clock": due.clock,
                "due": iso(to_ms(due.at)),
                "since": iso(to_ms(due.since)),
                "until": iso(to_ms(due.until)) if due.until is not None else None,
                "round": due.round,
                "turn": due.turn,
                "provisional": due.provisional,
            }
            for due in found.history
        ],
        "notes": list(found.notes),
    }


def _explained(book: RuleBook, facts: Facts, steps: Iterable[Step]) -> str:
    """The profile of each class that the petition has had, the one in force last."""
    blocks = [book.profiles.explain(facts)]
    for step in in_order(steps):
        given = step.data.handling_class
        if step.type is not EventType.RECLASSED or given is None or given == facts.handling_class:
            continue
        facts = replace(facts, handling_class=given)
        blocks.append(f"re-classed {iso(to_ms(step.at))} (改类)\n{book.profiles.explain(facts)}")
    return "\n\n".join(blocks)
