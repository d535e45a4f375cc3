"""Rule tables: TOML files of `bridge/tables/`, or the city's own in their place."""

import tomllib
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
    try:
        text = path.read_text("utf-8") if path else files("bridge.tables").joinpath(name).read_text("utf-8")
        return model.model_validate(tomllib.loads(text))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadTable(f"{where}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise BadTable(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
