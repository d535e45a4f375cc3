"""Named points at the I/O edges where a test can kill the process. Off, a point costs one dictionary look-up.

`BRIDGE_FAILPOINTS=ledger.after_commit:2` kills the process (SIGKILL) at the second hit of that point;
`BRIDGE_FAILPOINTS_LOG=FILE` writes the name of each point when it is first hit, and `died at NAME` before the kill, so
that a test can prove it was.
"""

import os
import signal
import threading
from pathlib import Path

POINTS = frozenset(
    {
        "intake.before_answer",
        "ledger.before_commit",
        "ledger.after_commit",
        "relay.before_publish",
        "relay.after_publish",
        "relay.confirmed",
        "router.before_route",
        "router.before_ack",
        "delivery.before_lease",
        "delivery.before_send",
        "delivery.after_send",
        "delivery.after_settle",
        "delivery.before_ack",
        "watch.before_due",
        "watch.after_due",
        "watch.before_judge",
        "watch.after_judge",
        "witness.before_append",
        "witness.after_append",
        "witness.before_checkpoint",
        "witness.after_checkpoint",
        "poller.before_fetch",
        "poller.before_accept",
        "poller.before_sign",
        "poller.after_sign",
    }
)
"""Every point there is; a test holds this list against what a golden run hits."""

_armed: dict[str, int] = {}
_seen: set[str] = set()
_log: Path | None = None
_one_at_a_time = threading.Lock()
"""Held from `died at` to the kill: what the process wrote last is what it died of, whatever its other threads do."""


def arm(spec: str, log: str | None = None) -> None:
    """`name:hit[,name:hit…]`; called by the composition root only. Raises ValueError for a name that is no point."""
    global _log  # noqa: PLW0603 - one process, one switchboard
    _armed.clear()
    for item in filter(None, spec.split(",")):
        name, _, count = item.partition(":")
        if name not in POINTS:
            raise ValueError(f"BRIDGE_FAILPOINTS: {name!r} is no failpoint; known: {', '.join(sorted(POINTS))}")
        _armed[name] = int(count or 1)
    _log = Path(log) if log else None


def hit(name: str) -> None:
    """The process is at this point."""
    if _armed or _log is not None:
        with _one_at_a_time:
            _hit(name)


def _hit(name: str) -> None:
    if _log is not None and name not in _seen:
        _seen.add(name)
        _write(name)
    if name in _armed:
        _armed[name] -= 1
        if _armed[name] == 0:
            _write(f"died at {name}")
            os.kill(os.getpid(), signal.SIGKILL)


def _write(line: str) -> None:
    if _log is not None:
        with _log.open("a") as file:
            file.write(f"{line}\n")
