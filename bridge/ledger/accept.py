"""The verb `accept`: authenticated messages become petitions and events, each message once, all in one transaction."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from pydantic import TypeAdapter
from sqlalchemy import bindparam, case, delete, insert, select, update

from bridge import ids
from bridge.adapter import Acknowledgement, Draft, Outcome, Ref, Submission, Update
from bridge.clock import from_ms, to_ms
from bridge.ledger.tables import Row, cross_references, handoffs, kept_references, messages, nonces
from bridge.ledger.work import PetitionRow, Work
from bridge.lifecycle import SIGNS
from schemas.base import shanghai
from schemas.event import EventData, EventType
from schemas.petition import ExternalId, HandlingClass, PetitionDraft, Secretary

_UPDATES: TypeAdapter[Update | Acknowledgement] = TypeAdapter(Update | Acknowledgement)
ANY = ""
RECEIPT_KIND = "receipt"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One authenticated message with what was read out of it. `received_at` in milliseconds."""

    system: str
    door: str
    received_at: int
    content_type: str
    body: bytes
    drafts: tuple[Draft, ...]
    nonce: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """An authenticated message that becomes nothing: malformed (listed for people) or deliberately ignored."""

    system: str
    door: str
    received_at: int
    content_type: str
    body: bytes
    status: str
    reason: str
    message_key: str | None = None
    nonce: str | None = None


class Replayed:
    """The answer to a message whose nonce was used before."""


REPLAYED = Replayed()


class House(Protocol):
    """The house rules that a submission meets (the composition root fills this in)."""

    def classify(self, draft: PetitionDraft, source: str) -> HandlingClass: ...

    def owner(self, draft: PetitionDraft) -> Secretary: ...

    def petitioner_key(self, openid: str) -> str: ...


def accept(work: Work, house: House, arrivals: Sequence[Arrival]) -> list[list[Outcome] | Replayed]:
    """One list of outcomes for each arrival, one outcome for each of its drafts; `REPLAYED` where a nonce was reused."""
    replayed = _use_nonces(work, [(arrival.system, arrival.nonce) for arrival in arrivals])
    desk = _Desk(work, house, [arrival for arrival, again in zip(arrivals, replayed, strict=True) if not again])
    taken = iter(desk.take_all())
    return [REPLAYED if again else next(taken) for again in replayed]


def keep(work: Work, kept: Sequence[Kept]) -> list[Replayed | None]:
    """Store messages that become nothing, and say so in the journal. A repeat of a known key is not stored again."""
    replayed = _use_nonces(work, [(message.system, message.nonce) for message in kept])
    known = _known_keys(work, ((message.system, message.message_key) for message in kept if message.message_key))
    rows = []
    for message, again in zip(kept, replayed, strict=True):
        key = (message.system, message.message_key or "")
        if again or key in known:
            continue
        if message.message_key:
            known[key] = {}
        rows.append(_message_row(message, message.message_key, message.status, reason=message.reason))
        if message.status == "malformed":
            work.note(
                "message.rejected", level="warning", from_=message.system, to="bridge", outcome="malformed",
                message_id=rows[-1]["message_id"], body_sha256=ids.digest(message.body),
            )  # fmt: skip
    if rows:
        work.conn.execute(insert(messages), rows)
    work.flush()
    return [REPLAYED if again else None for again in replayed]


def use_nonces(work: Work, used: Sequence[tuple[str, str]]) -> list[bool]:
    """(system, nonce) → whether it is new."""
    return [not again for again in _use_nonces(work, used)]


def refuse(work: Work, refusals: Sequence[tuple[str, str]]) -> list[None]:
    """A journal line for each refused caller: (system, reason code). Nothing else is kept."""
    for system, reason in refusals:
        work.note("message.rejected", level="warning", from_=system, to="bridge", outcome="refused", reason=reason)
    work.flush()
    return [None] * len(refusals)


