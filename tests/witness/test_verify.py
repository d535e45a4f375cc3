"""Verification: a whole log holds; whatever single thing is done to it is named, and nothing else is."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import orjson
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.cli.main import app
from bridge.witness import checkpoints, keys
from bridge.witness.archive import pack
from bridge.witness.auditlog import AuditLog
from bridge.witness.canonical import render, seal
from bridge.witness.logfiles import files
from bridge.witness.note import Checkpoint, generate, sign
from bridge.witness.receipts import receipt_of
from bridge.witness.tiler import Tiler
from bridge.witness.tree import Frontier
from bridge.witness.verify import Fault, Verdict, verify
from tests.witness.logs import ENTRIES, SIGNED_SIZES, Sealed, build, entries, entry, seal_all

NEWEST = SIGNED_SIZES[-1]
SLOW = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    return build(tmp_path_factory.mktemp("log"))


@dataclass(frozen=True)
class Place:
    """Where entry n stands."""

    name: str
    number: int


class Copy:
    """A copy of the directory to be spoilt: its files as lists of lines."""

    def __init__(self, sealed: Sealed, root: Path) -> None:
        self.sealed = sealed
        self.dir = root / "spoilt"
        shutil.rmtree(self.dir, ignore_errors=True)
        shutil.copytree(sealed.audit_dir, self.dir)
        self.lines = {path.name: path.read_bytes().splitlines(keepends=True) for path in files(self.dir)}
        flat = [(name, number) for name, lines in self.lines.items() for number in range(1, len(lines) + 1)]
        self.places = {n: Place(*where) for n, where in enumerate(flat, 1)}

    def line(self, n: int) -> bytes:
        return self.lines[self.places[n].name][self.places[n].number - 1]

    def put(self, n: int, *lines: bytes) -> None:
        """Other lines where entry n stands."""
        place = self.places[n]
        self.lines[place.name][place.number - 1 : place.number] = lines
        (self.dir / place.name).write_bytes(b"".join(self.lines[place.name]))

    def verify(self) -> Verdict:
        return verify(self.dir, self.sealed.verifiers)


@pytest.fixture
def copy(sealed: Sealed, tmp_path: Path) -> Copy:
    return Copy(sealed, tmp_path)


def lines_of(verdict: Verdict) -> set[Place]:
    return {Place(fault.file, fault.line) for fault in verdict.faults if fault.line is not None}


def files_of(verdict: Verdict) -> set[str]:
    return {fault.file for fault in verdict.faults}


def resealed(line: bytes, **changes: object) -> bytes:
    """A line changed by someone who knows how leaves are made."""
    fields = {**orjson.loads(line), **changes}
    del fields["leaf"]
    return render(seal(fields)[0]) + b"\n"


def checkpoint_after(n: int) -> str:
    return f"checkpoints/{min(size for size in SIGNED_SIZES if size >= n):012d}.note"


# --- a log as it should be --------------------------------------------------------------------------------------------


def test_a_whole_log_holds(sealed: Sealed) -> None:
    verdict = verify(sealed.audit_dir, sealed.verifiers)
    assert verdict.to_dict() == {
        "entries": ENTRIES,
        "tree_size": ENTRIES,
        "root": sealed.frontier.root().hex(),
        "checkpoints": len(SIGNED_SIZES),
        "unsigned": ENTRIES - NEWEST,
        "petitions": 10,
        "holds": True,
        "faults": [],
    }


def test_progress_ends_with_all(sealed: Sealed) -> None:
    seen: list[tuple[int, int]] = []
    verify(sealed.audit_dir, sealed.verifiers, progress=lambda done, total: seen.append((done, total)))
    total = sum(path.stat().st_size for path in files(sealed.audit_dir))
    assert seen[-1] == (total, total)


def test_an_empty_log_holds(tmp_path: Path, sealed: Sealed) -> None:
    assert verify(tmp_path, sealed.verifiers).holds
    seal_all(tmp_path, sealed.signer, [])
    verdict = verify(tmp_path, sealed.verifiers)
    assert (verdict.holds, verdict.entries, verdict.checkpoints) == (True, 0, 1)
    with pytest.raises(FileNotFoundError):
        verify(tmp_path / "missing", sealed.verifiers)


def test_a_rotated_key_signs_what_is_new_only(tmp_path: Path) -> None:
    log = build(tmp_path)
    shutil.rmtree(log.audit_dir / "tile")
    old, new = log.signer, keys.rotate(tmp_path / "keys")
    known = keys.verifiers(tmp_path / "keys")
    checkpoints.issue(log.audit_dir, new, log.frontier, "2026-11-22T12:00:00+08:00")
    assert verify(log.audit_dir, known).holds
    fresh = seal_on(log, 45)
    checkpoints.issue(log.audit_dir, old, fresh, "2026-11-22T13:00:00+08:00")
    verdict = verify(log.audit_dir, known)
    assert [(fault.n, fault.file) for fault in verdict.faults] == [(45, "checkpoints/000000000045.note")]
    assert "had been replaced" in verdict.faults[0].what


def seal_on(log: Sealed, n: int) -> Frontier:
    """One more entry."""
    line, leaf = seal(entry(n, "operator.note", None, "2026-11-22"))
    with (log.audit_dir / "audit-2026-11-22.jsonl").open("ab") as stream:
        stream.write(render(line) + b"\n")
    grown = log.frontier.copy()
    grown.append(leaf)
    return grown


def test_checkpoints_of_another_key_are_not_accepted(sealed: Sealed) -> None:
    verdict = verify(sealed.audit_dir, [generate(sealed.signer.verifier.name).verifier])
    assert not verdict.holds
    assert {f"checkpoints/{size:012d}.note" for size in SIGNED_SIZES} <= files_of(verdict)


def test_a_log_that_is_being_written_holds(tmp_path: Path, sealed: Sealed) -> None:
    """Never half a batch, never a checkpoint ahead of its lines or tiles, never a day that is in neither form."""

    def write() -> None:
        log, tree, tiler = AuditLog(tmp_path), Frontier(), Tiler(tmp_path)
        log.tail(0)
        tiler.take_up(0, tree.root())
        for start in range(1, 300, 5):
            batch = [entry(n, "operator.note", None, f"2026-11-{10 + n // 60}") for n in range(start, start + 5)]
            leaves = log.append(batch)
            tree.extend(leaves)
            tiler.append(leaves)
            checkpoints.issue(tmp_path, sealed.signer, tree, "2026-11-22T10:00:00+08:00", tiler.flush)
            for path in files(tmp_path)[:-1]:
                pack(path)
        log.close()

    checkpoints.issue(tmp_path, sealed.signer, Frontier(), "2026-11-22T10:00:00+08:00")
    writer = Thread(target=write)
    writer.start()
    seen = []
    while writer.is_alive():
        seen.append(verify(tmp_path, sealed.verifiers))
    writer.join()
    assert [verdict.faults for verdict in seen] == [[]] * len(seen)
    assert len(seen) > 2
    assert verify(tmp_path, sealed.verifiers).entries == 300


# --- one line ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", range(1, ENTRIES + 1))
def test_a_changed_line_is_the_only_one_named(copy: Copy, n: int) -> None:
    copy.put(n, copy.line(n).replace("系统".encode(), "某人".encode()))
    verdict = copy.verify()
    assert [(fault.n, Place(fault.file, fault.line or 0)) for fault in verdict.faults] == [(n, copy.places[n])]
    assert "changed" in verdict.faults[0].what


@pytest.mark.parametrize("n", range(1, ENTRIES + 1))
def test_a_changed_leaf_is_the_only_one_named(copy: Copy, n: int) -> None:
    line = copy.line(n)
    copy.put(n, line[:-4] + (b"1" if line[-4:-3] == b"0" else b"0") + line[-3:])
    verdict = copy.verify()
    assert [(fault.n, Place(fault.file, fault.line or 0)) for fault in verdict.faults] == [(n, copy.places[n])]


@pytest.mark.parametrize("n", [*range(1, NEWEST + 1)])
def test_a_line_and_its_leaf_changed_together(copy: Copy, n: int) -> None:
    """Only the tree knows: the next checkpoint is named, with the range; the ones after it still confirm theirs. Where
    the tiles give the signed root, they tell the line."""
    copy.put(n, resealed(copy.line(n), actor="someone"))
    verdict = copy.verify()
    place = copy.places[n]
    assert [(fault.n, fault.file, fault.line) for fault in verdict.faults[:-1]] == [(n, place.name, place.number)]
    assert verdict.faults[-1].file == checkpoint_after(n)
    before = max(size for size in SIGNED_SIZES if size < n)
    assert f"n={before + 1} to" in verdict.faults[-1].what


@pytest.mark.parametrize("n", [1, 12, 13, 26, 38])
def test_without_tiles_the_checkpoint_names_the_range(copy: Copy, n: int) -> None:
    shutil.rmtree(copy.dir / "tile")
    copy.put(n, resealed(copy.line(n), actor="someone"))
    assert [fault.file for fault in copy.verify().faults] == [checkpoint_after(n)]


@pytest.mark.parametrize("n", range(1, ENTRIES))
def test_a_deleted_line(copy: Copy, n: int) -> None:
    copy.put(n)
    verdict = copy.verify()
    missing = [fault for fault in verdict.faults if fault.n == n and "missing" in fault.what]
    assert len(missing) == 1
    assert files_of(verdict) <= {missing[0].file, checkpoint_after(n) if n <= NEWEST else ""}
    assert len(verdict.faults) <= 2


@pytest.mark.parametrize("n", range(1, ENTRIES + 1))
def test_a_line_twice(copy: Copy, n: int) -> None:
    copy.put(n, copy.line(n), copy.line(n))
    verdict = copy.verify()
    place = copy.places[n]
    assert [(fault.n, fault.file, fault.line) for fault in verdict.faults] == [(n, place.name, place.number + 1)]


@pytest.mark.parametrize("n", range(1, NEWEST))
def test_neighbours_swapped(copy: Copy, n: int) -> None:
    first, second = copy.line(n), copy.line(n + 1)
    copy.put(n, second)
    copy.put(n + 1, first)
    verdict = copy.verify()
    assert verdict.faults[0].n == n + 1
    assert Place(verdict.faults[0].file, verdict.faults[0].line or 0) == copy.places[n]
    assert len(lines_of(verdict)) <= 2
    assert len(verdict.faults) <= 3


@pytest.mark.parametrize(("n", "other"), [(3, 9), (5, 30), (14, 15), (20, 37), (1, 44), (40, 43)])
def test_lines_swapped_from_afar(copy: Copy, n: int, other: int) -> None:
    first, second = copy.line(n), copy.line(other)
    copy.put(n, second)
    copy.put(other, first)
    verdict = copy.verify()
    assert {copy.places[n], copy.places[other]} <= lines_of(verdict)
    assert {fault.n for fault in verdict.faults if fault.line} == {n, other}


@pytest.mark.parametrize("n", [2, 14, 15, 25, 38, 44])
@pytest.mark.parametrize("extra", [b"\n", b"{}\n", b"# a remark\n", b"\xff\xfe\n"])
def test_a_line_that_is_none(copy: Copy, n: int, extra: bytes) -> None:
    copy.put(n, extra, copy.line(n))
    verdict = copy.verify()
    assert lines_of(verdict) == {copy.places[n]}
    assert len(verdict.faults) == 1


@pytest.mark.parametrize("n", [1, 7, 12, 13, 30, 37])
def test_a_forged_line_before_the_true_one(copy: Copy, n: int) -> None:
    """Nobody can tell from the two lines which is true; the tree settles it, and both are pointed at."""
    copy.put(n, resealed(copy.line(n), actor="someone"), copy.line(n))
    verdict = copy.verify()
    place = copy.places[n]
    assert [(fault.n, fault.file, fault.line) for fault in verdict.faults] == [(n, place.name, place.number + 1)]
    assert "second time" in verdict.faults[0].what


@pytest.mark.parametrize("n", [1, 8, 14, 15, 29, 38, 44])
def test_a_torn_line(copy: Copy, n: int) -> None:
    copy.put(n, copy.line(n)[:40] + b"\n")
    verdict = copy.verify()
    assert lines_of(verdict) == {copy.places[n]}
    assert files_of(verdict) <= {copy.places[n].name, checkpoint_after(n) if n <= NEWEST else ""}


@pytest.mark.parametrize("n", [1, 5, 14, 20, 43])
def test_two_lines_run_together(copy: Copy, n: int) -> None:
    copy.put(n, copy.line(n)[:-1])
    verdict = copy.verify()
    assert copy.places[n] in lines_of(verdict)
    assert len(verdict.faults) <= 4


@pytest.mark.parametrize("n", range(1, ENTRIES + 1, 3))
def test_a_line_broken_in_two(copy: Copy, n: int) -> None:
    line = copy.line(n)
    copy.put(n, line[:60] + b"\n", line[60:])
    verdict = copy.verify()
    place = copy.places[n]
    assert lines_of(verdict) == {place, Place(place.name, place.number + 1)}


@pytest.mark.parametrize("n", [4, 16, 33])
def test_another_number(copy: Copy, n: int) -> None:
    copy.put(n, resealed(copy.line(n), n=2**53 - 1))
    verdict = copy.verify()
    assert lines_of(verdict) == {copy.places[n]}
    assert verdict.tree_size == ENTRIES


@SLOW
@given(st.data())
def test_any_changed_byte_is_named(sealed: Sealed, tmp_path: Path, data: st.DataObject) -> None:
    copy = Copy(sealed, tmp_path)
    n = data.draw(st.integers(1, ENTRIES))
    line = bytearray(copy.line(n))
    place = data.draw(st.integers(0, len(line) - 1))
    line[place] ^= data.draw(st.integers(1, 255))
    copy.put(n, bytes(line))
    verdict = copy.verify()
    assert copy.places[n] in lines_of(verdict)
    assert len(verdict.faults) <= 4


# --- one file ---------------------------------------------------------------------------------------------------------

FILES = ["audit-2026-11-20.jsonl", "audit-2026-11-21.jsonl", "audit-2026-11-22.jsonl"]
NOTES = [f"checkpoints/{size:012d}.note" for size in SIGNED_SIZES]
LATEST = "checkpoints/latest.note"


@pytest.mark.parametrize(
    ("name", "n", "where"), [(FILES[0], 1, FILES[1]), (FILES[1], 15, FILES[2]), (FILES[2], 30, NOTES[3])]
)
def test_a_deleted_file(copy: Copy, name: str, n: int, where: str) -> None:
    (copy.dir / name).unlink()
    verdict = copy.verify()
    assert [(fault.n, fault.file) for fault in verdict.faults if fault.n == n] == [(n, where)]
    assert len(verdict.faults) <= 3


@pytest.mark.parametrize("name", [*NOTES, LATEST])
def test_a_deleted_checkpoint(copy: Copy, name: str) -> None:
    (copy.dir / name).unlink()
    assert name in files_of(copy.verify())


@pytest.mark.parametrize("name", [*NOTES, LATEST])
def test_a_truncated_checkpoint(copy: Copy, name: str) -> None:
    whole = (copy.dir / name).read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        (copy.dir / name).write_bytes(whole[:length])
        assert name in files_of(copy.verify())


def test_all_checkpoints_deleted(copy: Copy) -> None:
    shutil.rmtree(copy.dir / "checkpoints")
    verdict = copy.verify()
    assert [fault.what for fault in verdict.faults] == ["no checkpoint signs any of these entries (没有检查点)"]


@pytest.mark.parametrize(("one", "other"), [(0, 1), (1, 2), (2, 3), (1, 3)])
def test_checkpoints_swapped(copy: Copy, one: int, other: int) -> None:
    first, second = copy.dir / NOTES[one], copy.dir / NOTES[other]
    held = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(held)
    assert {NOTES[one], NOTES[other]} <= files_of(copy.verify())


def test_an_older_checkpoint_as_the_latest(copy: Copy) -> None:
    shutil.copy(copy.dir / NOTES[2], copy.dir / LATEST)
    assert files_of(copy.verify()) == {LATEST}


def test_a_checkpoint_put_in(copy: Copy) -> None:
    """Signed by the log's own key, for a tree that is not the log's: by a thief of the key, say."""
    other = Frontier()
    other.extend(bytes([number]) * 32 for number in range(18))
    shutil.copytree(copy.dir, copy.dir.parent / "aside", dirs_exist_ok=True)
    shutil.rmtree(copy.dir.parent / "aside" / "checkpoints")
    path = checkpoints.issue(copy.dir.parent / "aside", copy.sealed.signer, other, "2026-11-21T12:00:00+08:00")
    shutil.copy(path, copy.dir / "checkpoints")
    verdict = copy.verify()
    assert files_of(verdict) == {"checkpoints/000000000018.note"}


@pytest.mark.parametrize(("one", "other"), [(0, 1), (1, 2), (0, 2)])
def test_files_swapped(copy: Copy, one: int, other: int) -> None:
    first, second = copy.dir / FILES[one], copy.dir / FILES[other]
    held = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(held)
    verdict = copy.verify()
    assert {FILES[one]} <= files_of(verdict)
    assert len(verdict.faults) < 10, "a run of lines is one fault"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (FILES[0], "audit-2026-11-19.jsonl"),
        (FILES[0], "audit-2026-11-24.jsonl"),
        (FILES[1], "audit-2026-11-21.jsonl.gz"),
        (FILES[2], "audit-2026-11-23.jsonl"),
        (FILES[2], "audit-2026-02-30.jsonl"),
        (NOTES[1], "checkpoints/000000000013.note"),
        (NOTES[1], "checkpoints/12.note"),
        (LATEST, "checkpoints/last.note"),
    ],
)
def test_a_renamed_file(copy: Copy, old: str, new: str) -> None:
    (copy.dir / old).rename(copy.dir / new)
    assert not copy.verify().holds


@pytest.mark.parametrize(
    "new", ["audit-2026-11-23.jsonl", "audit-2026-11-01.jsonl", "audit-2026-11-20 (copy).jsonl", "copy", "tile.jsonl"]
)
def test_a_file_twice(copy: Copy, new: str) -> None:
    shutil.copy(copy.dir / FILES[0], copy.dir / new)
    assert not copy.verify().holds


# --- cut short --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", range(30, ENTRIES + 1))
def test_cut_short(copy: Copy, last: int) -> None:
    for n in range(ENTRIES, last, -1):
        copy.put(n)
    verdict = copy.verify()
    if last >= NEWEST:
        assert (verdict.holds, verdict.unsigned) == (True, last - NEWEST), "cannot be seen from here"
    else:
        assert [(fault.n, fault.file) for fault in verdict.faults] == [(last + 1, NOTES[3])]
        assert "cut short" in verdict.faults[0].what


def test_cut_short_with_its_checkpoints_is_seen_by_a_copy(copy: Copy, tmp_path: Path) -> None:
    checkpoints.copy(copy.sealed.audit_dir, tmp_path / "second")
    for n in range(ENTRIES, 25, -1):
        copy.put(n)
    for name in (NOTES[3], LATEST):
        (copy.dir / name).unlink()
    shutil.copy(copy.dir / NOTES[2], copy.dir / LATEST)
    assert files_of(copy.verify()) == {"tile/0/000.p/38"}, "the tiles are still those of the longer log"
    shutil.rmtree(copy.dir / "tile")
    assert copy.verify().holds, "put back whole to an earlier state: it cannot be seen from here"
    verdict = verify(copy.dir, copy.sealed.verifiers, copies=[tmp_path / "second"])
    assert [(fault.n, fault.file) for fault in verdict.faults] == [(26, str(tmp_path / "second" / "000000000038.note"))]


def test_a_log_written_anew_is_seen_by_a_copy(sealed: Sealed, tmp_path: Path) -> None:
    """By someone who has the key: other entries, other checkpoints, all of it consistent."""
    checkpoints.copy(sealed.audit_dir, tmp_path / "second")
    forged = [{**each, "actor": "someone"} if each["n"] == 20 else each for each in entries()]
    seal_all(tmp_path / "forged", sealed.signer, forged)
    assert verify(tmp_path / "forged", sealed.verifiers).holds
    verdict = verify(tmp_path / "forged", sealed.verifiers, copies=[tmp_path / "second"])
    assert [fault.n for fault in verdict.faults] == [25, 38]


# --- anything ---------------------------------------------------------------------------------------------------------


def _flip(copy: Copy, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(path for path in copy.dir.rglob("*") if path.is_file())))
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)


def _cut(copy: Copy, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(path for path in copy.dir.rglob("*") if path.is_file())))
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content) - 1))
    path.write_bytes(content[:start] + content[data.draw(st.integers(start + 1, len(content))) :])


def _insert(copy: Copy, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(path for path in copy.dir.rglob("*") if path.is_file())))
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:start] + data.draw(st.binary(min_size=1, max_size=20)) + content[start:])


def _move_line(copy: Copy, data: st.DataObject) -> None:
    n, to = data.draw(st.integers(1, ENTRIES)), data.draw(st.integers(1, ENTRIES))
    moved = copy.line(n)
    copy.put(to, moved, copy.line(to))
    if data.draw(st.booleans()) and n != to:
        where = copy.places[n]
        later = where.name == copy.places[to].name and n > to
        del copy.lines[where.name][where.number - 1 + later]
        (copy.dir / where.name).write_bytes(b"".join(copy.lines[where.name]))


def _swap_lines(copy: Copy, data: st.DataObject) -> None:
    n, other = data.draw(st.integers(1, ENTRIES)), data.draw(st.integers(1, ENTRIES))
    first, second = copy.line(n), copy.line(other)
    copy.put(n, second)
    copy.put(other, first)


def _forge(copy: Copy, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, NEWEST))
    field = data.draw(st.sampled_from(["actor", "what", "petition_id", "trace_id", "at"]))
    copy.put(n, resealed(copy.line(n), **{field: data.draw(st.text(max_size=5))}))


def _swap_files(copy: Copy, data: st.DataObject) -> None:
    paths = sorted(path for path in copy.dir.rglob("*") if path.is_file())
    first, second = data.draw(st.sampled_from(paths)), data.draw(st.sampled_from(paths))
    held = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(held)


def _delete_file(copy: Copy, data: st.DataObject) -> None:
    data.draw(st.sampled_from(sorted(path for path in copy.dir.rglob("*") if path.is_file()))).unlink()


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def is_allowed(before: dict[str, bytes], after: dict[str, bytes]) -> bool:
    """Nothing was changed, or only whole lines are gone after the newest checkpoint."""
    if {name for name in before if after.get(name) != before[name]} - {FILES[2]} or set(after) - set(before):
        return False
    left, whole = after.get(FILES[2], b""), before[FILES[2]]
    return whole.startswith(left) and left.endswith(b"\n") and left.count(b"\n") >= NEWEST - 29


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([_flip, _cut, _insert, _move_line, _swap_lines, _forge, _swap_files, _delete_file]),
    st.data(),
)
def test_whatever_is_done_is_reported(
    sealed: Sealed, tmp_path: Path, spoil: Callable[[Copy, st.DataObject], None], data: st.DataObject
) -> None:
    copy = Copy(sealed, tmp_path)
    before = contents(copy.dir)
    spoil(copy, data)
    verdict = copy.verify()
    assert verdict.holds == is_allowed(before, contents(copy.dir))
    assert len(verdict.faults) <= 16, "one thing was done: it must not be made into many"


@SLOW
@given(st.dictionaries(st.sampled_from([*FILES, *NOTES, LATEST]), st.binary(max_size=300), min_size=1))
def test_no_content_makes_it_raise(sealed: Sealed, tmp_path: Path, spoilt: dict[str, bytes]) -> None:
    copy = Copy(sealed, tmp_path)
    for name, content in spoilt.items():
        (copy.dir / name).write_bytes(content)
    assert not copy.verify().holds


def test_a_log_of_garbage_does_not_fill_the_memory(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.witness.verify.MAX_FAULTS", 50)
    (copy.dir / FILES[1]).write_bytes(b"garbage\n" * 5000)
    verdict = copy.verify()
    assert len(verdict.faults) == 51
    assert verdict.faults[-1].what.startswith("and ")


# --- the stories of the petitions -------------------------------------------------------------------------------------


def story(tmp_path: Path, sealed: Sealed, *told: tuple[str, str | None] | tuple[str, str | None, int]) -> list[Fault]:
    """The faults of a log of (what, petition) or, for a system's event, (what, petition, its sequence)."""
    made = []
    for n, (what, petition, *sequence) in enumerate(told, 1):
        event = {"sequence": sequence[0], "event_id": f"e-{n}"} if sequence else {}
        made.append({**entry(n, what, petition, "2026-11-22"), **event})
    frontier = seal_all(tmp_path, sealed.signer, made)
    checkpoints.issue(tmp_path, sealed.signer, frontier, "2026-11-22T10:00:00+08:00")
    return verify(tmp_path, sealed.verifiers).faults


