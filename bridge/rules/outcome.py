"""What came of a petition (办理结果), as facts by which it is counted: heard from, solved, satisfied."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from bridge.rules.rehandling import is_heard
from bridge.rules.steps import BRIDGE, Step, in_order
from schemas.event import EventType, Satisfaction

Resolved = Literal["yes", "no", "partly"]


class Fact(StrEnum):
    """What a formula of `rates.toml` may name."""

    VALID = "valid"
    RESPONDED = "responded"
    SAID_RESOLVED = "said_resolved"
    RESOLVED = "resolved"
    PARTLY_RESOLVED = "partly_resolved"
    UNRESOLVED = "unresolved"
    FIRST_SAID = "first_said"
    FIRST_SATISFIED = "first_satisfied"
    FIRST_FAIR = "first_fair"
    FIRST_UNSATISFIED = "first_unsatisfied"
    FINAL_SAID = "final_said"
    FINAL_SATISFIED = "final_satisfied"
    FINAL_FAIR = "final_fair"
    FINAL_UNSATISFIED = "final_unsatisfied"
    UNREACHABLE = "unreachable"
    UNREASONABLE = "unreasonable"


FACT_ZH = {
    Fact.VALID: "有效诉求（非不予受理、作废、并单）",
    Fact.RESPONDED: "已响应",
    Fact.SAID_RESOLVED: "诉求人已表态是否解决",
    Fact.RESOLVED: "已解决",
    Fact.PARTLY_RESOLVED: "部分解决",
    Fact.UNRESOLVED: "未解决",
    Fact.FIRST_SAID: "首次已评价",
    Fact.FIRST_SATISFIED: "首次满意",
    Fact.FIRST_FAIR: "首次基本满意",
    Fact.FIRST_UNSATISFIED: "首次不满意",
    Fact.FINAL_SAID: "最终已评价",
    Fact.FINAL_SATISFIED: "最终满意",
    Fact.FINAL_FAIR: "最终基本满意",
    Fact.FINAL_UNSATISFIED: "最终不满意",
    Fact.UNREACHABLE: "回访未能联系上",
    Fact.UNREASONABLE: "不合理诉求",
}

_NOT_VALID = frozenset({EventType.NOT_ACCEPTED, EventType.CANCELLED, EventType.MERGED})
_RESOLVED = {"yes": Fact.RESOLVED, "partly": Fact.PARTLY_RESOLVED, "no": Fact.UNRESOLVED}


@dataclass(frozen=True, slots=True)
class Outcome:
    """`first` and `final` are what the citizen said first and last, None where nothing was said."""

    petition_id: str
    first: Satisfaction | None
    final: Satisfaction | None
    resolved: Resolved | None
    facts: frozenset[Fact]


def outcome_of(petition_id: str, steps: Iterable[Step], marks: Iterable[Fact] = ()) -> Outcome:
    """`marks` are facts that no step tells: that the petitioner has been told is proved by a hand-off (`responded`).
    What was out of order counts for nothing."""
    steps = in_order(step for step in steps if not step.out_of_order)
    # A member's no (并单) reopens the petition; it is that petitioner's word, not this one's.
    own = [step for step in steps if step.source != BRIDGE]
    solved = [step.data.resolved for step in own if is_heard(step) and step.data.resolved is not None]
    first, final = _first_and_final(own)
    resolved = solved[-1] if solved else None
    facts = {*marks, *_found(steps), *_heard("first", first), *_heard("final", final)}
    if resolved is not None:
        facts |= {Fact.SAID_RESOLVED, _RESOLVED[resolved]}
    if not any(step.type in _NOT_VALID for step in _this_round(steps)):
        facts.add(Fact.VALID)
    if any(is_heard(step) for step in own):
        facts.add(Fact.RESPONDED)
    return Outcome(petition_id, first, final, resolved, frozenset(facts))


def _this_round(steps: list[Step]) -> list[Step]:
    """Since it was reopened last: what was refused or withdrawn before is under way again."""
    begins = [at for at, step in enumerate(steps) if step.type is EventType.REHANDLED]
    return steps[begins[-1] :] if begins else steps


def _found(steps: list[Step]) -> set[Fact]:
    """What a follow-up or a review found: nobody could be reached (and nobody has been heard since), or the demand was
    unreasonable, which no unit says of its own case."""
    found = {Fact.UNREASONABLE for step in steps if step.data.finding == "unreasonable" and step.actor != "unit"}
    tried = [step for step in steps if is_heard(step) or step.data.finding == "unreachable"]
    return found | ({Fact.UNREACHABLE} if tried and tried[-1].data.finding == "unreachable" else set())


def _first_and_final(steps: list[Step]) -> tuple[Satisfaction | None, Satisfaction | None]:
    """By the source's own mark where it has one (首次、最终); otherwise the first and the last word. A word that is
    marked final is not the first, and one that is marked first is final only while there is no other."""
    said = [(step.data.stage, step.data.satisfaction) for step in steps if is_heard(step) and step.data.satisfaction]
    first = next((word for stage, word in said if stage != "final"), None)
    last = [word for stage, word in said if stage != "first"] or [word for _, word in said]
    return first, last[-1] if last else None


def _heard(when: str, said: Satisfaction | None) -> set[Fact]:
    return set() if said is None else {Fact(f"{when}_said"), Fact(f"{when}_{said}")}
