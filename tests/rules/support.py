"""What the tests of the rules share: invented petitions, on the city's clock."""

from datetime import datetime
from typing import Any

from bridge.rules import calendar as working_days
from bridge.rules.calendar import Calendar
from bridge.rules.profiles import Facts, Profiles
from bridge.rules.steps import Step
from schemas.base import SHANGHAI
from schemas.event import EventData, EventType
from schemas.petition import HandlingClass, Kind, Urgency

RULES = working_days.rules()
CALENDAR = Calendar(RULES)
PROFILES = Profiles.load()


def at(text: str) -> datetime:
    """`09-18 10:00` is in 2026, `2027-01-04 10:00` says its year; without a time it is 10:00."""
    day, _, clock = text.partition(" ")
    year = "" if day.count("-") == 2 else "2026-"
    return datetime.fromisoformat(f"{year}{day}T{clock or '10:00'}").replace(tzinfo=SHANGHAI)


def step(type_: str, when: str, *, source: str = "hotline12345", actor: str | None = None, **data: Any) -> Step:
    return Step(EventType(type_), at(when), EventData.model_validate(data), source, actor)


def facts(submitted: str = "11-02", **more: Any) -> Facts:
    """A petition of Monday, 2026-11-02, unless it says otherwise."""
    given: dict[str, Any] = {
        "kind": Kind.HELP, "urgency": Urgency.NORMAL, "handling_class": HandlingClass.HOTLINE_TRANSFER,
        "system": "wechat", "version": "",
    }  # fmt: skip
    return Facts(submitted_at=at(submitted), **{**given, **more})
