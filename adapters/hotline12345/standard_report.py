"""REPORT and UPDATE_CASE_INFO as the standard prescribes them: the work order (工单), field by field."""

from adapters.hotline12345.standard import Flag, Media, Number, OfCase, Text, Time, Whole, Words, may, means


class WorkOrder(OfCase):
    """What a work order may say beside what it must."""

    case_num: Text | None = may("工单编号（亦作casNum）", "number for people; also written casNum", max_length=128)
    cas_num: Text | None = may("同caseNum", "the other spelling of caseNum", max_length=128)
    open_id: Text | None = may("市民微信openid", "the citizen's openid", max_length=128)
    dispatch_time: Time | None = may("派遣时间", "dispatched at")
    sign_time: Time | None = may("签收时间", "signed at")
    sign_deadline: Time | None = may("签收时限", "to be signed by")
    rollback_deadline: Time | None = may("退单时限", "to be handed back by, if at all")
    dispose_deadline_time: Time | None = may("处置时限", "to be handled by")
    title: Words | None = may("标题", "title")
    event_type_id: Whole | Words | None = may("事项类型编码", "subject, first level, code")
    event_type_name: Words | None = may("事项类型", "its name")
    main_type_id: Whole | Words | None = may("大类编码", "second level, code")
    main_type_name: Words | None = may("大类", "its name")
    sub_type_id: Whole | Words | None = may("小类编码", "third level, code")
    sub_type_name: Words | None = may("小类", "its name")
    third_type_id: Whole | Words | None = may("细类编码", "fourth level, code")
    third_type_name: Words | None = may("细类", "its name")
    event_property_id: Whole | None = may("诉求性质编码（字典EVENT_PROPERTY）", "what is wanted, code")
    event_property_name: Words | None = may("诉求性质", "what is wanted, name")
    coordinate_x: Number | None = may("经度（数字或字符串）", "longitude, a number or text")
    coordinate_y: Number | None = may("纬度（数字或字符串）", "latitude, a number or text")
    district_id: Whole | None = may("区编码", "district, code")
    district_name: Words | None = may("区", "district")
    street_id: Whole | None = may("街道编码", "street, code")
    street_name: Words | None = may("街道", "street")
    community_id: Whole | None = may("社区编码", "community, code")
    community_name: Words | None = may("社区", "community")
    cell_id: Whole | Words | None = may("网格编码", "grid, code")
    cell_name: Words | None = may("网格", "grid")
    dispatch_opinion: Words | None = may("派遣意见", "opinion of who dispatches; not for the citizen")
    sign_state: Flag | None = may("签收状态", "whether signed")
    send_type_code: Words | None = may("派遣方式编码", "way of dispatch, code")
    send_type_name: Words | None = may("派遣方式", "way of dispatch")
    handle_org_code: Words | None = may("承办单位编码", "handling unit, code")
    handle_org_name: Words | None = may("承办单位", "handling unit")
    case_status: Whole | Words | None = may("工单状态", "state")
    urgent_level_id: Whole | None = may("紧急程度", "urgency")
    keyword: Words | None = may("关键字", "key words")
    case_mark: Words | None = may("工单标记", "mark")
    evaluate_content: Words | None = may("评价内容", "words of a rating")
    accident_flag: Flag | None = may("是否突发", "sudden")
    instable_flag: Flag | None = may("是否涉稳", "touches public order")
    repeat_call_flag: Flag | None = may("是否重复来电", "the caller has called about it before")
    return_visit_flag: Flag | None = may("是否回访（默认0）", "wants a visit; 0 unless said")
    public_flag: Flag | None = may("是否公开（默认0）", "may be published; 0 unless said")
    rollback_flag: Flag | None = may("是否可退单（默认1）", "may be handed back; 1 unless said")
    postpone_flag: Flag | None = may("是否可延期（默认1）", "may be postponed; 1 unless said")
    re_handle_flag: Flag | None = may("是否重办（默认0）", "handled again; 0 unless said")
    call_subject_id: Whole | Words | None = may("来电主体编码", "who calls, code")
    call_subject_name: Words | None = may("来电主体", "who calls")
    contact: Words | None = may("联系电话", "phone")
    id_card_no: Words | None = may("证件号码", "id number; never written by the bridge", alias="IdCardNo")
    call_time: Time | None = may("来电时间", "called at")
    reporter_name: Words | None = may("来电人", "the caller's name")
    reporter_address: Words | None = may("来电人地址", "the caller's address")
    reporter_public_flag: Flag | None = may("来电人信息是否公开：0保密", "0: keep the caller's data confidential")
    gender_id: Whole | None = may("性别编码", "gender, code")
    age_range_id: Whole | None = may("年龄段编码", "age, code")
    tel_reply: Words | None = may("回复电话（逗号分隔）", "numbers to call back, joined by commas")


class Report(WorkOrder):
    """REPORT 工单上报."""

    register_time: Time = means("登记时间", "registered at")
    event_desc: Text = means("诉求内容", "what it is about")
    rec_type_id: Whole = means("工单类型编码（字典REC_TYPE）", "type of case, code")
    rec_type_name: Text = means("工单类型", "type of case")
    event_src_id: Whole = means("来源编码（字典EVENT_SRC）", "source, code")
    event_src_name: Text = means("来源", "source")
    address: Text = means("地址", "where")
    medias: tuple[Media, ...] = means("附件列表，可为空", "files; may be empty")


class UpdateCaseInfo(WorkOrder):
    """UPDATE_CASE_INFO 更新工单信息 (its table says UPLOAD_CASE_INFO 文档表内作UPLOAD_CASE_INFO)."""

    register_time: Time | None = may("登记时间", "registered at")
    event_desc: Text | None = may("诉求内容", "what it is about")
    rec_type_id: Whole | None = may("工单类型编码", "type of case, code")
    rec_type_name: Words | None = may("工单类型", "type of case")
    address: Words | None = may("地址", "where")
    medias: tuple[Media, ...] | None = may("附件列表", "files")
