"""The verbs of delivery: `lease` takes hand-offs to send, `settle` records what came of them, `extend` keeps them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, select, update

from bridge import ids
from bridge.adapter import Receipt
from bridge.ledger.bulk import insert_rows, update_rows
from bridge.ledger.matching import RECEIPT_KIND, learn, match_kept
from bridge.ledger.opening import open_event, open_petition
from bridge.ledger.route import OPENING
from bridge.ledger.tables import Row, attempts, cross_references, events, handoffs, petitions
from bridge.ledger.work import PetitionRow, Work, answered_by_delivery
from bridge.lifecycle import ANSWERS
from bridge.retry import Park, Retry


@dataclass(frozen=True, slots=True)
class Leased:
    """A hand-off to send now, with all that its adapter needs. Documents are JSON text, opened."""

    handoff: Row
    event: Row
    petition: Row
    numbers: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Release:
    """Given back unsent (the process stops, or the breaker is open): no attempt is burnt."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What came of one attempt. `verdict` is the receipt, or what to do instead; `acknowledge_within_ms` how long the
    system has to sign for it (签收), 0 where it does not."""

    handoff_id: str
    owner: str
    attempt: int
    started_at: int
    took_ms: int
    verdict: Receipt | Retry | Park | Release
    progress: Mapping[str, str] = field(default_factory=dict)
    acknowledge_within_ms: int = 0


def lease(work: Work, requests: Sequence[tuple[str, str, float]]) -> list[Leased | None]:
    """(hand-off, owner, seconds) → the hand-off, or None if it is not ready (sent already, taken by another, …)."""
    owners: dict[str, tuple[str, float]] = {}
    for handoff_id, owner, seconds in requests:
        owners.setdefault(handoff_id, (owner, seconds))
    taken: set[str] = set()
    for owner, seconds in sorted(set(owners.values())):
        ids = sorted(handoff_id for handoff_id, value in owners.items() if value == (owner, seconds))
        done = work.conn.execute(_LEASE, {"ids": ids, "owner": owner, "until": work.now + round(seconds * 1000)})
        taken.update(done.scalars())
    found = _load(work, taken)
    return [found.pop(handoff_id, None) for handoff_id, _, _ in requests]


def extend(work: Work, requests: Sequence[tuple[str, str, float]]) -> list[None]:
    """Heartbeat: (hand-off, owner, seconds) keeps the lease alive if it is still this owner's."""
    rows = [
        {"id": handoff, "who": owner, "until": work.now + round(seconds * 1000)} for handoff, owner, seconds in requests
    ]
    work.conn.execute(_EXTEND, rows)
    return [None] * len(requests)


def settle(work: Work, settlements: Sequence[Settlement]) -> list[bool]:
    """Record each outcome; False where it no longer counts (another owner went on after the lease had run out).

    A receipt always counts: the system has it, whoever waits for the answer.
    """
    states = _lock(work, settlements)
    clerk = _Clerk(work, states)
    counted = [False] * len(settlements)
    # Receipts first: where one hand-off is settled twice in a batch, what the system has is what counts.
    for place in sorted(range(len(settlements)), key=lambda index: not _is_receipt(settlements[index])):
        settlement = _storable(settlements[place])
        if settlement.handoff_id not in clerk.written and _counts(settlement, states.get(settlement.handoff_id)):
            clerk.write(settlement)
            counted[place] = True
    clerk.finish()
    return counted


def _is_receipt(settlement: Settlement) -> bool:
    return isinstance(settlement.verdict, Receipt)


def _storable(settlement: Settlement) -> Settlement:
    """What a system says may hold U+0000; it must not stop the ledger from recording that it was said."""
    verdict = settlement.verdict
    if isinstance(verdict, Receipt):
        detail = ids.storable(verdict.detail) if verdict.detail else None
        also = tuple(ids.storable(number) for number in verdict.also)
        verdict = replace(verdict, number=ids.storable(verdict.number), detail=detail, also=also)
    elif isinstance(verdict, Retry):
        verdict = replace(verdict, code=ids.storable(verdict.code))
    elif isinstance(verdict, Park):
        verdict = replace(verdict, reason=ids.storable(verdict.reason))
    return replace(settlement, verdict=verdict)


def _lock(work: Work, settlements: Sequence[Settlement]) -> dict[str, Row]:
    handoff_ids = sorted({settlement.handoff_id for settlement in settlements})
    owners = work.conn.scalars(select(handoffs.c.petition_id).where(handoffs.c.handoff_id.in_(handoff_ids)).distinct())
    work.load(owners.all())
    query = select(handoffs).where(handoffs.c.handoff_id.in_(handoff_ids))
    rows = work.conn.execute(query.with_for_update()).mappings()
    return {row["handoff_id"]: row for row in rows}


