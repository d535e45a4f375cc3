"""The receipt (回执) that intake answers with: the SHA-256 of the entry it stands for, and so a claim on that entry.

The receipt covers every field the journal wrote: all of the sealed entry but the number, row and leaf that sealing
adds, and the receipt itself. Whoever holds it knows the entry again in a proof, and that nothing in it was changed.
"""

from collections.abc import Mapping

from bridge.ids import digest
from bridge.witness.canonical import CanonicalError, canonical

SEALED_LATER = frozenset({"n", "entry", "leaf"})
"""What sealing adds to a journal entry."""


def receipt_of(entry: Mapping[str, object]) -> str:
    """The receipt (hex) that this sealed entry gives. CanonicalError if it has no canonical form."""
    return digest(
        canonical({name: value for name, value in entry.items() if name not in SEALED_LATER and name != "receipt"})
    )


def fault(entry: Mapping[str, object]) -> str | None:
    """What is wrong with the receipt of this entry, if it is one that we gave: that of an event taken in."""
    given = entry.get("receipt")
    if given is None or "sequence" not in entry or not str(entry.get("what")).startswith("petition."):
        return None
    try:
        right = receipt_of(entry) == given
    except CanonicalError:
        right = False
    return None if right else "its receipt is not that of its content (回执与内容不符)"
