"""The parts of a petition (承办任务): one a unit, each with its own state, and whether the lead may answer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from bridge.rules import transitions
from bridge.rules.steps import Step, in_order
from schemas.event import EventData, EventType, UnitRole

_ENDS = frozenset({EventType.CLOSED, EventType.CANCELLED, EventType.NOT_ACCEPTED, EventType.MERGED})
_FOR_ALL = _ENDS | {EventType.REHANDLED}
"""Events of the whole petition, which every part shares."""

_GIVES = EventType.DISPATCHED
RETURNS = frozenset({EventType.RETURN_REQUESTED, EventType.RETURNED, EventType.RETURN_DENIED})
"""A return (退单): asked for, granted, refused."""

_DONE = frozenset({"finished", "returned", "excused"})


@dataclass(frozen=True, slots=True)
class Part:
    """A unit's part. `number` counts its dispatches: after a return the unit has a new part, not the old one. `given`
    is when it was asked last, `heard` when it was spoken of last."""

    unit: str
    role: UnitRole
    state: str
    number: int = 1
    given: datetime | None = None
    heard: datetime | None = None


class Parts:
    """The parts by unit, in the order in which they were given last; the steps are taken one by one, in order."""

    def __init__(self) -> None:
        self._chart = transitions.assignment()
        self.by_unit: dict[str, Part] = {}

    @classmethod
    def after(cls, steps: Iterable[Step]) -> Self:
        """After these steps, in whatever order they are given."""
        parts = cls()
        for step in in_order(steps):
            parts.take(step)
        return parts

    def take(self, step: Step) -> None:
        units = self.by_unit.keys() if step.type in _FOR_ALL and not step.units else step.units
        for unit in sorted(units):
            self._take(step, unit)

    def _take(self, step: Step, unit: str) -> None:
        known = self.by_unit.get(unit, Part(unit, _role(step, unit), self._chart.chart.start, 0))
        after = self._chart.after(known.state, step.type)
        stated = _stated(step, unit)
        if stated is not None and self._chart.leads_to(after, stated):
            after = stated
        if after == known.state and not self._chart.moves(known.state, step.type) and step.type is not _GIVES:
            return
        # The newest order says whose the petition is, also where the unit has its task already.
        if step.type is _GIVES:
            self.by_unit.pop(unit, None)
        self.by_unit[unit] = _moved(known, step, after)

    def others_work(self, step: Step) -> bool:
        """Whether this return (asked for, granted, refused) is its own unit's affair only: another lead unit still has
        the petition. It was asked no earlier, or has been heard of since: who was asked before it, and has said
        nothing, was replaced by it."""
        if step.type not in RETURNS or not step.units or not step.units <= self.by_unit.keys():
            return False
        given = max((at for unit in step.units if (at := self.by_unit[unit].given)), default=None)
        others = [part for unit, part in self.by_unit.items() if unit not in step.units and _leads(part)]
        return given is not None and any(_is_since(part, given) for part in others)


def parts_of(steps: Iterable[Step]) -> dict[str, Part]:
    """The parts after these steps, by unit, in the order in which they were given last."""
    return Parts.after(steps).by_unit


def of_parts(steps: Iterable[Step]) -> Iterator[tuple[Step, bool]]:
    """Each step in order, and whether it is of a unit's part only and moves the petition nowhere: an assisting unit's
    word, and a return while another lead unit has the petition."""
    parts = Parts()
    for step in in_order(steps):
        yield step, step.by_assistant or parts.others_work(step)
        parts.take(step)


def _leads(part: Part) -> bool:
    return part.role is UnitRole.LEAD and part.state not in _DONE


def _is_since(part: Part, given: datetime) -> bool:
    return (part.given is not None and part.given >= given) or (part.heard is not None and part.heard > given)


def _stated(step: Step, unit: str) -> str | None:
    """Where the event itself says that the unit's part stands: that goes before what its type implies, where the table
    lets the part come there."""
    return next((one.state.value for one in step.data.units if one.unit == unit and one.state), None)


def steps_of(unit: str, steps: Iterable[Step]) -> list[Step]:
    """What concerns this unit's part: its own steps and those of the whole petition. Its deadlines come from these, by
    `deadlines_for`: towards its own clock an assisting unit answers like any other, so no role is told, and where its
    part is said to be finished, whatever it says is its answer."""
    return [_as_its_own(step, unit) for step in steps if unit in step.units or not step.units]


def _as_its_own(step: Step, unit: str) -> Step:
    if not step.units:
        return step
    named = tuple(one for one in step.data.units if one.unit == unit)
    own = replace(step, data=step.data.model_copy(update={"role": None, "unit": unit, "units": named}))
    return replace(own, type=EventType.REPLIED) if _stated(step, unit) == "finished" else own


def is_out(part: Part) -> bool:
    """Whether it owes nothing any more: it has returned its part, or was excused."""
    return part.state in ("returned", "excused")


def names_an_assistant(data: EventData) -> bool:
    """Whether a unit is known by this to assist."""
    return data.role is UnitRole.ASSIST or any(one.role is UnitRole.ASSIST for one in data.units)


def waiting_for(parts: dict[str, Part]) -> tuple[str, ...]:
    """The assisting units whose answer the lead still needs (DOMAIN 2.4): all that have neither replied nor left."""
    return tuple(part.unit for part in parts.values() if part.role is UnitRole.ASSIST and part.state not in _DONE)


def _moved(part: Part, step: Step, state: str) -> Part:
    if step.type is not _GIVES:
        return Part(part.unit, part.role, state, max(part.number, 1), part.given, step.at)
    anew = state != part.state
    role = _named(step, part.unit) or (UnitRole.LEAD if anew else part.role)
    return Part(part.unit, role, state, part.number + anew, step.at, part.heard)


def _role(step: Step, unit: str) -> UnitRole:
    return _named(step, unit) or UnitRole.LEAD


def _named(step: Step, unit: str) -> UnitRole | None:
    named = next((one.role for one in step.data.units if one.unit == unit), None)
    return named or step.data.role
