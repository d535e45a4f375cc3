"""Rule tables: TOML files of `bridge/tables/`, or the city's own in their place."""

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class BadTable(ValueError):
    """A rule table cannot be used; one line that names the file, the place and the cause."""


class Entry(BaseModel):
    """Any part of a table: immutable, unknown fields refused, so that a typo stops the start and not a rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Ruled(Entry):
    """An entry that is a rule of its own: what it says in two languages, and where it comes from."""

    rule: str = Field(min_length=1)
    zh: str = Field(min_length=1)
    source: str = Field(min_length=1)


_Model = TypeVar("_Model", bound=BaseModel)


def read(name: str, model: type[_Model], path: Path | None = None) -> _Model:
    """The built-in table `name`, or the city's own at `path`. Raises `BadTable`."""
    where = str(path or name)
    document: object = None
    try:
        text = path.read_text("utf-8") if path else files("bridge.tables").joinpath(name).read_text("utf-8")
        document = tomllib.loads(text)
        return model.model_validate(document)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadTable(f"{where}: {error}") from error
    except ValidationError as error:
        raise BadTable(f"{where}: {fault(error, document)}") from error


def fault(error: ValidationError, document: object) -> str:
    """The first thing that is wrong with this document: where, and why. A word that nobody knows comes before what is
    missing for it."""
    errors = error.errors(include_url=False)
    first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
    why = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        why = "nobody knows this word (无此项)"
    where = _place(first["loc"], document)
    return f"{where}: {why}" if where else why


def _place(loc: Sequence[str | int], document: object) -> str:
    """With the names of entries, so that nobody need count them: `edition.city-2026.profile.general.reply`."""
    words = []
    at = document
    for part in loc:
        at = _inside(at, part)
        words.append(_name(at, part))
    return ".".join(words)


def _inside(at: object, part: str | int) -> object:
    if isinstance(at, dict):
        return at.get(part)
    return at[part] if isinstance(at, list) and isinstance(part, int) and part < len(at) else None


def _name(entry: object, part: str | int) -> str:
    """A numbered entry by its name or version, if it has one; numbers are from 1, as people count."""
    if isinstance(part, str):
        return part
    named = (entry.get("name") or entry.get("version")) if isinstance(entry, dict) else None
    return str(named or part + 1)
