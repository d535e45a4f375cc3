"""The sealer over a real ledger: numbers without a gap, checkpoints in time, and one sealer at a time."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from bridge.ledger.migrate import migrate
from bridge.ledger.seal import Seal
from bridge.ledger.store import Store
from bridge.witness import checkpoints, keys, proofs
from bridge.witness.archive import pack
from bridge.witness.checkpoints import CheckpointError
from bridge.witness.compare import compare
from bridge.witness.logfiles import archives, read
from bridge.witness.note import open_signed
from bridge.witness.proofs import Prover
from bridge.witness.receipts import receipt_of
from bridge.witness.sealer import Sealer
from bridge.witness.tree import Frontier
from bridge.witness.verify import Verdict, verify
from tests.support.ledgers import Bench, Clock
from tests.support.waiting import wait_until

ORIGIN = "bridge.example/laiting"


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("ledger") / "bridge.db"
    store = Store(f"sqlite:///{path}")
    migrate(store)
    store.close()
    return path.read_bytes()


@pytest.fixture
def url(tmp_path: Path, migrated: bytes) -> str:
    (tmp_path / "bridge.db").write_bytes(migrated)
    return f"sqlite:///{tmp_path / 'bridge.db'}"


@pytest.fixture
def bench(url: str) -> Iterator[Bench]:
    made = Bench(url, Clock(datetime(2026, 11, 22, 15, 59, tzinfo=UTC)))
    yield made
    made.close()


def sealer_of(bench: Bench, folder: Path, every_seconds: float = 3600.0, copies: tuple[str, ...] = ()) -> Sealer:
    keys.ensure(folder / "keys", ORIGIN)
    return Sealer(
        bench.ledger,
        folder / "audit",
        lambda: keys.load(folder / "keys"),
        bench.owner,
        bench.clock,
        every_seconds=every_seconds,
        copies=copies,
    )


def turn(bench: Bench, sealer: Sealer) -> None:
    """Until there is nothing more to do at once."""
    while bench.do(sealer._turn()):
        pass


def happen(bench: Bench, count: int) -> None:
    for _ in range(count):
        bench.do(bench.ledger.refuse("wechat", "bad_signature"))


def sizes(folder: Path) -> list[int]:
    return checkpoints.sizes(folder / "audit")


def verdict(folder: Path) -> Verdict:
    return verify(folder / "audit", keys.verifiers(folder / "keys"))


def prove_all(folder: Path) -> int:
    """Prove each entry under the newest checkpoint; how many there are."""
    signed = proofs.newest(folder / "audit")
    assert signed is not None
    prover = Prover(folder / "audit", signed)
    for n in range(1, signed.size + 1):
        prover.inclusion(n)
    return signed.size


# ── when it is signed ──


def test_a_checkpoint_when_the_time_has_come_and_something_is_new(bench: Bench, tmp_path: Path) -> None:
    sealer = sealer_of(bench, tmp_path, 60)
    happen(bench, 2)
    turn(bench, sealer)
    assert sizes(tmp_path) == [0, 2]
    happen(bench, 3)
    turn(bench, sealer)
    assert sizes(tmp_path) == [0, 2]
    bench.clock.at += timedelta(seconds=30)
    turn(bench, sealer)
    assert sizes(tmp_path) == [0, 2]
    bench.clock.at += timedelta(seconds=29.5)
    happen(bench, 1)
    turn(bench, sealer)
    bench.clock.at += timedelta(seconds=1)
    turn(bench, sealer)
    assert sizes(tmp_path)[-1] == 6
    assert prove_all(tmp_path) == 6


def test_the_day_ends_with_a_checkpoint_before_the_next_days_first_entry(bench: Bench, tmp_path: Path) -> None:
    """23:59 in the city; the next checkpoint by the clock would be an hour away."""
    sealer = sealer_of(bench, tmp_path)
    happen(bench, 2)
    turn(bench, sealer)
    happen(bench, 3)
    turn(bench, sealer)
    bench.clock.at += timedelta(minutes=1)
    happen(bench, 4)
    turn(bench, sealer)
    assert sizes(tmp_path) == [0, 2, 5]
    days = [line.file.name for line in read(tmp_path / "audit")]
    assert days == ["audit-2026-11-22.jsonl"] * 5 + ["audit-2026-11-23.jsonl"] * 4
    assert prove_all(tmp_path) == 5
    assert verdict(tmp_path).holds


def test_a_quiet_midnight_signs_nothing(bench: Bench, tmp_path: Path) -> None:
    sealer = sealer_of(bench, tmp_path)
    happen(bench, 2)
    turn(bench, sealer)
    bench.clock.at += timedelta(days=2)
    turn(bench, sealer)
    assert sizes(tmp_path) == [0, 2]


def test_a_rotated_key_signs_from_the_next_checkpoint_on(bench: Bench, tmp_path: Path) -> None:
    sealer = sealer_of(bench, tmp_path, 60)
    happen(bench, 2)
    turn(bench, sealer)
    keys.rotate(tmp_path / "keys")
    happen(bench, 2)
    bench.clock.at += timedelta(seconds=61)
    turn(bench, sealer)
    old, new = keys.verifiers(tmp_path / "keys")
    folder = checkpoints.folder(tmp_path / "audit")
    signed = [open_signed((folder / checkpoints.name_of(size)).read_bytes(), [old, new])[1] for size in (0, 2, 4)]
    assert signed == [old, old, new]
    assert verdict(tmp_path).holds


# ── what intake promised ──


def test_the_receipt_of_intake_is_that_of_the_sealed_entry(bench: Bench, tmp_path: Path) -> None:
    case = bench.submit()
    turn(bench, sealer_of(bench, tmp_path))
    given = bench.row("SELECT receipt FROM petitions WHERE petition_id = :id", id=case.id)["receipt"]
    entries = [orjson.loads(line.raw) for line in read(tmp_path / "audit")]
    (opening,) = [entry for entry in entries if entry["what"] == "petition.accepted"]
    assert opening["receipt"] == given == receipt_of(opening)
    assert verdict(tmp_path).holds


# ── tiles ──


def test_tiles_follow_through_restarts(bench: Bench, tmp_path: Path) -> None:
    for count in (1, 300, 255, 2):
        sealer = sealer_of(bench, tmp_path)
        happen(bench, count)
        bench.do(sealer.finish())
        assert prove_all(tmp_path) == sealer.size
    assert verdict(tmp_path).holds


def test_trouble_with_the_tiles_stops_neither_sealing_nor_signing(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    sealer = sealer_of(bench, tmp_path, 60)
    with monkeypatch.context() as patched:
        patched.setattr("bridge.witness.tiler._write_durably", full)
        happen(bench, 3)
        turn(bench, sealer)
        assert sizes(tmp_path) == [0, 3]
    happen(bench, 2)
    bench.clock.at += timedelta(seconds=61)
    turn(bench, sealer)
    assert prove_all(tmp_path) == 5
    assert verdict(tmp_path).holds


@pytest.mark.parametrize("left", [0, 2])
def test_tiles_of_a_directory_from_before_them_are_made(bench: Bench, tmp_path: Path, left: int) -> None:
    """The lines are there, and checkpoints, and no tiles: in the background of the first turns."""
    import shutil

    sealer = sealer_of(bench, tmp_path)
    happen(bench, 600)
    bench.do(sealer.finish())
    shutil.rmtree(tmp_path / "audit/tile")
    sealer = sealer_of(bench, tmp_path)
    happen(bench, left)
    bench.do(sealer.finish())
    assert prove_all(tmp_path) == 600 + left
    assert verdict(tmp_path).holds


# ── several processes ──


def test_one_sealer_at_a_time(url: str, tmp_path: Path) -> None:
    """Two processes' sealers at once, entries from both, each dying and coming back: no number twice, none left out."""
    benches = [Bench(url, Clock(), owner=f"w{number}") for number in (1, 2)]
    stop = threading.Event()
    keys.ensure(tmp_path / "keys", ORIGIN)
    holders: set[str] = set()

    def process(bench: Bench) -> None:
        async def life() -> None:
            while not stop.is_set():
                sealer = sealer_of(bench, tmp_path, 0.01)
                for _ in range(6):
                    await bench.ledger.refuse("wechat", bench.owner)
                    await sealer._turn()
                if sealer.size:
                    holders.add(bench.owner)
                await bench.ledger.hold("sealer", bench.owner, 0)  # as one that has stopped
                sealer._log.close()

        asyncio.run(life())

    threads = [threading.Thread(target=process, args=(bench,)) for bench in benches]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(holders) == 2 and len(list((tmp_path / "audit").glob("*.jsonl"))) > 0, "both to seal", 30)
    stop.set()
    for thread in threads:
        thread.join(30)
    bench = benches[0]
    bench.do(sealer_of(bench, tmp_path).finish())
    numbers = [row["n"] for row in bench.rows("SELECT n FROM journal ORDER BY n")]
    assert numbers == list(range(1, len(numbers) + 1))
    found = verdict(tmp_path)
    assert (found.holds, found.entries) == (True, len(numbers)), found.faults[:3]
    assert prove_all(tmp_path) == len(numbers)
    for each in benches:
        each.close()


