"""API keys of other systems: a TOML file of names, scopes and SHA-256 hashes; the keys themselves are nowhere."""

import hashlib
import secrets
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from schemas.base import SystemName

Scope = Literal["petitions:write", "petitions:read", "pii:read", "operate"]
SCOPES: tuple[Scope, ...] = ("petitions:write", "petitions:read", "pii:read", "operate")


class BadKeyFile(ValueError):
    """BRIDGE_API_KEYS cannot be used; the text says where and why."""


class Caller(BaseModel):
    """Who holds a key. `system` is the source of what it submits (its own name unless it speaks for a known system)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: SystemName
    sha256: str
    scopes: tuple[Scope, ...]
    system: SystemName | None = None

    @property
    def source(self) -> str:
        return self.system or self.name


class KeyRing:
    """The keys in force. Read once at the start; a changed file needs a restart."""

    def __init__(self, callers: tuple[Caller, ...] = ()) -> None:
        self._by_hash = {caller.sha256: caller for caller in callers}

    @classmethod
    def load(cls, path: Path | None) -> "KeyRing":
        """No path: nobody may call. Raises `BadKeyFile`."""
        if path is None:
            return cls()
        try:
            document = tomllib.loads(path.read_text("utf-8"))
            return cls(tuple(Caller.model_validate(item) for item in document.get("key", [])))
        except (OSError, ValueError, TypeError) as error:
            first = str(error).splitlines()[0]
            raise BadKeyFile(f"BRIDGE_API_KEYS: {path}: {first}; make keys with `bridge keys api`") from None

    def caller(self, key: str) -> Caller | None:
        """Who this key belongs to. Looking a hash up tells an attacker's clock nothing about the key."""
        return self._by_hash.get(hash_of(key))


def hash_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def new_key(name: str, scopes: tuple[Scope, ...], system: str | None = None) -> tuple[str, str]:
    """A fresh key, to be shown once, and its entry for the file. Raises `ValidationError` for a bad name."""
    key = f"lt_{secrets.token_urlsafe(32)}"
    caller = Caller(name=name, sha256=hash_of(key), scopes=scopes, system=system)
    lines = ["[[key]]", f'name = "{caller.name}"', f'sha256 = "{caller.sha256}"']
    lines.append(f"scopes = [{', '.join(f'{chr(34)}{scope}{chr(34)}' for scope in caller.scopes)}]")
    if caller.system:
        lines.append(f'system = "{caller.system}"')
    return key, "\n".join(lines) + "\n"
