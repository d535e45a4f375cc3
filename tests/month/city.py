"""An invented month in an invented city: who brings what when, and what is told about it. Pure, from a seed.

From Monday, 2026-09-14, for thirty days: over the Mid-Autumn Festival and the National Day week, with the make-up
working days Sunday, 2026-09-20 and Saturday, 2026-10-10.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from schemas.base import SHANGHAI
from schemas.event import EventType as E
from schemas.petition import HandlingClass, Kind
from tests.support.ledgers import CENTER, HOTLINE, WECHAT

BEGIN = datetime(2026, 9, 14, tzinfo=SHANGHAI)
DAYS = 30
END = datetime(2026, 11, 16, tzinfo=SHANGHAI)
"""When the last look is: what is not answered by then stays open."""

UNITS = ("区城管局", "区住建局", "区市场监管局", "街道办")
REGIONS = ("370811", "370826", "370883")
KINDS = (Kind.HELP, Kind.COMPLAINT, Kind.HELP, Kind.CONSULTATION, Kind.SUGGESTION, Kind.REPORT)
WORDS = (
    "暖气冰凉老人受冻", "楼道灯坏了几个月", "雨污水倒灌进车库", "电动车飞线充电", "广场音响吵得睡不着",
    "希望增设公交站点", "井盖塌陷差点摔跤", "自来水发黄有异味", "工地渣土洒满路面", "幼儿园门前堵成长龙",
    "医保卡刷不出余额", "电梯困人多次报修", "树枝挡住红绿灯", "河边垃圾无人清运", "退休待遇怎样认定",
)  # fmt: skip
"""What people bring, in words that no two of them share."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Told:
    """Something that is told about a petition."""

    at: datetime
    type: E
    system: str
    data: dict[str, Any] = field(default_factory=dict)
    actor: str | None = None

    @property
    def heard(self) -> datetime:
        """When the bridge hears of it."""
        return next_bell(self.at)


@dataclass(slots=True)
class Brought:
    """A petition and all that is told about it, in order. `hot` and `person` put it into groups that are counted."""

    key: str
    at: datetime
    source: str
    handling_class: HandlingClass
    story: str
    told: list[Told]
    kind: Kind
    region: str
    words: str
    hot: bool = False
    person: int | None = None

    @property
    def heard(self) -> datetime:
        return next_bell(self.at)


def next_bell(at: datetime) -> datetime:
    """Every four hours the bridge hears what has happened since."""
    bell = at.replace(hour=at.hour - at.hour % 4, minute=0, second=0, microsecond=0)
    return bell if bell == at else bell + 4 * HOUR


def month(count: int, seed: int = 20260914) -> list[Brought]:
    """So many petitions, the groups included."""
    rng = random.Random(seed)
    found = [_bring(rng, f"p{number}") for number in range(count)]
    for number in range(0, min(count, 60), 1):
        # One place and subject, kept open for long: hot from the tenth on.
        found[number].hot, found[number].region = True, REGIONS[0]
        found[number].handling_class, found[number].source, found[number].story = _HOTLINE, WECHAT, "late"
        found[number].told = _late(rng, found[number].at, HOTLINE)
    for number in range(60, min(count, 150)):
        # Three petitions of one person for the first twenty people, two for the next ones.
        found[number].person = _person(number - 60)
        found[number].handling_class, found[number].source, found[number].story = _HOTLINE, WECHAT, "late"
        found[number].told = _late(rng, found[number].at, HOTLINE)
    return found


def _person(number: int) -> int:
    return number // 3 if number < 60 else 20 + (number - 60) // 2


_HOTLINE = HandlingClass.HOTLINE_TRANSFER


def _bring(rng: random.Random, key: str) -> Brought:
    day = BEGIN + timedelta(days=rng.randrange(DAYS))
    at = day + timedelta(hours=rng.choice((8, 9, 10, 11, 14, 15, 16, 19)), minutes=rng.randrange(1, 59))
    story, tell = rng.choices(_STORIES, [share for *_, share in _STORIES])[0][:2]
    handling_class = {
        "package": HandlingClass.JOINT_PACKAGE,
        "on_site": HandlingClass.ON_SITE,
        "on_site_late": HandlingClass.ON_SITE,
    }.get(story) or rng.choice((_HOTLINE, _HOTLINE, HandlingClass.HOME_UNIT, HandlingClass.KEY_SUPERVISION))
    source = WECHAT if handling_class is HandlingClass.ON_SITE else rng.choice((HOTLINE, WECHAT, WECHAT, CENTER))
    system = CENTER if handling_class in (HandlingClass.KEY_SUPERVISION, HandlingClass.JOINT_PACKAGE) else HOTLINE
    about = rng.choice(KINDS), rng.choice(REGIONS), rng.choice(WORDS)
    return Brought(key, at, source, handling_class, story, tell(rng, at, system), *about)