class _Desk:
    """The drafts of one batch, resolved against the ledger with a few queries, then taken one by one in memory."""

    def __init__(self, work: Work, house: House, arrivals: Sequence[Arrival]) -> None:
        self.work = work
        self.house = house
        self.arrivals = arrivals
        self.message_rows: list[dict[str, Any]] = []
        self.kept_rows: list[dict[str, Any]] = []
        self.signed: set[tuple[str, str]] = set()
        self.new_numbers: dict[tuple[str, str, str], str] = {}
        self.numbers: dict[tuple[str, str, str], str] = {}
        self.by_value: dict[tuple[str, str], list[str]] = {}
        self.handoffs_by_receipt: dict[tuple[str, str], Row] = {}
        self.known = _known_keys(
            work, ((arrival.system, draft.message_key) for arrival in arrivals for draft in arrival.drafts)
        )

    def take_all(self) -> list[list[Outcome]]:
        self._resolve([draft for arrival in self.arrivals for draft in arrival.drafts])
        results = [[self._take(arrival, draft) for draft in arrival.drafts] for arrival in self.arrivals]
        if self.message_rows:
            self.work.conn.execute(insert(messages), self.message_rows)
        if self.kept_rows:
            self.work.conn.execute(insert(kept_references), self.kept_rows)
        self.work.flush()
        acknowledge(self.work, self.signed)
        if self.new_numbers:
            match_kept(self.work, self.new_numbers)
        self.work.flush()
        return results

    # ── what the batch speaks of ──
    def _resolve(self, drafts: Sequence[Draft]) -> None:
        values = {number.value for draft in drafts for number in _numbers(draft)}
        refs = [ref for draft in drafts for ref in _refs(draft)]
        values |= {ref.value for ref in refs if ref.petition_id is None}
        values |= {draft.receipt for draft in drafts if isinstance(draft, Acknowledgement)}
        if values:
            query = select(cross_references).where(cross_references.c.value.in_(sorted(values)))
            for found in self.work.conn.execute(query).mappings():
                self._know((found["system"], found["kind"], found["value"]), found["petition_id"])
        wanted = {ref.petition_id for ref in refs if ref.petition_id} | set(self.numbers.values())
        self.work.load(wanted)
        receipts = {draft.receipt for draft in drafts if isinstance(draft, Acknowledgement)}
        if receipts:
            self._find_handoffs(receipts)

    def _find_handoffs(self, receipts: set[str]) -> None:
        columns = (handoffs.c.handoff_id, handoffs.c.petition_id, handoffs.c.system, handoffs.c.receipt)
        for found in self.work.conn.execute(
            select(*columns).where(handoffs.c.receipt.in_(sorted(receipts)))
        ).mappings():
            self.handoffs_by_receipt[found["system"], found["receipt"]] = found
        self.work.load(found["petition_id"] for found in self.handoffs_by_receipt.values())

    def _know(self, number: tuple[str, str, str], petition_id: str) -> None:
        self.numbers[number] = petition_id
        self.by_value.setdefault((number[0], number[2]), []).append(petition_id)

    def _find(self, ref: Ref) -> PetitionRow | None:
        if ref.petition_id is not None:
            return self.work.rows.get(ref.petition_id)
        if ref.kind is not None:
            petition_id = self.numbers.get((ref.system, ref.kind, ref.value))
        else:
            # A bare number that two petitions share under different kinds names neither.
            found = set(self.by_value.get((ref.system, ref.value), ()))
            petition_id = found.pop() if len(found) == 1 else None
        return self.work.rows.get(petition_id) if petition_id else None

    # ── one draft ──
    def _take(self, arrival: Arrival, draft: Draft) -> Outcome:
        key = (arrival.system, draft.message_key)
        if key in self.known:
            first = self.known[key]
            return Outcome("duplicate", first["petition_id"], first["receipt"], first["event_id"])
        outcome = self._decide(arrival, draft)
        status = "kept" if outcome.status == "kept" else "taken"
        row = _message_row(arrival, draft.message_key, status, outcome=outcome)
        if status == "kept":
            row["draft"] = _UPDATES.dump_json(draft).decode()  # type: ignore[arg-type]  # a submission is never kept
            self._wait_for(draft, row["message_id"], arrival.system)
        self.message_rows.append(row)
        self.known[key] = row
        return outcome

    def _decide(self, arrival: Arrival, draft: Draft) -> Outcome:
        if isinstance(draft, Submission):
            return self._submit(arrival, draft)
        if isinstance(draft, Update):
            return self._update(arrival.system, draft, arrival.traceparent)
        return self._acknowledge(arrival.system, draft)

    def _submit(self, arrival: Arrival, draft: Submission) -> Outcome:
        known = next((row for number in draft.external_ids if (row := self._find(_exact(number)))), None)
        if known is not None:
            news = any(self._find(_exact(number)) is None for number in draft.external_ids)
            if draft.again is not None and news:
                return self._update(arrival.system, draft.again, arrival.traceparent, known)
            return Outcome("duplicate", known.petition_id, known.receipt)
        row = self._open(arrival, draft)
        event = str(ids.event_id(arrival.system, draft.message_key))
        row.receipt = self.work.record(
            row,
            event_id=event,
            type_=EventType.SUBMITTED,
            source=arrival.system,
            occurred_at=to_ms(draft.submitted_at),
            data=EventData(),
            actor=draft.actor,
            traceparent=arrival.traceparent,
            announce={"content_sha256": ids.digest(draft.petition.content.encode("utf-8", "surrogatepass"))},
        )
        self._learn(row.petition_id, draft.external_ids)
        return Outcome("new", row.petition_id, row.receipt, event)

    def _open(self, arrival: Arrival, draft: Submission) -> PetitionRow:
        petition = draft.petition
        handling_class = petition.handling_class or self.house.classify(petition, arrival.system)
        owner = petition.secretary or self.house.owner(petition)
        body = petition.model_copy(update={"handling_class": handling_class, "secretary": owner})
        openid = petition.petitioner.openid
        submitted = to_ms(draft.submitted_at)
        row = PetitionRow(
            petition_id=ids.petition_id(from_ms(self.work.now)),
            source=arrival.system,
            kind=petition.kind.value,
            handling_class=handling_class.value,
            urgency=petition.urgency.value,
            region=petition.place.region_code or "",
            team_id=owner.team_id,
            state="submitted",
            state_at=submitted,
            holder=draft.holder,
            has_openid=openid is not None,
            petitioner_key=self.house.petitioner_key(openid) if openid else None,
            last_sequence=0,
            answered_by=None,
            receipt="",
            accepted_at=self.work.now,
            updated_at=self.work.now,
            due_at=_end_of_day(submitted) if handling_class is HandlingClass.ON_SITE else None,
            closed_at=None,
            body=_petition_json(body, draft),
            fresh=True,
        )
        self.work.rows[row.petition_id] = row
        return row

    def _update(self, system: str, draft: Update, traceparent: str | None, row: PetitionRow | None = None) -> Outcome:
        row = row or next((found for ref in draft.refs if (found := self._find(ref))), None)
        if row is None:
            return Outcome("kept", None, None)
        outcome = record_update(self.work, system, draft, row, traceparent)
        self._learn(row.petition_id, draft.external_ids)
        if draft.type in SIGNS:
            self.signed.add((row.petition_id, system))
        return outcome

    def _acknowledge(self, system: str, draft: Acknowledgement) -> Outcome:
        found = self.handoffs_by_receipt.get((system, draft.receipt))
        if found is None:
            return self._acknowledge_side(system, draft)
        settle_fate(self.work, found["handoff_id"], self.work.rows[found["petition_id"]], system, draft)
        return Outcome("event", found["petition_id"], None)

    def _acknowledge_side(self, system: str, draft: Acknowledgement) -> Outcome:
        """News about a further message of a hand-off (to the owner, to the unit), or about one we do not know yet."""
        petition_id = self.numbers.get((system, RECEIPT_KIND, draft.receipt))
        if petition_id is None:
            return Outcome("kept", None, None)
        if draft.failure is not None:
            note_side_failure(self.work, petition_id, system, draft)
        return Outcome("event", petition_id, None)

    # ── numbers ──
    def _learn(self, petition_id: str, numbers: Iterable[ExternalId]) -> None:
        for number in numbers:
            key = (number.system, number.kind, number.value)
            if key not in self.numbers:
                self._know(key, petition_id)
                self.new_numbers[key] = petition_id
                self.work.refer(petition_id, [number])

    # ── what waits ──
    def _wait_for(self, draft: Draft, message_id: str, system: str) -> None:
        if isinstance(draft, Acknowledgement):
            waits = {(draft.receipt, system, RECEIPT_KIND)}
        else:
            waits = {(ref.value or ref.petition_id or ANY, ref.system, ref.kind or ANY) for ref in _refs(draft)}
        for value, of_system, kind in sorted(waits):
            self.kept_rows.append({"value": value, "system": of_system, "kind": kind, "message_id": message_id})


