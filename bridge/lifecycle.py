"""Where a petition stands after an event: the transition table (`bridge/tables/lifecycle.toml`), asked by the ledger.

The state is the newest word about the case, as far as the table allows it. It never moves back for an event that is
older than the one applied, and some events (a note, an urging) say nothing about where the case stands.
"""

from bridge.rules import transitions
from schemas.event import EventData, UnitRole
from schemas.event import EventType as E

STATE_AFTER: dict[E, str] = {
    E.SUBMITTED: "submitted",
    E.ACCEPTED: "accepted",
    E.NOT_ACCEPTED: "not_accepted",
    E.DISPATCHED: "dispatched",
    E.SIGNED: "signed",
    E.PROGRESSED: "handling",
    E.RETURN_REQUESTED: "return_requested",
    E.RETURNED: "returned",
    E.RETURN_DENIED: "handling",
    E.EXTENSION_REQUESTED: "extension_requested",
    E.EXTENDED: "handling",
    E.EXTENSION_DENIED: "handling",
    E.REPLIED: "replied",
    E.VERIFIED: "replied",
    E.FOLLOWED_UP: "followed_up",
    E.REHANDLED: "rehandling",
    E.CLOSED: "closed",
    E.CANCELLED: "cancelled",
    E.MERGED: "merged",
    E.SUSPENDED: "suspended",
    E.RESUMED: "handling",
}
"""Which state an event stands for, where the table lets it move (a test holds them equal). Events that are not here
(supervised, urged, rated, noted, unknown, …) leave the state as it is."""

ENDED = frozenset({"closed", "cancelled", "not_accepted", "merged"})
"""States after which nothing more is owed but the answer to the petitioner."""

TO_CONFIRM = frozenset({"replied", "followed_up", "closed"})
"""States in which there is an answer that the owner can confirm with the citizen (首问书记确认)."""

ANSWERS = frozenset({E.REPLIED, E.CLOSED, E.NOT_ACCEPTED, E.CANCELLED, E.MERGED})
"""Events whose delivery to the petitioner is the answer (事事有回音)."""

WORKING = frozenset({"dispatched", "signed", "handling", "return_requested", "extension_requested"})
"""States in which some system has set somebody to work."""

SIGNS = frozenset(
    {E.ACCEPTED, E.NOT_ACCEPTED, E.DISPATCHED, E.SIGNED, E.PROGRESSED, E.REPLIED, E.RETURN_REQUESTED, E.CLOSED}
)
"""News from a system that proves it has seen what was handed to it: delivered hand-offs become acknowledged."""


SKEW_MS = 300_000
"""Two systems' clocks may be this far apart before "earlier" means anything between them."""


def is_older(at: int, source: str, state_at: int, state_by: str) -> bool:
    """Whether an event of `source` at `at` is older than the one that made the present state (milliseconds).

    One system's own clock is believed to the second (most write no finer, while a time that was ahead of ours is cut
    to our milliseconds); between two systems only a difference that is no skew counts.
    """
    return at < (state_at - state_at % 1000 if source == state_by else state_at - SKEW_MS)


def refuses_anothers(state: str, state_by: str, event: E, source: str) -> bool:
    """Whether a system refuses what another one has set somebody to work on (重点督办 on top of a running order): that
    is its own affair, and ends nothing."""
    return event is E.NOT_ACCEPTED and state in WORKING and source != state_by


def answers(event: E, actor: str | None, data: EventData) -> bool:
    """Whether telling the petitioner this answers them (事事有回音): an assisting unit speaks for its part only, and
    that it is over is no answer without a word about what was done."""
    if event not in ANSWERS or data.role is UnitRole.ASSIST:
        return False
    return event is not E.CLOSED or actor in ("owner", "petitioner") or bool((data.text or "").strip())


def allowed(state: str, event: E) -> bool:
    """Whether `event` is in order for a petition in this state. What is not is kept and listed, and moves nothing."""
    return transitions.petition().allowed(state, event)


def moves(state: str, event: E) -> bool:
    """Whether `event` is allowed and says something about where a petition in this state stands."""
    return transitions.petition().moves(state, event)


def state_after(state: str, event: E) -> str:
    """The state after `event` (applied in order). An ended petition is moved only by a re-handling."""
    return transitions.petition().after(state, event)