# ── the stories ─────────────────────────────────────────────────────────────────────────────────────────────


def _taken_up(rng: random.Random, at: datetime, system: str) -> list[Told]:
    """Accepted, dispatched and signed for within the day."""
    unit = rng.choice(UNITS)
    return [
        Told(at + 2 * HOUR, E.ACCEPTED, system),
        Told(at + 3 * HOUR, E.DISPATCHED, system, {"unit": unit}),
        Told(at + 5 * HOUR, E.SIGNED, system, {"unit": unit}),
    ]


def _answered(at: datetime, system: str) -> list[Told]:
    return [
        Told(at, E.REPLIED, system, {"text": "已处理完毕"}),
        Told(at + 24 * HOUR, E.CLOSED, system, {"text": "已办结"}),
    ]


def _prompt(rng: random.Random, at: datetime, system: str) -> list[Told]:
    return [*_taken_up(rng, at, system), *_answered(at + timedelta(days=rng.choice((1, 2, 3))), system)]


def _slow_to_sign(rng: random.Random, at: datetime, system: str) -> list[Told]:
    accepted, dispatched, signed = _taken_up(rng, at, system)
    late = Told(at + timedelta(days=rng.choice((3, 4))), E.SIGNED, system, signed.data)
    return [accepted, dispatched, late, *_answered(at + timedelta(days=rng.choice((5, 6))), system)]


def _late(rng: random.Random, at: datetime, system: str) -> list[Told]:
    return [*_taken_up(rng, at, system), *_answered(at + timedelta(days=rng.choice((10, 14, 21, 28))), system)]


def _returned(rng: random.Random, at: datetime, system: str) -> list[Told]:
    first, second = rng.sample(UNITS, 2)
    back = at + timedelta(days=1)
    again = back + rng.choice((2, 60)) * HOUR
    return [
        Told(at + 2 * HOUR, E.DISPATCHED, system, {"unit": first}),
        Told(at + 5 * HOUR, E.RETURN_REQUESTED, system, {"unit": first, "text": "非本单位职责"}),
        Told(back, E.RETURNED, system, {"unit": first, "text": "同意退单"}),
        Told(again, E.DISPATCHED, system, {"unit": second}),
        Told(again + 4 * HOUR, E.SIGNED, system, {"unit": second}),
        *_answered(again + timedelta(days=rng.choice((2, 9))), system),
    ]


def _extended(rng: random.Random, at: datetime, system: str) -> list[Told]:
    days = rng.choice((2, 5))
    return [
        *_taken_up(rng, at, system),
        Told(at + 26 * HOUR, E.EXTENSION_REQUESTED, system, {"text": "需现场勘察"}),
        Told(at + 30 * HOUR, E.EXTENDED, system, {"extend_by": {"amount": days, "unit": "working_days"}}),
        *_answered(at + timedelta(days=rng.choice((6, 18))), system),
    ]


def _extended_late(rng: random.Random, at: datetime, system: str) -> list[Told]:
    """Over, extended, and over again: stuck (久拖不决)."""
    after = at + timedelta(days=18)
    return [
        *_taken_up(rng, at, system),
        Told(after, E.EXTENDED, system, {"extend_by": {"amount": 10, "unit": "working_days"}}),
        *_answered(after + timedelta(days=20), system),
    ]


def _unsatisfied(rng: random.Random, at: datetime, system: str) -> list[Told]:
    """Not satisfied, done again, satisfied."""
    replied = at + timedelta(days=2)
    no = replied + 30 * HOUR
    return [
        *_taken_up(rng, at, system),
        Told(replied, E.REPLIED, system, {"text": "已处理"}),
        Told(no, E.RATED, WECHAT, {"satisfaction": "unsatisfied"}, "petitioner"),
        Told(no + 6 * HOUR, E.SIGNED, system, {"unit": UNITS[0]}),
        *_answered(no + timedelta(days=rng.choice((2, 12))), system),
    ]


def _unsatisfied_twice(rng: random.Random, at: datetime, system: str) -> list[Told]:
    first = _unsatisfied(rng, at, system)[:-2]
    replied = first[-1].at + timedelta(days=1)
    no = replied + 26 * HOUR
    return [
        *first,
        Told(replied, E.REPLIED, system, {"text": "再次处理"}),
        Told(no, E.FOLLOWED_UP, system, {"resolved": "no"}),
        Told(no + 8 * HOUR, E.SIGNED, system, {"unit": UNITS[0]}),
        *_answered(no + timedelta(days=2), system),
    ]


