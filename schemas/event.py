"""The event: one canonical fact about a petition; a CloudEvents 1.0 message on the wire."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from schemas.base import TRACEPARENT, Canonical, Identifier, Moment, SystemName
from schemas.petition import Attachment, HandlingClass, Kind, Place, Urgency


class EventType(StrEnum):
    """The closed vocabulary of what can happen to a petition (DOMAIN 1.4); `unknown` keeps the raw payload."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"
    DISPATCHED = "dispatched"
    SIGNED = "signed"
    PROGRESSED = "progressed"
    RETURN_REQUESTED = "return_requested"
    RETURNED = "returned"
    RETURN_DENIED = "return_denied"
    EXTENSION_REQUESTED = "extension_requested"
    EXTENDED = "extended"
    EXTENSION_DENIED = "extension_denied"
    CANCEL_REQUESTED = "cancel_requested"
    CANCEL_DENIED = "cancel_denied"
    CANCELLED = "cancelled"
    REPLIED = "replied"
    VERIFIED = "verified"
    SUPERVISED = "supervised"
    URGED = "urged"
    FOLLOWED_UP = "followed_up"
    RATED = "rated"
    REHANDLED = "rehandled"
    MERGED = "merged"
    RECLASSED = "reclassed"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    CLOSED = "closed"
    NOTED = "noted"
    UNKNOWN = "unknown"

    @property
    def zh(self) -> str:
        return EVENT_ZH[self]


EVENT_ZH = {
    EventType.SUBMITTED: "提交",
    EventType.ACCEPTED: "受理",
    EventType.NOT_ACCEPTED: "不予受理",
    EventType.DISPATCHED: "派单",
    EventType.SIGNED: "签收",
    EventType.PROGRESSED: "办理进展",
    EventType.RETURN_REQUESTED: "申请退单",
    EventType.RETURNED: "退单",
    EventType.RETURN_DENIED: "退单驳回",
    EventType.EXTENSION_REQUESTED: "申请延期",
    EventType.EXTENDED: "延期",
    EventType.EXTENSION_DENIED: "延期驳回",
    EventType.CANCEL_REQUESTED: "申请作废",
    EventType.CANCEL_DENIED: "作废驳回",
    EventType.CANCELLED: "作废",
    EventType.REPLIED: "答复",
    EventType.VERIFIED: "核查",
    EventType.SUPERVISED: "督办",
    EventType.URGED: "催办",
    EventType.FOLLOWED_UP: "回访",
    EventType.RATED: "评价",
    EventType.REHANDLED: "重办",
    EventType.MERGED: "并单",
    EventType.RECLASSED: "改类",
    EventType.SUSPENDED: "挂起",
    EventType.RESUMED: "恢复",
    EventType.CLOSED: "办结",
    EventType.NOTED: "备注",
    EventType.UNKNOWN: "未识别",
}


FINDING_ZH = {"unreachable": "联系不上诉求人", "unreasonable": "认定为不合理诉求"}
"""What a follow-up or a review found (`EventData.finding`), in words."""


class UnitRole(StrEnum):
    """主办 or 协办."""

    LEAD = "lead"
    ASSIST = "assist"


class SupervisionLevel(StrEnum):
    """催办, 黄牌, 红牌, 黑牌, 重点督办 (DOMAIN 2.4)."""

    URGE = "urge"
    YELLOW = "yellow"
    RED = "red"
    BLACK = "black"
    KEY = "key"


class Satisfaction(StrEnum):
    """The normalised satisfaction; the system's own word or score is kept beside it."""

    SATISFIED = "satisfied"
    FAIR = "fair"
    UNSATISFIED = "unsatisfied"


class PartState(StrEnum):
    """Where one unit's part stands (承办单位任务状态)."""

    ASSIGNED = "assigned"
    SIGNED = "signed"
    HANDLING = "handling"
    RETURN_REQUESTED = "return_requested"
    RETURNED = "returned"
    EXTENSION_REQUESTED = "extension_requested"
    FINISHED = "finished"
    EXCUSED = "excused"


class SupervisionState(StrEnum):
    """A supervision order's own life (督办单): proposing is not publishing (DOMAIN 2.4)."""

    PROPOSED = "proposed"
    ISSUED = "issued"
    SIGNED = "signed"
    FEEDBACK = "feedback"
    REVIEW = "review"
    CLOSED = "closed"
    REJECTED = "rejected"


class SupervisionReason(StrEnum):
    """Why a petition is supervised (督办事由)."""

    HOT = "hot"
    REPEATED = "repeated"
    LONG_PENDING = "long_pending"
    UNSATISFIED = "unsatisfied"
    LEADER = "leader"


class Assignment(Canonical):
    """A handling unit's part of the petition (承办单位)."""

    unit: str = Field(max_length=200)
    code: str | None = Field(default=None, max_length=64)
    role: UnitRole = UnitRole.LEAD
    state: PartState | None = None


class RawCode(Canonical):
    """A system's own code with its name, kept as it came."""

    code: str = Field(max_length=64)
    name: str | None = Field(default=None, max_length=200)


