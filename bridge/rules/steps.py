"""A step: one event of a petition, as much of it as the rules look at."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from schemas.event import EventData, EventType, UnitRole

BRIDGE = "bridge"
"""The source of what the bridge itself says."""


@dataclass(frozen=True, slots=True)
class Step:
    """`at` is when it happened, on any clock with an offset, `told_at` when the bridge heard of it (None: then);
    `source` and `actor` as in the event; `own` whether the owner's own unit had the petition then (on the spot, home
    unit), `out_of_order` whether the lifecycle did not allow it where the petition stood: then it moved nothing."""

    type: EventType
    at: datetime
    data: EventData = field(default_factory=EventData)
    source: str = ""
    actor: str | None = None
    told_at: datetime | None = None
    own: bool = False
    out_of_order: bool = False

    @property
    def units(self) -> frozenset[str]:
        """The units it names; none says nothing about which."""
        named = {assignment.unit for assignment in self.data.units}
        return frozenset(named | {self.data.unit} if self.data.unit else named)

    @property
    def by_assistant(self) -> bool:
        """Whether an assisting unit (协办) said it for its own part only."""
        return self.data.role is UnitRole.ASSIST


def in_order(steps: Iterable[Step]) -> list[Step]:
    """By when they happened; those of one moment as they are given (the ledger's numbering)."""
    return sorted(steps, key=lambda step: step.at)
