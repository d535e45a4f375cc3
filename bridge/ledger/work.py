"""The unit of work every verb shares: load petitions under lock, change them in memory, write all at once.

A verb decides on rows held here and `flush` turns the decisions into a handful of set-oriented statements. Whatever the
broker must hear after COMMIT is collected in `outgoing`. Lock order is always: petitions by id, then their hand-offs.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, select, update

from bridge.bus.message import Message, event_message, handoff_message
from bridge.clock import from_ms
from bridge.ledger import journal
from bridge.ledger.bulk import insert_rows, update_rows
from bridge.ledger.histories import read_histories
from bridge.ledger.packages import Joined, join_packages
from bridge.ledger.tables import UNFINISHED, Row, conveyor, cross_references, events, handoffs, petitions
from bridge.ledger.tables import journal as journal_table
from bridge.lifecycle import ENDED, TO_CONFIRM, allowed, answers, is_older, moves, refuses_anothers, state_after
from bridge.patience import Patience
from bridge.privacy import Privacy
from bridge.prose import mask
from bridge.rules import closing
from bridge.rules.assignments import names_an_assistant
from bridge.rules.book import RuleBook, built_in
from bridge.rules.rehandling import is_no
from bridge.rules.steps import Step
from schemas.event import EventData, EventType, UnitRole
from schemas.petition import OF_THE_OWNER, ExternalId, HandlingClass

PUBLISH_GRACE_MS, QUEUED_GRACE_MS = Patience().publish_ms, Patience().queued_ms
"""The defaults; a unit of work has its own in `patience`."""

_LOADED = [column for column in petitions.c if column.name != "body"]


@dataclass(slots=True)
class PetitionRow:
    """A petition inside a unit of work. `fresh` rows are inserted by `flush`, `dirty` ones updated."""

    petition_id: str
    source: str
    kind: str
    handling_class: str
    urgency: str
    region: str
    team_id: str
    state: str
    state_at: int
    state_by: str
    class_at: int
    holder: str | None
    has_openid: bool
    petitioner_key: str | None
    phone_key: str | None
    fingerprint: str | None
    last_sequence: int
    answered_by: str | None
    receipt: str
    accepted_at: int
    updated_at: int
    due_at: int | None
    closed_at: int | None
    erased_at: int | None
    merged_into: str | None
    roads: str | None
    members: int
    deadlines_version: str | None
    profile: str | None
    provisional: bool
    look_at: int | None
    owner_id: str | None
    unit: str | None
    place_key: str | None
    subject_key: str | None
    no_echo: str | None
    no_echo_since: int | None
    no_landing: str | None
    no_landing_since: int | None
    confirmed_at: int | None
    late_units: str | None
    round_from: int
    assisted: bool
    body: str = ""
    fresh: bool = False
    dirty: bool = False

    @property
    def listed(self) -> bool:
        """Whether it is on a list of the day."""
        return self.no_echo is not None or self.no_landing is not None

    def leave_lists(self) -> None:
        self.no_echo = self.no_echo_since = self.no_landing = self.no_landing_since = self.late_units = None

    @property
    def brought_by(self) -> list[str]:
        """The systems that brought the same petition by another road."""
        return self.roads.split(",") if self.roads else []


_UPDATED = (
    "handling_class", "class_at", "state", "state_at", "state_by", "holder", "last_sequence", "answered_by",
    "updated_at", "due_at", "closed_at", "merged_into", "roads", "members", "look_at", "no_echo", "no_echo_since",
    "no_landing", "no_landing_since", "confirmed_at", "late_units", "round_from", "assisted",
)  # fmt: skip
_ROW_FIELDS = tuple(column.name for column in petitions.c)


_LOOKS = frozenset(
    {
        EventType.DISPATCHED, EventType.RETURN_REQUESTED, EventType.RETURNED, EventType.RETURN_DENIED,
        EventType.EXTENDED, EventType.EXTENSION_DENIED, EventType.RESUMED, EventType.RECLASSED, EventType.REHANDLED,
        EventType.FOLLOWED_UP, EventType.RATED, EventType.SUPERVISED,
    }
)  # fmt: skip
"""Events that can bring a deadline forward, or that a rule answers: the rules look at once. What only stops a clock
waits for the look that is due anyway."""


Said = tuple[PetitionRow, EventType, EventData, str]
"""An event that was recorded of the whole petition, in order: its petition, what it is, what it says, its id."""

Mirror = Callable[["Work", Sequence[Said]], None]
"""Gives what was said of petitions to their members too (`bridge.ledger.merge.mirror`)."""


def nobody_to_answer(work: "Work", said: Sequence[Said]) -> None:
    raise RuntimeError("a petition has members, and nobody was named to answer them")


@dataclass(slots=True)
class Work:
    """One verb's changes inside the writer's transaction. `now` in milliseconds."""

    conn: Connection
    now: int
    privacy: Privacy
    messenger: str = "wechat"
    patience: Patience = field(default_factory=Patience)
    rows: dict[str, PetitionRow] = field(default_factory=dict)
    outgoing: list[Message] = field(default_factory=list)
    mirror: "Mirror" = nobody_to_answer
    rules: RuleBook = field(default_factory=built_in)
    _events: list[dict[str, Any]] = field(default_factory=list)
    _conveyor: list[dict[str, Any]] = field(default_factory=list)
    _references: list[dict[str, Any]] = field(default_factory=list)
    _packages: list[Joined] = field(default_factory=list)
    _journal: list[journal.Entry] = field(default_factory=list)
    _said: list[Said] = field(default_factory=list)

    # ── petitions ──
    def load(self, petition_ids: Iterable[str]) -> None:
        """Lock these petitions and hold their rows; unknown ids are simply not there afterwards."""
        wanted = sorted(set(petition_ids) - self.rows.keys())
        if not wanted:
            return
        query = select(*_LOADED).where(petitions.c.petition_id.in_(wanted)).order_by(petitions.c.petition_id)
        for found in self.conn.execute(query.with_for_update()).mappings():
            self.rows[found["petition_id"]] = PetitionRow(**found)

    # ── events ──
    def record(
        self,
        row: PetitionRow,
        *,
        event_id: str,
        type_: EventType,
        source: str,
        occurred_at: int,
        data: EventData,
        actor: str | None,
        traceparent: str | None,
        announce: Row | None = None,
        echo_key: str | None = None,
        of_part: bool = False,
    ) -> str:
        """Number the event, move the petition, put it on the conveyor and in the journal. `of_part`: it is of one lead
        unit's part only (an assisting unit's word always is) and moves nothing. Returns the receipt."""
        row.last_sequence += 1
        row.updated_at, row.dirty = self.now, True
        row.assisted = row.assisted or names_an_assistant(data)
        of_part = of_part or data.role is UnitRole.ASSIST
        in_order = self._move(row, type_, occurred_at, source, actor, data, of_part=of_part)
        is_answer = in_order and answers(type_, actor, data)
        if is_answer and row.answered_by is None and _said_to_petitioner(row, source, actor, self.messenger):
            row.answered_by = f"event:{event_id}"
        if row.listed or type_ in _LOOKS or data.package is not None:
            row.look_at = min(row.look_at or self.now, self.now)
        self._events.append(
            {
                "event_id": event_id,
                "petition_id": row.petition_id,
                "sequence": row.last_sequence,
                "type": type_.value,
                "source": source,
                "occurred_at": occurred_at,
                "recorded_at": self.now,
                "actor": actor,
                "traceparent": traceparent,
                "data": self.privacy.vault.seal_text(
                    f"events.data:{event_id}", data.model_dump_json(exclude_defaults=True)
                ),
                "echo_key": echo_key,
                "out_of_order": not in_order,
                "answers": is_answer,
                "announced": orjson.dumps(announced := bus_data(row, data, announce)).decode(),
            }
        )
        if in_order and not of_part:
            self._said.append((row, type_, data, event_id))
        if data.package is not None:
            self._packages.append((row.petition_id, source, data.package))
        self._conveyor.append(
            {
                "event_id": event_id,
                "petition_id": row.petition_id,
                "sequence": row.last_sequence,
                "wake_at": self.now + self.patience.publish_ms,
            }
        )
        self.outgoing.append(
            event_message(
                event_id=event_id,
                petition_id=row.petition_id,
                sequence=row.last_sequence,
                type_=type_.value,
                source=source,
                occurred_at=occurred_at,
                traceparent=traceparent,
                data=announced,
            )
        )
        receipt = self._journal_event(row, event_id, type_, source, actor, traceparent)
        if not in_order:
            self.note("event.out_of_order", row.petition_id, level="warning", event_id=event_id, from_=source,
                      sequence=row.last_sequence, outcome=row.state, detail=type_.value)  # fmt: skip
        return receipt

    def _move(
        self,
        row: PetitionRow,
        type_: EventType,
        occurred_at: int,
        source: str,
        actor: str | None,
        data: EventData,
        *,
        of_part: bool,
    ) -> bool:
        """Where the petition stands now. False where the lifecycle does not allow the event: then nothing moved."""
        # A system whose clock runs ahead must not make everything after it look old.
        at = min(occurred_at, self.now)
        # A unit's part is its own; the petition is where the lead has it.
        concerns = not of_part and not is_older(at, source, row.state_at, row.state_by)
        elsewhere = refuses_anothers(row.state, row.state_by, type_, source)
        if elsewhere and row.holder == source:
            row.holder = row.state_by
        in_order = allowed(row.state, type_) and not elsewhere
        if concerns and in_order and moves(row.state, type_):
            row.state, row.state_at, row.state_by = state_after(row.state, type_), at, source
            if type_ is EventType.REHANDLED:
                row.answered_by = row.closed_at = row.confirmed_at = None
                row.round_from = row.last_sequence
        if type_ is EventType.RECLASSED and data.handling_class is not None and at >= row.class_at:
            row.handling_class, row.class_at = data.handling_class.value, at
        if in_order:
            self._confirm(row, type_, actor, data)
        return in_order or not concerns

    def _confirm(self, row: PetitionRow, type_: EventType, actor: str | None, data: EventData) -> None:
        """The owner's word on the closing, and the citizen's: a no takes back what was confirmed before."""
        said = Step(type_, from_ms(self.now), data, actor=actor, own=row.handling_class in OF_THE_OWNER)
        if is_no(said, self.rules.supervision.rehandling):
            row.confirmed_at = None
        elif row.state in TO_CONFIRM and closing.confirms(type_, actor, data):
            row.confirmed_at = self.now

    def _journal_event(
        self, row: PetitionRow, event_id: str, type_: EventType, source: str, actor: str | None, traceparent: str | None
    ) -> str:
        opens = row.last_sequence == 1
        entry = journal.Entry(
            "petition.accepted" if opens else f"petition.{type_.value}",
            self.now,
            row.petition_id,
            opens=opens,
            fields={
                "event_id": event_id,
                "sequence": row.last_sequence,
                "from": source,
                "to": journal.BRIDGE,
                "outcome": row.state,
                "actor": actor,
                "trace_id": traceparent[3:35] if traceparent else None,
            },
        )
        entry.fields["receipt"] = receipt = journal.receipt(entry)
        self._journal.append(entry)
        return receipt

    # ── cross-references ──
    def refer(self, petition_id: str, numbers: Iterable[ExternalId]) -> None:
        """Numbers to remember; the caller has made sure that they are new."""
        for number in numbers:
            self._references.append(
                {"system": number.system, "kind": number.kind, "value": number.value, "petition_id": petition_id,
                 "learnt_at": self.now}
            )  # fmt: skip

    # ── journal ──
    def note(self, what: str, petition_id: str | None = None, *, level: str = "info", **fields: Any) -> None:
        """A journal entry; `from_` stands for the field `from`. A `reason` is words, and words may name somebody."""
        if "from_" in fields:
            fields["from"] = fields.pop("from_")
        if fields.get("reason"):
            fields["reason"] = mask(str(fields["reason"]))
        self._journal.append(journal.Entry(what, self.now, petition_id, level=level, fields=fields))

    # ── hand-offs ──
    def ready(self, handoff: Row) -> None:
        """Tell the broker after COMMIT that this hand-off can be delivered now."""
        self.outgoing.append(ready_message(handoff, self.now))

    def wake_lanes(self, petition_ids: Iterable[str]) -> None:
        """In each lane of these petitions, let the first unfinished hand-off go if it was only waiting."""
        ids = sorted(set(petition_ids))
        if not ids:
            return
        columns = (handoffs.c.handoff_id, handoffs.c.event_id, handoffs.c.petition_id, handoffs.c.system,
                   handoffs.c.event_type, handoffs.c.state)  # fmt: skip
        query = (
            select(*columns)
            .where(handoffs.c.petition_id.in_(ids), handoffs.c.state.in_(UNFINISHED))
            .order_by(handoffs.c.petition_id, handoffs.c.system, handoffs.c.sequence)
        )
        heads: dict[tuple[str, str], Row] = {}
        for found in self.conn.execute(query).mappings():
            heads.setdefault((found["petition_id"], found["system"]), found)
        woken = [head for head in heads.values() if head["state"] == "waiting"]
        if woken:
            self.conn.execute(
                _WAKE, [{"id": head["handoff_id"], "wake": self.now + self.patience.publish_ms} for head in woken]
            )
            for head in woken:
                self.ready(head)

    # ── closing ──
    def close_finished(self) -> None:
        """Close every loaded petition that has ended, was answered, and has nothing on its way any more."""
        ended = [
            row.petition_id
            for row in self.rows.values()
            if row.state in ENDED and row.closed_at is None and row.answered_by is not None
        ]
        if not ended:
            return
        busy = set(self.conn.scalars(_UNFINISHED_OF, {"ids": ended})) | set(
            self.conn.scalars(_UNROUTED_OF, {"ids": ended})
        )
        idle = [self.rows[petition_id] for petition_id in ended if petition_id not in busy]
        lacking = self._lacking(idle)
        for row in idle:
            if row.petition_id not in lacking:
                self._close(row)
            elif not row.listed:
                # The lists of the day say what is missing: the rules look at once.
                row.look_at, row.dirty = self.now, True

    def _close(self, row: PetitionRow) -> None:
        row.closed_at, row.dirty = self.now, True
        row.leave_lists()
        if row.look_at is not None and row.look_at > self.now:
            # What fell due before is still looked at: a card that the watch was late for is given.
            row.look_at = None
        self.note("petition.closed", row.petition_id, outcome=row.state, receipt=row.answered_by)

    def _lacking(self, rows: Iterable[PetitionRow]) -> set[str]:
        """Those whose class has a closing rule that asks for more than the answer, which is not there."""
        table = self.rules.supervision
        classes = {row.petition_id: HandlingClass(row.handling_class) for row in rows}
        asked = [one for one in classes if closing.needs_more(table, classes[one], self.rows[one].state)]
        if not asked:
            return set()
        histories = read_histories(self.conn, self.privacy.vault, asked)
        return {one for one in asked if closing.lacks(table, classes[one], histories[one].steps, answered=True)}

    # ── members ──
    def _answer_members(self) -> None:
        """What answers a petition answers those that were merged into it (并单), and their no is a no to it."""
        said, self._said = self._said, []
        if any(row.members or row.merged_into for row, *_ in said):
            self.mirror(self, said)

    # ── writing ──
    def flush(self) -> None:
        """Write what was collected; may be called more than once."""
        self._answer_members()
        fresh = [row for row in self.rows.values() if row.fresh]
        dirty = [row for row in self.rows.values() if row.dirty and not row.fresh]
        if fresh:
            insert_rows(self.conn, petitions, [{name: getattr(row, name) for name in _ROW_FIELDS} for row in fresh])
        if dirty:
            update_rows(self.conn, petitions, "petition_id", [_changes(row) for row in dirty])
        for row in (*fresh, *dirty):
            row.fresh = row.dirty = False
        for table, rows in (
            (cross_references, self._references),
            (events, self._events),
            (conveyor, self._conveyor),
        ):
            insert_rows(self.conn, table, rows)
            rows.clear()
        join_packages(self.conn, self.now, self._packages)
        self._packages.clear()
        insert_rows(self.conn, journal_table, [journal.row(entry) for entry in self._journal])
        self._journal.clear()


_WAKE = (
    update(handoffs)
    .where(handoffs.c.handoff_id == bindparam("id"), handoffs.c.state == "waiting")
    .values(state="pending", wake_at=bindparam("wake"))
)
_UNFINISHED_OF = (
    select(handoffs.c.petition_id)
    .where(handoffs.c.petition_id.in_(bindparam("ids", expanding=True)), handoffs.c.state.in_(UNFINISHED))
    .distinct()
)
_UNROUTED_OF = (
    select(conveyor.c.petition_id)
    .where(conveyor.c.petition_id.in_(bindparam("ids", expanding=True)), conveyor.c.routed_at.is_(None))
    .distinct()
)


def _changes(row: PetitionRow) -> dict[str, Any]:
    changes: dict[str, Any] = {name: getattr(row, name) for name in _UPDATED}
    changes["petition_id"] = row.petition_id
    return changes


def _said_to_petitioner(row: PetitionRow, source: str, actor: str | None, messenger: str) -> bool:
    """Whether saying it was telling the petitioner: the petition's own system told its caller, the secretary told
    the citizen in person, or the petitioner said it."""
    return actor in ("owner", "petitioner") or (source == row.source and source != messenger)


def answered_by_delivery(row: PetitionRow, system: str, audience: str, told_petitioner: bool, messenger: str) -> bool:
    """Whether delivering an answer to `system` answered the petitioner: on their own WeChat, by the system where they
    asked, or, for someone WeChat cannot reach, by the owner secretary who now knows it."""
    if told_petitioner:
        return True
    if system != messenger:
        return system == row.source
    return not row.has_openid and "owner" in audience.split(",")


def ready_message(handoff: Row, now: int) -> Message:
    """The nudge for a hand-off row."""
    return handoff_message(
        handoff_id=handoff["handoff_id"],
        event_id=handoff["event_id"],
        petition_id=handoff["petition_id"],
        system=handoff["system"],
        event_type=handoff["event_type"],
        at=now,
        traceparent=None,
    )


def bus_data(row: PetitionRow, data: EventData, announce: Row | None = None) -> dict[str, Any]:
    """`schemas.event.BusData` as a dict: nothing by which the citizen can be known."""
    public: dict[str, Any] = {
        "kind": row.kind,
        "handling_class": row.handling_class,
        "urgency": row.urgency,
        "state": row.state,
        "petition_source": row.source,
        "region_code": row.region or None,
        "team_id": row.team_id,
        "unit": data.unit,
        "role": data.role,
        "level": data.level,
        "satisfaction": data.satisfaction,
        "due_at": data.due_at.isoformat() if data.due_at else None,
        **(announce or {}),
    }
    if data.units:
        public["units"] = [unit.model_dump(mode="json", exclude_none=True) for unit in data.units]
    return {key: value for key, value in public.items() if value is not None}


def stored_event_message(event: Row) -> Message:
    """The message of an event that is in the ledger already, as it was published first (for the watch)."""
    return event_message(
        event_id=event["event_id"],
        petition_id=event["petition_id"],
        sequence=event["sequence"],
        type_=event["type"],
        source=event["source"],
        occurred_at=event["occurred_at"],
        traceparent=event["traceparent"],
        data=orjson.loads(event["announced"]),
    )
