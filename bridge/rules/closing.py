"""What a petition still lacks before it may be closed."""

from collections.abc import Iterable, Sequence

from bridge.lifecycle import TO_CONFIRM
from bridge.rules import transitions
from bridge.rules.assignments import of_parts, parts_of, waiting_for
from bridge.rules.rehandling import ASKED, is_heard, is_no
from bridge.rules.steps import BRIDGE, Step, in_order
from bridge.rules.supervision import ClosingRule, SupervisionRules
from schemas.event import EventData, EventType, Satisfaction
from schemas.petition import HandlingClass


def lacks(
    table: SupervisionRules, handling_class: HandlingClass, steps: Iterable[Step], *, answered: bool
) -> tuple[str, ...]:
    """The needs of the closing rule that are not met. `answered`: the ledger has the proof that the petitioner was
    told. A follow-up and the owner's word count for the round they were given in."""
    rule = _rule(table, handling_class)
    there = _there(table, tuple(steps)) | ({"answered"} if answered else set())
    return tuple(need for need in rule.needs if need not in there)


def needs_more(table: SupervisionRules, handling_class: HandlingClass, state: str) -> bool:
    """Whether the rule of this class asks for more than the answer: only then a closing looks at the events. Of what
    was withdrawn, refused or merged nothing more is asked."""
    return state == "closed" and set(_rule(table, handling_class).needs) != {"answered"}


def _rule(table: SupervisionRules, handling_class: HandlingClass) -> ClosingRule:
    return next(rule for rule in table.closing if not rule.classes or handling_class in rule.classes)


def _there(table: SupervisionRules, steps: Sequence[Step]) -> set[str]:
    there: set[str] = set()
    chart, state = transitions.petition(), "submitted"
    for step, of_part in of_parts(steps):
        if not of_part and not step.out_of_order:
            state = chart.after(state, step.type)
        if step.type is EventType.REHANDLED:
            there.clear()
        elif is_heard(step):
            there.add("followed_up")
        if is_no(step, table.rehandling):
            there.discard("owner_confirmed")
        elif state in TO_CONFIRM and not step.out_of_order and confirms(step.type, step.actor, step.data):
            there.add("owner_confirmed")
        if step.type in _TELLS and _by_who_did_it(step) and (step.data.text or "").strip():
            there.add("explained")
    if not partial(steps):
        there.add("completed")
    # The closing itself excuses whoever has not answered (lifecycle.toml): what counts is who had before.
    if not waiting_for(parts_of(step for step in steps if step.type is not EventType.CLOSED)):
        there.add("assisted")
    return there


def confirms(type_: EventType, actor: str | None, data: EventData) -> bool:
    """Whether this confirms the closing (首问书记确认): the owner says closed, or the citizen says that it is solved or
    is satisfied. It counts only of what was answered."""
    if type_ is EventType.CLOSED:
        return actor == "owner"
    content = data.satisfaction in (Satisfaction.SATISFIED, Satisfaction.FAIR) or data.resolved == "yes"
    discontent = data.satisfaction is Satisfaction.UNSATISFIED or data.resolved == "no"
    return type_ in ASKED and actor == "petitioner" and content and not discontent


def _by_who_did_it(step: Step) -> bool:
    """The bridge's own notes, and what the petitioner adds, are no account of what was done."""
    return step.source != BRIDGE and step.actor != "petitioner"


_TELLS = frozenset({EventType.CLOSED, EventType.REPLIED, EventType.NOTED})
"""Events whose text says what was done; a note may add it after the end."""


def partial(steps: Iterable[Step]) -> bool:
    """Whether the latest word on its households (“首批162户”) is that some are still to do."""
    told = [step.data.households for step in in_order(steps) if step.data.households is not None]
    return bool(told) and told[-1].total is not None and told[-1].done < told[-1].total
