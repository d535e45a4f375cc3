"""What is read out of the ledger: petitions, trails, hand-offs, messages. Each function takes one snapshot."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, and_, func, or_, select

from bridge.adapter import PetitionView, Ref
from bridge.clock import from_ms, iso
from bridge.ledger.opening import FIRST_OWNER, open_event, open_petition
from bridge.ledger.roster_tables import bindings
from bridge.ledger.tables import Row, attempts, cross_references, events, handoffs, journal, messages, petitions
from bridge.lifecycle import TO_CONFIRM
from bridge.vault import Vault
from schemas.event import Event, EventData, EventType
from schemas.petition import ExternalId, HandlingClass, Petition

_SAID = (EventType.REPLIED, EventType.CLOSED, EventType.PROGRESSED, EventType.NOT_ACCEPTED)
VIEWS = 20


def build_petition(row: Row, numbers: Sequence[tuple[str, str, str]]) -> Petition:
    """The canonical petition from its opened row; `numbers` are (system, kind, value). Columns win over `body`."""
    document = orjson.loads(row["body"])
    document.pop(FIRST_OWNER, None)
    document.update(
        petition_id=row["petition_id"],
        source=row["source"],
        handling_class=row["handling_class"],
        state=row["state"],
        external_ids=[{"system": system, "kind": kind, "value": value} for system, kind, value in numbers],
    )
    return Petition.model_validate(document)


def build_event(row: Row) -> Event:
    """The canonical event from its opened row."""
    return Event.model_construct(
        event_id=UUID(row["event_id"]),
        petition_id=row["petition_id"],
        sequence=row["sequence"],
        type=EventType(row["type"]),
        source=row["source"],
        occurred_at=from_ms(row["occurred_at"]),
        recorded_at=from_ms(row["recorded_at"]),
        actor=row["actor"],
        traceparent=row["traceparent"],
        data=EventData.model_validate_json(row["data"]),
    )


def petition(conn: Connection, vault: Vault, petition_id: str) -> tuple[Petition, Row] | None:
    """The petition and its row, or None."""
    row = conn.execute(select(petitions).where(petitions.c.petition_id == petition_id)).mappings().first()
    if row is None:
        return None
    return build_petition(open_petition(vault, row), _numbers(conn, [petition_id]).get(petition_id, [])), row


def has_petition(conn: Connection, petition_id: str) -> bool:
    """Whether there is one of this number."""
    return conn.scalar(select(petitions.c.petition_id).where(petitions.c.petition_id == petition_id)) is not None


def petition_list(
    conn: Connection,
    *,
    source: str | None = None,
    state: str | None = None,
    since: int | None = None,
    after: tuple[int, str] | None = None,
    limit: int = 50,
) -> list[Row]:
    """Rows without the document, oldest first; `after` is the (accepted_at, petition_id) of the last one seen."""
    columns = [
        column for column in petitions.c if column.name != "body" and not column.name.endswith(("_key", "fingerprint"))
    ]
    query = select(*columns).order_by(petitions.c.accepted_at, petitions.c.petition_id).limit(limit)
    if source:
        query = query.where(petitions.c.source == source)
    if state:
        query = query.where(petitions.c.state == state)
    if since is not None:
        query = query.where(petitions.c.accepted_at >= since)
    if after:
        at, petition_id = after
        later = and_(petitions.c.accepted_at == at, petitions.c.petition_id > petition_id)
        query = query.where(or_(petitions.c.accepted_at > at, later))
    return list(conn.execute(query).mappings())


def trail(conn: Connection, petition_id: str) -> list[dict[str, Any]]:
    """The petition's journal entries in journal order, as they stand in the audit log."""
    query = select(journal.c.n, journal.c.body).where(journal.c.petition_id == petition_id).order_by(journal.c.entry_id)
    return [{"n": row.n, **orjson.loads(row.body)} for row in conn.execute(query)]


def trail_document(conn: Connection, petition_id: str) -> dict[str, Any] | None:
    """The trail with the petition's state (CONTRACT 5), or None for a petition that is not here."""
    row = conn.execute(
        select(petitions.c.state, petitions.c.closed_at, petitions.c.holder).where(
            petitions.c.petition_id == petition_id
        )
    ).first()
    if row is None:
        return None
    state = "closed" if row.closed_at is not None else row.state
    return {"petition_id": petition_id, "state": state, "holder": row.holder, "entries": trail(conn, petition_id)}


