"""Every field and every code of the tables, one by one, in both directions."""

from datetime import datetime
from typing import Any

import pytest

from adapters.governance_center import composing
from adapters.governance_center.codes import load
from adapters.governance_center.wire import AssignmentEntry, AttachmentEntry, EventDocument, parse
from bridge.adapter import Ref, Taken
from schemas.base import SHANGHAI
from schemas.event import (
    Assignment,
    EventData,
    EventType,
    PartState,
    Satisfaction,
    SupervisionLevel,
    SupervisionOrder,
    SupervisionReason,
    SupervisionState,
    UnitRole,
)
from schemas.petition import Kind
from tests.adapters.governance_center.support import (
    EVENT_ID,
    SETTINGS,
    codes,
    outgoing,
    read,
    submission_of,
    update_of,
)

AT = datetime(2026, 11, 20, 8, 0, tzinfo=SHANGHAI)
WRITTEN = "2026-11-20 08:00:00"

# ── fields ────────────────────────────────────────────────────────────────────────────────────────────────

OF_A_STEP: dict[str, tuple[dict[str, Any], Any]] = {
    "taskId": ({"taskId": "T-1"}, lambda one: one.data.reference == "T-1"),
    "advice": ({"advice": "意见", "reason": "理由", "remarks": "备注"}, lambda one: one.data.text == "意见"),
    "reason": ({"reason": "理由", "remarks": "备注"}, lambda one: one.data.text == "理由"),
    "remarks": ({"remarks": "备注"}, lambda one: one.data.text == "备注"),
    "transactorName": ({"transactorName": "经办人"}, lambda one: one.data.person == "经办人"),
    "orgName": ({"orgName": "甲局"}, lambda one: one.data.unit == "甲局"),
    "orgCode": ({"orgCode": "A1"}, lambda one: one.data.unit == "A1"),
    "closeOrgID": ({"closeOrgID": "A2"}, lambda one: one.data.unit == "A2"),
    "role": ({"role": "2"}, lambda one: one.data.role is UnitRole.ASSIST),
    "partStatus": (
        {"orgName": "甲局", "role": "1", "partStatus": "5"},
        lambda one: one.data.units[0].state is PartState.EXTENSION_REQUESTED,
    ),
    "attrs": ({"attrs": [{"name": "a", "url": "u"}]}, lambda one: one.data.attachments[0].name == "a"),
    "taskTime": ({"taskTime": WRITTEN}, lambda one: one.occurred_at == AT),
    "handleDate": ({"handleDate": WRITTEN}, lambda one: one.data.due_at == AT),
    "status": ({"status": "03"}, lambda one: one.type is EventType.CLOSED),
    "statusName": ({"status": "03", "statusName": "结案"}, lambda one: one.data.status.name == "结案"),
    "packageId": ({"packageId": "P"}, lambda one: one.data.package.number == "P"),
    "packageName": ({"packageId": "P", "packageName": "包"}, lambda one: one.data.package.title == "包"),
    "topic": ({"packageId": "P", "topic": "专题"}, lambda one: one.data.package.topic == "专题"),
    "packagePlan": ({"packageId": "P", "packagePlan": "方案"}, lambda one: one.data.package.plan == "方案"),
    "packageDueDate": ({"packageId": "P", "packageDueDate": WRITTEN}, lambda one: one.data.package.due_at == AT),
    "householdsDone": ({"householdsDone": 162}, lambda one: one.data.households.done == 162),
    "householdsTotal": ({"householdsTotal": 500}, lambda one: one.data.households.total == 500),
    "batchNo": ({"householdsDone": 1, "batchNo": 2}, lambda one: one.data.households.batch == 2),
    "messageId": ({"messageId": "m-1"}, lambda one: one.message_key == "m-1"),
    "members": ({"members": ["E-9"], "eventId": "E-9"}, lambda one: one.refs[0].value == "E-9"),
}
OF_A_REPORT: dict[str, tuple[dict[str, Any], Any]] = {
    "eventName": ({"eventName": "标题"}, lambda one: one.petition.title == "标题"),
    "content": ({"content": "内容"}, lambda one: one.petition.content == "内容"),
    "appealType": ({"appealType": "表扬"}, lambda one: one.petition.kind is Kind.PRAISE),
    "eventType": ({"eventType": "0301"}, lambda one: one.petition.category.code == "0301"),
    "typeName": ({"typeName": "市政"}, lambda one: one.petition.category.name == "市政"),
    "urgencyDegree": ({"urgencyDegree": "03"}, lambda one: one.petition.urgency == "critical"),
    "occurred": ({"occurred": "翠湖路"}, lambda one: one.petition.place.address == "翠湖路"),
    "regionCode": ({"regionCode": "370811"}, lambda one: one.petition.place.region_code == "370811"),
    "streetName": ({"streetName": "阜桥"}, lambda one: one.petition.place.street == "阜桥"),
    "communityName": ({"communityName": "翠湖"}, lambda one: one.petition.place.community == "翠湖"),
    "gridCode": ({"gridCode": "G1"}, lambda one: one.petition.place.grid == "G1"),
    "longitude": ({"longitude": "116.5", "latitude": 35.4}, lambda one: one.petition.place.longitude == 116.5),
    "latitude": ({"longitude": "116.5", "latitude": 35.4}, lambda one: one.petition.place.latitude == 35.4),
    "contactUserName": ({"contactUserName": "测试乙"}, lambda one: one.petition.petitioner.name == "测试乙"),
    "contactTel": ({"contactTel": 13800000001}, lambda one: one.petition.petitioner.phone == "13800000001"),
    "openId": ({"openId": "o-2"}, lambda one: one.petition.petitioner.openid == "o-2"),
    "anonymous": ({"anonymous": 1}, lambda one: one.petition.petitioner.anonymous),
    "confidential": ({"confidential": 1}, lambda one: one.petition.petitioner.confidential),
    "happenTimeStr": ({"happenTimeStr": WRITTEN}, lambda one: one.petition.occurred_at == AT),
    "registerTimeStr": ({"registerTimeStr": WRITTEN}, lambda one: one.submitted_at == AT),
    "targetOrgCode": ({"targetOrgCode": "A"}, lambda one: one.petition.lead_unit == "A"),
    "targetOrgName": ({"targetOrgName": "甲局"}, lambda one: one.petition.lead_unit == "甲局"),
    "assistOrgCodes": ({"assistOrgCodes": ["B"]}, lambda one: one.petition.assist_units == ("B",)),
    "assistOrgNames": ({"assistOrgNames": "乙局,丙局"}, lambda one: one.petition.assist_units == ("乙局", "丙局")),
    "assignments": ({"assignments": [{"orgName": "甲局"}]}, lambda one: one.petition.lead_unit == "甲局"),
}
ELSEWHERE = {
    "op": "test_mapping.py",
    "eventId": "test_mapping.py",
    "oppoSideBusiCode": "test_mapping.py",
    "bizPlatform": "below",
    "taskName": "sent only",
    "subStatus": "test_codes.py",
    "checkResult": "test_mapping.py",
    "interval": "test_mapping.py",
    "intervalUnit": "test_mapping.py",
    "supervisionType": "test_mapping.py",
    "remindStatus": "test_mapping.py",
    "superviseState": "test_joint.py",
    "superviseNo": "test_joint.py",
    "superviseReason": "test_joint.py",
    "superviseOrgName": "test_joint.py",
    "satisfaction": "below",
    "score": "test_mapping.py",
    "isSolved": "below",
}


