"""How commands speak: one JSON document on stdout with `--json`, words and tables otherwise; faults on stderr."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import IntEnum
from typing import Annotated, Any, NoReturn

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout (机器可读).")]

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
_ENDLESS = 10_000


class Exit(IntEnum):
    """CONTRACT 2."""

    HOLDS = 0
    FALLS_SHORT = 1
    WRONG_USAGE = 2
    UNREACHABLE = 3


def document(value: Any) -> None:
    """The one JSON document."""
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")
    sys.stdout.buffer.flush()


def fail(code: Exit, text: str) -> NoReturn:
    """Say it on stderr and end."""
    err.print(text, style="red", markup=False)
    raise typer.Exit(int(code))


def no_file(error: OSError) -> NoReturn:
    """A file that was named cannot be read."""
    fail(Exit.WRONG_USAGE, f"{error.filename}: cannot be read: {error.strerror} (无法读取)")


def table(*columns: str, whole: int = 0) -> Table:
    """A table in the house's style; the first `whole` columns are never broken, so that ids can be copied."""
    made = Table(header_style="bold")
    for place, column in enumerate(columns):
        made.add_column(column, overflow="fold", no_wrap=place < whole)
    return made


def listing(columns: Sequence[str], rows: Iterable[Sequence[str]], *, whole: int = 1) -> None:
    """Print a table where it fits unbroken; elsewhere two lines a row, the `whole` columns and below them the others: a
    table with columns of one letter can neither be read nor copied from."""
    rows = list(rows)
    shown = table(*columns, whole=whole)
    for row in rows:
        shown.add_row(*map(escape, row))
    if Measurement.get(out, out.options.update(max_width=_ENDLESS), shown).maximum <= out.width:
        out.print(shown)
        return
    for style, row in [("bold", columns), *((None, row) for row in rows)]:
        out.print("  ".join(row[:whole]), style=style, markup=False)
        if row[whole:]:
            out.print("  " + " · ".join(text or "-" for text in row[whole:]), style=style, markup=False)


def moment(at: str | None) -> str:
    """An ISO time as it stands in a table: `11-26 23:54`, with the year where it is another one."""
    from bridge.clock import utc_now
    from schemas.base import shanghai

    if not at:
        return ""
    when = shanghai(datetime.fromisoformat(at))
    return f"{when:%m-%d %H:%M}" if when.year == shanghai(utc_now()).year else f"{when:%Y-%m-%d %H:%M}"


@contextmanager
def reaching(what: str) -> Iterator[None]:
    """Turns a service that cannot be reached, or a file that is none, into exit code 3, named."""
    from sqlalchemy.exc import DatabaseError, DataError, IntegrityError

    try:
        yield
    except (DataError, IntegrityError):
        # It was reached, and refuses what we asked: a defect of ours.
        raise
    except DatabaseError as error:
        cause = str(error.orig).splitlines()[0] if error.orig else type(error).__name__
        fail(Exit.UNREACHABLE, f"{what} cannot be reached: {cause}; check BRIDGE_DATABASE_URL")
    except OSError as error:
        if error.filename is None:
            fail(Exit.UNREACHABLE, f"{what} cannot be reached: {error}")
        fail(Exit.UNREACHABLE, f"{error.filename}: {error.strerror}; check the settings that name it (请检查目录设置)")
