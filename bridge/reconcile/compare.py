"""Holding the two lists against each other: pure. Who acts on the differences is somebody else."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.adapter import Record, Register
from bridge.lifecycle import ENDED
from bridge.reconcile.case import Case
from bridge.reconcile.difference import HERE, THERE, Difference, Kind

GRACE = timedelta(hours=2)
"""What changed this shortly before the comparison may still be on its way."""


@dataclass(frozen=True, slots=True)
class Lists:
    """Both lists of one day. `elsewhere` are the system's records of other days: those beside, because two clocks
    differ about midnight, and those on which a case may have entered instead (`Reconciler`); `known` all that the
    ledger knows of the records' numbers, whatever the day."""

    now: datetime
    cases: Sequence[Case]
    records: Sequence[Record]
    elsewhere: Sequence[Record]
    known: Mapping[str, str]
    """The system's number → petition."""
    petitions: frozenset[str]
    """Those of our numbers in the records that the ledger has."""


def compare(lists: Lists, register: Register) -> tuple[list[Difference], int]:
    """Every difference, and how many petitions agree."""
    of_petition = _by_petition(lists.records, lists.known)
    elsewhere = _by_petition(lists.elsewhere, lists.known)
    differences: list[Difference] = []
    matched = 0
    for case in lists.cases:
        records = of_petition.get(case.petition_id) or elsewhere.get(case.petition_id, [])
        found = _one(case, records, lists, register)
        differences += found
        matched += not found and bool(records)
    differences += _duplicates(of_petition)
    differences += _missing_here(lists)
    return differences, matched


def absent(lists: Lists) -> list[Case]:
    """Our cases that stand in none of the system's lists so far."""
    found = _by_petition([*lists.records, *lists.elsewhere], lists.known)
    return [case for case in lists.cases if case.petition_id not in found]


def _by_petition(records: Sequence[Record], known: Mapping[str, str]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        petition_id = known.get(record.number) or record.petition_id
        if petition_id is not None:
            found.setdefault(petition_id, []).append(record)
    return found


def _one(case: Case, records: Sequence[Record], lists: Lists, register: Register) -> list[Difference]:
    number = min(case.numbers, default=None)
    if not records:
        if case.moving or lists.now - case.known_at < GRACE:
            return []
        return [Difference(Kind.MISSING_THERE, THERE, case.petition_id, number)]
    record = records[0]
    states = _states(case, record, lists.now)
    return [*states, *_fields(case, record, register), *_attachments(case, record, register)] if case.worded else states


def _states(case: Case, record: Record, now: datetime) -> list[Difference]:
    """Open or ended: the finer steps have other words in every system, and their own messages."""
    if record.state is None or case.moving or now - case.state_at < GRACE:
        return []
    if case.petition.state == "merged":
        # Its answer is the other petition's, and until that comes their case rightly stays open.
        return []
    if (record.state in ENDED) == (case.petition.state in ENDED):
        return []
    detail = f"here {case.petition.state}, there {record.raw_state or record.state}"
    return [Difference(Kind.STATE_MISMATCH, THERE, case.petition_id, record.number, detail)]


def _fields(case: Case, record: Record, register: Register) -> list[Difference]:
    ours = register.digests(case.petition)
    names = sorted(name for name in ours.keys() & record.digests.keys() if ours[name] != record.digests[name])
    if not names:
        return []
    return [Difference(Kind.FIELD_MISMATCH, THERE, case.petition_id, record.number, ", ".join(names))]


def _attachments(case: Case, record: Record, register: Register) -> list[Difference]:
    ours = register.attachments(case.petition)
    found = []
    for side, orphans in ((THERE, record.attachments - ours), (HERE, ours - record.attachments)):
        if orphans and not (side == HERE and case.moving):
            detail = ", ".join(sorted(digest[:12] for digest in orphans))
            found.append(Difference(Kind.ORPHAN_ATTACHMENT, side, case.petition_id, record.number, detail))
    return found


def _duplicates(of_petition: Mapping[str, list[Record]]) -> list[Difference]:
    """One petition twice there; or one of theirs that two of ours claim."""
    found = []
    for petition_id, records in sorted(of_petition.items()):
        numbers = sorted(record.number for record in records)
        if len(records) > 1:
            found.append(Difference(Kind.DUPLICATE, THERE, petition_id, numbers[0], ", ".join(numbers)))
        for record in records:
            if record.petition_id is not None and record.petition_id != petition_id:
                detail = f"{record.number} is {petition_id} here and {record.petition_id} there"
                found.append(Difference(Kind.DUPLICATE, HERE, petition_id, record.number, detail))
    return found


def _missing_here(lists: Lists) -> list[Difference]:
    once = Counter(record.number for record in lists.records)
    found = []
    for record in sorted(lists.records, key=lambda one: one.number):
        if record.number in lists.known or once[record.number] == 0:
            continue
        once[record.number] = 0
        if record.petition_id in lists.petitions or lists.now - record.entered_at < GRACE:
            continue
        detail = "ours, they say" if record.ours else ""
        found.append(Difference(Kind.MISSING_HERE, HERE, record.petition_id, record.number, detail))
    return found
