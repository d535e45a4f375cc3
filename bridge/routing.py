"""Who must know an event: pure rules over a table that a city can change (`bridge/tables/routes.toml`)."""

import tomllib
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.rules.table import fault
from schemas.event import EventType
from schemas.petition import HandlingClass, Kind, Urgency

AUDIENCES = frozenset({"petitioner", "owner", "unit"})
_WORDS = AUDIENCES | {"origin", "others"}
_FIELDS = frozenset({"type", "source", "origin", "class", "kind", "urgency", "region", "actor"})

_VALUES: dict[str, frozenset[str]] = {
    "type": frozenset(str(value) for value in EventType),
    "class": frozenset(str(value) for value in HandlingClass),
    "kind": frozenset(str(value) for value in Kind),
    "urgency": frozenset(str(value) for value in Urgency),
    "actor": AUDIENCES | {""},
}
"""Fields that have a closed set of values."""


class BadRoutes(ValueError):
    """The routing table cannot be used; the text names the rule, the cause and the mend."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules may look at. `others` are the systems with a number for the petition, `told_by_wechat` whether
    the petitioner has an openid."""

    type: str
    source: str
    origin: str
    handling_class: str
    kind: str
    urgency: str
    region: str
    actor: str
    others: frozenset[str]
    petitioner_has_openid: bool


@dataclass(frozen=True, slots=True)
class Target:
    """One hand-off to make: the system, whom it reaches there, and the rules that asked for it."""

    system: str
    audience: frozenset[str]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """The whole answer for one event. `struck` says what was left out and why; `held_by_origin` as in the table."""

    targets: tuple[Target, ...]
    rules: tuple[str, ...]
    struck: tuple[str, ...]
    held_by_origin: bool


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    when: dict[str, str | list[str]]
    to: tuple[str, ...] = ()
    held_by: str | None = Field(default=None, pattern="^origin$")

    def fits(self, facts: Mapping[str, str]) -> bool:
        return all(_matches(field, wanted, facts[field]) for field, wanted in self.when.items())


