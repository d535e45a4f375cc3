"""The hotline's messages exactly as it writes them. Unknown keys are normal and are left aside.

The standard contradicts itself, so the models take every spelling seen: `caseNum`/`casNum`, `uid`/`Uid`, `data`/`Data`,
`data` as an object or as JSON inside a string, numbers as numbers or strings, "" and null for none.
"""

import math
from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from adapters.hotline12345 import times
from bridge import strictjson


def _text(value: object) -> object:
    """Text from text or a whole number. A fraction is refused: an id that went through a float has lost digits."""
    if value is None or value == "":
        return None
    if isinstance(value, int):
        return str(int(value))  # flags come as 0 and 1, and as false and true
    return value


def _number(value: object) -> float | None:
    """A number from a number or text; what is neither is none (a wrong coordinate loses no petition)."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _list(value: object) -> object:
    """A list; none for null and ""; the list inside a JSON string."""
    if value is None or value == "":
        return ()
    return strictjson.loads(value) if isinstance(value, str) else value


def _object(value: object) -> object:
    return strictjson.loads(value) if isinstance(value, str) else value


Text = Annotated[str | None, BeforeValidator(_text)]
Needed = Annotated[str, BeforeValidator(_text)]
Number = Annotated[float | None, BeforeValidator(_number)]
Time = Annotated[datetime | None, BeforeValidator(times.read)]
Deadline = Annotated[datetime | None, BeforeValidator(times.read_or_none)]


class Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class Envelope(Wire):
    """The request. `uid` identifies it for ever."""

    uid: Text = Field(default=None, validation_alias=AliasChoices("uid", "Uid"))
    sender_code: Text = Field(default=None, validation_alias="senderCode")
    action: Needed
    data: Annotated[dict[str, Any], BeforeValidator(_object)] = Field(validation_alias=AliasChoices("data", "Data"))


class Media(Wire):
    """A file: by path, or its content in base64."""

    name: Text = Field(default=None, validation_alias="mediaName")
    path: Text = Field(default=None, validation_alias="mediaPath")
    content: Text = None
    usage: Text = Field(default=None, validation_alias="mediaUsage")


Medias = Annotated[tuple[Media, ...], BeforeValidator(_list)]


class Case(Wire):
    """What names a case: their id, one dispatch of it, their number, and the receiver's numbers when they are given."""

    case_id: Text = Field(default=None, validation_alias="caseId")
    case_handle_id: Text = Field(default=None, validation_alias="caseHandleId")
    case_num: Text = Field(default=None, validation_alias=AliasChoices("caseNum", "casNum"))
    rec_id: Text = Field(default=None, validation_alias="recId")
    task_num: Text = Field(default=None, validation_alias="taskNum")
    medias: Medias = ()


class Report(Case):
    """A work order. Only what the canonical petition has room for; the raw message keeps the rest."""

    register_time: Time = Field(default=None, validation_alias="registerTime")
    dispatch_time: Deadline = Field(default=None, validation_alias="dispatchTime")
    call_time: Deadline = Field(default=None, validation_alias="callTime")
    sign_deadline: Deadline = Field(default=None, validation_alias="signDeadline")
    rollback_deadline: Deadline = Field(default=None, validation_alias="rollbackDeadline")
    dispose_deadline: Deadline = Field(default=None, validation_alias="disposeDeadlineTime")
    repeat_call: Text = Field(default=None, validation_alias="repeatCallFlag")
    title: Text = None
    event_desc: Text = Field(default=None, validation_alias="eventDesc")
    rec_type_id: Text = Field(default=None, validation_alias="recTypeId")
    rec_type_name: Text = Field(default=None, validation_alias="recTypeName")
    property_id: Text = Field(default=None, validation_alias="eventPropertyId")
    property_name: Text = Field(default=None, validation_alias="eventPropertyName")
    urgent_level: Text = Field(default=None, validation_alias=AliasChoices("urgentLevelId", "urgentLevelName"))
    event_type_id: Text = Field(default=None, validation_alias="eventTypeId")
    event_type_name: Text = Field(default=None, validation_alias="eventTypeName")
    main_type_id: Text = Field(default=None, validation_alias="mainTypeId")
    main_type_name: Text = Field(default=None, validation_alias="mainTypeName")
    sub_type_id: Text = Field(default=None, validation_alias="subTypeId")
    sub_type_name: Text = Field(default=None, validation_alias="subTypeName")
    third_type_id: Text = Field(default=None, validation_alias="thirdTypeId")
    third_type_name: Text = Field(default=None, validation_alias="thirdTypeName")
    x: Number = Field(default=None, validation_alias="coordinateX")
    y: Number = Field(default=None, validation_alias="coordinateY")
    address: Text = None
    district_id: Text = Field(default=None, validation_alias="districtId")
    district_name: Text = Field(default=None, validation_alias="districtName")
    street_name: Text = Field(default=None, validation_alias="streetName")
    community_name: Text = Field(default=None, validation_alias="communityName")
    cell_id: Text = Field(default=None, validation_alias="cellId")
    cell_name: Text = Field(default=None, validation_alias="cellName")
    dispatch_opinion: Text = Field(default=None, validation_alias="dispatchOpinion")
    handle_org_code: Text = Field(default=None, validation_alias="handleOrgCode")
    handle_org_name: Text = Field(default=None, validation_alias="handleOrgName")
    re_handle: Text = Field(default=None, validation_alias="reHandleFlag")
    open_id: Text = Field(default=None, validation_alias=AliasChoices("openId", "openid"))
    contact: Text = None
    tel_reply: Text = Field(default=None, validation_alias="telReply")
    reporter_name: Text = Field(default=None, validation_alias="reporterName")
    reporter_public: Text = Field(default=None, validation_alias="reporterPublicFlag")


