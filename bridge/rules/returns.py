"""A return (退单) that is asked for: in time, with a reason, and not too often."""

from collections.abc import Iterable
from datetime import datetime

from bridge.rules.deadlines import Deadlines
from bridge.rules.profiles import Profile
from bridge.rules.steps import Step
from schemas.event import EventType


def return_faults(profile: Profile, deadlines: Deadlines, request: Step, before: Iterable[Step]) -> tuple[str, ...]:
    """What is wrong with this request, as words that the answer can carry; empty: nothing. Who decides it is free to
    grant it all the same. `before` are the petition's earlier steps."""
    faults = []
    if _too_late(deadlines.return_by, request):
        faults.append("late")
    if profile.return_reason and not (request.data.text or "").strip():
        faults.append("no_reason")
    earlier = sum(step.type is EventType.RETURN_REQUESTED for step in before)
    if profile.returns and earlier >= profile.returns:
        faults.append("too_often")
    return tuple(faults)


def _too_late(return_by: datetime | None, request: Step) -> bool:
    return return_by is not None and request.at > return_by
