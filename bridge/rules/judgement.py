"""What the rules say of one petition now (判定): the events the bridge owes it, and when to look again. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta

from bridge import ids
from bridge.rules import closing, landing, onsite
from bridge.rules.assignments import Part, is_out, parts_of, steps_of
from bridge.rules.book import RuleBook
from bridge.rules.calendar import END_OF_DAY
from bridge.rules.cards import Card, cards_due, next_card_at, overdue
from bridge.rules.deadlines import Deadlines
from bridge.rules.landing import Listed
from bridge.rules.profiles import Facts
from bridge.rules.rehandling import Complaints, complaints, reopens
from bridge.rules.returns import faults_of_returns
from bridge.rules.steps import BRIDGE, Step
from bridge.rules.supervision import Counted, Trigger, triggered
from schemas.base import SHANGHAI, shanghai
from schemas.event import (
    EventData,
    EventType,
    SupervisionLevel,
    SupervisionOrder,
    SupervisionReason,
    SupervisionState,
    UnitRole,
)
from schemas.petition import HandlingClass

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_AFTER_THE_END: frozenset[Counted] = frozenset({"unsatisfied", "orders"})
"""What is still counted for a petition that has ended."""


@dataclass(frozen=True, slots=True)
class Matter:
    """A petition as the rules see it. `said` are the ids of its events, `counts` what the ledger counted among others;
    `taken_at` is when the bridge took it in, `state_at` when it came to its state; `has_home_unit` is only asked where
    a rule needs it; `in_package` whether it is in a joint package, whatever its class is by now, and `plan_due` when
    the package's plan is to be carried out by."""

    petition_id: str
    facts: Facts
    steps: tuple[Step, ...]
    said: frozenset[str]
    taken_at: datetime
    handling_class: HandlingClass
    state: str
    state_at: datetime
    ended: bool
    closed: bool
    counts: Mapping[Counted, int] = field(default_factory=dict)
    is_member: bool = False
    in_package: bool = False
    plan_due: datetime | None = None
    has_home_unit: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Saying:
    """An event that the bridge owes; its id makes it one, however often it is found."""

    event_id: str
    type: EventType
    at: datetime
    data: EventData


@dataclass(frozen=True, slots=True)
class Judgement:
    """`look_at` is when the rules must look again; None: never, unless something happens."""

    sayings: tuple[Saying, ...]
    deadlines: Deadlines
    unit: str | None
    late_units: tuple[str, ...]
    no_echo: Listed | None
    no_landing: Listed | None
    look_at: datetime | None


def judge(matter: Matter, book: RuleBook, now: datetime) -> Judgement:
    """Raises `BadTable` when the petition's frozen edition is gone."""
    now = shanghai(now)
    heard = complaints(matter.steps, book.supervision.rehandling)
    deadlines = book.deadlines(matter.facts, matter.steps)
    moving = [*_reopened(matter, book, heard), *_overnight(matter, book, deadlines, now)]
    if moving:
        matter = _after(matter, moving)
        deadlines = book.deadlines(matter.facts, matter.steps)
    parts = parts_of(matter.steps)
    told, look = _cards(matter, book, deadlines, _unit(parts), now)
    assisting = {unit: book.deadlines(matter.facts, steps_of(unit, matter.steps)) for unit in _assisting(matter, parts)}
    for unit, own in assisting.items():
        more, sooner = _cards(matter, book, own, unit, now, of_part=True)
        told, look = [*told, *more], min(filter(None, (look, sooner)), default=None)
    key = _triggers(matter, book, deadlines, heard, now)
    late = {
        unit: since for unit, own in assisting.items() if (since := landing.late(own, now).get("reply")) is not None
    }
    echo, lands = _lists(matter, book, parts, deadlines, late, now)
    daily = _daily(matter, book, echo, lands, now)
    return Judgement(
        sayings=(*moving, *told, *key, *_returns(matter, book), *daily),
        deadlines=deadlines,
        unit=_unit(parts),
        late_units=tuple(late),
        no_echo=echo,
        no_landing=lands,
        look_at=_next_look(matter, book, deadlines, look, listed=bool(echo or lands), now=now),
    )


# ── what moves the petition ──


def _reopened(matter: Matter, book: RuleBook, heard: Complaints) -> Iterator[Saying]:
    """Not solved or not satisfied (重办). A member of another petition has no answer of its own: the other one has."""
    if heard.said is None or not reopens(heard, book.supervision.rehandling) or matter.is_member:
        return
    text = f"诉求人表示未解决或不满意，第{heard.round}次重办"
    # Whatever came to be between the word and this look was before the new round.
    at = max(heard.said.told_at or heard.said.at, matter.state_at)
    key = f"rehandle:{matter.petition_id}:{heard.round}"
    yield from _unsaid(matter, key, EventType.REHANDLED, at, EventData(text=text))


