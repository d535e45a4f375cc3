"""Proofs out of the tiles; the tiles themselves: whole whatever happens to whoever writes them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.witness import checkpoints, logfiles, proofs, tiles
from bridge.witness.auditlog import AuditLog
from bridge.witness.note import Signer, generate
from bridge.witness.proofs import NoProof, Prover, Signed
from bridge.witness.tiler import Tiler
from bridge.witness.tiles import Tile, TileMissing, TileReader, edge_from, listing
from bridge.witness.tree import (
    Frontier,
    leaf_hash,
    root_from,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.witness.logs import ORIGIN, entry
from tests.witness.test_tree import CONSISTENCY, INCLUSION, ROOTS, VECTOR_HASHES

MANY = [leaf_hash(number.to_bytes(4, "big")) for number in range(70_000)]
SIZES = (1, 2, 255, 256, 257, 511, 512, 3000)


def tiled(directory: Path, leaves: list[bytes], *flushes: int) -> Path:
    """Tiles of these leaves, flushed at each of these sizes and at the end."""
    tiler = Tiler(directory)
    tiler.take_up(0, Frontier().root())
    start = 0
    for end in (*flushes, len(leaves)):
        tiler.append(leaves[start:end])
        tiler.flush()
        start = end
    return directory / "tile"


def contents(root: Path) -> dict[str, bytes]:
    return {name: (root / name).read_bytes() for name in listing(root)}


# ── names ──


@pytest.mark.parametrize(
    ("tile", "name"),
    [
        (Tile(0, 0), "0/000"),
        (Tile(0, 67), "0/067"),
        (Tile(0, 1234067), "0/x001/x234/067"),
        (Tile(3, 1000, 17), "3/x001/000.p/17"),
    ],
)
def test_tiles_are_named_as_c2sp_says(tile: Tile, name: str) -> None:
    assert tile.name == name
    assert Tile.parse(name) == tile


@pytest.mark.parametrize(
    "name",
    ["", "0", "0/0", "0/x000/067", "0/067.p/0", "0/067.p/256", "0/067.p/", "0/x001", "a/067", "00/067", "0/067.q/1"],
)
def test_other_names_are_none(name: str) -> None:
    assert Tile.parse(name) is None


# ── reading ──


def test_the_published_vectors_pass_through_tiles(tmp_path: Path) -> None:
    for size in range(1, 9):
        root = tiled(tmp_path / str(size), VECTOR_HASHES[:size])
        assert root_from(TileReader(root), size).hex() == ROOTS[size]
        signed = Signed(size, bytes.fromhex(ROOTS[size]), "")
        for index, of, proof in INCLUSION:
            if of == size:
                assert [node.hex() for node in Prover(root.parent, signed).inclusion(index + 1)] == proof
        for old, new, proof in CONSISTENCY:
            if new == size:
                assert [node.hex() for node in Prover(root.parent, signed).consistency(old)] == proof


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """70,000 leaves: three levels of tiles."""
    return tiled(tmp_path_factory.mktemp("big"), MANY, 1, 300, 65_536)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_proof_of_a_larger_tree(big: Path, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(MANY)))
    read = TileReader(big)
    root = root_from(read, size)
    prover = Prover(big.parent, Signed(size, root, ""))
    n = data.draw(st.integers(1, size))
    assert verify_inclusion(MANY[n - 1], n - 1, size, prover.inclusion(n), root)
    old = data.draw(st.integers(0, size))
    assert verify_consistency(old, size, prover.consistency(old), root_from(read, old), root)


def test_the_roots_are_those_of_the_leaves(big: Path) -> None:
    for size in (*SIZES, 65_535, 65_536, 65_537, len(MANY)):
        assert root_from(TileReader(big), size) == root_of(MANY[:size])
        assert edge_from(TileReader(big), size).root() == root_of(MANY[:size])


def test_a_proof_reads_few_files(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[Tile] = []
    load = TileReader._load

    def counted(self: TileReader, tile: Tile, at_least: int) -> bytes:
        loads.append(tile)
        return load(self, tile, at_least)

    monkeypatch.setattr(TileReader, "_load", counted)
    signed = Signed(len(MANY), root_of(MANY), "")
    Prover(big.parent, signed).inclusion(12_345)
    assert len(loads) <= 6


def test_only_what_is_needed_lies_there(tmp_path: Path) -> None:
    root = tiled(tmp_path, MANY[:600], 1, 255, 256, 257, 300)
    assert sorted(listing(root)) == ["0/000", "0/001", "0/002.p/88", "1/000.p/2"]
    assert contents(root) == contents(tiled(tmp_path / "at-once", MANY[:600]))


@pytest.mark.parametrize("spoil", ["missing", "short", "other"])
def test_damaged_tiles_give_no_wrong_proofs(tmp_path: Path, spoil: str) -> None:
    root = tiled(tmp_path, MANY[:600])
    path = root / "0/000"
    data = path.read_bytes()
    path.unlink()
    if spoil != "missing":
        path.write_bytes(data[:-32] if spoil == "short" else bytes(32) + data[32:])
    prover = Prover(tmp_path, Signed(600, root_of(MANY[:600]), ""))
    with pytest.raises(NoProof):
        prover.inclusion(2)
    assert Prover(tmp_path, Signed(600, root_of(MANY[:600]), "")).inclusion(599)


# ── writing ──


def taken_up(directory: Path, size: int) -> Tiler:
    tiler = Tiler(directory)
    assert tiler.take_up(size, root_of(MANY[:size]))
    return tiler


def test_it_goes_on_from_any_checkpoint(tmp_path: Path) -> None:
    """The tiles may be further than the newest checkpoint: the process died between the two."""
    wanted = contents(tiled(tmp_path / "whole", MANY[:600]))
    for size in (0, 1, 255, 256, 257, 300, 512, 600):
        directory = tmp_path / str(size)
        tiled(directory, MANY[:600], 300)
        tiler = taken_up(directory, size)
        tiler.append(MANY[size:600])
        tiler.flush()
        assert contents(directory / "tile") == wanted


class Killed(BaseException):
    """The process is gone."""


def dies_at(count: int, replace: Callable[[Path, Path], Path] = Path.replace) -> Callable[[Path, Path], Path]:
    """`Path.replace`, and the end of the process instead of the call after `count` calls."""
    left = iter(range(count, -1, -1))

    def dying(path: Path, target: Path) -> Path:
        if next(left, 1) == 0:
            raise Killed
        return replace(path, target)

    return dying


def test_killed_at_any_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = contents(tiled(tmp_path / "whole", MANY[:600]))
    deaths = 0
    while True:
        directory = tmp_path / f"killed-{deaths}"
        tiled(directory, MANY[:300])
        tiler = taken_up(directory, 300)
        tiler.append(MANY[300:600])
        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", dies_at(deaths))
            try:
                tiler.flush()
            except Killed:
                deaths += 1
            else:
                break
        assert root_from(TileReader(directory / "tile"), 300) == root_of(MANY[:300]), "the checkpoint keeps its proofs"
        again = taken_up(directory, 300)
        again.append(MANY[300:600])
        again.flush()
        assert contents(directory / "tile") == wanted
    assert deaths == 3


@pytest.fixture
def log(tmp_path: Path) -> tuple[Path, Frontier]:
    """An audit directory with 600 entries over several days, without tiles."""
    writer, frontier = AuditLog(tmp_path / "audit"), Frontier()
    writer.tail(0)
    for start in range(1, 601, 200):
        batch = [entry(n, "operator.note", None, f"2026-11-2{start // 200}") for n in range(start, start + 200)]
        frontier.extend(writer.append(batch))
    writer.close()
    return tmp_path / "audit", frontier


@pytest.mark.parametrize("spoil", ["none", "gone", "changed", "those of another log"])
def test_bad_tiles_are_made_anew_from_the_audit_files(log: tuple[Path, Frontier], spoil: str) -> None:
    audit_dir, frontier = log
    if spoil != "none":
        tiled(audit_dir, MANY[:600] if spoil == "those of another log" else list(logfiles.leaves_from(audit_dir, 1)))
    if spoil == "gone":
        shutil.rmtree(audit_dir / "tile")
    if spoil == "changed":
        path = audit_dir / "tile/1/000.p/2"
        path.write_bytes(path.read_bytes()[::-1])
    tiler = Tiler(audit_dir)
    assert not tiler.take_up(600, frontier.root())
    assert not (audit_dir / "tile").exists(), "half of them would look like damage"
    while tiler.size < 600:
        tiler.follow(70)
    assert tiler.root() == frontier.root()
    assert not (audit_dir / "tile").exists()
    tiler.flush()
    assert root_from(TileReader(audit_dir / "tile"), 600) == frontier.root()
    assert not list(audit_dir.glob(".tile*"))


def test_a_folder_taken_away_while_running_is_made_anew(log: tuple[Path, Frontier]) -> None:
    audit_dir, frontier = log
    tiled(audit_dir, list(logfiles.leaves_from(audit_dir, 1)))
    tiler = Tiler(audit_dir)
    assert tiler.take_up(600, frontier.root())
    shutil.rmtree(audit_dir / "tile")
    tiler.flush()
    assert (tiler.size, tiler.remaking) == (0, True)
    tiler.follow(1000)
    tiler.flush()
    assert root_from(TileReader(audit_dir / "tile"), 600) == frontier.root()


def test_leaves_are_found_from_any_entry_on(log: tuple[Path, Frontier], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfiles, "_CHUNK", 1000)
    audit_dir, _ = log
    every = list(logfiles.leaves_from(audit_dir, 1))
    assert root_of(every) == log[1].root()
    for first in (2, 17, 200, 201, 399, 400, 401, 600, 601):
        assert list(logfiles.leaves_from(audit_dir, first)) == every[first - 1 :]


def test_leaves_end_where_the_log_is_damaged(log: tuple[Path, Frontier]) -> None:
    path = logfiles.files(log[0])[1]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:10], b"garbage\n", *lines[11:]]))
    assert len(list(logfiles.leaves_from(log[0], 1))) == 210


def test_millions_of_leaves_are_held_in_few_hashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is whole goes to the disk, also between two checkpoints."""
    monkeypatch.setattr("bridge.witness.tiler.MAX_PENDING", 512)
    tiler = Tiler(tmp_path)
    tiler.take_up(0, Frontier().root())
    for start in range(0, 70_000, 1000):
        tiler.append(MANY[start : start + 1000])
        assert sum(len(data) for _, data in tiler._whole) <= 8192 * 6
    tiler.flush()
    assert root_from(TileReader(tmp_path / "tile"), 70_000) == root_of(MANY)


