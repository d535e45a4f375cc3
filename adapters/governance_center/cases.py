"""The sandbox's cases: one matter at the center, its numbers, its units, and what was said about it."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from adapters.governance_center.wire import EventDocument
from schemas.event import EventType, PartState

UNITS = (
    "市住房和城乡建设局",
    "市城市管理局",
    "市自然资源和规划局",
    "市生态环境局",
    "市市场监督管理局",
    "市教育局",
    "市人力资源和社会保障局",
    "太白湖街道办事处",
)


OPEN_PARTS = frozenset(PartState) - {PartState.FINISHED, PartState.EXCUSED, PartState.RETURNED}


@dataclass(slots=True)
class Case:
    """`number` is the center's own; `document` the report as the center has it; `ours`: the bridge reported it.

    `parts`: each unit's own state; `status`: what the case has come to; `shown`: what the list says instead; `files`:
    what its steps brought along; `over`: nothing more is done for it; `texts`: words it was started with.
    """

    number: str
    petition_id: str | None
    lead: str
    assists: tuple[str, ...]
    document: dict[str, Any]
    entered_at: datetime
    ours: bool
    texts: Mapping[str, str] = field(default_factory=dict)
    message_ids: list[str] = field(default_factory=list)
    parts: dict[str, PartState] = field(default_factory=dict)
    status: EventType = EventType.PROGRESSED
    shown: dict[str, Any] = field(default_factory=dict)
    files: list[Any] = field(default_factory=list)
    said: int = 0
    over: bool = False
    archived: bool = False

    @property
    def title(self) -> str:
        return str(self.document.get("eventName") or "")

    def next_message_id(self) -> str:
        self.said += 1
        return f"{self.number}-{self.said}"

    def role_of(self, unit: str) -> str:
        return "lead" if unit == self.lead else "assist"

    def open_assists(self) -> list[str]:
        """Assisting units that have a part and have neither finished nor been excused: the lead waits for them."""
        return [unit for unit in self.assists if self.parts.get(unit) in OPEN_PARTS]


@dataclass(slots=True)
class Casebook:
    """All cases, found by the center's number or by ours."""

    cases: dict[str, Case] = field(default_factory=dict)
    by_petition: dict[str, Case] = field(default_factory=dict)

    def add(self, case: Case) -> Case:
        self.cases[case.number] = case
        earlier = self.by_petition.get(case.petition_id or "")
        if case.petition_id and (earlier is None or earlier.archived):
            self.by_petition[case.petition_id] = case
        return case

    def link(self, case: Case, petition_id: str) -> None:
        case.petition_id = petition_id
        self.by_petition[petition_id] = case

    def forget(self, case: Case) -> None:
        """As if it had never come."""
        del self.cases[case.number]
        if case.petition_id and self.by_petition.get(case.petition_id) is case:
            del self.by_petition[case.petition_id]

    def find(self, *numbers: str | None) -> Case | None:
        for number in filter(None, numbers):
            case = self.cases.get(number) or self.by_petition.get(number)
            if case is not None:
                return case
        return None


def event_number(now: datetime, sequence: str, random: Random) -> str:
    """One of two shapes seen in the field: a time with a GUID behind it, or a long row of digits."""
    stamp = now.strftime("%Y%m%d%H%M%S%f")
    if random.random() < 0.5:
        return f"{stamp[:17]}_{uuid.uuid4()}"
    return f"{stamp[2:17]}{sequence}"


def units_of(document: EventDocument, random: Random) -> tuple[str, tuple[str, ...]]:
    """Lead and assisting units as asked for, by name; without a lead the center chooses one."""
    named = [(entry.orgName, entry.role) for entry in document.assignments if entry.orgName]
    leads = [name for name, role in named if role == "lead"] or list(document.targetOrgName)
    assists = [name for name, role in named if role == "assist"] or list(document.assistOrgNames)
    lead = leads[0] if leads else random.choice(UNITS)
    return lead, _without(lead, assists)


def _without(lead: str, assists: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in dict.fromkeys(assists) if name != lead)
