"""Signed notes and checkpoints: c2sp.org/signed-note and c2sp.org/tlog-checkpoint, Ed25519 (signature type 0x01).

A note is a text that ends in a newline, a blank line, and signature lines `— <name> <base64(key hash || signature)>`.
A checkpoint's text is the origin, the size in decimal, the root in base64, then extension lines, one each. We write:

    time 2026-11-22T10:00:00+08:00     when it was signed
    previous 1200                      the size of the checkpoint before it, so that none can be taken away unseen
    subtrees <base64>                  the frontier's subtrees, so that damage before it does not hide what follows
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bridge.witness.tree import HASH_BYTES

MAX_NOTE_BYTES = 64 * 1024
"""A longer note is refused unread; ours are under 2 KiB, and 16 witness signatures still fit."""

_ED25519 = b"\x01"
_KEY_BYTES = 32
_DASH = "— "
_PRIVATE = "PRIVATE+KEY+"
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class NoteError(ValueError):
    """A note, checkpoint or key that cannot be accepted; the text says why."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: `size` entries under this `root` (32 bytes)."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The body that is signed. NoteError if a line would be empty or broken."""
        lines = (self.origin, str(self.size), _encode(self.root), *self.extensions)
        if self.size < 0 or len(self.root) != HASH_BYTES or any(not line or "\n" in line for line in lines):
            raise NoteError(f"not a checkpoint: size {self.size}, a root of {len(self.root)} bytes, lines {lines!r}")
        return "".join(f"{line}\n" for line in lines)

    def extension(self, word: str) -> str | None:
        """The rest of the extension line that starts with `word` and a blank; None if there is no such line."""
        found = (line for line in self.extensions if line.startswith(f"{word} "))
        return next((line[len(word) + 1 :] for line in found), None)

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """The checkpoint with this body. NoteError if it is none. It proves nothing: use `open_note`."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines):
            raise NoteError("not a checkpoint: it needs an origin, a size and a root, and no empty line")
        origin, size, root, *extensions = lines
        if not _SIZE.fullmatch(size):
            raise NoteError(f"not a checkpoint: {size[:40]!r} is not a tree size")
        return cls(origin, int(size), _decode(root, "root", HASH_BYTES), tuple(extensions))


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under a name."""

    name: str
    key_hash: bytes
    public: bytes

    @classmethod
    def load(cls, text: str) -> "Verifier":
        """From `<name>+<hash8>+<base64(0x01 || public key)>`. NoteError if it is not that."""
        name, key_hash, key = _split_key(text)
        if key_hash != _key_hash(name, key):
            raise NoteError(f"verifier key {name}: the hash is not that of the key")
        return cls(name, key_hash, key)

    def text(self) -> str:
        """The note form of the key."""
        return f"{self.name}+{self.key_hash.hex()}+{_encode(_ED25519 + self.public)}"

    def accepts(self, text: str, signature: bytes) -> bool:
        """Whether `signature` (64 bytes) is this key's over `text`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key under a name."""

    verifier: Verifier
    key: Ed25519PrivateKey

    @classmethod
    def load(cls, text: str) -> "Signer":
        """From `PRIVATE+KEY+<name>+<hash8>+<base64(0x01 || seed)>`. NoteError if it is not that; it shows no key."""
        if not text.startswith(_PRIVATE):
            raise NoteError("not a private key in the note format")
        name, key_hash, seed = _split_key(text.removeprefix(_PRIVATE))
        key = Ed25519PrivateKey.from_private_bytes(seed)
        public = key.public_key().public_bytes_raw()
        if key_hash != _key_hash(name, public):
            raise NoteError(f"private key {name}: the hash is not that of the key")
        return cls(Verifier(name, key_hash, public), key)

    def text(self) -> str:
        """The note form of the private key: keep it secret."""
        seed = self.key.private_bytes_raw()
        return f"{_PRIVATE}{self.verifier.name}+{self.verifier.key_hash.hex()}+{_encode(_ED25519 + seed)}"

    def line(self, text: str) -> str:
        """The signature line over `text`."""
        signature = self.key.sign(text.encode())
        return f"{_DASH}{self.verifier.name} {_encode(self.verifier.key_hash + signature)}\n"


def generate(name: str) -> Signer:
    """A new key pair under `name`. NoteError if the name is empty or has a blank or a plus."""
    _check_name(name)
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    return Signer(Verifier(name, _key_hash(name, public), public), key)


