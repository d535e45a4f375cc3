"""`/v1/digests`: the monthly analysis, as it may be shown; with the petitions behind its numbers for operators."""

import asyncio

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bridge.clock import to_ms
from bridge.digest import page
from bridge.digest.meeting import told
from bridge.digest.month import BadMonth, Month
from bridge.digest.rules import DigestRules
from bridge.digest.seal import BrokenSeal, NotBegun, Reckoned, reckon
from bridge.ledger import digests
from bridge.prose import mask
from bridge.rest import access
from bridge.rest.context import Context
from bridge.rest.problems import Problem
from bridge.witness.canonical import canonical


def router(context: Context, rules: DigestRules) -> APIRouter:
    """The routes, bound to this process's parts."""
    api = APIRouter(prefix="/v1/digests", tags=["digests"])
    vault = context.ledger.privacy.vault
    reckoning = asyncio.Lock()

    @api.get("/{month}")
    async def digest(month: str, request: Request, trace: bool = False) -> Response:
        """The month's digest without small groups. `trace=true` adds the petitions behind every number; it needs the
        scope `operate` and is noted in the journal. `Accept: text/html` gets the page."""
        caller = access.caller(request, context.keys, "operate" if trace else "petitions:read")
        found = await _reckoned(_month(month))
        if trace:
            await context.ledger.note("digest.traced", {"month": month, "actor": f"key:{caller.name}"})
            return _json(found.traced)
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(page.render(found.published, found.sealed))
        return _json({**found.published, "sealed": found.sealed})

    @api.get("/{month}/items")
    async def items(month: str, request: Request) -> Response:
        """Proposals made from the month's analysis, with all their rounds."""
        access.caller(request, context.keys, "operate")
        asked = str(_month(month))
        found = await context.ledger.read(lambda conn: digests.item_list(conn, asked))
        return _json({"items": [told(item) for item in found]})

    async def _reckoned(month: Month) -> Reckoned:
        def query(conn: Connection) -> Reckoned:
            return reckon(conn, vault, month, to_ms(context.now()), rules, mask, again=False)

        try:
            # One at a time: reckoning a month that is not sealed takes seconds of the processor.
            async with reckoning:
                return await context.ledger.read(query)
        except NotBegun as error:
            raise Problem(404, str(error)) from None
        except BrokenSeal as error:
            raise Problem(500, str(error)) from None

    return api


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except BadMonth as error:
        raise Problem(422, str(error)) from None


def _json(document: dict[str, object]) -> Response:
    return Response(canonical(document), media_type="application/json")
