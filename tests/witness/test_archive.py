"""Packed days: read as before, verified as before, and never fewer than there were."""

import asyncio
import gzip
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.settings import Settings
from bridge.witness import archive
from bridge.witness.archive import ArchiveError, Archivist, due, pack
from bridge.witness.auditlog import AuditLog, AuditLogError
from bridge.witness.logfiles import archives, files, leaves_from, read
from bridge.witness.verify import verify
from tests.witness.logs import ENTRIES, Sealed, build, entry

DAY = "audit-2026-11-20.jsonl"
PACKED = f"{DAY}.gz"
SUM = f"{PACKED}.sha256"


@pytest.fixture
def log(tmp_path: Path) -> Sealed:
    return build(tmp_path)


def lines(audit_dir: Path) -> list[bytes]:
    return [line.raw for line in read(audit_dir)]


def names(audit_dir: Path) -> list[str]:
    return sorted(path.name for path in audit_dir.iterdir() if path.is_file())


def test_packed_days_are_read_and_verified_as_before(log: Sealed) -> None:
    before, leaves = lines(log.audit_dir), list(leaves_from(log.audit_dir, 1))
    for path in files(log.audit_dir)[:2]:
        assert pack(path)
    assert names(log.audit_dir) == [
        *(PACKED, SUM, "audit-2026-11-21.jsonl.gz", "audit-2026-11-21.jsonl.gz.sha256", "audit-2026-11-22.jsonl"),
    ]
    assert lines(log.audit_dir) == before
    for first in (1, 2, 15, 16, 30, 44):
        assert list(leaves_from(log.audit_dir, first)) == leaves[first - 1 :]
    verdict = verify(log.audit_dir, log.verifiers)
    assert (verdict.holds, verdict.entries, verdict.root) == (True, ENTRIES, log.frontier.root().hex())


def test_a_packed_day_is_an_ordinary_gzip_with_an_ordinary_digest(log: Sealed) -> None:
    plain = (log.audit_dir / DAY).read_bytes()
    pack(log.audit_dir / DAY)
    assert gzip.decompress((log.audit_dir / PACKED).read_bytes()) == plain
    check = subprocess.run(["sha256sum", "-c", SUM], cwd=log.audit_dir, capture_output=True, check=False)
    assert check.returncode == 0


def test_the_writer_goes_on_behind_packed_days(log: Sealed) -> None:
    for path in files(log.audit_dir)[:2]:
        pack(path)
    writer = AuditLog(log.audit_dir)
    assert writer.tail(ENTRIES) == []
    writer.append([entry(ENTRIES + 1, "operator.note", None, "2026-11-23")])
    assert len(lines(log.audit_dir)) == ENTRIES + 1


def test_a_ledger_put_back_by_half_a_year_finds_its_lines_in_packed_days(log: Sealed) -> None:
    for path in files(log.audit_dir)[:2]:
        pack(path)
    writer = AuditLog(log.audit_dir)
    assert [ahead["n"] for ahead in writer.tail(5)] == list(range(6, ENTRIES + 1))


def test_a_damaged_packed_day_is_never_cut(log: Sealed) -> None:
    """Not even where the ledger knows nothing of its lines any more: it stays for a person to look at."""
    plain = (log.audit_dir / DAY).read_bytes().splitlines(keepends=True)
    (log.audit_dir / DAY).write_bytes(b"".join([*plain[:7], b"garbage\n", *plain[8:]]))
    pack(log.audit_dir / DAY)
    before = (log.audit_dir / PACKED).read_bytes()
    with pytest.raises(AuditLogError, match="damaged"):
        AuditLog(log.audit_dir).tail(5)
    assert (log.audit_dir / PACKED).read_bytes() == before
    assert len(lines(log.audit_dir)) == ENTRIES


def test_which_days_are_due(tmp_path: Path) -> None:
    for day in ("2026-05-28", "2026-05-29", "2026-05-30", "2026-11-24"):
        (tmp_path / f"audit-{day}.jsonl").write_bytes(b"{}\n")
    assert [path.name for path in due(tmp_path, date(2026, 11, 25), 180)] == ["audit-2026-05-28.jsonl"]
    assert [path.name for path in due(tmp_path, date(2027, 11, 25), 180)][-1] == "audit-2026-05-30.jsonl"


def test_the_newest_file_stays(tmp_path: Path) -> None:
    """Also where nothing was written for a year: the writer goes on in it."""
    (tmp_path / DAY).write_bytes(b"{}\n")
    assert due(tmp_path, date(2028, 1, 1), 180) == []


