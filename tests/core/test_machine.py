"""Everything that can go wrong, in any order, on a virtual clock: the law holds after every step, and at the end every
petition has reached every system that must know it, once and in order.

The ledger is the real one (SQLite, with its writer thread). The broker is a list that duplicates, reorders, drops,
refuses and is wiped; the systems answer, fail, time out before and after they took the message, and answer too late;
workers die. Every step is one rule; hypothesis looks for the shortest history that breaks something.
"""

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import text

from bridge.adapter import Acknowledgement, Busy, OutboundError, Permanent, Receipt, Transient, Unknown
from bridge.bus.message import Message
from bridge.ledger.deliver import Leased
from bridge.ledger.migrate import migrate
from bridge.ledger.store import Store
from bridge.ledger.tables import metadata
from bridge.retry import DEFAULT_LADDER, Ladder, decide
from schemas.event import EventType
from schemas.petition import HandlingClass
from tests.support.ledgers import (
    CENTER,
    HOTLINE,
    OPENID,
    SYSTEMS,
    WECHAT,
    Bench,
    number,
    petition,
    ref,
    submission,
    update,
)

LADDER = Ladder.parse(DEFAULT_LADDER)
OWNERS = ("worker-a", "worker-b")
SAID = (EventType.ACCEPTED, EventType.SIGNED, EventType.PROGRESSED, EventType.REPLIED, EventType.CLOSED,
        EventType.URGED, EventType.RATED, EventType.REHANDLED, EventType.NOTED)  # fmt: skip
FATES = ("ok", "ok", "ok", "refused", "busy", "timeout before", "timeout after", "never", "dies before", "dies after",
         "late", "sends late")  # fmt: skip


@dataclass
class Outside:
    """A system as it is on its own side: what took effect there, by idempotency key, in the order it did."""

    effects: dict[str, Receipt] = field(default_factory=dict)
    order: list[tuple[str, int]] = field(default_factory=list)

    def take(self, leased: Leased) -> Receipt:
        handoff = leased.handoff
        key = str(handoff["handoff_id"])
        if key not in self.effects:
            self.order.append((handoff["petition_id"], handoff["sequence"]))
            own = number(f"{handoff['system']}-{len(self.order)}", handoff["system"], "case")
            opens = handoff["event_type"] in ("submitted", "reclassed")
            self.effects[key] = Receipt(
                f"R-{key}",
                (own,) if opens and handoff["system"] != WECHAT else (),
                holds=opens and handoff["system"] != WECHAT,
                told_petitioner="petitioner" in handoff["audience"],
            )
        return self.effects[key]


@dataclass(frozen=True)
class Late:
    """A worker that is still at it: `sent` False means that even the request is still to come."""

    leased: Leased
    owner: str
    sent: bool


