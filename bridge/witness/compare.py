"""The audit log held against the ledger, entry for entry: what is missing, added or different on either side."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, select

from bridge.ledger.tables import journal
from bridge.witness.archive import DAMAGED
from bridge.witness.logfiles import Line, read_file, snapshot

MAX_FAULTS = 1000
_ADDED = frozenset({"n", "entry", "leaf"})


def compare(conn: Connection, audit_dir: Path) -> list[dict[str, Any]]:
    """Faults as `bridge verify` names them; empty when both say the same. Streams both sides in order of `n`."""
    faults: list[dict[str, Any]] = []
    rows = _sealed(conn)
    row = next(rows, None)
    for file, number, n, entry in _lines(audit_dir):
        while row is not None and row[0] < n and len(faults) < MAX_FAULTS:
            faults.append(_fault(row[0], "ledger", None, "in the ledger, not in the audit log (审计日志缺失)"))
            row = next(rows, None)
        if row is None or row[0] > n:
            faults.append(_fault(n, file, number, "in the audit log, not in the ledger (台账缺失)"))
        else:
            if row[1] != entry:
                faults.append(_fault(n, file, number, "differs from the ledger (与台账不一致)"))
            row = next(rows, None)
        if len(faults) >= MAX_FAULTS:
            return faults
    while row is not None and len(faults) < MAX_FAULTS:
        faults.append(_fault(row[0], "ledger", None, "in the ledger, not in the audit log (审计日志缺失)"))
        row = next(rows, None)
    return faults


def _sealed(conn: Connection) -> Iterator[tuple[int, dict[str, Any]]]:
    query = select(journal.c.n, journal.c.body).where(journal.c.n.is_not(None)).order_by(journal.c.n)
    for found in conn.execution_options(stream_results=True, yield_per=1000).execute(query):
        yield found.n, orjson.loads(found.body)


def _lines(audit_dir: Path) -> Iterator[tuple[str, int, int, dict[str, Any]]]:
    """(file, line, n, entry without what the sealer added); damaged lines are `verify`'s to name."""
    for line in _readable(audit_dir):
        try:
            entry = orjson.loads(line.raw)
            n = int(entry["n"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            continue
        yield line.file.name, line.number, n, {key: value for key, value in entry.items() if key not in _ADDED}


def _readable(audit_dir: Path) -> Iterator[Line]:
    """Every line that can be read; a file that is damaged is `verify`'s to name."""
    for path, size in snapshot(audit_dir):
        with suppress(*DAMAGED):
            yield from read_file(path, size)


def _fault(n: int, file: str, line: int | None, what: str) -> dict[str, Any]:
    return {"n": n, "file": file, "line": line, "what": what}
