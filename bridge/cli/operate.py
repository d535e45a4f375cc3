"""`bridge replay` and `bridge cancel`: an operator acts, by name and with a reason."""

from typing import Annotated, Any

import typer

from bridge.cli.ledger import reading, writing
from bridge.cli.names import known_system
from bridge.cli.orders import Operator, Reason, report
from bridge.cli.output import Exit, Json, fail

Handoffs = Annotated[list[str] | None, typer.Argument(help="Hand-off ids, or `-` to read them from stdin.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")]
AllOf = Annotated[
    str | None,
    typer.Option("--all-parked", callback=known_system, help="Every parked hand-off of this system instead."),
]
BecauseOf = Annotated[str | None, typer.Option("--parked-for", help="With --all-parked: only this reason.")]


def register(app: typer.Typer) -> None:
    """Hang the commands up."""
    app.command()(replay)
    app.command()(cancel)


def replay(
    reason: Reason,
    operator: Operator,
    handoffs: Handoffs = None,
    all_parked: AllOf = None,
    parked_for: BecauseOf = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Send parked hand-offs again, with their own idempotency keys (重推)."""
    _order("replay", _chosen(handoffs, all_parked, parked_for), operator, reason, dry_run=dry_run, as_json=as_json)


def cancel(
    reason: Reason,
    operator: Operator,
    handoffs: Handoffs = None,
    all_parked: AllOf = None,
    parked_for: BecauseOf = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Give hand-offs up; the next one of each lane goes on (撤销)."""
    _order("cancel", _chosen(handoffs, all_parked, parked_for), operator, reason, dry_run=dry_run, as_json=as_json)


def _chosen(handoffs: list[str] | None, system: str | None, parked_for: str | None) -> list[str]:
    if bool(handoffs) == bool(system):
        fail(Exit.WRONG_USAGE, "name hand-offs, or give --all-parked SYSTEM (请指定交接编号或 --all-parked)")
    if parked_for is not None and not system:
        fail(Exit.WRONG_USAGE, "--parked-for goes with --all-parked (须与--all-parked同用)")
    if handoffs:
        return typer.get_text_stream("stdin").read().split() if handoffs == ["-"] else handoffs
    from bridge.ledger import reads

    found = reading(lambda conn: reads.handoff_list(conn, state="parked", system=system, limit=10_000))
    reasons = sorted({row["reason"] for row in found if row.get("reason")})
    if found and parked_for is not None and parked_for not in reasons:
        fail(Exit.WRONG_USAGE, f"nothing of {system} is parked for {parked_for}; it is for: {', '.join(reasons)}")
    return [row["handoff_id"] for row in found if parked_for in (None, row.get("reason"))]


def _order(action: str, handoffs: list[str], operator: str, reason: str, *, dry_run: bool, as_json: bool) -> None:
    from bridge.ledger.operate import Order, operate

    orders = [Order(action, handoff, operator, reason, dry_run) for handoff in handoffs]
    _report(action, writing(lambda work: operate(work, orders)), as_json=as_json)


def _report(action: str, verdicts: list[Any], *, as_json: bool) -> None:
    columns = {
        "handoff_id": "hand-off 交接", "result": "result 结果", "state": "state 状态", "petition_id": "petition 诉求",
        "system": "system 系统", "why": "why 原因",
    }  # fmt: skip
    rows = [{name: getattr(verdict, name) for name in columns} for verdict in verdicts]
    nothing = "nothing to do (没有符合条件的交接)"
    report({"action": action, "handoffs": rows}, rows, columns, nothing=nothing, as_json=as_json)
