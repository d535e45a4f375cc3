"""`/v1/packages/{number}`: a joint package (打包处理) and how far each of its members is."""

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from bridge.ledger.packages import package
from bridge.rest import access
from bridge.rest.context import Context
from bridge.rest.problems import Problem


def router(context: Context) -> APIRouter:
    """The route, bound to this process's parts."""
    api = APIRouter(prefix="/v1/packages", tags=["operations"])

    @api.get("/{number}")
    async def one(number: str, request: Request, system: str | None = None) -> Response:
        """The members of the package of this number: where each is, who leads, whether its petitioner was answered."""
        access.caller(request, context.keys, "petitions:read")
        found = await context.ledger.read(lambda conn: package(conn, number, system=system))
        if found is None:
            raise Problem(404, f"There is no package {number[:64]!r} here (未找到该打包件)")
        return Response(orjson.dumps(found), media_type="application/json")

    return api
