"""The judgement at the end of a run, in Jepsen's words: the senders' view and the systems' view against the ledger."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from bridge import app as root
from bridge.conservation import Conservation

DONE = frozenset({"delivered", "acknowledged"})


class Sender(Protocol):
    """What a sender knows of one petition."""

    petition_id: str | None
    statuses: list[int]


@dataclass(slots=True)
class Verdict:
    """Counts of petitions. `ok`: there once, at each target once, in order. `recovered`: taken after it had been
    refused or unanswered at least once. `duplicated`: arrived twice at a system. `faults` says what is wrong."""

    attempted: int = 0
    acknowledged: int = 0
    ok: int = 0
    lost: int = 0
    unexpected: int = 0
    duplicated: int = 0
    recovered: int = 0
    reordered: int = 0
    handoffs: int = 0
    repeats: int = 0
    samples: int = 0
    faults: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def judge(
    *,
    told: Sequence[Sender],
    known: set[str],
    rows: Sequence[Mapping[str, Any]],
    received: Mapping[str, Mapping[str, Any]],
    digests: Iterable[str],
    bodies: set[str],
    law: Conservation,
    parked: int,
) -> Verdict:
    """`known`: the ledger's petitions; `rows` its hand-offs; `received` what each sandbox remembers; `digests` of the
    messages that the sandboxes saw taken, `bodies` of those in the ledger."""
    verdict = Verdict(attempted=len(told), handoffs=len(rows))
    acknowledged = [one.petition_id for one in told if one.petition_id is not None]
    verdict.acknowledged = len(acknowledged)
    verdict.recovered = sum(one.petition_id is not None and any(s == 0 or s >= 500 for s in one.statuses) for one in told)
    bad = _Bad()
    for petition_id in set(acknowledged) - known:
        bad.lost(petition_id, "acknowledged and not in the ledger")
    for petition_id, times in Counter(acknowledged).items():
        if times > 1:
            bad.unexpected(petition_id, f"{times} petitions got this number")
    for petition_id in known - set(acknowledged):
        bad.unexpected(petition_id, "in the ledger, and nobody has its number")
    for digest in set(digests) - bodies:
        bad.lost(digest, "a message was answered with 2xx and is not in the ledger")
    _unfinished(rows, parked, bad)
    for system, memory in received.items():
        _compare(system, [row for row in rows if row["system"] == system], memory, bad)
        verdict.repeats += memory["repeats"]
    verdict.lost, verdict.unexpected = len(bad.of["lost"]), len(bad.of["unexpected"])
    verdict.duplicated, verdict.reordered = len(bad.of["duplicated"]), len(bad.of["reordered"])
    verdict.ok = len(set(acknowledged) & known - {thing for things in bad.of.values() for thing in things})
    if not law.holds or law.in_flight:
        bad.faults.append(f"the law at the end: {law}")
    verdict.faults = bad.faults
    return verdict


class _Bad:
    """What went wrong, by word and petition."""

    def __init__(self) -> None:
        self.of: dict[str, set[str]] = {"lost": set(), "unexpected": set(), "duplicated": set(), "reordered": set()}
        self.faults: list[str] = []

    def lost(self, petition_id: str, why: str) -> None:
        self._note("lost", petition_id, why)

    def unexpected(self, petition_id: str, why: str) -> None:
        self._note("unexpected", petition_id, why)

    def duplicated(self, petition_id: str, why: str) -> None:
        self._note("duplicated", petition_id, why)

    def reordered(self, petition_id: str, why: str) -> None:
        self._note("reordered", petition_id, why)

    def _note(self, word: str, petition_id: str, why: str) -> None:
        self.of[word].add(petition_id)
        self.faults.append(f"{word}: {petition_id}: {why}")


def _unfinished(rows: Sequence[Mapping[str, Any]], parked: int, bad: _Bad) -> None:
    waits = [row for row in rows if row["state"] not in DONE]
    if parked and len(waits) == parked and all(row["state"] == "parked" for row in waits):
        return
    for row in waits:
        bad.lost(row["petition_id"], f"{row['system']} {row['event_type']} is {row['state']}: {row.get('reason')}")


def _compare(system: str, rows: Sequence[Mapping[str, Any]], memory: Mapping[str, Any], bad: _Bad) -> None:
    """One system's memory, in the order of arrival, against the ledger's hand-offs to it."""
    keys = next(manifest.arrival_keys for manifest in root.manifests() if manifest.system == system)
    duty: dict[str, Mapping[str, Any]] = {}
    arrived = {item["key"] for item in memory["items"]}
    for row in rows:
        of_row = keys(row["handoff_id"], frozenset(filter(None, row["audience"].split(","))))
        duty.update(dict.fromkeys(of_row, row))
        if row["state"] in DONE and arrived.isdisjoint(of_row):
            bad.lost(row["petition_id"], f"{system} never got {row['event_type']} #{row['sequence']}")
    last: dict[str, int] = {}
    seen: set[str] = set()
    for item in memory["items"]:
        row = duty.get(item["key"])
        if row is None:
            bad.unexpected(item["case"], f"{system} got {item['what']} that no hand-off explains")
            continue
        if item["key"] in seen:
            bad.duplicated(row["petition_id"], f"{system} got {row['event_type']} twice")
        seen.add(item["key"])
        if row["sequence"] < last.get(row["petition_id"], 0):
            bad.reordered(row["petition_id"], f"{system} got #{row['sequence']} after #{last[row['petition_id']]}")
        last[row["petition_id"]] = row["sequence"]
    if memory["duplicates"]:
        bad.faults.append(f"{system} counts {memory['duplicates']} duplicates")