class Span(Canonical):
    """A length of time as the system says it: `amount` (2.5 is legal) of `unit`."""

    amount: float = Field(gt=0, le=10_000)
    unit: Literal["hours", "days", "working_days"]


class SupervisionOrder(Canonical):
    """The order behind a supervision (督办单): its own number, where it stands, why, who issued it."""

    number: Identifier | None = None
    state: SupervisionState
    reason: SupervisionReason | None = None
    issuer: str | None = Field(default=None, max_length=200)


class Package(Canonical):
    """A joint package (打包处理): petitions handled as one; `members` are the numbers its source calls them by, `plan`
    what is to be done (处置方案) and `due_at` when it is to be carried out by."""

    number: Identifier
    title: str | None = Field(default=None, max_length=500)
    topic: str | None = Field(default=None, max_length=200)
    plan: str | None = Field(default=None, max_length=10_000)
    due_at: Moment | None = None
    members: tuple[Identifier, ...] = ()


class Households(Canonical):
    """How far a matter of many households is (“首批162户”): `done` of `total` so far, in which `batch`."""

    done: int = Field(ge=0)
    total: int | None = Field(default=None, ge=0)
    batch: int | None = Field(default=None, ge=1)


class Indicator(Canonical):
    """One measure of a rating (满意度指标): the system's own code and score."""

    code: str = Field(max_length=64)
    name: str | None = Field(default=None, max_length=200)
    score: str = Field(max_length=32)


class EventData(Canonical):
    """What the event says. Every field is optional; each type uses the ones that fit it.

    `text` is the reply, opinion, reason or note in words; `sign_by` and `return_by` are a dispatch's own limits
    (签收时限, 退单时限); `stage` keeps the first satisfaction and the final one apart; `reference` is the system's own
    number of this very step, `handling_class` the new class of a `reclassed` event, `place` one that was told later,
    `finding` what a follow-up or a review found that the rates leave out (联系不上, 不合理诉求; DOMAIN 1.6), `raw` the
    payload of one that nobody understood.
    """

    text: str | None = Field(default=None, max_length=100_000)
    unit: str | None = Field(default=None, max_length=200)
    role: UnitRole | None = None
    person: str | None = Field(default=None, max_length=100)
    units: tuple[Assignment, ...] = ()
    due_at: Moment | None = None
    sign_by: Moment | None = None
    return_by: Moment | None = None
    extend_by: Span | None = None
    level: SupervisionLevel | None = None
    satisfaction: Satisfaction | None = None
    score: str | None = Field(default=None, max_length=64)
    indicators: tuple[Indicator, ...] = ()
    stage: Literal["first", "final"] | None = None
    resolved: Literal["yes", "no", "partly"] | None = None
    finding: Literal["unreachable", "unreasonable"] | None = None
    reference: Identifier | None = None
    status: RawCode | None = None
    handling_class: HandlingClass | None = None
    supervision: SupervisionOrder | None = None
    package: Package | None = None
    households: Households | None = None
    place: Place | None = None
    attachments: tuple[Attachment, ...] = ()
    raw: str | None = None


class Event(Canonical):
    """One canonical fact, numbered without gaps inside its petition (`sequence` starts at 1).

    `source` is the system that said it, or `bridge` for what the bridge itself found out.
    """

    event_id: UUID
    petition_id: Identifier
    sequence: int = Field(ge=1)
    type: EventType
    source: SystemName
    occurred_at: Moment
    recorded_at: Moment
    actor: str | None = Field(default=None, max_length=128)
    traceparent: str | None = Field(default=None, pattern=TRACEPARENT)
    data: EventData = EventData()


class BusData(Canonical):
    """What an event tells everyone who listens on the public bus: nothing by which the citizen can be known.

    Free text, names, numbers and addresses stay in the ledger (see docs/decisions/0003-the-bus-carries-no-person.md);
    `GET /v1/petitions/{id}` serves them to those with the scope. `content_sha256` is over a salt of this petition's own
    and the content; whoever fetches both in clear (`content_salt`) can hold them against what was announced.
    """

    kind: Kind
    handling_class: HandlingClass
    urgency: Urgency
    state: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    petition_source: SystemName
    region_code: str | None = None
    category: str | None = None
    unit: str | None = None
    role: UnitRole | None = None
    units: tuple[Assignment, ...] = ()
    due_at: Moment | None = None
    level: SupervisionLevel | None = None
    satisfaction: Satisfaction | None = None
    team_id: str | None = None
    content_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class CloudEvent(Canonical):
    """CloudEvents 1.0, structured JSON, as it travels on `petition.events`."""

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: Annotated[str, Field(pattern=r"^/systems/[a-z][a-z0-9_]{1,31}$")]
    type: Annotated[str, Field(pattern=rf"^petition\.({'|'.join(EventType)})$")]
    subject: Identifier
    time: Moment
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: Literal["urn:laiting:schema:bus-data:1"] = "urn:laiting:schema:bus-data:1"
    sequence: Annotated[str, Field(pattern=r"^[0-9]{10}$")]
    traceparent: str | None = Field(default=None, pattern=TRACEPARENT)
    data: BusData
