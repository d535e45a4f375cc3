"""The outside view: what the systems received and what they were promised, held against the ledger.

The words are Jepsen's. *Acknowledged* is what was answered with 2xx; *lost* is acknowledged and missing somewhere;
*unexpected* is at a system though nobody brought it; *duplicated* is one hand-off with two effects. A *repeat* is the
same message again under the same idempotency key, which the system answered with its first answer: one effect.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, select

from bridge.app import manifests
from bridge.ledger.tables import events, handoffs, journal, messages, petitions
from bridge.vault import Vault
from tests.support.callers import Answer

HOTLINE, CENTER = "hotline12345", "governance_center"
PLACES = {
    "on_site": frozenset[str](),
    "home_unit": frozenset[str](),
    "hotline_transfer": frozenset({HOTLINE}),
    "key_supervision": frozenset({CENTER}),
    "joint_package": frozenset({CENTER}),
}
"""Which systems must have the case itself, by handling class; the one where it began has it already."""

OPENINGS = {HOTLINE: "REPORT", CENTER: "report"}
"""What each system calls being given a case."""

Row = dict[str, Any]


@dataclass
class Evidence:
    """One look at everything: the ledger's rows, the systems' memories."""

    petitions: dict[str, Row]
    handoffs: list[Row]
    events: dict[str, list[int]]
    trails: dict[str, list[Row]]
    bodies: frozenset[str]
    """SHA-256 of every raw message kept, and the key of every one."""
    received: Mapping[str, Row]
    told: Mapping[str, Sequence[str]]
    repeats: int = 0


def collect(conn: Connection, vault: Vault, received: Mapping[str, Row], told: Mapping[str, Sequence[str]]) -> Evidence:
    """All of the ledger that the systems' words are held against, in one snapshot."""
    trails: dict[str, list[Row]] = {}
    query = select(journal.c.petition_id, journal.c.n, journal.c.body).order_by(journal.c.entry_id)
    for entry in conn.execute(query.where(journal.c.petition_id.is_not(None))):
        trails.setdefault(entry.petition_id, []).append({"n": entry.n, **orjson.loads(entry.body)})
    sequences: dict[str, list[int]] = {}
    for event in conn.execute(select(events.c.petition_id, events.c.sequence).order_by(events.c.sequence)):
        sequences.setdefault(event.petition_id, []).append(event.sequence)
    bodies: set[str] = set()
    for message in conn.execute(select(messages.c.message_id, messages.c.message_key, messages.c.body)):
        body = vault.open_bytes(f"messages.body:{message.message_id}", message.body)
        bodies |= {hashlib.sha256(body).hexdigest(), message.message_key or ""}
    columns = [column for column in petitions.c if column.name != "body"]
    return Evidence(
        petitions={row["petition_id"]: dict(row) for row in conn.execute(select(*columns)).mappings()},
        handoffs=[dict(row) for row in conn.execute(select(handoffs)).mappings()],
        events=sequences,
        trails=trails,
        bodies=frozenset(bodies),
        received=received,
        told=told,
        repeats=sum(document["repeats"] for document in received.values()),
    )


@dataclass
class Tally:
    """One scenario in Jepsen's words; `faults` says each thing that is wrong, in words of its own."""

    attempted: int = 0
    acknowledged: int = 0
    ok: int = 0
    lost: int = 0
    unexpected: int = 0
    duplicated: int = 0
    recovered: int = 0
    reordered: int = 0
    repeats: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not (self.lost or self.unexpected or self.duplicated or self.reordered or self.faults)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def judge(sent: Sequence[Answer], evidence: Evidence, before: Sequence[Answer] = ()) -> Tally:
    """What became of `sent`. `before` was sent to the same bridge earlier: known, but not counted again."""
    return _Judge(sent, evidence, before).verdict()