def test_one_that_stands_by_writes_nothing(url: str, tmp_path: Path) -> None:
    first, second = (Bench(url, Clock(), owner=f"w{number}") for number in (1, 2))
    holding, waiting = sealer_of(first, tmp_path), sealer_of(second, tmp_path)
    turn(first, holding)
    happen(second, 3)
    turn(second, waiting)
    assert (waiting.size, list(read(tmp_path / "audit"))) == (0, [])
    turn(first, holding)
    assert holding.size == 3
    second.clock.at = first.clock.at = first.clock.at + timedelta(seconds=16)
    happen(second, 1)
    turn(second, waiting)
    assert waiting.size == 4, "the first has not been heard of for longer than its lease"
    for bench in (first, second):
        bench.close()


def test_nothing_is_sealed_against_a_signature(bench: Bench, tmp_path: Path) -> None:
    """The signed end of the log is gone, and the ledger was put back to before it: a person must bring it back."""
    happen(bench, 5)
    bench.do(sealer_of(bench, tmp_path).finish())
    bench.sql("DELETE FROM journal WHERE n > 2")
    tree = Frontier()
    lines = list(read(tmp_path / "audit"))
    tree.extend(bytes.fromhex(orjson.loads(line.raw)["leaf"]) for line in lines[:2])
    bench.do(bench.ledger.mark_sealed(Seal((), tree.to_bytes(), 2)))
    lines[0].file.write_bytes(b"".join(line.raw for line in lines[:2]))
    bench.do(bench.ledger.refuse("wechat", "another reason"))
    sealer = sealer_of(bench, tmp_path)
    with pytest.raises(CheckpointError, match="signs 5 entries, the log has 2"):
        turn(bench, sealer)
    assert len(list(read(tmp_path / "audit"))) == 2
    lines[0].file.write_bytes(b"".join(line.raw for line in lines))
    bench.do(sealer_of(bench, tmp_path).finish())
    assert [orjson.loads(line.raw)["n"] for line in read(tmp_path / "audit")] == [1, 2, 3, 4, 5, 6]
    assert verdict(tmp_path).holds


