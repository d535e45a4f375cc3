"""The ASGI application: doors, `/v1`, health, documents and the console."""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from importlib.resources import files

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.adapter import Adapter
from bridge.ledger.writer import LedgerAway
from bridge.rest import (
    digests,
    doors,
    handoffs,
    health,
    merging,
    packages,
    petitions,
    problems,
    proofs,
    rates,
    reconciliations,
    rules,
    unreached,
)
from bridge.rest.context import Context
from bridge.runtime import Runtime

_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def application(runtime: Runtime, context: Context, adapters: dict[str, Adapter], lifespan: Lifespan) -> FastAPI:
    """Everything this process answers on HTTP."""
    app = FastAPI(
        lifespan=lifespan,
        openapi_url=None,  # ours tells of the doors too (bridge/rest/openapi.py)
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # an address that is not ours is a 404, and leads nowhere else
    )
    app.add_exception_handler(problems.Problem, problems.answer)
    app.add_exception_handler(RequestValidationError, _unusable)
    app.add_exception_handler(LedgerAway, _away)
    app.add_exception_handler(HTTPException, _http_error)
    for adapter in adapters.values():
        app.router.routes.extend(doors.routes(adapter, context.intake, context.now))
    app.include_router(petitions.router(context))
    app.include_router(handoffs.router(context, runtime))
    app.include_router(proofs.router(context, runtime))
    app.include_router(unreached.router(context))
    app.include_router(reconciliations.router(context))
    app.include_router(merging.router(context))
    app.include_router(rules.router(context))
    app.include_router(packages.router(context))
    app.include_router(rates.router(context, runtime.settings.rates))
    app.include_router(digests.router(context, runtime.digest_rules))
    app.router.routes.extend(health.routes(runtime))
    app.add_api_route("/console", _console, include_in_schema=False, response_class=HTMLResponse)
    for name in ("openapi.json", "asyncapi.json"):
        app.add_api_route(f"/{name}", _document(name), include_in_schema=False)
    app.add_middleware(NoNul)
    return app


class NoNul:
    """U+0000 in a path or query names nothing, and PostgreSQL refuses it: one clear 400 for every route."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (b"%00" in scope.get("query_string", b"") or "\x00" in scope["path"]):
            answer = problems.document(400, "U+0000 in the address names nothing here (地址含非法字符)")
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)


async def _console() -> HTMLResponse:
    page = files("bridge.console").joinpath("index.html").read_text("utf-8")
    return HTMLResponse(
        page, headers={"Cache-Control": "no-store", "Content-Security-Policy": "frame-ancestors 'none'"}
    )


def _document(name: str) -> Callable[[], Awaitable[Response]]:
    """A generated document, as it lies in its file."""
    content = files("schemas").joinpath("json", name).read_bytes()

    async def document() -> Response:
        return Response(content, media_type="application/json")

    return document


async def _unusable(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    faults = [{"field": ".".join(map(str, item["loc"])), "fault": item["msg"]} for item in error.errors()]
    return problems.document(422, "Some parameters cannot be used; see `errors` (参数有误)", errors=faults)


async def _away(_request: Request, _error: Exception) -> Response:
    return problems.document(503, "The ledger cannot be reached; please repeat (台账暂不可用，请稍后重试)")


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    answer = problems.document(error.status_code, str(error.detail))
    if error.status_code == 405:
        answer.headers["Allow"] = ", ".join(_allowed(request))
    return answer


def _allowed(request: Request) -> list[str]:
    """Every method of this path (RFC 9110); the framework would name those of one route only."""
    return [method for method in _METHODS if _leads_on({**request.scope, "method": method}, request.app.routes)]


def _leads_on(scope: Scope, routes: Iterable[BaseRoute]) -> bool:
    return any(route.matches(scope)[0] is Match.FULL for route in routes)
