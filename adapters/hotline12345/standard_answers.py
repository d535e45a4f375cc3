"""What comes back, as the standard prescribes it: the answer's envelope, the token door, look-ups, notices, dictionary.

`GET_REC_LIST` and what it answers are ours: no document has a list by day, and reconciliation needs one.
"""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from adapters.hotline12345.standard import Flag, Number, Prescribed, Text, Whole, Words, may, means

Code = Annotated[Whole, Field(le=0)]


class Told(Prescribed):
    """An answer may say more than is written here."""

    model_config = ConfigDict(extra="allow")


class Answer(Told):
    """Answer 应答信封: judged by `code` alone."""

    success: bool = means("是否成功（与code矛盾时以code为准）", "may contradict the code, which counts")
    code: Code = means("应答码，0为成功", "0 is success")
    message: Words | None = may("说明", "words for people")
    result: dict[str, Any] | None = may("结果", "the result")
    uid: Words | None = may("所答请求的uid", "of the request answered")
    has_error: bool = means("是否有错（与code矛盾时以code为准）", "may contradict the code, which counts")


class Numbers(Told):
    """`result` of REPORT and of news 上报与办理类操作的结果."""

    rec_id: Whole = means("接收方工单标识（整数）", "the receiver's id, an integer")
    task_num: Text = means("接收方工单号", "the receiver's number")
    receipt: Words | None = may("来听桥的回执（存证摘要）", "our receipt, provable later; the standard has none")


class PublicKey(Answer):
    """GET /oauth/extras/openapi/pubkey."""

    message: Text = means("SM2公钥，十六进制，含前导04", "SM2 public key, hex, with the leading 04")


class Client(Prescribed):
    """POST /oauth/extras/openapi/client."""

    client_id: Text = means("应用标识", "who asks", alias="client_id")
    client_secret: Text = means(
        "密钥，SM2加密（C1C3C2）后的十六进制", "SM2-encrypted secret, hex", alias="client_secret"
    )
    grant_type: Annotated[str, Field(pattern="^client_credentials$")] = means("授权方式", "grant", alias="grant_type")
    uid: Text = means("请求唯一标识", "of this request")


class Token(Told):
    """`result.token`."""

    access_token: Text = means("访问令牌", "the token", alias="access_token")
    token_type: Words | None = may("令牌类型", "its type", alias="token_type")
    refresh_token: Words | None = may("刷新令牌（不使用）", "not used", alias="refresh_token")
    expires_in: Number = means("有效秒数（约24000）", "seconds, about 24 000", alias="expires_in")
    scope: Words | None = may("范围", "scope")


class TokenResult(Told):
    """`result` of the client door."""

    token: Token = means("令牌", "the token")


class PageInfo(Told):
    """Where in a list 分页信息."""

    num_per_page: Whole = means("每页条数", "a page holds")
    current_page: Whole = means("当前页", "this page")
    total_page: Whole = means("总页数", "pages")
    total_record: Whole = means("总条数", "all")


class NoticeItem(Told):
    """One notice 一条通知."""

    notice_id: Whole | Text = means("通知标识", "the notice")
    notice_data: Text = means("JSON文本，时间可为毫秒", "JSON inside a string; times may be milliseconds")


class Notices(Told):
    """`result` of GET_NOTICE_INFO."""

    result_list: tuple[NoticeItem, ...] = means("通知列表", "the notices")
    page_info: PageInfo = means("分页信息", "where in the list")


class RecInfo(Told):
    """`result.recInfo` of GET_REC_INFO: the work order as it stands (and whatever of REPORT they keep)."""

    rec_id: Whole = means("工单标识（整数）", "its id there")
    task_num: Text = means("工单号", "its number there")
    case_id: Text | None = may("工单标识", "the case")
    case_num: Text | None = may("工单编号", "number for people")
    case_handle_id: Words | None = may("最近一次派遣标识", "the latest dispatch")
    uid: Text | None = may("上报该工单的请求uid（扩展）", "uid of the REPORT that brings it (extension)")
    title: Words | None = may("标题", "title")
    rec_type_name: Words | None = may("工单类型", "type of case")
    case_status: Whole | Words | None = may("工单状态", "state, code")
    act_def_name: Words | None = may("当前环节", "state, name")
    rec_create_time: Words | None = may("登记时间", "entered")
    act_create_time: Words | None = may("到达当前环节时间", "in this state since")
    unit_name: Words | None = may("办理单位", "unit")
    reply_content: Words | None = may("答复内容", "the reply")


class RecInfoResult(Told):
    """`result` of GET_REC_INFO."""

    rec_info: RecInfo = means("工单", "the case")


class StepTold(Told):
    """One step 一条经过."""

    action: Text = means("经过代码", "code")
    action_name: Words = means("经过名称", "name")
    action_time: Words = means("时间", "when")
    item_content: Words | None = may("内容", "what was said")


class Steps(Told):
    """`result` of GET_REC_PROCESS_INFO."""

    item_inst_list: tuple[StepTold, ...] = means("办理经过", "the steps")


class DictionaryEntry(Told):
    """One code 一个字典项."""

    id: Whole | Text = means("编码", "code")
    name: Text = means("名称", "name")


class Dictionary(Told):
    """`result` of GET /openapi/v1/dic."""

    data: tuple[DictionaryEntry, ...] = means("字典项", "the codes")
    page_info: PageInfo | None = may("分页信息", "where in the list")


class RecListItem(Told):
    """One case of GET_REC_LIST: no name, number or address (扩展)."""

    rec_id: Whole = means("工单标识（整数）", "its id there")
    task_num: Text = means("工单号", "its number there")
    case_id: Text = means("工单标识", "the case")
    outer_task_num: Text | None = may("对方工单号（对方应答的taskNum）", "the other side's number, from its answer")
    rec_create_time: Words = means("登记时间", "entered")
    act_def_name: Words = means("当前环节", "state")
    title: Words | None = may("标题", "title")
    event_desc: Words | None = may("诉求内容", "what it is about")
    rec_type_id: Whole | None = may("工单类型编码", "type, code")
    rec_type_name: Words | None = may("工单类型", "type")
    event_property_name: Words | None = may("诉求性质", "what is wanted")
    urgent_level_id: Whole | None = may("紧急程度", "urgency")
    main_type_name: Words | None = may("大类", "subject")
    district_id: Whole | None = may("区编码", "district")
    street_name: Words | None = may("街道", "street")
    community_name: Words | None = may("社区", "community")
    cell_name: Words | None = may("网格", "grid")
    media_names: tuple[Words, ...] = means("附件名称", "names of its files")
    sign_state: Flag | None = may("签收状态", "whether signed")


class RecList(Told):
    """`result` of GET_REC_LIST (扩展)."""

    result_list: tuple[RecListItem, ...] = means("工单列表", "the cases")
    page_info: PageInfo = means("分页信息", "where in the list")
