"""What counts as hot, repeated, pending, difficult: a table that a city can change (`bridge/tables/digest.toml`)."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bridge.rules.table import fault
from schemas.petition import Kind

Positive = Annotated[int, Field(ge=1, le=1_000_000)]


class BadDigestRules(ValueError):
    """The table cannot be used; one line says which entry and why."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hot(_Section):
    """热点: one place and subject. Petitions of the kinds in `without` are no trouble, however many."""

    without: tuple[Kind, ...] = (Kind.PRAISE,)
    persons: Positive = 10
    growth_percent: Positive = 200
    listed: Positive = 20


class Repeated(_Section):
    """反复反映: the same petitioner and subject."""

    times: Annotated[int, Field(ge=2, le=1000)] = 2


class Pending(_Section):
    """久拖不决: open for more than so many days, in steps."""

    days: Annotated[tuple[Positive, ...], Field(min_length=1)] = (30, 60, 90)

    @field_validator("days")
    @classmethod
    def _rising(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if list(days) != sorted(set(days)):
            raise ValueError("days must rise (天数须递增)")
        return days


class Difficult(_Section):
    """疑难: each a count from which one case is difficult."""

    returns: Positive = 2
    extensions: Positive = 2
    rehandled: Positive = 2
    unsatisfied: Positive = 2
    units: Positive = 3
    supervised: Positive = 1


class Similar(_Section):
    """相似诉求. Thresholds in thousandths: a sealed document holds no fractions."""

    alike_permille: Annotated[int, Field(ge=1, le=1000)] = 130
    together_permille: Annotated[int, Field(ge=1, le=1000)] = 100
    listed: Positive = 20
    phrase_places: Positive = 3


class DigestRules(_Section):
    """The whole table."""

    k: Annotated[int, Field(ge=2, le=1000)] = 5
    months_before: Annotated[int, Field(ge=1, le=24)] = 3
    hot: Hot = Hot()
    repeated: Repeated = Repeated()
    pending: Pending = Pending()
    difficult: Difficult = Difficult()
    similar: Similar = Similar()
    regions: dict[str, str] = {}

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """From this file, or the built-in one. Raises `BadDigestRules`."""
        name = str(path or "digest.toml (built in)")
        try:
            text = (
                path.read_text("utf-8") if path else files("bridge.tables").joinpath("digest.toml").read_text("utf-8")
            )
            return cls.of(tomllib.loads(text))
        except (OSError, ValueError) as error:
            raise BadDigestRules(f"{name}: {_first_line(error)}") from None

    @classmethod
    def of(cls, document: Any) -> Self:
        """From a document, e.g. the one in a sealed digest. Raises pydantic's ValidationError."""
        return cls.model_validate(document)

    def document(self) -> dict[str, Any]:
        """As it stands in the digest."""
        return self.model_dump(mode="json")


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return fault(error, None)
    return str(error).splitlines()[0]
