"""Joint packages, matters of many households, each unit's own part, and supervision orders: as the center says them."""

import json
from datetime import datetime
from typing import Any

import pytest

from adapters.governance_center.wire import Op
from bridge.adapter import Malformed, Ref, Submission, Taken, Update
from schemas.base import SHANGHAI
from schemas.event import EventType, PartState, SupervisionReason, SupervisionState, UnitRole
from schemas.petition import HandlingClass
from tests.adapters.governance_center.support import EVENT_ID, PETITION_ID, malformed, read, submission_of, update_of

LEAD, ASSIST = {"orgName": "市住建局", "role": "lead"}, {"orgName": "市水务局", "role": "assist"}
PACKAGE = {"packageId": "P-7", "packageName": "车轮厂小区", "topic": "不动产证办理"}
PLAN = {"packagePlan": "补办规划手续，\u0000分批办证😀", "packageDueDate": "2026-12-31 18:00:00"}
UNITS = {"assignments": [LEAD, ASSIST]}


def updates_of(document: dict[str, Any]) -> tuple[Update, ...]:
    reading = read(document)
    assert isinstance(reading, Taken), reading
    assert all(isinstance(draft, Update) for draft in reading.drafts)
    return reading.drafts  # type: ignore[return-value]  # all are updates, see above


# ── packages ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_package_is_told_to_each_of_its_members() -> None:
    document = {"op": "package", "messageId": "m-9", "eventId": "P-7", **PACKAGE, **UNITS}
    drafts = updates_of({**document, "members": [EVENT_ID, PETITION_ID, "E-3"], "advice": "打包办理"})
    assert [one.message_key for one in drafts] == [f"m-9#{EVENT_ID}", f"m-9#{PETITION_ID}", "m-9#E-3"]
    assert [one.refs for one in drafts] == [
        (Ref("governance_center", EVENT_ID, "eventId"),),
        (Ref(petition_id=PETITION_ID),),
        (Ref("governance_center", "E-3", "eventId"),),
    ]
    for one in drafts:
        assert (one.type, one.data.handling_class) == (EventType.RECLASSED, HandlingClass.JOINT_PACKAGE)
        assert one.data.package is not None
        assert (one.data.package.number, one.data.package.title, one.data.package.topic) == (
            "P-7",
            "车轮厂小区",
            "不动产证办理",
        )
        assert one.data.package.members == (EVENT_ID, PETITION_ID, "E-3")
        assert [(unit.unit, unit.role) for unit in one.data.units] == [
            ("市住建局", UnitRole.LEAD),
            ("市水务局", UnitRole.ASSIST),
        ]


def test_a_package_has_a_plan_and_when_it_is_to_be_carried_out_by() -> None:
    joint = update_of({"op": "package", "handleDate": "2026-12-01 00:00:00", **PACKAGE, **PLAN}).data
    assert joint.package is not None
    assert (joint.package.plan, joint.package.due_at) == (
        PLAN["packagePlan"],
        datetime(2026, 12, 31, 18, tzinfo=SHANGHAI),
    )
    assert joint.due_at == datetime(2026, 12, 1, tzinfo=SHANGHAI)
    for none in ({}, {"packagePlan": "", "packageDueDate": ""}, {"packageDueDate": "0001-01-01T00:00:00"}):
        plain = update_of({"op": "package", **PACKAGE, **none}).data.package
        assert plain is not None
        assert (plain.plan, plain.due_at) == (None, None)


@pytest.mark.parametrize("date", ["月底前", "2026-02-30 00:00:00", 3.5, ["2026-12-31"]])
def test_a_due_date_that_cannot_be_read_is_said_so_and_kept(date: object) -> None:
    reason, answer = malformed({"op": "package", "eventId": EVENT_ID, **PACKAGE, **PLAN, "packageDueDate": date})
    assert "packageDueDate" in reason
    assert (answer["code"], answer["eventId"]) == ("0", EVENT_ID)
    assert "packageDueDate" in answer["message"]
    # In a batch the others are in, and this one is kept for people as it came.
    good = {"op": "sign", "eventId": "E-1"}
    bad = {"op": "package", "eventId": EVENT_ID, **PACKAGE, **PLAN, "packageDueDate": date}
    taken, kept = updates_of([good, bad])  # type: ignore[arg-type]  # a batch is a list
    assert (taken.type, kept.type) == (EventType.SIGNED, EventType.UNKNOWN)
    assert json.loads(kept.data.raw or "")["packagePlan"] == PLAN["packagePlan"]


def test_a_plan_that_is_too_long_is_said_so() -> None:
    longest = {"op": "package", "eventId": EVENT_ID, **PACKAGE, "packagePlan": "案" * 10_000}
    assert isinstance(read(longest), Taken)
    reason, _ = malformed({**longest, "packagePlan": "案" * 10_001})
    assert "plan" in reason


def test_members_alone_name_the_events() -> None:
    drafts = updates_of({"op": "close", "messageId": "m-1", "members": "E-1,E-2", **PACKAGE})
    assert [one.refs[0].value for one in drafts] == ["E-1", "E-2"]
    assert {one.type for one in drafts} == {EventType.CLOSED}