@pytest.mark.parametrize("name", OF_A_STEP)
def test_every_field_of_a_step(name: str) -> None:
    fields, holds = OF_A_STEP[name]
    assert name in fields
    assert holds(update_of({"op": "progress", **fields}))


@pytest.mark.parametrize("name", OF_A_REPORT)
def test_every_field_of_a_report(name: str) -> None:
    fields, holds = OF_A_REPORT[name]
    assert name in fields
    assert holds(submission_of(fields))


def test_no_field_is_untested() -> None:
    assert {*OF_A_STEP, *OF_A_REPORT, *ELSEWHERE} == set(EventDocument.model_fields)


PLATFORMS = (
    *("jiangyin", "ffcs", "digital_village", "wecom", "digital_city"),
    *("four_platforms", "emergency", "lifeline", "words"),
)
ALIASES = [(platform, alias) for platform in PLATFORMS for alias in load(platform).aliases]


@pytest.mark.parametrize(("platform", "alias"), ALIASES)
def test_every_alias(platform: str, alias: str) -> None:
    aliases = load(platform).aliases
    field = aliases[alias]
    assert field in EventDocument.model_fields
    value = {"attrs": '["u"]', "longitude": "116.5", "latitude": "35.4"}.get(field, f'"{WRITTEN}"')
    read_alone, _ = parse(f'{{"{alias}": {value}}}'.encode(), aliases)
    usual, _ = parse(f'{{"{field}": {value}}}'.encode(), {})
    assert getattr(read_alone, field) == getattr(usual, field)
    assert getattr(usual, field)


