"""REPORT at our door: a work order becomes a petition."""

from typing import Any

import pytest

from adapters.hotline12345 import cases
from bridge.adapter import Malformed, Outcome, Ref, Submission, Taken, Update
from schemas.event import EventType
from schemas.petition import HandlingClass, Kind, Urgency
from tests.adapters.hotline12345.support import PETITION_ID, REPORT, SYSTEM, read, sent, submission, told, update


def test_a_work_order_whole() -> None:
    taken = submission(REPORT)
    petition = taken.petition
    assert (taken.message_key, taken.holder) == ("u-1", SYSTEM)
    assert {(n.kind, n.value) for n in taken.external_ids} == {
        ("caseId", "20261122104001"),
        ("caseHandleId", "0964e3fa46a94f2783c8846acbd7c87a"),
        ("caseNum", "JN2026112200017"),
    }
    assert petition.kind is Kind.HELP
    assert petition.handling_class is HandlingClass.HOTLINE_TRANSFER
    assert petition.content == REPORT["eventDesc"]
    assert (petition.petitioner.name, petition.petitioner.phone) == ("孟大娘", "13900000001")
    assert petition.petitioner.openid == REPORT["openId"]
    assert not petition.petitioner.anonymous
    assert (petition.place.longitude, petition.place.latitude) == (116.58, 35.41)
    assert (petition.place.region_code, petition.place.community) == ("370811", None)
    assert taken.submitted_at.isoformat() == "2026-11-22T09:04:36+08:00"
    assert petition.occurred_at is not None
    assert petition.occurred_at.isoformat() == "2026-11-22T09:01:00+08:00"


def test_a_known_case_with_another_dispatch_is_dispatched_again() -> None:
    again = submission(REPORT | {"dispatchOpinion": "请尽快处理"}).again
    assert again is not None
    assert (again.type, again.data.text) == (EventType.DISPATCHED, "请尽快处理")
    rehandled = submission(REPORT | {"reHandleFlag": 1}).again
    assert rehandled is not None
    assert rehandled.type is EventType.REHANDLED


def test_the_same_case_without_a_dispatch_number_is_a_plain_repeat() -> None:
    assert submission({**REPORT, "caseHandleId": ""}).again is None
    assert submission({**REPORT, "caseHandleId": "", "reHandleFlag": True}).again is not None


def test_our_own_petition_dispatched_back_is_no_new_petition() -> None:
    news = update("REPORT", REPORT | {"caseId": PETITION_ID})
    assert news.type is EventType.DISPATCHED
    assert news.refs[0] == Ref(petition_id=PETITION_ID)
    assert PETITION_ID not in {number.value for number in news.external_ids}


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"eventPropertyName": "投诉"}, Kind.COMPLAINT),
        ({"eventPropertyName": None, "recTypeName": "意见建议类"}, Kind.SUGGESTION),
        ({"eventPropertyName": "", "recTypeName": "", "recTypeId": "4"}, Kind.REPORT),
        ({"eventPropertyName": None, "recTypeName": None, "recTypeId": None, "eventPropertyId": 13}, Kind.HELP),
        ({"eventPropertyName": None, "recTypeName": "市一体化平台", "recTypeId": 23}, Kind.OTHER),
        ({"eventPropertyName": "咨询", "recTypeName": "市一体化平台", "recTypeId": 23}, Kind.CONSULTATION),
    ],
)
def test_kinds(change: dict[str, Any], kind: Kind) -> None:
    assert submission(REPORT | change).petition.kind is kind


def test_an_unmapped_kind_is_noted_beside_the_petition() -> None:
    reading = read(sent("REPORT", REPORT | {"eventPropertyName": None, "recTypeId": 99, "recTypeName": "吐槽"}))
    assert isinstance(reading, Taken)
    new, note = reading.drafts
    assert isinstance(new, Submission)
    assert isinstance(note, Update)
    assert new.petition.kind is Kind.OTHER
    assert note.type is EventType.UNKNOWN
    assert note.message_key.startswith("code:")
    assert note.data.status is not None
    assert (note.data.status.code, note.data.status.name) == ("recTypeId=99", "吐槽")
    assert Ref(SYSTEM, "20261122104001", "caseId") in note.refs


@pytest.mark.parametrize(("value", "urgency"), [(2, Urgency.URGENT), ("特急", Urgency.CRITICAL), ("", Urgency.NORMAL)])
def test_urgency(value: object, urgency: Urgency) -> None:
    assert submission(REPORT | {"urgentLevelId": value}).petition.urgency is urgency


def test_an_unmapped_urgency_is_noted() -> None:
    reading = read(sent("REPORT", REPORT | {"urgentLevelId": 77}))
    assert isinstance(reading, Taken)
    assert [type(draft) for draft in reading.drafts] == [Submission, Update]


