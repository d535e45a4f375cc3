"""`/v1/handoffs`, `/v1/conservation`, `/v1/messages`, `/v1/queues`: what operators and ops read."""

import asyncio
from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from bridge.bus.queues import watch_queues
from bridge.clock import to_ms
from bridge.ledger import reads
from bridge.ledger.operate import Order, Verdict
from bridge.rest import access, bodies
from bridge.rest.context import Context
from bridge.rest.problems import Problem
from bridge.runtime import Runtime
from bridge.strictjson import BadJson, loads_object
from bridge.words import system as name_of

Limit = Annotated[int, Query(ge=1, le=200)]
_STATUS = {"not_found": 404, "refused": 409}


class ReplayOrder(BaseModel):
    """The body of a replay or a cancellation."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=3, max_length=500, pattern=r"\S")
    dry_run: bool = False


def router(context: Context, runtime: Runtime) -> APIRouter:
    """The routes, bound to this process's parts."""
    api = APIRouter(prefix="/v1", tags=["operations"])

    @api.get("/handoffs")
    async def handoffs(
        request: Request,
        state: str | None = None,
        system: str | None = None,
        petition_id: str | None = None,
        unsigned_hours: Annotated[float | None, Query(ge=0, le=24 * 365)] = None,
        cursor: str | None = None,
        limit: Limit = 50,
    ) -> Response:
        """Hand-offs with their state; `?state=parked` is the list of what waits for a person (挂起待办),
        `?unsigned_hours=24` of what was delivered longer ago and has not been signed for (逾期未签收)."""
        access.caller(request, context.keys, "petitions:read")
        found = await context.ledger.read(
            lambda conn: reads.handoff_list(
                conn,
                state=state,
                system=system,
                petition_id=petition_id,
                unsigned_since=None if unsigned_hours is None else _hours_ago(context, unsigned_hours),
                after=cursor,
                limit=limit,
            )
        )
        following = found[-1]["handoff_id"] if len(found) == limit else None
        return _json({"handoffs": found, "next_cursor": following})

    @api.get("/handoffs/{handoff_id}/attempts")
    async def attempts(handoff_id: str, request: Request) -> Response:
        """Every attempt of one hand-off: when, how long, what came back."""
        access.caller(request, context.keys, "petitions:read")
        return _json({"attempts": await context.ledger.read(lambda conn: reads.attempt_list(conn, handoff_id))})

    @api.post("/handoffs/{handoff_id}/replay")
    async def replay(handoff_id: str, request: Request) -> Response:
        """Send a parked hand-off again, with its own idempotency key; `dry_run` only says what would happen."""
        return await _order("replay", handoff_id, request)

    @api.post("/handoffs/{handoff_id}/cancel")
    async def cancel(handoff_id: str, request: Request) -> Response:
        """Give a hand-off up, by name and with a reason; the next one of its lane goes on."""
        return await _order("cancel", handoff_id, request)

    async def _order(action: str, handoff_id: str, request: Request) -> Response:
        caller = access.caller(request, context.keys, "operate")
        try:
            order = ReplayOrder.model_validate(loads_object(await bodies.read(request)))
        except bodies.TooLarge:
            raise Problem(413, "The body is over 1 MiB (请求体超过1MiB)") from None
        except (BadJson, ValidationError) as error:
            raise Problem(422, f"Send {{reason, dry_run}}: {str(error).splitlines()[0]} (请填写原因)") from None
        verdict = await context.ledger.operate(Order(action, handoff_id, caller.name, order.reason, order.dry_run))
        told = _verdict(verdict)
        if verdict.result in _STATUS:
            raise Problem(_STATUS[verdict.result], verdict.why or verdict.result, **told)
        return _json(told)

    @api.get("/conservation")
    async def conservation(request: Request) -> Response:
        """The law now: accepted = closed + held + in flight + parked."""
        access.caller(request, context.keys, "petitions:read")
        return _json((await context.ledger.conservation()).as_json())

    @api.get("/queues")
    async def queues(request: Request) -> Response:
        """Each queue's depth and consumers by its real name; why nothing is published, if so; open breakers; what the
        systems are called."""
        access.caller(request, context.keys, "petitions:read")
        found = await asyncio.to_thread(watch_queues, runtime.settings.broker_url, runtime.topology)
        if runtime.settings.embedded:
            _count_our_own(found, runtime)
        breakers = {system: desk.breaker.is_open for system, desk in runtime.desks.items()}
        names = {system: name_of(system) for system in runtime.topology.systems}
        return _json({"queues": found, "trouble": runtime.relay.trouble, "breakers": breakers, "systems": names})

    @api.get("/messages")
    async def messages(request: Request, status: str = "malformed", limit: Limit = 50) -> Response:
        """Authenticated messages that became nothing: `malformed`, `kept` (wait for their petition), `ignored`."""
        access.caller(request, context.keys, "operate")
        found = await context.ledger.read(lambda conn: reads.message_list(conn, status=status, limit=limit))
        return _json({"messages": found})

    return api


def _count_our_own(depths: dict[str, dict[str, int]], runtime: Runtime) -> None:
    """`memory://` counts no consumers: they are the router and the desks of this very process."""
    if runtime.desks:
        for name in (runtime.topology.router_queue, *map(runtime.topology.handoff_queue, runtime.desks)):
            if name in depths:
                depths[name]["consumers"] = 1


def _hours_ago(context: Context, hours: float) -> int:
    return to_ms(context.now()) - round(hours * 3_600_000)


def _verdict(verdict: Verdict) -> dict[str, str]:
    fields = ("handoff_id", "result", "state", "petition_id", "system", "why")
    return {name: value for name in fields if (value := getattr(verdict, name)) is not None}


def _json(document: object) -> Response:
    return Response(orjson.dumps(document), media_type="application/json")