# ── old days and second places ──


def test_the_sealer_packs_old_days_and_copies_what_it_signs(bench: Bench, tmp_path: Path) -> None:
    second = tmp_path / "second"
    happen(bench, 2)
    bench.do(sealer_of(bench, tmp_path, copies=(str(second),)).finish())
    bench.clock.at += timedelta(days=200)
    happen(bench, 2)
    sealer = sealer_of(bench, tmp_path, copies=(str(second),))

    async def run() -> None:
        running = asyncio.create_task(sealer.run())
        async with asyncio.timeout(20):
            while not archives(tmp_path / "audit") or checkpoints.sizes_in(second) != [0, 2, 4]:
                await asyncio.sleep(0.01)
        await sealer.stop()
        await running
        await sealer.finish()

    bench.do(run())
    assert [path.name for path in archives(tmp_path / "audit")] == ["audit-2026-11-22.jsonl.gz"]
    found = verify(tmp_path / "audit", keys.verifiers(tmp_path / "keys"), copies=[second])
    assert (found.holds, found.entries) == (True, 4)


# ── held against the ledger ──


def against_ledger(bench: Bench, folder: Path) -> list[tuple[int, str, str]]:
    with bench.store.reading() as conn:
        return [
            (fault["n"], fault["file"], fault["what"].partition(" (")[0]) for fault in compare(conn, folder / "audit")
        ]


def test_the_ledger_and_the_files_say_the_same_entry_for_entry(bench: Bench, tmp_path: Path) -> None:
    happen(bench, 3)
    bench.do(sealer_of(bench, tmp_path).finish())
    bench.clock.at += timedelta(days=1)
    happen(bench, 3)
    bench.do(sealer_of(bench, tmp_path).finish())
    day, packed = "audit-2026-11-22.jsonl", "audit-2026-11-22.jsonl.gz"
    pack(tmp_path / "audit" / day)
    assert against_ledger(bench, tmp_path) == []
    bench.sql("UPDATE journal SET body = replace(body, 'refused', 'taken') WHERE n = 2")
    bench.sql("DELETE FROM journal WHERE n = 5")
    assert against_ledger(bench, tmp_path) == [
        (2, packed, "differs from the ledger"),
        (5, "audit-2026-11-23.jsonl", "in the audit log, not in the ledger"),
    ]
    (tmp_path / "audit/audit-2026-11-23.jsonl").unlink()
    (tmp_path / "audit" / packed).write_bytes(b"damaged")
    missing = "in the ledger, not in the audit log"
    assert against_ledger(bench, tmp_path) == [(n, "ledger", missing) for n in (1, 2, 3, 4, 6)]


def test_a_lost_directory_does_not_fill_the_memory(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.witness.compare.MAX_FAULTS", 3)
    happen(bench, 5)
    bench.do(sealer_of(bench, tmp_path).finish())
    for path in (tmp_path / "audit").glob("*.jsonl"):
        path.unlink()
    assert len(against_ledger(bench, tmp_path)) == 3
