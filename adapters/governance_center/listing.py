"""The messages of the center's register: the query, the list, one report (an extension; README, section 8)."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from adapters.governance_center.wire import Answer, Code, Count, EventDocument, Time


class ListQuery(BaseModel):
    """Which events entered the center from `beginTime` on and before `endTime`; pages count from 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    beginTime: Time
    endTime: Time
    pageNo: int = Field(ge=1)
    pageSize: int = Field(ge=1, le=1000)

    def covers(self, moment: datetime) -> bool:
        return (self.beginTime is None or self.beginTime <= moment) and (self.endTime is None or moment < self.endTime)


class Entry(EventDocument):
    """One event of the list: its report without the citizen, where it stands, when it entered and who reported it."""

    enterTimeStr: Time = None
    reportAppId: Code = None


class Listing(Answer):
    """One page."""

    total: Count = None
    pageNo: Count = None
    pageSize: Count = None
    events: tuple[Entry, ...] = ()


class Reported(Answer):
    """The whole report behind an entry, as it was sent to the bridge or would have been."""

    document: dict[str, Any] = Field(default_factory=dict)