# ── checkpoints to prove into ──


@pytest.fixture
def signer() -> Signer:
    return generate(ORIGIN)


def test_checkpoints_are_read_by_size(tmp_path: Path, signer: Signer) -> None:
    assert proofs.newest(tmp_path) is None
    assert proofs.at(tmp_path, 3) is None
    frontier = Frontier()
    frontier.extend(MANY[:3])
    checkpoints.issue(tmp_path, signer, frontier, "2026-11-22T10:00:00+08:00")
    found = proofs.at(tmp_path, 3)
    assert found == proofs.newest(tmp_path)
    assert found is not None
    assert (found.size, found.root) == (3, frontier.root())
    (tmp_path / "checkpoints/latest.note").write_bytes(b"\xff")
    with pytest.raises(NoProof, match=r"latest\.note"):
        proofs.newest(tmp_path)


def test_beyond_the_tree(tmp_path: Path) -> None:
    tiled(tmp_path, MANY[:5])
    prover = Prover(tmp_path, Signed(5, root_of(MANY[:5]), ""))
    for n in (0, 6):
        with pytest.raises(ValueError, match="not in a tree"):
            prover.inclusion(n)
    with pytest.raises(ValueError, match="no earlier size"):
        prover.consistency(6)
    with pytest.raises(TileMissing):
        TileReader(tiles.folder(tmp_path))(0, 5)
