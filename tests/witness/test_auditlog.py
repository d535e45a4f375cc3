"""The writer: one order, one place, nothing torn, nothing twice."""

import os
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.witness import auditlog
from bridge.witness.auditlog import AuditLog, AuditLogError
from bridge.witness.canonical import seal
from bridge.witness.logfiles import MAX_LINE_BYTES, day_of, files, read, snapshot
from tests.witness.logs import entries, entry

DAY = "2026-11-20"
ALL = list(entries())


def opened(directory: Path, after: int = 0) -> AuditLog:
    log = AuditLog(directory)
    log.tail(after)
    return log


def written(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in files(directory)}


def numbers(directory: Path) -> list[int]:
    return [orjson.loads(line.raw)["n"] for line in read(directory)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of all entries, written without any trouble."""
    directory = tmp_path_factory.mktemp("whole")
    opened(directory).append(ALL)
    return written(directory)


def test_lines_are_the_sealed_entries(tmp_path: Path) -> None:
    leaves = opened(tmp_path / "audit").append(ALL)
    lines = list(read(tmp_path / "audit"))
    assert [orjson.loads(line.raw) for line in lines] == [seal(each)[0] for each in ALL]
    assert leaves == [seal(each)[1] for each in ALL]
    assert [line.number for line in lines] == [*range(1, 15), *range(1, 16), *range(1, 16)]
    assert sorted(written(tmp_path / "audit")) == [f"audit-2026-11-2{digit}.jsonl" for digit in "012"]


def test_batches_do_not_show(tmp_path: Path, whole: dict[str, bytes]) -> None:
    log = opened(tmp_path)
    for each in ALL:
        log.append([each])
        assert log.last_n == each["n"]
    log.append([])
    assert written(tmp_path) == whole


def test_one_fsync_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = opened(tmp_path)
    log.append(ALL[:5])
    calls: list[int] = []
    monkeypatch.setattr(os, "fsync", calls.append)
    log.append(ALL[5:14])
    assert len(calls) == 1
    log.append(ALL[14:20])
    assert len(calls) == 3, "a new file: its name, then its content"


def test_a_late_entry_goes_to_the_newest_file(tmp_path: Path) -> None:
    log = opened(tmp_path)
    days = ("2026-11-21", "2026-11-20", "2026-11-23", "2026-11-22", "2026-11-21", "2026-11-23")
    log.append([entry(n, "event.routed", None, day) for n, day in enumerate(days, 1)])
    assert numbers(tmp_path) == [1, 2, 3, 4, 5, 6]
    assert [path.name for path in files(tmp_path)] == ["audit-2026-11-21.jsonl", "audit-2026-11-23.jsonl"]
    again = opened(tmp_path, 6)
    again.append([entry(7, "event.routed", None, "2026-11-20")])
    assert numbers(tmp_path) == [*range(1, 8)]


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-11-22T23:59:59.999999+08:00", "2026-11-22"),
        ("2026-11-22T16:00:00+00:00", "2026-11-23"),
        ("2026-11-22T15:59:59Z", "2026-11-22"),
        ("2026-11-22T01:00:00+14:00", "2026-11-21"),
    ],
)
def test_the_day_is_that_of_shanghai(at: str, day: str) -> None:
    assert day_of(at) == day


@pytest.mark.parametrize("at", ["", "yesterday", "2026-11-22T10:00:00", "2026-11-22"])
def test_times_that_are_none(at: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"time|isoformat"):
        day_of(at)
    with pytest.raises(ValueError, match=r"time|isoformat"):
        opened(tmp_path).append([{**ALL[0], "at": at}])
    assert not written(tmp_path)


def test_n_must_go_on(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.append(ALL[:3])
    for wrong in (ALL[2:4], ALL[4:6], [ALL[3], ALL[5]]):
        with pytest.raises(AuditLogError, match="comes next"):
            log.append(wrong)
    log.append(ALL[3:5])
    assert numbers(tmp_path) == [1, 2, 3, 4, 5]


def test_nothing_is_written_of_a_batch_with_a_bad_entry(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.append(ALL[:3])
    before = written(tmp_path)
    for bad in ({**ALL[4], "x": 0.5}, {**ALL[4], "x": "a" * MAX_LINE_BYTES}, {**ALL[4], "at": "never"}):
        with pytest.raises(ValueError, match=r"canonical|line of|isoformat"):
            log.append([ALL[3], bad])
    assert written(tmp_path) == before
    log.append(ALL[3:5])


def test_taking_up_comes_first(tmp_path: Path) -> None:
    with pytest.raises(AuditLogError, match="call tail"):
        AuditLog(tmp_path).append(ALL[:1])


def test_two_writers_cannot_interleave(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    first.append(ALL[:3])
    with pytest.raises(AuditLogError, match="someone else"):
        second.append(ALL[:3])
    assert second.tail(1) == [seal(each)[0] for each in ALL[1:3]]
    second.append(ALL[3:20])
    with pytest.raises(AuditLogError, match="someone else"):
        first.append(ALL[3:5])
    assert numbers(tmp_path) == [*range(1, 21)]


class Disk:
    """`os.write` that stores a part and then fails, as a full disk does."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.write = os.write

    def __call__(self, handle: int, data: Any) -> int:
        if self.room <= 0:
            raise OSError(28, "No space left on device")
        done = self.write(handle, bytes(data)[: self.room])
        self.room -= done
        return done


def test_a_full_disk_leaves_no_half_batch(
    tmp_path: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = opened(tmp_path)
    log.append(ALL[:10])
    before = written(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", Disk(300))
        with pytest.raises(OSError, match="No space"):
            log.append(ALL[10:14])
    assert written(tmp_path) == before
    assert log.last_n is None
    assert log.tail(10) == []
    log.append(ALL[10:])
    assert written(tmp_path) == whole


def test_a_disk_that_fails_between_two_days(
    tmp_path: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = opened(tmp_path)
    room = sum(len(data) for name, data in whole.items() if name < "audit-2026-11-21")
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", Disk(room + 10))
        with pytest.raises(OSError, match="No space"):
            log.append(ALL)
    assert [each["n"] for each in log.tail(0)] == [*range(1, 15)]
    log.append(ALL[14:])
    assert written(tmp_path) == whole


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_crash_anywhere_is_mended(tmp_path: Path, whole: dict[str, bytes], data: st.DataObject) -> None:
    """Whatever part of the unsealed end is on the disk, taking up and appending the rest gives the same bytes."""
    directory = tmp_path / "crashed"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    sealed = data.draw(st.integers(0, 43), "sealed")
    lines = [(name, line) for name, text in whole.items() for line in text.splitlines(keepends=True)]
    kept = data.draw(st.integers(sealed, 44), "whole lines on the disk")
    torn = data.draw(st.integers(0, len(lines[kept][1]) - 1), "bytes of the next") if kept < 44 else 0
    for name, line in lines[:kept]:
        with (directory / name).open("ab") as stream:
            stream.write(line)
    if kept < 44:
        with (directory / lines[kept][0]).open("ab") as stream:
            stream.write(lines[kept][1][:torn])
    log = AuditLog(directory)
    assert log.tail(sealed) == [seal(each)[0] for each in ALL[sealed:kept]]
    assert log.last_n == kept
    assert [path.read_bytes() for path in directory.glob("torn/*")] == ([lines[kept][1][:torn]] if torn else [])
    log.append(ALL[kept:])
    log.close()
    assert written(directory) == whole


def test_garbage_after_the_sealed_lines_is_cut_off_and_kept(tmp_path: Path, whole: dict[str, bytes]) -> None:
    """Blocks that never reached the disk: a whole batch of them, over two files."""
    opened(tmp_path).append(ALL[:29])
    path = tmp_path / "audit-2026-11-21.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:10]) + b"\0" * 200 + b"\n" + b"".join(lines[11:]))
    (tmp_path / "audit-2026-11-22.jsonl").write_bytes(b"what?\n")
    log = AuditLog(tmp_path)
    assert [each["n"] for each in log.tail(20)] == [21, 22, 23, 24]
    assert len(list(tmp_path.glob("torn/*"))) == 2
    log.append(ALL[24:])
    assert written(tmp_path) == whole


def test_damage_in_sealed_lines_is_left_for_the_auditor(tmp_path: Path) -> None:
    opened(tmp_path).append(ALL[:12])
    path = tmp_path / "audit-2026-11-20.jsonl"
    damaged = path.read_bytes().replace(b'"n":10', b'"n":99').replace(b'"n":12', b'"n":77')
    path.write_bytes(damaged)
    log = AuditLog(tmp_path)
    assert log.tail(12) == []
    assert log.last_n == 12
    assert path.read_bytes() == damaged
    assert not list(tmp_path.glob("torn/*"))


def test_sealed_lines_that_the_disk_lost_can_be_appended_again(tmp_path: Path, whole: dict[str, bytes]) -> None:
    opened(tmp_path).append(ALL[:20])
    log = AuditLog(tmp_path)
    assert log.tail(30) == []
    assert log.last_n == 20
    log.append(ALL[20:])
    assert written(tmp_path) == whole


def test_an_empty_file_is_begun_anew(tmp_path: Path, whole: dict[str, bytes]) -> None:
    opened(tmp_path).append(ALL[:14])
    (tmp_path / "audit-2026-11-29.jsonl").touch()
    log = opened(tmp_path, 14)
    log.append(ALL[14:])
    assert written(tmp_path) == whole


def test_the_tail_of_a_large_file_is_read_from_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditlog, "_CHUNK", 100)
    opened(tmp_path).append(ALL)
    assert [each["n"] for each in AuditLog(tmp_path).tail(10)] == [*range(11, 45)]


def test_readers_see_what_stood_there_when_they_began(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.append(ALL[:3])
    lines = read(tmp_path)
    next(lines)
    log.append(ALL[3:])
    assert len(list(lines)) == 2
    assert sum(size for _, size in snapshot(tmp_path)) == sum(map(len, written(tmp_path).values()))


def test_a_line_without_end_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "audit-2026-11-20.jsonl"
    path.write_bytes(b"a" * (3 * MAX_LINE_BYTES) + b"\nnext\nlast")
    assert [(line.number, len(line.raw)) for line in read(tmp_path)] == [(1, MAX_LINE_BYTES), (2, 5), (3, 4)]


def test_other_files_are_not_read(tmp_path: Path) -> None:
    for name in ("audit-2026-13-01.jsonl", "audit-2026-11-20.jsonl.bak", "notes.txt", "audit-2026-11-20.json"):
        (tmp_path / name).write_bytes(b"x\n")
    assert files(tmp_path) == []
    assert files(tmp_path / "missing") == []