def _counts(settlement: Settlement, row: Row | None) -> bool:
    if row is None or row["state"] in ("delivered", "acknowledged", "cancelled"):
        return False
    if isinstance(settlement.verdict, Receipt):
        return True
    return bool(row["state"] == "sending" and row["lease_owner"] == settlement.owner)


class _Clerk:
    """Turns settlements into rows."""

    def __init__(self, work: Work, states: Mapping[str, Row]) -> None:
        self.work = work
        self.states = states
        self.updates: list[dict[str, Any]] = []
        self.attempts: list[dict[str, Any]] = []
        self.numbers: dict[tuple[str, str, str], str] = {}
        self.receipts: dict[tuple[str, str, str], str] = {}
        self.finished: set[str] = set()
        self.late: list[dict[str, Any]] = []
        self.written: set[str] = set()

    def write(self, settlement: Settlement) -> None:
        row = self.states[settlement.handoff_id]
        self.written.add(settlement.handoff_id)
        if row["lease_owner"] != settlement.owner:
            # The watch wrote this attempt off as expired; now we know better.
            self.late.append({"id": settlement.handoff_id, "number": settlement.attempt})
        verdict = settlement.verdict
        if isinstance(verdict, Receipt):
            self._delivered(settlement, row, verdict)
        elif isinstance(verdict, Retry):
            self._retry(settlement, row, verdict)
        elif isinstance(verdict, Park):
            self._park(settlement, row, verdict)
        else:
            self._update(row, state="pending", wake_at=self.work.now, attempts=row["attempts"] - 1)

    def finish(self) -> None:
        work = self.work
        if self.updates:
            update_rows(work.conn, handoffs, "handoff_id", self.updates)
        if self.late:
            work.conn.execute(_FORGET_ATTEMPT, self.late)
        if self.attempts:
            insert_rows(work.conn, attempts, self.attempts)
        new = learn(work, self.numbers)
        work.flush()
        if new or self.receipts:
            match_kept(work, new | self.receipts)
        work.wake_lanes(self.finished)
        work.close_finished()
        work.flush()

    def _delivered(self, settlement: Settlement, row: Row, receipt: Receipt) -> None:
        signed = receipt.acknowledged or row["acknowledged_at"] is not None
        self._update(
            row,
            state="acknowledged" if signed else "delivered",
            receipt=receipt.number or None,
            delivered_at=self.work.now,
            acknowledged_at=(row["acknowledged_at"] or self.work.now) if signed else None,
            acknowledge_by=self._sign_by(settlement, row) if not signed else None,
            progress=_merged(row, settlement),
        )
        self._attempt(settlement, "delivered", None, receipt.detail)
        self._credit(row, receipt)
        self.finished.add(row["petition_id"])
        for number in receipt.external_ids:
            self.numbers[number.system, number.kind, number.value] = row["petition_id"]
        for further in receipt.also:
            self.numbers[row["system"], RECEIPT_KIND, further] = row["petition_id"]
        if receipt.number:
            self.receipts[row["system"], RECEIPT_KIND, receipt.number] = row["petition_id"]
        self._note("handoff.delivered", settlement, row, "delivered", receipt=receipt.number or None,
                   detail=receipt.detail)  # fmt: skip
        if signed:
            self._note("handoff.acknowledged", settlement, row, "acknowledged", receipt=receipt.number or None)

    def _sign_by(self, settlement: Settlement, row: Row) -> int | None:
        """The case itself must be signed for, and a message reported as arrived; other news only by the way."""
        if settlement.acknowledge_within_ms and (row["event_type"] in OPENING or row["system"] == self.work.messenger):
            return self.work.now + settlement.acknowledge_within_ms
        return None

    def _credit(self, row: Row, receipt: Receipt) -> None:
        """What a delivery means for its petition: who has the case now, whether the petitioner was answered."""
        petition = self.work.rows[row["petition_id"]]
        if receipt.holds:
            petition.holder, petition.dirty = row["system"], True
        # To be told that it was merged is not yet an answer: that is the other petition's, and comes.
        waits = row["event_type"] == "merged" and petition.merged_into is not None
        if row["event_type"] in ANSWERS and not waits and petition.answered_by is None and self._answers(row, petition):
            messenger = self.work.messenger
            if answered_by_delivery(petition, row["system"], row["audience"], receipt.told_petitioner, messenger):
                petition.answered_by, petition.dirty = f"handoff:{row['handoff_id']}", True

    def _answers(self, row: Row, petition: PetitionRow) -> bool:
        """Whether the event answers by what it says, and in the round that is on."""
        if row["sequence"] <= petition.round_from:
            return False
        query = select(events.c.answers).where(events.c.event_id == row["event_id"])
        return bool(self.work.conn.scalar(query))

    def _retry(self, settlement: Settlement, row: Row, verdict: Retry) -> None:
        state = "unknown" if verdict.ask_first else "retrying"
        wake_at = self.work.now + round(verdict.delay * 1000)
        self._update(row, state=state, ask_first=row["ask_first"] or verdict.ask_first, wake_at=wake_at,
                     reason=verdict.code, progress=_merged(row, settlement))  # fmt: skip
        self._attempt(settlement, state, verdict.code)
        what = "handoff.unknown" if verdict.ask_first else "handoff.failed"
        self._note(what, settlement, row, verdict.code, level="warning")

    def _park(self, settlement: Settlement, row: Row, verdict: Park) -> None:
        self._update(row, state="parked", reason=verdict.reason, progress=_merged(row, settlement))
        self._attempt(settlement, "parked", verdict.reason)
        self._note("handoff.parked", settlement, row, verdict.reason, level="error")

    def _update(self, row: Row, *, state: str, **changes: Any) -> None:
        values = {
            "handoff_id": row["handoff_id"], "state": state, "lease_owner": None, "lease_until": None,
            "wake_at": None, "reason": None, "ask_first": row["ask_first"],
            "receipt": row["receipt"], "progress": row["progress"], "attempts": row["attempts"],
            "delivered_at": None, "acknowledge_by": None, "acknowledged_at": row["acknowledged_at"], **changes,
        }  # fmt: skip
        self.updates.append(values)

    def _attempt(self, settlement: Settlement, outcome: str, code: str | None, detail: str | None = None) -> None:
        self.attempts.append(
            {
                "handoff_id": settlement.handoff_id,
                "attempt": settlement.attempt,
                "started_at": settlement.started_at,
                "took_ms": settlement.took_ms,
                "outcome": outcome,
                "code": code,
                "detail": detail,
            }
        )

    def _note(self, what: str, settlement: Settlement, row: Row, outcome: str, **fields: Any) -> None:
        self.work.note(
            what, row["petition_id"], handoff_id=row["handoff_id"], event_id=row["event_id"], from_="bridge",
            to=row["system"], attempt=settlement.attempt, outcome=outcome, **fields,
        )  # fmt: skip


