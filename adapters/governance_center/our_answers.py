"""Our answers as models, for the JSON Schemas and for the tests that hold the real answers against them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

PETITION = r"^LT[0-9]{6}-[0-9A-Z]{10}$"
DIGEST = r"^[0-9a-f]{64}$"


class Ours(BaseModel):
    """What is not known is left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EventAnswer(Ours):
    """To one event document (`code` 1 taken, 0 not). `receipt`: digest of the journal entry that proves it."""

    code: Literal["0", "1"]
    message: str
    eventId: str | None = None
    petitionId: str | None = Field(default=None, pattern=PETITION)
    receipt: str | None = Field(default=None, pattern=DIGEST)


class Failure(Ours):
    """One document of a batch that was not taken. `index` counts from 0."""

    index: int = Field(ge=0)
    eventId: str | None = None
    messageId: str | None = None
    result: Literal["failed"]
    message: str


class Success(Ours):
    """One document of a batch that was. `kept`: waits for its petition; `ignored`: understood, deliberately unused."""

    index: int = Field(ge=0)
    eventId: str | None = None
    messageId: str | None = None
    result: Literal["created", "updated", "duplicate", "kept", "ignored"]
    petitionId: str | None = Field(default=None, pattern=PETITION)
    receipt: str | None = Field(default=None, pattern=DIGEST)


class BatchAnswer(Ours):
    """To a batch: `code` 1 only if every document was taken. The lists are comma-joined event numbers."""

    code: Literal["0", "1"]
    message: str
    msg: str
    successStr: str
    conflictStr: str
    failSituationList: tuple[Failure, ...]
    results: tuple[Success | Failure, ...]


class LookUpAnswer(Ours):
    """To a look-up: where the petition stands. No person."""

    code: Literal["0", "1"]
    message: str
    eventId: str | None = None
    petitionId: str | None = Field(default=None, pattern=PETITION)
    oppoSideBusiCode: str | None = None
    statusName: str | None = None
    lastEvent: str | None = None
    orgName: str | None = None
