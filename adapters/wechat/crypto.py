"""Signatures and encryption of the message server (DOMAIN 3.1): SHA-1 over sorted words, AES-CBC with a 32-byte pad."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32
"""PKCS#7 pads to 32 bytes here, not to AES's own 16."""

RANDOM = 16


class BadCipher(ValueError):
    """What cannot be decrypted; the text says why in the words of an operator."""


def signature(token: str, *words: str) -> str:
    """Lower-case hex SHA-1 over the sorted words. With `Encrypt` as the last word it is the `msg_signature`."""
    # The protocol fixes SHA-1; the token in it is what keeps it a secret.
    return hashlib.sha1("".join(sorted((token, *words))).encode("utf-8", "surrogatepass")).hexdigest()  # noqa: S324


def matches(expected: str, given: str) -> bool:
    """Whether both are equal, in constant time, whatever characters a stranger sent."""
    return hmac.compare_digest(expected.encode("utf-8"), given.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True)
class MessageKey:
    """One EncodingAESKey of the account `app_id`."""

    key: bytes
    app_id: str

    @classmethod
    def of(cls, encoding_aes_key: str, app_id: str) -> "MessageKey":
        return cls(base64.b64decode(encoding_aes_key + "="), app_id)

    def _cipher(self) -> "Cipher[modes.CBC]":
        return Cipher(algorithms.AES(self.key), modes.CBC(self.key[:16]))

    def encrypt(self, content: bytes, random: bytes | None = None) -> str:
        """Base64 of the encrypted `random16 + length + content + app_id`."""
        head = (random or secrets.token_bytes(RANDOM)) + len(content).to_bytes(4, "big")
        encryptor = self._cipher().encryptor()
        encrypted = encryptor.update(_padded(head + content + self.app_id.encode())) + encryptor.finalize()
        return base64.b64encode(encrypted).decode()

    def decrypt(self, encrypted: str) -> bytes:
        """The content. Raises `BadCipher`."""
        data = _unbase64(encrypted)
        decryptor = self._cipher().decryptor()
        plain = _unpadded(decryptor.update(data) + decryptor.finalize())
        start = RANDOM + 4
        end = start + int.from_bytes(plain[RANDOM:start], "big")
        if len(plain) < start or end > len(plain):
            raise BadCipher("its length does not fit")
        if not hmac.compare_digest(plain[end:], self.app_id.encode()):
            raise BadCipher("it is meant for another account (app_id)")
        return plain[start:end]


def open_with(keys: Sequence[MessageKey], encrypted: str) -> tuple[bytes, MessageKey]:
    """The content and the key that opened it; the current key comes first. Raises `BadCipher`."""
    fault = BadCipher("no key is configured")
    for key in keys:
        try:
            return key.decrypt(encrypted), key
        except BadCipher as error:
            fault = error
    raise fault


def _padded(data: bytes) -> bytes:
    amount = BLOCK - len(data) % BLOCK
    return data + bytes([amount]) * amount


def _unpadded(data: bytes) -> bytes:
    amount = data[-1]
    if not 1 <= amount <= BLOCK or data[-amount:] != bytes([amount]) * amount:
        raise BadCipher("the key does not fit")
    return data[:-amount]


def _unbase64(encrypted: str) -> bytes:
    try:
        data = base64.b64decode("".join(encrypted.split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadCipher("Encrypt is not Base64") from None
    if not data or len(data) % 16:
        raise BadCipher("Encrypt is not a whole number of blocks")
    return data