# ── shared with `settle`, which learns numbers and receipts too ─────────────────────────────────────────────


def kept_for(
    work: Work, numbers: Mapping[tuple[str, str, str], str]
) -> list[tuple[Row, Update | Acknowledgement, PetitionRow]]:
    """Kept messages that waited for one of these new numbers ((system, kind, value) → petition), oldest first."""
    values = sorted({value for _, _, value in numbers})
    waiting: dict[str, str] = {}
    query = select(kept_references).where(kept_references.c.value.in_(bindparam("values", expanding=True)))
    for found in work.conn.execute(query, {"values": values}).mappings():
        for (system, kind, value), petition_id in numbers.items():
            if found["value"] == value and found["system"] == system and found["kind"] in (kind, ANY):
                waiting[found["message_id"]] = petition_id
    if not waiting:
        return []
    rows = work.conn.execute(
        select(messages)
        .where(messages.c.message_id.in_(sorted(waiting)), messages.c.status == "kept")
        .order_by(messages.c.received_at, messages.c.message_id)
    ).mappings()
    return [
        (row, _UPDATES.validate_json(row["draft"]), work.rows[waiting[row["message_id"]]])
        for row in list(rows)
        if waiting[row["message_id"]] in work.rows
    ]


def mark_matched(work: Work, message_id: str, outcome: Outcome) -> None:
    """The kept message has found its petition."""
    work.conn.execute(
        update(messages)
        .where(messages.c.message_id == message_id)
        .values(
            status="taken",
            petition_id=outcome.petition_id,
            event_id=outcome.event_id,
            receipt=outcome.receipt,
            draft=None,
        )
    )
    work.conn.execute(delete(kept_references).where(kept_references.c.message_id == message_id))


