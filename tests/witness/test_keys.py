"""The key directory: made once, rotated, readable in part by everybody."""

from pathlib import Path

import pytest

from bridge.witness import keys
from bridge.witness.note import Checkpoint, NoteError, open_signed, sign

ORIGIN = "bridge.example/laiting"
CHECKPOINT = Checkpoint(ORIGIN, 0, bytes(32))


def test_a_key_is_made_once(tmp_path: Path) -> None:
    signer = keys.ensure(tmp_path / "keys", ORIGIN)
    again = keys.ensure(tmp_path / "keys", ORIGIN)
    assert again.text() == signer.text()
    assert keys.verifiers(tmp_path / "keys") == [signer.verifier]


def test_modes(tmp_path: Path) -> None:
    keys.ensure(tmp_path / "keys", ORIGIN)
    assert (tmp_path / "keys" / keys.PRIVATE).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys" / keys.PUBLIC).stat().st_mode & 0o777 == 0o644
    keys.rotate(tmp_path / "keys")
    assert (tmp_path / "keys" / keys.PRIVATE).stat().st_mode & 0o777 == 0o600


def test_rotation_keeps_the_old_public_keys(tmp_path: Path) -> None:
    old = keys.ensure(tmp_path, ORIGIN)
    note = sign(CHECKPOINT, old)
    new = keys.rotate(tmp_path)
    assert new.text() != old.text()
    assert keys.ensure(tmp_path, ORIGIN).text() == new.text()
    known = keys.verifiers(tmp_path / keys.PUBLIC)
    assert known == [old.verifier, new.verifier]
    assert open_signed(note, known) == (CHECKPOINT, old.verifier)


def test_a_crash_between_the_two_files_is_mended(tmp_path: Path) -> None:
    signer = keys.ensure(tmp_path, ORIGIN)
    (tmp_path / keys.PUBLIC).unlink()
    keys.ensure(tmp_path, ORIGIN)
    assert keys.verifiers(tmp_path) == [signer.verifier]


def test_another_name_is_refused(tmp_path: Path) -> None:
    keys.ensure(tmp_path, ORIGIN)
    with pytest.raises(NoteError, match="not of other"):
        keys.ensure(tmp_path, "other.example")


def test_no_keys(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        keys.rotate(tmp_path)
    with pytest.raises(FileNotFoundError):
        keys.verifiers(tmp_path)
    (tmp_path / keys.PUBLIC).write_text("\n")
    with pytest.raises(NoteError, match="no public key"):
        keys.verifiers(tmp_path)
    (tmp_path / keys.PUBLIC).write_text("what is this\n")
    with pytest.raises(NoteError, match="not a key"):
        keys.verifiers(tmp_path)
