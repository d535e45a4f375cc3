"""Notes against the published example of Go's sumdb/note and C2SP's own; checkpoints against every changed byte."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.witness.note import (
    MAX_NOTE_BYTES,
    Checkpoint,
    NoteError,
    Signer,
    Verifier,
    generate,
    open_note,
    open_signed,
    open_text,
    sign,
    sign_text,
)

# golang.org/x/mod/sumdb/note, package documentation and tests.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_SIGNATURE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
NOTE = f"{TEXT}\n{SIGNATURE}"

# The example of c2sp.org/tlog-checkpoint (its key is not published).
BODY = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

ORIGIN = "bridge.example/laiting"
SIGNER = generate(ORIGIN)
CHECKPOINT = Checkpoint(ORIGIN, 1234, bytes(range(32)), ("time 2026-11-22T10:00:00+08:00", "previous 1200"))
SIGNED = sign(CHECKPOINT, SIGNER)


def test_the_published_note_opens() -> None:
    peter = Verifier.load(PETER)
    assert open_text(NOTE, [peter]) == (TEXT, [peter])
    assert open_text(NOTE.encode(), [peter]) == (TEXT, [peter])


def test_the_published_note_is_signed_byte_for_byte() -> None:
    signer = Signer.load(PETER_PRIVATE)
    assert sign_text(TEXT, signer) == NOTE
    assert (signer.text(), signer.verifier.text()) == (PETER_PRIVATE, PETER)


def test_the_published_note_with_two_signatures() -> None:
    both = [Verifier.load(PETER), Verifier.load(ENOCH)]
    assert open_text(NOTE + ENOCH_SIGNATURE, both) == (TEXT, both)
    assert open_text(NOTE + ENOCH_SIGNATURE, both[1:]) == (TEXT, both[1:])


def test_the_published_checkpoint_text() -> None:
    checkpoint = Checkpoint.parse(BODY)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text() == BODY


def test_a_checkpoint_opens_as_it_was_signed() -> None:
    assert open_note(SIGNED, [SIGNER.verifier]) == CHECKPOINT
    assert CHECKPOINT.extension("time") == "2026-11-22T10:00:00+08:00"
    assert CHECKPOINT.extension("previous") == "1200"
    assert CHECKPOINT.extension("prev") is None


def test_rotated_keys_open_old_and_new() -> None:
    newer = generate(ORIGIN)
    keys = [SIGNER.verifier, newer.verifier]
    assert open_signed(SIGNED, keys) == (CHECKPOINT, SIGNER.verifier)
    assert open_signed(sign(CHECKPOINT, newer), keys) == (CHECKPOINT, newer.verifier)


def test_unknown_signatures_are_ignored_and_known_ones_must_be_right() -> None:
    stranger = generate("witness.example/w")
    cosigned = sign(CHECKPOINT, stranger, SIGNER)
    assert open_note(cosigned, [SIGNER.verifier]) == CHECKPOINT
    wrong = SIGNED + stranger.line("something else\n")
    assert open_note(wrong, [SIGNER.verifier]) == CHECKPOINT
    with pytest.raises(NoteError, match="is wrong"):
        open_note(wrong, [SIGNER.verifier, stranger.verifier])


def test_a_stranger_may_not_speak_for_the_log() -> None:
    stranger = generate("witness.example/w")
    with pytest.raises(NoteError, match="has not signed this checkpoint itself"):
        open_note(sign(CHECKPOINT, stranger), [stranger.verifier])


@given(st.integers(0, len(SIGNED.encode()) - 1), st.integers(0, 255))
def test_every_changed_byte_is_refused(place: int, byte: int) -> None:
    raw = SIGNED.encode()
    changed = raw[:place] + bytes([byte]) + raw[place + 1 :]
    if changed != raw:
        with pytest.raises(NoteError):
            open_note(changed, [SIGNER.verifier])


@given(st.integers(0, len(SIGNED.encode()) - 1))
def test_every_cut_is_refused(length: int) -> None:
    with pytest.raises(NoteError):
        open_note(SIGNED.encode()[:length], [SIGNER.verifier])


@given(st.binary(max_size=300))
def test_opening_raises_nothing_else(data: bytes) -> None:
    with pytest.raises(NoteError):
        open_note(data, [SIGNER.verifier])


@pytest.mark.parametrize(
    ("note", "why"),
    [
        ("", "malformed"),
        (TEXT, "malformed"),
        (NOTE[:-1], "malformed"),
        (NOTE.replace("\n", "\r\n"), "malformed"),
        (f"{TEXT}\n- PeterNeumann AAAA\n", "not a signature line"),
        (f"{TEXT}\n— PeterNeumann\n", "not a signature line"),
        (f"{TEXT}\n— Peter+Neumann AAAAAAAA\n", "key name"),
        (f"{TEXT}\n— PeterNeumann AAAAAA==\n", "too short"),
        (f"{TEXT}\n— PeterNeumann !!!!\n", "not base64"),
        (NOTE.replace("nAM=", "nAN="), "canonical base64"),
        (NOTE.replace("cryptography", "cryptographY"), "is wrong"),
        (f"{TEXT}\n{ENOCH_SIGNATURE}", "no signature by a known key"),
        (b"\xff" + NOTE.encode(), "not UTF-8"),
        ("x" * (MAX_NOTE_BYTES + 1), "longer than"),
    ],
)
def test_malformed_notes(note: str | bytes, why: str) -> None:
    with pytest.raises(NoteError, match=why):
        open_text(note, [Verifier.load(PETER)])


@pytest.mark.parametrize(
    "body",
    [
        "",
        "origin\n1\n",
        BODY[:-1],
        BODY.replace("20852163", "020852163"),
        BODY.replace("20852163", "-1"),
        BODY.replace("20852163", "９"),
        BODY.replace("20852163", "1" * 5000),
        BODY.replace("CsUY", "!!!!"),
        BODY.replace("q2I=", "q2J="),
        "origin\n1\nAAAA\n",
        "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        BODY + "\n",
        BODY + "extension\n\nmore\n",
    ],
)
def test_not_a_checkpoint(body: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(body)


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("", 1, bytes(32)),
        Checkpoint("a\nb", 1, bytes(32)),
        Checkpoint("a", -1, bytes(32)),
        Checkpoint("a", 1, bytes(31)),
        Checkpoint("a", 1, bytes(32), ("",)),
        Checkpoint("a", 1, bytes(32), ("tab\there",)),
    ],
)
def test_nothing_malformed_is_signed(checkpoint: Checkpoint) -> None:
    with pytest.raises(NoteError):
        sign(checkpoint, SIGNER)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann",
        PETER.replace("c74f20a3", "c74f20a4"),
        PETER.replace("PeterNeumann", "PeterNeuman"),
        PETER.replace("c74f20a3", "xxxxxxxx"),
        PETER[:-4],
        f"Peter Neumann+c74f20a3+{PETER.rpartition('+')[2]}",
        "x+00000000+" + base64.b64encode(bytes([2] * 33)).decode(),
        PETER_PRIVATE,
    ],
)
def test_not_a_verifier_key(text: str) -> None:
    with pytest.raises(NoteError):
        Verifier.load(text)


def test_a_private_key_is_checked_and_never_shown() -> None:
    for text in (PETER, PETER_PRIVATE.replace("c74f20a3", "c74f20a4"), PETER_PRIVATE[:-4]):
        with pytest.raises(NoteError) as caught:
            Signer.load(text)
        assert "AYEKFALV" not in str(caught.value)
    assert "AYEKFALV" not in repr(Signer.load(PETER_PRIVATE))


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u3000b", "a\n"])
def test_not_a_key_name(name: str) -> None:
    with pytest.raises(NoteError, match="not a key name"):
        generate(name)
