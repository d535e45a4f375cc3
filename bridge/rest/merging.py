"""`POST /v1/petitions/{id}/merge`, `GET /v1/duplicates`: petitions that are one matter (并单)."""

from datetime import timedelta
from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from bridge.clock import to_ms
from bridge.ledger.merge import Merging, suspects
from bridge.rest import access, bodies
from bridge.rest.context import Context
from bridge.rest.problems import Problem
from bridge.strictjson import BadJson, loads_object

_STATUS = {"not_found": 404, "refused": 409}


class MergeOrder(BaseModel):
    """The body of `POST /v1/petitions/{id}/merge`: into which petition, and why."""

    model_config = ConfigDict(extra="forbid")

    into: str = Field(min_length=1, max_length=64)
    reason: str = Field(min_length=1, max_length=500, pattern=r"\S")
    dry_run: bool = False


def router(context: Context) -> APIRouter:
    """The routes, bound to this process's parts."""
    api = APIRouter(prefix="/v1", tags=["operations"])

    @api.post("/petitions/{petition_id}/merge")
    async def merge(petition_id: str, request: Request) -> Response:
        """Merge this petition into another, whose answer is then this one's too; the petitioner still gets one."""
        caller = access.caller(request, context.keys, "operate")
        try:
            order = MergeOrder.model_validate(loads_object(await bodies.read(request)))
        except bodies.TooLarge:
            raise Problem(413, "The body is over 1 MiB (请求体超过1MiB)") from None
        except BadJson as error:
            raise Problem(400, str(error)) from None
        except ValidationError as error:
            faults = [{"field": ".".join(map(str, item["loc"])), "fault": item["msg"]} for item in error.errors()]
            raise Problem(422, "Give `into` and `reason` (请注明并入的诉求与事由)", errors=faults) from None
        wanted = Merging(petition_id, order.into, caller.name, order.reason, order.dry_run)
        found = await context.ledger.merge(wanted)
        if found.result in _STATUS:
            raise Problem(_STATUS[found.result], f"{petition_id[:64]}: {found.why}")
        return _json({"petition_id": petition_id, "into": found.into, "result": found.result})

    @api.get("/duplicates")
    async def duplicates(
        request: Request,
        days: Annotated[float, Query(ge=0, le=3650)] = 30.0,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Response:
        """Open petitions that one petitioner brought more than once within so many days: perhaps one matter."""
        access.caller(request, context.keys, "operate")
        since = to_ms(context.now() - timedelta(days=days))
        return _json({"suspects": await context.ledger.read(lambda conn: suspects(conn, since, limit))})

    return api


def _json(document: object) -> Response:
    return Response(orjson.dumps(document), media_type="application/json")