def test_what_is_written_of_files_and_units_elsewhere() -> None:
    file = AttachmentEntry.model_validate({"FileName": "a", "AttachNumber": 7, "OrderValue": 1})
    assert (file.name, file.number, file.url) == ("a", "7", None)
    assert AssignmentEntry.model_validate({"orgName": "甲局", "phone": "x"}).orgName == "甲局"


@pytest.mark.parametrize("name", sorted(codes().fields_ignored))
def test_fields_without_a_use_change_nothing(name: str) -> None:
    step, report = {"op": "sign", "messageId": "m"}, {"messageId": "m"}
    assert update_of({**step, name: "01"}) == update_of(step)
    assert submission_of({**report, name: ["x"]}) == submission_of(report)


# ── codes ─────────────────────────────────────────────────────────────────────────────────────────────────

PLATFORM_CODES = {"018": True, "038": True, "077": True, "000": False, "030": False}


@pytest.mark.parametrize(("code", "ours"), PLATFORM_CODES.items())
def test_every_platform_code(code: str, ours: bool) -> None:
    draft = update_of({"op": "sign", "bizPlatform": code, "oppoSideBusiCode": "4711"})
    assert (Ref("hotline12345", "4711") in draft.refs) is ours
    assert set(codes().peers) | set(codes().peers_ignored) == set(PLATFORM_CODES)


def test_an_unknown_platform_is_told_beside_the_report() -> None:
    report = {"op": "report", "eventId": EVENT_ID, "content": "x", "messageId": "m"}
    reading = read({**report, "bizPlatform": "099", "oppoSideBusiCode": "4711"})
    assert isinstance(reading, Taken)
    assert [draft.message_key for draft in reading.drafts] == ["m", "m#bizPlatform"]
    assert isinstance(read({**report, "bizPlatform": "099"}), Taken)


ROLES = {"1": "lead", "2": "assist", "lead": "lead", "assist": "assist", "主办": "lead", "协办": "assist"}


@pytest.mark.parametrize(("code", "role"), ROLES.items())
def test_every_role(code: str, role: str) -> None:
    assert update_of({"op": "sign", "orgName": "甲局", "role": code}).data.role == role
    assert set(codes().role) == set(ROLES)


PARTS = {
    "0": "assigned",
    "1": "signed",
    "2": "handling",
    "3": "return_requested",
    "4": "returned",
    "5": "extension_requested",
    "6": "finished",
    "7": "excused",
    "待签收": "assigned",
    "已签收": "signed",
    "办理中": "handling",
    "申请退回": "return_requested",
    "已退回": "returned",
    "申请延期": "extension_requested",
    "已办结": "finished",
    "免办": "excused",
}


@pytest.mark.parametrize(("code", "state"), PARTS.items())
def test_every_part(code: str, state: str) -> None:
    (part,) = update_of({"op": "progress", "orgName": "甲局", "role": "lead", "partStatus": code}).data.units
    assert part.state == state
    assert set(codes().part) == set(PARTS)