def _merged(row: Row, settlement: Settlement) -> str | None:
    earlier = orjson.loads(row["progress"]) if row["progress"] else {}
    merged = {**earlier, **settlement.progress}
    return orjson.dumps(merged).decode() if merged else None


def _load(work: Work, handoff_ids: set[str]) -> dict[str, Leased]:
    """The leased hand-offs with their events, petitions and this system's numbers."""
    if not handoff_ids:
        return {}
    ids = sorted(handoff_ids)
    rows = list(work.conn.execute(select(handoffs).where(handoffs.c.handoff_id.in_(ids))).mappings())
    petition_ids = sorted({row["petition_id"] for row in rows})
    of_event = _by(
        work, select(events).where(events.c.event_id.in_(sorted({row["event_id"] for row in rows}))), "event_id"
    )
    of_petition = _by(work, select(petitions).where(petitions.c.petition_id.in_(petition_ids)), "petition_id")
    numbers: dict[str, list[tuple[str, str, str]]] = {}
    query = select(cross_references).where(cross_references.c.petition_id.in_(petition_ids))
    query = query.order_by(cross_references.c.learnt_at, cross_references.c.value)
    for found in work.conn.execute(query):
        numbers.setdefault(found.petition_id, []).append((found.system, found.kind, found.value))
    return {
        row["handoff_id"]: Leased(
            row,
            open_event(work.privacy.vault, of_event[row["event_id"]]),
            open_petition(work.privacy.vault, of_petition[row["petition_id"]]),
            tuple(numbers.get(row["petition_id"], ())),
        )
        for row in rows
    }


def _by(work: Work, query: Any, key: str) -> dict[str, Row]:
    return {row[key]: row for row in work.conn.execute(query).mappings()}


_FORGET_ATTEMPT = delete(attempts).where(
    attempts.c.handoff_id == bindparam("id"), attempts.c.attempt == bindparam("number")
)
_LEASE = (
    update(handoffs)
    .where(handoffs.c.handoff_id.in_(bindparam("ids", expanding=True)), handoffs.c.state.in_(("pending", "queued")))
    .values(
        state="sending",
        lease_owner=bindparam("owner"),
        lease_until=bindparam("until"),
        attempts=handoffs.c.attempts + 1,
        wake_at=None,
    )
    .returning(handoffs.c.handoff_id)
)
_EXTEND = (
    update(handoffs)
    .where(
        handoffs.c.handoff_id == bindparam("id"),
        handoffs.c.lease_owner == bindparam("who"),
        handoffs.c.state == "sending",
    )
    .values(lease_until=bindparam("until"))
)
