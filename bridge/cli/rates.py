"""`bridge rates`: the three rates of a month, with every petition they count (响应率 解决率 满意率)."""

from typing import Annotated, Any

import typer

from bridge.cli.ledger import reading
from bridge.cli.names import check_team
from bridge.cli.output import Exit, Json, document, fail, out, table


def register(app: typer.Typer) -> None:
    """Hang the command up."""
    app.command()(rates)


def rates(
    month: Annotated[str, typer.Option(help="The month the petitions came in, e.g. 2026-10.")],
    team: Annotated[str | None, typer.Option(help="Only this team's.")] = None,
    as_json: Json = False,
) -> None:
    """Answered, solved, satisfied: each rate by its formula, from what citizens said (三率)."""
    from bridge import app as root
    from bridge.digest.month import BadMonth, Month
    from bridge.ledger.outcomes import outcomes
    from bridge.rules import rates as reckoning

    try:
        asked = Month.parse(month)
    except BadMonth as error:
        fail(Exit.WRONG_USAGE, str(error))
    settings = root.settings()
    rules = reckoning.rules(settings.rates)

    def read(conn: Any) -> Any:
        check_team(conn, team)
        return outcomes(conn, root.privacy(settings).vault, asked.start, asked.end, team)

    known = reading(read)
    found = [rate.as_json() for rate in reckoning.rates(rules, known)]
    if as_json:
        document({"month": str(asked), "team": team, "version": rules.version, "rates": found})
        return
    shown = table("rate 率", "value", "counted 分子", "of 分母", "rule")
    for rate in found:
        value = "—" if rate["value"] is None else f"{rate['value']:.1%}"
        shown.add_row(f"{rate['zh']} {rate['name']}", value, str(len(rate["numerator"])),
                      str(len(rate["denominator"])), rate["rule"])  # fmt: skip
    out.print(shown)
