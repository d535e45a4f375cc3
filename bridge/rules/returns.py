"""A return (退单) that is asked for: in time, with a reason, and not too often."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bridge.rules import transitions
from bridge.rules.calendar import Calendar
from bridge.rules.deadlines import Deadlines, deadlines_for
from bridge.rules.profiles import Facts, Profile, Profiles
from bridge.rules.steps import Step, in_order
from schemas.base import shanghai
from schemas.event import EventType


@dataclass(frozen=True, slots=True)
class FaultyReturn:
    """A request and what is wrong with it, in Chinese words."""

    step: Step
    faults: tuple[str, ...]

    @property
    def key(self) -> str:
        """Names the request within its petition, however many others are told later: who said it, when, which unit."""
        units = ",".join(sorted(self.step.units))
        return f"return:{self.step.source}:{shanghai(self.step.at).isoformat()}:{units}"


def faults_of_returns(
    facts: Facts, steps: Iterable[Step], calendar: Calendar, profiles: Profiles
) -> tuple[FaultyReturn, ...]:
    """The requests that have a fault, in order, each by what held when it was made. What the lifecycle does not allow
    and the same request told again have none. Raises `BadTable` when the frozen edition is gone."""
    ordered, found, requests = in_order(steps), list[FaultyReturn](), list[Step]()
    for place, step in enumerate(ordered):
        if step.type is not EventType.RETURN_REQUESTED or step.by_assistant or step.out_of_order:
            continue
        deadlines = deadlines_for(facts, ordered[:place], calendar, profiles)
        if not _is_new(step, requests, deadlines.state):
            continue
        profile = next(one for one in profiles.edition(facts).profile if one.name == deadlines.profile)
        faults = return_faults(profile, deadlines, step, requests)
        requests.append(step)
        if faults:
            words = _words(profile, deadlines.return_by, len(requests))
            found.append(FaultyReturn(step, tuple(words[fault] for fault in faults)))
    return tuple(found)


def return_faults(profile: Profile, deadlines: Deadlines, request: Step, before: Iterable[Step]) -> tuple[str, ...]:
    """What is wrong with this request: `late`, `no_reason`, `too_often`; empty: nothing. Who decides it is free to
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


def _is_new(request: Step, before: list[Step], state: str) -> bool:
    """While one is decided, the same is told again by whoever names no other unit."""
    again = state == "return_requested" and bool(before) and not request.units - before[-1].units
    return transitions.petition().allowed(state, request.type) and not again


def _too_late(return_by: datetime | None, request: Step) -> bool:
    return return_by is not None and request.at > return_by


def _words(profile: Profile, return_by: datetime | None, number: int) -> dict[str, str]:
    until = f"（{return_by:%m月%d日%H:%M}）" if return_by is not None else ""
    return {
        "late": f"超过退单时限{until}",
        "no_reason": "未写明退单理由",
        "too_often": f"第{number}次申请退单，至多{profile.returns}次",
    }
