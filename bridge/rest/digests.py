"""`/v1/digests`: the monthly analysis, as it may be shown; with the petitions behind its numbers for operators."""

import asyncio
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from bridge.apikeys import Scope
from bridge.clock import to_ms
from bridge.digest.extract import NoSuchUnit
from bridge.digest.handouts import MEDIA_TYPES, Audience, Form, NotYet, handout, written
from bridge.digest.meeting import told
from bridge.digest.month import BadMonth, Month
from bridge.digest.rules import DigestRules
from bridge.digest.seal import BrokenSeal, NotBegun, Reckoned, goes_on, reckon
from bridge.ledger import digests
from bridge.prose import mask
from bridge.rest import access
from bridge.rest.context import Context
from bridge.rest.problems import Problem
from bridge.witness.canonical import canonical

T = TypeVar("T")


def router(context: Context, rules: DigestRules) -> APIRouter:
    """The routes, bound to this process's parts."""
    api = APIRouter(prefix="/v1/digests", tags=["digests"])
    vault = context.ledger.privacy.vault
    reckoning = asyncio.Lock()

    @api.get("/{month}")
    async def digest(
        month: str,
        request: Request,
        trace: bool = False,
        form: Annotated[Form | None, Query(alias="format")] = None,
        audience: Audience = "everyone",
        unit: str | None = None,
    ) -> Response:
        """The month's digest without small groups, or what is handed on of it. `trace=true` adds the petitions behind
        every number; it needs the scope `operate` and is noted in the journal, and the meeting's package needs it as
        well. Without `format`, `Accept: text/html` gets the page."""
        scope: Scope = "operate" if trace or audience == "meeting" else "petitions:read"
        caller = access.caller(request, context.keys, scope)
        asked = _month(month)
        _check(trace=trace, form=form, audience=audience, unit=unit)
        if goes_on(asked, to_ms(context.now())) and "operate" not in caller.scopes:
            raise Problem(403, f"{asked} is not over: until then it is for the scope operate (当月未结束，仅限operate)")
        if trace:
            found = await _reading(lambda conn: _reckoned(conn, asked))
            await context.ledger.note("digest.traced", {"month": month, "actor": f"key:{caller.name}"})
            return _json(found.traced)
        form = form or ("html" if "text/html" in request.headers.get("accept", "") else "json")
        content = await _reading(lambda conn: _made(conn, asked, form, audience, unit or ""))
        return Response(content, media_type=MEDIA_TYPES[form], headers=_saved_as(asked, form, audience))

    @api.get("/{month}/items")
    async def items(month: str, request: Request) -> Response:
        """Proposals made from the month's analysis, with all their rounds."""
        access.caller(request, context.keys, "operate")
        asked = str(_month(month))
        found = await context.ledger.read(lambda conn: digests.item_list(conn, asked))
        return _json({"items": [told(item) for item in found]})

    def _reckoned(conn: Connection, month: Month) -> Reckoned:
        return reckon(conn, vault, month, to_ms(context.now()), rules, mask, again=False)

    def _made(conn: Connection, month: Month, form: Form, audience: Audience, unit: str) -> bytes:
        found = _reckoned(conn, month)
        document = handout(found, audience, digests.item_list(conn, str(month)), unit)
        return written({**document, "sealed": found.sealed}, form, found.sealed)

    async def _reading(query: Callable[[Connection], T]) -> T:
        try:
            # One at a time: reckoning a month that is not sealed takes seconds of the processor.
            async with reckoning:
                return await context.ledger.read(query)
        except (NotBegun, NoSuchUnit) as error:
            raise Problem(404, str(error)) from None
        except NotYet as error:
            raise Problem(409, str(error)) from None
        except BrokenSeal as error:
            raise Problem(500, str(error)) from None

    return api


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except BadMonth as error:
        raise Problem(422, str(error)) from None


def _check(*, trace: bool, form: Form | None, audience: Audience, unit: str | None) -> None:
    if trace and (form not in (None, "json") or audience != "everyone"):
        raise Problem(422, "trace: of the whole digest and as JSON only (仅限JSON格式的完整分析)")
    if (audience == "department") != (unit is not None):
        raise Problem(422, "unit goes with audience=department, and it with unit (unit与audience=department须同时给出)")


def _saved_as(month: Month, form: Form, audience: Audience) -> dict[str, str]:
    """A workbook is a file; pages and documents are shown."""
    name = f"{'digest' if audience == 'everyone' else audience}-{month}.{form}"
    return {"content-disposition": f'attachment; filename="{name}"'} if form == "xlsx" else {}


def _json(document: dict[str, object]) -> Response:
    return Response(canonical(document), media_type="application/json")
