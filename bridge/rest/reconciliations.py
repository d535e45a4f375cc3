"""`/v1/reconciliations`: the reports of reconciliation (对账), as JSON, CSV or a page."""

from datetime import date
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bridge.clock import iso
from bridge.ledger import reconciling
from bridge.reconcile.page import page
from bridge.reconcile.report import csv_text
from bridge.rest import access
from bridge.rest.context import Context
from bridge.rest.problems import Problem


def router(context: Context) -> APIRouter:
    """The routes, bound to this process's parts."""
    api = APIRouter(prefix="/v1/reconciliations", tags=["operations"])

    @api.get("")
    async def runs(
        request: Request, system: str | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> Response:
        """The newest runs, without their differences."""
        access.caller(request, context.keys, "operate")
        found = await context.ledger.read(lambda conn: reconciling.reports(conn, system, limit=limit))
        return _json({"reconciliations": [{**one, "ran_at": iso(one["ran_at"])} for one in found]})

    @api.get("/{system}/{day}")
    async def one(
        system: str, day: date, request: Request, form: Annotated[Literal["json", "csv", "html"], Query()] = "json"
    ) -> Response:
        """The newest report of this system and day."""
        access.caller(request, context.keys, "operate")
        found = await context.ledger.read(lambda conn: reconciling.report(conn, system, day.isoformat()))
        if found is None:
            raise Problem(
                404, f"{system[:64]} was not reconciled for {day}; run `bridge reconcile {system[:64]} --date {day}`"
            )
        if form == "html":
            return HTMLResponse(page(found))
        if form == "csv":
            name = f"recon_{system}_{day:%Y%m%d}.csv"
            headers = {"content-disposition": f'attachment; filename="{name}"'}
            return Response(csv_text(found), media_type="text/csv; charset=utf-8", headers=headers)
        return _json(found)

    return api


def _json(document: object) -> Response:
    return Response(orjson.dumps(document), media_type="application/json")
