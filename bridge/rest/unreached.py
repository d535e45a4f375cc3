"""`/v1/unreached`: the petitioners who still have to be reached (未送达名单)."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from bridge.clock import to_ms
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

    return api
