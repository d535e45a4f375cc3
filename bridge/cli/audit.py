"""`bridge verify`: is every line of the audit log as it was written?"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.cli.ledger import reading
from bridge.cli.output import Exit, Json, document, err, fail, out


def register(app: typer.Typer) -> None:
    """Hang the commands up."""
    app.command()(verify)


def verify(
    audit_dir: Annotated[Path | None, typer.Option(help="The audit directory (default: BRIDGE_AUDIT_DIR).")] = None,
    public_key: Annotated[
        Path | None, typer.Option(help="The witness's public keys (default: in BRIDGE_KEYS_DIR).")
    ] = None,
    copies: Annotated[
        list[Path] | None,
        typer.Option(help="A directory with copies of the checkpoints; repeatable (default: BRIDGE_AUDIT_COPIES)."),
    ] = None,
    ledger: Annotated[bool, typer.Option("--ledger", help="Hold it against the database as well.")] = False,
    as_json: Json = False,
) -> None:
    """Recompute the audit log's tree from the files and the public key alone (审计校验)."""
    from bridge import app as root
    from bridge.witness.copies import directories
    from bridge.witness.keys import verifiers
    from bridge.witness.note import NoteError

    settings = root.settings()
    directory = audit_dir or settings.audit_dir
    key_file = public_key or settings.keys_dir / "witness.pub"
    if not directory.is_dir():
        fail(Exit.WRONG_USAGE, f"{directory}: no such directory; give --audit-dir or BRIDGE_AUDIT_DIR")
    try:
        known = verifiers(key_file)
    except (OSError, NoteError) as error:
        fail(Exit.WRONG_USAGE, f"{key_file}: {error}; give --public-key or BRIDGE_KEYS_DIR")
    second = copies if copies is not None else [] if audit_dir else directories(settings.audit_copies)
    for place in second:
        if not place.is_dir():
            fail(Exit.WRONG_USAGE, f"{place}: no such directory; give --copies or BRIDGE_AUDIT_COPIES (没有该另存目录)")
    report = _verified(directory, known, second, as_json=as_json)
    if ledger:
        _hold_against_ledger(report, directory)
    _say(report, as_json=as_json)


def _verified(directory: Path, known: Any, copies: Sequence[Path], *, as_json: bool) -> dict[str, Any]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from bridge.witness.checkpoints import sizes_in
    from bridge.witness.verify import verify as recompute

    columns = (TextColumn("verify"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=as_json or not err.is_terminal) as progress:
        task = progress.add_task("verify", total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        report = dict(recompute(directory, known, copies=copies, progress=show).to_dict())
    compared = 0
    for place in copies:
        with suppress(OSError):  # one that cannot be read is among the faults
            compared += len(sizes_in(place))
    return {**report, "copies": compared}


def _hold_against_ledger(report: dict[str, Any], directory: Path) -> None:
    from bridge.witness.compare import compare

    faults = reading(lambda conn: compare(conn, directory))
    report["faults"] = [*report["faults"], *faults]
    report["ledger"] = not faults
    report["holds"] = report["holds"] and not faults


def _say(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        document(report)
    else:
        verdict = "[green]holds (完好)[/]" if report["holds"] else "[red]does not hold (不符)[/]"
        out.print(
            f"{report['entries']} entries, {report['checkpoints']} checkpoints, {report['copies']} copies 另存, "
            f"root {report['root'][:16]}…: {verdict}"
        )
    for fault in report["faults"]:
        place = f"{fault['file']}:{fault['line']}" if fault.get("line") else fault["file"]
        err.print(f"{place} n={fault['n']}: {fault['what']}", style="red", markup=False)
    if not report["holds"]:
        raise typer.Exit(Exit.FALLS_SHORT)
