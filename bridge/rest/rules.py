"""`/v1/lists/{which}`, `/v1/events`, `/v1/petitions/{id}/owner`: the lists of the day, what was out of order, who
answers for a petition."""

from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from bridge.clock import iso
from bridge.ledger.lists import Which, listed, out_of_order, with_discontent
from bridge.ledger.owner import HandOver
from bridge.rest import access, bodies, cursors
from bridge.rest.context import Context
from bridge.rest.problems import Problem
from bridge.strictjson import BadJson, loads_object

Limit = Annotated[int, Query(ge=1, le=200)]
_STATUS = {"not_found": 404, "refused": 409}


class OwnerOrder(BaseModel):
    """The body of `POST /v1/petitions/{id}/owner`: which secretary answers for it from now on, and why."""

    model_config = ConfigDict(extra="forbid")

    to: str = Field(min_length=1, max_length=64)
    reason: str = Field(min_length=1, max_length=500, pattern=r"\S")
    dry_run: bool = False


def router(context: Context) -> APIRouter:
    """The routes, bound to this process's parts."""
    api = APIRouter(prefix="/v1", tags=["operations"])

    @api.get("/lists/{which}")
    async def lists(
        which: Which,
        request: Request,
        team: str | None = None,
        unit: str | None = None,
        cursor: str | None = None,
        limit: Limit = 50,
    ) -> Response:
        """`no_echo` (无回音: no acknowledgement or no reply in time), `no_landing` (无着落: nobody is working on it) or
        `unconfirmed` (待确认: closed, and not confirmed with the citizen): by petition number, each with why and since
        when; nothing personal."""
        access.caller(request, context.keys, "petitions:read")
        vault, rule = context.ledger.privacy.vault, context.ledger.rules.supervision.rehandling
        found = await context.ledger.read(
            lambda conn: with_discontent(
                conn, vault, rule, listed(conn, which, team=team, unit=unit, after=cursor, limit=limit)
            )
        )
        following = found[-1]["petition_id"] if len(found) == limit else None
        return _json({"petitions": found, "next_cursor": following})

    @api.get("/events")
    async def events(
        request: Request, out_of_order_: Annotated[Literal["true"], Query(alias="out_of_order")],
        cursor: str | None = None, limit: Limit = 50,
    ) -> Response:  # fmt: skip
        """Events that the lifecycle does not allow where their petition stood, the oldest first: kept, answered, and
        nothing moved by them. Without what they say."""
        access.caller(request, context.keys, "petitions:read")
        after = None
        if cursor:
            at, event_id = cursors.decode(cursor, 2)
            after = (cursors.number(at), event_id)
        found = await context.ledger.read(lambda conn: out_of_order(conn, after=after, limit=limit))
        following = cursors.encode(found[-1]["recorded_at"], found[-1]["event_id"]) if len(found) == limit else None
        shown = [
            {name: iso(value) if name.endswith("_at") else value for name, value in row.items() if value is not None}
            for row in found
        ]
        return _json({"events": shown, "next_cursor": following})

    @api.post("/petitions/{petition_id}/owner")
    async def owner(petition_id: str, request: Request) -> Response:
        """Hand the petition over to another owner secretary of the roster; recorded with who ordered it and why."""
        caller = access.caller(request, context.keys, "operate")
        order = await _order(request)
        wanted = HandOver(petition_id, order.to, caller.name, order.reason, order.dry_run)
        found = await context.ledger.hand_over_owner(wanted)
        if found.result in _STATUS:
            raise Problem(_STATUS[found.result], f"{petition_id[:64]}: {found.why}")
        answer = {"petition_id": petition_id, "result": found.result, "owner": found.owner, "before": found.before}
        return _json({name: value for name, value in answer.items() if value is not None})

    return api


async def _order(request: Request) -> OwnerOrder:
    """Raises `Problem` 400, 413 or 422."""
    try:
        return OwnerOrder.model_validate(loads_object(await bodies.read(request)))
    except bodies.TooLarge:
        raise Problem(413, "The body is over 1 MiB (请求体超过1MiB)") from None
    except BadJson as error:
        raise Problem(400, str(error)) from None
    except ValidationError as error:
        faults = [{"field": ".".join(map(str, item["loc"])), "fault": item["msg"]} for item in error.errors()]
        raise Problem(422, "Give `to` and `reason` (请注明接任书记与事由)", errors=faults) from None


def _json(document: object) -> Response:
    return Response(orjson.dumps(document), media_type="application/json")
