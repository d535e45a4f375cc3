"""`/v1/petitions`: other systems hand petitions in, add events, and read where a petition is."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from bridge import ids, masking
from bridge.adapter import Draft, Outcome, Ref, Submission, Update
from bridge.apikeys import Caller
from bridge.clock import iso, to_ms
from bridge.ledger import reads
from bridge.ledger.explaining import explain
from bridge.ledger.keep import Kept, Replayed
from bridge.ledger.writer import LedgerAway
from bridge.rest import access, bodies, cursors
from bridge.rest.context import Context
from bridge.rest.problems import Problem
from bridge.rules.rehandling import ASKED
from bridge.strictjson import BadJson, loads_object
from schemas.base import Moment
from schemas.event import EventData, EventType
from schemas.petition import ExternalId, Petition, PetitionDocument, Petitioner

_NOT_SAID_HERE = frozenset({EventType.SUBMITTED, EventType.UNKNOWN})
MAX_KEY = 255
_NOT_SHOWN = frozenset({"raw", "person", "attachments", "place"})
"""Of an event, without `pii:read`."""
_WORDS_OF_PACKAGE = ("title", "topic", "plan")
_LISTED = (
    *("petition_id", "source", "kind", "handling_class", "urgency", "region", "team_id", "state", "state_at"),
    *("holder", "has_openid", "last_sequence", "answered_by", "receipt", "accepted_at", "updated_at", "due_at"),
    *("closed_at", "erased_at", "merged_into", "members"),
)
"""What a list tells of a petition."""

Limit = Annotated[int, Query(ge=1, le=200)]


class EventDocument(EventData):
    """The body of `POST /v1/petitions/{id}/events`: an event type, what it says, who says it, and when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: EventType
    actor: Literal["petitioner", "owner", "unit", "system"] | None = None
    occurred_at: Moment | None = None

    def event_data(self) -> EventData:
        return EventData.model_construct(**{name: getattr(self, name) for name in EventData.model_fields})


