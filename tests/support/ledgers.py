"""A ledger on a bench: the real writer thread, a clock turned by hand, and whatever it publishes collected."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import text

from bridge.adapter import Acknowledgement, Draft, Outcome, Receipt, Ref, Submission, Update
from bridge.bus.message import Message
from bridge.clock import to_ms
from bridge.conservation import Conservation
from bridge.house import HouseRules
from bridge.ledger.accept import Arrival
from bridge.ledger.deliver import Leased, Release, Settlement
from bridge.ledger.keep import Kept, Replayed
from bridge.ledger.ledger import Ledger
from bridge.ledger.operate import Order, Verdict
from bridge.ledger.store import Store
from bridge.lookup import Lookup
from bridge.privacy import Privacy
from bridge.retry import Park, Retry
from bridge.routing import Facts, Route, Routes
from bridge.vault import Vault, VaultKey
from schemas.event import EventData, EventType
from schemas.petition import ExternalId, HandlingClass, PetitionDraft, Petitioner, Secretary

T = TypeVar("T")

HOTLINE, CENTER, WECHAT = "hotline12345", "governance_center", "wechat"
SYSTEMS = (HOTLINE, CENTER, WECHAT)
START = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
"""Ten in the morning in the city."""

OPENID = "oABCD-1234567890abcdefghijklm"
PRIVACY = Privacy(Vault([VaultKey("k1-test", "AES-256-GCM", b"v" * 32)]), Lookup(b"k" * 32))
DUTY = Secretary(id="duty", name="值班书记", team_id="team-9")
WAIT = 30.0

SPEAKS = {system: frozenset(EventType) - {EventType.UNKNOWN} for system in SYSTEMS}
ROUTES = Routes.load(None, SPEAKS, WECHAT)
"""The built-in table over systems that can be told everything."""


class Clock:
    """Stands still until a test turns it. The tests' events happen in the hours before."""

    def __init__(self, at: datetime = START + timedelta(hours=2)) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    @property
    def ms(self) -> int:
        return to_ms(self.at)

    def turn(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


# ── drafts ──────────────────────────────────────────────────────────────────────────────────────────────────


def number(value: str, system: str = WECHAT, kind: str = "external_id") -> ExternalId:
    return ExternalId(system=system, kind=kind, value=value)


def petition(content: str = "路灯不亮", openid: str | None = OPENID, **fields: Any) -> PetitionDraft:
    person = Petitioner(name="徐某某", phone="13900001234", openid=openid)
    return PetitionDraft(**{"content": content, "petitioner": person, "title": "路灯", **fields})


def submission(
    key: str = "m1",
    *numbers: ExternalId,
    draft: PetitionDraft | None = None,
    at: datetime = START,
    again: Update | None = None,
    holder: str | None = None,
    actor: str | None = None,
) -> Submission:
    return Submission(key, draft or petition(), numbers or (number(key),), at, again, holder, actor)


def update(
    key: str,
    type_: EventType,
    *refs: Ref,
    at: datetime = START,
    actor: str | None = None,
    numbers: Sequence[ExternalId] = (),
    **data: Any,
) -> Update:
    # That it is over is an answer only with a word about what was done; who wants none says so (text=None).
    said = {"text": "已办结", **data} if type_ is EventType.CLOSED else data
    return Update(key, refs, type_, EventData(**said), at, tuple(numbers), actor)


def ref(value: str, system: str = WECHAT, kind: str | None = "external_id") -> Ref:
    return Ref(system, value, kind)


def arrival(
    *drafts: Draft, system: str = WECHAT, nonce: str | None = None, at: datetime = START, body: bytes = b"{}"
) -> Arrival:
    return Arrival(system, "/in/test", to_ms(at), "application/json", body, drafts, nonce)


# ── the bench ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Case:
    """A petition that was taken in, with the number by which its source knows it."""

    id: str
    event_id: str
    number: ExternalId

    @property
    def ref(self) -> Ref:
        return Ref(self.number.system, self.number.value, self.number.kind)


class Bench:
    """One process's ledger. What a test does goes through `Ledger`; `rows` and `sql` look and meddle behind it."""

    def __init__(
        self,
        url: str,
        clock: Clock | None = None,
        decide: Callable[[Facts], Route] | None = None,
        owner: str = "w1",
        store: Store | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.owner = owner
        self.published: list[Message] = []
        self.store = store or Store(url)
        # Most tests bring one petition again and again: which are the same is a matter for the tests of that.
        self.house = house = HouseRules(ROUTES, DUTY, duplicate_days=0.0)
        self.privacy = PRIVACY
        self.ledger = Ledger(
            self.store, PRIVACY, self.clock, house, decide or ROUTES.route, self.published.extend, WECHAT
        )
        self.ledger.start()
        self._loop = asyncio.Runner()
        self._keys = 0

    def raw(self, message: Any) -> bytes:
        """The bytes of a row of `messages` as they came in."""
        return self.privacy.vault.open_bytes(f"messages.body:{message['message_id']}", bytes(message["body"]))

    def close(self) -> None:
        self.ledger.stop()
        self._loop.close()

    def do(self, work: Coroutine[Any, Any, T], seconds: float = WAIT) -> T:
        """One verb, answered after COMMIT."""

        async def within() -> T:
            return await asyncio.wait_for(work, seconds)

        return self._loop.run(within())

    def together(self, *work: Awaitable[Any]) -> list[Any]:
        """All of these in one batch of the writer: it is held until every request waits. Exceptions are returned."""

        async def within() -> list[Any]:
            with self.held():
                tasks = [asyncio.ensure_future(one) for one in work]
                # Each task runs up to its first wait, which is the one for the writer.
                await asyncio.sleep(0)
            return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), WAIT)

        return self._loop.run(within())

    @contextmanager
    def held(self) -> Iterator[None]:
        """The writer thread does nothing inside this block; what is asked meanwhile waits together."""
        entered, go = threading.Event(), threading.Event()

        def gate(_work: Any, items: Sequence[None]) -> list[None]:
            entered.set()
            go.wait(WAIT)
            return [None] * len(items)

        self.ledger._writer.ask_later(gate, None)
        assert entered.wait(WAIT)
        try:
            yield
        finally:
            go.set()

    # ── the front door ──
    def take(self, *drafts: Draft, system: str = WECHAT, nonce: str | None = None) -> list[Outcome]:
        """One arrival with these drafts."""
        outcomes = self.do(self.ledger.accept(arrival(*drafts, system=system, nonce=nonce, at=self.clock.at)))
        assert not isinstance(outcomes, Replayed)
        return outcomes

    def keep(self, status: str = "malformed", key: str | None = None, nonce: str | None = None) -> Replayed | None:
        kept = Kept(WECHAT, "/in/test", self.clock.ms, "text/plain", b"?", status, "not understood", key, nonce)
        return self.do(self.ledger.keep(kept))

    def submit(
        self,
        system: str = WECHAT,
        cls: HandlingClass | None = HandlingClass.HOTLINE_TRANSFER,
        *,
        holder: str | None = None,
        openid: str | None = OPENID,
        actor: str | None = None,
    ) -> Case:
        """A fresh petition, with a message key and a number of its own."""
        key = self._key()
        given = number(f"n-{key}", system)
        draft = petition(openid=openid, handling_class=cls)
        (outcome,) = self.take(
            submission(key, given, draft=draft, at=min(START, self.clock.at), holder=holder, actor=actor), system=system
        )
        assert outcome.status == "new"
        assert outcome.petition_id
        assert outcome.event_id
        return Case(outcome.petition_id, outcome.event_id, given)

    def say(
        self, case: Case, type_: EventType, system: str = WECHAT, *, at: datetime | None = None, **more: Any
    ) -> str:
        """An event about this petition; its id."""
        said = update(self._key(), type_, Ref(petition_id=case.id), at=at or self.clock.at, **more)
        (outcome,) = self.take(said, system=system)
        assert outcome.status == "event", outcome
        assert outcome.event_id
        return outcome.event_id

    def acknowledge(self, receipt: str, system: str, failure: str | None = None) -> Outcome:
        return self.take(Acknowledgement(self._key(), receipt, failure), system=system)[0]

    def _key(self) -> str:
        self._keys += 1
        return f"{self.owner}-{self._keys}"

    # ── the conveyor ──
    def route(self, *event_ids: str) -> int:
        """These events as they come from the conveyor, together."""
        with self.held():
            futures = [self.ledger.route_later(event_id) for event_id in event_ids]
        return max(future.result(WAIT) for future in futures)

    def route_all(self) -> None:
        """Every event that nobody has routed yet."""
        if ids := [row["event_id"] for row in self.rows("SELECT event_id FROM conveyor WHERE routed_at IS NULL")]:
            self.route(*ids)

    def confirm(self, events: Sequence[str] = (), handoffs: Sequence[str] = ()) -> None:
        self.ledger.confirm_later(list(events), list(handoffs)).result(WAIT)

    def due(self, limit: int = 500) -> int:
        return self.do(self.ledger.due(limit))

    def judge(self, limit: int = 500) -> int:
        """The rules look at what their time has come for."""
        return self.do(self.ledger.judge(limit))

    def drained(self, channel: str) -> list[str]:
        """Ids published on this channel since the last look, in order."""
        ids = [message.id for message in self.published if message.channel == channel]
        self.published[:] = [message for message in self.published if message.channel != channel]
        return ids

    # ── delivery ──
    def lease(self, handoff_id: str, seconds: int = 60, owner: str | None = None) -> Leased | None:
        return self.do(self.ledger.lease(handoff_id, owner or self.owner, seconds))

    def leased(self, handoff_id: str, seconds: int = 60, owner: str | None = None) -> Leased:
        found = self.lease(handoff_id, seconds, owner)
        assert found is not None, self.handoff(handoff_id)
        return found

    def settle(self, settlement: Settlement) -> bool:
        return self.do(self.ledger.settle(settlement))

    def settlement(
        self,
        leased: Leased,
        verdict: Receipt | Retry | Park | Release,
        owner: str | None = None,
        progress: dict[str, str] | None = None,
    ) -> Settlement:
        handoff = leased.handoff
        return Settlement(
            handoff["handoff_id"], owner or self.owner, handoff["attempts"], self.clock.ms, 7, verdict, progress or {}
        )

    def send(self, handoff_id: str, verdict: Receipt | Retry | Park | Release, owner: str | None = None) -> bool:
        """Lease it and settle it with this verdict."""
        return self.settle(self.settlement(self.leased(handoff_id, owner=owner), verdict, owner))

    def deliver(self, case: Case, system: str, **receipt: Any) -> str:
        """The first unfinished hand-off of this lane arrives; its id."""
        head = next(
            row for row in self.lane(case, system) if row["state"] not in ("delivered", "acknowledged", "cancelled")
        )
        handoff_id = str(head["handoff_id"])
        assert self.send(handoff_id, Receipt(**{"number": f"R-{handoff_id[:8]}", **receipt}))
        return handoff_id

    def order(self, action: str, handoff_id: str, *, dry_run: bool = False) -> Verdict:
        return self.do(self.ledger.operate(Order(action, handoff_id, "ops", "because", dry_run)))

    # ── looking ──
    def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        with self.store.reading() as conn:
            return [dict(row) for row in conn.execute(text(query), values).mappings()]

    def row(self, query: str, **values: Any) -> dict[str, Any]:
        (row,) = self.rows(query, **values)
        return row

    def sql(self, statement: str, **values: Any) -> None:
        """Break something behind the ledger's back."""
        with self.store.writing() as conn:
            conn.execute(text(statement), values)

    def petition(self, case: Case | str) -> dict[str, Any]:
        return self.row(
            "SELECT * FROM petitions WHERE petition_id = :id", id=case if isinstance(case, str) else case.id
        )

    def handoff(self, handoff_id: str) -> dict[str, Any]:
        return self.row("SELECT * FROM handoffs WHERE handoff_id = :id", id=handoff_id)

    def lane(self, case: Case, system: str) -> list[dict[str, Any]]:
        """The hand-offs of one petition to one system, in order."""
        query = "SELECT * FROM handoffs WHERE petition_id = :id AND system = :system ORDER BY sequence"
        return self.rows(query, id=case.id, system=system)

    def states(self, case: Case, system: str) -> list[str]:
        return [row["state"] for row in self.lane(case, system)]

    def head(self, case: Case, system: str) -> str:
        """The id of the lane's first hand-off."""
        return str(self.lane(case, system)[0]["handoff_id"])

    def events(self, petition_id: str) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM events WHERE petition_id = :id ORDER BY sequence", id=petition_id)

    def trail(self, petition_id: str) -> list[str]:
        query = "SELECT what FROM journal WHERE petition_id = :id ORDER BY entry_id"
        return [row["what"] for row in self.rows(query, id=petition_id)]

    def attempts(self, handoff_id: str) -> list[tuple[int, str, str | None]]:
        query = "SELECT attempt, outcome, code FROM attempts WHERE handoff_id = :id ORDER BY attempt"
        return [(row["attempt"], row["outcome"], row["code"]) for row in self.rows(query, id=handoff_id)]

    def law(self) -> Conservation:
        return self.do(self.ledger.conservation())

    def place(self) -> dict[str, int]:
        """Where the petitions are, the empty places left out; the law must hold."""
        law = self.law()
        assert law.holds, law
        return {name: n for name in ("closed", "held", "in_flight", "parked") if (n := getattr(law, name))}
