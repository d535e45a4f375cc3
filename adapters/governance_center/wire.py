"""The event document exactly as the center writes it, and its answer. The README defines every field."""

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from adapters.governance_center import values
from bridge.strictjson import BadJson, loads_object

MESSAGES_OF_FAULTS = 3


class Op(StrEnum):
    """What a document does (`op`)."""

    REPORT = "report"
    DISPATCH = "dispatch"
    SIGN = "sign"
    PROGRESS = "progress"
    RETURN_APPLY = "return_apply"
    RETURN_REVIEW = "return_review"
    DELAY_APPLY = "delay_apply"
    DELAY_REVIEW = "delay_review"
    SUPERVISE = "supervise"
    REPLY = "reply"
    CLOSE = "close"
    EVALUATE = "evaluate"
    WITHDRAW = "withdraw"
    PACKAGE = "package"


# What may stand on the wire (for the JSON Schemas), and how it is read.
Writing = str | int | float | None
Listed = list[str | int] | str | None
Text = Annotated[str | None, BeforeValidator(values.text, json_schema_input_type=Writing)]
Code = Annotated[str | None, BeforeValidator(values.code, json_schema_input_type=str | int | bool | None)]
Number = Annotated[str | None, BeforeValidator(values.identifier, json_schema_input_type=str | int | None)]
Amount = Annotated[float | None, BeforeValidator(values.amount, json_schema_input_type=Writing)]
Coordinate = Annotated[float | None, BeforeValidator(values.coordinate, json_schema_input_type=Any)]
Time = Annotated[datetime | None, BeforeValidator(values.moment, json_schema_input_type=str | int | None)]
Names = Annotated[tuple[str, ...], BeforeValidator(values.names, json_schema_input_type=Listed)]
Numbers = Annotated[tuple[str, ...], BeforeValidator(values.numbers, json_schema_input_type=Listed)]
Count = Annotated[int | None, BeforeValidator(values.count, json_schema_input_type=str | int | None)]