@pytest.mark.parametrize("days", ["179", "0", "-1", "x"])
def test_less_than_half_a_year_is_refused(days: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_AUDIT_KEEP_DAYS", days)
    with pytest.raises(ValidationError, match="audit_keep_days"):
        Settings()
    assert archive.KEEP_DAYS == Settings.model_fields["audit_keep_days"].default == 180


# ── killed in between ──


class Killed(BaseException):
    """The process is gone."""


def dies(*_: object, **__: object) -> None:
    raise Killed


@pytest.mark.parametrize("name", ["_compress", "_same", "_sha256", "write_atomically", "locked"])
def test_killed_anywhere_the_day_is_there_and_the_work_is_finished_later(
    log: Sealed, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = lines(log.audit_dir)
    with monkeypatch.context() as patched:
        patched.setattr(archive, name, dies)
        with pytest.raises(Killed):
            pack(log.audit_dir / DAY)
    assert lines(log.audit_dir) == before
    assert verify(log.audit_dir, log.verifiers).holds
    assert pack(log.audit_dir / DAY)
    assert lines(log.audit_dir) == before
    assert verify(log.audit_dir, log.verifiers).holds


def test_it_leaves_off_when_told(log: Sealed) -> None:
    assert not pack(log.audit_dir / DAY, lambda: True)
    assert archives(log.audit_dir) == []
    assert verify(log.audit_dir, log.verifiers).holds


def test_two_that_differ_both_stay(log: Sealed) -> None:
    (log.audit_dir / PACKED).write_bytes(gzip.compress(b"another day\n"))
    with pytest.raises(ArchiveError, match="is not"):
        pack(log.audit_dir / DAY)
    assert (log.audit_dir / DAY).exists()
    assert [fault.file for fault in verify(log.audit_dir, log.verifiers).faults] == [PACKED]


def test_a_file_packed_while_it_is_read(log: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = read(log.audit_dir)
    first = next(reading)
    for path in files(log.audit_dir)[:2]:
        pack(path)
    assert [first.raw, *(line.raw for line in reading)] == lines(log.audit_dir)


# ── what is done to a packed day ──


def spoilt(log: Sealed, name: str, content: bytes | None) -> set[str]:
    path = log.audit_dir / name
    path.unlink() if content is None else path.write_bytes(content)
    return {fault.file for fault in verify(log.audit_dir, log.verifiers).faults}


def test_deleted_files_are_named(log: Sealed) -> None:
    pack(log.audit_dir / DAY)
    digest = (log.audit_dir / SUM).read_bytes()
    assert spoilt(log, SUM, None) == {PACKED}
    (log.audit_dir / SUM).write_bytes(digest)
    assert PACKED in spoilt(log, PACKED, None)


def test_a_day_packed_anew_with_another_line_is_named(log: Sealed) -> None:
    """With a digest that fits: the tree tells."""
    plain = (log.audit_dir / DAY).read_bytes()
    pack(log.audit_dir / DAY)
    (log.audit_dir / DAY).write_bytes(plain.replace("系统".encode(), "某人".encode(), 1))
    (log.audit_dir / PACKED).unlink()
    pack(log.audit_dir / DAY)
    faults = verify(log.audit_dir, log.verifiers).faults
    assert (faults[0].file, faults[0].line) == (PACKED, 1)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_changed_byte_of_a_packed_day_is_named(packed: Sealed, data: st.DataObject) -> None:
    path = packed.audit_dir / data.draw(st.sampled_from([PACKED, SUM]))
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    kind = data.draw(st.sampled_from(["flip", "cut", "insert"]))
    extra = bytes([data.draw(st.integers(1, 255))])
    if kind == "flip":
        path.write_bytes(whole[:place] + bytes([whole[place] ^ extra[0]]) + whole[place + 1 :])
    else:
        path.write_bytes(whole[:place] + (extra + whole[place:] if kind == "insert" else b""))
    try:
        assert PACKED in {fault.file for fault in verify(packed.audit_dir, packed.verifiers).faults}
    finally:
        path.write_bytes(whole)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    log = build(tmp_path_factory.mktemp("packed"))
    pack(log.audit_dir / DAY)
    return log


# ── daily ──


def test_the_archivist_packs_once_a_day(log: Sealed) -> None:
    now = datetime(2027, 5, 20, 1, tzinfo=UTC)

    async def days() -> None:
        nonlocal now
        keeper = Archivist(log.audit_dir, lambda: now, 180)
        assert await done(keeper) == [PACKED]
        (log.audit_dir / "audit-2026-11-19.jsonl").write_bytes(b"")
        assert await done(keeper) == [PACKED], "once a day"
        (log.audit_dir / "audit-2026-11-19.jsonl").unlink()
        now = datetime(2027, 5, 20, 16, 1, tzinfo=UTC)
        assert await done(keeper) == [PACKED, "audit-2026-11-21.jsonl.gz"], "midnight in the city"

    async def done(keeper: Archivist) -> list[str]:
        keeper.nudge()
        assert keeper._task is not None
        await keeper._task
        return [path.name for path in archives(log.audit_dir)]

    asyncio.run(days())


def test_it_leaves_off_at_the_stop(log: Sealed) -> None:
    async def stopped() -> None:
        keeper = Archivist(log.audit_dir, lambda: datetime(2028, 1, 1, tzinfo=UTC), 180)
        keeper.nudge()
        await keeper.stop()

    asyncio.run(stopped())
    assert archives(log.audit_dir) == []


def test_trouble_with_one_day_does_not_keep_the_others(log: Sealed) -> None:
    (log.audit_dir / PACKED).write_bytes(b"garbage")

    async def round_() -> None:
        keeper = Archivist(log.audit_dir, lambda: datetime(2028, 1, 1, tzinfo=UTC), 180)
        keeper.nudge()
        assert keeper._task is not None
        await keeper._task

    asyncio.run(round_())
    assert names(log.audit_dir) == [
        *(DAY, PACKED, "audit-2026-11-21.jsonl.gz", "audit-2026-11-21.jsonl.gz.sha256", "audit-2026-11-22.jsonl"),
    ]
