"""The house rules a submission meets: its handling class, its owner, and the keyed hash of its petitioner."""

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from bridge.routing import Routes
from schemas.petition import HandlingClass, PetitionDraft, Secretary

_KEY_BYTES = 32


class HouseRules:
    """Fills `bridge.ledger.accept.House`. `lookup_key` keys the hashes by which petitioners are found again."""

    def __init__(self, routes: Routes, duty: Secretary, lookup_key: bytes) -> None:
        self._routes = routes
        self._duty = duty
        self._lookup_key = lookup_key

    def classify(self, draft: PetitionDraft, source: str) -> HandlingClass:
        handling_class, _ = self._routes.classify(
            source=source, kind=draft.kind.value, urgency=draft.urgency.value, region=draft.place.region_code or ""
        )
        return handling_class

    def owner(self, draft: PetitionDraft) -> Secretary:
        return self._duty

    def petitioner_key(self, openid: str) -> str:
        return hmac.new(self._lookup_key, openid.encode(), hashlib.sha256).hexdigest()


def lookup_key(keys_dir: Path) -> bytes:
    """The key in `<keys_dir>/lookup.key`, made at the first start. Losing it loses only look-ups by openid."""
    path = keys_dir / "lookup.key"
    keys_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        # Written whole under another name first: two processes that start together must end up with one key.
        fresh = path.with_suffix(f".{secrets.token_hex(8)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
        with suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    return path.read_bytes()
