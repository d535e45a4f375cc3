"""Reports from the center: the petition in them, whoever brought it, and what is wrong with it."""

from datetime import datetime
from typing import Any

import pytest

from bridge.adapter import Ignored, Submission, Taken, Update
from schemas.base import SHANGHAI
from schemas.event import EventType
from schemas.petition import HandlingClass, Kind
from tests.adapters.governance_center.support import EVENT_ID, NOW, malformed, read, submission_of

REPORT = {
    "op": "report",
    "messageId": "m-1",
    "eventId": EVENT_ID,
    "eventName": "路灯不亮",
    "content": "“翠湖路”路灯\u0000不亮\r\n已一周",
    "appealType": "投诉举报",
    "eventType": "0301",
    "typeName": "市政设施",
    "urgencyDegree": "02",
    "occurred": "翠湖路与青年路交叉口",
    "regionCode": "370811",
    "gridCode": "370811001001",
    "longitude": "116.58",
    "latitude": 35.41,
    "contactUserName": "测试乙",
    "contactTel": 13800000001,
    "openId": "o-test-2",
    "happenTimeStr": "2026-11-20 21:00:00",
    "registerTimeStr": "2026-11-21 08:30:00",
    "targetOrgName": "市城管局",
}


def test_a_report_is_a_new_petition() -> None:
    draft = submission_of(REPORT)
    petition = draft.petition
    assert (draft.message_key, draft.holder, draft.submitted_at.hour) == ("m-1", "governance_center", 8)
    assert [(one.system, one.kind, one.value) for one in draft.external_ids] == [
        ("governance_center", "eventId", EVENT_ID)
    ]
    assert petition.handling_class is HandlingClass.KEY_SUPERVISION
    assert (petition.kind, petition.content, petition.title) == (Kind.COMPLAINT, REPORT["content"], "路灯不亮")
    assert (petition.petitioner.name, petition.petitioner.phone, petition.petitioner.openid) == (
        "测试乙",
        "13800000001",
        "o-test-2",
    )
    assert (petition.place.longitude, petition.place.latitude, petition.lead_unit) == (116.58, 35.41, "市城管局")
    assert petition.category.code == "0301"


def test_several_units_are_a_joint_package() -> None:
    petition = submission_of({"targetOrgCode": "A", "assistOrgNames": ["乙局", "丙局"]}).petition
    assert petition.handling_class is HandlingClass.JOINT_PACKAGE
    assert (petition.lead_unit, petition.assist_units) == ("A", ("乙局", "丙局"))


def test_a_report_sent_again_is_a_note() -> None:
    again = submission_of({**REPORT, "remarks": "已退回，补充材料后重报"}).again
    assert again is not None
    assert (again.type, again.data.text) == (EventType.NOTED, "已退回，补充材料后重报")


def test_a_draft_is_not_a_report() -> None:
    assert isinstance(read({**REPORT, "status": "99"}), Ignored)
    assert submission_of({**REPORT, "status": "02"})


@pytest.mark.parametrize(
    ("status", "also"),
    [("02", None), ("办理中", None), ("03", EventType.CLOSED), ("06", EventType.CANCELLED), ("55", EventType.UNKNOWN)],
)
def test_a_report_of_what_is_over_already_says_so(status: str, also: EventType | None) -> None:
    reading = read({**REPORT, "status": status})
    assert isinstance(reading, Taken)
    new, *more = reading.drafts
    assert isinstance(new, Submission)
    assert [draft.type for draft in more if isinstance(draft, Update)] == ([also] if also else [])
    assert {draft.message_key for draft in more} <= {"m-1#status"}


