"""What goes to supervision by itself (自动督办): thresholds over counts that the ledger gives."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, model_validator

from bridge import ids
from bridge.roster import place_key as named
from bridge.rules.table import Entry, Ruled, read
from schemas.event import Satisfaction
from schemas.petition import Category, HandlingClass, Kind, Place, Urgency

Counted = Literal["place_and_subject", "overdue", "petitioner_and_subject", "unsatisfied", "orders"]


Reason = Literal["hot", "repeated", "long_pending", "unsatisfied", "leader"]
"""Why a petition is supervised (DOMAIN 2.4)."""


class TriggerRule(Ruled):
    """`window_days` is how far back the ledger counts, calendar days before the petition's submission; 0: its life.
    Among petitions those of the kinds in `without` do not count."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    reason: Reason
    counts: Counted
    threshold: int = Field(ge=0)
    window_days: int = Field(default=0, ge=0)
    without: tuple[Kind, ...] = ()
    reclass: HandlingClass = HandlingClass.KEY_SUPERVISION


class RehandlingRule(Ruled):
    """What the citizen says that reopens the petition, and how often it may."""

    resolved: tuple[Literal["no", "partly"], ...]
    satisfaction: tuple[Satisfaction, ...]
    rounds: int = Field(ge=1)


Need = Literal["answered", "completed", "assisted", "explained", "followed_up", "owner_confirmed"]


class ClosingRule(Ruled):
    """What must be there before a petition of these classes (none: of any) closes."""

    classes: tuple[HandlingClass, ...] = Field(alias="class")
    needs: tuple[Need, ...] = Field(min_length=1)


class OnSiteWhen(Entry):
    """Fields that are left out fit anything."""

    home_unit: bool | None = None
    urgency: tuple[Urgency, ...] = ()


class OnSiteRule(Ruled):
    """Which class an on-site petition gets that was not closed on its day."""

    when: OnSiteWhen
    reclass: HandlingClass


class DailyRule(Ruled):
    """When the owner is told each day of what is on a list (无回音、无着落)."""

    at: Annotated[time, BeforeValidator(lambda text: time.fromisoformat(text) if isinstance(text, str) else text)]


class SupervisionRules(Entry):
    """`supervision.toml`. Without `daily` nobody is told of the lists; they are there all the same."""

    version: str
    trigger: tuple[TriggerRule, ...]
    rehandling: RehandlingRule
    closing: tuple[ClosingRule, ...]
    on_site: tuple[OnSiteRule, ...]
    daily: DailyRule | None = None

    @model_validator(mode="after")
    def _nobody_is_outside(self) -> "SupervisionRules":
        names = [trigger.name for trigger in self.trigger]
        if len(set(names)) < len(names):
            raise ValueError("two triggers have one name")
        if not self.closing or self.closing[-1].classes:
            raise ValueError("the last closing rule must fit every class")
        if not self.on_site or self.on_site[-1].when != OnSiteWhen():
            raise ValueError("the last on_site rule must fit everything")
        if any(rule.reclass is HandlingClass.ON_SITE for rule in self.on_site):
            raise ValueError("an on_site rule leads back to on_site")
        return self


def rules(path: Path | None = None) -> SupervisionRules:
    """The built-in table, or the city's own. Raises `BadTable`."""
    return read("supervision.toml", SupervisionRules, path)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A rule that has come true for a petition: `count` reached the rule's threshold."""

    rule: TriggerRule
    count: int

    @property
    def key(self) -> str:
        return f"trigger:{self.rule.name}"

    @property
    def text(self) -> str:
        """Why, for those who get the order."""
        return f"{self.rule.zh}（{self.count}，标准 {self.rule.threshold}）"

    def event_id(self, petition_id: str) -> UUID:
        """The supervision that it becomes: one rule supervises one petition once."""
        return ids.event_id("bridge", f"{self.key}:{petition_id}")


def triggered(table: SupervisionRules, counts: Mapping[Counted, int], given: Container[str]) -> list[Trigger]:
    """The rules whose threshold these counts reach, in the table's order, without those whose key is in `given`."""
    found = [Trigger(rule, counts.get(rule.counts, 0)) for rule in table.trigger if rule.threshold]
    return [trigger for trigger in found if trigger.count >= trigger.rule.threshold and trigger.key not in given]


COUNTY_DIGITS = 6
"""Of an administrative code (GB/T 2260): the county."""


def place_key(place: Place) -> str | None:
    """What "one place" is: the community, else the grid, else the street of its county, by the name the roster compares
    (systems write region codes of 6, 9 or 12 digits, and 社区 with and without 居委会). None: too vague to count."""
    finest = next((part for part in (place.community, place.grid, place.street) if part), None)
    return f"{(place.region_code or '')[:COUNTY_DIGITS]}/{named(finest)}" if finest else None


def subject_key(category: Category) -> str | None:
    """What "one subject" is: the source's category, by its name where it has one (codes differ by system)."""
    return (category.name or category.code or "").strip() or None
