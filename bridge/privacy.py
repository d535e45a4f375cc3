"""What keeps personal data unreadable at rest: the vault that seals it and the keyed hashes that find it again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bridge.lookup import Hash, Lookup
from bridge.vault import Algorithm, Vault


@dataclass(frozen=True, slots=True)
class Privacy:
    """Both, with the keys of one bridge."""

    vault: Vault
    lookup: Lookup

    @classmethod
    def load(cls, keys_dir: Path, cipher: Algorithm = "AES-256-GCM", keyed_hash: Hash = "HMAC-SHA256") -> Self:
        """With the keys in `keys_dir`, which are made if there are none. Raises `bridge.vault.VaultError`."""
        return cls(Vault.load(keys_dir, cipher), Lookup.load(keys_dir, keyed_hash))
