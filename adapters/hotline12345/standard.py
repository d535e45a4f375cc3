"""The messages as the standard prescribes them: required fields, types, values, and nothing else.

`wire.py` reads whatever a hotline was seen to write; these models say what may be written. They are the sandbox's
strict mode, the JSON Schemas of `schemas/`, and the field tables of the README. Each field says what it means, in
Chinese and English; times are `yyyy-MM-dd HH:mm:ss` on the city's clock.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, StringConstraints, model_validator
from pydantic.alias_generators import to_camel


def _on_the_calendar(value: str) -> str:
    datetime.strptime(value, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - only whether it is a date there is
    return value


def _notice_of(value: int) -> int:
    if value not in (1, 2, 96):
        raise ValueError("the citizen is told of 1 acceptance, 2 handling, or 96 an interim reply")
    return value


Text = Annotated[str, Strict(), StringConstraints(min_length=1)]
Words = Annotated[str, Strict()]
"""Text that may be empty."""
Whole = Annotated[int, Strict()]
Flag = Annotated[int, Strict(), Field(ge=0, le=1)]
Time = Annotated[
    str, Strict(), StringConstraints(pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"), AfterValidator(_on_the_calendar)
]
_Digits = Annotated[str, Strict(), StringConstraints(pattern=r"^-?\d+(\.\d+)?$")]
Number = Annotated[float, Strict()] | _Digits
"""Coordinates and scores come as numbers and as strings."""
Usage = Literal["上报", "核查", "核实", "处置", "自处置"]


def means(zh: str, en: str, **more: Any) -> Any:
    """A required field: what it means in both languages."""
    return Field(description=f"{zh} · {en}", **more)


def may(zh: str, en: str, **more: Any) -> Any:
    """An optional field."""
    return Field(default=None, description=f"{zh} · {en}", **more)


class Prescribed(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, validate_by_name=False, frozen=True)


class Envelope(Prescribed):
    """Request 请求信封."""

    uid: Text = means("请求唯一标识（幂等键）", "identifies the request for ever: the idempotency key", max_length=128)
    sender_code: Text = means("发送方标识", "who sends", max_length=64)
    action: Text = means("操作名称", "the action", max_length=64)
    data: dict[str, Any] = means("业务数据，结构随操作而定", "the action's data")


class Media(Prescribed):
    """File 附件: by path or by content."""

    media_name: Text = means("附件名称", "file name", max_length=255)
    media_path: Text | None = may("附件地址（与content二选一）", "where it can be fetched", max_length=2048)
    content: Text | None = may("附件内容Base64（与mediaPath二选一）", "its content in base64")
    media_usage: Usage = means("附件用途", "what it shows: reported, checked, verified, handled, handled by oneself")
    media_type_id: Annotated[Whole, Field(ge=1, le=1)] = means("附件类型，固定为1", "kind of file, always 1")

    @model_validator(mode="after")
    def _path_or_content(self) -> Self:
        if (self.media_path is None) == (self.content is None):
            raise ValueError("a file has a mediaPath or a content, and not both")
        return self


class OfCase(Prescribed):
    """What names a case."""

    case_id: Text = means("工单标识", "the case", max_length=128)
    case_handle_id: Text | None = may("本次派遣标识", "one dispatch of the case", max_length=128)


class WithMedias(OfCase):
    medias: tuple[Media, ...] | None = may("附件列表", "files")


# ── news ──


class ItemInstSync(OfCase):
    """ITEM_INST_SYNC 办理经过同步."""

    action: Text = means("经过代码", "code of the step", max_length=64)
    action_name: Text = means("经过名称", "name of the step", max_length=200)
    action_time: Time = means("经过时间", "when")
    part_name: Text = means("参与者", "who took it", max_length=200)
    item_content: Text = means("经过内容", "what was done or said")
    task_define_name: Words | None = may("当前环节", "stage")
    unit_name: Words | None = may("办理单位", "unit")
    human_name: Words | None = may("办理人", "person")
    next_task_define_name: Words | None = may("下一环节", "next stage")
    next_unit_id: Whole | Words | None = may("下一单位编码", "next unit's code")
    next_unit_name: Words | None = may("下一单位", "next unit")
    next_part_name: Words | None = may("下一参与者", "who is next")


class DisposeFeedback(WithMedias):
    """DISPOSE_FEEDBACK 处置反馈."""

    dispose_opinion: Text = means("处置意见（答复内容）", "the reply")
    dispose_time: Time | None = may("处置时间", "when")
    dispose_state: Flag | None = may("处置状态", "state")
    dispose_human_name: Words | None = may("处置人", "who")
    dispose_unit_name: Words | None = may("处置单位", "unit")


class CheckFeedback(DisposeFeedback):
    """CHECK_FEEDBACK 核查反馈."""

    dispose_state: Flag = means("核查结果：0不通过 1通过", "0 not passed, 1 passed")


class Archived(WithMedias):
    """ARCHIVE 工单办结 (also written CHECK_FEEDBACK 亦作CHECK_FEEDBACK)."""

    archive_type_id: Whole = means("办结类型编码", "type of ending")
    archive_type_name: Words | None = may("办结类型", "its name")
    archive_time: Time | None = may("办结时间", "when")
    archive_opinion: Words | None = may("办结意见", "opinion")
    archive_human_name: Words | None = may("办结人", "who")
    auto_transit_next: Flag | None = may("是否自动流转", "goes on by itself")


class Applied(WithMedias):
    """APPLY_ROLLBACK, APPLY_CANCEL 申请."""

    apply_type_id: Flag = means("0无需答复 1需要答复", "0 wants no approval, 1 wants a reply")
    apply_reason: Text = means("申请理由", "reason")
    apply_time: Time = means("申请时间", "when")
    apply_human_id: Whole | Text | None = may("申请人编码", "who, code")
    apply_human_name: Words | None = may("申请人", "who")
    apply_unit_id: Whole | Text | None = may("申请单位编码", "unit, code")
    apply_unit_name: Words | None = may("申请单位", "unit")


class ApplyPostpone(Applied):
    """APPLY_POSTPONE 申请延期."""

    postpone_type: Annotated[Whole, Field(ge=0, le=2)] = means("0至某日 1小时 2天", "0 until a date, 1 hours, 2 days")
    postpone_time: Number = means("延期时长（可为小数，如2.5）", "how long; 2.5 is legal")
    postpone_deadline: Time | None = may("延期至（postponeType为0时必填）", "until; needed with postponeType 0")

    @model_validator(mode="after")
    def _until_when(self) -> Self:
        if self.postpone_type == 0 and self.postpone_deadline is None:
            raise ValueError("postponeType 0 needs a postponeDeadline")
        return self


class Replied(OfCase):
    """REPLY_ROLLBACK, REPLY_POSTPONE, REPLY_CANCEL, REPLY_FINISH 答复申请."""

    reply_result: Flag = means("0不同意 1同意", "0 no, 1 yes")
    reply_opinion: Text = means("答复意见", "opinion")
    reply_time: Time = means("答复时间", "when")
    reply_human_name: Words | None = may("答复人", "who")
    reply_unit_name: Words | None = may("答复单位", "unit")
    third_deadline_time: Time | None = may("重新核定的处置时限", "the deadline that now holds")


class IndicatorResult(Prescribed):
    """One measure of a rating 满意度指标."""

    indicator_id: Whole = means("指标标识", "id")
    indicator_code: Text = means("指标编码", "code", max_length=64)
    score: Number = means("得分（数字或字符串）", "score, a number or text")


class EvaluationDetail(Prescribed):
    """A group of measures 指标分组."""

    group_id: Whole | None = may("分组标识", "group")
    opinion: Words | None = may("意见", "words")
    indicator_result: tuple[IndicatorResult, ...] = means("各指标结果", "each measure")


class Evaluation(Prescribed):
    """A rating 评价."""

    scheme_id: Whole = means("评价方案标识", "scheme")
    evaluate_time: Time = means("评价时间", "when")
    content: Words | None = may("评价内容", "words")
    score: Number | None = may("总分", "overall score")
    evaluate_state: Annotated[Whole, Field(ge=0, le=2)] = means(
        "0好评 1差评 2多次差评", "0 good, 1 bad, 2 repeatedly bad"
    )
    evaluate_type: Flag = means("0市民评价 1自动评价", "0 by the citizen, 1 automatic")
    detail_list: tuple[EvaluationDetail, ...] | None = may("指标评价", "by measures")


class Evaluate(OfCase):
    """EVALUATE 满意度评价."""

    mis_rec_evaluation: Evaluation = means("评价", "the rating")


class Supervise(OfCase):
    """SUPERVISE 督办 (only proposes: an operator publishes it 仅为提请，须人工发布)."""

    opinion: Text = means("督办意见", "opinion")
    end_time: Time | None = may("督办时限", "until")


class Press(OfCase):
    """PRESS 催办."""

    opinion: Text = means("催办意见", "opinion")


class Sign(OfCase):
    """SIGN 签收."""

    sign_time: Time | None = may("签收时间", "when")
    unit_name: Words | None = may("签收单位", "unit")


class Notify(OfCase):
    """NOTIFY 告知市民 (after SIGN 须先签收)."""

    notify_content: Text = means("告知内容", "what the citizen was told")
    notify_type_id: Annotated[Whole, AfterValidator(_notice_of)] = means(
        "1受理 2办理 96阶段回复", "1 accepted, 2 handled, 96 interim reply", json_schema_extra={"enum": [1, 2, 96]}
    )
    notify_method: Annotated[Whole, Field(ge=1, le=4)] = means(
        "1短信 2仅记录 3微信 4电话", "1 SMS, 2 record, 3 WeChat, 4 phone"
    )
    notify_time: Time | None = may("告知时间", "when")


class UploadMedia(OfCase):
    """UPLOAD_MEDIA 上传附件."""

    medias: Annotated[tuple[Media, ...], Field(min_length=1)] = means("附件列表", "files")


class Cancel(OfCase):
    """CANCEL_NOTICE 作废通知 (notice only 仅通知)."""

    cancel_opinion: Words | None = may("作废意见", "opinion")
    cancel_time: Time | None = may("作废时间", "when")


class Remark(OfCase):
    """APPLY_ARCHIVE_NOTICE, EVALUATE_APPEAL_NOTICE, EVALUATE_AUDIT_NOTICE (notices only 仅通知)."""

    apply_reason: Words | None = may("理由", "reason")
    apply_time: Time | None = may("时间", "when")
    apply_unit_name: Words | None = may("单位", "unit")