def new_classes(conn: Connection, petition_id: str) -> dict[str, HandlingClass]:
    """The class that the petition had after each 改类, by the event's id: the journal does not say it."""
    query = select(events.c.event_id, events.c.announced).where(
        events.c.petition_id == petition_id, events.c.type == EventType.RECLASSED.value
    )
    told = {row.event_id: orjson.loads(row.announced or "{}").get("handling_class") for row in conn.execute(query)}
    return {event_id: HandlingClass(value) for event_id, value in told.items() if value}


def message_body(conn: Connection, vault: Vault, system: str, message_key: str) -> bytes | None:
    """The raw bytes that were taken under this key."""
    columns = (messages.c.message_id, messages.c.body)
    query = select(*columns).where(messages.c.system == system, messages.c.message_key == message_key)
    row = conn.execute(query).first()
    return vault.open_bytes(f"messages.body:{row.message_id}", row.body) if row else None


def petition_events(conn: Connection, vault: Vault, petition_id: str) -> list[Event]:
    """All events of the petition, in order."""
    query = select(events).where(events.c.petition_id == petition_id).order_by(events.c.sequence)
    return [build_event(open_event(vault, row)) for row in conn.execute(query).mappings()]


def handoff_list(
    conn: Connection,
    *,
    state: str | None = None,
    system: str | None = None,
    petition_id: str | None = None,
    unsigned_since: int | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Hand-offs by id, without what adapters keep for themselves. `unsigned_since`: delivered before that moment (ms)
    and not signed for until now."""
    hidden = ("progress", "lease_owner", "ladder_from", "publishes")
    columns = [column for column in handoffs.c if column.name not in hidden]
    query = select(*columns).order_by(handoffs.c.handoff_id).limit(limit)
    for column, value in (
        (handoffs.c.state, state),
        (handoffs.c.system, system),
        (handoffs.c.petition_id, petition_id),
    ):
        if value:
            query = query.where(column == value)
    if unsigned_since is not None:
        query = query.where(handoffs.c.state == "delivered", handoffs.c.delivered_at < unsigned_since)
    if after:
        query = query.where(handoffs.c.handoff_id > after)
    return [_readable(row) for row in conn.execute(query).mappings()]


def attempt_list(conn: Connection, handoff_id: str) -> list[dict[str, Any]]:
    """Every attempt of one hand-off."""
    query = select(attempts).where(attempts.c.handoff_id == handoff_id).order_by(attempts.c.attempt)
    return [_readable(row) for row in conn.execute(query).mappings()]


def message_list(conn: Connection, *, status: str, limit: int = 50) -> list[dict[str, Any]]:
    """Raw messages that became nothing (malformed, kept, ignored), newest first, without their bodies."""
    columns = [column for column in messages.c if column.name not in ("body", "draft")]
    length, begins = func.length(messages.c.body).label("bytes"), func.substr(messages.c.body, 1, 64).label("begins")
    query = select(*columns, length, begins).where(messages.c.status == status)
    rows = conn.execute(query.order_by(messages.c.received_at.desc()).limit(limit)).mappings()
    return [_listed_message(row) for row in rows]


def _listed_message(row: Row) -> dict[str, Any]:
    """The row with the size of what came, not of what it was sealed into."""
    begins = bytes(row["begins"])
    shown = {key: value for key, value in row.items() if key != "begins"}
    return _readable({**shown, "bytes": Vault.clear_length(begins, row["bytes"])})


def message_counts(conn: Connection) -> dict[str, int]:
    """How many messages became nothing, by status."""
    query = select(messages.c.status, func.count()).where(messages.c.status != "taken").group_by(messages.c.status)
    return {row.status: row[1] for row in conn.execute(query)}


# ── what a door may tell ────────────────────────────────────────────────────────────────────────────────────


def views_by_refs(conn: Connection, vault: Vault, refs: Sequence[Ref]) -> list[PetitionView]:
    """The first petition that one of `refs` names."""
    for ref in refs:
        query = select(cross_references.c.petition_id).where(cross_references.c.value == ref.value)
        query = query.where(cross_references.c.system == ref.system)
        if ref.kind:
            query = query.where(cross_references.c.kind == ref.kind)
        found = [ref.petition_id] if ref.petition_id else list(conn.scalars(query.limit(1)))
        if views := _views(conn, vault, select(petitions).where(petitions.c.petition_id.in_(found))):
            return views
    return []


def views_by_petitioner(conn: Connection, vault: Vault, petitioner_key: str) -> list[PetitionView]:
    """What one petitioner brought, newest first."""
    query = select(petitions).where(petitions.c.petitioner_key == petitioner_key)
    return _views(conn, vault, query.order_by(petitions.c.accepted_at.desc()).limit(VIEWS))


def views_by_owner(conn: Connection, vault: Vault, openid_key: str, refs: Sequence[Ref]) -> list[PetitionView]:
    """What the secretary who bound this openid answers for: those among `refs`, or, without `refs`, what is answered
    or closed and waits for their confirmation, newest first."""
    bound = select(bindings.c.secretary_id).where(bindings.c.openid_key == openid_key).scalar_subquery()
    query = select(petitions).where(petitions.c.owner_id == bound)
    named = [ref.petition_id for ref in refs if ref.petition_id]
    if refs:
        query = query.where(petitions.c.petition_id.in_(named))
    else:
        query = query.where(petitions.c.state.in_(sorted(TO_CONFIRM)), petitions.c.confirmed_at.is_(None))
    return _views(conn, vault, query.order_by(petitions.c.accepted_at.desc()).limit(VIEWS))


def _views(conn: Connection, vault: Vault, query: Any) -> list[PetitionView]:
    rows = [open_petition(vault, row) for row in conn.execute(query).mappings()]
    ids = [row["petition_id"] for row in rows]
    numbers = _numbers(conn, ids)
    history: dict[str, list[Row]] = {}
    found = select(events).where(events.c.petition_id.in_(ids)).order_by(events.c.petition_id, events.c.sequence)
    for event in conn.execute(found).mappings():
        history.setdefault(event["petition_id"], []).append(open_event(vault, event))
    return [_view(row, numbers.get(row["petition_id"], []), history.get(row["petition_id"], [])) for row in rows]


def _view(row: Row, numbers: Sequence[tuple[str, str, str]], history: Sequence[Row]) -> PetitionView:
    document = orjson.loads(row["body"])
    said = [EventData.model_validate_json(event["data"]) for event in history if event["type"] in _SAID]
    spoken = [data for data in said if data.text]
    return PetitionView(
        petition_id=row["petition_id"],
        title=document.get("title", ""),
        kind=row["kind"],
        handling_class=row["handling_class"],
        state=row["state"],
        submitted_at=from_ms(row["accepted_at"]),
        updated_at=from_ms(row["updated_at"]),
        external_ids=tuple(ExternalId(system=system, kind=kind, value=value) for system, kind, value in numbers),
        last_event=history[-1]["type"] if history else "",
        said=spoken[-1].text if spoken else None,
        unit=next((data.unit for data in reversed(said) if data.unit), None),
        rated=_rated(history),
        confirmed=row["confirmed_at"] is not None,
        petitioner_wrote_at=_wrote_at(history),
    )


def _wrote_at(history: Sequence[Row]) -> datetime | None:
    """When the petitioner brought or added something last (a rating does not count)."""
    said = [
        event["recorded_at"]
        for event in history
        if event["actor"] == "petitioner" and event["type"] in (EventType.SUBMITTED, EventType.NOTED)
    ]
    return from_ms(said[-1]) if said else None


def _rated(history: Sequence[Row]) -> bool:
    """Whether the newest answer has been rated."""
    for event in reversed(history):
        if event["type"] == EventType.RATED:
            return True
        if event["type"] in (EventType.REPLIED, EventType.REHANDLED):
            return False
    return False


def _numbers(conn: Connection, petition_ids: Sequence[str]) -> dict[str, list[tuple[str, str, str]]]:
    numbers: dict[str, list[tuple[str, str, str]]] = {}
    query = select(cross_references).where(cross_references.c.petition_id.in_(petition_ids))
    for found in conn.execute(query.order_by(cross_references.c.system, cross_references.c.kind)):
        numbers.setdefault(found.petition_id, []).append((found.system, found.kind, found.value))
    return numbers


def _readable(row: Row) -> dict[str, Any]:
    """Times as ISO 8601, nothing that is empty."""
    moments = ("_at", "_until", "acknowledge_by")
    # Column names are SQLAlchemy's own kind of string, which orjson refuses as keys.
    return {
        str(key): iso(value) if key.endswith(moments) and isinstance(value, int) else value
        for key, value in row.items()
        if value is not None
    }