def test_a_part_of_a_package_is_closed_and_the_rest_is_not_touched() -> None:
    (only,) = updates_of({"op": "close", "messageId": "m-2", "eventId": "P-7", "members": ["E-1"], **PACKAGE})
    assert (only.type, only.refs) == (EventType.CLOSED, (Ref("governance_center", "E-1", "eventId"),))


def test_the_event_itself_counts_among_the_members_unless_it_is_the_package() -> None:
    drafts = updates_of({"op": "progress", "eventId": "E-1", "messageId": "m", "members": ["E-2", "E-1"], **PACKAGE})
    assert [one.message_key for one in drafts] == ["m#E-1", "m#E-2"]


def test_a_package_without_a_number_is_said_so() -> None:
    reason, answer = malformed({"op": "package", "eventId": EVENT_ID})
    assert "packageId" in reason
    assert answer["eventId"] == EVENT_ID


def test_a_report_is_one_matter() -> None:
    reason, _ = malformed({"op": "report", "eventId": EVENT_ID, "content": "x", "members": ["a", "b"]})
    assert "members" in reason


def test_a_report_in_a_package_is_joint_and_says_so_right_after() -> None:
    document = {"op": "report", "messageId": "m-5", "eventId": EVENT_ID, "content": "办证", "householdsTotal": 500}
    reading = read({**document, **PACKAGE})
    assert isinstance(reading, Taken)
    new, note = reading.drafts
    assert isinstance(new, Submission)
    assert new.petition.handling_class is HandlingClass.JOINT_PACKAGE
    assert isinstance(note, Update)
    assert (note.message_key, note.type) == ("m-5#package", EventType.NOTED)
    assert note.data.package is not None
    assert note.data.households is not None
    assert (note.data.households.done, note.data.households.total) == (0, 500)
    assert submission_of({}).petition.handling_class is HandlingClass.KEY_SUPERVISION


# ── households ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("op", ["reply", "close"])
def test_the_first_batch_is_no_end(op: str) -> None:
    """首批162户."""
    some = {"householdsDone": 162, "householdsTotal": "500", "batchNo": 1}
    draft = update_of({"op": op, "advice": "首批162户已办证", **LEAD, **some})
    assert (draft.type, draft.data.resolved, draft.data.text) == (EventType.PROGRESSED, "partly", "首批162户已办证")
    assert draft.data.households is not None
    assert (draft.data.households.done, draft.data.households.total, draft.data.households.batch) == (162, 500, 1)
    ends = EventType.REPLIED if op == "reply" else EventType.CLOSED
    assert update_of({"op": op, **LEAD, "householdsDone": 500, "householdsTotal": 500}).type is ends
    assert update_of({"op": op, **LEAD, "householdsDone": 162}).type is ends


def test_a_status_that_closes_is_measured_too() -> None:
    draft = update_of({"op": "progress", "status": "03", "householdsDone": 1, "householdsTotal": 2})
    assert (draft.type, draft.data.resolved) == (EventType.PROGRESSED, "partly")


@pytest.mark.parametrize(
    "fields",
    [{"householdsDone": 3, "householdsTotal": 2}, {"householdsDone": -1}, {"householdsTotal": 1.5}, {"batchNo": True}],
)
def test_counts_that_cannot_be(fields: dict[str, Any]) -> None:
    reason, _ = malformed({"op": "progress", "eventId": EVENT_ID, **fields})
    assert next(iter(fields)) in reason


# ── parts ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("unit", [LEAD, ASSIST])
@pytest.mark.parametrize(
    ("document", "state"),
    [
        ({"op": "sign"}, PartState.SIGNED),
        ({"op": "progress"}, PartState.HANDLING),
        ({"op": "return_apply", "reason": "不属于本单位"}, PartState.RETURN_REQUESTED),
        ({"op": "return_review", "checkResult": 1}, PartState.RETURNED),
        ({"op": "return_review", "checkResult": 2}, PartState.HANDLING),
        ({"op": "delay_apply", "reason": "需会商"}, PartState.EXTENSION_REQUESTED),
        ({"op": "delay_review", "checkResult": "1"}, PartState.HANDLING),
        ({"op": "delay_review", "checkResult": "2"}, PartState.HANDLING),
        ({"op": "reply"}, PartState.FINISHED),
        ({"op": "close"}, PartState.FINISHED),
        ({"op": "progress", "partStatus": "6"}, PartState.FINISHED),
        ({"op": "progress", "partStatus": "免办"}, PartState.EXCUSED),
    ],
)
def test_each_unit_has_its_own_part(unit: dict[str, str], document: dict[str, Any], state: PartState) -> None:
    (part,) = update_of({**document, **unit}).data.units
    assert (part.unit, part.role, part.state) == (unit["orgName"], UnitRole(unit["role"]), state)


