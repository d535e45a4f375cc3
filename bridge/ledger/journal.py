"""Journal entries: what happened, in words the audit log uses, free of personal data (CONTRACT 5)."""

from dataclasses import dataclass, field
from typing import Any

from bridge.clock import iso
from bridge.ids import digest
from bridge.witness.canonical import canonical

BRIDGE = "bridge"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `fields` are ids, codes and digests only; None values are left out of the written form."""

    what: str
    at: int
    petition_id: str | None = None
    opens: bool = False
    level: str = "info"
    fields: dict[str, Any] = field(default_factory=dict)

    def core(self) -> dict[str, Any]:
        """The entry as it is digested, sealed and written."""
        core = {key: value for key, value in self.fields.items() if value is not None}
        core["at"] = iso(self.at)
        core["what"] = self.what
        core["level"] = self.level
        if self.petition_id is not None:
            core["petition_id"] = self.petition_id
        return core


def row(entry: Entry) -> dict[str, Any]:
    """The entry's row in the `journal` table."""
    return {
        "petition_id": entry.petition_id,
        "what": entry.what,
        "at": entry.at,
        "opens": entry.opens,
        "body": canonical(entry.core()).decode(),
    }


def receipt(entry: Entry) -> str:
    """The digest that a system gets as its receipt: SHA-256 of the entry before the receipt itself is added."""
    return digest(canonical(entry.core()))
