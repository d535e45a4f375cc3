"""The files of a month: the analysis, the meeting's package, the deputies' export, an extract for each department."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bridge.digest.documents import Document
from bridge.digest.extract import departments
from bridge.digest.handouts import MEDIA_TYPES, handout, written
from bridge.digest.seal import Reckoned

_UNSAFE = re.compile(r"[^\w]+")
_INTERIM = "-interim"


def write(directory: Path, found: Reckoned, items: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Write everything that may be handed on; nothing of it names a petition. Raises `OSError`.

    `digest-….json` is the sealed document byte for byte, so that `sha256sum` gives the digest in the journal. Of a
    month that goes on there is only what the house needs, and its name says so.
    """
    directory.mkdir(parents=True, exist_ok=True)
    month, mark = str(found.month), "" if found.final else _INTERIM
    paths = [_put(directory / f"digest-{month}{mark}.json", written(found.published, "json", None))]
    paths += _forms(directory / f"meeting-{month}{mark}", handout(found, "meeting", items), found)
    if not found.final:
        return paths
    _forget_interim(directory, month)
    paths += _forms(directory / f"deputies-{month}", handout(found, "deputies", items), found)
    return [*paths, *_departments(directory / f"departments-{month}", found)]


def _forget_interim(directory: Path, month: str) -> None:
    """The numbers of a month that was not over must not lie beside those of the whole."""
    (directory / f"digest-{month}{_INTERIM}.json").unlink(missing_ok=True)
    for form in MEDIA_TYPES:
        (directory / f"meeting-{month}{_INTERIM}.{form}").unlink(missing_ok=True)


def _departments(directory: Path, found: Reckoned) -> list[Path]:
    directory.mkdir(exist_ok=True)
    # A department that is no longer shown must not be handed on out of an earlier run.
    for old in directory.glob("[0-9][0-9][0-9]-*"):
        old.unlink()
    paths = []
    for place, unit in enumerate(departments(found.published), 1):
        stem = f"{place:03d}-{_UNSAFE.sub('_', unit)[:60]}"
        paths += _forms(directory / stem, handout(found, "department", unit=unit), found)
    return paths


def _forms(stem: Path, document: Document, found: Reckoned) -> list[Path]:
    return [_put(stem.with_name(f"{stem.name}.{form}"), written(document, form, found.sealed)) for form in MEDIA_TYPES]


def _put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