def test_a_petition_begins_with_its_acceptance(tmp_path: Path, sealed: Sealed) -> None:
    faults = story(
        tmp_path,
        sealed,
        *(("petition.accepted", "a", 1), ("event.routed", "a"), ("handoff.delivered", "b"), ("handoff.failed", "b")),
        *(("petition.accepted", "c", 2), ("petition.closed", "d", 1)),
    )
    assert [(fault.n, fault.line) for fault in faults] == [(3, 3), (5, 5), (6, 6)]
    assert "b begins with handoff.delivered" in faults[0].what


def test_what_belongs_to_no_petition_is_exempt(tmp_path: Path, sealed: Sealed) -> None:
    assert not story(
        tmp_path,
        sealed,
        *(("message.rejected", None), ("operator.login", None), ("pii.read", "x"), ("operator.note", "x")),
        *(("message.rejected", "y"), ("petition.accepted", "x"), ("petition.accepted", "y")),
    )


def test_what_may_follow_the_end(tmp_path: Path, sealed: Sealed) -> None:
    assert not story(
        tmp_path,
        sealed,
        *(("petition.accepted", "a", 1), ("petition.accepted", "a", 2), ("petition.closed", "a", 3)),
        *(("event.routed", "a"), ("handoff.delivered", "a"), ("petition.closed", "a"), ("handoff.acknowledged", "a")),
        *(("pii.read", "a"), ("petition.accepted", "a", 4), ("petition.closed", "a", 5), ("event.routed", "a")),
        *(("petition.closed", "a"), ("petition.rehandled", "a", 6), ("petition.closed", "a"), ("handoff.parked", "a")),
        *(("handoff.replayed", "a"), ("petition.closed", "a")),
    )


