"""Messages that came before what they are about: kept, and matched when a number or a receipt becomes known.

Shared by `accept` and `settle`, because both learn numbers.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

import orjson
from pydantic import TypeAdapter
from sqlalchemy import bindparam, case, delete, select, update

from bridge import ids
from bridge.adapter import Acknowledgement, Outcome, Update
from bridge.clock import to_ms
from bridge.ledger.parts import of_its_part
from bridge.ledger.same import echo_key
from bridge.ledger.tables import Row, cross_references, handoffs, kept_references, messages
from bridge.ledger.work import PetitionRow, Work
from bridge.lifecycle import SIGNS
from schemas.petition import ExternalId

ANY: Final = ""
"""The kind of a number that is waited for under any kind."""

RECEIPT_KIND: Final = "receipt"
"""The kind under which receipt numbers are waited for, and further receipts remembered."""

WAITING: TypeAdapter[Update | Acknowledgement] = TypeAdapter(Update | Acknowledgement)
"""How a kept draft is written down."""


def seal_waiting(work: Work, message_id: str, draft: Update | Acknowledgement) -> str:
    """The draft as it is kept in `messages.draft`."""
    return work.privacy.vault.seal_text(f"messages.draft:{message_id}", WAITING.dump_json(draft).decode())


def _open_waiting(work: Work, message: Row) -> Update | Acknowledgement:
    opened = work.privacy.vault.open_text(f"messages.draft:{message['message_id']}", message["draft"])
    return WAITING.validate_json(opened)


class KeptNews:
    """The news that an accept batch may be the answer to: kept earlier, or kept a moment ago in this very batch."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._fetched: set[str] = set()
        self._stored: dict[str, tuple[Row, Update]] = {}
        self._waits: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self.added: list[tuple[dict[str, Any], Update | Acknowledgement]] = []

    def fetch(self, values: Iterable[str]) -> None:
        """Look up, in one go, what waits for any of these numbers."""
        wanted = sorted(set(values) - self._fetched)
        self._fetched.update(wanted)
        rows = self._work.conn.execute(_WAITING_FOR, {"values": wanted}).mappings().all() if wanted else []
        found = {row["message_id"] for row in rows} - self._stored.keys()
        if found:
            for message in self._work.conn.execute(_KEPT_MESSAGES, {"ids": sorted(found)}).mappings():
                draft = _open_waiting(self._work, message)
                if isinstance(draft, Update):
                    self._stored[message["message_id"]] = (message, draft)
        for row in rows:
            self._waits.setdefault((row["system"], row["value"]), []).append((row["kind"], row["message_id"]))

    def add(self, message: dict[str, Any], draft: Update | Acknowledgement) -> None:
        """Keep this one too."""
        self.added.append((message, draft))

    def waiting_for(self, number: tuple[str, str, str]) -> list[tuple[Row, Update]]:
        """What waits for this number, in the order in which it came."""
        system, kind, value = number
        self.fetch([value])
        waiting = self._waits.get((system, value), ())
        ids_ = sorted({message_id for wanted, message_id in waiting if wanted in (kind, ANY)} & self._stored.keys())
        fresh = [
            (message, draft)
            for message, draft in self.added
            if isinstance(draft, Update)
            and any((ref.system, ref.value) == (system, value) and ref.kind in (kind, None) for ref in draft.refs)
        ]
        return [self._stored[message_id] for message_id in ids_] + fresh

    def matched(self, message: Row, outcome: Outcome) -> None:
        """This one waits no more."""
        message_id = message["message_id"]
        if message_id in self._stored:
            del self._stored[message_id]
            mark_matched(self._work, message_id, outcome)
            return
        self.added = [(row, draft) for row, draft in self.added if row["message_id"] != message_id]
        fresh = {"status": "taken", "draft": None, "petition_id": outcome.petition_id, "event_id": outcome.event_id}
        cast(dict[str, Any], message).update(fresh, receipt=outcome.receipt)