def router(context: Context) -> APIRouter:
    """The routes, bound to this process's parts."""
    api = APIRouter(prefix="/v1/petitions", tags=["petitions"])
    in_progress: set[tuple[str, str]] = set()
    vault = context.ledger.privacy.vault

    @api.post("", status_code=202)
    async def submit(request: Request) -> Response:
        """Hand a petition in. The same `external_id`, or the same `Idempotency-Key`, gets the first answer."""
        caller = access.caller(request, context.keys, "petitions:write")
        body, document = await _read(caller, request, PetitionDocument)
        key = _idempotency_key(request)
        draft = Submission(
            message_key=f"idem:{key}" if key else f"petition:{document.external_id}",
            petition=document.draft(),
            external_ids=(ExternalId(system=caller.source, kind="external_id", value=document.external_id),),
            submitted_at=context.now(),
            actor="owner" if document.secretary else None,
        )
        outcome = await _once(caller, draft, body, request)
        return _json({"petition_id": outcome.petition_id, "receipt": outcome.receipt}, 202)

    @api.post("/{petition_id}/events", status_code=202)
    async def add_event(petition_id: str, request: Request) -> Response:
        """Say what happened to a petition (a unit's progress, the secretary's closing, …)."""
        caller = access.caller(request, context.keys, "petitions:write")
        body, document = await _read(caller, request, EventDocument)
        _check_said(document)
        await _must_exist(petition_id)
        key = _idempotency_key(request) or context.new_key()
        draft = Update(
            message_key=f"event:{petition_id}:{key}",
            refs=(Ref(petition_id=petition_id),),
            type=document.type,
            data=document.event_data(),
            occurred_at=document.occurred_at or context.now(),
            actor=document.actor,
        )
        outcome = await _once(caller, draft, body, request)
        return _json({"petition_id": petition_id, "event_id": outcome.event_id, "receipt": outcome.receipt}, 202)

    @api.get("")
    async def list_petitions(
        request: Request,
        source: str | None = None,
        state: str | None = None,
        since: Moment | None = None,
        cursor: str | None = None,
        limit: Limit = 50,
    ) -> Response:
        """Petitions, oldest first; `cursor` from the answer before. No personal data in lists."""
        access.caller(request, context.keys, "petitions:read")
        after = None
        if cursor:
            at, petition_id = cursors.decode(cursor, 2)
            after = (_int(at), petition_id)
        rows = await context.ledger.read(
            lambda conn: reads.petition_list(
                conn, source=source, state=state, since=to_ms(since) if since else None, after=after, limit=limit
            )
        )
        following = cursors.encode(rows[-1]["accepted_at"], rows[-1]["petition_id"]) if len(rows) == limit else None
        return _json({"petitions": [_listed(row) for row in rows], "next_cursor": following})

    @api.get("/{petition_id}")
    async def one(petition_id: str, request: Request, reason: str | None = None) -> Response:
        """One petition with its events. Personal data is masked unless the key has `pii:read` and `reason` is given;
        such a read is journalled with who and why."""
        caller = access.caller(request, context.keys, "petitions:read")
        found = await context.ledger.read(lambda conn: reads.petition(conn, vault, petition_id))
        if found is None:
            raise _unknown(petition_id)
        petition, row = found
        events = await context.ledger.read(lambda conn: reads.petition_events(conn, vault, petition_id))
        clear = "pii:read" in caller.scopes and bool(reason)
        if clear:
            await context.ledger.note(
                "pii.read", {"petition_id": petition_id, "actor": f"key:{caller.name}", "reason": reason}
            )
        document = _document(petition, row, [event.model_dump(mode="json") for event in events], clear=clear)
        if clear:
            # Before the text, it gives the digest that the bus announced.
            document["content_salt"] = context.ledger.privacy.lookup.salt(petition_id)
        return _json(document)

    @api.get("/{petition_id}/deadlines")
    async def deadlines(petition_id: str, request: Request) -> Response:
        """Every deadline that was ever in force for it, the profile they come from, and what was not counted."""
        access.caller(request, context.keys, "petitions:read")
        found = await context.ledger.read(lambda conn: explain(conn, vault, context.ledger.rules, petition_id))
        if found is None:
            raise _unknown(petition_id)
        return _json(found)

    @api.get("/{petition_id}/trail")
    async def trail(petition_id: str, request: Request) -> Response:
        """The petition's journal entries in journal order."""
        access.caller(request, context.keys, "petitions:read")
        found = await context.ledger.read(lambda conn: reads.trail_document(conn, petition_id))
        if found is None:
            raise _unknown(petition_id)
        return _json(found)

    async def _read(caller: Caller, request: Request, model: type[BaseModel]) -> tuple[bytes, Any]:
        """The body and the document in it. Raises `Problem` 400, 413 or 422, which never quote values; a body that
        cannot be used is kept and listed for operators."""
        try:
            body = await bodies.read(request)
        except bodies.TooLarge:
            raise Problem(413, "The body is over 1 MiB; send attachments by reference (请求体超过1MiB)") from None
        try:
            return body, model.model_validate(loads_object(body))
        except BadJson as error:
            problem = Problem(400, str(error))
        except ValidationError as error:
            faults = [{"field": ".".join(map(str, item["loc"])), "fault": item["msg"]} for item in error.errors()[:20]]
            problem = Problem(422, "Some fields cannot be used; see `errors` (部分字段不符合要求)", errors=faults)
        await _keep(caller, request, body, problem)
        raise problem

    async def _keep(caller: Caller, request: Request, body: bytes, problem: Problem) -> None:
        content_type = request.headers.get("content-type", "")
        kept = Kept(
            caller.source, request.url.path, to_ms(context.now()), content_type, body, "malformed", problem.detail
        )
        try:
            await context.ledger.keep(kept)
        except LedgerAway:
            raise _away() from None

    async def _once(caller: Caller, draft: Draft, body: bytes, request: Request) -> Outcome:
        mark = (caller.source, draft.message_key)
        if mark in in_progress:
            raise Problem(409, "A request with this Idempotency-Key is being answered; repeat it later (请求处理中)")
        in_progress.add(mark)
        try:
            outcomes = await context.intake.take(caller.source, request.url.path, to_ms(context.now()), body, (draft,))
        except LedgerAway:
            raise _away() from None
        finally:
            in_progress.discard(mark)
        return await _first(caller, draft, body, outcomes)

    async def _first(caller: Caller, draft: Draft, body: bytes, outcomes: Sequence[Outcome] | Replayed) -> Outcome:
        if isinstance(outcomes, Replayed):
            raise RuntimeError("no nonce was used")
        outcome = outcomes[0]
        if outcome.status == "duplicate" and draft.message_key.startswith(("idem:", "event:")):
            stored = await context.ledger.read(
                lambda conn: reads.message_body(conn, vault, caller.source, draft.message_key)
            )
            if stored is not None and ids.digest(stored) != ids.digest(body):
                raise Problem(422, "This Idempotency-Key was used with another body (幂等键已用于不同内容)")
        return outcome

    async def _must_exist(petition_id: str) -> None:
        if not await context.ledger.read(lambda conn: reads.has_petition(conn, petition_id)):
            raise _unknown(petition_id)

    return api


