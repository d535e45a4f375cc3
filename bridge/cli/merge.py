"""`bridge merge` and `bridge duplicates`: petitions that are one matter are answered together (并单)."""

from datetime import timedelta
from typing import Annotated

import typer

from bridge.cli.ledger import reading, writing
from bridge.cli.orders import Operator, Reason, report
from bridge.cli.output import Json, document, out


def register(app: typer.Typer) -> None:
    """Hang the commands up."""
    app.command()(merge)
    app.command()(duplicates)


def merge(
    petition: Annotated[list[str], typer.Argument(help="Petitions that repeat another one.")],
    into: Annotated[str, typer.Option(help="The petition whose answer is theirs too.")],
    reason: Reason,
    operator: Operator,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    as_json: Json = False,
) -> None:
    """Merge petitions into another; each petitioner still gets an answer (并单)."""
    from bridge.ledger import merge as merging

    orders = [merging.Merging(one, into, operator, reason, dry_run) for one in dict.fromkeys(petition)]
    found = writing(lambda work: merging.merge(work, orders))
    columns = {"petition_id": "petition 诉求", "into": "into 并入", "result": "result 结果", "why": "why 原因"}
    rows = [{name: getattr(one, name) for name in columns} for one in found]
    report({"petitions": rows}, rows, columns, nothing="", as_json=as_json)


def duplicates(
    days: Annotated[float, typer.Option(min=0, help="Brought within so many days.")] = 30.0,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    as_json: Json = False,
) -> None:
    """Open petitions that one petitioner brought more than once: perhaps one matter (疑似重复)."""
    from bridge.clock import to_ms, utc_now
    from bridge.ledger.merge import suspects

    since = to_ms(utc_now() - timedelta(days=days))
    found = reading(lambda conn: suspects(conn, since, limit))
    if as_json:
        document({"suspects": found})
        return
    for group in found:
        out.print("  ".join(group["petitions"]), markup=False)
    if found:
        out.print("bridge merge PETITION… --into PETITION --reason TEXT --operator NAME [--dry-run]", style="dim")
    else:
        out.print("nobody brought anything twice (没有疑似重复)")
