"""The vault (密匣): what a citizen said and who they are lies in the ledger only sealed.

A sealed value is `v1.<algorithm>.<key id>.<nonce, ciphertext and tag>`, base64url in text columns and raw behind the
same head in binary ones. It is bound to its place (`table.column:row id`): moved to another row it does not open.

Keys lie in `<keys dir>/vault.toml`, the newest last; the newest seals, every one opens. AES-256-GCM is the default
(NIST SP 800-38D), SM4-GCM the national one (RFC 8998). The key file is the only thing without which the ledger is lost:
back it up apart from the database.
"""

import base64
import os
import secrets
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Algorithm = Literal["AES-256-GCM", "SM4-GCM"]
FILE = "vault.toml"
_VERSION = b"v1"
_NONCE_BYTES = 12
_TAG_BYTES = 16
_KEY_BYTES: Mapping[str, int] = {"AES-256-GCM": 32, "SM4-GCM": 16}
_SHORT: Mapping[str, bytes] = {"AES-256-GCM": b"A256GCM", "SM4-GCM": b"SM4GCM"}

EMPTY = "{}"
"""A document that says nothing is not worth a secret: most events carry no words."""


class VaultError(RuntimeError):
    """A sealed value or the key file cannot be used; the text names the place or the key, never the value."""


@dataclass(frozen=True, slots=True)
class VaultKey:
    """One key. `id` is what sealed values name it by."""

    id: str
    algorithm: Algorithm
    secret: bytes

    def __post_init__(self) -> None:
        if self.algorithm not in _KEY_BYTES or len(self.secret) != _KEY_BYTES[self.algorithm]:
            known = ", ".join(f"{name} ({size} bytes)" for name, size in _KEY_BYTES.items())
            raise VaultError(f"vault key {self.id!r}: its algorithm or its length is wrong; known: {known}")

    @property
    def head(self) -> bytes:
        """What a value sealed with this key begins with."""
        return b".".join((_VERSION, _SHORT[self.algorithm], self.id.encode(), b""))


class Vault:
    """Seals with the newest key and opens with any. Safe for several threads.

    `again` reads the keys anew: a process that has not been restarted since a rotation meets values of the new key.
    """

    def __init__(self, keys: Sequence[VaultKey], again: Callable[[], Sequence[VaultKey]] | None = None) -> None:
        if not keys:
            raise VaultError("the vault has no key; `bridge keys vault --rotate` makes one")
        self._newest = keys[-1]
        self._seal = _sealing(self._newest)
        self._opens = {key.head: _opening(key) for key in keys}
        self._again = again

    @classmethod
    def load(cls, keys_dir: Path, algorithm: Algorithm = "AES-256-GCM") -> Self:
        """The vault of `<keys dir>/vault.toml`; with no such file, one new key of this algorithm is made. Raises
        `VaultError`."""
        path = keys_dir / FILE
        if not path.exists():
            create_once(path, _entry(_new_key(1, algorithm)).encode())
        return cls(read_keys(path), partial(read_keys, path))

    @property
    def key_id(self) -> str:
        """The key that seals now."""
        return self._newest.id

    # ── text ──
    def seal_text(self, place: str, text: str) -> str:
        """`text` sealed for this place; the empty document stays what it is."""
        if text == EMPTY:
            return text
        data = text.encode("utf-8", "surrogatepass")
        return self._newest.head.decode() + base64.urlsafe_b64encode(self._seal(place, data)).decode()

    def open_text(self, place: str, sealed: str) -> str:
        """What was sealed. Raises `VaultError`."""
        if sealed == EMPTY:
            return sealed
        head, _, body = sealed.rpartition(".")
        opens = self._opening(place, f"{head}.".encode("utf-8", "surrogatepass"))
        try:
            raw = base64.urlsafe_b64decode(body)
        except ValueError:
            raise VaultError(f"{place}: not a sealed value") from None
        return opens(place, raw).decode("utf-8", "surrogatepass")

    # ── bytes ──
    def seal_bytes(self, place: str, data: bytes) -> bytes:
        return self._newest.head + self._seal(place, data)

    def open_bytes(self, place: str, sealed: bytes) -> bytes:
        """What was sealed. Raises `VaultError`."""
        head = b".".join((*sealed.split(b".", 3)[:3], b""))
        return self._opening(place, head)(place, sealed[len(head) :])

    def _opening(self, place: str, head: bytes) -> "_Cryptor":
        if head not in self._opens and self._again is not None and head.startswith(_VERSION):
            self._opens = {key.head: _opening(key) for key in self._again()}
        opening = self._opens.get(head)
        if opening is None:
            raise VaultError(
                f"{place}: sealed with a key that is not in {FILE}, or not sealed; bring the key file back from its "
                "backup, or run `bridge keys vault --reseal` for a ledger of an older version"
            )
        return opening

    @staticmethod
    def clear_length(begins: bytes, length: int) -> int:
        """How many bytes were sealed, from the first 64 and the number of those that hold it."""
        head = b".".join((*begins.split(b".", 3)[:3], b""))
        return length - len(head) - _NONCE_BYTES - _TAG_BYTES

    # ── rotation ──
    def is_current(self, sealed: str | bytes) -> bool:
        """Whether the value is sealed with the newest key."""
        data = sealed.encode("utf-8", "surrogatepass") if isinstance(sealed, str) else sealed
        return data == EMPTY.encode() or data.startswith(self._newest.head)

    def is_sealed(self, value: str | bytes) -> bool:
        """Whether the value is sealed at all (a ledger of before the vault has values that are not)."""
        data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        return data == EMPTY.encode() or data.startswith(_VERSION + b".")