class Listed(Report):
    """One case of GET_REC_LIST."""

    outer_task_num: Text = Field(default=None, validation_alias="outerTaskNum")
    entered: Time = Field(default=None, validation_alias="recCreateTime")
    state: Text = Field(default=None, validation_alias=AliasChoices("actDefName", "caseStatus"))
    media_names: Annotated[tuple[str, ...], BeforeValidator(_list)] = Field(default=(), validation_alias="mediaNames")


class Step(Case):
    """One processing step (ITEM_INST_SYNC)."""

    action: Needed
    action_name: Text = Field(default=None, validation_alias="actionName")
    action_time: Time = Field(default=None, validation_alias="actionTime")
    content: Text = Field(default=None, validation_alias="itemContent")
    human_name: Text = Field(default=None, validation_alias="humanName")
    unit_name: Text = Field(default=None, validation_alias="unitName")
    part_name: Text = Field(default=None, validation_alias="partName")
    next_unit_id: Text = Field(default=None, validation_alias="nextUnitId")
    next_unit_name: Text = Field(default=None, validation_alias="nextUnitName")
    next_part_name: Text = Field(default=None, validation_alias="nextPartName")


class Disposal(Case):
    """DISPOSE_FEEDBACK and CHECK_FEEDBACK."""

    opinion: Text = Field(default=None, validation_alias="disposeOpinion")
    time: Time = Field(default=None, validation_alias="disposeTime")
    state: Text = Field(default=None, validation_alias="disposeState")
    human_name: Text = Field(default=None, validation_alias="disposeHumanName")
    unit_name: Text = Field(default=None, validation_alias=AliasChoices("disposeUnitName", "disposeRoleName"))


class Application(Case):
    """APPLY_ROLLBACK, APPLY_POSTPONE, APPLY_CANCEL and REPLY_*."""

    kind: Text = Field(default=None, validation_alias=AliasChoices("applyTypeId", "replyResult"))
    opinion: Text = Field(default=None, validation_alias=AliasChoices("applyReason", "replyOpinion"))
    time: Time = Field(default=None, validation_alias=AliasChoices("applyTime", "replyTime"))
    human_name: Text = Field(default=None, validation_alias=AliasChoices("applyHumanName", "replyHumanName"))
    unit_name: Text = Field(default=None, validation_alias=AliasChoices("applyUnitName", "replyUnitName"))
    postpone_type: Text = Field(default=None, validation_alias="postponeType")
    postpone_time: Number = Field(default=None, validation_alias="postponeTime")
    postpone_deadline: Deadline = Field(default=None, validation_alias="postponeDeadline")
    third_deadline: Deadline = Field(default=None, validation_alias="thirdDeadlineTime")


class Archive(Case):
    """The end of a case: ARCHIVE, or CHECK_FEEDBACK with an `archiveTypeId`."""

    type_id: Text = Field(default=None, validation_alias="archiveTypeId")
    type_name: Text = Field(default=None, validation_alias="archiveTypeName")
    time: Time = Field(default=None, validation_alias="archiveTime")
    opinion: Text = Field(default=None, validation_alias="archiveOpinion")
    human_name: Text = Field(default=None, validation_alias="archiveHumanName")


class Indicator(Wire):
    code: Text = Field(default=None, validation_alias=AliasChoices("indicatorCode", "indicatorId"))
    name: Text = Field(default=None, validation_alias="indicatorName")
    score: Number = None


class EvaluationDetail(Wire):
    opinion: Text = None
    indicators: Annotated[tuple[Indicator, ...], BeforeValidator(_list)] = Field(
        default=(), validation_alias="indicatorResult"
    )


class Evaluation(Wire):
    time: Time = Field(default=None, validation_alias="evaluateTime")
    content: Text = None
    score: Number = None
    state: Text = Field(default=None, validation_alias="evaluateState")
    type: Text = Field(default=None, validation_alias="evaluateType")
    details: Annotated[tuple[EvaluationDetail, ...], BeforeValidator(_list)] = Field(
        default=(), validation_alias="detailList"
    )


class Evaluate(Case):
    evaluation: Annotated[Evaluation, BeforeValidator(_object)] = Field(validation_alias="misRecEvaluation")


class Opinion(Case):
    """SUPERVISE, PRESS, SIGN, CANCEL and the notices that carry only an opinion."""

    opinion: Text = Field(
        default=None, validation_alias=AliasChoices("opinion", "cancelOpinion", "applyReason", "content")
    )
    end_time: Deadline = Field(default=None, validation_alias="endTime")
    time: Deadline = Field(default=None, validation_alias=AliasChoices("signTime", "cancelTime", "applyTime", "time"))
    human_name: Text = Field(default=None, validation_alias=AliasChoices("humanName", "applyHumanName"))
    unit_name: Text = Field(default=None, validation_alias=AliasChoices("unitName", "applyUnitName", "handleOrgName"))


class Notify(Case):
    """The citizen has been told: accepted, handled, or an interim reply."""

    content: Text = Field(default=None, validation_alias="notifyContent")
    type: Text = Field(default=None, validation_alias="notifyTypeId")
    method: Text = Field(default=None, validation_alias="notifyMethod")
    time: Deadline = Field(default=None, validation_alias="notifyTime")


class PolledNotice(Wire):
    """One entry of GET_NOTICE_INFO: the data is a JSON document inside a string."""

    notice_id: Needed = Field(validation_alias="noticeId")
    notice_name: Needed = Field(validation_alias="noticeName")
    data: Annotated[dict[str, Any], BeforeValidator(_object)] = Field(validation_alias="noticeData")
