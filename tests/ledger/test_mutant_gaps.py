"""What `make mutants` found that no other test noticed: nothing is said before it is kept, and the witness's order."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import orjson
import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from bridge.adapter import Draft, Ignored, Malformed, Notice, Reading, Response, Taken
from bridge.intake import Intake
from bridge.ledger.accept import Arrival
from bridge.ledger.writer import LedgerAway
from bridge.polling import Polling
from bridge.witness import keys
from bridge.witness.auditlog import AuditLog
from bridge.witness.logfiles import read
from bridge.witness.sealer import Sealer
from schemas.event import EventType
from tests.support.ledgers import HOTLINE, WECHAT, Bench, Case, number, ref, submission, update

FULL = 2

# ── nothing is said before it is kept ──


def test_nobody_is_answered_or_told_before_the_commit(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fails at COMMIT: no 202, nothing on the conveyor, and the repeat is new."""
    writing = bench.store.writing

    @contextmanager
    def no_commit() -> Iterator[Connection]:
        with writing() as conn:
            yield conn
            raise OperationalError("COMMIT", {}, sqlite3.OperationalError("disk I/O error"))

    with monkeypatch.context() as patched:
        patched.setattr(bench.store, "writing", no_commit)
        with pytest.raises(LedgerAway):
            bench.take(submission("m1", number("A1")))
    assert bench.published == []
    assert bench.rows("SELECT * FROM messages") == []
    (outcome,) = bench.take(submission("m1", number("A1")))
    assert outcome.status == "new"


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_commit_of_sqlite_is_on_the_disk(bench: Bench) -> None:
    """In WAL mode `synchronous=NORMAL` syncs at checkpoints only: a power cut takes what was answered with 202."""
    with bench.store.writing() as conn:
        assert conn.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert conn.exec_driver_sql("PRAGMA synchronous").scalar() == FULL


class Letterbox:
    """A system's notices: two that say something, one for nobody, one that nobody understands."""

    every_seconds = 1.0

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.signed: list[tuple[str, int]] = []

    async def fetch(self) -> Sequence[Notice]:
        return [Notice(key, b"{}") for key in ("new", "news", "ignored", "malformed")]

    def read(self, notice: Notice, received_at: datetime) -> Reading:
        drafts: dict[str, Draft] = {
            "new": submission("new", number("A1", HOTLINE), at=received_at),
            "news": update("news", EventType.SIGNED, ref("A1", HOTLINE), at=received_at),
        }
        match notice.key:
            case "ignored":
                return Ignored(Response(200, b"", "text/plain"), "not ours", notice.key)
            case "malformed":
                return Malformed(Response(200, b"", "text/plain"), "not understood")
            case key:
                return Taken((drafts[key],), lambda _: Response(200, b"", "text/plain"))

    async def sign(self, notices: Sequence[Notice]) -> None:
        kept = len(self._bench.rows("SELECT * FROM messages"))
        self.signed += [(notice.key, kept) for notice in notices]


def _polling(bench: Bench, letterbox: Letterbox) -> Polling:
    intake = Intake(bench.ledger)
    return Polling(HOTLINE, letterbox, intake, bench.ledger, bench.owner, bench.clock)


def test_notices_are_signed_when_the_ledger_has_every_one_of_them(bench: Bench) -> None:
    letterbox = Letterbox(bench)
    assert bench.do(_polling(bench, letterbox).poll()) == 4
    assert letterbox.signed == [("new", 4), ("news", 4), ("ignored", 4), ("malformed", 4)]


def test_a_notice_that_could_not_be_kept_is_not_signed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_arrival: Arrival) -> None:
        raise LedgerAway("OperationalError")

    monkeypatch.setattr(bench.ledger, "accept", away)
    letterbox = Letterbox(bench)
    with pytest.raises(LedgerAway):
        bench.do(_polling(bench, letterbox).poll())
    assert letterbox.signed == []


# ── closing ──


def test_a_petition_with_news_that_nobody_has_routed_is_not_closed(bench: Bench) -> None:
    """The last hand-off arrives while an event about the case is still on its way to the router."""
    case = bench.submit(HOTLINE, holder=HOTLINE)
    bench.say(case, EventType.CLOSED, HOTLINE)
    bench.route_all()
    bench.say(case, EventType.RATED, HOTLINE)
    _deliver_all(bench, case)
    assert bench.petition(case)["answered_by"] is not None
    assert bench.petition(case)["closed_at"] is None
    bench.route_all()
    _deliver_all(bench, case)
    assert bench.place() == {"closed": 1}


def _deliver_all(bench: Bench, case: Case) -> None:
    while "pending" in bench.states(case, WECHAT):
        bench.deliver(case, WECHAT)


# ── the witness: what is journalled gets a line, in its order, and is marked only then ──


def _seal(bench: Bench, folder: Path) -> None:
    """A process seals what there is, and ends."""
    signer = keys.ensure(folder / "keys", "bridge.example/laiting")
    sealer = Sealer(bench.ledger, folder / "audit", lambda: signer, bench.owner, bench.clock, every_seconds=3600)
    bench.do(sealer.finish())


def _entries(folder: Path) -> list[int]:
    """The journal's entries in the order of their lines."""
    return [orjson.loads(line.raw)["entry"] for line in read(folder / "audit")]


def _numbers(bench: Bench) -> list[int | None]:
    return [row["n"] for row in bench.rows("SELECT n FROM journal ORDER BY entry_id")]


def test_lines_stand_in_the_order_of_the_journal(bench: Bench, tmp_path: Path) -> None:
    for _ in range(3):
        case = bench.submit()
        bench.route_all()
        bench.deliver(case, WECHAT)
    _seal(bench, tmp_path)
    entries = [row["entry_id"] for row in bench.rows("SELECT entry_id FROM journal ORDER BY entry_id")]
    assert _entries(tmp_path) == entries
    assert _numbers(bench) == list(range(1, len(entries) + 1))


def test_a_row_that_commits_after_its_successor_was_sealed_gets_its_line(bench: Bench, tmp_path: Path) -> None:
    """Numbers are drawn before COMMIT: of two transactions the later number may be seen first."""
    for _ in range(3):
        bench.do(bench.ledger.refuse(WECHAT, "bad_signature"))
    first, second, third = (row["entry_id"] for row in bench.rows("SELECT entry_id FROM journal ORDER BY entry_id"))
    late = bench.row("SELECT what, at, body FROM journal WHERE entry_id = :id", id=second)
    bench.sql("DELETE FROM journal WHERE entry_id = :id", id=second)
    _seal(bench, tmp_path)
    statement = "INSERT INTO journal (entry_id, what, at, opens, body) VALUES (:id, :what, :at, false, :body)"
    bench.sql(statement, id=second, **late)
    _seal(bench, tmp_path)
    assert _entries(tmp_path) == [first, third, second]
    assert _numbers(bench) == [1, 3, 2]


def test_no_row_is_marked_as_sealed_before_its_line_is_on_the_disk(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.submit()

    def full(_log: AuditLog, _entries: object) -> list[bytes]:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(AuditLog, "append", full)
        with pytest.raises(OSError, match="No space"):
            _seal(bench, tmp_path)
    assert set(_numbers(bench)) == {None}
    _seal(bench, tmp_path)
    assert None not in _numbers(bench)
