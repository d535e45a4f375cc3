"""What we write, held against the standard's own demands."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.hotline12345 import codes, mapping, sandbox_rules, telling
from adapters.hotline12345.codes import Codes
from bridge.adapter import Outgoing, Permanent, Update
from schemas.event import EventData, EventType, Satisfaction, Span
from schemas.petition import Attachment, HandlingClass, Kind, Petitioner, Place
from tests.adapters.hotline12345.support import CODES, NOW, PETITION_ID, outgoing, petition

OURS = {"recId": "1251239", "taskNum": "JN2026112200000001"}
THEIRS = {"caseId": "20261122104001", "caseHandleId": "h1"}
DATA = EventData(text="情况说明", unit="市水务局", due_at=NOW + timedelta(days=3))


def calls(out: Outgoing, tables: Codes = CODES) -> tuple[telling.Told, ...]:
    told = telling.calls(out, tables, "来听桥")
    assert [sandbox_rules.fault(one.action, one.data) for one in told] == [None] * len(told), told
    return told


def tell(out: Outgoing, tables: Codes = CODES) -> telling.Told:
    (told,) = calls(out, tables)
    return told


def report(**more: Any) -> dict[str, Any]:
    told = tell(outgoing(petition=petition(**more)))
    assert told.action == "REPORT"
    return told.data


@pytest.mark.parametrize("numbers", [OURS, THEIRS])
@pytest.mark.parametrize("type_", sorted(CODES.tell))
def test_every_event_keeps_to_the_standard_and_is_read_back(type_: EventType, numbers: dict[str, str]) -> None:
    out = outgoing(type_, data=DATA, external_ids=numbers)
    told = tell(out)
    if told.action == "REPORT":
        assert told.data["caseId"] == PETITION_ID
        return
    assert told.data["caseId"] == numbers.get("caseId", PETITION_ID)
    (draft,) = mapping.drafts(mapping.Message("k", told.action, told.data, NOW), CODES)
    assert isinstance(draft, Update)
    theirs_to_say = told.action == "APPLY_CANCEL" and type_ is EventType.CANCELLED and numbers is THEIRS
    dispose = type_ is EventType.REPLIED and told.action == "ITEM_INST_SYNC"
    expected = EventType.CANCEL_REQUESTED if theirs_to_say else EventType.PROGRESSED if dispose else type_
    assert draft.type is expected


def test_a_case_handled_again_is_a_new_dispatch_with_a_number_of_its_own() -> None:
    told = tell(outgoing(EventType.REHANDLED, data=EventData(text="市民不满意，请重办"), external_ids=OURS))
    assert (told.action, told.data["caseId"], told.data["reHandleFlag"]) == ("REPORT", PETITION_ID, 1)
    assert told.data["caseHandleId"] == f"{PETITION_ID}-R1"
    assert told.data["dispatchOpinion"] == "市民不满意，请重办"
    discreet = outgoing(EventType.REHANDLED, external_ids=OURS, petition=petition(kind=Kind.COMPLAINT))
    assert tell(discreet).data["dispatchOpinion"].startswith("已安排维修\n请勿将来电人资料")


def test_a_case_that_began_there_is_not_reported_back() -> None:
    began_there = petition(source="hotline12345")
    with pytest.raises(Permanent, match="the_case_is_theirs"):
        tell(outgoing(EventType.SUBMITTED, external_ids=THEIRS, petition=began_there))


def test_a_citizen_who_called_there_too_is_reported_with_the_number_of_that_call() -> None:
    told = tell(outgoing(EventType.SUBMITTED, external_ids=THEIRS))
    assert (told.action, told.data["caseId"], told.data["repeatCallFlag"]) == ("REPORT", PETITION_ID, 1)
    assert f"与贵方工单{THEIRS['caseId']}为同一诉求" in told.data["dispatchOpinion"]
    complaint = outgoing(EventType.SUBMITTED, external_ids=THEIRS, petition=petition(kind=Kind.COMPLAINT))
    assert tell(complaint).data["dispatchOpinion"].endswith("做好市民信息保密工作。")


# ── telling the citizen, and what is added to a case ──


def test_a_visit_in_which_the_citizen_spoke_is_a_notification() -> None:
    data = EventData(text="已电话回访，市民确认修好", resolved="yes")
    told = tell(outgoing(EventType.FOLLOWED_UP, data=data, external_ids=THEIRS))
    assert told.action == "NOTIFY"
    assert (told.data["notifyTypeId"], told.data["notifyMethod"], told.data["notifyContent"]) == (2, 2, data.text)


def test_a_visit_that_reached_nobody_is_only_a_step() -> None:
    told = tell(outgoing(EventType.FOLLOWED_UP, data=EventData(text="无人接听"), external_ids=THEIRS))
    assert (told.action, told.data["action"]) == ("ITEM_INST_SYNC", "visit")


@pytest.mark.parametrize(
    ("event", "type_"), [(EventType.ACCEPTED, 1), (EventType.REPLIED, 2), (EventType.PROGRESSED, 96)]
)
def test_a_city_may_want_the_citizen_told_of_each_stage(tmp_path: Path, event: EventType, type_: int) -> None:
    mine = tmp_path / "codes.toml"
    mine.write_text(f'[tell.{event}]\ntheirs = "NOTIFY"\n[notify]\nmethod = 3\n', encoding="utf-8")
    told = tell(outgoing(event, external_ids=THEIRS), codes.load(mine))
    assert (told.action, told.data["notifyTypeId"], told.data["notifyMethod"]) == ("NOTIFY", type_, 3)


def test_an_event_without_a_type_of_notification_is_parked(tmp_path: Path) -> None:
    mine = tmp_path / "codes.toml"
    mine.write_text('[tell.suspended]\ntheirs = "NOTIFY"\n', encoding="utf-8")
    with pytest.raises(Permanent, match="no_notify_type:suspended"):
        tell(outgoing(EventType.SUSPENDED, external_ids=THEIRS), codes.load(mine))


def test_what_is_added_goes_as_words_place_and_files() -> None:
    added = EventData(
        text="灯又坏了",
        place=Place(street="古槐街道", longitude=116.58, latitude=35.41),
        attachments=(Attachment(name="a.jpg", url="https://files.invalid/a.jpg"),),
    )
    told = calls(outgoing(EventType.NOTED, data=added, external_ids=OURS))
    assert [(one.action, one.part) for one in told] == [
        ("ITEM_INST_SYNC", ""),
        ("UPDATE_CASE_INFO", "info"),
        ("UPLOAD_MEDIA", "media"),
    ]
    assert told[0].data["itemContent"] == "灯又坏了"
    assert (told[1].data["address"], told[1].data["coordinateX"]) == ("古槐街道", 116.58)
    assert told[2].data["medias"][0]["mediaName"] == "a.jpg"
    files_only = calls(outgoing(EventType.NOTED, data=added.model_copy(update={"text": None, "place": None})))
    assert [one.action for one in files_only] == ["UPLOAD_MEDIA"]


def test_the_spelling_of_a_contradicting_standard_is_the_citys_choice(tmp_path: Path) -> None:
    mine = tmp_path / "codes.toml"
    mine.write_text('[spelling]\nARCHIVE = "CHECK_FEEDBACK"\nUPDATE_CASE_INFO = "UPLOAD_CASE_INFO"\n')
    archived = tell(outgoing(EventType.CLOSED, external_ids=OURS), codes.load(mine))
    assert (archived.action, archived.data["archiveTypeId"]) == ("CHECK_FEEDBACK", 1)
    moved = outgoing(EventType.NOTED, data=EventData(place=Place(street="古槐街道")), external_ids=OURS)
    assert tell(moved, codes.load(mine)).action == "UPLOAD_CASE_INFO"


def test_a_report_whole() -> None:
    data = report()
    assert data == {
        "caseId": PETITION_ID,
        "caseNum": PETITION_ID,
        "registerTime": "2026-11-22 10:00:00",
        "title": "路灯不亮",
        "eventDesc": "门口的路灯坏了\x00三天，\u200b天黑看不见路。",
        "recTypeId": 2,
        "recTypeName": "求助",
        "eventPropertyId": 13,
        "eventPropertyName": "求助",
        "eventSrcId": 110,
        "eventSrcName": "市民上报",
        "urgentLevelId": 1,
        "caseMark": "民意“5”来听",
        "medias": [],
        "streetName": "古槐街道",
        "districtId": 370811,
        "address": "古槐街道某小区门口",
        "reporterPublicFlag": 1,
        "reporterName": "张大爷",
        "contact": "13900000002",
        "telReply": "13900000002",
    }


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind(kind: Kind) -> None:
    assert report(kind=kind)["recTypeName"] == kind.zh


def test_a_confidential_caller_is_marked_and_not_named() -> None:
    data = report(petitioner=Petitioner(name="张大爷", phone="13900000002", openid="o1", confidential=True))
    assert (data["reporterPublicFlag"], data["reporterName"]) == (0, "保密")
    assert not {"contact", "telReply", "openId"} & set(data)
    assert "请勿将来电人资料泄露给被投诉单位" in data["dispatchOpinion"]


def test_an_anonymous_caller_leaves_nothing() -> None:
    data = report(petitioner=Petitioner(name="张大爷", phone="13900000002", openid="o1", anonymous=True))
    assert data["reporterName"] == "匿名"
    assert data["reporterPublicFlag"] == 0
    assert not {"contact", "telReply", "openId"} & set(data)


def test_a_complaint_always_carries_the_sentence_about_discretion() -> None:
    assert "dispatchOpinion" in report(kind=Kind.COMPLAINT)
    assert "dispatchOpinion" not in report(kind=Kind.SUGGESTION)


def test_an_openid_never_goes_out() -> None:
    assert "oTestOpenId" not in str(report())


def test_place_and_files() -> None:
    data = report(
        place=Place(street="古槐街道", community="运河社区", grid="3号网格", longitude=116.58, latitude=35.41),
        attachments=(Attachment(name="a.jpg", url="https://files.invalid/a.jpg"),),
    )
    assert (data["address"], data["cellName"]) == ("古槐街道运河社区", "3号网格")
    assert (data["coordinateX"], data["coordinateY"]) == (116.58, 35.41)
    assert data["medias"][0]["mediaUsage"] == "上报"
    assert report(place=Place())["address"] == "未提供"


def test_a_petition_without_a_title_lends_its_first_words() -> None:
    assert report(title="", content="字" * 80)["title"] == "字" * 50


def test_reclassed_to_the_hotline_is_how_it_gets_the_case() -> None:
    out = outgoing(EventType.RECLASSED, petition=petition(handling_class=HandlingClass.HOTLINE_TRANSFER))
    assert tell(out).action == "REPORT"


@pytest.mark.parametrize(
    ("data", "span"),
    [
        (EventData(extend_by=Span(amount=2.5, unit="days")), (2, 2.5, None)),
        (EventData(extend_by=Span(amount=48, unit="hours"), due_at=NOW), (1, 48, None)),
        (EventData(extend_by=Span(amount=3, unit="working_days"), due_at=NOW), (0, 0, "2026-11-22 10:00:00")),
        (EventData(due_at=NOW), (0, 0, "2026-11-22 10:00:00")),
        # Asked on a Sunday: Monday to Friday and, over the weekend, the Monday after.
        (EventData(extend_by=Span(amount=6, unit="working_days")), (2, 8, None)),
    ],
)
def test_postponement_by_days_hours_and_date(data: EventData, span: tuple[Any, ...]) -> None:
    told = tell(outgoing(EventType.EXTENSION_REQUESTED, data=data, external_ids=THEIRS)).data
    assert (told["postponeType"], told["postponeTime"], told.get("postponeDeadline")) == span
    assert told["applyTypeId"] == 1


def test_a_postponement_that_cannot_be_said_is_parked() -> None:
    data = EventData(text="需要更多时间")
    with pytest.raises(Permanent, match="postpone_without_date"):
        tell(outgoing(EventType.EXTENSION_REQUESTED, data=data, external_ids=THEIRS))


def test_more_time_that_somebody_else_granted_without_a_date_is_told_as_a_step() -> None:
    told = tell(outgoing(EventType.EXTENDED, data=EventData(text="同意延期。"), external_ids=THEIRS))
    assert (told.action, told.data["action"], told.data["itemContent"]) == ("ITEM_INST_SYNC", "postpone", "同意延期。")
    dated = tell(outgoing(EventType.EXTENDED, data=EventData(due_at=NOW), external_ids=THEIRS))
    assert dated.action == "APPLY_POSTPONE"


def test_a_rating_says_who_spoke() -> None:
    data = EventData(satisfaction=Satisfaction.UNSATISFIED, text="太慢")
    spoken = tell(outgoing(EventType.RATED, data=data, actor="petitioner")).data["misRecEvaluation"]
    assert (spoken["evaluateState"], spoken["evaluateType"], spoken["content"]) == (1, 0, "太慢")


@pytest.mark.parametrize(
    ("actor", "class_", "type_"),
    [
        ("petitioner", HandlingClass.HOTLINE_TRANSFER, 0),
        (None, HandlingClass.HOTLINE_TRANSFER, 0),
        ("owner", HandlingClass.HOTLINE_TRANSFER, 0),
        ("owner", HandlingClass.HOME_UNIT, 1),
        ("unit", HandlingClass.HOTLINE_TRANSFER, 1),
        ("system", HandlingClass.HOTLINE_TRANSFER, 1),
    ],
)
def test_only_the_citizens_word_is_told_as_theirs(actor: str | None, class_: HandlingClass, type_: int) -> None:
    case = petition(handling_class=class_)
    data = EventData(text="满意", satisfaction=Satisfaction.SATISFIED, unit="市水务局")
    rating = tell(outgoing(EventType.RATED, data=data, actor=actor, petition=case)).data["misRecEvaluation"]
    assert rating["evaluateType"] == type_
    visit = tell(outgoing(EventType.FOLLOWED_UP, data=data, actor=actor, petition=case, external_ids=THEIRS))
    assert visit.action == ("NOTIFY" if type_ == 0 else "ITEM_INST_SYNC")


def test_a_visit_of_a_unit_names_it_and_one_of_nobody_is_a_note() -> None:
    data = EventData(text="市民表示满意", resolved="yes")
    nobodys = tell(outgoing(EventType.FOLLOWED_UP, data=data, actor="system", external_ids=OURS)).data
    assert (nobodys["action"], nobodys["itemContent"]) == ("note", "市民表示满意")
    named = data.model_copy(update={"unit": "市水务局"})
    units = tell(outgoing(EventType.FOLLOWED_UP, data=named, actor="unit", external_ids=OURS)).data
    assert (units["action"], units["unitName"]) == ("visit", "市水务局")
    (back,) = mapping.drafts(mapping.Message("k", "ITEM_INST_SYNC", units, NOW), CODES)
    assert isinstance(back, Update)
    assert back.actor == "unit"


def test_nobody_is_told_as_satisfied_who_says_that_it_is_not_solved() -> None:
    told = tell(outgoing(EventType.RATED, data=EventData(resolved="no"))).data["misRecEvaluation"]
    assert (told["evaluateState"], told["score"]) == (1, 1)


def test_what_was_found_is_said_where_there_are_no_words() -> None:
    data = EventData(finding="unreachable", resolved="no")
    told = tell(outgoing(EventType.FOLLOWED_UP, data=data, external_ids=THEIRS))
    assert (told.action, told.data["itemContent"]) == ("ITEM_INST_SYNC", "联系不上诉求人")
    told = tell(outgoing(EventType.VERIFIED, data=EventData(finding="unreasonable"), external_ids=OURS))
    assert told.data["itemContent"] == "认定为不合理诉求"


def test_a_case_we_reported_stays_ours_when_it_learns_their_id() -> None:
    told = tell(outgoing(EventType.CLOSED, external_ids=OURS | THEIRS))
    assert (told.action, told.data["caseId"]) == ("ARCHIVE", PETITION_ID)
    assert "caseHandleId" not in told.data
    began_there = petition(source="hotline12345")
    told = tell(outgoing(EventType.REPLIED, external_ids=OURS | THEIRS, petition=began_there))
    assert (told.action, told.data["caseId"]) == ("DISPOSE_FEEDBACK", THEIRS["caseId"])


def test_an_event_without_words_lends_its_name() -> None:
    assert tell(outgoing(EventType.URGED, data=EventData())).data["opinion"] == "催办"


def test_an_unknown_event_is_not_told() -> None:
    with pytest.raises(Permanent, match="no_action"):
        tell(outgoing(EventType.UNKNOWN))
