"""What is handed on of a month, to whom, and in which form."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from bridge.digest import page, workbook
from bridge.digest.documents import Document
from bridge.digest.extract import extract
from bridge.digest.meeting import export, package
from bridge.digest.seal import Reckoned
from bridge.witness.canonical import canonical

Audience = Literal["everyone", "meeting", "deputies", "department"]
Form = Literal["json", "html", "xlsx"]

MEDIA_TYPES: Final[Mapping[Form, str]] = {
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class NotYet(ValueError):
    """The month goes on. What leaves the house is final: of two interim runs the difference is a small group."""


def handout(found: Reckoned, audience: Audience, items: Iterable[Mapping[str, Any]] = (), unit: str = "") -> Document:
    """The document for these readers; `items` are the month's proposals. Raises `NotYet`, `NoSuchUnit`."""
    if audience == "everyone":
        return found.published
    if audience == "meeting":
        return package(found.published, items)
    if not found.final:
        raise NotYet(f"{found.month} is not over: nothing is handed on yet (当月未结束，暂不对外提供)")
    return export(found.published, items) if audience == "deputies" else extract(found.published, unit)


def written(document: Document, form: Form, seal: Mapping[str, Any] | None) -> bytes:
    """The document in this form. The same one gives the same bytes."""
    if form == "xlsx":
        return workbook.render(document)
    return page.render(document, seal).encode() if form == "html" else canonical(document)