class UnknownDocument(ValueError):
    """The body is authentic and cannot be used. The text is Chinese, for the caller, and quotes no value."""

    def __init__(self, message: str, event_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.event_id = event_id


class AssignmentEntry(BaseModel):
    """One unit's part (`assignments[]`)."""

    model_config = ConfigDict(extra="allow", frozen=True)

    orgName: Text = None
    orgCode: Code = None
    role: Code = None
    partStatus: Code = None


class AttachmentEntry(BaseModel):
    """One file by reference (`attrs[]`); both spellings met in the field, and files known by a number only."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Text = Field(default=None, validation_alias=AliasChoices("name", "FileName", "fileName"))
    url: Text = Field(default=None, validation_alias=AliasChoices("url", "Filepath", "filePath"))
    number: Number = Field(default=None, validation_alias=AliasChoices("number", "FileNumber", "AttachNumber"))
    usage: Text = None


def _list(value: Any) -> Any:
    return () if value is None or value == "" else value


def _files(value: Any) -> Any:
    """Files as entries, as addresses alone, or as addresses comma-joined in one text."""
    found = value.split(",") if isinstance(value, str) else _list(value)
    if not isinstance(found, list):
        return found
    return [{"url": one.strip()} if isinstance(one, str) else one for one in found if one != ""]


T = TypeVar("T")
Entries = Annotated[tuple[T, ...], BeforeValidator(_list, json_schema_input_type=list[T] | Literal[""] | None)]


class EventDocument(BaseModel):
    """Every field but `op` and `eventId` may be missing; unknown keys are normal and kept."""

    model_config = ConfigDict(extra="allow", frozen=True)

    op: Code = None
    messageId: Number = None
    eventId: Number = None
    oppoSideBusiCode: Number = None
    bizPlatform: Code = None
    taskId: Number = None

    eventName: Text = None
    content: Text = None
    advice: Text = None
    remarks: Text = None
    reason: Text = None
    taskName: Text = None
    transactorName: Text = None

    appealType: Code = None
    eventType: Code = None
    typeName: Text = None
    urgencyDegree: Code = None
    occurred: Text = None
    regionCode: Code = None
    streetName: Text = None
    communityName: Text = None
    gridCode: Code = None
    longitude: Coordinate = None
    latitude: Coordinate = None

    contactUserName: Text = None
    contactTel: Text = None
    openId: Number = None
    anonymous: Code = None
    confidential: Code = None

    orgCode: Code = None
    orgName: Text = None
    role: Code = None
    partStatus: Code = None
    closeOrgID: Code = None
    targetOrgCode: Names = ()
    targetOrgName: Names = ()
    assistOrgCodes: Names = ()
    assistOrgNames: Names = ()
    assignments: Entries[AssignmentEntry] = ()
    attrs: Annotated[
        tuple[AttachmentEntry, ...],
        BeforeValidator(_files, json_schema_input_type=list[AttachmentEntry | str] | str | None),
    ] = ()

    happenTimeStr: Time = None
    registerTimeStr: Time = None
    taskTime: Time = None
    handleDate: Time = None
    interval: Amount = None
    intervalUnit: Code = None

    status: Code = None
    subStatus: Code = None
    statusName: Text = None
    checkResult: Code = None
    supervisionType: Code = None
    remindStatus: Code = None
    superviseState: Code = None
    superviseNo: Number = None
    superviseReason: Code = None
    superviseOrgName: Text = None
    satisfaction: Code = None
    score: Text = None
    isSolved: Code = None

    packageId: Number = None
    packageName: Text = None
    topic: Text = None
    packagePlan: Text = None
    packageDueDate: Time = None
    members: Numbers = ()
    householdsTotal: Count = None
    householdsDone: Count = None
    batchNo: Count = None


class Answer(BaseModel):
    """What either side answers; more keys are normal. The last three are the answer to a batch, be it of one."""

    model_config = ConfigDict(extra="allow", frozen=True)

    code: Code = Field(default=None, validation_alias=AliasChoices("code", "Code", "errcode"))
    success: bool | None = Field(default=None, validation_alias=AliasChoices("success", "Success"))
    message: Text = Field(default=None, validation_alias=AliasChoices("message", "msg", "Message", "errmsg"))
    eventId: Number = Field(default=None, validation_alias=AliasChoices("peerEventId", "eventId", "Number"))
    messageIds: tuple[str, ...] | None = None
    successStr: Numbers = ()
    conflictStr: Numbers = ()
    failSituationList: Entries[Any] = ()


def parse(body: bytes, aliases: Mapping[str, str]) -> tuple[EventDocument, dict[str, Any]]:
    """As `understood`, from the body. Raises `UnknownDocument`."""
    try:
        return understood(loads_object(body), aliases)
    except BadJson as error:
        raise UnknownDocument(f"报文无法读取：{error}") from None


def understood(document: dict[str, Any], aliases: Mapping[str, str]) -> tuple[EventDocument, dict[str, Any]]:
    """The document and its keys as they came (outer blanks of keys dropped, other names translated).

    Raises `UnknownDocument`.
    """
    plain = renamed(document, aliases)
    try:
        return EventDocument.model_validate(plain), plain
    except ValidationError as error:
        raise UnknownDocument(fault_text(error), _readable_id(plain)) from None


def written(loaded: Any) -> str:
    """One spelling for one document, whatever the order of its keys; integers of any length."""
    return json.dumps(loaded, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)


def renamed(document: dict[str, Any], aliases: Mapping[str, str]) -> dict[str, Any]:
    """Exact names win over a name with blanks, and both over another platform's name for the field."""
    trimmed = {key.strip(): value for key, value in document.items() if key != key.strip()}
    exact = {key: value for key, value in document.items() if key == key.strip()}
    both = {**trimmed, **exact}
    return {**{aliases[key]: value for key, value in both.items() if key in aliases}, **both}


def fault_text(error: ValidationError) -> str:
    """Which fields cannot be used and why, never what they held."""
    faults = [
        f"字段{'.'.join(str(part) for part in fault['loc'])}：{_why(fault['type'], fault['msg'])}"
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return "；".join(faults[:MESSAGES_OF_FAULTS])


def _why(kind: str, message: str) -> str:
    # pydantic's own words name the expected type; they never quote the value.
    return message.removeprefix("Value error, ") if kind == "value_error" else f"类型或长度不符 ({message})"


def _readable_id(plain: Mapping[str, Any]) -> str | None:
    try:
        return values.identifier(plain.get("eventId"))
    except ValueError:
        return None
