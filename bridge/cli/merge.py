"""`bridge merge` and `bridge duplicates`: petitions that are one matter are answered together (并单)."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from bridge.cli.ledger import reading, writing
from bridge.cli.orders import Operator, Reason
from bridge.cli.output import Exit, Json, document, fail, out, table


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
    _say([{"petition_id": one.petition_id, "into": one.into, "result": one.result, "why": one.why} for one in found],
         as_json=as_json)  # fmt: skip


def _say(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        document({"petitions": rows})
    else:
        shown = table("petition 诉求", "into 并入", "result", "why", whole=2)
        for row in rows:
            shown.add_row(*(str(value or "") for value in row.values()))
        out.print(shown)
    bad = [row for row in rows if row["result"] in ("not_found", "refused")]
    if bad:
        fail(Exit.FALLS_SHORT, "; ".join(f"{row['petition_id']}: {row['result']}: {row['why']}" for row in bad))


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
