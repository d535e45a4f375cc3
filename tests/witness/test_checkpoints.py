"""Checkpoints as files: written once, chained, copied, never contradicted."""

from pathlib import Path

import pytest

from bridge.witness import checkpoints
from bridge.witness.checkpoints import CheckpointError, frontier_of, issue, previous_of
from bridge.witness.note import Checkpoint, NoteError, Signer, generate, open_note, sign
from bridge.witness.tree import Frontier, leaf_hash

AT = "2026-11-22T10:00:00+08:00"


@pytest.fixture
def signer() -> Signer:
    return generate("bridge.example/laiting")


def tree(size: int, word: str = "") -> Frontier:
    frontier = Frontier()
    for number in range(size):
        frontier.append(leaf_hash(f"{word}{number}".encode()))
    return frontier


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_checkpoint_says_what_the_tree_is(tmp_path: Path, signer: Signer) -> None:
    path = issue(tmp_path, signer, tree(11), AT)
    checkpoint = open_note(path.read_bytes(), [signer.verifier])
    assert path == tmp_path / "checkpoints" / "000000000011.note"
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (signer.verifier.name, 11, tree(11).root())
    assert checkpoint.extension("time") == AT
    restored = frontier_of(checkpoint)
    assert restored is not None
    assert restored.to_bytes() == tree(11).to_bytes()


def test_each_names_the_one_before(tmp_path: Path, signer: Signer) -> None:
    paths = [issue(tmp_path, signer, tree(size), AT) for size in (0, 3, 11)]
    opened = [open_note(path.read_bytes(), [signer.verifier]) for path in paths]
    assert [previous_of(checkpoint) for checkpoint in opened] == [None, 0, 3]
    assert checkpoints.sizes(tmp_path) == [0, 3, 11]
    assert names(tmp_path / "checkpoints") == [
        *("000000000000.note", "000000000003.note", "000000000011.note", "latest.note"),
    ]
    assert (tmp_path / "checkpoints" / "latest.note").read_bytes() == paths[-1].read_bytes()


def test_the_same_size_is_signed_once(tmp_path: Path, signer: Signer) -> None:
    path = issue(tmp_path, signer, tree(3), AT)
    first = path.read_bytes()
    latest = tmp_path / "checkpoints" / "latest.note"
    latest.write_bytes(b"a crash left this")
    assert issue(tmp_path, signer, tree(3), "2026-11-22T11:00:00+08:00") == path
    assert path.read_bytes() == latest.read_bytes() == first


def test_a_log_never_contradicts_itself(tmp_path: Path, signer: Signer) -> None:
    issue(tmp_path, signer, tree(5), AT)
    with pytest.raises(CheckpointError, match="another root"):
        issue(tmp_path, signer, tree(5, "other"), AT)
    with pytest.raises(CheckpointError, match="signed already"):
        issue(tmp_path, signer, tree(4), AT)


def test_copies_are_made_up_for_and_never_overwritten(tmp_path: Path, signer: Signer) -> None:
    second = tmp_path / "second" / "place"
    for size in (2, 5):
        issue(tmp_path, signer, tree(size), AT)
    assert [path.name for path in checkpoints.copy(tmp_path, second)] == ["000000000002.note", "000000000005.note"]
    assert checkpoints.copy(tmp_path, second) == []
    issue(tmp_path, signer, tree(9), AT)
    assert [path.name for path in checkpoints.copy(tmp_path, second)] == ["000000000009.note"]
    assert names(second) == names(tmp_path / "checkpoints")
    kept = b"the auditor's copy"
    (second / "000000000009.note").write_bytes(kept)
    with pytest.raises(CheckpointError, match="differs"):
        checkpoints.copy(tmp_path, second)
    assert (second / "000000000009.note").read_bytes() == kept


def test_a_write_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    checkpoints.write_atomically(path, b"old")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("killed")))
        with pytest.raises(OSError, match="killed"):
            checkpoints.write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    checkpoints.write_atomically(path, b"new")
    assert (path.read_bytes(), names(tmp_path)) == (b"new", ["file"])


@pytest.mark.parametrize("value", ["-1", "x", "", "９", "1" * 5000])
def test_not_a_previous_size(value: str) -> None:
    with pytest.raises(NoteError):
        previous_of(Checkpoint("o", 1, bytes(32), (f"previous {value}",)))


@pytest.mark.parametrize("value", ["!", "AAAA", "", "A" * 44])
def test_not_the_subtrees(value: str, signer: Signer) -> None:
    with pytest.raises(NoteError):
        frontier_of(Checkpoint("o", 1, bytes(range(32)), (f"subtrees {value}",)))
    assert frontier_of(Checkpoint("o", 1, bytes(32))) is None
    assert sign(Checkpoint("o", 1, bytes(32)), signer)
