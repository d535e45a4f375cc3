"""A small audit directory as the sealer leaves it: 44 entries over three days, four checkpoints, an unsigned tail."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.witness import checkpoints, keys
from bridge.witness.auditlog import AuditLog
from bridge.witness.note import Signer, Verifier
from bridge.witness.tiler import Tiler
from bridge.witness.tree import Frontier

ORIGIN = "bridge.example/laiting"
SIGNED_SIZES = (0, 12, 25, 38)
ENTRIES = 44
DAYS = {1: "2026-11-20", 15: "2026-11-21", 30: "2026-11-22"}
"""From which n on which day."""

LIFE = ("petition.accepted", "event.routed", "handoff.delivered", "handoff.acknowledged", "petition.closed")


def entry(n: int, what: str, petition: str | None, day: str) -> dict[str, object]:
    """A journal entry as the sealer hands it over."""
    at = f"{day}T{8 + n % 12:02d}:00:00.{n:06d}+08:00"
    return {"n": n, "at": at, "what": what, "petition_id": petition, "actor": "系统", "trace_id": f"{n:032x}"}


def day_of_n(n: int) -> str:
    return DAYS[max(first for first in DAYS if first <= n)]


def entries(count: int = ENTRIES) -> Iterator[dict[str, object]]:
    """Petitions that live side by side, two at a time; a refused message and an operator's act among them."""
    for n in range(1, count + 1):
        pair, step = divmod(n - 1, 2 * len(LIFE))
        what, petition = LIFE[step // 2], f"p-{pair}-{step % 2}"
        if n in (20, 40):
            yield entry(n, "operator.note", None, day_of_n(n))
        else:
            yield entry(n, what, petition, day_of_n(n))


@dataclass(frozen=True)
class Sealed:
    """An audit directory and what is needed to read and go on with it."""

    audit_dir: Path
    signer: Signer
    verifiers: list[Verifier]
    frontier: Frontier


def seal_all(
    audit_dir: Path,
    signer: Signer,
    all_entries: Sequence[Mapping[str, object]],
    signed: Sequence[int] = SIGNED_SIZES,
) -> Frontier:
    """Append in batches that end where a checkpoint is due, and sign there, the tiles first."""
    log, frontier, tiler = AuditLog(audit_dir), Frontier(), Tiler(audit_dir)
    log.tail(0)
    tiler.take_up(0, frontier.root())
    ends = [*signed, len(all_entries)]
    for start, end in zip([0, *ends], ends, strict=False):
        leaves = log.append(all_entries[start:end])
        frontier.extend(leaves)
        tiler.append(leaves)
        if end in signed:
            checkpoints.issue(audit_dir, signer, frontier, "2026-11-22T10:00:00+08:00", tiler.flush)
    log.close()
    return frontier


def build(root: Path) -> Sealed:
    """A fresh directory under `root`, with its keys beside it."""
    audit_dir = root / "audit"
    signer = keys.ensure(root / "keys", ORIGIN)
    frontier = seal_all(audit_dir, signer, list(entries()))
    return Sealed(audit_dir, signer, keys.verifiers(root / "keys"), frontier)
