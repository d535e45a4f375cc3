"""How fast the witness is here: `python -m tests.witness.bench [entries]`. Not a test."""

import resource
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from uuid import UUID

from bridge.witness import checkpoints, keys
from bridge.witness.auditlog import AuditLog
from bridge.witness.tree import Frontier
from bridge.witness.verify import verify

BATCH = 500
CHECKPOINT_EVERY = 10_000
WHATS = ("petition.accepted", "event.routed", "handoff.delivered", "handoff.acknowledged")


def entry(n: int) -> dict[str, object]:
    """An entry of the usual size: a line of about 500 bytes. Each petition has four."""
    petition, step = divmod(n - 1, len(WHATS))
    second, micro = divmod(n * 37, 1_000_000)
    return {
        "n": n,
        "at": f"2026-11-22T{10 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{micro:06d}+08:00",
        "what": WHATS[step],
        "petition_id": str(UUID(int=petition << 64)),
        "event_id": str(UUID(int=n << 64)),
        "from": "hotline12345",
        "to": "governance_center",
        "handoff_id": str(UUID(int=n << 32)),
        "attempt": 1,
        "outcome": "delivered",
        "receipt": f"GC{n:012d}",
        "actor": "bridge",
        "trace_id": f"{n:032x}",
        "level": "info",
    }


def batches(count: int) -> Iterator[list[dict[str, object]]]:
    for start in range(1, count + 1, BATCH):
        yield [entry(n) for n in range(start, min(start + BATCH, count + 1))]


def bench(count: int, root: Path) -> None:
    signer = keys.ensure(root / "keys", "bridge.example/laiting")
    log, frontier = AuditLog(root / "audit"), Frontier()
    log.tail(0)
    appending = signing = 0.0
    for batch in batches(count):
        start = perf_counter()
        frontier.extend(log.append(batch))
        appended = perf_counter()
        if frontier.size % CHECKPOINT_EVERY == 0 or frontier.size == count:
            checkpoints.issue(root / "audit", signer, frontier, "2026-11-22T10:00:00+08:00")
        appending += appended - start
        signing += perf_counter() - appended
    log.close()
    size = sum(path.stat().st_size for path in (root / "audit").glob("*.jsonl"))
    say(f"append + tree, batches of {BATCH}, fsync each", count, appending)
    print(f"  {len(checkpoints.sizes(root / 'audit'))} checkpoints in {signing:.2f} s; {size / count:.0f} bytes a line")
    start = perf_counter()
    verdict = verify(root / "audit", keys.verifiers(root / "keys"))
    say("verify", count, perf_counter() - start)
    assert verdict.holds, verdict.faults[:3]
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def say(what: str, count: int, seconds: float) -> None:
    print(f"{what}: {count} in {seconds:.2f} s, {count / seconds:,.0f} a second, {seconds / count * 1e6:.1f} µs each")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        bench(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000, Path(folder))
