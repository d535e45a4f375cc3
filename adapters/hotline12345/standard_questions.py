"""What either side may ask, as the standard prescribes it: a case, its steps, the notices, and (ours) the list of a
day."""

from typing import Annotated

from pydantic import Field

from adapters.hotline12345.standard import OfCase, Prescribed, Text, Time, Whole, may, means


class GetRecInfo(OfCase):
    """GET_REC_INFO 查询工单."""


class GetRecProcessInfo(OfCase):
    """GET_REC_PROCESS_INFO 查询办理经过."""


class GetNoticeInfo(Prescribed):
    """GET_NOTICE_INFO 获取通知."""

    notice_name: Text = means("通知名称", "which notices")
    cur_page: Annotated[Whole, Field(ge=1)] | None = may("页码，从1起", "page, from 1")
    num_per_page: Annotated[Whole, Field(ge=1, le=1000)] | None = may("每页条数", "notices a page")


class SignedNotice(Prescribed):
    """One notice signed for 签收的一条通知."""

    notice_id: Whole | Text = means("通知标识", "the notice")
    case_id: Text | None = may("工单标识", "its case", max_length=128)


class NoticeSigning(Prescribed):
    """NOTICE_SIGNING 签收通知."""

    notice_list: tuple[SignedNotice, ...] = means("已收妥的通知", "the notices that have been taken")


class GetRecList(Prescribed):
    """GET_REC_LIST 按日查询工单清单 (extension 扩展)."""

    begin_time: Time = means("登记起始时间（含）", "entered from, included")
    end_time: Time = means("登记截止时间（含）", "entered until, included")
    cur_page: Annotated[Whole, Field(ge=1)] = means("页码，从1起", "page, from 1")
    num_per_page: Annotated[Whole, Field(ge=1, le=1000)] = means("每页条数", "cases a page")
