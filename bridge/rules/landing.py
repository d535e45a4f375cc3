"""The lists of the day (每日清单): what has no echo (无回音) and what has no landing (无着落), each with why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bridge.rules.assignments import Part
from bridge.rules.deadlines import Deadlines
from schemas.base import shanghai

WHY_ZH = {
    "not_accepted": "逾期未受理",
    "not_signed": "逾期未签收",
    "not_replied": "逾期未答复",
    "returned": "已退单，尚未改派",
    "not_dispatched": "已受理，逾期未派单",
    "not_taken_up": "未有人办理",
    "assist_not_replied": "协办单位逾期未答复",
    "plan_overdue": "打包方案逾期未落实",
    "not_completed": "仅部分户办结",
    "not_assisted": "协办单位尚未答复",
    "not_explained": "未写明办理结果",
    "not_followed_up": "尚未回访",
    "not_owner_confirmed": "首问书记尚未确认",
    "not_confirmed": "已办结，尚未与群众确认",
    "discontent": "已办结，诉求人仍不满意",
}
"""Why a petition is on a list."""

_CLOCKS = (("reply", "not_replied"), ("accept", "not_accepted"), ("sign", "not_signed"))


@dataclass(frozen=True, slots=True)
class Listed:
    """Why, and since when."""

    why: str
    since: datetime

    @property
    def zh(self) -> str:
        return WHY_ZH[self.why]


def no_echo(deadlines: Deadlines, now: datetime) -> Listed | None:
    """Nobody acknowledged or answered in time (无回音): the gravest of reply, acceptance, signature."""
    since = late(deadlines, now)
    return next((Listed(why, since[clock]) for clock, why in _CLOCKS if clock in since), None)


def late(deadlines: Deadlines, now: datetime) -> dict[str, datetime]:
    """The clocks that have run out, and when each did."""
    return {due.clock: due.at for due in deadlines.history if due.until is None and due.at < now}


def assist_late(since: Iterable[datetime]) -> Listed | None:
    """An assisting unit has not answered in time; since the first of them was due."""
    first = min(since, default=None)
    return Listed("assist_not_replied", first) if first is not None else None


def plan_overdue(plan_due: datetime | None, now: datetime) -> Listed | None:
    """The plan of its package (打包处理) was to be carried out by now."""
    return Listed("plan_overdue", shanghai(plan_due)) if plan_due is not None and plan_due < now else None


def no_landing(
    state: str, since: datetime, parts: Iterable[Part], deadlines: Deadlines, now: datetime
) -> Listed | None:
    """Nobody is working on it (无着落): returned and given to nobody else, or accepted or reopened, and no unit was
    asked before the signature was due. `since` is when it came to this state."""
    if state == "returned":
        return Listed("returned", since)
    if state not in _UNASSIGNED or any(part.state not in _DONE for part in parts):
        return None
    due = deadlines.sign
    if due is None or due >= now or deadlines.stopped_at is not None:
        return None
    return Listed(_UNASSIGNED[state], max(shanghai(since), due))


_UNASSIGNED = {"submitted": "not_taken_up", "accepted": "not_dispatched", "rehandling": "not_taken_up"}
_DONE = frozenset({"finished", "returned", "excused"})
