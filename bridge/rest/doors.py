"""The adapters' doors as plain ASGI routes: no framework model between the wire and the adapter."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from urllib.parse import quote

from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.adapter import Adapter, Door, Request, Response
from bridge.intake import Intake
from bridge.rest import bodies
from bridge.rest.context import Context

Now = Callable[[], datetime]


def routes(adapter: Adapter, intake: Intake, now: Now) -> list[Route]:
    """One route for each path the system calls on us."""
    return [_route(adapter, door, intake, now) for door in adapter.inbound.doors]


def _route(adapter: Adapter, door: Door, intake: Intake, now: Now) -> Route:
    route = Route(door.path, _endpoint(adapter, door, intake, now), methods=list(door.methods))
    # Starlette lets HEAD in wherever GET is; no system speaks it, and a door would take it for a message.
    route.methods = set(door.methods)
    return route


class DoorsFirst:
    """Takes what knocks at a door straight to it, past the framework's layers (half of a request's cost in Python).

    Everything else, and a door with the wrong method, goes to `app`, which has the same doors as routes.
    """

    def __init__(self, app: ASGIApp, adapters: Iterable[Adapter], context: Context) -> None:
        self._app = app
        self._doors = {
            (method, door.path): _endpoint(adapter, door, context.intake, context.now)
            for adapter in adapters
            for door in adapter.inbound.doors
            for method in door.methods
            if "{" not in door.path
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._doors.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if endpoint is None:
            await self._app(scope, receive, send)
        else:
            answer = await endpoint(HttpRequest(scope, receive, send))
            await answer(scope, receive, send)


def _endpoint(
    adapter: Adapter, door: Door, intake: Intake, now: Now
) -> Callable[[HttpRequest], Awaitable[HttpResponse]]:
    system, inbound, patience = adapter.system, adapter.inbound, door.patience_seconds

    async def endpoint(http: HttpRequest) -> HttpResponse:
        try:
            body = await bodies.read(http)
        except bodies.TooLarge:
            return _http(inbound.too_large(_request(http, b"", now())))
        return _http(await intake.receive(system, inbound, _request(http, body, now()), patience))

    return endpoint


def _request(http: HttpRequest, body: bytes, received_at: datetime) -> Request:
    query: dict[str, str] = {}
    for name, value in http.query_params.multi_items():
        query.setdefault(name, value)
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reversed(http.scope["headers"])
    }
    return Request(http.method, _path(http.scope), query, headers, body, received_at)


def _path(scope: Scope) -> str:
    """The path as it stood on the request line: a signature is over what was sent, not over what it decodes to."""
    raw: bytes | None = scope.get("raw_path")
    return raw.decode("latin-1") if raw is not None else quote(scope["path"])


def _http(response: Response) -> HttpResponse:
    return HttpResponse(response.body, response.status, dict(response.headers), response.content_type)
