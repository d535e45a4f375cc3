"""How often what happened to a petition (疑难的依据). What two systems tell of one thing counts once, as it does for
its deadlines and re-handlings.

Nothing here asks the calendar: a sealed month must come out the same after the next notice of holidays.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridge.rules.assignments import of_parts
from bridge.rules.rehandling import complaints
from bridge.rules.steps import Step
from bridge.rules.supervision import RehandlingRule
from bridge.rules.term import Term
from schemas.event import EventData, Satisfaction, SupervisionLevel
from schemas.event import EventType as E

_HEAVY = frozenset({SupervisionLevel.RED, SupervisionLevel.BLACK, SupervisionLevel.KEY})

_UNSATISFIED = RehandlingRule(
    rule="not satisfied",
    zh="不满意",
    source="digest.toml",
    resolved=(),
    satisfaction=(Satisfaction.UNSATISFIED,),
    rounds=1,
)
"""What counts as discontent here: the citizen's own word, whatever reopens a petition in this city."""


def marks(steps: Sequence[Step], returned: int) -> dict[str, int]:
    """`returned`: how many of the steps are returns that moved the petition. Not satisfied is only who speaks for the
    citizen, once a round; a new round is one, whoever tells it."""
    said = complaints(steps, _UNSATISFIED)
    return {
        "returned": returned,
        "extended": _extensions(steps),
        "rehandled": said.round - 1,
        "unsatisfied": said.discontent,
        "heavy": sum(step.type is E.SUPERVISED and step.data.level in _HEAVY for step in steps),
    }


@dataclass(slots=True)
class _Grant:
    """An extension, and who has told it so far."""

    data: EventData
    sources: set[str]

    def is_again(self, step: Step) -> bool:
        """Whether another system tells it once more. One may give the length and the other the date: they differ only
        where both say the same thing otherwise."""
        if step.source in self.sources:
            return False
        terms = [Term.of(data.extend_by) for data in (self.data, step.data) if data.extend_by is not None]
        dates = [data.due_at for data in (self.data, step.data) if data.due_at is not None]
        pairs = [len(set(said)) == 1 for said in (terms, dates) if len(said) > 1]
        return not pairs or any(pairs)


def _extensions(steps: Iterable[Step]) -> int:
    """How many there were. Who asks for more time anew is granted anew, and so is a new round."""
    count, told = 0, list[_Grant]()
    for step, of_part in of_parts(steps):
        if step.type in (E.EXTENSION_REQUESTED, E.REHANDLED):
            told.clear()
        if step.type is not E.EXTENDED or of_part:
            continue
        known = next((grant for grant in told if grant.is_again(step)), None)
        if known is not None:
            known.sources.add(step.source)
        else:
            count += 1
            told.append(_Grant(step.data, {step.source}))
    return count
