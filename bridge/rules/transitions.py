"""From which state which event leads where: the transition table of a petition and of a unit's part of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import Field, field_validator

from bridge.rules.table import BadTable, Entry, Ruled, read
from schemas.event import EventType

ANY = "any"
"""In `from`: every state but the start."""

_BEGINS = frozenset({EventType.DISPATCHED, EventType.REHANDLED})
"""What gives the thing a new beginning."""


class Edge(Ruled):
    """One or more arrows. `to` is empty where the event is in order but moves nothing."""

    events: tuple[EventType, ...] = Field(alias="event", min_length=1)
    sources: tuple[str, ...] = Field(alias="from", min_length=1)
    to: str = ""

    @field_validator("events", mode="before")
    @classmethod
    def _one_or_more(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value


class Chart(Entry):
    """All edges of one thing that has states. `states` and `groups` as in the table, states with their Chinese."""

    start: str
    states: Mapping[str, str]
    groups: Mapping[str, tuple[str, ...]]
    edge: tuple[Edge, ...]

    def members(self, word: str) -> tuple[str, ...]:
        """The states that a word of `from` stands for; none for a word that means nothing."""
        if word == ANY:
            return tuple(state for state in self.states if state != self.start)
        return self.groups.get(word, (word,) if word in self.states else ())


class Lifecycle(Entry):
    """`lifecycle.toml`."""

    version: str
    petition: Chart
    assignment: Chart


@dataclass(frozen=True, slots=True)
class Transitions:
    """One chart, ready to be asked."""

    chart: Chart
    _edges: Mapping[tuple[str, EventType], Edge]

    @classmethod
    def of(cls, chart: Chart, where: str = "lifecycle.toml") -> "Transitions":
        """Raises `BadTable` for a word that means nothing and for two edges that disagree."""
        edges: dict[tuple[str, EventType], Edge] = {}
        for edge, state, event in _arrows(chart, where):
            if (state, event) in edges:
                raise BadTable(f"{where}: {event} from {state} stands here twice")
            edges[state, event] = edge
        return cls(chart, edges)

    def edge(self, state: str, event: EventType) -> Edge | None:
        """The rule that lets this event happen to what is in this state; None: not allowed."""
        return self._edges.get((state, event))

    def allowed(self, state: str, event: EventType) -> bool:
        """Whether the event is in order in this state. What is not is kept and listed, and moves nothing."""
        return (state, event) in self._edges

    def moves(self, state: str, event: EventType) -> bool:
        """Whether the event is allowed and says where the thing stands now."""
        edge = self.edge(state, event)
        return edge is not None and edge.to != ""

    def after(self, state: str, event: EventType) -> str:
        """The state after the event; the same one where it is not allowed or moves nothing."""
        edge = self.edge(state, event)
        return edge.to if edge is not None and edge.to else state

    def leads_to(self, state: str, other: str) -> bool:
        """Whether the thing can come from one state to the other without beginning anew. A system that tells where
        it stands (快照) need not have told every step; but none goes back."""
        found, fresh = set[str](), {state}
        while fresh:
            found |= fresh
            ends = {edge.to for (one, event), edge in self._edges.items() if one in fresh and event not in _BEGINS}
            fresh = ends - found - {""}
        return other in found


def _arrows(chart: Chart, where: str) -> Iterator[tuple[Edge, str, EventType]]:
    if chart.start not in chart.states:
        raise BadTable(f"{where}: the start {chart.start!r} is no state")
    for name, members in chart.groups.items():
        if unknown := set(members) - set(chart.states):
            raise BadTable(f"{where}: group {name!r}: unknown states {sorted(unknown)}")
    for edge in chart.edge:
        if edge.to and edge.to not in chart.states:
            raise BadTable(f"{where}: {edge.rule!r}: unknown state {edge.to!r}")
        for word in edge.sources:
            if not chart.members(word):
                raise BadTable(f"{where}: {edge.rule!r}: unknown state or group {word!r}")
            for state in chart.members(word):
                yield from ((edge, state, event) for event in edge.events)


def load(path: Path | None = None) -> Lifecycle:
    """The built-in table, or the city's own. Raises `BadTable`."""
    table = read("lifecycle.toml", Lifecycle, path)
    for chart in (table.petition, table.assignment):
        Transitions.of(chart, str(path or "lifecycle.toml"))
    return table


@cache
def petition() -> Transitions:
    """The built-in chart of a petition."""
    return Transitions.of(load().petition)


@cache
def assignment() -> Transitions:
    """The built-in chart of a unit's part."""
    return Transitions.of(load().assignment)