def test_what_may_not_follow_the_end(tmp_path: Path, sealed: Sealed) -> None:
    faults = story(
        tmp_path,
        sealed,
        *(("petition.accepted", "a", 1), ("petition.closed", "a"), ("petition.accepted", "a", 1)),
        *(("petition.closed", "a"), ("handoff.acknowledged", "a"), ("petition.closed", "a")),
    )
    assert [fault.n for fault in faults] == [3, 6]
    assert "a second time" in faults[0].what


def from_wechat(what: str, petition: str, **more: object) -> dict[str, object]:
    return {**entry(0, what, petition, "2026-11-22"), "from": "wechat", "to": "bridge", **more}


def routed(petition: str, to: str | None) -> dict[str, object]:
    return {**entry(0, "event.routed", petition, "2026-11-22"), "from": "bridge", "event_id": "e", "to": to}


def told(tmp_path: Path, sealed: Sealed, *made: dict[str, object]) -> list[Fault]:
    numbered = [{**each, "n": n} for n, each in enumerate(made, 1)]
    frontier = seal_all(tmp_path, sealed.signer, numbered, (0, len(numbered)))
    assert frontier.size == len(made)
    return verify(tmp_path, sealed.verifiers).faults


def test_a_petition_that_nobody_has_is_named(tmp_path: Path, sealed: Sealed) -> None:
    """What a citizen wrote to the messenger, all of it routed, and to nobody."""
    opening = {"event_id": "e", "sequence": 1}
    faults = told(
        tmp_path,
        sealed,
        *(from_wechat("petition.accepted", "lost", **opening), routed("lost", None)),
        *(from_wechat("petition.accepted", "on its way", **opening), routed("on its way", "hotline12345,wechat")),
        *(from_wechat("petition.accepted", "not routed yet", **opening),),
        *(from_wechat("petition.accepted", "more to come", **opening), routed("more to come", None)),
        *(from_wechat("petition.urged", "more to come", event_id="f", sequence=2),),
        *(from_wechat("petition.accepted", "kept by its source", **opening, **{"from": "hotline12345"}),),
        *(routed("kept by its source", None),),
        *(from_wechat("petition.accepted", "on the spot", **opening),),
        *({**routed("on the spot", None), "outcome": "held"},),
        *(from_wechat("petition.accepted", "ended", **opening), routed("ended", None)),
        *(from_wechat("petition.closed", "ended", **{"from": None, "to": None}),),
    )
    assert [(fault.n, fault.what.partition(" has ")[0]) for fault in faults] == [(2, "petition lost")]


