"""The verb `erase`: one petition's personal data is overwritten for good (PIPL art. 47); the case itself stays.

What happened when, who was told and who answered remain, as does the journal, which never held anything personal: the
tree of the witness stays valid, and the law still counts the petition.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, or_, select, update

from bridge.ledger.bulk import update_rows
from bridge.ledger.opening import open_event, open_petition
from bridge.ledger.tables import Row, events, handoffs, messages, petitions
from bridge.ledger.work import Work
from bridge.lookup import Lookup

ERASED = "（个人信息已依法删除）"
"""What stands where a petition's words stood."""

_KEPT_OF_PETITION = ("handling_class", "kind", "urgency", "category", "lead_unit", "assist_units", "submitted_at")
_KEPT_OF_PLACE = ("region_code", "street", "community")
_KEPT_OF_SECRETARY = ("id", "team_id", "home_unit")
_KEPT_OF_PACKAGE = ("number", "due_at", "members")
_GONE_OF_EVENT = ("text", "person", "raw", "attachments", "place")


@dataclass(frozen=True, slots=True)
class Erasure:
    """An operator's order for one petition."""

    petition_id: str
    operator: str
    reason: str
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Erased:
    """What became of it. `result`: done, would, again (it was erased before), not_found, or refused with `why`."""

    petition_id: str
    result: str
    why: str | None = None


def petitions_of(conn: Connection, lookup: Lookup, *, phone: str | None = None, openid: str | None = None) -> list[str]:
    """All that one person brought, as far as it is known by this phone or openid, oldest first."""
    wanted = []
    if phone is not None and (key := lookup.phone(phone)) is not None:
        wanted.append(petitions.c.phone_key == key)
    if openid is not None:
        wanted.append(petitions.c.petitioner_key == lookup.petitioner(openid))
    if not wanted:
        return []
    query = select(petitions.c.petition_id).where(or_(*wanted)).order_by(petitions.c.accepted_at)
    return list(conn.scalars(query))


def erase(work: Work, orders: Sequence[Erasure]) -> list[Erased]:
    """Carry the orders out, in order. Only a closed petition is erased: an open one still has to be answered."""
    ids = sorted({order.petition_id for order in orders})
    work.load(ids)
    return [_carry_out(work, order) for order in orders]


def _carry_out(work: Work, order: Erasure) -> Erased:
    row = work.rows.get(order.petition_id)
    if row is None:
        return Erased(order.petition_id, "not_found", "there is no petition of this number")
    if row.erased_at is not None:
        return Erased(order.petition_id, "again")
    if row.closed_at is None:
        return Erased(order.petition_id, "refused", f"it is open ({row.state}): its petitioner must be answered first")
    if order.dry_run:
        return Erased(order.petition_id, "would")
    _overwrite(work, order.petition_id)
    row.erased_at = work.now
    work.note("pii.erased", order.petition_id, level="warning", actor=f"operator:{order.operator}",
              reason=order.reason, outcome="erased")  # fmt: skip
    work.flush()
    return Erased(order.petition_id, "done")


def _overwrite(work: Work, petition_id: str) -> None:
    vault, conn = work.privacy.vault, work.conn
    row = conn.execute(select(petitions).where(petitions.c.petition_id == petition_id)).mappings().one()
    body = _without_person(orjson.loads(open_petition(vault, row)["body"]))
    conn.execute(
        update(petitions)
        .where(petitions.c.petition_id == petition_id)
        .values(
            body=vault.seal_text(f"petitions.body:{petition_id}", orjson.dumps(body).decode()),
            has_openid=False,
            petitioner_key=None,
            phone_key=None,
            fingerprint=None,
            erased_at=work.now,
        )
    )
    told = conn.execute(select(events).where(events.c.petition_id == petition_id)).mappings().all()
    update_rows(conn, events, "event_id", [_without_words(work, event) for event in told])
    came = conn.scalars(select(messages.c.message_id).where(messages.c.petition_id == petition_id)).all()
    empty = [{"message_id": one, "body": vault.seal_bytes(f"messages.body:{one}", b""), "draft": None} for one in came]
    update_rows(conn, messages, "message_id", empty)
    conn.execute(update(handoffs).where(handoffs.c.petition_id == petition_id).values(progress=None))


def _without_person(document: dict[str, Any]) -> dict[str, Any]:
    kept = {name: document[name] for name in _KEPT_OF_PETITION if name in document}
    kept["content"] = ERASED
    kept["place"] = _only(document.get("place", {}), _KEPT_OF_PLACE)
    kept["secretary"] = _only(document["secretary"], _KEPT_OF_SECRETARY)
    kept["petitioner"] = {"anonymous": True}
    return kept


def _without_words(work: Work, event: Row) -> dict[str, Any]:
    data = orjson.loads(open_event(work.privacy.vault, event)["data"])
    kept = {name: value for name, value in data.items() if name not in _GONE_OF_EVENT}
    if "package" in kept:
        kept["package"] = _only(kept["package"], _KEPT_OF_PACKAGE)
    sealed = work.privacy.vault.seal_text(f"events.data:{event['event_id']}", orjson.dumps(kept).decode())
    return {"event_id": event["event_id"], "data": sealed}


def _only(document: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: document[name] for name in names if name in document}
