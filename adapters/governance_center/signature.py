"""The signature of this door: HMAC over five lines, with SM3 (国密) or SHA-256.

METHOD \\n path \\n timestamp \\n nonce \\n lower-case hex digest (same hash) of the body
"""

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC


class SignType(StrEnum):
    """What `X-Sign-Type` may say."""

    HMAC_SM3 = "HMAC-SM3"
    HMAC_SHA256 = "HMAC-SHA256"


def sm3(data: bytes) -> bytes:
    state = hashes.Hash(hashes.SM3())
    state.update(data)
    return state.finalize()


def hmac_sm3(key: bytes, data: bytes) -> bytes:
    state = HMAC(key, hashes.SM3())
    state.update(data)
    return state.finalize()


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _hmac_sha256(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


Digest = Callable[[bytes], bytes]
Keyed = Callable[[bytes, bytes], bytes]
ALGORITHMS: dict[SignType, tuple[Digest, Keyed]] = {
    SignType.HMAC_SM3: (sm3, hmac_sm3),
    SignType.HMAC_SHA256: (_sha256, _hmac_sha256),
}


def canonical(sign_type: SignType, method: str, path: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """The five lines that are signed."""
    digest, _ = ALGORITHMS[sign_type]
    return "\n".join((method, path, timestamp, nonce, digest(body).hex())).encode("utf-8", "surrogateescape")


def sign(sign_type: SignType, secret: str, method: str, path: str, timestamp: str, nonce: str, body: bytes) -> str:
    """`X-Sign` in lower-case hex."""
    _, keyed = ALGORITHMS[sign_type]
    return keyed(secret.encode(), canonical(sign_type, method, path, timestamp, nonce, body)).hex()


def same(left: str, right: str) -> bool:
    """Compare in constant time; any text is allowed on either side."""
    return hmac.compare_digest(left.encode("utf-8", "surrogateescape"), right.encode("utf-8", "surrogateescape"))


class Signer:
    """Signs our requests to one party."""

    def __init__(self, app_id: str, secret: str, sign_type: SignType) -> None:
        self._app_id = app_id
        self._secret = secret
        self._sign_type = sign_type

    def headers(self, method: str, path: str, body: bytes, now: datetime, nonce: str) -> dict[str, str]:
        """The five headers of one request; a nonce serves once."""
        timestamp = str(int(now.timestamp()))
        return {
            "X-App-Id": self._app_id,
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            "X-Sign-Type": self._sign_type.value,
            "X-Sign": sign(self._sign_type, self._secret, method, path, timestamp, nonce, body),
        }