def test_codes_no_table_knows_do_not_cost_the_petition() -> None:
    reading = read(
        {**REPORT, "urgencyDegree": "88", "appealType": "申告", "assignments": [{"orgName": "甲", "role": "x"}]}
    )
    assert isinstance(reading, Taken)
    new, *strange = reading.drafts
    assert isinstance(new, Submission)
    keys = {draft.message_key for draft in strange}
    assert keys == {"m-1#role", "m-1#appealType", "m-1#urgencyDegree"}
    assert all(isinstance(draft, Update) and draft.type is EventType.UNKNOWN for draft in strange)


@pytest.mark.parametrize(
    ("fields", "name", "anonymous", "confidential"),
    [
        ({"contactUserName": "匿名"}, None, True, False),
        ({"contactUserName": "保密"}, None, False, True),
        ({"contactUserName": "某人", "confidential": 1}, "某人", False, True),
        ({"anonymous": True}, None, True, False),
        ({"anonymous": "0", "confidential": "否"}, None, False, False),
        ({"confidential": "待定"}, None, False, True),
    ],
)
def test_callers_who_must_not_be_known(
    fields: dict[str, Any], name: str | None, anonymous: bool, confidential: bool
) -> None:
    person = submission_of(fields).petition.petitioner
    assert (person.name, person.anonymous, person.confidential) == (name, anonymous, confidential)


@pytest.mark.parametrize(
    ("longitude", "latitude"),
    [("116.5", None), (None, 35), ("", ""), ("东经", "35"), (200, 35), (116, 95), ([1], {}), (True, 1), (10**400, 1)],
)
def test_a_wrong_pin_is_no_pin(longitude: object, latitude: object) -> None:
    place = submission_of({"longitude": longitude, "latitude": latitude}).petition.place
    assert (place.longitude, place.latitude) == (None, None)


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("2024-01-02 03:04:05", (2024, 1, 2, 3, 4, 5)),
        ("2024/1/2 3:04:05", (2024, 1, 2, 3, 4, 5)),
        ("2024-01-02T03:04:05+08:00", (2024, 1, 2, 3, 4, 5)),
        ("2024-01-01T19:04:05Z", (2024, 1, 2, 3, 4, 5)),
        ("20240102030405", (2024, 1, 2, 3, 4, 5)),
        ("1704135845", (2024, 1, 2, 3, 4, 5)),
        (1704135845000, (2024, 1, 2, 3, 4, 5)),
        ("2024-01-02", (2024, 1, 2, 0, 0, 0)),
        ("", None),
        ("0001-01-01T00:00:00", None),
        (None, None),
    ],
)
def test_times(written: object, read_as: tuple[int, ...] | None) -> None:
    found = submission_of({"happenTimeStr": written}).petition.occurred_at
    assert found == (datetime(*read_as, tzinfo=SHANGHAI) if read_as else None)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    "written", ["2024-02-30 00:00:00", "24-01-02", "昨天", 45292.5, True, "9999-12-31 00:00:00", "12"]
)
def test_a_time_that_cannot_be_read_is_said_so(written: object) -> None:
    reason, answer = malformed({"op": "sign", "eventId": EVENT_ID, "taskTime": written})
    assert "taskTime" in reason
    assert "时间" in answer["message"] or "年份" in answer["message"]


def test_field_names_of_other_platforms_and_trailing_blanks() -> None:
    fields = {
        "WantPerson": "测试丙",
        "WantPersonTel ": "13800000002",
        "Title": "标题",
        "content": None,
        "WantContent": "内容",
    }
    petition = submission_of(fields).petition
    assert (petition.petitioner.phone, petition.title) == ("13800000002", "标题")
    assert submission_of({"content": "真", "content ": "假"}).petition.content == "真"


def test_the_title_serves_where_the_content_is_empty() -> None:
    assert submission_of({"content": "", "eventName": "只有标题"}).petition.content == "只有标题"
    reason, _ = malformed({"op": "report", "eventId": EVENT_ID, "content": "", "eventName": None})
    assert "content" in reason


def test_submitted_when_received_if_it_does_not_say() -> None:
    assert submission_of({}).submitted_at == NOW
