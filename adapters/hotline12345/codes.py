"""The code tables: `codes.toml`, with a city's own file laid over it, made ready for look-ups."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from bridge.rules.rehandling import speaker
from schemas.event import EventType
from schemas.petition import Kind, Urgency

IGNORE = "ignore"
DESK, UNIT = "desk", "unit"

Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Telling:
    """How one event type is told: the action for a case of theirs, of ours, and the processing step otherwise."""

    theirs: str
    ours: str
    step: str
    name: str


@dataclass(frozen=True, slots=True)
class Codes:
    """Keys that the hotline writes are strings here, whether it wrote a number or a string."""

    kind_names: Table
    rec_type_ids: Table
    property_ids: Table
    kinds_sent: Table
    urgency: Table
    urgency_sent: Table
    event_sources: Table
    case_status: Table
    item_actions: Table
    applications: Table
    postpone_units: Table
    check_states: Table
    notify_types: Table
    notify_methods: Table
    evaluate_states: Table
    evaluate_stages: Table
    evaluate_types: Table
    speakers: Table
    case_states: Table
    notices: Table
    tell: Mapping[EventType, Telling]
    report: Table
    archive: Table
    evaluate: Table
    answers: Table
    spelling: Table
    notify: Table
    register: Table
    pinned: frozenset[str] = frozenset()
    """The tables that the city's own file names: what a dictionary says does not change them."""

    def speaker(self, name: str) -> str:
        """Who took a step, by the name of the unit or part: the longest word that fits, else a unit."""
        return speaker(name, self.speakers)


class WrongCodes(ValueError):
    """A city's code file cannot be used; the text names the entry and says why."""


def load(overlay: Path | None = None) -> Codes:
    """The built-in tables with `overlay` on top. Raises `WrongCodes`."""
    tables = tomllib.loads(resources.files(__package__).joinpath("codes.toml").read_text(encoding="utf-8"))
    own = _read(overlay) if overlay is not None else {}
    try:
        return _checked(_codes(_merged(tables, own), _pinned(own)))
    except (KeyError, TypeError, AttributeError) as error:
        raise WrongCodes(f"code tables: an entry has the wrong shape ({error})") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WrongCodes(f"the code table file {path} cannot be read: {error}") from error


def _merged(under: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _pinned(own: Mapping[str, Any]) -> frozenset[str]:
    kinds = own.get("kinds", {})
    return frozenset({*own, *(f"kinds.{name}" for name in kinds)} - {"kinds"})


def _codes(tables: dict[str, Any], pinned: frozenset[str]) -> Codes:
    kinds, urgency = tables["kinds"], tables["urgency"]
    return Codes(
        kind_names=kinds["names"],
        rec_type_ids=kinds["rec_type_ids"],
        property_ids=kinds["property_ids"],
        kinds_sent=kinds["send"],
        urgency=urgency["read"],
        urgency_sent=urgency["send"],
        event_sources=tables["event_sources"],
        case_status=tables["case_status"],
        item_actions={key.lower(): value for key, value in tables["item_actions"].items()},
        applications=tables["applications"],
        postpone_units=tables["postpone_units"],
        check_states=tables["check_states"],
        notify_types=tables["notify_types"],
        notify_methods=tables["notify_methods"],
        evaluate_states=tables["evaluate_states"],
        evaluate_stages=tables["evaluate_stages"],
        evaluate_types=tables["evaluate_types"],
        speakers=tables["speakers"],
        case_states=tables["case_states"],
        notices=tables["notices"],
        tell={_event(key): _telling(_event(key), row) for key, row in tables["tell"].items()},
        report=tables["report"],
        archive=tables["archive"],
        evaluate=tables["evaluate"],
        answers=tables["answers"],
        spelling=tables["spelling"],
        notify=tables["notify"],
        register=tables["register"],
        pinned=pinned,
    )


def _event(word: str) -> EventType:
    try:
        return EventType(word)
    except ValueError:
        raise WrongCodes(f"code tables: there is no event type {word!r}") from None


def _telling(event: EventType, row: Table) -> Telling:
    step = row.get("step", "")
    fallback = "ITEM_INST_SYNC" if step else ""
    return Telling(row.get("theirs", fallback), row.get("ours", fallback), step, row.get("name", event.zh))


def _checked(codes: Codes) -> Codes:
    """Every word of the tables is a canonical one: a slip in a city's file is told at start, not at night."""
    events = (codes.item_actions, codes.notify_types, *codes.applications.values())
    _all_in({IGNORE, *EventType}, *events)
    _all_in({IGNORE, *Kind}, codes.kind_names, codes.rec_type_ids, codes.property_ids)
    _all_in(set(Urgency), codes.urgency)
    _all_in({IGNORE, *codes.case_status}, codes.case_states)
    _all_in({"first", "final"}, codes.evaluate_stages)
    _all_in({"petitioner", "system", UNIT}, codes.evaluate_types)
    _all_in({DESK, "system", UNIT}, codes.speakers)
    for kind in Kind:
        if not isinstance(codes.kinds_sent[kind], dict) or "rec_type" not in codes.kinds_sent[kind]:
            raise WrongCodes(f"code tables: kinds.send.{kind} needs a rec_type")
    return codes


def _all_in(words: set[str], *tables: Table) -> None:
    for table in tables:
        for key, word in table.items():
            if word not in words:
                raise WrongCodes(f"code tables: {key} = {word!r} is not a canonical word")
