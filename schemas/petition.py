"""The petition (诉求): the case a citizen brought, in the bridge's own words."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic.config import JsonDict, JsonValue

from schemas.base import Canonical, Identifier, Moment, SystemName


class Kind(StrEnum):
    """What the citizen wants (诉求类型, DOMAIN 1.2); Chinese and English names are both read."""

    CONSULTATION = "consultation"
    HELP = "help"
    COMPLAINT = "complaint"
    REPORT = "report"
    SUGGESTION = "suggestion"
    PRAISE = "praise"
    OTHER = "other"

    @property
    def zh(self) -> str:
        return KIND_ZH[self]


KIND_ZH = {
    Kind.CONSULTATION: "咨询",
    Kind.HELP: "求助",
    Kind.COMPLAINT: "投诉",
    Kind.REPORT: "举报",
    Kind.SUGGESTION: "建议",
    Kind.PRAISE: "表扬",
    Kind.OTHER: "其他",
}


class HandlingClass(StrEnum):
    """Who handles the petition (处理方式): the five classes of the action, and who gets the task."""

    ON_SITE = "on_site"
    HOME_UNIT = "home_unit"
    HOTLINE_TRANSFER = "hotline_transfer"
    KEY_SUPERVISION = "key_supervision"
    JOINT_PACKAGE = "joint_package"

    @property
    def zh(self) -> str:
        return CLASS_ZH[self]


OF_THE_OWNER = frozenset({HandlingClass.ON_SITE, HandlingClass.HOME_UNIT})
"""Classes in which the secretary's own unit has the petition: there the secretary's word is the unit's."""

CLASS_ZH = {
    HandlingClass.ON_SITE: "现场解决",
    HandlingClass.HOME_UNIT: "派出单位办理",
    HandlingClass.HOTLINE_TRANSFER: "12345统一转办",
    HandlingClass.KEY_SUPERVISION: "重点督办",
    HandlingClass.JOINT_PACKAGE: "打包处理",
}


class Urgency(StrEnum):
    """How soon (紧急程度)."""

    NORMAL = "normal"
    URGENT = "urgent"
    CRITICAL = "critical"

    @property
    def zh(self) -> str:
        return URGENCY_ZH[self]


URGENCY_ZH = {Urgency.NORMAL: "一般", Urgency.URGENT: "紧急", Urgency.CRITICAL: "特急"}

_CHINESE: dict[type[StrEnum], dict[str, StrEnum]] = {
    Kind: {zh: kind for kind, zh in KIND_ZH.items()},
    HandlingClass: {zh: value for value, zh in CLASS_ZH.items()},
    Urgency: {zh: value for value, zh in URGENCY_ZH.items()},
}


def _either_language(words: type[StrEnum]) -> BeforeValidator:
    def read(value: object) -> object:
        return _CHINESE[words].get(value, value) if isinstance(value, str) else value

    both = {"description": words.__doc__ or "", "enum": [*words, *_CHINESE[words]]}
    return BeforeValidator(read, json_schema_input_type=Annotated[str, WithJsonSchema({"type": "string", **both})])


class ExternalId(Canonical):
    """A number that a system gave the petition (外部编号): which system, which kind of number, the number."""

    system: SystemName
    kind: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,31}$")]
    value: Identifier


class Petitioner(Canonical):
    """Who brought it (诉求人). Personal data: never in a log, on a public queue, or where it is not needed."""

    name: str | None = Field(default=None, max_length=100)
    phone: str | None = Field(default=None, max_length=64)
    openid: Identifier | None = None
    anonymous: bool = False
    confidential: bool = False

    @property
    def reachable(self) -> bool:
        return bool(self.phone or self.openid)


def _both(kind: str) -> JsonDict:
    return {"properties": {"longitude": {"type": kind}, "latitude": {"type": kind}}}


_BOTH_OR_NONE: JsonDict = {"anyOf": [{**_both("number"), "required": ["longitude", "latitude"]}, _both("null")]}
"""The rule of `Place` for those who have only the JSON Schema."""


