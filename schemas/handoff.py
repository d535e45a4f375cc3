"""The message of the queues `handoff.<system>`: a hand-off (交接) is ready to be delivered now."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from schemas.base import TRACEPARENT, Canonical, Identifier, Moment, SystemName
from schemas.event import EventType


class HandoffReadyData(Canonical):
    """Which duty is ready: numbers only. Whoever delivers it reads the case from the ledger."""

    handoff_id: UUID
    event_id: UUID
    system: SystemName
    event_type: EventType


class HandoffReady(Canonical):
    """CloudEvents 1.0, structured JSON, as it travels on `petition.handoffs`; `id` is the hand-off's."""

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: Literal["/bridge"] = "/bridge"
    type: Literal["handoff.ready"] = "handoff.ready"
    subject: Identifier
    time: Moment
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: Literal["urn:laiting:schema:handoff-ready:1"] = "urn:laiting:schema:handoff-ready:1"
    traceparent: str | None = Field(default=None, pattern=TRACEPARENT)
    data: HandoffReadyData
