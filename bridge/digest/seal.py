"""A month's digest out of the ledger: computed, sealed when the month is over, held against its seal ever after."""

from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from bridge.clock import iso
from bridge.digest import reading
from bridge.digest.digest import FORMAT, Mask, compose
from bridge.digest.documents import Document, published, traced
from bridge.digest.month import Month
from bridge.digest.rules import DigestRules
from bridge.ids import digest as sha256
from bridge.ledger import digests
from bridge.ledger.tables import Row
from bridge.vault import Vault
from bridge.witness.canonical import canonical

GRACE_MS = 600_000
"""So long after the month's end everything that was recorded in it is committed."""


@dataclass(frozen=True, slots=True)
class Reckoned:
    """The documents of a month. `sealed` says when, and with which digests; `holds` whether it is still computed the
    same: None where that was not asked or cannot be said: nothing is sealed, another version of the computation made
    it, or personal data that it was computed from was erased since, as it must be."""

    month: Month
    published: Document
    traced: Document
    sealed: dict[str, Any] | None = None
    holds: bool | None = None

    @property
    def final(self) -> bool:
        return bool(self.published["final"])


class NotBegun(ValueError):
    """The month lies in the future, or was over before the ledger's first petition."""


class BrokenSeal(ValueError):
    """What is kept of the month is not what was sealed: it must be neither shown nor handed on."""


def sealing(found: Reckoned, actor: str) -> digests.Sealing:
    """The order to seal what was reckoned."""
    return digests.Sealing(str(found.month), found.published, found.traced, actor)


def reckon(
    conn: Connection, vault: Vault, month: Month, now: int, rules: DigestRules, mask: Mask, *, again: bool = True
) -> Reckoned:
    """The month's digest from one snapshot. A sealed month keeps the rules it was sealed with, and its documents;
    `again`: compute them once more, to say whether they are still the same. Raises `NotBegun`, `BrokenSeal`."""
    row = digests.sealed(conn, str(month))
    if row is not None:
        return _held(conn, vault, month, row, mask if again else None)
    if (why := reading.lacks(conn, month, now)) is not None:
        raise NotBegun(why)
    final = is_over(month, now)
    cut_off = month.end - 1 if final else min(now, month.end - 1)
    return Reckoned(month, *_documents(conn, vault, month, cut_off, rules, mask, final=final))


def is_over(month: Month, now: int) -> bool:
    """Whether nothing that belongs to the month can come any more."""
    return now >= month.end + GRACE_MS


def goes_on(month: Month, now: int) -> bool:
    """Whether the month has begun and is not over: its numbers are interim."""
    return month.start <= now and not is_over(month, now)


def _held(conn: Connection, vault: Vault, month: Month, row: Row, mask: Mask | None) -> Reckoned:
    seal = _intact(conn, month, row)
    kept = orjson.loads(row["published"]), orjson.loads(row["traced"])
    told = {name: seal[name] for name in ("sha256", "traced_sha256")} | {"at": iso(seal["at"])}
    holds = None
    if mask is not None and kept[0]["format"] == FORMAT:
        rules = DigestRules.of(kept[0]["rules"])
        anew = _documents(conn, vault, month, month.end - 1, rules, mask, final=True)
        holds = [sha256(canonical(one)) for one in anew] == [seal["sha256"], seal["traced_sha256"]]
        if not holds and reading.erased_since(conn, month, month.end - 1, rules.months_before, seal["at"]):
            holds = None
    return Reckoned(month, *kept, told, holds)


def _intact(conn: Connection, month: Month, row: Row) -> Row:
    """The seal in the journal, which the texts that are kept must fit to the byte: that can be said for ever, whatever
    was erased since. The digests in the row itself prove nothing: whoever changes a text can change them too."""
    seal = digests.seal_of(conn, str(month))
    if seal is None:
        raise BrokenSeal(f"{month} is kept as sealed, and the journal knows of no seal (台账中无该月封存记录)")
    for name, digest in (("published", "sha256"), ("traced", "traced_sha256")):
        if not sha256(row[name].encode()) == row[digest] == seal[digest]:
            raise BrokenSeal(
                f"{month}: the {name} document is not what was sealed, sha256 {seal[digest]} (封存文本与封存摘要不符)"
            )
    return seal


def _documents(
    conn: Connection, vault: Vault, month: Month, cut_off: int, rules: DigestRules, mask: Mask, *, final: bool
) -> tuple[Document, Document]:
    cases = reading.cases(conn, vault, month, cut_off, rules.months_before)
    made = compose(cases, month, cut_off, rules, mask, since=reading.began(conn) or 0, final=final)
    return published(made), traced(made)