_WAITING_FOR = select(kept_references).where(kept_references.c.value.in_(bindparam("values", expanding=True)))
_KEPT_MESSAGES = select(messages).where(
    messages.c.message_id.in_(bindparam("ids", expanding=True)), messages.c.status == "kept"
)


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
        .order_by(messages.c.message_id)
    ).mappings()
    return [
        (row, _open_waiting(work, row), work.rows[waiting[row["message_id"]]])
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
    data, of_part = of_its_part(work, row, draft.type, draft.actor, draft.data)
    receipt = work.record(
        row,
        event_id=event,
        type_=draft.type,
        source=system,
        occurred_at=to_ms(draft.occurred_at),
        data=data,
        actor=draft.actor,
        traceparent=traceparent,
        echo_key=echo_key(work, draft),
        of_part=of_part,
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
    while numbers:
        learnt: dict[tuple[str, str, str], str] = {}
        for message, draft, row in kept_for(work, numbers):
            if isinstance(draft, Acknowledgement):
                fates.append((message, draft, row))
                continue
            mark_matched(work, message["message_id"], record_update(work, message["system"], draft, row, None))
            if draft.type in SIGNS:
                signed.add((row.petition_id, message["system"]))
            learnt |= {(number.system, number.kind, number.value): row.petition_id for number in draft.external_ids}
        # What was kept may itself bring the number that other kept messages wait for.
        numbers = learn(work, learnt)
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
        another = bool(fate.another_way) and _try_another_way(work, handoff_id, fate)
        what, outcome, level = "handoff.failed" if another else "handoff.parked", fate.failure, "warning"
        if not another:
            work.conn.execute(_NOT_ARRIVED, one)
        if row.answered_by == f"handoff:{handoff_id}":
            # What proved the answer did not arrive after all: the petition is open again.
            row.answered_by, row.closed_at, row.dirty = None, None, True
            row.look_at = work.now
    work.note(what, row.petition_id, level=level, handoff_id=handoff_id, from_=system, to="bridge", outcome=outcome,
              receipt=fate.receipt)  # fmt: skip


def _try_another_way(work: Work, handoff_id: str, fate: Acknowledgement) -> bool:
    """Send it again at once, told what failed; False where it is not delivered (any more)."""
    query = select(handoffs).where(
        handoffs.c.handoff_id == handoff_id, handoffs.c.state.in_(("delivered", "acknowledged"))
    )
    found = work.conn.execute(query.with_for_update()).mappings().first()
    if found is None:
        return False
    earlier = orjson.loads(found["progress"]) if found["progress"] else {}
    progress = orjson.dumps({**earlier, **fate.another_way}).decode()
    wake = work.now + work.patience.publish_ms
    work.conn.execute(
        _ANOTHER_WAY,
        {"id": handoff_id, "wake": wake, "base": found["attempts"], "told": progress, "why": fate.failure},
    )
    work.ready(found)
    return True


_ANOTHER_WAY = (
    update(handoffs)
    .where(handoffs.c.handoff_id == bindparam("id"))
    .values(
        state="pending",
        wake_at=bindparam("wake"),
        ladder_from=bindparam("base"),
        progress=bindparam("told"),
        reason=bindparam("why"),
        acknowledged_at=None,
        acknowledge_by=None,
        ask_first=False,
        publishes=0,
    )
)
_ACKNOWLEDGE = (
    update(handoffs)
    .where(handoffs.c.handoff_id == bindparam("id"), handoffs.c.acknowledged_at.is_(None))
    .values(
        acknowledged_at=bindparam("at"),
        acknowledge_by=None,
        state=case((handoffs.c.state == "delivered", "acknowledged"), else_=handoffs.c.state),
    )
)
_NOT_ARRIVED = (
    update(handoffs)
    .where(handoffs.c.handoff_id == bindparam("id"), handoffs.c.state.in_(("delivered", "acknowledged")))
    .values(state="parked", reason=bindparam("reason"), wake_at=None)
)