@pytest.mark.parametrize("op", ["reply", "close"])
def test_only_the_leads_finish_answers_the_citizen(op: str) -> None:
    assert update_of({"op": op, **ASSIST, "advice": "协办完毕"}).type is EventType.PROGRESSED
    assert update_of({"op": op, **LEAD}).type in (EventType.REPLIED, EventType.CLOSED)


@pytest.mark.parametrize(
    ("written", "kind"), [("7", EventType.NOTED), ("0", EventType.NOTED), ("2", EventType.PROGRESSED)]
)
def test_being_given_or_spared_a_part_is_no_news_for_the_citizen(written: str, kind: EventType) -> None:
    assert update_of({"op": "progress", **ASSIST, "partStatus": written}).type is kind


def test_a_part_in_a_role_nobody_named_is_not_claimed() -> None:
    assert update_of({"op": "sign", "orgName": "市住建局"}).data.units == ()


def test_an_unknown_part_is_not_guessed() -> None:
    assert update_of({"op": "sign", **LEAD, "partStatus": "9"}).type is EventType.UNKNOWN
    listed = {"op": "dispatch", "assignments": [{**LEAD, "partStatus": "x"}]}
    assert update_of(listed).type is EventType.UNKNOWN


def test_a_dispatch_may_say_where_each_part_stands() -> None:
    parts = [{**LEAD, "partStatus": "2"}, {**ASSIST, "partStatus": "已退回"}]
    units = update_of({"op": "dispatch", "assignments": parts}).data.units
    assert [one.state for one in units] == [PartState.HANDLING, PartState.RETURNED]


def test_who_closed_may_stand_in_its_own_field() -> None:
    assert update_of({"op": "close", "closeOrgID": "371101"}).data.unit == "371101"


# ── supervision orders ────────────────────────────────────────────────────────────────────────────────────

ORDER_STATES = {
    "0": SupervisionState.PROPOSED,
    "提请": SupervisionState.PROPOSED,
    "1": SupervisionState.ISSUED,
    "发布": SupervisionState.ISSUED,
    None: SupervisionState.ISSUED,
    "2": SupervisionState.SIGNED,
    "已签收": SupervisionState.SIGNED,
    "3": SupervisionState.FEEDBACK,
    "已反馈": SupervisionState.FEEDBACK,
    "4": SupervisionState.REVIEW,
    "审核中": SupervisionState.REVIEW,
    "5": SupervisionState.CLOSED,
    "已办结": SupervisionState.CLOSED,
    "6": SupervisionState.REJECTED,
    "已驳回": SupervisionState.REJECTED,
}


@pytest.mark.parametrize(("written", "state"), ORDER_STATES.items())
def test_an_order_binds_only_once_it_is_issued(written: str | None, state: SupervisionState) -> None:
    draft = update_of({"op": "supervise", "supervisionType": "2", "superviseState": written, "superviseNo": "DB-1"})
    assert draft.type is (EventType.SUPERVISED if state is SupervisionState.ISSUED else EventType.NOTED)
    assert draft.data.supervision is not None
    assert (draft.data.supervision.state, draft.data.supervision.number) == (state, "DB-1")


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("1", SupervisionReason.HOT),
        ("热点难点", SupervisionReason.HOT),
        (2, SupervisionReason.REPEATED),
        ("反复投诉", SupervisionReason.REPEATED),
        ("3", SupervisionReason.LONG_PENDING),
        ("久拖不决", SupervisionReason.LONG_PENDING),
        ("4", SupervisionReason.UNSATISFIED),
        ("群众不满意", SupervisionReason.UNSATISFIED),
        ("5", SupervisionReason.LEADER),
        ("领导批示", SupervisionReason.LEADER),
        (None, None),
    ],
)
def test_why_it_is_supervised_and_by_whom(written: object, reason: SupervisionReason | None) -> None:
    fields = {"superviseReason": written, "superviseOrgName": "市社会治理服务中心", "handleDate": "2026-12-01"}
    draft = update_of({"op": "supervise", **fields, **UNITS})
    assert draft.data.supervision is not None
    assert (draft.data.supervision.reason, draft.data.supervision.issuer) == (reason, "市社会治理服务中心")
    assert [one.unit for one in draft.data.units] == ["市住建局", "市水务局"]
    assert draft.data.due_at is not None


def test_an_unknown_reason_is_not_guessed() -> None:
    assert update_of({"op": "supervise", "superviseReason": "9"}).type is EventType.UNKNOWN


# ── every op stays readable with all of it ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("op", sorted(set(Op) - {Op.REPORT}))
def test_every_op_takes_a_package_and_households(op: str) -> None:
    codes = {"checkResult": "1", "householdsTotal": 2, "householdsDone": 2}
    drafts = updates_of({"op": op, "messageId": "m", "eventId": EVENT_ID, **PACKAGE, **codes})
    assert all(one.data.package is not None and one.data.households is not None for one in drafts)


@pytest.mark.parametrize("members", [{"a": 1}, ["x\ny"], [1.5], 7])
def test_members_that_cannot_be_read(members: object) -> None:
    assert isinstance(read({"op": "close", "eventId": EVENT_ID, "members": members}), Malformed)
