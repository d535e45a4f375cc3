"""The parts of a petition (承办任务): one a unit, each with its own state, and whether the lead may answer."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bridge.rules import transitions
from bridge.rules.steps import Step, in_order
from schemas.event import EventType, UnitRole

_ENDS = frozenset({EventType.CLOSED, EventType.CANCELLED, EventType.NOT_ACCEPTED, EventType.MERGED})
_FOR_ALL = _ENDS | {EventType.REHANDLED}
"""Events of the whole petition, which every part shares."""

_DONE = frozenset({"finished", "returned", "excused"})


@dataclass(frozen=True, slots=True)
class Part:
    """A unit's part. `number` counts its dispatches: after a return the unit has a new part, not the old one."""

    unit: str
    role: UnitRole
    state: str
    number: int = 1


def parts_of(steps: Iterable[Step]) -> dict[str, Part]:
    """The parts after these steps, by unit, in the order in which they were first given."""
    chart, parts = transitions.assignment(), dict[str, Part]()
    for step in in_order(steps):
        units = parts.keys() if step.type in _FOR_ALL and not step.units else step.units
        for unit in sorted(units):
            known = parts.get(unit, Part(unit, _role(step, unit), chart.chart.start, 0))
            after = chart.after(known.state, step.type)
            stated = _stated(step, unit)
            if stated is not None and chart.leads_to(after, stated):
                after = stated
            if after != known.state or chart.moves(known.state, step.type):
                parts[unit] = _moved(known, step, after)
    return parts


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
    own = _without_role(step)
    return replace(own, type=EventType.REPLIED) if _stated(step, unit) == "finished" else own


def is_out(part: Part) -> bool:
    """Whether it owes nothing any more: it has returned its part, or was excused."""
    return part.state in ("returned", "excused")


def waiting_for(parts: dict[str, Part]) -> tuple[str, ...]:
    """The assisting units whose answer the lead still needs (DOMAIN 2.4): all that have neither replied nor left."""
    return tuple(part.unit for part in parts.values() if part.role is UnitRole.ASSIST and part.state not in _DONE)


def _without_role(step: Step) -> Step:
    return replace(step, data=step.data.model_copy(update={"role": None})) if step.by_assistant else step


def _moved(part: Part, step: Step, state: str) -> Part:
    again = step.type is EventType.DISPATCHED or part.number == 0
    role = _role(step, part.unit) if step.type is EventType.DISPATCHED else part.role
    return Part(part.unit, role, state, part.number + again)


def _role(step: Step, unit: str) -> UnitRole:
    named = next((one.role for one in step.data.units if one.unit == unit), None)
    return named or step.data.role or UnitRole.LEAD
