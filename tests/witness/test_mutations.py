"""Thousands of things done to an audit directory, one at a time: each is seen, and named where it was done.

The directory has all that one can have: plain days and a packed one, checkpoints, whole and partial tiles, and no entry
that is not signed; so nothing at all can be done unseen.
"""

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.cli.main import app
from bridge.witness import archive, keys
from bridge.witness.canonical import render, seal
from bridge.witness.logfiles import files
from bridge.witness.verify import Verdict, verify
from tests.witness.logs import ORIGIN, entry, seal_all

SIGNED = (0, 90, 200, 290, 310)
DAYS = ("2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23")
A_DAY = 80
MANY = settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Directory:
    """A directory to be spoilt again and again; only what was touched is put back."""

    def __init__(self, root: Path) -> None:
        self.dir = root / "audit"
        self.keys = root / "keys"
        signer = keys.ensure(self.keys, ORIGIN)
        made = [entry(n, "operator.note", None, DAYS[(n - 1) // A_DAY]) for n in range(1, SIGNED[-1] + 1)]
        seal_all(self.dir, signer, made, SIGNED)
        archive.pack(files(self.dir)[0])
        self.whole = {self.name(path): path.read_bytes() for path in self.dir.rglob("*") if path.is_file()}
        self.known = keys.verifiers(self.keys)
        self.touched: set[str] = set()

    def name(self, path: Path) -> str:
        return path.relative_to(self.dir).as_posix()

    def put(self, name: str, content: bytes | None) -> None:
        """Another content; None: no such file any more."""
        self.touched.add(name)
        if content is None:
            (self.dir / name).unlink()
        else:
            (self.dir / name).write_bytes(content)

    def mend(self) -> None:
        for name in self.touched:
            if name in self.whole:
                (self.dir / name).write_bytes(self.whole[name])
            else:
                (self.dir / name).unlink()
        self.touched.clear()

    def verify(self) -> Verdict:
        return verify(self.dir, self.known)

    def lines(self) -> list[tuple[str, int]]:
        """(file, index) of each plain line."""
        return [(name, index) for name in self.plain() for index in range(self.whole[name].count(b"\n"))]

    def plain(self) -> list[str]:
        return sorted(name for name in self.whole if name.endswith(".jsonl"))


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Directory:
    return Directory(tmp_path_factory.mktemp("spoilt"))


@pytest.fixture(autouse=True)
def mended(spoilt: Directory) -> Iterator[None]:
    yield
    spoilt.mend()
    assert spoilt.verify().holds


def entries_of(name: str) -> range:
    """The n that a day's file has, or the two it stands between."""
    day = DAYS.index(name[6:16])
    return range(day * A_DAY, (day + 1) * A_DAY + 2)


def is_named(verdict: Verdict, name: str) -> bool:
    """Whether the faults point at this file, or at the entries it has."""
    named = {fault.file for fault in verdict.faults}
    if name in named or name.removesuffix(archive.DIGEST) in named:
        return True
    if name == "checkpoints/latest.note":
        return any(file.startswith("checkpoints/") for file in named)
    return name.startswith("audit-") and any(fault.n in entries_of(name) for fault in verdict.faults)


def check(spoilt: Directory, *names: str, most: int | None = None) -> None:
    """Seen exactly where something differs, and named there, with at most so many faults."""
    verdict = spoilt.verify()
    changed = [name for name in names if not (spoilt.dir / name).exists() or _differs(spoilt, name)]
    try:
        assert verdict.holds == (not changed)
        assert all(is_named(verdict, name) for name in changed), (changed, verdict.faults)
        assert most is None or len(verdict.faults) <= most, "one thing was done: it must not be made into many"
    finally:
        spoilt.mend()


def _differs(spoilt: Directory, name: str) -> bool:
    return (spoilt.dir / name).read_bytes() != spoilt.whole.get(name)


def any_name(spoilt: Directory, data: st.DataObject) -> str:
    """Each kind of file as often as any other."""
    kinds = ("audit-", "checkpoints/", "tile/")
    kind = data.draw(st.sampled_from(kinds))
    return data.draw(st.sampled_from(sorted(name for name in spoilt.whole if name.startswith(kind))))


@MANY
@given(st.data())
def test_any_bytes_changed_cut_out_or_put_in(spoilt: Directory, data: st.DataObject) -> None:
    name = any_name(spoilt, data)
    whole = spoilt.whole[name]
    start = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(start, min(len(whole), start + data.draw(st.sampled_from([1, 40, 5000])))))
    spoilt.put(name, whole[:start] + data.draw(st.binary(max_size=20)) + whole[end:])
    check(spoilt, name)


@MANY
@given(st.data())
def test_any_lines_changed_deleted_doubled_swapped_or_moved(spoilt: Directory, data: st.DataObject) -> None:
    places = spoilt.lines()
    (one, at), (other, to) = data.draw(st.sampled_from(places)), data.draw(st.sampled_from(places))
    texts = {name: spoilt.whole[name].splitlines(keepends=True) for name in {one, other}}
    kind = data.draw(st.sampled_from(["forge", "delete", "double", "swap", "move", "foreign"]))
    if kind == "forge":
        field = data.draw(st.sampled_from(["actor", "what", "trace_id"]))
        fields = {**orjson_loads(texts[one][at]), field: data.draw(st.text(st.characters(codec="utf-8"), max_size=5))}
        texts[one][at] = render(seal(fields)[0]) + b"\n"
    elif kind == "delete":
        del texts[one][at : at + data.draw(st.integers(1, 5))]
    elif kind == "double":
        texts[one].insert(at, texts[one][at])
    elif kind == "swap":
        texts[one][at], texts[other][to] = texts[other][to], texts[one][at]
    elif kind == "move":
        moved = texts[one].pop(at)
        texts[other].insert(min(to, len(texts[other])), moved)
    else:
        texts[one].insert(at, data.draw(st.binary(max_size=30)) + b"\n")
    for name, lines in texts.items():
        spoilt.put(name, b"".join(lines))
    check(spoilt, *texts, most=8)


def orjson_loads(line: bytes) -> dict[str, object]:
    import orjson

    fields: dict[str, object] = orjson.loads(line)
    del fields["leaf"]
    return fields


@MANY
@given(st.data())
def test_any_files_deleted_truncated_swapped_or_copied(spoilt: Directory, data: st.DataObject) -> None:
    one, other = any_name(spoilt, data), any_name(spoilt, data)
    kind = data.draw(st.sampled_from(["delete", "truncate", "swap", "copy", "put in"]))
    if kind == "delete":
        spoilt.put(one, None)
        check(spoilt, one)
    elif kind == "truncate":
        spoilt.put(one, spoilt.whole[one][: data.draw(st.integers(0, len(spoilt.whole[one]) - 1))])
        check(spoilt, one)
    elif kind == "swap":
        spoilt.put(one, spoilt.whole[other])
        spoilt.put(other, spoilt.whole[one])
        swapped(spoilt)
    elif kind == "copy":
        spoilt.put(one, spoilt.whole[other])
        check(spoilt, one)
    else:
        name = data.draw(st.sampled_from(["audit-2026-11-24.jsonl", "checkpoints/000000000311.note", "tile/0/002"]))
        spoilt.put(name, spoilt.whole[other])
        check(spoilt, name)


def swapped(spoilt: Directory) -> None:
    changed = [name for name in spoilt.touched if _differs(spoilt, name)]
    verdict = spoilt.verify()
    spoilt.mend()
    assert verdict.holds == (not changed)
    assert not changed or any(is_named(verdict, name) for name in changed)


def test_a_packed_day_forged_with_its_digest_is_told_by_the_tree(spoilt: Directory) -> None:
    name = f"audit-{DAYS[0]}.jsonl.gz"
    lines = gzip.decompress(spoilt.whole[name]).splitlines(keepends=True)
    lines[4] = render(seal({**orjson_loads(lines[4]), "actor": "someone"})[0]) + b"\n"
    forged = gzip.compress(b"".join(lines), mtime=0)
    spoilt.put(name, forged)
    spoilt.put(f"{name}.sha256", f"{hashlib.sha256(forged).hexdigest()}  {name}\n".encode())
    faults = spoilt.verify().faults
    assert [(fault.n, fault.file, fault.line) for fault in faults[:1]] == [(5, name, 5)]


def test_the_command_names_every_faulty_line_and_exits_1(spoilt: Directory, capsys: pytest.CaptureFixture[str]) -> None:
    name = spoilt.plain()[0]
    lines = spoilt.whole[name].splitlines(keepends=True)
    lines[3] = lines[3].replace("系统".encode(), "某人".encode())
    lines[9] = render(seal({**orjson_loads(lines[9]), "actor": "someone"})[0]) + b"\n"
    spoilt.put(name, b"".join(lines))
    arguments = ["verify", "--audit-dir", str(spoilt.dir), "--public-key", str(spoilt.keys / "witness.pub")]
    with pytest.raises(SystemExit) as exit_:
        app(arguments)
    assert exit_.value.code == 1
    told = capsys.readouterr()
    assert "does not hold" in told.out
    assert f"{name}:4 n={A_DAY + 4}: changed" in told.err.replace("\n", " ")
    spoilt.mend()
    with pytest.raises(SystemExit) as exit_:
        app(arguments)
    assert exit_.value.code == 0