def _confirmed(rng: random.Random, at: datetime, system: str) -> list[Told]:
    """The owner asks the citizen after the closing."""
    told = _prompt(rng, at, system)
    return [*told, Told(told[-1].at + 20 * HOUR, E.CLOSED, WECHAT, {"text": "已电话核实"}, "owner")]


def _rated_by_others(rng: random.Random, at: datetime, system: str) -> list[Told]:
    """Not satisfied, says everybody but the citizen: the unit of itself, and the system by itself."""
    *before, closed = _prompt(rng, at, system)
    rated = before[-1].at + 3 * HOUR
    said = [Told(rated, E.RATED, system, {"satisfaction": "unsatisfied"}, actor) for actor in ("unit", "system")]
    return [*before, *said, closed]


def _out_of_reach(rng: random.Random, at: datetime, system: str) -> list[Told]:
    """Nobody answers the telephone: that is no word of theirs."""
    *before, closed = _prompt(rng, at, system)
    tried = Told(before[-1].at + 3 * HOUR, E.FOLLOWED_UP, system, {"resolved": None, "finding": "unreachable"})
    return [*before, tried, closed]


def plan_of(at: datetime) -> dict[str, Any]:
    """The package of everything that is brought on this day; its plan is over at six on the tenth day after."""
    due = datetime.combine(at.date() + timedelta(days=10), time(18), SHANGHAI)
    return {"number": f"DB-{at:%m%d}", "plan": "先排查，后整改", "due_at": due}


def _package(rng: random.Random, at: datetime, system: str) -> list[Told]:
    """A lead and an assisting unit, done in two batches of households."""
    lead, helper = rng.sample(UNITS, 2)
    units = ({"unit": lead, "role": "lead"}, {"unit": helper, "role": "assist"})
    done = at + timedelta(days=rng.choice((3, 12)))
    some, every = {"done": 10, "total": 30}, {"done": 30, "total": 30}
    return [
        Told(at + 2 * HOUR, E.ACCEPTED, system),
        Told(at + 3 * HOUR, E.DISPATCHED, system, {"units": units}),
        Told(at + 4 * HOUR, E.NOTED, system, {"package": plan_of(at)}),
        Told(at + 5 * HOUR, E.SIGNED, system, {"unit": lead}),
        Told(at + 6 * HOUR, E.SIGNED, system, {"unit": helper, "role": "assist"}),
        Told(at + 50 * HOUR, E.REPLIED, system, {"unit": helper, "role": "assist", "text": "协办完成"}),
        Told(done, E.PROGRESSED, system, {"unit": lead, "households": some}),
        Told(done + HOUR, E.REPLIED, system, {"unit": lead, "text": "全部完成", "households": every}),
        Told(done + 24 * HOUR, E.CLOSED, system, {"text": "已办结"}),
    ]  # fmt: skip


def _on_site(_rng: random.Random, at: datetime, _system: str) -> list[Told]:
    return [Told(at + HOUR, E.CLOSED, WECHAT, {"text": "当场解决"}, "owner")]


def _on_site_late(rng: random.Random, at: datetime, system: str) -> list[Told]:
    """Not done on its day: it becomes another class by rule, and goes on as one."""
    return _prompt(rng, at.replace(hour=8) + timedelta(days=1), system)


def _forgotten(_rng: random.Random, _at: datetime, _system: str) -> list[Told]:
    return []


def _stray(rng: random.Random, at: datetime, system: str) -> list[Told]:
    """A dispatch that comes after the end: out of order."""
    told = _prompt(rng, at, system)
    return [*told, Told(told[-1].at + 5 * HOUR, E.DISPATCHED, system, {"unit": UNITS[0]})]


_Tell = Callable[[random.Random, datetime, str], list[Told]]
_STORIES: tuple[tuple[str, _Tell, int], ...] = (
    ("prompt", _prompt, 30), ("slow_to_sign", _slow_to_sign, 8), ("late", _late, 8), ("returned", _returned, 8),
    ("extended", _extended, 8), ("extended_late", _extended_late, 3), ("unsatisfied", _unsatisfied, 7),
    ("unsatisfied_twice", _unsatisfied_twice, 4), ("package", _package, 6), ("on_site", _on_site, 8),
    ("on_site_late", _on_site_late, 4), ("forgotten", _forgotten, 4), ("stray", _stray, 2),
    ("confirmed", _confirmed, 6), ("rated_by_others", _rated_by_others, 4), ("out_of_reach", _out_of_reach, 3),
)  # fmt: skip
