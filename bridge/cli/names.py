"""Names that somebody types. One that nobody has is said: to find nothing of it would look like an all-clear."""

from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.output import Exit, fail

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MOST_NAMED = 20


def known_system(name: str | None) -> str | None:
    """This name, if a system has it."""
    from bridge import app as root

    known = [manifest.system for manifest in root.manifests()]
    if name is not None and name not in known:
        fail(Exit.WRONG_USAGE, f"{name}: no such system; known: {', '.join(known)} (没有该系统)")
    return name


System = Annotated[str | None, typer.Option(callback=known_system, help="Only this system.")]


def check_team(conn: "Connection", team: str | None) -> None:
    """Ends the command for a team that is neither on the roster nor of any petition."""
    from sqlalchemy import select

    from bridge.ledger.roster_tables import secretaries, teams
    from bridge.ledger.tables import petitions

    places = (teams.c.team_id, secretaries.c.team_id, petitions.c.team_id)
    if not team or any(conn.scalar(select(place).where(place == team).limit(1)) is not None for place in places):
        return
    named = list(conn.scalars(select(teams.c.team_id).order_by(teams.c.team_id).limit(_MOST_NAMED)))
    fail(
        Exit.WRONG_USAGE,
        f"{team}: no such team, neither on the roster nor of any petition; on the roster: "
        f"{', '.join(named) or 'none'}{' …' if len(named) == _MOST_NAMED else ''} (没有该服务队)",
    )


def check_unit(conn: "Connection", unit: str | None) -> None:
    """Ends the command for a unit that is neither on the roster nor works on any petition."""
    from sqlalchemy import select

    from bridge.ledger.lists import works_or_is_late
    from bridge.ledger.roster_tables import units
    from bridge.ledger.tables import petitions

    if not unit or conn.scalar(select(units.c.name).where(units.c.name == unit)) is not None:
        return
    if conn.scalar(select(petitions.c.petition_id).where(works_or_is_late(unit)).limit(1)) is None:
        fail(
            Exit.WRONG_USAGE,
            f"{unit}: no such unit, neither on the roster nor of any petition; its name is written as they send it "
            "(没有该承办单位)",
        )
