"""Re-handling (重办): what the citizen says that reopens a petition, and how often."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bridge.rules import transitions
from bridge.rules.assignments import of_parts
from bridge.rules.steps import BRIDGE, Step
from bridge.rules.supervision import RehandlingRule
from schemas.event import Event, EventType
from schemas.petition import OF_THE_OWNER, Petition

ASKED = frozenset({EventType.FOLLOWED_UP, EventType.RATED})
"""Where the citizen is heard."""

BY_ITSELF = "system"
"""The actor of what happens by itself."""

_NOT_THE_CITIZEN = frozenset({"unit", BY_ITSELF})
"""Who says something of itself, or says it by itself (自动评价)."""


_REPLIES = frozenset({EventType.REPLIED, EventType.CLOSED, EventType.VERIFIED})
"""What a no may be about. A check (核查) is one of what was done only where it says that the petition is answered."""


@dataclass(frozen=True, slots=True)
class Complaints:
    """`discontent` counts the rounds in which the citizen said no (each once); `open` whether the last no is still
    without a re-handling, and `said` that word; `round` is the number the next re-handling has."""

    discontent: int
    open: bool
    round: int
    said: Step | None = None


def speaks_for_the_citizen(actor: str | None, *, own: bool) -> bool:
    """Whether what this actor says in a follow-up or a rating is the citizen's word: never what the handling unit says
    of itself (DOMAIN 7), nor its secretary where the secretary's own unit has the petition (`own`)."""
    return actor not in _NOT_THE_CITIZEN and not (actor == "owner" and own)


def is_citizens_word(event: Event, petition: Petition) -> bool:
    """Whether what this event says, if it is a follow-up or a rating, is the citizen's word."""
    return speaks_for_the_citizen(event.actor, own=petition.handling_class in OF_THE_OWNER)


def speaker(name: str, words: Mapping[str, str]) -> str:
    """Who speaks in a step that names this unit or part: by the longest of these words that is in it, else a unit."""
    known = [word for word in words if word in name]
    return words[max(known, key=len)] if known else "unit"


def is_heard(step: Step) -> bool:
    """Whether the citizen speaks here: asked or rating. Who could not be reached has not spoken, and what was out of
    order counts for nothing."""
    counts = step.type in ASKED and not step.out_of_order and step.data.finding != "unreachable"
    return counts and speaks_for_the_citizen(step.actor, own=step.own)


def is_set_free(step: Step) -> bool:
    """Whether a member (并单) is a petition of its own again, since the one it was merged into was cancelled: it begins
    anew, and nobody was discontent."""
    return step.type is EventType.REHANDLED and step.source == BRIDGE and step.actor == BY_ITSELF


def is_no(step: Step, rule: RehandlingRule) -> bool:
    """Whether the citizen says that it is not solved or not satisfied."""
    return is_heard(step) and (step.data.resolved in rule.resolved or step.data.satisfaction in rule.satisfaction)


def complaints(steps: Iterable[Step], rule: RehandlingRule) -> Complaints:
    """What the steps so far amount to. A no before the first reply is about nothing yet, and counts for nothing."""
    discontent, rounds, replied = 0, 0, False
    said: Step | None = None
    for step, is_answer in _answers_among(steps):
        if is_answer:
            replied = True
        elif step.type is EventType.REHANDLED:
            # Told by two systems, it is one round.
            counts = (replied or not rounds) and not is_set_free(step)
            rounds, said, replied = rounds + counts, None, False
        elif replied and is_no(step, rule) and said is None:
            discontent, said = discontent + 1, step
    return Complaints(discontent, said is not None, rounds + 1, said)


def _answers_among(steps: Iterable[Step]) -> Iterator[tuple[Step, bool]]:
    """Each step in order, and whether it is an answer that one may say no to."""
    chart = transitions.petition()
    state = chart.chart.start
    for step, of_part in of_parts(one for one in steps if not one.out_of_order):
        if of_part:
            yield step, False
            continue
        yield step, step.type in _REPLIES and (step.type is not EventType.VERIFIED or chart.moves(state, step.type))
        if chart.allowed(state, step.type):
            state = chart.after(state, step.type)


def reopens(found: Complaints, rule: RehandlingRule) -> bool:
    """Whether a re-handling is due now. After the most rounds people decide: the supervision has it by then."""
    return found.open and found.round <= rule.rounds