class Place(Canonical):
    """Where it is about (事发地). Coordinates in degrees, both or none (WGS-84 or GCJ-02 as the source has them)."""

    model_config = ConfigDict(json_schema_extra=_BOTH_OR_NONE)

    region_code: str | None = Field(default=None, max_length=12)
    street: str | None = Field(default=None, max_length=100)
    community: str | None = Field(default=None, max_length=100)
    grid: str | None = Field(default=None, max_length=64)
    address: str | None = Field(default=None, max_length=1000)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    latitude: float | None = Field(default=None, ge=-90, le=90)

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.longitude is None) != (self.latitude is None):
            raise ValueError("longitude and latitude come together or not at all (经纬度须同时提供)")
        return self


class Category(Canonical):
    """The source's own subject code and name (事项分类), kept raw: codes differ by province."""

    code: str | None = Field(default=None, max_length=64)
    name: str | None = Field(default=None, max_length=200)


class Secretary(Canonical):
    """The liaison secretary (民情书记) who was asked first (首问负责) and stays the owner whatever is dispatched."""

    id: Identifier
    name: str | None = Field(default=None, max_length=100)
    team_id: Identifier
    home_unit: str | None = Field(default=None, max_length=200)


class Attachment(Canonical):
    """A file by reference (附件): its name and where the source holds it."""

    name: str = Field(max_length=255)
    url: str = Field(max_length=2048)
    usage: str | None = Field(default=None, max_length=32)


class PetitionDraft(Canonical):
    """What an adapter reads out of a submission: a petition before the bridge has numbered, classed and owned it."""

    kind: Annotated[Kind, _either_language(Kind)] = Kind.OTHER
    handling_class: Annotated[HandlingClass, _either_language(HandlingClass)] | None = None
    title: str = Field(default="", max_length=500)
    content: str = Field(min_length=1, max_length=100_000)
    petitioner: Petitioner = Petitioner()
    place: Place = Place()
    category: Category = Category()
    urgency: Annotated[Urgency, _either_language(Urgency)] = Urgency.NORMAL
    secretary: Secretary | None = None
    lead_unit: str | None = Field(default=None, max_length=200)
    assist_units: tuple[Annotated[str, Field(max_length=200)], ...] = ()
    attachments: tuple[Attachment, ...] = ()
    occurred_at: Moment | None = None
    repeat_call: bool = False
    """The caller has brought this before (重复来电), says the source."""


class Petition(PetitionDraft):
    """A petition of the ledger: numbered for life, with its class and owner fixed, and every system's number."""

    petition_id: Identifier
    source: SystemName
    external_ids: tuple[ExternalId, ...] = ()
    handling_class: Annotated[HandlingClass, _either_language(HandlingClass)]
    secretary: Secretary
    state: str
    submitted_at: Moment


def _given(name: str, **rule: JsonValue) -> JsonDict:
    return {"required": [name], "properties": {name: rule}}


_REACHABLE: list[JsonValue] = [_given(way, type="string", minLength=1) for way in ("phone", "openid")]
_A_WAY_BACK: JsonDict = {"allOf": [_given("petitioner", anyOf=[*_REACHABLE, _given("anonymous", const=True)])]}
"""The rule of `PetitionDocument` for those who have only the JSON Schema."""


class PetitionDocument(PetitionDraft):
    """The petition document of the form door and of `POST /v1/petitions` (CONTRACT 4)."""

    model_config = ConfigDict(json_schema_extra=_A_WAY_BACK)

    external_id: Identifier

    @model_validator(mode="after")
    def _a_way_back(self) -> Self:
        if not (self.petitioner.reachable or self.petitioner.anonymous):
            raise ValueError(
                "petitioner: give phone or openid, or set anonymous to true (请填写联系电话或openid，或注明匿名)"
            )
        return self

    def draft(self) -> PetitionDraft:
        """The petition without the caller's number."""
        return PetitionDraft.model_construct(**{name: getattr(self, name) for name in PetitionDraft.model_fields})