class _Judge:
    def __init__(self, sent: Sequence[Answer], evidence: Evidence, before: Sequence[Answer]) -> None:
        self.sent = sent
        self.evidence = evidence
        self.known = {answer.petition_id for answer in (*before, *sent) if answer.acknowledged}
        self.mine = {answer.petition_id for answer in sent if answer.acknowledged and answer.petition_id}
        self.tally = Tally(attempted=len(sent), acknowledged=sum(answer.acknowledged for answer in sent))
        self.handoffs = [row for row in evidence.handoffs if row["petition_id"] in self.mine]
        self.keys: dict[str, dict[str, Row]] = {system: {} for system in evidence.received}
        makers = {manifest.system: manifest.arrival_keys for manifest in manifests()}
        for row in evidence.handoffs:
            audience = frozenset(filter(None, row["audience"].split(",")))
            # To a citizen who cannot be reached someone else is told: each of a hand-off's readers may get a message.
            for key in makers[row["system"]](row["handoff_id"], audience | {"owner"} if audience else audience):
                self.keys[row["system"]][key] = row
        self.arrivals: dict[str, list[tuple[Row, Row]]] = {}
        self.bad: set[str] = set()

    def verdict(self) -> Tally:
        self._match()
        self._callers()
        self._handoffs()
        self._cases()
        self._order()
        self._trails()
        self._promises()
        self.tally.recovered = sum(answer.acknowledged and answer.tries > 1 for answer in self.sent)
        self.tally.ok = len(self.mine - self.bad)
        self.tally.repeats = self.evidence.repeats
        return self.tally

    def _fault(self, word: str, petition_id: str | None, text: str) -> None:
        """`word` is the count that goes up; "" for what has no count of its own."""
        if word:
            setattr(self.tally, word, getattr(self.tally, word) + 1)
        if petition_id:
            self.bad.add(petition_id)
        self.tally.faults.append(f"{word or 'fault'}: {petition_id or ''} {text}".replace("  ", " "))

    # ── each arrival belongs to one hand-off ──
    def _match(self) -> None:
        for system, document in self.evidence.received.items():
            for item in document["items"]:
                row = self.keys[system].get(item["key"])
                if row is None:
                    self._fault(
                        "unexpected", None, f"{system} received {item['what']} {item['key']}, nobody's hand-off"
                    )
                elif row["petition_id"] in self.mine:
                    self.arrivals.setdefault(row["handoff_id"], []).append((row, item))
            if document["duplicates"]:
                self._fault("duplicated", None, f"{system} counts {document['duplicates']} effects that happened twice")

    # ── who was answered is in the ledger ──
    def _callers(self) -> None:
        for answer in self.sent:
            name = f"{answer.petition.door} {answer.petition.external_id}"
            if not answer.acknowledged:
                self._fault("", None, f"{name} was refused with {answer.status}")
            elif answer.petition_id is None:
                self._fault("", None, f"{name} was acknowledged without a number")
            elif answer.petition_id not in self.evidence.petitions:
                self._fault("lost", answer.petition_id, f"{name} was acknowledged and is not in the ledger")
        for petition_id in self.evidence.petitions.keys() - self.known:
            self._fault("unexpected", None, f"{petition_id} is in the ledger, and no caller has its number")
        for number, count in Counter(answer.petition_id for answer in self.sent).items():
            if number is not None and count > 1:
                self._fault("", number, f"{count} callers were given the same number")

    # ── each hand-off arrived once ──
    def _handoffs(self) -> None:
        for row in self.handoffs:
            name = f"{row['event_type']} ({row['sequence']}) to {row['system']}"
            if row["state"] not in ("delivered", "acknowledged"):
                self._fault("lost", row["petition_id"], f"{name} is {row['state']} ({row['reason']})")
                continue
            arrived = Counter(item["key"] for _, item in self.arrivals.get(row["handoff_id"], ()))
            if not arrived:
                self._fault("lost", row["petition_id"], f"{name} counts as delivered and never arrived")
            for key, count in arrived.items():
                if count > 1:
                    self._fault("duplicated", row["petition_id"], f"{name} arrived {count} times as {key}")

    # ── each case is where it must be ──
    def _cases(self) -> None:
        opened: dict[tuple[str, str], int] = Counter(
            (row["system"], row["petition_id"])
            for found in self.arrivals.values()
            for row, item in found
            if item["what"] == OPENINGS.get(row["system"])
        )
        for answer in self.sent:
            petition = self.evidence.petitions.get(answer.petition_id or "")
            if petition is None:
                continue
            wanted = PLACES[petition["handling_class"]] - {petition["source"]}
            # A crowd of one place and subject is supervised: whoever had the case before has it still.
            trail = self.evidence.trails.get(petition["petition_id"], [])
            is_reclassed = any(entry["what"] == "petition.reclassed" for entry in trail)
            for system in OPENINGS:
                count = opened.get((system, petition["petition_id"]), 0)
                if count < (system in wanted):
                    self._fault("lost", answer.petition_id, f"{system} was never given the case")
                elif count > (system in wanted or is_reclassed):
                    self._fault("duplicated", answer.petition_id, f"{system} was given the case {count} times")

    # ── in order ──
    def _order(self) -> None:
        """The first arrivals of one petition at one system, as the system remembers them, follow the events."""
        for system, document in self.evidence.received.items():
            newest: dict[str, int] = {}
            for item in document["items"]:
                row = self.keys[system].get(item["key"])
                if row is None or row["petition_id"] not in self.mine:
                    continue
                petition_id, sequence = row["petition_id"], row["sequence"]
                if sequence < newest.get(petition_id, 0):
                    self._fault("reordered", petition_id, f"{system} saw event {sequence} after {newest[petition_id]}")
                newest[petition_id] = max(sequence, newest.get(petition_id, 0))

    # ── the trail tells it all, once ──
    def _trails(self) -> None:
        for petition_id in self.mine & self.evidence.petitions.keys():
            entries = self.evidence.trails.get(petition_id, [])
            for fault in trail_faults(entries, self.evidence.events.get(petition_id, [])):
                self._fault("", petition_id, fault)

    # ── what a system was promised is kept ──
    def _promises(self) -> None:
        for system, told in self.evidence.told.items():
            for digest in set(told) - self.evidence.bodies:
                self._fault("lost", None, f"a message that {system} was told is taken is nowhere ({digest[:40]})")


