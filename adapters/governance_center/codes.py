"""The code tables: `codes.toml` and a city's own file over it. Three outcomes: mapped, ignored, `Unmapped`."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from adapters.governance_center.wire import Op
from bridge.rules.rehandling import speaker
from schemas.base import SystemName
from schemas.event import (
    EventType,
    PartState,
    Satisfaction,
    SupervisionLevel,
    SupervisionReason,
    SupervisionState,
    UnitRole,
)
from schemas.petition import Kind, Urgency

SHIPPED = Path(__file__).with_name("codes.toml")

T = TypeVar("T")


class Unmapped(LookupError):
    """A code that stands in no table: `field` of the document held `code`."""

    def __init__(self, field: str, code: str | None) -> None:
        super().__init__(f"{field}:{code}")
        self.field = field
        self.code = code or ""


class Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StatusRule(Table):
    """What a status says: an event, or deliberately nothing."""

    event: EventType | None = None
    ignored: str | None = None
    draft: bool = False
    zh: str | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.event is None) == (self.ignored is None):
            raise ValueError("a status has either `event` or `ignored`")
        return self


class Platform(Table):
    """One platform's own codes; what it lacks is taken from `based_on`."""

    zh: str
    based_on: str | None = None
    status: dict[str, StatusRule] = {}
    urgency: dict[str, Urgency] = {}
    status_out: dict[EventType, str] = {}
    aliases: dict[str, str] = {}
    accepted: tuple[str, ...] = ()


class Refusal(Table):
    """How a refusing message is read: any of `words` in it."""

    words: tuple[str, ...]
    error: Literal["permanent", "busy", "unknown", "transient"]
    code: str = Field(pattern=r"^[a-z0-9_]{1,32}$")


class Answers(Table):
    accepted: tuple[str, ...]
    refusals: tuple[Refusal, ...] = ()


class Query(Table):
    """Where the center's register is asked: under `base_url`; `{eventId}` stands for its number."""

    list_path: str
    document_path: str
    page_size: int = Field(ge=1, le=1000)


class Codes(Table):
    """All tables of this door, for one platform. Keys are the center's words, values the canonical ones."""

    ops: dict[str, Op]
    ops_ignored: dict[str, str]
    fields_ignored: dict[str, str]
    aliases: dict[str, str]
    peers: dict[str, SystemName]
    peers_ignored: dict[str, str]
    units: dict[str, str]
    role: dict[str, UnitRole]
    petitioner: dict[str, Literal["anonymous", "confidential"]]
    kind: dict[str, Kind]
    supervision: dict[str, SupervisionLevel]
    remind: dict[str, SupervisionLevel]
    supervise_state: dict[str, SupervisionState]
    supervised_by: dict[str, SupervisionState]
    supervise_reason: dict[str, SupervisionReason]
    part: dict[str, PartState]
    check: dict[str, Literal["passed", "denied"]]
    interval: dict[str, Literal["days", "working_days"]]
    satisfaction: dict[str, Satisfaction]
    resolved: dict[str, Literal["yes", "no", "partly"]]
    speakers: dict[str, Literal["desk", "unit", "system"]]
    says: dict[EventType, Op]
    report_defaults: dict[str, str]
    answers: Answers
    register_query: Query
    status: dict[str, StatusRule]
    urgency: dict[str, Urgency]
    status_out: dict[EventType, str]

    def status_rule(self, code: str, sub: str | None) -> StatusRule:
        return find(self.status, f"{code}/{sub}" if sub else code, "status")

    def unit_name(self, code: str) -> str:
        return self.units.get(code, code)

    def speaker(self, name: str) -> str | None:
        """Who speaks in a rating or a follow-up that names this unit; None: a desk that has asked the citizen."""
        found = speaker(name, self.speakers)
        return None if found == "desk" else found

    def unit_code(self, name: str) -> str | None:
        return next((code for code, known in self.units.items() if known == name), None)


def find(table: Mapping[str, T], code: str | None, field: str) -> T:
    """The meaning of `code`; "1" and "01" are one code. Raises `Unmapped`."""
    written = code or ""
    for spelling in (written, written.zfill(2), written.lstrip("0") or "0") if written.isdigit() else (written,):
        if spelling in table:
            return table[spelling]
    raise Unmapped(field, code)


def code_for(table: Mapping[str, T], meaning: T) -> str | None:
    """The first code that says `meaning`."""
    return next((code for code, known in table.items() if known == meaning and code), None)


def load(platform: str, own: Path | None = None) -> Codes:
    """The shipped tables, the city's `own` laid over them, for `platform`. ValueError: one clear line."""
    tables = _read(SHIPPED)
    if own is not None:
        tables = _merged(tables, _read(own))
    try:
        platforms = {name: Platform.model_validate(table) for name, table in tables.pop("platform").items()}
        return Codes.model_validate(_merged(tables, _resolved(platforms, platform)))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"governance_center: {own or SHIPPED}: {where}: {first['msg']}") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"governance_center: the code tables {path} cannot be read: {error}") from None


def _merged(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        if value == "":
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = _merged(result[key], value)
        else:
            result[key] = value
    return result


def _resolved(platforms: Mapping[str, Platform], name: str) -> dict[str, Any]:
    if name not in platforms:
        raise ValueError(f"governance_center: PLATFORM is {name!r}; the code tables know {', '.join(platforms)}")
    chosen = platforms[name]
    base = platforms.get(chosen.based_on or "", Platform(zh=""))
    # The platform's own codes come first, so that they are the ones we send.
    return {
        "status": {**chosen.status, **{k: v for k, v in base.status.items() if k not in chosen.status}},
        "urgency": {**chosen.urgency, **{k: v for k, v in base.urgency.items() if k not in chosen.urgency}},
        "status_out": base.status_out | chosen.status_out,
        "aliases": base.aliases | chosen.aliases,
        **({"answers": {"accepted": chosen.accepted}} if chosen.accepted else {}),
    }
