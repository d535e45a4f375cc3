"""SM2 encryption as the hotline's token door wants it: C1C3C2, hex, with the leading 04 of BouncyCastle.

gmssl does the curve and the hash. Its own `encrypt` draws the ephemeral key from `random`, which can be predicted, its
`decrypt` does not check C3, and its constructor strips every leading 0 and 4 of a key, so those three are done here.
"""

import secrets
from typing import Any

from gmssl import sm2, sm3

_ORDER = int(sm2.default_ecc_table["n"], 16)
_BASE: str = sm2.default_ecc_table["g"]
_POINT = 128  # hex digits of an uncompressed point without its 04
_HASH = 64


class BadCiphertext(ValueError):
    """Not SM2 C1C3C2, or not for this key."""


def new_keys() -> tuple[str, str]:
    """A private key and its public key with the leading 04, both hex."""
    private = secrets.randbelow(_ORDER - 1) + 1
    return f"{private:064x}", "04" + _times(private, _BASE)


def encrypt(public_key: str, text: str) -> str:
    """`text` for the holder of `public_key` (hex, with or without the leading 04)."""
    point, plain = _without_04(public_key.strip().lower()), text.encode()
    if len(point) != _POINT or not plain:
        raise ValueError("an SM2 public key has 128 hex digits after the leading 04, and the text is not empty")
    while True:
        ephemeral = secrets.randbelow(_ORDER - 1) + 1
        shared = _times(ephemeral, point)
        mask = bytes.fromhex(sm3.sm3_kdf(shared.encode(), len(plain)))
        if any(mask):
            break
    return "04" + _times(ephemeral, _BASE) + _check(shared, plain) + _xor(plain, mask).hex()


def decrypt(private_key: str, ciphertext: str) -> str:
    """The text in `ciphertext` (hex, with or without the leading 04). Raises `BadCiphertext`."""
    body = ciphertext.strip().lower()
    # A point without its 04 may itself begin with 04: C3 tells which of the two it was.
    for candidate in (body.removeprefix("04"), body):
        plain = _opened(private_key, candidate)
        if plain is not None:
            return plain.decode(errors="replace")
    raise BadCiphertext("not hex in the order C1C3C2, or the checksum C3 does not match")


def _opened(private_key: str, body: str) -> bytes | None:
    try:
        masked = bytes.fromhex(body[_POINT + _HASH :])
        shared = _times(int(private_key, 16), body[:_POINT])
        plain = _xor(masked, bytes.fromhex(sm3.sm3_kdf(shared.encode(), len(masked))))
        sound = secrets.compare_digest(_check(shared, plain), body[_POINT : _POINT + _HASH])
    except (ValueError, TypeError):
        return None
    return plain if plain and sound else None


def _times(factor: int, point: str) -> str:
    curve: Any = sm2.CryptSM2(private_key="", public_key="")
    product = curve._kg(factor, point)
    if product is None:
        raise ValueError("not a point of the curve")
    return str(product)


def _check(shared: str, plain: bytes) -> str:
    half = _POINT // 2
    return str(sm3.sm3_hash(list(bytes.fromhex(shared[:half]) + plain + bytes.fromhex(shared[half:]))))


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def _without_04(point: str) -> str:
    return point[2:] if len(point) == _POINT + 2 and point.startswith("04") else point
