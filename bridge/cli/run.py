"""`bridge run`, `serve`, `work`, `sandbox`, `migrate`, `demo`: processes."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.cli.output import Exit, Json, fail, out, reaching


def register(app: typer.Typer) -> None:
    """Hang the commands up."""
    app.command()(run)
    app.command()(serve)
    app.command()(work)
    app.command()(sandbox)
    app.command()(migrate)
    app.command()(demo)


def run(
    sandboxes: Annotated[
        bool, typer.Option("--sandboxes", help="Start the three sandboxes too, with light traffic (沙箱模式).")
    ] = False,
) -> None:
    """Everything in one process, until Ctrl-C (全部功能)."""
    from bridge import app as root
    from bridge import logs
    from bridge.server import run_http

    if sandboxes:
        from bridge.demo.playground import play

        logs.configure("warning", "console")
        asyncio.run(play())
        return
    settings = root.settings()
    logs.configure(settings.log_level, settings.log_format)
    _run(run_http(settings, root.Part.ALL))


def serve() -> None:
    """REST and intake only (接入进程)."""
    from bridge import app as root
    from bridge import logs
    from bridge.server import run_http

    settings = root.settings()
    logs.configure(settings.log_level, settings.log_format)
    if settings.embedded:
        fail(
            Exit.WRONG_USAGE, "BRIDGE_BROKER_URL: memory:// lives inside one process; give amqp://… or use `bridge run`"
        )
    _run(run_http(settings, root.Part.DOORS))


def work(
    ready_file: Annotated[Path | None, typer.Option(help="Written when the work has begun.")] = None,
) -> None:
    """Relay, router, delivery, watch, witness (工作进程)."""
    from bridge import app as root
    from bridge import logs
    from bridge.server import run_work

    settings = root.settings()
    logs.configure(settings.log_level, settings.log_format)
    if settings.embedded:
        fail(
            Exit.WRONG_USAGE, "BRIDGE_BROKER_URL: memory:// lives inside one process; give amqp://… or use `bridge run`"
        )
    _run(run_work(settings, ready_file))


def sandbox(
    system: Annotated[str, typer.Argument(help="hotline12345, governance_center or wechat.")],
    host: str = "127.0.0.1",
    port: int = 9101,
    bridge_url: Annotated[str, typer.Option(help="Where the bridge listens.")] = "http://127.0.0.1:8080",
    pace: Annotated[float, typer.Option(help="Mean seconds between two steps of a case.")] = 1.0,
    autopilot: Annotated[bool, typer.Option(help="Sign, progress, reply and close by itself.")] = True,
) -> None:
    """A stand-in of one outside system, with this city's settings for it (沙箱)."""
    from bridge import app as root
    from bridge import logs
    from bridge.adapter import SandboxPlan
    from bridge.server import Server, until_stopped

    settings = root.settings()
    logs.configure(settings.log_level, settings.log_format)
    manifest = next((item for item in root.manifests() if item.system == system), None)
    if manifest is None:
        fail(Exit.WRONG_USAGE, f"no system {system!r}; known: {', '.join(item.system for item in root.manifests())}")
    plan = SandboxPlan(bridge_url, pace_seconds=pace, autopilot=autopilot)

    async def stand_in() -> None:
        server = Server(manifest.sandbox(settings.system(system), plan), host, port)
        await server.start()
        await until_stopped()
        await server.stop()

    _run(stand_in())


def migrate() -> None:
    """Bring the database's tables up to date (升级数据库结构)."""
    from bridge import app as root
    from bridge.ledger.migrate import migrate as upgrade
    from bridge.ledger.store import Store

    settings = root.settings()
    with reaching("the database"):
        store = Store(settings.database_url)
        revision = upgrade(store)
        store.close()
    out.print(f"the ledger is at revision {revision}")


def demo(
    petitions: Annotated[int, typer.Option(min=20, max=20000, help="How many petitions to send.")] = 300,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the database and the audit log, and say where.")] = False,
    as_json: Json = False,
) -> None:
    """The whole mission on the embedded default, with the three sandboxes (演示)."""
    from bridge import logs
    from bridge.demo.show import show

    logs.configure("error", "console")
    holds = asyncio.run(show(petitions, keep=keep, as_json=as_json))
    raise typer.Exit(Exit.HOLDS if holds else Exit.FALLS_SHORT)


def _run(process: Coroutine[Any, Any, None]) -> None:
    import uvloop

    from bridge.vault import VaultError

    with reaching("the database"):
        try:
            uvloop.run(process)
        except VaultError:
            raise
        except RuntimeError as error:
            fail(Exit.UNREACHABLE, str(error))