def record_update(work: Work, system: str, draft: Update, row: PetitionRow, traceparent: str | None) -> Outcome:
    """The update as an event of the petition."""
    event = str(ids.event_id(system, draft.message_key))
    receipt = work.record(
        row,
        event_id=event,
        type_=draft.type,
        source=system,
        occurred_at=to_ms(draft.occurred_at),
        data=draft.data,
        actor=draft.actor,
        traceparent=traceparent,
    )
    return Outcome("event", row.petition_id, receipt, event)


def learn(work: Work, numbers: Mapping[tuple[str, str, str], str]) -> dict[tuple[str, str, str], str]:
    """Remember those numbers ((system, kind, value) → petition) that are not known yet, and return them."""
    if not numbers:
        return {}
    query = select(cross_references).where(cross_references.c.value.in_(sorted({value for _, _, value in numbers})))
    known = {(row["system"], row["kind"], row["value"]) for row in work.conn.execute(query).mappings()}
    new = {number: petition_id for number, petition_id in numbers.items() if number not in known}
    for (system, kind, value), petition_id in new.items():
        work.refer(petition_id, [ExternalId(system=system, kind=kind, value=value)])
    return new


def match_kept(work: Work, numbers: Mapping[tuple[str, str, str], str]) -> None:
    """Messages that waited for one of these numbers (or receipts) are taken now."""
    signed: set[tuple[str, str]] = set()
    fates: list[tuple[Row, Acknowledgement, PetitionRow]] = []
    for message, draft, row in kept_for(work, numbers):
        if isinstance(draft, Update):
            outcome = record_update(work, message["system"], draft, row, None)
            if draft.type in SIGNS:
                signed.add((row.petition_id, message["system"]))
            mark_matched(work, message["message_id"], outcome)
        else:
            fates.append((message, draft, row))
    work.flush()
    acknowledge(work, signed)
    for message, draft, row in fates:
        _fate_of_receipt(work, message, draft, row)


