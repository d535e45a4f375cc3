"""Running a process of the bridge: its parts, the HTTP side on uvicorn, and a stop that loses nothing."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.types import ASGIApp

from bridge.apikeys import KeyRing
from bridge.app import Bridge, Part
from bridge.rest import health
from bridge.rest.application import application
from bridge.rest.context import Context
from bridge.rest.doors import DoorsFirst
from bridge.settings import Settings, unknown_names

_log = structlog.get_logger("bridge.server")


def build(bridge: Bridge, ring: KeyRing, *, started: bool = False) -> ASGIApp:
    """The ASGI application of this process; starting it starts the bridge, unless it has been `started`, ending it
    stops the bridge."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if not started:
            await bridge.start()
        try:
            yield
        finally:
            await bridge.stop()

    context = Context(bridge.ledger, bridge.intake, ring, bridge.now)
    return DoorsFirst(application(bridge, context, bridge.adapters, lifespan), bridge.adapters.values(), context)


class Server:
    """uvicorn inside our own loop, so that one process can hold a bridge and its sandboxes."""

    def __init__(self, app: object, host: str, port: int) -> None:
        config = uvicorn.Config(
            app,  # type: ignore[arg-type]  # uvicorn's type for ASGI applications is narrower than Starlette's
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # nothing here asks where a caller sits
            date_header=False,
            lifespan="on",
            timeout_graceful_shutdown=5,
        )
        self._server = uvicorn.Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Until it answers. Raises what the start raised (`SystemExit` of uvicorn becomes `RuntimeError`)."""
        self._task = asyncio.get_running_loop().create_task(self._serve())
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise RuntimeError(f"cannot listen on {self._server.config.host}:{self._server.config.port}")
            await asyncio.sleep(0.01)

    @property
    def port(self) -> int:
        """The port in use (also when 0 was asked for)."""
        return int(self._server.servers[0].sockets[0].getsockname()[1])

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._task is not None:
            await self._task

    async def _serve(self) -> None:
        try:
            await self._server._serve()  # without uvicorn's own signal handlers: ours stop several servers
        except SystemExit as error:
            raise RuntimeError(f"the HTTP server ended with {error.code}") from None


async def until_stopped() -> None:
    """Wait for SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        await stopped.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def warn_of_unknown_names(settings: Settings) -> None:
    """A mistyped name sets nothing, and nobody would know."""
    for name, meant in unknown_names(type(settings)).items():
        _log.warning("settings.unknown_name", name=name, did_you_mean=meant, next="mend or remove it (无此设置)")


async def run_http(settings: Settings, parts: Part) -> None:
    """`bridge run` and `bridge serve`: until a signal comes."""
    warn_of_unknown_names(settings)
    bridge, ring = Bridge(settings, parts), KeyRing.load(settings.api_keys)
    # Before the server: uvicorn would make a traceback of what hinders the start.
    await bridge.start()
    server = Server(build(bridge, ring, started=True), settings.host, settings.port)
    await server.start()
    _log.info("bridge.listening", url=f"http://{settings.host}:{server.port}", console="/console")
    await until_stopped()
    await server.stop()


async def run_work(settings: Settings, ready_file: Path | None = None) -> None:
    """`bridge work`: no doors, until a signal comes. `ready_file` is written when the work has begun.

    With BRIDGE_HEALTH_PORT it answers /healthz, /readyz and /metrics there: it is this process that knows the witness,
    the law and the breakers.
    """
    warn_of_unknown_names(settings)
    bridge = Bridge(settings, Part.WORK)
    await bridge.start()
    health_server = Server(Starlette(routes=health.routes(bridge)), settings.host, settings.health_port)
    if settings.health_port:
        await health_server.start()
    if ready_file is not None:
        await asyncio.to_thread(ready_file.write_text, "ready")
    with suppress(asyncio.CancelledError):
        await until_stopped()
    if settings.health_port:
        await health_server.stop()
    await bridge.stop()
