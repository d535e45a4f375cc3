"""A petition as it stood at the cut-off: folded out of what was recorded until then, never out of how it stands now.

Where it stands and whether it is closed is taken from the journal (each entry keeps the state that its event led to),
so that a later change of the transition table changes no past month. The class, the units and the marks are taken from
the events.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from bridge.clock import from_ms
from bridge.digest.marks import marks
from bridge.ledger.opening import FIRST_OWNER
from bridge.ledger.tables import Row
from bridge.lifecycle import ENDED
from bridge.prose import mask
from bridge.rules.steps import Step
from bridge.rules.supervision import COUNTY_DIGITS
from schemas.event import EventData, UnitRole
from schemas.event import EventType as E
from schemas.petition import OF_THE_OWNER

UNKNOWN = ""
"""A place, subject or unit that nobody named."""


@dataclass(frozen=True, slots=True)
class Happening:
    """An event: times in milliseconds; `data` has what the fold asks for; `actor`, `source` and `event_id` as in the
    event."""

    type: E
    occurred_at: int
    recorded_at: int
    data: Mapping[str, Any] = field(default_factory=dict)
    actor: str | None = None
    source: str = ""
    event_id: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal entry about the case: `what`, when, the state after it, and the event it is about, if any."""

    what: str
    at: int
    state: str | None
    event_id: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """One petition at the cut-off. `person` tells petitioners apart (who is unknown counts as a person of their own);
    `names` are the petitioner's and the secretary's, so that no label takes them up; times in milliseconds."""

    petition_id: str
    person: str
    accepted_at: int
    source: str
    kind: str
    handling_class: str
    region: str
    place: str
    subject: str
    team_id: str
    title: str
    content: str
    state: str
    names: frozenset[str] = field(default=frozenset(), repr=False)
    unit: str = UNKNOWN
    units: frozenset[str] = frozenset()
    closed_at: int | None = None
    marks: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    def marked(self, mark: str) -> int:
        """How often something of this kind happened to it (`bridge.digest.marks`)."""
        return self.marks.get(mark, 0)


def fold(row: Row, document: Mapping[str, Any], events: Sequence[Happening], entries: Sequence[Entry]) -> Case:
    """The case out of its row (what never changes of it), its document, and what happened until the cut-off."""
    place, secretary = document.get("place") or {}, document.get(FIRST_OWNER) or document.get("secretary") or {}
    first_class = str(document.get("handling_class") or row["handling_class"])
    handling_class = _class(first_class, events)
    home_unit = _name(secretary.get("home_unit")) if handling_class in OF_THE_OWNER else UNKNOWN
    lead, units = _units(_name(document.get("lead_unit")) or home_unit, document.get("assist_units") or (), events)
    state, closed_at = _standing(entries)
    return Case(
        petition_id=row["petition_id"],
        person=row["petition_id"],
        accepted_at=row["accepted_at"],
        source=row["source"],
        kind=row["kind"],
        handling_class=handling_class,
        region=str(place.get("region_code") or row["region"] or UNKNOWN)[:COUNTY_DIGITS],
        place=_name(place.get("community")) or _name(place.get("street")),
        subject=_subject(document.get("category") or {}),
        team_id=str(secretary.get("team_id") or row["team_id"]),
        title=str(document.get("title") or ""),
        content=str(document.get("content") or ""),
        state=state,
        names=frozenset({str((document.get("petitioner") or {}).get("name") or ""), str(secretary.get("name") or "")}),
        unit=lead,
        units=units,
        closed_at=closed_at,
        marks=marks(_steps(first_class, events), _returns(events, entries)),
    )


def _class(first: str, events: Iterable[Happening]) -> str:
    """The newest class by the time it was given; an older word that came late changes nothing."""
    current, since = first, 0
    for event in events:
        given, at = event.data.get("handling_class"), min(event.occurred_at, event.recorded_at)
        if event.type is E.RECLASSED and given and at >= since:
            current, since = str(given), at
    return current


def _units(lead: str, assist: Iterable[Any], events: Iterable[Happening]) -> tuple[str, frozenset[str]]:
    """The lead unit after the last dispatch, and every unit that ever had a part."""
    found = {lead, *map(_name, assist)}
    for event in events:
        if event.type is not E.DISPATCHED:
            continue
        parts = [(_name(part.get("unit")), part.get("role", "lead")) for part in event.data.get("units") or ()]
        parts = parts or [(_name(event.data.get("unit")), event.data.get("role") or "lead")]
        lead = next((unit for unit, role in parts if role == UnitRole.LEAD.value and unit), lead)
        found.update(unit for unit, _ in parts)
    return lead, frozenset(found - {UNKNOWN})


def _standing(entries: Iterable[Entry]) -> tuple[str, int | None]:
    state, closed_at = "submitted", None
    for entry in entries:
        state = entry.state or state
        if entry.what == "petition.closed" and entry.event_id is None:
            closed_at = entry.at
        elif state not in ENDED:
            # It was taken up again (重办).
            closed_at = None
    return state, closed_at


def _returns(events: Iterable[Happening], entries: Iterable[Entry]) -> int:
    """How often it was returned: by whom nothing moved, told only what was known, or what an assisting unit did."""
    returns = {event.event_id for event in events if event.type is E.RETURNED}
    state, count = "submitted", 0
    for entry in entries:
        count += entry.event_id in returns and entry.state != state
        state = entry.state or state
    return count


def _steps(handling_class: str, events: Iterable[Happening]) -> list[Step]:
    """The events as the rules read them."""
    steps = []
    for event in events:
        if event.type is E.RECLASSED:
            handling_class = str(event.data.get("handling_class") or handling_class)
        at, data = from_ms(min(event.occurred_at, event.recorded_at)), EventData.model_validate(event.data)
        own = handling_class in OF_THE_OWNER
        steps.append(Step(event.type, at, data, event.source, event.actor, from_ms(event.recorded_at), own))
    return steps


def _subject(category: Mapping[str, Any]) -> str:
    return _name(category.get("name")) or _name(category.get("code"))


def _name(text: Any) -> str:
    """A unit's, place's or subject's name as it may be shown: someone may have written a telephone number there."""
    return _shown(str(text or ""))


@lru_cache(maxsize=16_384)
def _shown(text: str) -> str:
    return mask(" ".join(text.replace("\x00", "").split()))