# ── pieces ──────────────────────────────────────────────────────────────────────────────────────────────────


def _check_said(document: EventDocument) -> None:
    if document.type in _NOT_SAID_HERE:
        raise Problem(422, f"type: {document.type} is not said here (此类事件不能由接口提交)")
    if document.type in ASKED and document.actor is None:
        raise Problem(422, "actor: say who speaks in a follow-up or a rating: petitioner, owner, unit or system "
                      "(回访、评价须注明是谁说的)")  # fmt: skip
    if document.type is EventType.RECLASSED and document.handling_class is None:
        raise Problem(422, "handling_class: say the new class of a reclassed petition (改类须注明处理方式)")


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not (1 <= len(key) <= MAX_KEY and key.isprintable()):
        raise Problem(400, f"Idempotency-Key: 1 to {MAX_KEY} printable characters (幂等键格式有误)")
    return key


def _document(petition: Petition, row: Any, events: list[dict[str, Any]], *, clear: bool) -> dict[str, Any]:
    document = petition.model_dump(mode="json", exclude_none=True) if clear else masking.petition(petition)
    for name in ("accepted_at", "updated_at", "closed_at", "due_at", "confirmed_at"):
        if row[name] is not None:
            document[name] = iso(row[name])
    document["holder"] = row["holder"]
    document["receipt"] = row["receipt"]
    document["answered_by"] = row["answered_by"]
    document["events"] = events if clear else [_masked_event(event, petition.petitioner) for event in events]
    return document


def _masked_event(event: dict[str, Any], person: Petitioner) -> dict[str, Any]:
    data = {key: value for key, value in event["data"].items() if key not in _NOT_SHOWN and value is not None}
    if "text" in data:
        data["text"] = masking.words(data["text"], person)
    if "package" in data:
        told = {name: value for name, value in data["package"].items() if value is not None}
        hidden = {name: masking.words(told[name], person) for name in _WORDS_OF_PACKAGE if name in told}
        data["package"] = told | hidden
    return {**event, "data": data}


def _listed(row: Any) -> dict[str, Any]:
    known = {name: row[name] for name in _LISTED if row[name] is not None}
    return {name: iso(value) if name.endswith("_at") else value for name, value in known.items()}


def _unknown(petition_id: str) -> Problem:
    return Problem(404, f"There is no petition {petition_id[:64]!r} here (未找到该诉求)")


def _away() -> Problem:
    return Problem(503, "The ledger cannot be reached; nothing was kept, please repeat (请稍后重试)")


def _int(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise Problem(400, "cursor: not one that this list gave; leave it out to begin anew (游标无效)")
    return int(text)


def _json(document: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")