@pytest.mark.parametrize(
    ("change", "anonymous", "confidential", "phone"),
    [
        ({"reporterName": "", "contact": "", "openId": ""}, True, False, None),
        ({"reporterName": None, "contact": None, "telReply": "13900000003,13900000004"}, False, False, "13900000003"),
        ({"reporterName": "匿名"}, True, False, "13900000001"),
        ({"reporterPublicFlag": 0}, False, True, "13900000001"),
        ({"reporterPublicFlag": "0"}, False, True, "13900000001"),
        ({"reporterPublicFlag": 1}, False, False, "13900000001"),
        ({"reporterPublicFlag": "保密"}, False, True, "13900000001"),
    ],
)
def test_who_asks(change: dict[str, Any], anonymous: bool, confidential: bool, phone: str | None) -> None:
    person = submission(REPORT | change).petition.petitioner
    assert (person.anonymous, person.confidential, person.phone) == (anonymous, confidential, phone)


@pytest.mark.parametrize(("x", "y"), [("abc", 35.4), (0, 0), (None, 35.4), (500, 35.4), ("NaN", "1e999"), (True, 35)])
def test_a_wrong_coordinate_loses_no_petition(x: object, y: object) -> None:
    place = submission(REPORT | {"coordinateX": x, "coordinateY": y}).petition.place
    assert (place.longitude, place.latitude) == (None, None)


def test_category_is_the_finest_code_and_the_path_of_names() -> None:
    types = {
        "mainTypeId": 32,
        "mainTypeName": "街面秩序",
        "subTypeId": 4746,
        "subTypeName": "黑车拉客",
        "thirdTypeId": 0,
    }
    category = submission(REPORT | types).petition.category
    assert (category.code, category.name) == ("4746", "街面秩序/黑车拉客")


def test_text_passes_untouched() -> None:
    odd = "三号楼\x00\u200b\u00a0１２３ _x000D_\r\n尾\t𠮷❤️"
    assert submission(REPORT | {"eventDesc": odd}).petition.content == odd


def test_long_numbers_stay_exact_and_both_spellings_are_read() -> None:
    data = {key: value for key, value in REPORT.items() if key != "casNum"} | {"caseId": 20240101000072123456789}
    ids = {n.kind: n.value for n in submission(data | {"caseNum": "0002024"}).external_ids}
    assert (ids["caseId"], ids["caseNum"]) == ("20240101000072123456789", "0002024")


def test_a_number_written_twice_is_kept_once() -> None:
    ids = submission(REPORT | {"casNum": REPORT["caseId"]}).external_ids
    assert [n.kind for n in ids if n.value == REPORT["caseId"]] == ["caseId"]


def test_files_by_path_and_by_content() -> None:
    files = [
        {"mediaName": "a.jpg", "mediaPath": "https://files.invalid/a.jpg", "mediaUsage": "上报", "mediaTypeId": 1},
        {"mediaName": "b.jpg", "content": "aGk=", "mediaUsage": "上报", "mediaTypeId": 1},
        {"mediaName": "c.jpg", "mediaPath": "https://files.invalid/" + "x" * 3000},
    ]
    urls = [file.url for file in submission(REPORT | {"medias": files}).petition.attachments]
    assert urls == ["https://files.invalid/a.jpg", "raw:u-1#medias/1", "raw:u-1#medias/2"]


def test_the_answer_carries_an_integer_and_our_number() -> None:
    reading = read(sent("REPORT", REPORT))
    assert isinstance(reading, Taken)
    answer = reading.reply([Outcome("new", PETITION_ID, "r", "e")])
    document = told(type("R", (), {"response": answer}))
    assert answer.status == 200
    assert document == {
        "success": True,
        "code": 0,
        "message": "工单上报成功",
        "result": {"recId": cases.rec_id(PETITION_ID), "taskNum": PETITION_ID, "receipt": "r"},
        "uid": "u-1",
        "hasError": False,
    }
    assert 0 < document["result"]["recId"] < 2**53


@pytest.mark.parametrize(
    "change",
    [
        {"caseId": "", "caseHandleId": None, "casNum": None},
        {"eventDesc": None, "title": ""},
        {"caseId": "A\x001"},
        {"caseId": "A\n1"},
        {"caseId": "x" * 129},
        {"caseId": 2.0240101000072e13},
        {"caseId": ["A1"]},
        {"registerTime": "2024-02-30 00:00:00"},
        {"registerTime": 45292.5},
        {"medias": "not json"},
        {"medias": [1]},
        {"eventDesc": "长" * 100_001},
        {"openId": "a\x07b"},
    ],
)
def test_what_cannot_be_used_is_refused_clearly(change: dict[str, Any]) -> None:
    reading = read(sent("REPORT", REPORT | change))
    assert isinstance(reading, Malformed)
    assert reading.response.status == 400
    assert told(reading)["code"] == -400002
    assert told(reading)["uid"] == "u-1"
    for private in (REPORT["contact"], REPORT["reporterName"], REPORT["eventDesc"][:6]):
        assert private not in reading.reason


