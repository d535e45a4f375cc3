"""How fast the witness is here: `python -m tests.bench.seal [ENTRIES] [--url URL]`. Not a test.

So many journal rows are put into a fresh ledger (SQLite, unless the URL of an empty PostgreSQL database is given),
sealed by the real sealer with a checkpoint every second, verified from the files alone, held against the ledger, and
proven. Each step is a process of its own, so that its peak memory is its own.
"""

import argparse
import asyncio
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from bridge.clock import utc_now
from bridge.ledger.migrate import migrate
from bridge.ledger.store import Store
from bridge.ledger.tables import journal
from bridge.witness import checkpoints, keys, proofs
from bridge.witness.canonical import canonical
from bridge.witness.compare import compare
from bridge.witness.proofs import Prover
from bridge.witness.sealer import Sealer
from bridge.witness.signing import CATCH_UP
from bridge.witness.tiler import Tiler
from bridge.witness.tiles import listing
from bridge.witness.verify import verify
from tests.support.ledgers import Bench

CHUNK = 20_000
WHATS = ("petition.accepted", "event.routed", "handoff.delivered", "handoff.acknowledged")
PROOFS = 1000


def main() -> None:
    options = _options()
    if options.step:
        globals()[f"step_{options.step}"](options.entries, options.url, Path(options.folder))
        return
    with tempfile.TemporaryDirectory() as scratch:
        url = options.url or f"sqlite:///{scratch}/bridge.db"
        for step in ("fill", "seal", "verify", "compare", "prove", "remake"):
            arguments = [str(options.entries), "--url", url, "--step", step, "--folder", scratch]
            subprocess.run([sys.executable, "-m", "tests.bench.seal", *arguments], check=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.seal", description=__doc__)
    parser.add_argument("entries", type=int, nargs="?", default=100_000)
    parser.add_argument("--url", default="")
    parser.add_argument("--step", default="", help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def step_fill(count: int, url: str, _folder: Path) -> None:
    store = Store(url)
    migrate(store)
    for start in range(0, count, CHUNK):
        with store.writing() as conn:
            conn.execute(insert(journal), list(_rows(start, min(start + CHUNK, count))))
    store.close()


def _rows(start: int, end: int) -> Iterator[dict[str, Any]]:
    """Entries of the usual size: a line of about 600 bytes. Each petition has four."""
    for number in range(start, end):
        petition, step = divmod(number, len(WHATS))
        hour, minute, second = 10 + number // 360_000 % 12, number // 6000 % 60, number // 100 % 60
        entry = {
            "at": f"2026-11-22T{hour:02d}:{minute:02d}:{second:02d}+08:00",
            "what": WHATS[step],
            "petition_id": f"LT261122-{petition:010d}",
            "event_id": str(UUID(int=number << 64)),
            "from": "hotline12345",
            "to": "governance_center",
            "handoff_id": str(UUID(int=number << 32)),
            "attempt": 1,
            "outcome": "delivered",
            "receipt": f"GC{number:012d}",
            "actor": "bridge",
            "trace_id": f"{number:032x}",
            "level": "info",
        }
        yield {
            "petition_id": entry["petition_id"],
            "what": entry["what"],
            "at": number,
            "opens": step == 0,
            "body": canonical(entry).decode(),
        }


def step_seal(count: int, url: str, folder: Path) -> None:
    bench = Bench(url)
    keys.ensure(folder / "keys", "bridge.example/laiting")
    sealer = Sealer(
        bench.ledger, folder / "audit", lambda: keys.load(folder / "keys"), "bench", utc_now, every_seconds=1.0
    )

    async def seal() -> None:
        while await sealer._turn():
            pass
        await sealer.finish()

    start = perf_counter()
    asyncio.run(seal())
    seconds = perf_counter() - start
    bench.close()
    lines = sum(path.stat().st_size for path in (folder / "audit").glob("*.jsonl"))
    tiles = sum((folder / "audit/tile" / name).stat().st_size for name in listing(folder / "audit/tile"))
    say(
        "seal", count, seconds, checkpoints=len(checkpoints.sizes(folder / "audit")),
        line_bytes=lines // count, tile_bytes=tiles // count,
    )  # fmt: skip


def step_verify(count: int, _url: str, folder: Path) -> None:
    start = perf_counter()
    verdict = verify(folder / "audit", keys.verifiers(folder / "keys"))
    say("verify", count, perf_counter() - start, holds=verdict.holds, entries=verdict.entries)
    assert verdict.holds, verdict.faults[:3]


def step_compare(count: int, url: str, folder: Path) -> None:
    store = Store(url)
    start = perf_counter()
    with store.reading() as conn:
        faults = compare(conn, folder / "audit")
    say("compare with the ledger", count, perf_counter() - start, faults=len(faults))
    store.close()


def step_prove(count: int, _url: str, folder: Path) -> None:
    signed = proofs.newest(folder / "audit")
    assert signed is not None
    choose = Random(1)
    start = perf_counter()
    for _ in range(PROOFS):
        Prover(folder / "audit", signed).inclusion(choose.randint(1, count))
    say("inclusion proofs", PROOFS, perf_counter() - start, tree=signed.size)
    start = perf_counter()
    for _ in range(PROOFS):
        Prover(folder / "audit", signed).consistency(choose.randint(1, count))
    say("consistency proofs", PROOFS, perf_counter() - start, tree=signed.size)


def step_remake(count: int, _url: str, folder: Path) -> None:
    signed = proofs.newest(folder / "audit")
    assert signed is not None
    shutil.rmtree(folder / "audit/tile")
    start = perf_counter()
    tiler = Tiler(folder / "audit")
    tiler.take_up(signed.size, signed.root)
    while tiler.size < count:
        tiler.follow(CATCH_UP)
    tiler.flush()
    say("tiles made anew", count, perf_counter() - start, good=tiler.root() == signed.root)


def say(what: str, count: int, seconds: float, **more: object) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    figures = {"seconds": round(seconds, 2), "a_second": round(count / seconds), "peak_mib": peak, **more}
    print(f"{what}: {count:,}", json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
