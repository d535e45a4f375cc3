"""The verb `accept`: authenticated messages become petitions and events, each message once, all in one transaction."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import orjson
from sqlalchemy import select

from bridge import ids
from bridge.adapter import Acknowledgement, Draft, Outcome, Ref, Submission, Update
from bridge.clock import from_ms, to_ms
from bridge.ledger import notices
from bridge.ledger.bulk import insert_rows
from bridge.ledger.drafts import numbers_of, refs_of, storable
from bridge.ledger.keep import REPLAYED, Replayed, known_keys, mark_nonces, message_row
from bridge.ledger.matching import (
    ANY,
    RECEIPT_KIND,
    KeptNews,
    acknowledge,
    note_side_failure,
    record_update,
    seal_waiting,
    settle_fate,
)
from bridge.ledger.members import RULE
from bridge.ledger.merge import join
from bridge.ledger.same import Same, another_road
from bridge.ledger.tables import Row, cross_references, handoffs, kept_references, messages
from bridge.ledger.work import PetitionRow, Work
from bridge.lifecycle import SIGNS
from bridge.rules.profiles import Facts
from bridge.rules.supervision import place_key, subject_key
from schemas.event import EventData, EventType
from schemas.petition import ExternalId, HandlingClass, PetitionDraft, Secretary


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


class House(Protocol):
    """The house rules that a submission meets (the composition root fills this in)."""

    def classify(self, draft: PetitionDraft, source: str) -> HandlingClass: ...

    def owner(self, draft: PetitionDraft) -> Secretary: ...

    duty: Secretary
    """Who answers for what nobody else does (值班)."""

    duplicate_days: float
    """Within how many days the same words of the same petitioner are the same petition."""

    merge_repeats: bool
    """Whether one who says the same twice at one system has the second petition merged into the first by itself."""


def accept(work: Work, house: House, arrivals: Sequence[Arrival]) -> list[list[Outcome] | Replayed]:
    """A list of outcomes for each arrival, an outcome for each of its drafts; `REPLAYED` where a nonce was reused."""
    # A process that only takes in has no watch by which it would hear of a notice.
    notices.learn(work.conn, work.rules)
    replayed = mark_nonces(work, [(arrival.system, arrival.nonce) for arrival in arrivals])
    desk = _Desk(work, house, [arrival for arrival, again in zip(arrivals, replayed, strict=True) if not again])
    taken = iter(desk.take_all())
    return [REPLAYED if again else next(taken) for again in replayed]


class _Desk:
    """The drafts of one batch, resolved against the ledger with a few queries, then taken one by one in memory."""

    def __init__(self, work: Work, house: House, arrivals: Sequence[Arrival]) -> None:
        self.work = work
        self.house = house
        self.arrivals = [_storable(arrival) for arrival in arrivals]
        self.message_rows: list[dict[str, Any]] = []
        self.kept = KeptNews(work)
        self.same = Same(work, house.duplicate_days)
        self.signed: set[tuple[str, str]] = set()
        self.numbers: dict[tuple[str, str, str], str] = {}
        self.by_value: dict[tuple[str, str], list[str]] = {}
        self.handoffs_by_receipt: dict[tuple[str, str], Row] = {}
        self.known = known_keys(
            work, ((arrival.system, draft.message_key) for arrival in self.arrivals for draft in arrival.drafts)
        )

    def take_all(self) -> list[list[Outcome]]:
        self._resolve([draft for arrival in self.arrivals for draft in arrival.drafts])
        results = [[self._take(arrival, draft) for draft in arrival.drafts] for arrival in self.arrivals]
        insert_rows(self.work.conn, messages, self.message_rows)
        insert_rows(self.work.conn, kept_references, self._waits())
        self.work.flush()
        acknowledge(self.work, self.signed)
        self.work.flush()
        return results

    # ── what the batch speaks of ──
    def _resolve(self, drafts: Sequence[Draft]) -> None:
        values = {number.value for draft in drafts for number in numbers_of(draft)}
        refs = [ref for draft in drafts for ref in refs_of(draft)]
        values |= {ref.value for ref in refs if ref.petition_id is None}
        values |= {draft.receipt for draft in drafts if isinstance(draft, Acknowledgement)}
        if values:
            self.kept.fetch(values)
            query = select(cross_references).where(cross_references.c.value.in_(sorted(values)))
            for found in self.work.conn.execute(query).mappings():
                self._know((found["system"], found["kind"], found["value"]), found["petition_id"])
        wanted = {ref.petition_id for ref in refs if ref.petition_id} | set(self.numbers.values())
        wanted |= self.same.fetch(draft for draft in drafts if isinstance(draft, Submission))
        self.work.load(wanted)
        self.same.fetch_news(self._news(drafts))
        receipts = {draft.receipt for draft in drafts if isinstance(draft, Acknowledgement)}
        if receipts:
            self._find_handoffs(receipts)

    def _news(self, drafts: Sequence[Draft]) -> Iterator[tuple[str, Update]]:
        """The updates of this batch with the petitions they are about, as far as they are known."""
        for draft in drafts:
            if isinstance(draft, Update):
                row = next((found for ref in draft.refs if (found := self._find(ref))), None)
                if row is not None:
                    yield row.petition_id, draft

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
        row = message_row(self.work, arrival, draft.message_key, status, outcome=outcome)
        if outcome.status == "kept" and not isinstance(draft, Submission):
            row["draft"] = seal_waiting(self.work, row["message_id"], draft)
            self.kept.add(row, draft)
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
            news = any(self._find(_exact(number)) is None for number in numbers_of(draft))
            if draft.again is not None and news:
                return self._update(arrival.system, draft.again, arrival.traceparent, known)
            return Outcome("duplicate", known.petition_id, known.receipt)
        twin = self.same.find(arrival.system, draft, self.same.fingerprint(draft))
        if twin is not None and twin.source != arrival.system:
            return self._by_another_road(arrival, draft, twin)
        row = self._open(arrival, draft)
        self.same.remember(row)
        salt = self.work.privacy.lookup.salt(row.petition_id)
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
            announce={"content_sha256": ids.digest(f"{salt}{draft.petition.content}".encode("utf-8", "surrogatepass"))},
        )
        self._learn(row.petition_id, draft.external_ids)
        if self.house.merge_repeats and twin is not None and twin.closed_at is None and twin.merged_into is None:
            # The same petitioner said the same twice at one system: two numbers there, one case, an answer to both.
            join(self.work, row, twin, RULE, "same petitioner, same words")
        return Outcome("new", row.petition_id, row.receipt, event)

    def _by_another_road(self, arrival: Arrival, draft: Submission, row: PetitionRow) -> Outcome:
        """A petition that we have, come back through another system: not taken in twice, its new number learnt."""
        row.roads, row.dirty = ",".join(sorted({*row.brought_by, arrival.system})), True
        update = draft.again or another_road(draft)
        told = self._update(arrival.system, replace(update, message_key=draft.message_key), arrival.traceparent, row)
        self._learn(row.petition_id, draft.external_ids)
        return Outcome("duplicate", row.petition_id, told.receipt or row.receipt, told.event_id)

    def _open(self, arrival: Arrival, draft: Submission) -> PetitionRow:
        petition = draft.petition
        handling_class = petition.handling_class or self.house.classify(petition, arrival.system)
        owner = petition.secretary or self.house.owner(petition)
        body = petition.model_copy(update={"handling_class": handling_class, "secretary": owner})
        person, lookup = petition.petitioner, self.work.privacy.lookup
        petition_id = ids.petition_id(from_ms(self.work.now))
        submitted = min(to_ms(draft.submitted_at), self.work.now)
        opening = self.work.rules.opening(
            Facts(petition.kind, petition.urgency, handling_class, arrival.system, from_ms(submitted))
        )
        place, subject = place_key(petition.place), subject_key(petition.category)
        row = PetitionRow(
            petition_id=petition_id,
            source=arrival.system,
            kind=petition.kind.value,
            handling_class=handling_class.value,
            urgency=petition.urgency.value,
            region=ids.storable(petition.place.region_code or ""),
            team_id=owner.team_id,
            state="submitted",
            state_at=submitted,
            state_by=arrival.system,
            class_at=submitted,
            holder=draft.holder,
            has_openid=person.openid is not None,
            petitioner_key=lookup.petitioner(person.openid) if person.openid else None,
            phone_key=lookup.phone(person.phone) if person.phone else None,
            fingerprint=self.same.fingerprint(draft),
            last_sequence=0,
            answered_by=None,
            receipt="",
            accepted_at=self.work.now,
            updated_at=self.work.now,
            due_at=opening.due_at,
            closed_at=None,
            erased_at=None,
            merged_into=None,
            roads=None,
            members=0,
            deadlines_version=opening.version,
            profile=opening.profile,
            provisional=opening.provisional,
            # What came late has its first date behind it already: the rules look now, and have not missed it.
            look_at=max(opening.look_at, self.work.now),
            owner_id=ids.storable(owner.id),
            unit=None,
            place_key=lookup.group("place", place) if place else None,
            subject_key=lookup.group("subject", subject) if subject else None,
            no_echo=None,
            no_echo_since=None,
            no_landing=None,
            no_landing_since=None,
            confirmed_at=None,
            late_units=None,
            round_from=0,
            assisted=False,
            body=self.work.privacy.vault.seal_text(f"petitions.body:{petition_id}", _petition_json(body, draft)),
            fresh=True,
        )
        self.work.rows[row.petition_id] = row
        return row

    def _update(self, system: str, draft: Update, traceparent: str | None, row: PetitionRow | None = None) -> Outcome:
        row = row or next((found for ref in draft.refs if (found := self._find(ref))), None)
        if row is None:
            return Outcome("kept", None, None)
        if self.same.is_echo(system, row.petition_id, draft):
            # Our own news in another system's mouth: told on, it would come back for ever.
            outcome = Outcome("duplicate", row.petition_id, row.receipt)
        else:
            outcome = record_update(self.work, system, draft, row, traceparent)
            self.same.said(system, row.petition_id, draft)
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
                self.work.refer(petition_id, [number])
                self._match(key, petition_id)

    # ── what waits ──
    def _match(self, number: tuple[str, str, str], petition_id: str) -> None:
        """News that waited for this number is taken at once, before anything that came later."""
        for message, draft in self.kept.waiting_for(number):
            outcome = self._update(message["system"], draft, None, self.work.rows[petition_id])
            self.kept.matched(message, outcome)

    def _waits(self) -> list[dict[str, Any]]:
        """What each message that is still kept waits for."""
        rows: list[dict[str, Any]] = []
        for message, draft in self.kept.added:
            for value, of_system, kind in sorted(_waited_for(draft, message["system"])):
                rows.append({"value": value, "system": of_system, "kind": kind, "message_id": message["message_id"]})
        return rows


# ── small pieces ────────────────────────────────────────────────────────────────────────────────────────────


def _waited_for(draft: Update | Acknowledgement, system: str) -> set[tuple[str, str, str]]:
    if isinstance(draft, Acknowledgement):
        return {(draft.receipt, system, RECEIPT_KIND)}
    return {(ref.value or ref.petition_id or ANY, ref.system, ref.kind or ANY) for ref in draft.refs}


def _storable(arrival: Arrival) -> Arrival:
    drafts = tuple(storable(draft) for draft in arrival.drafts)
    unchanged = all(new is old for new, old in zip(drafts, arrival.drafts, strict=True))
    return arrival if unchanged else replace(arrival, drafts=drafts)


def _exact(number: ExternalId) -> Ref:
    return Ref(number.system, number.value, number.kind)


def _petition_json(petition: PetitionDraft, draft: Submission) -> str:
    """The petition as kept: the draft's fields and when it was submitted."""
    document = petition.model_dump(mode="json", exclude_defaults=True)
    document["submitted_at"] = draft.submitted_at.isoformat()
    return orjson.dumps(document).decode()