def _overnight(matter: Matter, book: RuleBook, deadlines: Deadlines, now: datetime) -> Iterator[Saying]:
    """现场解决：事不过夜."""
    if matter.handling_class is not HandlingClass.ON_SITE or matter.ended:
        return
    due = _day_over(matter, deadlines)
    case = onsite.OnSite(due, matter.has_home_unit(), matter.facts.urgency)
    rule = onsite.overnight(book.supervision, case, now)
    if rule is not None:
        key = f"onsite:{matter.petition_id}:{due.isoformat()}"
        yield from _unsaid(matter, key, EventType.RECLASSED, due + _SECOND, onsite.announcement(rule, due))


def _day_over(matter: Matter, deadlines: Deadlines) -> datetime:
    """The end of the on-site day. What the secretary files, or takes on, on a later day is closed on that one."""
    given = [step.at for step in matter.steps if step.data.handling_class is HandlingClass.ON_SITE]
    days = (datetime.combine(shanghai(at).date(), END_OF_DAY, SHANGHAI) for at in (matter.taken_at, *given))
    return max(deadlines.reply, *days)


def _after(matter: Matter, moving: list[Saying]) -> Matter:
    """The matter with these events, which the ledger is about to have."""
    classes = [one.data.handling_class for one in moving if one.data.handling_class is not None]
    again = any(one.type is EventType.REHANDLED for one in moving)
    return replace(
        matter,
        steps=(*matter.steps, *(Step(one.type, one.at, one.data, BRIDGE) for one in moving)),
        said=matter.said | {one.event_id for one in moving},
        handling_class=classes[-1] if classes else matter.handling_class,
        state="rehandling" if again else matter.state,
        state_at=moving[-1].at if again else matter.state_at,
        ended=matter.ended and not again,
        closed=matter.closed and not again,
    )


# ── cards and supervision ──

_CARD_ZH = {
    SupervisionLevel.URGE: "催办",
    SupervisionLevel.YELLOW: "黄牌",
    SupervisionLevel.RED: "红牌",
    SupervisionLevel.BLACK: "黑牌",
}
_CLOCK_ZH = {"accept": "受理", "sign": "签收", "reply": "答复"}


def _returns(matter: Matter, book: RuleBook) -> Iterator[Saying]:
    """What is wrong with a return that was asked for (退单) is told; whoever decides may grant it all the same."""
    if matter.ended:
        return
    for one in faults_of_returns(matter.facts, matter.steps, book.calendar, book.profiles):
        data = EventData(unit=one.step.data.unit, text=f"退单申请：{'；'.join(one.faults)}")
        yield from _unsaid(matter, f"{one.key}:{matter.petition_id}", EventType.NOTED, one.step.at, data)


def _assisting(matter: Matter, parts: Mapping[str, Part]) -> list[str]:
    """The assisting units of a package, each of which has a clock of its own."""
    if not matter.in_package or matter.ended:
        return []
    return [part.unit for part in parts.values() if part.role is UnitRole.ASSIST and not is_out(part)]


def _cards(
    matter: Matter, book: RuleBook, deadlines: Deadlines, unit: str | None, now: datetime, *, of_part: bool = False
) -> tuple[list[Saying], datetime | None]:
    """The cards that have not been given yet, and when the next one falls due. `of_part`: of this unit's part, whose
    acceptance is not its own matter."""
    due = cards_due(deadlines, book.calendar, now, ())
    # What fell due before the bridge had heard of the petition is on the lists of the day, and no card's matter.
    late = [card for card in due if card.at >= shanghai(matter.taken_at) and not (of_part and card.clock == "accept")]
    told = [saying for card in late if (saying := _card(matter, card, unit, of_part=of_part)) is not None]
    return told, next_card_at(deadlines, book.calendar, {card.key for card in due})


def _card(matter: Matter, card: Card, unit: str | None, *, of_part: bool) -> Saying | None:
    event_id = str(card.event_id(matter.petition_id, unit if of_part and unit else ""))
    if event_id in matter.said:
        return None
    due = f"{shanghai(card.due):%m月%d日%H:%M}"
    words = "即将到期" if card.level is SupervisionLevel.YELLOW else "已逾期"
    text = f"{_CARD_ZH[card.level]}：应于{due}前{_CLOCK_ZH[card.clock]}，{words}"
    role = UnitRole.ASSIST if of_part else None
    data = EventData(level=card.level, due_at=card.due, unit=unit, role=role, text=text)
    return Saying(event_id, card.type, card.at, data)


def _unit(parts: Mapping[str, Part]) -> str | None:
    """Who leads now."""
    leads = [part.unit for part in parts.values() if part.role == "lead" and part.state not in ("returned", "excused")]
    return leads[-1] if leads else None