# ── what an order says beside the petition ──

DISPATCH = {
    "handleOrgName": "市水务局",
    "handleOrgCode": "3708",
    "signDeadline": "2026-11-23 12:00:00",
    "rollbackDeadline": "2026-11-24 12:00:00",
    "disposeDeadlineTime": "2026-11-29 18:00:00",
    "dispatchOpinion": "请尽快处理",
}


def beside(data: dict[str, Any], uid: str = "u-1") -> Update:
    reading = read(sent("REPORT", data, uid))
    assert isinstance(reading, Taken)
    new, news = reading.drafts
    assert isinstance(new, Submission)
    assert isinstance(news, Update)
    return news


def test_a_dispatch_with_its_limits_stands_beside_the_petition() -> None:
    news = beside(REPORT | DISPATCH)
    assert (news.type, news.data.unit, news.data.units[0].code) == (EventType.DISPATCHED, "市水务局", "3708")
    limits = (news.data.sign_by, news.data.return_by, news.data.due_at)
    assert [limit.isoformat()[:10] for limit in limits if limit] == ["2026-11-23", "2026-11-24", "2026-11-29"]
    assert submission(REPORT | DISPATCH).again is None, "the dispatch is told once, not twice"


def test_one_dispatch_is_one_message_by_whatever_road_it_comes() -> None:
    first, second = beside(REPORT | DISPATCH, "u-1"), beside(REPORT | DISPATCH, "u-2")
    assert first.message_key == second.message_key
    assert beside(REPORT | DISPATCH | {"caseHandleId": "h2"}).message_key != first.message_key
    assert beside(REPORT | DISPATCH | {"caseId": "X2"}).message_key != first.message_key
    without = {**REPORT, **DISPATCH, "caseHandleId": ""}
    assert beside(without, "u-1").message_key == beside(without, "u-2").message_key
    by_notice = REPORT | DISPATCH | {"disposeDeadlineTime": 1795946400000}
    assert beside(by_notice).message_key == first.message_key
    ours = [update("REPORT", REPORT | DISPATCH | {"caseId": PETITION_ID}, uid).message_key for uid in ("u-1", "u-2")]
    assert ours[0] == ours[1] != first.message_key
    unnumbered = {**REPORT, "caseId": PETITION_ID, "caseHandleId": ""}
    assert update("REPORT", unnumbered, "u-1").message_key == "u-1"
    later = without | {"disposeDeadlineTime": "2026-12-09 18:00:00"}
    assert beside(later).message_key != beside(without).message_key


def test_a_rehandling_without_a_number_of_its_own_is_known_by_its_message() -> None:
    again = {**REPORT, **DISPATCH, "caseHandleId": "", "reHandleFlag": 1}
    assert beside(again, "u-1").type is EventType.REHANDLED
    assert beside(again, "u-1").message_key != beside(again, "u-2").message_key


def test_a_caller_who_has_called_before() -> None:
    text = "【最近派发的工单编号：20261101000123，工单内容：路灯不亮】灯又坏了"
    note = beside(REPORT | {"repeatCallFlag": 1, "eventDesc": text})
    assert (note.type, note.data.reference) == (EventType.NOTED, "20261101000123")
    assert note.data.status is not None
    assert (note.data.status.code, note.data.status.name) == ("repeatCallFlag=1", "重复来电")
    assert submission(REPORT | {"repeatCallFlag": "1"}).petition.repeat_call
    assert len(_drafts(REPORT | {"repeatCallFlag": "1"})) == 1, "no order is quoted: there is nothing to note"
    assert len(_drafts(REPORT | {"repeatCallFlag": 0, "eventDesc": text})) == 1


def _drafts(data: dict[str, Any]) -> tuple[Any, ...]:
    reading = read(sent("REPORT", data))
    assert isinstance(reading, Taken)
    return reading.drafts


def test_new_limits_and_a_new_place_in_an_update() -> None:
    news = update("UPDATE_CASE_INFO", {"caseId": "X1", **DISPATCH, "streetName": "古槐街道", "coordinateX": "116.5"})
    assert news.type is EventType.NOTED
    assert news.data.return_by is not None
    assert news.data.place is not None
    assert (news.data.place.street, news.data.place.longitude) == ("古槐街道", None)
    assert update("UPDATE_CASE_INFO", {"caseId": "X1"}).data.place is None
