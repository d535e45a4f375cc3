"""What the monthly analysis should say, reckoned a second time from the city alone: every number as the petitions
behind it, by where it stands in the document. Shares nothing with the product's digest. The thresholds are the built-in
ones.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from schemas.event import EventType as E
from schemas.petition import HandlingClass, Kind
from tests.month.city import Brought, Told
from tests.month.reckoning import Reckoned, is_no, morning, reckon

Numbers = dict[str, frozenset[str]]

_STATES = {
    E.ACCEPTED: "accepted", E.DISPATCHED: "dispatched", E.SIGNED: "signed", E.PROGRESSED: "handling",
    E.RETURN_REQUESTED: "return_requested", E.RETURNED: "returned", E.EXTENSION_REQUESTED: "extension_requested",
    E.EXTENDED: "handling", E.REPLIED: "replied", E.CLOSED: "closed",
}  # fmt: skip
"""Where each thing that the stories tell leaves a petition; what is not here leaves it where it was."""


@dataclass(frozen=True, slots=True)
class Stood:
    """A petition at the end of the month."""

    key: str
    taken: datetime
    kind: Kind
    handling_class: str
    source: str
    region: str
    unit: str
    subject: str
    place: str
    words: str
    person: str
    state: str
    closed: datetime | None
    noes: int
    heavy: bool

    @property
    def progress(self) -> str:
        return {"closed": "closed", "replied": "answered", "followed_up": "answered"}.get(self.state, "handling")


def stood(one: Brought, cut_off: datetime, keyed: bool) -> Stood:
    """`keyed`: it was under key supervision by then."""
    state, unit, closed, noes = "submitted", "", None, 0
    for told in one.told:
        if told.heard > cut_off or closed is not None or told.data.get("role") == "assist":
            continue
        state, unit = _state(told, state), _lead(told) or unit
        closed = told.heard if told.type is E.CLOSED else None
        noes += is_no(told)
    reckoned = reckon(one)
    cards = {level for level, at in reckoned.cards if at <= cut_off}
    return Stood(
        one.key, one.heard, one.kind, _class(one, reckoned, cut_off, keyed), one.source, one.region, unit,
        "供暖" if one.hot else "路灯" if one.person is not None else "",
        "甲社区" if one.hot else f"{one.key}社区", one.words,
        one.key if one.person is None else f"person {one.person}",
        state, closed, noes, keyed or bool(cards & {"red", "black"}),
    )  # fmt: skip


def _state(told: Told, before: str) -> str:
    if told.type in (E.RATED, E.FOLLOWED_UP):
        return "rehandling" if is_no(told) else "followed_up" if told.type is E.FOLLOWED_UP else before
    return _STATES.get(told.type, before)


def _lead(told: Told) -> str:
    if told.type is not E.DISPATCHED:
        return ""
    units = told.data.get("units") or (told.data,)
    return next(str(part["unit"]) for part in units if part.get("role") != "assist")


def _class(one: Brought, reckoned: Reckoned, cut_off: datetime, keyed: bool) -> str:
    overnight = reckoned.overnight and morning(one.at.date() + timedelta(days=1)) <= cut_off
    if keyed and one.handling_class is not HandlingClass.JOINT_PACKAGE:
        return HandlingClass.KEY_SUPERVISION.value
    return HandlingClass.HOTLINE_TRANSFER.value if overnight else one.handling_class.value


@dataclass(frozen=True)
class Analysis:
    """The month from `begin` up to, and without, `end`."""

    everybody: tuple[Stood, ...]
    begin: datetime
    end: datetime

    @cached_property
    def accepted(self) -> list[Stood]:
        return [one for one in self.everybody if self.begin <= one.taken < self.end]

    @cached_property
    def open(self) -> list[Stood]:
        return [one for one in self.everybody if one.taken < self.end and one.closed is None]

    @cached_property
    def closed(self) -> list[Stood]:
        return [one for one in self.everybody if one.closed is not None and self.begin <= one.closed < self.end]

    def pending(self) -> dict[int, list[Stood]]:
        """Open for more than 30, 60, 90 days and no more than the next step."""
        found = defaultdict(list)
        for one in self.open:
            days = (self.end - timedelta(milliseconds=1) - one.taken).days
            found[next((step for step in (90, 60, 30) if days > step), 0)].append(one)
        return {step: found[step] for step in (30, 60, 90)}

    def difficult(self) -> dict[str, list[Stood]]:
        alive = {one.key: one for one in (*self.accepted, *self.closed, *self.open)}.values()
        return {
            "rehandled": [one for one in alive if one.noes >= 2],
            "supervised": [one for one in alive if one.heavy],
        }

    @cached_property
    def repeated(self) -> dict[str, list[Stood]]:
        """The subject of everyone who brought it again, the last time in this month."""
        by_person: dict[tuple[str, str], list[Stood]] = defaultdict(list)
        for one in self.everybody:
            if one.subject and one.taken < self.end:
                by_person[one.person, one.subject].append(one)
        found: dict[str, list[Stood]] = defaultdict(list)
        for (_, subject), theirs in by_person.items():
            if len(theirs) >= 2 and any(one.taken >= self.begin for one in theirs):
                found[subject] += theirs
        return found

    @cached_property
    def hot(self) -> dict[str, list[Stood]]:
        """Ten people of one place and subject; or from five on, twice as many as in the month before: the city has
        brought something for two months only, and the first one is held against none."""
        before = _by(self.before, _matter)
        found = {}
        for matter, members in _by((one for one in self.accepted if one.subject), _matter).items():
            people, earlier = len({one.person for one in members}), _taken_for(before.get(matter, []))
            if people >= 10 or (self.before and people >= 5 and len(members) >= 2 * max(earlier, 1)):
                found[matter] = members
        return found

    @cached_property
    def before(self) -> list[Stood]:
        """What was taken in earlier."""
        return [one for one in self.everybody if one.taken < self.begin]


def numbers(month: Analysis, months: Mapping[str, tuple[datetime, datetime]]) -> Numbers:
    """Every number of the traced document. `months`: the names and bounds of the months shown, the oldest first."""
    accepted, pending, difficult = month.accepted, month.pending(), month.difficult()
    long = [one for part in pending.values() for one in part]
    hard = list({one.key: one for part in difficult.values() for one in part}.values())
    found: dict[str, Iterable[Stood]] = {
        "totals/accepted": accepted, "totals/closed": month.closed, "totals/open": month.open,
        "totals/suggestions": _suggested(month),
        "totals/pending": long, "totals/difficult": hard,
        "totals/repeated": [one for part in month.repeated.values() for one in part],
    }  # fmt: skip
    for name, (begin, end) in months.items():
        found[f"months/{name}"] = [one for one in month.everybody if begin <= one.taken < end]
    for dimension, read in _DIMENSIONS.items():
        found |= _named(f"tables/{dimension}", _by(accepted, read))
    found |= _named("kinds_by_class", _by(accepted, lambda one: f"{one.handling_class}|{one.kind.value}"))
    found |= _named("pending", {str(step): part for step, part in pending.items()})
    found |= _named("difficult", difficult)
    found |= _named("repeated", month.repeated)
    found |= _named("pending_matters", _by((one for one in long if one.subject), _matter))
    found |= _named("difficult_matters", _by((one for one in hard if one.subject), _matter))
    for matter, members in month.hot.items():
        found[f"hot/{matter}"] = members
        if month.before:
            found[f"hot/{matter}/before/{next(iter(months))}"] = [one for one in month.before if _matter(one) == matter]
    found |= _groups("similar", accepted)
    found |= _groups("suggestions", _suggested(month))
    for unit in {one.unit for one in accepted}:
        found |= _unit(month, f"units/{unit}", unit, long)
    return {name: frozenset(one.key for one in members) for name, members in found.items()}


def _unit(month: Analysis, name: str, unit: str, long: list[Stood]) -> dict[str, Iterable[Stood]]:
    theirs = [one for one in month.accepted if one.unit == unit]
    found: dict[str, Iterable[Stood]] = {
        name: theirs,
        f"{name}/open": [one for one in month.open if one.unit == unit],
        f"{name}/pending": [one for one in long if one.unit == unit],
    }
    found |= _named(f"{name}/kinds", _by(theirs, _DIMENSIONS["kind"]))
    found |= _named(f"{name}/progress", _by(theirs, _DIMENSIONS["progress"]))
    found |= {
        f"{name}/hot/{matter}": [one for one in members if one.unit == unit] for matter, members in month.hot.items()
    }
    for section, members in (("similar", month.accepted), ("suggestions", _suggested(month))):
        # A group's part is told even of a single petition: the group is the city's, not the unit's.
        parts = [[one for one in group if one.unit == unit] for group in _groups(section, members).values()]
        found |= {f"{name}/{section}/{_first(part)}": part for part in parts if part}
    for section, rows in (("repeated", month.repeated), ("difficult", month.difficult())):
        found |= {f"{name}/{section}/{key}": [one for one in row if one.unit == unit] for key, row in rows.items()}
    return found


def _suggested(month: Analysis) -> list[Stood]:
    return [one for one in month.accepted if one.kind is Kind.SUGGESTION]


_DIMENSIONS: dict[str, Callable[[Stood], str]] = {
    "kind": lambda one: one.kind.value,
    "handling_class": lambda one: one.handling_class,
    "source": lambda one: one.source,
    "region": lambda one: one.region,
    "unit": lambda one: one.unit,
    "subject": lambda one: one.subject,
    "state": lambda one: one.state,
    "progress": lambda one: one.progress,
}


def _taken_for(members: list[Stood]) -> int:
    """A group of fewer than five people is taken for four: being listed must not tell its number."""
    people = len({one.person for one in members})
    return 4 if 0 < people < 5 else len(members)


def _matter(one: Stood) -> str:
    return f"{one.region}|{one.place}|{one.subject}"


def _by(members: Iterable[Stood], read: Callable[[Stood], str]) -> dict[str, list[Stood]]:
    found: dict[str, list[Stood]] = defaultdict(list)
    for one in members:
        found[read(one)].append(one)
    return dict(found)


def _named(section: str, rows: Mapping[str, list[Stood]]) -> dict[str, Iterable[Stood]]:
    return {f"{section}/{name}": members for name, members in rows.items()}


def _groups(section: str, members: Iterable[Stood]) -> dict[str, Iterable[Stood]]:
    """Whoever used the same words."""
    groups = _by(members, lambda one: one.words).values()
    return {f"{section}/{_first(group)}": group for group in groups if len(group) > 1}


def _first(group: Iterable[Stood]) -> str:
    return min(one.key for one in group)


# ── the document ────────────────────────────────────────────────────────────────────────────────────────────

_NAMES = ("month", "key", "reason", "more_than_days", "region", "place", "subject", "handling_class", "kind")
"""What tells the entries of a list apart."""


def told(document: Any, key_of: Mapping[str, str], name: str = "") -> Numbers:
    """The numbers of a traced document by where they stand, with the keys of their petitions. A number that is not its
    petitions' count, or tells one twice, raises."""
    found: Numbers = {}
    if isinstance(document, list):
        for place, entry in enumerate(document):
            found |= told(entry, key_of, f"{name}/{_entry(entry, key_of, place)}")
    elif isinstance(document, dict):
        if "count" in document:
            petitions = [key_of[petition_id] for petition_id in document["petitions"]]
            if document["count"] != len(petitions) or len(set(petitions)) < len(petitions):
                raise AssertionError(f"{name}: {document['count']} of {petitions}")
            found[name] = frozenset(petitions)
        for part, entry in document.items():
            if part not in ("rules", "petitions"):
                found |= told(entry, key_of, f"{name}/{part}" if name else part)
    elif isinstance(document, int) and not isinstance(document, bool) and name.rsplit("/", 1)[1] not in _NO_COUNTS:
        raise AssertionError(f"{name}: {document} is a number without petitions")
    return found


def agree(said: Numbers, wanted: Numbers) -> bool:
    """Whether both tell the same. What nobody belongs to may be told as 0 or left out; of the places and subjects only
    the `LISTED` largest are told."""
    said, wanted = _somebody(said), _somebody(wanted)
    for section in ("pending_matters/", "difficult_matters/"):
        listed = {path for path in said if path.startswith(section)}
        there = {path: wanted.pop(path) for path in list(wanted) if path.startswith(section)}
        sizes = sorted((len(keys) for keys in there.values()), reverse=True)[:LISTED]
        if sizes != sorted((len(said[path]) for path in listed), reverse=True):
            return False
        wanted |= {path: there[path] for path in listed if path in there}
    return said == wanted


LISTED = 20


def _somebody(found: Numbers) -> Numbers:
    return {path: keys for path, keys in found.items() if keys}


_NO_COUNTS = frozenset({"count", "more_than_days", "up_to_days", "places"})


def _entry(entry: Any, key_of: Mapping[str, str], place: int) -> str:
    if "label" in entry:
        return min(key_of[petition_id] for petition_id in entry["petitions"])
    named = [str(entry[part]) for part in _NAMES if part in entry]
    return "|".join(named) if named else str(place)
