"""The files of a month: the analysis, the meeting's package, the deputies' export, an extract for each department."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bridge.digest import page, workbook
from bridge.digest.documents import Document
from bridge.digest.meeting import export, package
from bridge.digest.seal import Reckoned
from bridge.witness.canonical import canonical

_UNSAFE = re.compile(r"[^\w]+")


def write(directory: Path, found: Reckoned, items: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Write everything that may be handed on; nothing of it names a petition. Raises `OSError`.

    `digest-….json` is the sealed document byte for byte, so that `sha256sum` gives the digest in the journal.
    """
    directory.mkdir(parents=True, exist_ok=True)
    month, written = str(found.month), []
    written.append(_put(directory / f"digest-{month}.json", canonical(found.published)))
    for name, document in (("meeting", package(found.published, items)), ("deputies", export(found.published, items))):
        written.append(_put(directory / f"{name}-{month}.json", canonical(document)))
        written.append(_put(directory / f"{name}-{month}.xlsx", workbook.render(document)))
        written.append(_put(directory / f"{name}-{month}.html", page.render(document, found.sealed).encode()))
    return [*written, *_departments(directory / f"departments-{month}", found.published)]


def _departments(directory: Path, published: Document) -> list[Path]:
    directory.mkdir(exist_ok=True)
    # A department that is no longer shown must not be handed on out of an earlier run.
    for old in directory.glob("[0-9][0-9][0-9]-*"):
        old.unlink()
    written = []
    for place, unit in enumerate((unit for unit in published["units"] if unit["key"]), 1):
        stem = f"{place:03d}-{_UNSAFE.sub('_', unit['key'])[:60]}"
        head = {name: published[name] for name in ("format", "month", "cut_off", "final", "rules")}
        written.append(_put(directory / f"{stem}.json", canonical({**head, "audience": "department", "unit": unit})))
        written.append(_put(directory / f"{stem}.html", page.department(published, unit).encode()))
    return written


def _put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