_Cryptor = Callable[[str, bytes], bytes]


def _sealing(key: VaultKey) -> _Cryptor:
    if key.algorithm == "AES-256-GCM":
        aead = AESGCM(key.secret)

        def seal(place: str, data: bytes) -> bytes:
            nonce = os.urandom(_NONCE_BYTES)
            return nonce + aead.encrypt(nonce, data, place.encode())

        return seal
    return partial(_sm4_seal, key.secret)


def _opening(key: VaultKey) -> _Cryptor:
    opening: _Cryptor
    if key.algorithm == "AES-256-GCM":
        aead = AESGCM(key.secret)

        def opening(place: str, sealed: bytes) -> bytes:
            return aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
    else:
        opening = partial(_sm4_open, key.secret)

    def opened(place: str, sealed: bytes) -> bytes:
        try:
            return opening(place, sealed)
        except (InvalidTag, ValueError):
            raise VaultError(f"{place}: the sealed value was changed or moved here from another row") from None

    return opened


def _sm4_seal(secret: bytes, place: str, data: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    encryptor = Cipher(algorithms.SM4(secret), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(place.encode())
    return nonce + encryptor.update(data) + encryptor.finalize() + encryptor.tag


def _sm4_open(secret: bytes, place: str, sealed: bytes) -> bytes:
    nonce, body, tag = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:-_TAG_BYTES], sealed[-_TAG_BYTES:]
    decryptor = Cipher(algorithms.SM4(secret), modes.GCM(nonce, tag)).decryptor()
    decryptor.authenticate_additional_data(place.encode())
    return decryptor.update(body) + decryptor.finalize()


# ── the key file ────────────────────────────────────────────────────────────────────────────────────────────


def read_keys(path: Path) -> list[VaultKey]:
    """The keys in the file, oldest first. Raises `VaultError`."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["key"]
        return [VaultKey(one["id"], one["algorithm"], base64.b64decode(one["secret"])) for one in entries]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VaultError(f"{path}: cannot be read as a vault key file ({type(error).__name__})") from None


def add_key(keys_dir: Path, algorithm: Algorithm) -> VaultKey:
    """A new key behind the old ones; every process seals with it from its next start. Raises `VaultError`."""
    path = keys_dir / FILE
    known = read_keys(path) if path.exists() else []
    key = _new_key(len(known) + 1, algorithm)
    if not known:
        create_once(path, _entry(key).encode())
    else:
        with path.open("a", encoding="utf-8") as file:
            file.write(_entry(key))
            file.flush()
            os.fsync(file.fileno())
    return key


def create_once(path: Path, content: bytes) -> None:
    """The file with this content, unless it is there: two processes that start together end up with one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Written whole under another name first, then linked: nobody ever reads half a key.
    fresh = path.with_suffix(f".{secrets.token_hex(8)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(fresh, path)
    fresh.unlink()


def _new_key(number: int, algorithm: Algorithm) -> VaultKey:
    secret = secrets.token_bytes(_KEY_BYTES[algorithm])
    return VaultKey(f"k{number}-{secrets.token_hex(3)}", algorithm, secret)


def _entry(key: VaultKey) -> str:
    secret = base64.b64encode(key.secret).decode()
    return f'[[key]]\nid = "{key.id}"\nalgorithm = "{key.algorithm}"\nsecret = "{secret}"\n\n'
