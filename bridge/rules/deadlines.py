"""A petition's deadlines (办理时限), computed anew from its facts and all its events: nothing is stored that an edit
could restart, and a calendar that learns a new year gives the corrected dates by itself."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.rules import transitions
from bridge.rules.assignments import of_parts
from bridge.rules.calendar import Calendar, Moment
from bridge.rules.extensions import Grant
from bridge.rules.profiles import CardRules, Facts, Profiles
from bridge.rules.replyclock import ReplyClock
from bridge.rules.steps import Step
from bridge.rules.term import Term
from schemas.base import shanghai
from schemas.event import EventData
from schemas.event import EventType as E

_TAKEN_ON = frozenset(
    {E.ACCEPTED, E.NOT_ACCEPTED, E.DISPATCHED, E.SIGNED, E.PROGRESSED, E.RETURN_REQUESTED, E.RETURNED,
     E.EXTENSION_REQUESTED, E.EXTENDED, E.REPLIED, E.CLOSED, E.CANCELLED, E.MERGED}
)  # fmt: skip
"""Whoever says one of these has taken the petition on: that is the acceptance."""

_SIGNED = frozenset(
    {E.SIGNED, E.PROGRESSED, E.RETURN_REQUESTED, E.EXTENSION_REQUESTED, E.REPLIED, E.CLOSED, E.CANCELLED,
     E.NOT_ACCEPTED, E.MERGED}
)  # fmt: skip
"""Whoever says one of these has seen the task, or nobody need see it any more."""


@dataclass(frozen=True, slots=True)
class Due:
    """One deadline, in force from `since` until `until` (None: still), when it was met, moved or paused.

    `clock` is accept, sign or reply; `round` counts the re-handlings; `turn` tells one deadline of the round from the
    next: by an extension or another class (reply), by a dispatch (sign). The same clock, round and turn may stand here
    more than once: a pause cuts it.
    """

    clock: str
    at: datetime
    since: datetime
    provisional: bool
    cards: CardRules
    until: datetime | None = None
    round: int = 0
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Deadlines:
    """What a petition owes by when, on the city's clock; None where its profile sets no such term.

    `stopped_at`: when the reply came or the petition ended; `paused_since` is set while the reply's clock stands still
    (`reply` then is the deadline without this pause); `state` is where the lifecycle has it. `history` holds every
    deadline that was ever in force, in order; `notes` what was not counted, and why: steps that the lifecycle does not
    allow move no deadline either.
    """

    accept: datetime | None
    sign: datetime | None
    reply: datetime
    return_by: datetime | None
    provisional: bool
    profile: str
    version: str
    round: int
    extensions: int
    state: str
    paused_since: datetime | None
    stopped_at: datetime | None
    history: tuple[Due, ...]
    notes: tuple[str, ...]


def deadlines_for(facts: Facts, steps: Iterable[Step], calendar: Calendar, profiles: Profiles) -> Deadlines:
    """The deadlines after these steps. What an assisting unit says is about its own part only (`assignments.steps_of`).

    Raises `BadTable` when the frozen edition is gone.
    """
    walk = _Walk(facts, calendar, profiles)
    for step, of_part in of_parts(steps):
        if not of_part:
            walk.take(step)
    return walk.deadlines()


class _Walk:
    """Goes through the steps once and writes down which deadline was in force when."""

    def __init__(self, facts: Facts, calendar: Calendar, profiles: Profiles) -> None:
        self.chart, self.state = transitions.petition(), "submitted"
        self.calendar = calendar
        self.profiles = profiles
        self.facts = facts
        self.choice = profiles.choose(self.facts)
        self.assigned = shanghai(facts.submitted_at)
        self.clock = ReplyClock(self.assigned)
        self.round = self.turn = 0
        self.reply_turn = self.reply_turns = 0
        self.units: frozenset[str] | None = None
        self.signed = False
        self.return_by = self._due("return_window")
        self.history: list[Due] = []
        self.notes: list[str] = []
        self._open("accept", self._due("accept"), self.assigned)
        self._open("sign", self._due("sign"), self.assigned)
        self._open("reply", self._reply(), self.assigned)

    def take(self, step: Step) -> None:
        at = max(shanghai(step.at), self.clock.start)
        if not self.chart.allowed(self.state, step.type):
            self._note(at, f"{step.type} is not allowed from {self.state}")
        elif step.out_of_order:
            self._note(at, f"{step.type} was out of order")
        else:
            self._move(step, at)

    def _move(self, step: Step, at: datetime) -> None:
        # A check (核查) by which the petition is answered is its answer; any other is none.
        moves = self.chart.moves(self.state, step.type)
        type_ = E.REPLIED if moves and step.type is E.VERIFIED else step.type
        self.state = self.chart.after(self.state, step.type)
        if type_ in _TAKEN_ON:
            self._cut("accept", at)
        if type_ in _SIGNED:
            self.signed = True
            self._cut("sign", at)
        if moves and type_ not in _ENDS and type_ not in _DECIDES:
            self._resume(at, *(reason for reason, states in _PENDING.items() if self.state not in states))
        handle = _HANDLERS.get(type_)
        if handle is not None:
            handle(self, step, at)

    # ── who has it ──
    def dispatch(self, step: Step, at: datetime) -> None:
        """A unit that is asked for the first time has its own time to sign and to return; asking twice adds none."""
        named = step.data if self.choice.profile.given == "earlier" else _SAYS_NOTHING
        if self.units is None or step.units - self.units:
            self.units = (self.units or frozenset()) | step.units
            self._assign(at, self._ahead("sign_by", named, at), self._ahead("return_by", named, at))
        # Who asks again may name the date again, though it has passed by now.
        if named.due_at not in self.clock.given and (due := self._ahead("due_at", named, at)) is not None:
            self.clock.name(due)
            self._refresh(at)

    def _ahead(self, name: str, named: EventData, at: datetime) -> datetime | None:
        """The date that a dispatch names; one that has passed already is a mistake."""
        date: datetime | None = getattr(named, name)
        if date is None:
            return None
        if date > at:
            return shanghai(date)
        self._note(at, f"{name} {shanghai(date):%Y-%m-%d %H:%M} is not after the dispatch")
        return None

    def returned(self, _step: Step, at: datetime) -> None:
        """Nobody has it now: whoever is asked next, even the same unit, begins anew with its signature."""
        self._pause(at, "redispatch")
        self.units = None
        self._assign(at)

    def _assign(self, at: datetime, sign_by: datetime | None = None, return_by: datetime | None = None) -> None:
        self.turn += 1
        self.assigned, self.signed = at, False
        self.return_by = _earlier(self._due("return_window"), return_by)
        self._cut("sign", at)
        self._open("sign", _earlier(self._due("sign"), sign_by), at)

    # ── what moves the reply ──
    def extend(self, step: Step, at: datetime) -> None:
        self._resume(at, "extension")
        most, profile = self.choice.profile.extensions, self.choice.profile.name
        grant = _grant(step)
        if self.clock.stopped_at is not None:
            self._note(at, "an extension after the reply")
        elif grant is None:
            self._note(at, "an extension that does not say by how much")
        elif self.clock.tellings.is_again(grant, step.source, self.calendar):
            self._note(at, f"the same extension told again by {step.source}")
        elif len(self.clock.grants) >= most:
            self._note(at, f"extension {len(self.clock.grants) + 1}: profile {profile} allows {most}")
        else:
            self._extend(grant, step.source, at)

    def _extend(self, grant: Grant, source: str, at: datetime) -> None:
        self.clock.tellings.add(self._reply(), grant, source, self.calendar)
        self.clock.grant(grant)
        self._next_reply_turn()
        if self.clock.is_capped(self.choice.profile, self.calendar):
            self._note(at, f"extensions beyond {self.choice.profile.extension} count up to it")
        self._refresh(at)

    def reclass(self, step: Step, at: datetime) -> None:
        """Another class may have another profile; the start stays, and so does what was granted. Whoever gets the case
        by it has time to accept and to sign, unless somebody has it in hand already."""
        if step.data.handling_class in (None, self.facts.handling_class):
            return
        before = self._reply().at
        self.facts = replace(self.facts, handling_class=step.data.handling_class)
        self.choice = self.profiles.choose(self.facts)
        if self.clock.stopped_at is None and not self.signed:
            self._assign(at)
        if self.state == "submitted" and self._last("accept") is None:
            self._open("accept", self._due("accept"), at)
        if self._reply().at != before:
            self._turn_back_or_on()
        self._refresh(at)

    def pause(self, step: Step, at: datetime) -> None:
        if step.type is E.EXTENSION_REQUESTED:
            self.clock.tellings.forget()
        self._pause(at, _PAUSES[step.type])

    def deny(self, step: Step, at: datetime) -> None:
        self._resume(at, _DENIES[step.type])

    def stop(self, _step: Step, at: datetime) -> None:
        self.clock.stop(at)
        self._cut("reply", at)

    def rehandle(self, _step: Step, at: datetime) -> None:
        """A new round has a clock of its own. While the old one runs nothing was answered, and nothing restarts."""
        if self.clock.stopped_at is None:
            return
        self.round += 1
        self.reply_turn = self.reply_turns = 0
        self.clock = ReplyClock(at)
        self.units = None
        self._assign(at)
        self._open("reply", self._reply(), at)

    def _pause(self, at: datetime, reason: str) -> None:
        if reason in self.choice.profile.pause and self.clock.pause(reason, at):
            self._cut("reply", at)

    def _resume(self, at: datetime, *reasons: str) -> None:
        if self.clock.resume(reasons, at):
            self._refresh(at)

    def _refresh(self, at: datetime) -> None:
        """The deadline of the reply as it is now takes the place of the one before."""
        if self.clock.runs:
            self._cut("reply", at)
            self._open("reply", self._reply(), at)

    def _next_reply_turn(self) -> None:
        self.reply_turns += 1
        self.reply_turn = self.reply_turns

    def _turn_back_or_on(self) -> None:
        """Another date has cards of its own, but a date that the round has had before gave its cards then."""
        of_round = (due for due in self.history if due.clock == "reply" and due.round == self.round)
        known = next((due.turn for due in of_round if due.at == self._reply().at), None)
        if known is None:
            self._next_reply_turn()
        else:
            self.reply_turn = known

    # ── what is in force ──
    def _reply(self) -> Moment:
        return self.clock.due(self.choice.profile, self.calendar)

    def _due(self, name: str) -> Moment | None:
        term: Term | None = getattr(self.choice.profile, name)
        return self.calendar.due(self.assigned, term) if term is not None else None

    def _open(self, clock: str, due: Moment | None, since: datetime) -> None:
        if due is not None:
            turn = self.reply_turn if clock == "reply" else self.turn
            cards = self.choice.cards
            self.history.append(Due(clock, due.at, since, due.provisional, cards, round=self.round, turn=turn))

    def _cut(self, clock: str, at: datetime) -> None:
        for place, due in enumerate(self.history):
            if due.clock == clock and due.until is None:
                self.history[place] = replace(due, until=at)

    def _note(self, at: datetime, what: str) -> None:
        self.notes.append(f"{at:%Y-%m-%d %H:%M} {what}")

    def deadlines(self) -> Deadlines:
        reply = self._reply()
        return Deadlines(
            accept=self._last("accept"),
            sign=self._last("sign"),
            reply=reply.at,
            return_by=self.return_by.at if self.return_by is not None else None,
            provisional=reply.provisional,
            profile=self.choice.profile.name,
            version=self.choice.edition.version,
            round=self.round,
            extensions=len(self.clock.grants),
            state=self.state,
            paused_since=self.clock.paused_since,
            stopped_at=self.clock.stopped_at,
            history=tuple(self.history),
            notes=tuple(self.notes),
        )

    def _last(self, clock: str) -> datetime | None:
        return next((due.at for due in reversed(self.history) if due.clock == clock), None)


def _earlier(due: Moment | None, named: datetime | None) -> Moment | None:
    """What the profile says, or the earlier date that a system names."""
    if named is None:
        return due
    moment = Moment(named)
    return moment if due is None or moment.at < due.at else due


def _grant(step: Step) -> Grant | None:
    by = step.data.extend_by
    return Term.of(by) if by is not None else step.data.due_at


_SAYS_NOTHING = EventData()
_ENDS = frozenset({E.REPLIED, E.CLOSED, E.CANCELLED, E.NOT_ACCEPTED, E.MERGED})
"""The first of these stops the clock, and a pause with it."""

_PAUSES = {E.RETURN_REQUESTED: "return", E.EXTENSION_REQUESTED: "extension", E.SUSPENDED: "suspension"}
_DENIES = {E.RETURN_DENIED: "return", E.EXTENSION_DENIED: "extension"}
_DECIDES = frozenset({*_DENIES, E.EXTENDED})
"""A decision ends the pause of its own request only: the other one may still be open."""

_DECIDING = frozenset({"return_requested", "extension_requested", "suspended"})
_PENDING = {
    "return": _DECIDING,
    "extension": _DECIDING,
    "suspension": frozenset({"suspended"}),
    "redispatch": frozenset({"returned", "accepted", "suspended"}),
}
"""In which states the reason of a pause may still hold: whatever moves the petition elsewhere has ended it, though
nobody said so (a new round, a dispatch, news of the work)."""

_HANDLERS: dict[E, Callable[[_Walk, Step, datetime], None]] = {
    **dict.fromkeys(_PAUSES, _Walk.pause),
    **dict.fromkeys(_DENIES, _Walk.deny),
    **dict.fromkeys(_ENDS, _Walk.stop),
    E.DISPATCHED: _Walk.dispatch,
    E.RETURNED: _Walk.returned,
    E.EXTENDED: _Walk.extend,
    E.RECLASSED: _Walk.reclass,
    E.REHANDLED: _Walk.rehandle,
}
"""Whatever is not here (an edit, a note, progress) moves no deadline."""
