"""Group commit: one thread owns the writing connection, takes all requests that wait, and commits them together.

On SQLite everything that waits shares one transaction: the fsync is the cost. On PostgreSQL each verb has a transaction
of its own, so that two processes always lock petitions in the same order and cannot deadlock.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError

from bridge import failpoints
from bridge.bus.message import Message
from bridge.clock import Now, to_ms
from bridge.ledger.members import mirror
from bridge.ledger.store import Store, unreachable
from bridge.ledger.work import Work
from bridge.patience import Patience
from bridge.privacy import Privacy
from bridge.rules.book import RuleBook

T = TypeVar("T")
R = TypeVar("R")
Verb = Callable[[Work, Sequence[Any]], Sequence[Any]]
MAX_BATCH = 500
LINGER_SECONDS = 0.002
_TRIES = 5
_log = structlog.get_logger("bridge.ledger")


class LedgerAway(Exception):
    """The database cannot be reached: nothing was kept, the caller must be told so."""


@dataclass(slots=True)
class _Request(Generic[T]):
    """One item for one verb. The answer goes to `future`, on `loop` if there is one."""

    verb: Verb
    item: Any
    future: Any
    loop: asyncio.AbstractEventLoop | None


class Writer:
    """The ledger thread. `publish` gets the messages of a committed transaction (the relay's nudge)."""

    def __init__(
        self,
        store: Store,
        privacy: Privacy,
        now: Now,
        publish: Callable[[list[Message]], None],
        messenger: str = "wechat",
        patience: Patience | None = None,
        rules: RuleBook | None = None,
    ) -> None:
        self._store = store
        self._privacy = privacy
        self._now = now
        self._publish = publish
        self._messenger = messenger
        self._patience = patience or Patience()
        self._rules = rules or RuleBook.load()
        self._requests: deque[_Request[Any]] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish what waits, then end the thread."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    # ── asking ──
    async def ask(self, verb: Callable[[Work, Sequence[T]], Sequence[R]], item: T) -> R:
        """From the event loop: the verb's answer to this item, after COMMIT. Raises `LedgerAway`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._put(_Request(verb, item, future, loop))
        return await future

    def ask_later(self, verb: Callable[[Work, Sequence[T]], Sequence[R]], item: T) -> "Future[R]":
        """From a thread: a future of the same."""
        future: Future[R] = Future()
        self._put(_Request(verb, item, future, None))
        return future

    def _put(self, request: _Request[Any]) -> None:
        with self._wake:
            if self._stopping:
                raise LedgerAway("the ledger is shutting down")
            self._requests.append(request)
            self._wake.notify()

    # ── the thread ──
    def _run(self) -> None:
        while batch := self._gather():
            for group in self._groups(batch):
                self._survive(group)

    def _survive(self, requests: list[_Request[Any]]) -> None:
        """No other thread writes: whatever happens, this one lives on, and who waits is answered."""
        try:
            self._serve(requests)
        except Exception as error:
            _log.exception("ledger.defect")
            self._answer([(request, None, error) for request in requests])

    def _gather(self) -> list[_Request[Any]]:
        with self._wake:
            while not self._requests and not self._stopping:
                self._wake.wait()
        if len(self._requests) < MAX_BATCH and not self._stopping:
            # A transaction costs the same for one as for many: let those who are about to ask come along.
            time.sleep(LINGER_SECONDS)
        count = min(len(self._requests), MAX_BATCH)
        return [self._requests.popleft() for _ in range(count)]

    def _groups(self, batch: list[_Request[Any]]) -> list[list[_Request[Any]]]:
        """What shares a transaction: everything on SQLite, the requests of one verb on PostgreSQL."""
        by_verb: dict[Verb, list[_Request[Any]]] = {}
        for request in batch:
            by_verb.setdefault(request.verb, []).append(request)
        if self._store.is_sqlite:
            return [[request for requests in by_verb.values() for request in requests]]
        return list(by_verb.values())

    def _serve(self, requests: list[_Request[Any]]) -> None:
        try:
            answers = self._commit(requests)
        except Exception as error:
            if len(requests) > 1 and not unreachable(error):
                # One bad request must not take the others with it.
                for request in requests:
                    self._serve([request])
                return
            away = LedgerAway(type(error).__name__)
            away.__cause__ = error
            _log.error("ledger.failed", error=type(error).__name__, verb=requests[0].verb.__name__)
            self._answer([(request, None, away if unreachable(error) else error) for request in requests])
            return
        self._answer([(request, answer, None) for request, answer in zip(requests, answers, strict=True)])

    def _commit(self, requests: list[_Request[Any]]) -> list[Any]:
        """One transaction; a lost race for a unique number, or a deadlock, is simply run again."""
        for tries_left in range(_TRIES - 1, -1, -1):
            try:
                return self._transact(requests)
            except DBAPIError as error:
                if tries_left == 0 or not _worth_another_try(error):
                    raise
        raise AssertionError("unreachable")

    def _transact(self, requests: list[_Request[Any]]) -> list[Any]:
        answers: list[Any] = []
        messages: list[Message] = []
        with self._store.writing() as conn:
            for verb, items in _by_verb(requests):
                work = Work(
                    conn, to_ms(self._now()), self._privacy, self._messenger, self._patience, mirror=mirror,
                    rules=self._rules,
                )  # fmt: skip
                answers.extend(verb(work, items))
                messages.extend(work.outgoing)
            failpoints.hit("ledger.before_commit")
        failpoints.hit("ledger.after_commit")
        if messages:
            self._publish(messages)
        return answers

    def _answer(self, answers: list[tuple[_Request[Any], Any, BaseException | None]]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Request[Any], Any, BaseException | None]]] = {}
        for answer in answers:
            if answer[0].loop is None:
                _resolve([answer])
            else:
                by_loop.setdefault(answer[0].loop, []).append(answer)
        for loop, mine in by_loop.items():
            with suppress(RuntimeError):  # the loop has been closed: nobody waits there any more
                loop.call_soon_threadsafe(_resolve, mine)


def _resolve(answers: list[tuple[_Request[Any], Any, BaseException | None]]) -> None:
    for request, answer, error in answers:
        if request.future.done():
            continue
        if error is not None:
            request.future.set_exception(error)
        else:
            request.future.set_result(answer)


def _by_verb(requests: list[_Request[Any]]) -> list[tuple[Verb, list[Any]]]:
    """Neighbouring requests of one verb together; `requests` are sorted by verb already."""
    groups: list[tuple[Verb, list[Any]]] = []
    for request in requests:
        if groups and groups[-1][0] is request.verb:
            groups[-1][1].append(request.item)
        else:
            groups.append((request.verb, [request.item]))
    return groups


def _worth_another_try(error: DBAPIError) -> bool:
    if isinstance(error, IntegrityError):
        return True
    # Serialization failure and deadlock: PostgreSQL asks for exactly this.
    return getattr(error.orig, "sqlstate", None) in ("40001", "40P01")