def _triggers(
    matter: Matter, book: RuleBook, deadlines: Deadlines, heard: Complaints, now: datetime
) -> Iterator[Saying]:
    counts: dict[Counted, int] = {
        **matter.counts,
        "overdue": overdue(deadlines, book.calendar, now),
        "unsatisfied": heard.discontent,
        "orders": sum(_is_order(step) for step in matter.steps),
    }
    handling_class = matter.handling_class
    for trigger in triggered(book.supervision, counts, ()):
        if (matter.closed or matter.ended) and trigger.rule.counts not in _AFTER_THE_END:
            continue
        if matter.is_member and trigger.rule.counts == "unsatisfied":
            # The petition that it belongs to is, for all of them.
            continue
        event_id = str(trigger.event_id(matter.petition_id))
        if event_id in matter.said:
            continue
        yield Saying(event_id, EventType.SUPERVISED, now, _order(trigger))
        # A joint package is the center's already: it is supervised as what it is.
        if not matter.ended and handling_class not in (trigger.rule.reclass, HandlingClass.JOINT_PACKAGE):
            handling_class = trigger.rule.reclass
            data = EventData(handling_class=handling_class, text=trigger.text)
            yield from _unsaid(matter, f"{trigger.key}:{matter.petition_id}:class", EventType.RECLASSED, now, data)


def _order(trigger: Trigger) -> EventData:
    reason = SupervisionReason(trigger.rule.reason)
    order = SupervisionOrder(state=SupervisionState.PROPOSED, reason=reason)
    return EventData(level=SupervisionLevel.KEY, supervision=order, text=trigger.text)


def _is_order(step: Step) -> bool:
    """A leader's order (领导批示) that came from outside."""
    order = step.data.supervision
    return step.source != BRIDGE and order is not None and order.reason is SupervisionReason.LEADER


# ── the lists of the day ──


def _lists(
    matter: Matter,
    book: RuleBook,
    parts: Mapping[str, Part],
    deadlines: Deadlines,
    late: Mapping[str, datetime],
    now: datetime,
) -> tuple[Listed | None, Listed | None]:
    if matter.closed:
        return None, None
    if matter.ended:
        return None, _unfinished(matter, book)
    if matter.handling_class is HandlingClass.ON_SITE and now <= _day_over(matter, deadlines):
        # Filed on a later day, its deadline is over, and its day is not.
        return None, None
    lands = landing.no_landing(matter.state, matter.state_at, parts.values(), deadlines, now)
    echo = landing.no_echo(deadlines, now) or landing.assist_late(late.values())
    return echo, lands or landing.plan_overdue(matter.plan_due, now)


def _unfinished(matter: Matter, book: RuleBook) -> Listed | None:
    """It is said to be closed, and the closing rule of its class still misses something."""
    if not closing.needs_more(book.supervision, matter.handling_class, matter.state):
        return None
    missing = closing.lacks(book.supervision, matter.handling_class, matter.steps, answered=True)
    return Listed(f"not_{missing[0]}", shanghai(matter.state_at)) if missing else None


def _daily(
    matter: Matter, book: RuleBook, echo: Listed | None, lands: Listed | None, now: datetime
) -> Iterator[Saying]:
    """Once a day, of what was on a list when the day's hour came."""
    rule = book.supervision.daily
    if rule is None:
        return
    hour = _on(now, rule.at)
    listed = [(zh, one) for zh, one in (("无回音", echo), ("无着落", lands)) if one is not None and one.since < hour]
    if listed and shanghai(matter.taken_at) <= hour <= now:
        text = "；".join(f"{zh}：{one.zh}" for zh, one in listed)
        key = f"daily:{matter.petition_id}:{hour.date()}"
        yield from _unsaid(matter, key, EventType.NOTED, hour, EventData(text=text))


def _on(now: datetime, at: time) -> datetime:
    return datetime.combine(now.date(), at, SHANGHAI)


def _next_look(
    matter: Matter, book: RuleBook, deadlines: Deadlines, card: datetime | None, *, listed: bool, now: datetime
) -> datetime | None:
    """The next card, the next deadline that runs out, the next daily hour of what is listed; a day from now at the
    latest, so that nothing open is ever out of sight."""
    if matter.closed:
        return None
    looks = [now + _DAY]
    if card is not None:
        looks.append(card)
    looks += [due.at + _SECOND for due in deadlines.history if due.until is None and due.at >= now]
    if matter.handling_class is HandlingClass.ON_SITE and (over := _day_over(matter, deadlines)) >= now:
        looks.append(over + _SECOND)
    if matter.plan_due is not None and matter.plan_due >= now:
        looks.append(matter.plan_due + _SECOND)
    if listed and book.supervision.daily is not None:
        hour = _on(now, book.supervision.daily.at)
        looks.append(hour if hour > now else hour + _DAY)
    return max(min(looks), now + _SECOND)


def _unsaid(matter: Matter, key: str, type_: EventType, at: datetime, data: EventData) -> Iterator[Saying]:
    event_id = str(ids.event_id(BRIDGE, key))
    if event_id not in matter.said:
        yield Saying(event_id, type_, at, data)
