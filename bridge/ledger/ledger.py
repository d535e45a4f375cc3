"""The ledger as the rest of the bridge sees it: its verbs, each answered after COMMIT, and its reads."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from bridge.adapter import Bind, Outcome
from bridge.bus.message import Message
from bridge.clock import Now, to_ms
from bridge.conservation import Conservation, conservation
from bridge.ledger import accept as accepting
from bridge.ledger import (
    counting,
    deliver,
    digests,
    due,
    judge,
    keep,
    leases,
    notices,
    operate,
    owner,
    reconciling,
    roster,
    route,
    seal,
)
from bridge.ledger import erase as erasing
from bridge.ledger import merge as merging
from bridge.ledger.accept import Arrival, House
from bridge.ledger.erase import Erased, Erasure
from bridge.ledger.keep import Kept, Replayed
from bridge.ledger.store import Store, unreachable
from bridge.ledger.work import Work
from bridge.ledger.writer import LedgerAway, Writer
from bridge.patience import Patience
from bridge.privacy import Privacy
from bridge.roster import Bound
from bridge.rules.book import RuleBook
from bridge.rules.notice import Notice

T = TypeVar("T")


class Ledger:
    """One per process. Methods ending in `_later` are for threads and return a future; the others await."""

    def __init__(
        self,
        store: Store,
        privacy: Privacy,
        now: Now,
        house: House,
        decide: route.Decide,
        publish: Callable[[list[Message]], None],
        messenger: str = "wechat",
        patience: Patience | None = None,
        rules: RuleBook | None = None,
    ) -> None:
        self.rules = rules or RuleBook.load()
        self.store = store
        self.privacy = privacy
        self._now = now
        self._writer = Writer(store, privacy, now, publish, messenger, patience, self.rules)

        # A verb is recognised by its identity, so each is bound once.
        def accept_(work: Work, arrivals: Sequence[Arrival]) -> Sequence[list[Outcome] | Replayed]:
            return accepting.accept(work, house, arrivals)

        def route_(work: Work, event_ids: Sequence[str]) -> Sequence[int]:
            return [route.route(work, decide, event_ids)] * len(event_ids)

        def inherit_(work: Work, limits: Sequence[int]) -> Sequence[int]:
            return owner.inherit(work, house.duty, limits)

        self._accept = accept_
        self._route = route_
        self._inherit = inherit_

    def start(self) -> None:
        self._writer.start()

    def stop(self) -> None:
        self._writer.stop()
        self.store.close()

    # ── the front door ──
    async def accept(self, arrival: Arrival) -> list[Outcome] | Replayed:
        return await self._writer.ask(self._accept, arrival)

    async def keep(self, kept: Kept) -> Replayed | None:
        return await self._writer.ask(keep.keep, kept)

    async def refuse(self, system: str, reason: str) -> None:
        await self._writer.ask(keep.refuse, (system, reason))

    async def use_nonce(self, system: str, nonce: str) -> bool:
        """Whether the nonce is new; it is remembered."""
        return await self._writer.ask(keep.use_nonces, (system, nonce))

    # ── the conveyor ──
    def route_later(self, event_id: str) -> "Future[int]":
        return self._writer.ask_later(self._route, event_id)

    def confirm_later(self, event_ids: Sequence[str], handoff_ids: Sequence[str]) -> "Future[None]":
        return self._writer.ask_later(_confirm, (event_ids, handoff_ids))

    # ── delivery ──
    async def lease(self, handoff_id: str, owner: str, seconds: float) -> deliver.Leased | None:
        return await self._writer.ask(deliver.lease, (handoff_id, owner, seconds))

    async def extend(self, handoff_id: str, owner: str, seconds: float) -> None:
        await self._writer.ask(deliver.extend, (handoff_id, owner, seconds))

    async def settle(self, settlement: deliver.Settlement) -> bool:
        return await self._writer.ask(deliver.settle, settlement)

    # ── the watch ──
    async def due(self, limit: int, *, conveyor_runs: bool = True) -> int:
        return await self._writer.ask(due.due, (limit, conveyor_runs))

    async def judge(self, limit: int) -> int:
        """How many petitions the rules looked at; as many as `limit`: there may be more."""
        return await self._writer.ask(judge.judge, limit)

    async def gather(self, since: int) -> int:
        return await self._writer.ask(counting.gather, since)

    async def inherit(self, limit: int) -> int:
        return await self._writer.ask(self._inherit, limit)

    async def free_lanes(self, limit: int) -> int:
        return await self._writer.ask(due.free_lanes, limit)

    async def wake_all(self, owners_gone: bool) -> None:
        await self._writer.ask(due.wake_all, owners_gone)

    # ── the roster ──
    async def bind(self, request: Bind) -> Bound:
        return await self._writer.ask(roster.bind, (request.code, request.openid))

    # ── reconciliation ──
    async def hand_over_again(self, wanted: reconciling.Again) -> str | None:
        return await self._writer.ask(reconciling.hand_over_again, wanted)

    async def keep_report(self, kept: reconciling.Kept) -> None:
        await self._writer.ask(reconciling.keep_reports, kept)

    # ── operators ──
    async def operate(self, order: operate.Order) -> operate.Verdict:
        return await self._writer.ask(operate.operate, order)

    async def merge(self, order: merging.Merging) -> merging.Merged:
        return await self._writer.ask(merging.merge, order)

    async def hand_over_owner(self, order: owner.HandOver) -> owner.HandedOver:
        return await self._writer.ask(owner.hand_over_owner, order)

    async def load_notice(self, notice: Notice, operator: str) -> notices.Loaded:
        return await self._writer.ask(notices.load_notice, (notice, operator))

    async def seal_digest(self, sealing: digests.Sealing) -> bool:
        """Whether the month was sealed now."""
        return await self._writer.ask(digests.seal, sealing)

    async def erase(self, order: Erasure) -> Erased:
        return await self._writer.ask(erasing.erase, order)

    async def note(self, what: str, fields: dict[str, Any]) -> None:
        """A journal entry that belongs to no case (`operator.*`, `pii.read`, …)."""
        await self._writer.ask(_note, (what, fields))

    # ── the witness ──
    async def unsealed(self, limit: int) -> list[seal.Unsealed]:
        return await self._writer.ask(seal.unsealed, limit)

    async def unsealed_bodies(self, entry_ids: Sequence[int]) -> dict[int, str]:
        return await self._writer.ask(seal.unsealed_bodies, entry_ids)

    async def mark_sealed(self, sealed: seal.Seal) -> None:
        await self._writer.ask(seal.mark_sealed, sealed)

    async def frontier(self) -> tuple[bytes, int] | None:
        return await self._writer.ask(seal.frontier, None)

    async def unsealed_count(self) -> int:
        return await self._writer.ask(seal.unsealed_count, None)

    async def sealed_between(self, first: int, last: int) -> list[tuple[int, seal.Unsealed]]:
        return await self._writer.ask(seal.sealed_between, (first, last))

    async def hold(self, name: str, owner: str, seconds: float) -> bool:
        """Whether this owner alone has the work called `name`, for so many seconds."""
        return await self._writer.ask(leases.hold, (name, owner, seconds))

    # ── reads ──
    async def read(self, query: Callable[[Connection], T]) -> T:
        """`query(connection)` in one snapshot, off the loop."""
        return await asyncio.to_thread(self.read_now, query)

    def read_now(self, query: Callable[[Connection], T]) -> T:
        """Raises `LedgerAway` when the database cannot be reached."""
        try:
            with self.store.reading() as conn:
                return query(conn)
        except DBAPIError as error:
            if unreachable(error):
                raise LedgerAway(type(error).__name__) from error
            raise

    async def conservation(self) -> Conservation:
        return await self.read(lambda conn: conservation(conn, to_ms(self._now())))


def _confirm(work: Work, batches: Sequence[tuple[Sequence[str], Sequence[str]]]) -> list[None]:
    events = [event for batch in batches for event in batch[0]]
    handoffs = [handoff for batch in batches for handoff in batch[1]]
    route.confirm(work, events, handoffs)
    return [None] * len(batches)


def _note(work: Work, notes: Sequence[tuple[str, dict[str, Any]]]) -> list[None]:
    for what, fields in notes:
        # A batch may be run again, so what was asked is not touched.
        work.note(what, fields.get("petition_id"), **{key: fields[key] for key in fields if key != "petition_id"})
    work.flush()
    return [None] * len(notes)