def note_side_failure(work: Work, petition_id: str, system: str, fate: Acknowledgement) -> None:
    """A message beside the main one did not arrive: said in the journal, and the hand-off stays delivered."""
    work.note("handoff.failed", petition_id, level="warning", from_=system, to="bridge", outcome=fate.failure,
              receipt=fate.receipt)  # fmt: skip


def _fate_of_receipt(work: Work, message: Row, draft: Acknowledgement, row: PetitionRow) -> None:
    query = select(handoffs.c.handoff_id).where(
        handoffs.c.receipt == draft.receipt, handoffs.c.system == message["system"]
    )
    main = work.conn.scalars(query).all()
    for handoff_id in main:
        settle_fate(work, handoff_id, row, message["system"], draft)
    if not main and draft.failure is not None:
        note_side_failure(work, row.petition_id, message["system"], draft)
    mark_matched(work, message["message_id"], Outcome("event", row.petition_id, None))


def acknowledge(work: Work, signed: Iterable[tuple[str, str]]) -> None:
    """(petition, system): the system has shown that it saw what was handed to it (签收)."""
    pairs = set(signed)
    if not pairs:
        return
    columns = (handoffs.c.handoff_id, handoffs.c.petition_id, handoffs.c.system, handoffs.c.state, handoffs.c.receipt)
    query = select(*columns).where(
        handoffs.c.petition_id.in_(sorted({petition for petition, _ in pairs})),
        handoffs.c.state.in_(("delivered", "sending", "unknown")),
        handoffs.c.acknowledged_at.is_(None),
    )
    found = [row for row in work.conn.execute(query).mappings() if (row["petition_id"], row["system"]) in pairs]
    # One that is still being sent keeps its state: `settle` sees the stamp and goes straight on to acknowledged.
    if found:
        work.conn.execute(_ACKNOWLEDGE, [{"id": row["handoff_id"], "at": work.now} for row in found])
    for row in found:
        if row["state"] == "delivered":
            work.note("handoff.acknowledged", row["petition_id"], handoff_id=row["handoff_id"], from_=row["system"],
                      to="bridge", outcome="acknowledged", receipt=row["receipt"])  # fmt: skip


def settle_fate(work: Work, handoff_id: str, row: PetitionRow, system: str, fate: Acknowledgement) -> None:
    """A delivered hand-off turned out to have arrived, or not to (then a person must find another way)."""
    one = [{"id": handoff_id, "at": work.now, "reason": fate.failure}]
    what, outcome, level = "handoff.acknowledged", "acknowledged", "info"
    if fate.failure is None:
        work.conn.execute(_ACKNOWLEDGE, one)
    else:
        what, outcome, level = "handoff.parked", fate.failure, "warning"
        work.conn.execute(_NOT_ARRIVED, one)
        if row.answered_by == f"handoff:{handoff_id}":
            # What proved the answer did not arrive after all: the petition is open again.
            row.answered_by, row.closed_at, row.dirty = None, None, True
    work.note(what, row.petition_id, level=level, handoff_id=handoff_id, from_=system, to="bridge", outcome=outcome,
              receipt=fate.receipt)  # fmt: skip


