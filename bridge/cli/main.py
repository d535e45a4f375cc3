"""The command line's root: settings errors become one clear line, and every group of commands is hung up here."""

import os
import sys
from typing import Annotated

import typer

from bridge.cli import audit, digest, erase, inspect, keys, merge, operate, rates, reconcile, roster, rules, run
from bridge.cli.output import Exit, err, out

app = typer.Typer(
    name="bridge",
    help="来听桥 Laiting Bridge: petitions between the 12345 hotline, the governance center and WeChat.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        out.print(f"laiting-bridge {version('laiting-bridge')} 来听桥")
        raise typer.Exit(Exit.HOLDS)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version and end (版本).")
    ] = False,
) -> None:
    """What stands before a command."""


for group in (run, inspect, operate, audit):
    group.register(app)
app.add_typer(keys.app, name="keys")
roster.register(app)
erase.register(app)
merge.register(app)
reconcile.register(app)
rules.register(app)
digest.register(app)
rates.register(app)
app.add_typer(inspect.routes_app, name="routes")


def main() -> None:
    """Entry point of the console script."""
    from bridge.apikeys import BadKeyFile
    from bridge.digest.rules import BadDigestRules
    from bridge.ledger.store import BadDatabaseUrl
    from bridge.routing import BadRoutes
    from bridge.rules.table import BadTable
    from bridge.settings import SettingsError
    from bridge.vault import VaultError
    from bridge.witness.note import NoteError

    unusable = (SettingsError, BadRoutes, BadKeyFile, BadDatabaseUrl, BadDigestRules, BadTable, VaultError, NoteError)
    try:
        app()
    except unusable as error:
        err.print(str(error), style="red", markup=False)
        sys.exit(Exit.WRONG_USAGE)
    except BrokenPipeError:
        # `bridge trail … | head`: the reader has seen enough. Python would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.HOLDS)
