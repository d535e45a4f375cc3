"""`/v1/unreached`: petitioners who still have to be reached (未送达名单), owners who cannot be (未绑定书记)."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from bridge.clock import to_ms
from bridge.ledger.unbound import unbound_owners
from bridge.ledger.unreached import unreached
from bridge.rest import access
from bridge.rest.context import Context


def router(context: Context) -> APIRouter:
    """The route, bound to this process's parts."""
    api = APIRouter(prefix="/v1", tags=["operations"])

    @api.get("/unreached")
    async def list_unreached(
        request: Request, cursor: str | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> Response:
        """Petitioners who have not been reached: no proof of an answer, the newest message failed, or the owner was
        asked to call. By petition number; nothing personal."""
        access.caller(request, context.keys, "petitions:read")
        now = to_ms(context.now())
        found = await context.ledger.read(lambda conn: unreached(conn, now, limit=limit, after=cursor))
        following = found[-1]["petition_id"] if len(found) == limit else None
        body = orjson.dumps({"unreached": found, "next_cursor": following})
        return Response(body, media_type="application/json")

    @api.get("/unreached/owners")
    async def list_unbound_owners(
        request: Request, cursor: str | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> Response:
        """Owner secretaries who have bound no WeChat and have petitions that are open, or closed and not confirmed:
        they are told nothing. By id."""
        access.caller(request, context.keys, "petitions:read")
        found = await context.ledger.read(lambda conn: unbound_owners(conn, limit=limit, after=cursor))
        following = found[-1]["owner_id"] if len(found) == limit else None
        body = orjson.dumps({"owners": found, "next_cursor": following})
        return Response(body, media_type="application/json")

    return api