def trail_faults(entries: Sequence[Row], sequences: Iterable[int]) -> list[str]:
    """What is wrong with one petition's trail: it opens once, misses no event, delivers each hand-off once."""
    faults = []
    # A later `petition.accepted` is the news that a system accepted the case: only the first event opens it.
    opening = [entry["what"] for entry in entries if entry.get("sequence") == 1 and entry["what"] != "event.routed"]
    if not entries or entries[0].get("sequence") != 1 or opening != ["petition.accepted"]:
        faults.append(f"the trail does not open with its one petition.accepted: {opening}")
    numbers = [entry["n"] for entry in entries]
    if None in numbers or len(set(numbers)) != len(numbers):
        faults.append("the trail has entries that are not sealed, or sealed twice")
    told = [entry["sequence"] for entry in entries if entry["what"].startswith("petition.") and "sequence" in entry]
    known = list(sequences)
    if sorted(told) != known or known != list(range(1, len(known) + 1)):
        faults.append(f"events {known}, in the trail {told}: not one of each, without a gap")
    routed = [entry["sequence"] for entry in entries if entry["what"] == "event.routed"]
    if routed != known:
        faults.append(f"events {known} were routed as {routed}")
    delivered = Counter(entry["handoff_id"] for entry in entries if entry["what"] == "handoff.delivered")
    faults += [f"handoff.delivered stands {n} times for {handoff_id}" for handoff_id, n in delivered.items() if n > 1]
    return faults