def test_a_receipt_that_is_not_its_entrys_is_named(tmp_path: Path, sealed: Sealed) -> None:
    made = from_wechat("petition.accepted", "a", event_id="e", sequence=1, level="info")
    faults = told(
        tmp_path,
        sealed,
        {**made, "receipt": receipt_of(made)},
        {**made, "petition_id": "b", "receipt": receipt_of(made)},
        {**entry(0, "handoff.delivered", "a", "2026-11-22"), "receipt": "the system's own number"},
    )
    assert [fault.n for fault in faults] == [2]
    assert "receipt" in faults[0].what


def test_a_second_place_that_cannot_be_read_is_named(sealed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: Path) -> list[int]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("bridge.witness.checkpoints._notes_in", closed)
    verdict = verify(sealed.audit_dir, sealed.verifiers, copies=[Path("second")])
    assert [(fault.file, "Permission denied" in fault.what) for fault in verdict.faults] == [("second", True)]


def test_the_command_looks_into_the_second_places(
    copy: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Put back whole to an earlier state: the copies of BRIDGE_AUDIT_COPIES tell."""
    checkpoints.copy(copy.sealed.audit_dir, tmp_path / "second")
    for n in range(ENTRIES, 25, -1):
        copy.put(n)
    for name in (NOTES[3], LATEST):
        (copy.dir / name).unlink()
    shutil.copy(copy.dir / NOTES[2], copy.dir / LATEST)
    shutil.rmtree(copy.dir / "tile")
    (tmp_path / "witness.pub").write_text(copy.sealed.verifiers[0].text())
    monkeypatch.setenv("BRIDGE_AUDIT_DIR", str(copy.dir))
    monkeypatch.setenv("BRIDGE_KEYS_DIR", str(tmp_path))

    def run(*arguments: str) -> tuple[object, dict[str, object]]:
        with pytest.raises(SystemExit) as exit_:
            app(["verify", "--json", *arguments])
        return exit_.value.code, orjson.loads(capsys.readouterr().out)

    code, report = run()
    assert (code, report["copies"]) == (0, 0)
    monkeypatch.setenv("BRIDGE_AUDIT_COPIES", f"https://witness.example/x,{tmp_path / 'second'}")
    assert run()[0] == 1
    with pytest.raises(SystemExit, match="2"):
        app(["verify", "--copies", str(tmp_path / "nowhere")])
    assert f"{tmp_path / 'nowhere'}: no such directory" in capsys.readouterr().err
    code, report = run("--copies", str(tmp_path / "second"))
    assert (code, report["holds"], report["copies"]) == (1, False, len(SIGNED_SIZES))
    assert report["faults"][0]["n"] == 26  # type: ignore[index]  # a JSON document


def test_serve_and_work_share_the_audit_directory() -> None:
    """Proofs are read by the one from what the other writes."""
    services = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text("utf-8"))["services"]
    assert services["bridge-serve"]["volumes"] == services["bridge-work"]["volumes"] == ["data:/data"]


def test_a_thing_signed_by_a_stranger_is_no_checkpoint(copy: Copy) -> None:
    stranger = generate(copy.sealed.signer.verifier.name)
    path = copy.dir / NOTES[2]
    body = path.read_text().rpartition("\n\n")[0]
    forged = Checkpoint.parse(f"{body}\n")
    path.write_text(sign(forged, stranger))
    verdict = copy.verify()
    assert [fault.file for fault in verdict.faults] == [NOTES[2]]
    assert "known key" in verdict.faults[0].what
