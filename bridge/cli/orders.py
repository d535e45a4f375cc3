"""Orders: who gives one and why, asked alike by every command that writes to the journal, and what became of them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from bridge.cli.output import Exit, document, err, listing, out


def _said(value: str) -> str:
    """The journal is to say who and why: a blank says neither."""
    if not value.strip():
        raise typer.BadParameter("must not be blank; it is kept in the journal (不能为空，将记入日志)")
    return value.strip()


Reason = Annotated[str, typer.Option(callback=_said, help="Why; it is kept in the journal. No personal data (事由).")]
Operator = Annotated[str, typer.Option(callback=_said, help="Who orders it; it is kept in the journal (操作人).")]


def report(
    found: Mapping[str, Any],
    orders: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    *,
    nothing: str,
    as_json: bool,
) -> None:
    """`found` is the JSON document. In words, what was done is listed, what was refused is said on stderr, nothing
    twice. `columns`: the field of an order → its heading, the first being what it was about."""
    refused = [order for order in orders if order["result"] in ("not_found", "refused")]
    carried_out = [order for order in orders if order not in refused]
    if as_json:
        document(found)
    elif not orders:
        out.print(nothing)
    elif carried_out:
        filled = [field for field in columns if any(order[field] for order in carried_out)]
        rows = [[str(order[field] or "") for field in filled] for order in carried_out]
        listing([columns[field] for field in filled], rows)
    about = next(iter(columns))
    for order in refused:
        err.print(f"{order[about]}: {order['result']}: {order['why']}", style="red", markup=False)
    if refused:
        raise typer.Exit(Exit.FALLS_SHORT)
