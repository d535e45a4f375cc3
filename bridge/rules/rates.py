"""The three rates (响应率 解决率 满意率): configurable formulas, with every petition they count listed."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from bridge.rules.outcome import Fact, Outcome
from bridge.rules.table import Entry, Ruled, read


class Formula(Ruled):
    """`of`: all of these facts put a petition into the denominator; `without`: any of these keeps it out; `counts`: any
    of these puts it into the numerator too."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    of: tuple[Fact, ...] = Field(min_length=1)
    without: tuple[Fact, ...] = ()
    counts: tuple[Fact, ...] = Field(min_length=1)


class RateRules(Entry):
    """`rates.toml`."""

    version: str
    rate: tuple[Formula, ...]

    @model_validator(mode="after")
    def _names(self) -> "RateRules":
        if len({rate.name for rate in self.rate}) < len(self.rate):
            raise ValueError("two rates have one name")
        return self


def rules(path: Path | None = None) -> RateRules:
    """The built-in table, or the city's own. Raises `BadTable`."""
    return read("rates.toml", RateRules, path)


@dataclass(frozen=True, slots=True)
class Rate:
    """Petition ids, sorted; every one of the numerator is in the denominator too."""

    formula: Formula
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]

    @property
    def value(self) -> Fraction | None:
        """Exact; None where there is nothing to divide by (not 0 %: nobody was asked)."""
        return Fraction(len(self.numerator), len(self.denominator)) if self.denominator else None

    def as_json(self) -> dict[str, Any]:
        """With the petitions of both sides, so that any figure can be traced; `value` as a float."""
        return {
            "name": self.formula.name,
            "zh": self.formula.zh,
            "rule": self.formula.rule,
            "value": None if self.value is None else float(self.value),
            "numerator": list(self.numerator),
            "denominator": list(self.denominator),
        }


def rates(table: RateRules, outcomes: Iterable[Outcome]) -> list[Rate]:
    """Each formula over these petitions, in the table's order."""
    known = sorted(outcomes, key=lambda outcome: outcome.petition_id)
    return [_rate(formula, known) for formula in table.rate]


def _rate(formula: Formula, outcomes: list[Outcome]) -> Rate:
    of, without, counts = set(formula.of), set(formula.without), set(formula.counts)
    denominator = [one for one in outcomes if of <= one.facts and not without & one.facts]
    numerator = [one for one in denominator if counts & one.facts]
    return Rate(formula, tuple(one.petition_id for one in numerator), tuple(one.petition_id for one in denominator))