_ACKNOWLEDGE = (
    update(handoffs)
    .where(handoffs.c.handoff_id == bindparam("id"), handoffs.c.acknowledged_at.is_(None))
    .values(
        acknowledged_at=bindparam("at"),
        state=case((handoffs.c.state == "delivered", "acknowledged"), else_=handoffs.c.state),
    )
)
_NOT_ARRIVED = (
    update(handoffs)
    .where(handoffs.c.handoff_id == bindparam("id"), handoffs.c.state.in_(("delivered", "acknowledged")))
    .values(state="parked", reason=bindparam("reason"), wake_at=None)
)


# ── small pieces ────────────────────────────────────────────────────────────────────────────────────────────


def _use_nonces(work: Work, used: Sequence[tuple[str, str | None]]) -> list[bool]:
    """Whether each (system, nonce) was used before; the new ones are remembered."""
    wanted = sorted({nonce for _, nonce in used if nonce})
    if not wanted:
        return [False] * len(used)
    query = select(nonces.c.system, nonces.c.nonce).where(nonces.c.nonce.in_(wanted))
    seen = {(row.system, row.nonce) for row in work.conn.execute(query)}
    replayed, fresh = [], []
    for system, nonce in used:
        again = nonce is not None and (system, nonce) in seen
        replayed.append(again)
        if nonce is not None and not again:
            seen.add((system, nonce))
            fresh.append({"system": system, "nonce": nonce, "seen_at": work.now})
    if fresh:
        work.conn.execute(insert(nonces), fresh)
    return replayed


def _known_keys(work: Work, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Row]:
    """Which message keys were taken before, with their first answers."""
    pairs = set(wanted)
    if not pairs:
        return {}
    columns = (
        messages.c.system,
        messages.c.message_key,
        messages.c.petition_id,
        messages.c.receipt,
        messages.c.event_id,
    )
    query = select(*columns).where(messages.c.message_key.in_(sorted({key for _, key in pairs})))
    rows = work.conn.execute(query).mappings()
    return {key: row for row in rows if (key := (row["system"], row["message_key"])) in pairs}


def _message_row(
    message: Arrival | Kept, key: str | None, status: str, *, reason: str | None = None, outcome: Outcome | None = None
) -> dict[str, Any]:
    return {
        "message_id": uuid.uuid4().hex,
        "system": message.system,
        "door": message.door,
        "message_key": key,
        "received_at": message.received_at,
        "content_type": message.content_type[:200],
        "body": message.body,
        "status": status,
        "reason": reason,
        "petition_id": outcome.petition_id if outcome else None,
        "event_id": outcome.event_id if outcome else None,
        "receipt": outcome.receipt if outcome else None,
        "draft": None,
    }


def _numbers(draft: Draft) -> tuple[ExternalId, ...]:
    if isinstance(draft, Submission):
        return draft.external_ids + (draft.again.external_ids if draft.again else ())
    return draft.external_ids if isinstance(draft, Update) else ()


def _refs(draft: Draft) -> tuple[Ref, ...]:
    if isinstance(draft, Submission):
        return draft.again.refs if draft.again else ()
    return draft.refs if isinstance(draft, Update) else ()


def _exact(number: ExternalId) -> Ref:
    return Ref(number.system, number.value, number.kind)


def _petition_json(petition: PetitionDraft, draft: Submission) -> str:
    """The petition as kept: the draft's fields and when it was submitted."""
    document = petition.model_dump(mode="json", exclude_defaults=True)
    document["submitted_at"] = draft.submitted_at.isoformat()
    return orjson.dumps(document).decode()


def _end_of_day(moment: int) -> int:
    """23:59:59 of the same day on the city's clock (现场解决：事不过夜)."""
    day = shanghai(from_ms(moment))
    return to_ms(day.replace(hour=23, minute=59, second=59, microsecond=0))
