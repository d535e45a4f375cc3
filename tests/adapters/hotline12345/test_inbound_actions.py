"""Every other action at our door, with its three outcomes."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.hotline12345 import codes, mapping
from bridge.adapter import Answered, Ignored, Outcome, PetitionView, Question, Ref, Taken
from bridge.rules.rehandling import ASKED
from schemas.event import EventType as E
from schemas.event import Satisfaction, Span, SupervisionLevel
from schemas.petition import ExternalId
from tests.adapters.hotline12345.support import NOW, PETITION_ID, SYSTEM, read, sent, told, update

C = {"caseId": PETITION_ID}
STEP = C | {"actionName": "x", "actionTime": "2026-11-22 11:00:00", "partName": "受理员", "itemContent": "已办"}

ACTIONS: list[tuple[str, dict[str, Any], E]] = [
    ("ITEM_INST_SYNC", STEP | {"action": "transit"}, E.DISPATCHED),
    ("ITEM_INST_SYNC", STEP | {"action": "Redirect"}, E.DISPATCHED),
    ("ITEM_INST_SYNC", STEP | {"action": "Claim"}, E.NOTED),
    ("ITEM_INST_SYNC", STEP | {"action": "sign"}, E.SIGNED),
    ("ITEM_INST_SYNC", STEP | {"action": "local-77", "actionName": "回访"}, E.FOLLOWED_UP),
    ("ITEM_INST_SYNC", STEP | {"action": "local-77", "actionName": "放烟花"}, E.UNKNOWN),
    ("SIGN", C, E.SIGNED),
    ("DISPOSE_FEEDBACK", C | {"disposeOpinion": "已修好"}, E.REPLIED),
    ("CHECK_FEEDBACK", C | {"disposeOpinion": "属实", "disposeState": 1}, E.VERIFIED),
    ("CHECK_FEEDBACK", C | {"disposeOpinion": "不属实", "disposeState": "0"}, E.VERIFIED),
    ("CHECK_FEEDBACK", C | {"disposeOpinion": "?", "disposeState": 5}, E.UNKNOWN),
    ("CHECK_FEEDBACK", C | {"disposeOpinion": "已看过现场"}, E.VERIFIED),
    ("CHECK_FEEDBACK", C | {"archiveTypeId": 1, "archiveOpinion": "结案"}, E.CLOSED),
    ("ARCHIVE", C | {"archiveTypeId": 1, "archiveTypeName": "正常结案"}, E.CLOSED),
    ("APPLY_ROLLBACK", C | {"applyTypeId": 0}, E.RETURNED),
    ("APPLY_ROLLBACK", C | {"applyTypeId": "1", "applyReason": "非本部门"}, E.RETURN_REQUESTED),
    ("APPLY_ROLLBACK", C | {"applyTypeId": 9}, E.UNKNOWN),
    ("REPLY_ROLLBACK", C | {"replyResult": 1}, E.RETURNED),
    ("REPLY_ROLLBACK", C | {"replyResult": 0}, E.RETURN_DENIED),
    ("APPLY_POSTPONE", C | {"applyTypeId": 0}, E.EXTENDED),
    ("APPLY_POSTPONE", C | {"applyTypeId": 1}, E.EXTENSION_REQUESTED),
    ("APPLY_POSTPONE", C | {"applyTypeId": 1, "postponeType": 7, "postponeTime": 1}, E.UNKNOWN),
    ("REPLY_POSTPONE", C | {"replyResult": 1}, E.EXTENDED),
    ("REPLY_POSTPONE", C | {"replyResult": 0}, E.EXTENSION_DENIED),
    ("APPLY_CANCEL", C | {"applyTypeId": 0}, E.CANCELLED),
    ("APPLY_CANCEL", C | {"applyTypeId": 1}, E.CANCEL_REQUESTED),
    ("REPLY_CANCEL", C | {"replyResult": 1}, E.CANCELLED),
    ("REPLY_CANCEL", C | {"replyResult": 0}, E.CANCEL_DENIED),
    ("EVALUATE", C | {"misRecEvaluation": {"evaluateState": 0}}, E.RATED),
    ("EVALUATE", C | {"misRecEvaluation": {"evaluateState": 8}}, E.UNKNOWN),
    ("EVALUATE", C | {"misRecEvaluation": {"evaluateState": 0, "evaluateType": 7}}, E.UNKNOWN),
    ("SUPERVISE", C | {"opinion": "太慢"}, E.SUPERVISED),
    ("PRESS", C | {"opinion": "请加快"}, E.URGED),
    ("NOTIFY", C | {"notifyTypeId": 1, "notifyContent": "已受理"}, E.ACCEPTED),
    ("NOTIFY", C | {"notifyTypeId": 2, "notifyContent": "已办理"}, E.REPLIED),
    ("NOTIFY", C | {"notifyTypeId": "96", "notifyContent": "正在办"}, E.PROGRESSED),
    ("NOTIFY", C | {"notifyTypeId": 3, "notifyContent": "?"}, E.UNKNOWN),
    ("UPDATE_CASE_INFO", C | {"disposeDeadlineTime": "2026-11-30 23:59:59"}, E.NOTED),
    ("UPLOAD_CASE_INFO", C | {"disposeDeadlineTime": 5.5}, E.NOTED),
    ("UPDATE_CASE_INFO", C | {"reHandleFlag": 1}, E.REHANDLED),
    ("UPLOAD_MEDIA", C | {"medias": [{"mediaName": "a.jpg", "mediaPath": "/a.jpg"}]}, E.NOTED),
    ("CANCEL", C, E.CANCELLED),
    ("APPLY_ARCHIVE", C, E.NOTED),
    ("REPLY_FINISH", C | {"replyResult": 1}, E.CLOSED),
    ("REPLY_FINISH", C | {"replyResult": 0}, E.NOTED),
    ("EVALUATE_APPEAL", C, E.NOTED),
    ("EVALUATE_AUDIT", C, E.NOTED),
    ("APPLY_ ROLLBACK", C | {"applyTypeId": 1}, E.RETURN_REQUESTED),
]


@pytest.mark.parametrize(("action", "data", "type_"), ACTIONS)
def test_each_action_means_one_event(action: str, data: dict[str, Any], type_: E) -> None:
    news = update(action, data)
    assert news.type is type_
    assert news.refs[0] == Ref(petition_id=PETITION_ID)
    assert Ref(SYSTEM, PETITION_ID, "caseId") in news.refs
    assert news.message_key == "u-1"
    if type_ is E.UNKNOWN:
        assert news.data.status is not None
        assert json.loads(news.data.raw or "")["data"] == data


def test_no_action_is_without_a_case_here() -> None:
    assert set(mapping.READERS) - {"REPORT"} == {action for action, _, _ in ACTIONS} - {"APPLY_ ROLLBACK"}


def test_a_deliberately_ignored_step_is_kept_and_answered() -> None:
    reading = read(sent("ITEM_INST_SYNC", STEP | {"action": "REPORT"}))
    assert isinstance(reading, Ignored)
    assert (told(reading)["code"], reading.message_key) == (0, "u-1")


def test_a_dispatch_names_the_next_unit() -> None:
    news = update("ITEM_INST_SYNC", STEP | {"action": "transit", "unitName": "受理中心", "nextUnitName": "市水务局"})
    assert news.data.unit == "市水务局"
    assert [assignment.unit for assignment in news.data.units] == ["市水务局"]
    assert news.occurred_at.isoformat() == "2026-11-22T11:00:00+08:00"


def test_a_reply_whole() -> None:
    news = update(
        "DISPOSE_FEEDBACK",
        {
            "caseId": "20261122104001",
            "taskNum": PETITION_ID,
            "recId": 1251239,
            "disposeOpinion": "您好，已修好。\x00",
            "disposeTime": 1698920297000,
            "disposeUnitName": "市城管局",
            "disposeHumanName": "王科长",
            "medias": [{"mediaName": "现场.jpg", "mediaPath": "https://files.invalid/x.jpg", "mediaUsage": "处置"}],
        },
    )
    assert (news.data.text, news.data.unit, news.data.person) == ("您好，已修好。\x00", "市城管局", "王科长")
    assert news.occurred_at.isoformat() == "2023-11-02T18:18:17+08:00"
    assert news.data.attachments[0].usage == "处置"
    assert [ref.petition_id or ref.value for ref in news.refs] == [
        PETITION_ID,
        "20261122104001",
        PETITION_ID,
        "1251239",
    ]
    assert {n.kind for n in news.external_ids} == {"caseId", "recId"}
    assert news.actor is None


@pytest.mark.parametrize(
    ("change", "span", "due"),
    [
        ({"postponeType": 2, "postponeTime": 2.5}, Span(amount=2.5, unit="days"), None),
        ({"postponeType": "1", "postponeTime": "48"}, Span(amount=48, unit="hours"), None),
        ({"postponeType": 0, "postponeDeadline": "2026-12-01 00:00:00"}, None, "2026-12-01T00:00:00+08:00"),
        ({"postponeDeadline": "2026-12-01 00:00:00"}, None, "2026-12-01T00:00:00+08:00"),
        ({"postponeType": 2, "postponeTime": 0}, None, None),
    ],
)
def test_postponement(change: dict[str, Any], span: Span | None, due: str | None) -> None:
    data = update("APPLY_POSTPONE", C | {"applyTypeId": 1} | change).data
    assert data.extend_by == span
    assert (data.due_at.isoformat() if data.due_at else None) == due


def test_a_rating_by_the_citizen_by_indicators() -> None:
    indicators = [
        {"indicatorId": 1, "indicatorCode": "rec_total_evaluation", "score": 5},
        {"indicatorId": 2, "indicatorCode": "deal_speed_metrics", "score": "4.5"},
    ]
    said = {"evaluateState": 1, "evaluateType": 0, "detailList": [{"opinion": "慢", "indicatorResult": indicators}]}
    news = update("EVALUATE", C | {"misRecEvaluation": said})
    assert news.actor == "petitioner"
    assert news.data.satisfaction is Satisfaction.UNSATISFIED
    assert (news.data.score, news.data.text) == (None, "慢")
    assert [(one.code, one.score) for one in news.data.indicators] == [
        ("rec_total_evaluation", "5"),
        ("deal_speed_metrics", "4.5"),
    ]


def test_an_automatic_rating_was_not_spoken_by_the_citizen() -> None:
    said = {"evaluateState": "0", "evaluateType": 1, "score": "5", "content": "系统默认好评"}
    news = update("EVALUATE", C | {"misRecEvaluation": json.dumps(said)})
    assert (news.actor, news.data.score, news.data.satisfaction) == ("system", "5", Satisfaction.SATISFIED)


@pytest.mark.parametrize(
    ("type_", "actor"), [({"evaluateType": "0"}, "petitioner"), ({"evaluateType": 1}, "system"), ({}, "system")]
)
def test_whose_rating_it_is(type_: dict[str, Any], actor: str) -> None:
    news = update("EVALUATE", C | {"misRecEvaluation": {"evaluateState": 0, "content": "很好"} | type_})
    assert (news.type, news.actor) == (E.RATED, actor)


@pytest.mark.parametrize("step", [{"action": "visit"}, {"action": "evaluate"}, {"action": "x", "actionName": "回访"}])
@pytest.mark.parametrize(
    ("who", "actor"),
    [
        ({"unitName": "市水务局", "partName": "12345工单承办人"}, "unit"),
        ({"partName": "市水务局"}, "unit"),
        ({"unitName": "市12345热线受理中心", "partName": "张某"}, None),
        ({"unitName": "", "partName": "政府服务热线-受理组-二组"}, None),
        ({}, None),
    ],
)
def test_what_a_unit_says_of_itself_is_not_the_citizens_word(
    step: dict[str, str], who: dict[str, str], actor: str | None
) -> None:
    assert update("ITEM_INST_SYNC", STEP | {"partName": ""} | step | who).actor == actor


def test_no_other_step_says_who_spoke() -> None:
    assert update("ITEM_INST_SYNC", STEP | {"action": "handle", "unitName": "市水务局"}).actor is None


def test_a_check_is_nobodys_word() -> None:
    news = update(
        "CHECK_FEEDBACK", C | {"disposeOpinion": "市民满意", "disposeState": 1, "disposeUnitName": "市水务局"}
    )
    assert news.type is E.VERIFIED
    assert news.type not in ASKED


def test_a_city_names_its_own_desk_and_its_exceptions(tmp_path: Path) -> None:
    mine = tmp_path / "codes.toml"
    mine.write_text('[speakers]\n"民意中心" = "desk"\n"水务局热线" = "unit"\n[evaluate_types]\n2 = "unit"\n', "utf-8")
    tables = codes.load(mine)
    names = ("市民意中心", "市水务局热线办", "市长热线", "市水务局")
    assert [tables.speaker(name) for name in names] == ["desk", "unit", "desk", "unit"]
    assert tables.evaluate_types["2"] == "unit"
    mine.write_text('[speakers]\n"民意中心" = "citizen"\n', "utf-8")
    with pytest.raises(codes.WrongCodes, match="民意中心"):
        codes.load(mine)


def test_supervision_and_urging() -> None:
    supervised = update("SUPERVISE", C | {"opinion": "太慢", "endTime": "2026-12-03 19:16:00"})
    assert supervised.data.due_at is not None
    assert update("PRESS", C | {"opinion": "快"}).data.level is SupervisionLevel.URGE


@pytest.mark.parametrize("action", ["REPLY_ROLLBACK", "APPLY_POSTPONE"])
def test_an_application_without_its_answer_is_refused(action: str) -> None:
    assert told(read(sent(action, C)))["code"] == -400002


# ── questions ──

VIEW = PetitionView(
    petition_id=PETITION_ID,
    title="路灯不亮",
    kind="help",
    handling_class="hotline_transfer",
    state="replied",
    submitted_at=NOW,
    updated_at=NOW,
    external_ids=(ExternalId(system=SYSTEM, kind="caseId", value="X1"),),
    last_event="replied",
    said="已修好",
    unit="市城管局",
)


def ask(action: str, views: list[PetitionView]) -> dict[str, Any]:
    reading = read(sent(action, {"caseId": "X1"}))
    assert isinstance(reading, Question)
    assert reading.refs == (Ref(SYSTEM, "X1", "caseId"),)
    answered = reading.then(views)
    assert isinstance(answered, Answered)
    return told(answered)


def test_a_case_looked_up() -> None:
    info = ask("GET_REC_INFO", [VIEW])["result"]["recInfo"]
    assert (info["taskNum"], info["caseId"], info["actDefName"]) == (PETITION_ID, "X1", "核查")
    assert (info["replyContent"], info["recTypeName"]) == ("已修好", "求助")


def test_the_steps_looked_up() -> None:
    first, last = ask("GET_REC_PROCESS_INFO", [VIEW])["result"]["itemInstList"]
    assert (first["action"], last["action"], last["itemContent"]) == ("submitted", "replied", "已修好")


@pytest.mark.parametrize("action", ["GET_REC_INFO", "GET_REC_PROCESS_INFO"])
def test_an_unknown_case(action: str) -> None:
    assert ask(action, [])["code"] == -500003


def test_we_keep_no_notices() -> None:
    empty = read(sent("GET_NOTICE_INFO", {"noticeName": "REPORT_NOTICE"}))
    assert isinstance(empty, Answered)
    assert told(empty)["result"]["resultList"] == []
    assert isinstance(read(sent("NOTICE_SIGNING", {"noticeList": []})), Answered)


def test_news_that_wait_for_their_case_are_answered_as_kept() -> None:
    reading = read(sent("SIGN", {"caseId": "X1"}))
    assert isinstance(reading, Taken)
    document = json.loads(reading.reply([Outcome("kept", None, None)]).body)
    assert (document["code"], document["result"]) == (0, {})
