"""Keyed hashes (HMAC): by them a petitioner or a repeated petition is found again, and nobody is read out of them.

Without the key in `<keys dir>/lookup.key` a phone number could be guessed from its hash in minutes. HMAC-SHA256
(RFC 2104) by default, HMAC-SM3 (GB/T 32905) by setting.
"""

import re
import secrets
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Self

from cryptography.hazmat.primitives import hashes, hmac

from bridge.vault import create_once

Hash = Literal["HMAC-SHA256", "HMAC-SM3"]
FILE = "lookup.key"
_KEY_BYTES = 32
_ALGORITHMS: dict[str, Callable[[], hashes.HashAlgorithm]] = {"HMAC-SHA256": hashes.SHA256, "HMAC-SM3": hashes.SM3}
_NOT_DIGITS = re.compile(r"\D+")
_NOT_WORDS = re.compile(r"[\W_]+")
_CHINA = re.compile(r"^(?:00)?86(?=1\d{10}$)")


class Lookup:
    """The keyed hashes of one bridge. All give lower-case hex."""

    def __init__(self, key: bytes, algorithm: Hash = "HMAC-SHA256") -> None:
        self._keyed = hmac.HMAC(key, _ALGORITHMS[algorithm]())

    @classmethod
    def load(cls, keys_dir: Path, algorithm: Hash = "HMAC-SHA256") -> Self:
        """With the key of `<keys dir>/lookup.key`, made at the first start. Losing it loses only look-ups."""
        path = keys_dir / FILE
        if not path.exists():
            create_once(path, secrets.token_bytes(_KEY_BYTES))
        return cls(path.read_bytes(), algorithm)

    def petitioner(self, openid: str) -> str:
        return self._hash("openid", openid)

    def phone(self, phone: str) -> str | None:
        """The same for every way of writing a number; None for a text without one."""
        digits = phone_digits(phone)
        return self._hash("phone", digits) if len(digits) >= 7 else None

    def fingerprint(self, phone: str | None, openid: str | None, text: str) -> str | None:
        """One petitioner saying one thing, whatever the road it comes by; None where the petitioner is not known."""
        who = phone_digits(phone or "") or openid
        return self._hash("petition", f"{who}\n{plain(text)}") if who else None

    def echo(self, type_: str, unit: str, text: str) -> str:
        """The same words of the same kind, whoever says them."""
        return self._hash("echo", f"{type_}\n{plain(unit)}\n{plain(text)}")

    def group(self, use: str, text: str) -> str:
        """A place or a subject, to count what is of one: the same for every way of writing it."""
        return self._hash(use, plain(text) or text)

    def salt(self, petition_id: str) -> str:
        """What is put before a petition's text when its digest is shown to others: short texts could be guessed."""
        return self._hash("salt", petition_id)

    def digest(self, body: bytes) -> str:
        """The keyed digest of a message's bytes: the same for the same bytes, and no help in guessing them."""
        mac = self._keyed.copy()
        mac.update(b"body\n")
        mac.update(body)
        return mac.finalize().hex()

    def _hash(self, use: str, text: str) -> str:
        mac = self._keyed.copy()
        mac.update(f"{use}\n{text}".encode("utf-8", "surrogatepass"))
        return mac.finalize().hex()


def phone_digits(phone: str) -> str:
    """A phone number's digits without blanks, hyphens, full-width forms and the country's 86."""
    digits = _NOT_DIGITS.sub("", unicodedata.normalize("NFKC", phone))
    return _CHINA.sub("", digits)


def plain(text: str) -> str:
    """The letters and digits of a text: what stays when it is copied from one system to another."""
    return _NOT_WORDS.sub("", unicodedata.normalize("NFKC", text).casefold())
