"""`bridge reconcile`: hold our list of a day against the system's own (对账)."""

import asyncio
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.cli.ledger import ledger
from bridge.cli.names import known_system
from bridge.cli.output import Exit, Json, document, fail, listing, out, reaching


def register(app: typer.Typer) -> None:
    """Hang the command up."""
    app.command()(reconcile)


def reconcile(
    system: Annotated[str, typer.Argument(callback=known_system, help="hotline12345, governance_center or wechat.")],
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="The day (default: yesterday).")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look: mend nothing, keep no report.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Also write the differences as CSV.")] = None,
    html: Annotated[Path | None, typer.Option(help="Also write the report as a page.")] = None,
    as_json: Json = False,
) -> None:
    """What the system says it has against what we say it has; what can be mended is mended (对账)."""
    from bridge.clock import utc_now
    from bridge.reconcile.page import page
    from bridge.reconcile.report import csv_text
    from schemas.base import shanghai

    yesterday = shanghai(utc_now()).date() - timedelta(days=1)
    found = _run(system, day.date() if day else yesterday, mend=not dry_run)
    for path, written in ((csv, csv_text), (html, page)):
        if path is not None:
            path.write_text(written(found), encoding="utf-8", newline="")
    _say(found, as_json=as_json)


def _run(system: str, day: date, *, mend: bool) -> dict[str, Any]:
    from bridge import app as root
    from bridge import logs
    from bridge.ledger.writer import LedgerAway
    from bridge.reconcile.reconciler import CannotReconcile

    logs.configure("warning", "console")

    async def work() -> dict[str, Any]:
        bridge = root.Bridge(root.settings(), root.Part(0))
        await bridge.open()
        try:
            return (await bridge.reconciler(system).run(day, mend=mend)).as_json()
        finally:
            await bridge.close()

    try:
        # A bridge that runs waits for its database, and begins it; somebody at a terminal is told.
        with ledger():
            pass
        with reaching("the database"):
            return asyncio.run(work())
    except CannotReconcile as error:
        fail(Exit.UNREACHABLE, str(error))
    except LedgerAway as error:
        fail(Exit.UNREACHABLE, f"the database cannot be reached: {error}")


def _say(found: dict[str, Any], *, as_json: bool) -> None:
    from bridge.reconcile.difference import KIND_ZH, Kind, Resolution

    if as_json:
        document(found)
    else:
        out.print(
            f"{found['system']} {found['day']}: 我方 here {found['here']}, 对方 there {found['there']}, "
            f"一致 in agreement {found['matched']}"
        )
        if found["differences"]:
            listing(
                ("class 差异", "side 方", "petition 诉求", "number 对方编号", "detail 细目", "resolution 处理"),
                [
                    (f"{one['kind']} {KIND_ZH[Kind(one['kind'])]}", one["side"], one.get("petition_id", ""),
                     one.get("number", ""), one.get("detail", ""),
                     f"{Resolution(one['resolution']).zh} {one.get('why') or ''}".strip())
                    for one in found["differences"]
                ],
            )  # fmt: skip
    if found["open"]:
        fail(Exit.FALLS_SHORT, f"{found['open']} differences are for people to look at (待人工核对)")
