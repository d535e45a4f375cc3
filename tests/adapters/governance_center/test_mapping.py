"""Every op from the center, field by field."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.governance_center.wire import Op
from bridge.adapter import Ref
from schemas.base import SHANGHAI
from schemas.event import EventType, Satisfaction, SupervisionLevel, UnitRole
from tests.adapters.governance_center.support import (
    EVENT_ID,
    PETITION_ID,
    SETTINGS,
    malformed,
    update_of,
)

PLAIN = {
    "sign": EventType.SIGNED,
    "progress": EventType.PROGRESSED,
    "return_apply": EventType.RETURN_REQUESTED,
    "delay_apply": EventType.EXTENSION_REQUESTED,
    "dispatch": EventType.DISPATCHED,
    "supervise": EventType.SUPERVISED,
    "reply": EventType.REPLIED,
    "close": EventType.CLOSED,
    "evaluate": EventType.RATED,
    "withdraw": EventType.CANCELLED,
}
"""`package` has its own tests in test_joint.py."""


@pytest.mark.parametrize(("op", "kind"), PLAIN.items())
def test_each_op(op: str, kind: EventType) -> None:
    text = "已办\u0000理\U0001f600\ue000，原话"
    draft = update_of({"op": op, "advice": text, "content": "原诉求", "taskTime": "2026-11-21 08:00:01"})
    assert draft.type is kind
    assert draft.data.text == text
    assert draft.occurred_at == datetime(2026, 11, 21, 8, 0, 1, tzinfo=SHANGHAI)
    assert draft.refs == (Ref("governance_center", EVENT_ID, "eventId"),)
    assert [(one.kind, one.value) for one in draft.external_ids] == [("eventId", EVENT_ID)]


def test_every_op_is_tested() -> None:
    assert {*PLAIN, "report", "delay_review", "return_review", "package"} == set(Op)


@pytest.mark.parametrize(
    ("op", "code", "kind"),
    [
        ("delay_review", "1", EventType.EXTENDED),
        ("delay_review", 2, EventType.EXTENSION_DENIED),
        ("delay_review", "不通过", EventType.EXTENSION_DENIED),
        ("return_review", "通过", EventType.RETURNED),
        ("return_review", 1, EventType.RETURNED),
        ("return_review", "02", EventType.RETURN_DENIED),
        ("delay_review", "3", EventType.UNKNOWN),
        ("return_review", None, EventType.UNKNOWN),
    ],
)
def test_reviews(op: str, code: object, kind: EventType) -> None:
    assert update_of({"op": op, "checkResult": code}).type is kind


@pytest.mark.parametrize(
    ("fields", "kind", "level"),
    [
        ({}, EventType.SUPERVISED, SupervisionLevel.KEY),
        ({"supervisionType": 1}, EventType.SUPERVISED, SupervisionLevel.YELLOW),
        ({"supervisionType": "2"}, EventType.SUPERVISED, SupervisionLevel.RED),
        ({"supervisionType": "黄牌"}, EventType.SUPERVISED, SupervisionLevel.YELLOW),
        ({"supervisionType": "红牌"}, EventType.SUPERVISED, SupervisionLevel.RED),
        ({"supervisionType": "黑牌", "remindStatus": "2"}, EventType.SUPERVISED, SupervisionLevel.BLACK),
        ({"remindStatus": "催办"}, EventType.URGED, SupervisionLevel.URGE),
        ({"remindStatus": "督办"}, EventType.SUPERVISED, SupervisionLevel.KEY),
        ({"remindStatus": "1"}, EventType.URGED, SupervisionLevel.URGE),
        ({"remindStatus": "2"}, EventType.SUPERVISED, SupervisionLevel.KEY),
        ({"remindStatus": "3", "supervisionType": 3}, EventType.SUPERVISED, SupervisionLevel.BLACK),
        ({"supervisionType": "催办"}, EventType.URGED, SupervisionLevel.URGE),
        ({"supervisionType": "重点督办"}, EventType.SUPERVISED, SupervisionLevel.KEY),
        ({"supervisionType": 1, "superviseState": "0"}, EventType.NOTED, SupervisionLevel.YELLOW),
        ({"supervisionType": "9"}, EventType.UNKNOWN, None),
        ({"remindStatus": "0"}, EventType.UNKNOWN, None),
        ({"superviseState": "7"}, EventType.UNKNOWN, None),
    ],
)
def test_supervision(fields: dict[str, Any], kind: EventType, level: SupervisionLevel | None) -> None:
    draft = update_of({"op": "supervise", "advice": "请按时办结", **fields})
    assert (draft.type, draft.data.level) == (kind, level)


@pytest.mark.parametrize(
    ("interval", "unit", "amount", "meaning"),
    [
        (3, "1", 3.0, "working_days"),
        ("2.5", 2, 2.5, "days"),
        (1, "工作日", 1.0, "working_days"),
        (1, "日历天", 1.0, "days"),
        ("5", None, 5.0, "working_days"),
        (0.5, "自然日", 0.5, "days"),
    ],
)
def test_delays(interval: object, unit: object, amount: float, meaning: str) -> None:
    draft = update_of({"op": "delay_apply", "reason": "需会商", "interval": interval, "intervalUnit": unit})
    assert draft.data.extend_by is not None
    assert (draft.data.extend_by.amount, draft.data.extend_by.unit, draft.data.text) == (amount, meaning, "需会商")


def test_an_unknown_interval_unit_is_not_guessed() -> None:
    draft = update_of({"op": "delay_apply", "interval": 3, "intervalUnit": "3"})
    assert draft.type is EventType.UNKNOWN


@pytest.mark.parametrize("interval", [0, -1, "三天", "NaN", "1e400", True, [3]])
def test_an_unreadable_interval_is_malformed(interval: object) -> None:
    reason, answer = malformed({"op": "delay_apply", "eventId": EVENT_ID, "interval": interval})
    assert "interval" in reason
    assert answer["eventId"] == EVENT_ID


@pytest.mark.parametrize(
    ("fields", "satisfaction", "score", "resolved"),
    [
        ({"satisfaction": "01", "isSolved": 1}, Satisfaction.SATISFIED, "01", "yes"),
        ({"satisfaction": 2, "score": 3.5}, Satisfaction.FAIR, "3.5", None),
        ({"satisfaction": "不满意", "isSolved": "部分解决"}, Satisfaction.UNSATISFIED, "不满意", "partly"),
        ({"score": "95", "isSolved": "0"}, None, "95", "no"),
    ],
)
def test_evaluation(fields: dict[str, Any], satisfaction: object, score: str, resolved: object) -> None:
    data = update_of({"op": "evaluate", **fields}).data
    assert (data.satisfaction, data.score, data.resolved) == (satisfaction, score, resolved)


def test_an_unknown_satisfaction_is_not_guessed() -> None:
    assert update_of({"op": "evaluate", "satisfaction": "6"}).type is EventType.UNKNOWN


@pytest.mark.parametrize(
    ("fields", "actor"),
    [
        ({}, None),
        ({"transactorName": "中心回访员"}, None),
        ({"orgName": "济宁市社会治理服务中心"}, None),
        ({"orgName": "汶上县社会治理服务中心"}, None),
        ({"orgName": "任城区社会治理服务中心"}, None),
        ({"orgName": "12345平台"}, None),
        ({"orgName": "市政务热线"}, None),
        ({"orgName": "综合回访组"}, None),
        ({"orgName": "市水务局"}, "unit"),
        ({"orgCode": "A1"}, "unit"),
        ({"orgName": "太白湖街道社会治理服务中心"}, "unit"),
        ({"closeOrgID": "A1"}, None),
    ],
)
def test_whose_word_a_rating_is(fields: dict[str, Any], actor: str | None) -> None:
    """What a unit says of itself is not the citizen's word; the names stand in `[speakers]`: 市社会治理服务中心,
    县社会治理服务中心, 区社会治理服务中心, 回访, 12345, 热线."""
    rating = update_of({"op": "evaluate", "satisfaction": "01", **fields})
    assert (rating.type, rating.actor) == (EventType.RATED, actor)
    ffcs = SETTINGS.model_copy(update={"platform": "ffcs"})
    visit = update_of({"op": "progress", "status": "07", **fields}, ffcs)
    assert (visit.type, visit.actor) == (EventType.FOLLOWED_UP, actor)


def test_a_city_names_its_own_desk_and_its_exceptions(tmp_path: Path) -> None:
    own = tmp_path / "codes.toml"
    own.write_text('[speakers]\n"民意中心" = "desk"\n"水务局热线" = "unit"\n', "utf-8")
    settings = SETTINGS.model_copy(update={"codes": own})
    for name, actor in (("市民意中心", None), ("市水务局热线办", "unit"), ("市长热线", None)):
        assert update_of({"op": "evaluate", "satisfaction": "01", "orgName": name}, settings).actor == actor


# ── units ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "fields",
    [
        {"targetOrgCode": "A", "assistOrgCodes": ["B", "C"]},
        {"targetOrgCode": "A,B,C"},
        {"targetOrgCode": "A", "assistOrgCodes": "B，C"},
        {"assignments": [{"orgCode": "A", "role": "1"}, {"orgCode": "B", "role": "协办"}, {"orgCode": "C", "role": 2}]},
        {"assignments": [{"orgCode": "A"}, {"orgCode": "B"}, {"orgCode": "C"}, {"orgName": ""}]},
    ],
)
def test_lead_and_assisting_units(fields: dict[str, Any]) -> None:
    units = update_of({"op": "dispatch", **fields}).data.units
    assert [(one.unit, one.code, one.role) for one in units] == [
        ("A", "A", UnitRole.LEAD),
        ("B", "B", UnitRole.ASSIST),
        ("C", "C", UnitRole.ASSIST),
    ]


def test_an_unknown_role_is_not_guessed() -> None:
    assert update_of({"op": "dispatch", "assignments": [{"orgName": "甲", "role": "7"}]}).type is EventType.UNKNOWN
    assert update_of({"op": "sign", "orgName": "甲", "role": "7"}).type is EventType.UNKNOWN


def test_who_spoke() -> None:
    data = update_of({"op": "sign", "orgName": "市城管局", "role": "协办", "transactorName": "经办人"})
    assert (data.actor, data.data.unit, data.data.role, data.data.person) == (
        "unit",
        "市城管局",
        UnitRole.ASSIST,
        "经办人",
    )
    assert update_of({"op": "supervise", "orgName": "市社会治理服务中心"}).actor is None


def test_files_deadline_and_number() -> None:
    files = [
        {"name": "现场.jpg", "url": "https://files.example/1.jpg"},
        {"FileName": "x", "Filepath": "/f/x"},
        {"FileName": "有号.jpg", "FileNumber": 88},
        {"name": "无地址"},
        {"usage": "空"},
    ]
    data = update_of({"op": "reply", "attrs": files, "handleDate": "2026-12-01 23:59:59", "taskId": 42}).data
    urn = "urn:governance_center:file:"
    assert [one.url for one in data.attachments] == ["https://files.example/1.jpg", "/f/x", urn + "88", urn]
    assert [one.name for one in data.attachments][2:] == ["有号.jpg", "无地址"]
    lifeline = update_of({"op": "reply", "attrs": "https://f.example/a.jpg, https://f.example/b.jpg"}).data
    assert [one.name for one in lifeline.attachments] == ["a.jpg", "b.jpg"]
    assert data.due_at == datetime(2026, 12, 1, 23, 59, 59, tzinfo=SHANGHAI)
    assert data.reference == "42"


# ── which petition ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fields", "refs", "learnt"),
    [
        ({"eventId": PETITION_ID}, (Ref(petition_id=PETITION_ID), Ref("governance_center", PETITION_ID, "eventId")), 0),
        (
            {"oppoSideBusiCode": PETITION_ID},
            (Ref(petition_id=PETITION_ID), Ref("governance_center", EVENT_ID, "eventId")),
            1,
        ),
        (
            {"oppoSideBusiCode": "250101123456", "bizPlatform": "018"},
            (Ref("governance_center", EVENT_ID, "eventId"), Ref("hotline12345", "250101123456")),
            1,
        ),
        (
            {"oppoSideBusiCode": "250101123456", "bizPlatform": "030"},
            (Ref("governance_center", EVENT_ID, "eventId"),),
            1,
        ),
        ({"eventId": 20240101000072123456789}, (Ref("governance_center", "20240101000072123456789", "eventId"),), 1),
    ],
)
def test_references(fields: dict[str, Any], refs: tuple[Ref, ...], learnt: int) -> None:
    draft = update_of({"op": "sign", **fields})
    assert draft.refs == refs
    assert len(draft.external_ids) == learnt
