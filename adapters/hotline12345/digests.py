"""What a case says, field by field, as digests that two sides can compare without showing it (对账). Pure.

Both sides are brought to the canonical words first (a kind is the same kind under any id), texts lose what travels
badly (blanks, line ends, control characters), and only what is not personal has a digest: no name, number or
address.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping

from adapters.hotline12345 import submission, wire
from adapters.hotline12345.codes import Codes
from schemas.petition import Kind, Petition, Place, Urgency

FIELDS = ("title", "content", "kind", "urgency", "category", "district", "street", "community", "grid")


def of_petition(petition: Petition) -> Mapping[str, str]:
    """What a record of this petition should say."""
    title = petition.title or petition.content[:50]
    return _digested(title, petition.content, petition.kind, petition.urgency, petition.category.name, petition.place)


def of_order(order: wire.Report, codes: Codes) -> Mapping[str, str]:
    """What a work order says."""
    kind, _ = submission.kind_of(order, codes)
    urgency, _ = submission.urgency_of(order, codes)
    content = order.event_desc or order.title or ""
    title = (order.title or "")[:500] or content[:50]
    category, place = submission.category_of(order).name, submission.place_of(order)
    return _digested(title, content, kind, urgency, category, place)


def of_names(names: Iterable[str]) -> frozenset[str]:
    """A digest for each attachment, by its name."""
    return frozenset(_digest(name) for name in names)


def _digested(
    title: str, content: str, kind: Kind, urgency: Urgency, category: str | None, place: Place
) -> Mapping[str, str]:
    # A district that is no number has no place in a work order, so there is nothing to compare.
    region = place.region_code if place.region_code and place.region_code.isdecimal() else ""
    said = (
        title,
        content,
        kind,
        urgency,
        category or "",
        region.lstrip("0"),
        place.street or "",
        place.community or "",
        place.grid or "",
    )
    return {name: _digest(value) for name, value in zip(FIELDS, said, strict=True)}


def _digest(text: str) -> str:
    kept = (c for c in unicodedata.normalize("NFC", text) if not c.isspace() and unicodedata.category(c)[0] != "C")
    return hashlib.sha256("".join(kept).encode("utf-8", "surrogatepass")).hexdigest()