class _Classify(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    when: dict[str, str | list[str]]
    handling_class: HandlingClass = Field(alias="class")

    def fits(self, facts: Mapping[str, str]) -> bool:
        return all(_matches(field, wanted, facts[field]) for field, wanted in self.when.items())


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    classify: tuple[_Classify, ...] = ()
    rule: tuple[_Rule, ...]


def _matches(field: str, wanted: str | list[str], value: str) -> bool:
    options = [wanted] if isinstance(wanted, str) else wanted
    return any(value.startswith(option) for option in options) if field == "region" else value in options


class Routes:
    """The table in use. `messenger` is the system that reaches people; `speaks` says what each system can be told."""

    def __init__(self, table: _Table, speaks: Mapping[str, Set[EventType]], messenger: str) -> None:
        self.version = table.version
        self._table = table
        self._speaks = speaks
        self._messenger = messenger
        self._cache: dict[Facts, Route] = {}

    @classmethod
    def load(cls, path: Path | None, speaks: Mapping[str, Set[EventType]], messenger: str = "wechat") -> "Routes":
        """The built-in table, or the city's own at `path`. Raises `BadRoutes`."""
        source = str(path or "the built-in table")
        document: object = None
        try:
            text = (
                path.read_text("utf-8") if path else files("bridge.tables").joinpath("routes.toml").read_text("utf-8")
            )
            document = tomllib.loads(text)
            table = _Table.model_validate(document)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise BadRoutes(f"routes: {source}: {error}") from error
        except ValidationError as error:
            raise BadRoutes(f"routes: {source}: {fault(error, document)}") from error
        _check(table, speaks, messenger, source)
        return cls(table, speaks, messenger)

    def classify(self, *, source: str, kind: str, urgency: str, region: str) -> tuple[HandlingClass, str]:
        """The handling class for a petition whose source gave none, and the rule that said so."""
        facts = {"source": source, "origin": source, "kind": kind, "urgency": urgency, "region": region}
        rule = next((rule for rule in self._table.classify if rule.fits(facts)), None)
        return (rule.handling_class, rule.name) if rule else (HandlingClass.HOTLINE_TRANSFER, "default")

    def route(self, facts: Facts) -> Route:
        """Who must be told; the same facts always give the same route."""
        known = self._cache.get(facts)
        if known is None:
            if len(self._cache) > 10_000:
                self._cache.clear()
            known = self._cache[facts] = self._decide(facts)
        return known

    def _decide(self, facts: Facts) -> Route:
        fields = _fields(facts)
        fitting = [rule for rule in self._table.rule if rule.fits(fields)]
        wanted: dict[str, dict[str, list[str]]] = {}
        for rule in fitting:
            for word in rule.to:
                for system, who in self._resolve(word, facts):
                    wanted.setdefault(system, {}).setdefault(who, []).append(rule.name)
        targets: list[Target] = []
        struck: list[str] = []
        for system in sorted(wanted):
            self._judge(system, wanted[system], facts, targets, struck)
        held = any(rule.held_by == "origin" for rule in fitting)
        return Route(tuple(targets), tuple(rule.name for rule in fitting), tuple(struck), held)

    def _resolve(self, word: str, facts: Facts) -> Iterable[tuple[str, str]]:
        """A word of the table → (system, whom it reaches there); "" is the system itself."""
        if word in AUDIENCES:
            return [(self._messenger, word)]
        if word == "origin":
            return [] if facts.origin == self._messenger else [(facts.origin, "")]
        if word == "others":
            return [(system, "") for system in sorted(facts.others - {self._messenger})]
        return [(word, "")]

    def _judge(
        self, system: str, wanted: dict[str, list[str]], facts: Facts, targets: list[Target], struck: list[str]
    ) -> None:
        """Strike out whoever said it, whoever cannot be reached, and what the system cannot be told."""
        if system not in self._speaks:
            struck.append(f"{system}: no outbound connection")
            return
        if EventType(facts.type) not in self._speaks[system]:
            struck.append(f"{system}: cannot be told {facts.type}")
            return
        if system != self._messenger:
            if system == facts.source:
                struck.append(f"{system}: said it")
                return
            targets.append(Target(system, frozenset(), _unique(wanted)))
            return
        audience = {who for who in wanted if who}
        if facts.actor in audience:
            audience.discard(facts.actor)
            struck.append(f"{facts.actor}: said it")
        if "petitioner" in audience and not facts.petitioner_has_openid:
            audience.discard("petitioner")
            struck.append("petitioner: no openid")
        if audience:
            targets.append(Target(system, frozenset(audience), _unique(wanted)))


def _unique(wanted: dict[str, list[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule for rules in wanted.values() for rule in rules))


def _fields(facts: Facts) -> dict[str, str]:
    return {
        "type": facts.type,
        "source": facts.source,
        "origin": facts.origin,
        "class": facts.handling_class,
        "kind": facts.kind,
        "urgency": facts.urgency,
        "region": facts.region,
        "actor": facts.actor,
    }


def _check(table: _Table, speaks: Mapping[str, object], messenger: str, source: str) -> None:
    """Every word of the table must mean something; a typo must not silently route to nobody."""
    for classify in table.classify:
        _check_fields(classify.name, classify.when, _FIELDS - {"type", "class", "actor"}, source)
    for rule in table.rule:
        _check_fields(rule.name, rule.when, _FIELDS, source)
        if messenger in rule.to:
            raise BadRoutes(
                f"routes: {source}: rule {rule.name!r}: {messenger} reaches people; say whom: {sorted(AUDIENCES)}"
            )
        if unknown := set(rule.to) - _WORDS - set(speaks):
            raise BadRoutes(
                f"routes: {source}: rule {rule.name!r}: unknown target {sorted(unknown)}; "
                f"known: {sorted((_WORDS | set(speaks)) - {messenger})}"
            )


def _check_fields(name: str, when: Mapping[str, str | list[str]], allowed: Set[str], source: str) -> None:
    for field in sorted(when.keys() & _VALUES.keys()):
        if wrong := set(_listed(when[field])) - _VALUES[field]:
            raise BadRoutes(f"routes: {source}: rule {name!r}: unknown {field} {sorted(wrong)}")
    if unknown := set(when) - allowed:
        raise BadRoutes(f"routes: {source}: rule {name!r}: unknown field {sorted(unknown)}; known: {sorted(allowed)}")


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