@pytest.mark.parametrize("state", PartState)
def test_every_part_is_said_and_read_back(state: PartState) -> None:
    part = Assignment(unit="甲局", role=UnitRole.ASSIST, state=state)
    data = EventData(unit="甲局", role=UnitRole.ASSIST, units=(part,))
    told = composing.document(outgoing(EventType.PROGRESSED, data, known=EVENT_ID), codes())
    assert told["partStatus"].isdigit()
    assert PARTS[told["partStatus"]] == state
    assert update_of(told).data.units == (part,)


KINDS = {
    "咨询": "consultation",
    "咨询类": "consultation",
    "consult": "consultation",
    "求助": "help",
    "求助类": "help",
    "help": "help",
    "投诉": "complaint",
    "投诉举报": "complaint",
    "投诉举报类": "complaint",
    "complaint": "complaint",
    "举报": "report",
    "report": "report",
    "建议": "suggestion",
    "意见建议": "suggestion",
    "意见建议类": "suggestion",
    "suggest": "suggestion",
    "表扬": "praise",
    "praise": "praise",
    "其他": "other",
    "其他类": "other",
    "other": "other",
    "": "other",
}


@pytest.mark.parametrize(("code", "kind"), KINDS.items())
def test_every_kind(code: str, kind: str) -> None:
    assert submission_of({"appealType": code}).petition.kind == kind
    assert set(codes().kind) == set(KINDS)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_said_and_read_back(kind: Kind) -> None:
    told = composing.document(outgoing(EventType.SUBMITTED, kind=kind), codes())
    assert KINDS[told["appealType"]] == kind


SATISFACTIONS = {
    "01": Satisfaction.SATISFIED,
    "非常满意": Satisfaction.SATISFIED,
    "满意": Satisfaction.SATISFIED,
    "02": Satisfaction.FAIR,
    "基本满意": Satisfaction.FAIR,
    "一般": Satisfaction.FAIR,
    "理解": Satisfaction.FAIR,
    "03": Satisfaction.UNSATISFIED,
    "不满意": Satisfaction.UNSATISFIED,
    "非常不满意": Satisfaction.UNSATISFIED,
}
RESOLUTIONS = {
    "1": "yes",
    "0": "no",
    "2": "partly",
    "已解决": "yes",
    "解决": "yes",
    "未解决": "no",
    "部分解决": "partly",
}


@pytest.mark.parametrize(("field", "code"), [*(("s", c) for c in SATISFACTIONS), *(("r", c) for c in RESOLUTIONS)])
def test_every_satisfaction_and_resolution(field: str, code: str) -> None:
    if field == "s":
        data = update_of({"op": "evaluate", "satisfaction": code}).data
        assert (data.satisfaction, data.score) == (SATISFACTIONS[code], code)
    else:
        assert update_of({"op": "evaluate", "isSolved": code}).data.resolved == RESOLUTIONS[code]
    assert (set(codes().satisfaction), set(codes().resolved)) == (set(SATISFACTIONS), set(RESOLUTIONS))


@pytest.mark.parametrize("state", SupervisionState)
@pytest.mark.parametrize("reason", [*SupervisionReason, None])
def test_every_order_is_said_and_read_back(state: SupervisionState, reason: SupervisionReason | None) -> None:
    order = SupervisionOrder(number="DB-1", state=state, reason=reason, issuer="市社会治理服务中心")
    issued = state is SupervisionState.ISSUED
    data = EventData(level=SupervisionLevel.YELLOW, supervision=order)
    kind = EventType.SUPERVISED if issued else EventType.NOTED
    told = composing.document(outgoing(kind, data, known=EVENT_ID), codes())
    assert (told["op"], told["supervisionType"]) == ("supervise", "1")
    back = update_of(told)
    assert (back.type, back.data.supervision, back.data.level) == (kind, order, SupervisionLevel.YELLOW)


def test_the_shipped_platforms_are_these() -> None:
    for platform in PLATFORMS:
        assert load(platform).status
    with pytest.raises(ValueError, match="PLATFORM"):
        load("nowhere")
    assert SETTINGS.platform == "jiangyin"
