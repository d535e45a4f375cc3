"""Which deadlines hold for a petition: the editions and profiles of `deadlines.toml`, and why one was chosen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from bridge.rules.table import BadTable, Entry, Ruled, read
from bridge.rules.term import Term, Unit, WrittenTerm
from schemas.base import SystemName, shanghai
from schemas.petition import HandlingClass, Kind, Urgency

Pause = Literal["return", "redispatch", "extension", "suspension"]


def _none_when_empty(value: object) -> object:
    return None if value == "" else value


CardTerm = Annotated[WrittenTerm | None, BeforeValidator(_none_when_empty)]


class CardRules(Ruled):
    """When each card is given, counted from the deadline of the reply."""

    yellow: CardTerm = None
    red: CardTerm = None
    black: CardTerm = None
    urge: bool = False
    hold_provisional: bool = True

    @model_validator(mode="after")
    def _whole_days(self) -> "CardRules":
        for term in (self.yellow, self.red, self.black):
            if term is not None and term.unit is not Unit.HOURS and term.part:
                raise ValueError(f"cards: {term}: whole days, or hours")
        return self


class OwnCards(Entry):
    """What a profile says otherwise than its edition; what it leaves out stays as it is there."""

    yellow: CardTerm = None
    red: CardTerm = None
    black: CardTerm = None
    urge: bool = False


class When(Entry):
    """What a profile is for; a field that is left out fits anything."""

    kind: tuple[Kind, ...] = ()
    urgency: tuple[Urgency, ...] = ()
    handling_class: tuple[HandlingClass, ...] = Field(default=(), alias="class")
    system: tuple[SystemName, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _one_or_more(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return {name: [one] if isinstance(one, str) else one for name, one in value.items()}

    def fits(self, facts: "Facts") -> bool:
        wanted = (
            (self.kind, facts.kind),
            (self.urgency, facts.urgency),
            (self.handling_class, facts.handling_class),
            (self.system, facts.system),
        )
        return all(not options or value in options for options, value in wanted)


class Profile(Ruled):
    """The terms of one sort of petition. `extension` is the most that all extensions of a round may add together."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    when: When = When()
    accept: WrittenTerm | None = None
    sign: WrittenTerm | None = None
    reply: WrittenTerm
    return_window: WrittenTerm | None = None
    returns: int = Field(default=0, ge=0)
    return_reason: bool = True
    extension: WrittenTerm | None = None
    extensions: int = Field(default=0, ge=0)
    pause: tuple[Pause, ...] = ()
    given: Literal["ignore", "earlier"] = "ignore"
    cards: OwnCards | None = None


class Edition(Entry):
    """All profiles that hold for petitions submitted from `effective` on."""

    version: str = Field(min_length=1, max_length=64)
    effective: date
    cards: CardRules
    profile: tuple[Profile, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _nobody_is_outside(self) -> "Edition":
        if self.profile[-1].when != When():
            raise ValueError(f"edition {self.version}: the last profile must fit everything: no petition is outside")
        names = [profile.name for profile in self.profile]
        if len(set(names)) < len(names):
            raise ValueError(f"edition {self.version}: two profiles have one name")
        return self

    def cards_of(self, profile: Profile) -> CardRules:
        """The edition's card rules with what the profile says otherwise."""
        own = profile.cards
        if own is None:
            return self.cards
        return self.cards.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})


class _Editions(Entry):
    edition: tuple[Edition, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Facts:
    """What deadlines depend on. `system` is where the petition started, `handling_class` its class when submitted (a
    later one comes as an event), `version` the edition frozen on it, empty before it is."""

    kind: Kind
    urgency: Urgency
    handling_class: HandlingClass
    system: str
    submitted_at: datetime
    version: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The profile that holds, and the profiles before it that did not fit."""

    edition: Edition
    profile: Profile
    passed: tuple[str, ...] = ()

    @property
    def cards(self) -> CardRules:
        return self.edition.cards_of(self.profile)


class Profiles:
    """The table in use."""

    def __init__(self, editions: tuple[Edition, ...], where: str = "deadlines.toml") -> None:
        self.editions = tuple(sorted(editions, key=lambda edition: edition.effective))
        self._by_version = {edition.version: edition for edition in editions}
        if len(self._by_version) < len(editions):
            raise BadTable(f"{where}: two editions have one version")

    @classmethod
    def load(cls, path: Path | None = None) -> "Profiles":
        """The built-in table, or the city's own. Raises `BadTable`."""
        return cls(read("deadlines.toml", _Editions, path).edition, str(path or "deadlines.toml"))

    def edition(self, facts: Facts) -> Edition:
        """The frozen edition, else the newest in effect on the day of submission, else the first of all.

        Raises `BadTable` when the frozen one is no longer in the table.
        """
        if facts.version:
            if facts.version not in self._by_version:
                raise BadTable(f"deadlines: edition {facts.version!r} is gone, but petitions are bound to it: add it")
            return self._by_version[facts.version]
        day = shanghai(facts.submitted_at).date()
        in_effect = [edition for edition in self.editions if edition.effective <= day]
        return in_effect[-1] if in_effect else self.editions[0]

    def choose(self, facts: Facts) -> Choice:
        """The first profile of the edition that fits."""
        edition = self.edition(facts)
        passed: list[str] = []
        for profile in edition.profile:
            if profile.when.fits(facts):
                return Choice(edition, profile, tuple(passed))
            passed.append(profile.name)
        raise AssertionError("the last profile fits everything")

    def explain(self, facts: Facts) -> str:
        """Which deadlines hold and why, in lines for people."""
        choice = self.choose(facts)
        edition, profile = choice.edition, choice.profile
        because = "frozen on the petition" if facts.version else f"in effect since {edition.effective}"
        lines = [
            f"kind {facts.kind}, urgency {facts.urgency}, class {facts.handling_class}, system {facts.system}",
            f"  edition {edition.version}  ({because})",
            *(f"  ✗ {name}: does not fit" for name in choice.passed),
            f"  → {profile.name}: {profile.rule} ({profile.zh})",
            *(f"    {name} {term} ({term.zh})" for name, term in terms(profile).items()),
            f"    source: {profile.source}",
        ]
        return "\n".join(lines)


def terms(profile: Profile) -> dict[str, Term]:
    """The profile's terms by name, in the order of a case."""
    named = ("accept", "sign", "return_window", "reply", "extension")
    return {name: term for name in named if (term := getattr(profile, name)) is not None}
