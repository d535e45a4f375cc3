"""`GET /v1/rates/{month}`: the three rates (响应率 解决率 满意率), with the petitions of both sides of each."""

from pathlib import Path

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from bridge.digest.month import BadMonth, Month
from bridge.ledger.outcomes import outcomes
from bridge.rest import access
from bridge.rest.context import Context
from bridge.rest.problems import Problem
from bridge.rules import rates


def router(context: Context, rules: Path | None) -> APIRouter:
    """The route, bound to this process's parts. Raises `BadTable` for rates that cannot be used."""
    table = rates.rules(rules)
    api = APIRouter(prefix="/v1", tags=["operations"])

    @api.get("/rates/{month}")
    async def of_month(month: str, request: Request, team: str | None = None) -> Response:
        """Of the petitions that came in that month, as things stand now; of one team or of all."""
        access.caller(request, context.keys, "operate")
        try:
            asked = Month.parse(month)
        except BadMonth as error:
            raise Problem(422, str(error)) from None
        vault = context.ledger.privacy.vault
        known = await context.ledger.read(lambda conn: outcomes(conn, vault, asked.start, asked.end, team))
        found = [rate.as_json() for rate in rates.rates(table, known)]
        document = {"month": str(asked), "team": team, "version": table.version, "rates": found}
        return Response(orjson.dumps(document), media_type="application/json")

    return api