def sign_text(text: str, *signers: Signer) -> str:
    """The note of `text` (ending in a newline) with one signature line each."""
    if not text.endswith("\n") or _CONTROL.search(text):
        raise NoteError("a note's text ends in a newline and has no other control character")
    return f"{text}\n" + "".join(signer.line(text) for signer in signers)


def sign(checkpoint: Checkpoint, *signers: Signer) -> str:
    """The checkpoint as a signed note."""
    return sign_text(checkpoint.text(), *signers)


def open_text(note: str | bytes, verifiers: Sequence[Verifier]) -> tuple[str, list[Verifier]]:
    """The text of a note, and those of `verifiers` that signed it.

    NoteError if the note is malformed, if a known key's signature is wrong, or if no known key signed. Signatures of
    unknown keys are ignored, as signed-note asks.
    """
    text, lines = _split_note(note)
    known = {(verifier.name, verifier.key_hash): verifier for verifier in verifiers}
    signed: list[Verifier] = []
    for name, signature in map(_parse_signature, lines):
        verifier = known.get((name, signature[:4]))
        if verifier is None:
            continue
        if not verifier.accepts(text, signature[4:]):
            raise NoteError(f"the signature of {name}+{signature[:4].hex()} is wrong (签名不符)")
        signed.append(verifier)
    if not signed:
        raise NoteError("no signature by a known key (没有已知公钥的签名)")
    return text, signed


def open_signed(note: str | bytes, verifiers: Sequence[Verifier]) -> tuple[Checkpoint, Verifier]:
    """The checkpoint in a note, and the log's own key that signed it.

    NoteError as `open_text`, or if the checkpoint is not signed under its own origin's name.
    """
    text, signed = open_text(note, verifiers)
    checkpoint = Checkpoint.parse(text)
    for verifier in signed:
        if verifier.name == checkpoint.origin:
            return checkpoint, verifier
    raise NoteError(f"{checkpoint.origin} has not signed this checkpoint itself (来源未签名)")


def open_note(note: str | bytes, verifiers: Sequence[Verifier]) -> Checkpoint:
    """The checkpoint in a note that one of `verifiers` signed under the log's own name. NoteError as `open_signed`."""
    return open_signed(note, verifiers)[0]


def _split_note(note: str | bytes) -> tuple[str, list[str]]:
    if len(note) > MAX_NOTE_BYTES:
        raise NoteError(f"malformed note: longer than {MAX_NOTE_BYTES} bytes")
    text = _decode_utf8(note) if isinstance(note, bytes) else note
    body, blank, signatures = text.rpartition("\n\n")
    if not blank or not signatures.endswith("\n") or _CONTROL.search(text):
        raise NoteError("malformed note: it needs a text, a blank line and signature lines, and no control characters")
    return f"{body}\n", signatures[:-1].split("\n")


def _decode_utf8(note: bytes) -> str:
    try:
        return note.decode()
    except UnicodeDecodeError as error:
        raise NoteError(f"malformed note: not UTF-8 at byte {error.start}") from error


def _parse_signature(line: str) -> tuple[str, bytes]:
    name, blank, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not blank:
        raise NoteError("malformed note: not a signature line")
    _check_name(name)
    signature = _decode(encoded, "signature")
    if len(signature) < 5:
        raise NoteError("malformed note: the signature is too short")
    return name, signature


def _split_key(text: str) -> tuple[str, bytes, bytes]:
    """Name, key hash (4 bytes) and key (32 bytes); the base64 may itself hold a plus, so only the first two count."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3 or not re.fullmatch("[0-9a-fA-F]{8}", parts[1]):
        raise NoteError("not a key in the note format: <name>+<hash>+<key>")
    name, key_hash, encoded = parts
    _check_name(name)
    key = _decode(encoded, "key", 1 + _KEY_BYTES)
    if key[:1] != _ED25519:
        raise NoteError(f"key {name}: only Ed25519 (type 1) is known here, not type {key[0]}")
    return name, bytes.fromhex(key_hash), key[1:]


def _check_name(name: str) -> None:
    if not name or "+" in name or any(character.isspace() for character in name):
        raise NoteError(f"not a key name: {name[:80]!r} is empty or has a blank or a plus")


def _key_hash(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(text: str, what: str, length: int | None = None) -> bytes:
    """Only the one canonical spelling: otherwise the last character could be changed without changing a byte."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError(f"the {what} is not base64") from error
    if _encode(data) != text or (length is not None and len(data) != length):
        raise NoteError(f"the {what} is not the canonical base64 of {length or len(data)} bytes")
    return data