class Machine(RuleBasedStateMachine):
    """One broker, three systems, two workers, one ledger."""

    store: Store

    def __init__(self) -> None:
        super().__init__()
        with self.store.writing() as conn:
            for table in metadata.sorted_tables:
                conn.execute(text(f"DELETE FROM {table.name}"))
        self.bench = Bench("", store=self.store)
        self.broker: list[Message] = []
        self.outside = {system: Outside() for system in SYSTEMS}
        self.late: list[Late] = []
        self.cases: list[tuple[str, str]] = []
        self.arrivals: list[tuple[object, str, str | None]] = []
        self.promised: list[str] = []
        self.said = 0

    # ── the front door ──
    @rule(
        source=st.sampled_from((WECHAT, WECHAT, HOTLINE, CENTER)),
        cls=st.sampled_from(list(HandlingClass)),
        reachable=st.booleans(),
        keep_a_promise=st.booleans(),
    )
    def submit(self, source: str, cls: HandlingClass, reachable: bool, keep_a_promise: bool) -> None:
        value = self.promised.pop() if keep_a_promise and self.promised else f"n{len(self.arrivals)}"
        draft = submission(
            f"s{len(self.arrivals)}",
            number(value, WECHAT),
            draft=petition(openid=OPENID if reachable else None, handling_class=cls),
            at=self.bench.clock.at,
            holder=None if source == WECHAT else source,
        )
        (outcome,) = self.bench.take(draft, system=source)
        assert outcome.status == "new"
        assert outcome.petition_id
        self.cases.append((outcome.petition_id, value))
        self.arrivals.append((draft, source, outcome.petition_id))

    @precondition(lambda self: self.cases)
    @rule(
        pick=st.integers(0, 99),
        type_=st.sampled_from(SAID),
        system=st.sampled_from(SYSTEMS),
        minutes=st.integers(-90, 0),
        actor=st.sampled_from((None, None, "owner", "petitioner")),
    )
    def say(self, pick: int, type_: EventType, system: str, minutes: int, actor: str | None) -> None:
        petition_id, value = self.cases[pick % len(self.cases)]
        self.said += 1
        at = self.bench.clock.at + timedelta(minutes=minutes)
        # Words of its own: the same words again would be an echo.
        draft = update(f"u{self.said}", type_, ref(value), at=at, actor=actor, text=f"第{self.said}句")
        (outcome,) = self.bench.take(draft, system=system)
        assert (outcome.status, outcome.petition_id) == ("event", petition_id)
        self.arrivals.append((draft, system, petition_id))

    @rule(type_=st.sampled_from(SAID), system=st.sampled_from(SYSTEMS))
    def speak_too_early(self, type_: EventType, system: str) -> None:
        self.said += 1
        value = f"promised{self.said}"
        (outcome,) = self.bench.take(update(f"u{self.said}", type_, ref(value), at=self.bench.clock.at), system=system)
        assert outcome.status == "kept"
        self.promised.append(value)

    @precondition(lambda self: self.arrivals)
    @rule(pick=st.integers(0, 999))
    def repeat(self, pick: int) -> None:
        draft, system, petition_id = self.arrivals[pick % len(self.arrivals)]
        (outcome,) = self.bench.take(draft, system=system)  # type: ignore[arg-type]
        assert (outcome.status, outcome.petition_id) == ("duplicate", petition_id)

    # ── the broker ──
    @precondition(lambda self: self.bench.published)
    @rule(fate=st.sampled_from(("confirmed", "confirmed", "confirm lost", "refused", "twice")), count=st.integers(1, 9))
    def relay(self, fate: str, count: int) -> None:
        taken, self.bench.published[:] = self.bench.published[:count], self.bench.published[count:]
        if fate == "refused":
            return
        self.broker += taken * (2 if fate == "twice" else 1)
        if fate != "confirm lost":
            self._confirm(taken)

    def _confirm(self, messages: list[Message]) -> None:
        self.bench.confirm(
            [message.id for message in messages if message.channel == "event"],
            [message.id for message in messages if message.channel == "handoff"],
        )

    @precondition(lambda self: self.broker)
    @rule()
    def wipe(self) -> None:
        self.broker.clear()

    @precondition(lambda self: self.broker)
    @rule(pick=st.integers(0, 999), fate=st.sampled_from(FATES), owner=st.sampled_from(OWNERS), again=st.booleans())
    def consume(self, pick: int, fate: str, owner: str, again: bool) -> None:
        """Any message, not the first; `again`: it was not acked and comes once more."""
        at = pick % len(self.broker)
        message = self.broker[at] if again else self.broker.pop(at)
        if message.channel == "event":
            self.bench.route(message.id)
        else:
            self._deliver(message.id, fate, owner)

    # ── workers and systems ──
    def _deliver(self, handoff_id: str, fate: str, owner: str) -> None:
        leased = self.bench.lease(handoff_id, owner=owner)
        if leased is None:
            return
        outside = self.outside[leased.handoff["system"]]
        if leased.handoff["ask_first"] and handoff_id in outside.effects:
            self._settle(leased, owner, outside.effects[handoff_id])
            return
        match fate:
            case "ok":
                self._settle(leased, owner, outside.take(leased))
            case "late":
                outside.take(leased)
                self.late.append(Late(leased, owner, sent=True))
            case "sends late":
                self.late.append(Late(leased, owner, sent=False))
            case "dies before":
                pass
            case "dies after":
                outside.take(leased)
            case "timeout after":
                outside.take(leased)
                self._fail(leased, owner, Unknown("timeout"))
            case "timeout before":
                self._fail(leased, owner, Unknown("timeout"))
            case "busy":
                self._fail(leased, owner, Busy("http_429", 200))
            case "never":
                self._fail(leased, owner, Permanent("bad_region"))
            case _:
                self._fail(leased, owner, Transient("refused"))

    def _fail(self, leased: Leased, owner: str, error: OutboundError) -> None:
        handoff = leased.handoff
        verdict = decide(error, handoff["attempts"] - handoff["ladder_from"], LADDER, random.Random(1))
        assert self.bench.settle(self.bench.settlement(leased, verdict, owner))

    def _settle(self, leased: Leased, owner: str, receipt: Receipt) -> None:
        self.bench.settle(self.bench.settlement(leased, receipt, owner))

    @precondition(lambda self: self.late)
    @rule(pick=st.integers(0, 99))
    def answer_late(self, pick: int) -> None:
        one = self.late.pop(pick % len(self.late))
        self._settle(one.leased, one.owner, self.outside[one.leased.handoff["system"]].take(one.leased))

    @precondition(lambda self: any(outside.effects for outside in self.outside.values()))
    @rule(pick=st.integers(0, 999), arrived=st.booleans())
    def acknowledge(self, pick: int, arrived: bool) -> None:
        """The system tells the fate of a message later, or before its receipt is known here."""
        done = [
            (system, receipt.number) for system, outside in self.outside.items() for receipt in outside.effects.values()
        ]
        system, receipt_number = done[pick % len(done)]
        self.said += 1
        failure = None if arrived or system != WECHAT else "user_refused"
        self.bench.take(Acknowledgement(f"a{self.said}", receipt_number, failure), system=system)

    # ── operators and time ──
    @precondition(lambda self: self._unfinished("parked", "retrying", "unknown"))
    @rule(pick=st.integers(0, 99))
    def replay(self, pick: int) -> None:
        ids = self._unfinished("parked", "retrying", "unknown")
        assert self.bench.order("replay", ids[pick % len(ids)]).result == "done"

    @precondition(lambda self: self._unfinished("parked", "waiting"))
    @rule(pick=st.integers(0, 99))
    def cancel(self, pick: int) -> None:
        ids = self._unfinished("parked", "waiting")
        assert self.bench.order("cancel", ids[pick % len(ids)]).result == "done"

    @rule(seconds=st.sampled_from((1, 12, 61, 300)), limit=st.sampled_from((1, 500)))
    def time_passes(self, seconds: int, limit: int) -> None:
        self.bench.clock.turn(seconds)
        while self.bench.due(limit):
            pass

    @rule()
    def restart(self) -> None:
        """The embedded bridge stops and starts: its conveyor is gone, its leases are void."""
        self.broker.clear()
        self.bench.published.clear()
        self.bench.do(self.bench.ledger.wake_all(owners_gone=True))
        self.bench.due()

    def _unfinished(self, *states: str) -> list[str]:
        rows = self.bench.rows("SELECT handoff_id, state FROM handoffs ORDER BY handoff_id")
        return [row["handoff_id"] for row in rows if row["state"] in states]

    # ── what always holds ──
    @invariant()
    def the_law(self) -> None:
        law = self.bench.law()
        assert law.holds, law
        assert law.accepted == len(self.cases)

    @invariant()
    def one_of_a_lane_at_a_time(self) -> None:
        query = (
            "SELECT petition_id, system FROM handoffs WHERE state IN ('pending', 'queued', 'sending')"
            " GROUP BY petition_id, system HAVING count(*) > 1"
        )
        assert self.bench.rows(query) == []

    # ── and what holds in the end ──
    def teardown(self) -> None:
        try:
            self._drain()
            self._compare()
        finally:
            self.bench.close()

    def _drain(self) -> None:
        """From now on all goes well."""
        for _ in range(400):
            for one in self.late:
                self._settle(one.leased, one.owner, self.outside[one.leased.handoff["system"]].take(one.leased))
            self.late.clear()
            for handoff_id in self._unfinished("parked"):
                self.bench.order("replay", handoff_id)
            messages, self.broker = [*self.broker, *self.bench.published], []
            self.bench.published.clear()
            self._confirm(messages)
            if events := [message.id for message in messages if message.channel == "event"]:
                self.bench.route(*events)
            for message in messages:
                if message.channel == "handoff":
                    self._deliver(message.id, "ok", OWNERS[0])
            self.the_law()
            if not messages:
                busy = self.bench.rows("SELECT 1 FROM conveyor") or self._unfinished(
                    "pending", "queued", "waiting", "sending", "retrying", "unknown", "parked"
                )
                if not busy:
                    return
                self.bench.clock.turn(300)
                self.bench.due()
        raise AssertionError(f"never done: {self.bench.rows('SELECT * FROM handoffs')}")

    def _compare(self) -> None:
        """The ledger's view against each system's own."""
        handoffs = self.bench.rows("SELECT * FROM handoffs")
        assert {row["state"] for row in handoffs} <= {"delivered", "acknowledged", "cancelled"}
        for system, outside in self.outside.items():
            due = {row["handoff_id"] for row in handoffs if row["system"] == system and row["state"] != "cancelled"}
            assert due <= set(outside.effects), "a system was never told"
            assert len(outside.order) == len(set(outside.order)), "told twice"
            for petition_id in {petition_id for petition_id, _ in outside.order}:
                sequences = [sequence for of, sequence in outside.order if of == petition_id]
                assert sequences == sorted(sequences), f"{system} was told out of order"
        for petition_id, _ in self.cases:
            assert [row["sequence"] for row in self.bench.events(petition_id)] == list(
                range(1, self.bench.petition(petition_id)["last_sequence"] + 1)
            )
        waiting = {row["value"] for row in self.bench.rows("SELECT value FROM kept_references WHERE kind <> 'receipt'")}
        assert waiting == set(self.promised), "kept news was not matched, or was matched with nothing"


@pytest.fixture(scope="module", autouse=True)
def _store() -> Iterator[None]:
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    Machine.store = Store(f"sqlite:///{folder / 'machine.db'}")
    migrate(Machine.store)
    yield
    Machine.store.close()
    shutil.rmtree(folder)


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=20,
    stateful_step_count=40,
    deadline=None,
    # Shortening a failing history takes minutes: `BRIDGE_TEST_SHRINK=1` when somebody wants to read it.
    phases=set(Phase) - (set() if os.environ.get("BRIDGE_TEST_SHRINK") else {Phase.shrink, Phase.explain}),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
