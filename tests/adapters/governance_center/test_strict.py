"""The strict sandbox: all that the bridge says keeps to the interface document, and whatever does not is refused."""

import itertools
from typing import Any

import pytest

from adapters.governance_center import composing, sandbox_rules
from adapters.governance_center.codes import load
from adapters.governance_center.wire import EventDocument, Op
from bridge.adapter import Busy, Permanent
from schemas.event import (
    Assignment,
    EventData,
    EventType,
    Households,
    Package,
    PartState,
    Satisfaction,
    Span,
    SupervisionLevel,
    SupervisionOrder,
    SupervisionReason,
    SupervisionState,
    UnitRole,
)
from schemas.petition import Attachment, Category, ExternalId, HandlingClass, Kind, Petitioner, Place, Urgency
from tests.adapters.governance_center.support import EVENT_ID, NOW, PETITION_ID, codes, outgoing, run, with_sandbox

PLATFORMS = (
    *("jiangyin", "ffcs", "digital_village", "wecom", "digital_city"),
    *("four_platforms", "emergency", "lifeline", "words"),
)
UNITS = (
    Assignment(unit="甲局", code="A1", state=PartState.HANDLING),
    Assignment(unit="乙局", role=UnitRole.ASSIST, state=PartState.EXCUSED),
)
FULL = EventData(
    text="原话\u0000😀\r\n",
    unit="乙局",
    role=UnitRole.ASSIST,
    person="经办人",
    units=UNITS,
    due_at=NOW,
    extend_by=Span(amount=2.5, unit="working_days"),
    level=SupervisionLevel.RED,
    satisfaction=Satisfaction.FAIR,
    score="3.5",
    resolved="partly",
    reference="T-1",
    supervision=SupervisionOrder(
        number="DB-1", state=SupervisionState.REVIEW, reason=SupervisionReason.HOT, issuer="市社会治理服务中心"
    ),
    package=Package(
        number="P-1", title="专题整治", topic="办证", plan="案" * 10_000, due_at=NOW, members=("E-1", "E-2")
    ),
    households=Households(done=162, total=500, batch=1),
    attachments=(Attachment(name="a.jpg", url="https://files.example/a", usage="处置"), Attachment(name="b", url="u")),
)
"""An event that says everything there is to say."""

PETITION: dict[str, Any] = {
    "title": "",
    "kind": Kind.PRAISE,
    "urgency": Urgency.CRITICAL,
    "handling_class": HandlingClass.JOINT_PACKAGE,
    "category": Category(code="0301", name="市政设施"),
    "place": Place(
        region_code="370811",
        street="阜桥街道",
        community="翠湖社区",
        grid="370811001001",
        address="翠湖花园",
        longitude=116.5,
        latitude=35.4,
    ),
    "lead_unit": "甲局",
    "assist_units": ("乙局", "丙局"),
    "attachments": (Attachment(name="现场.jpg", url="https://files.example/1"),),
    "occurred_at": NOW,
    "external_ids": (ExternalId(system="hotline12345", kind="taskNum", value="250101123456"),),
}


def told(kind: EventType, data: EventData, platform: str = "jiangyin", /, **more: Any) -> dict[str, Any]:
    return composing.document(outgoing(kind, data, **more), load(platform))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_all_we_say_is_allowed(platform: str) -> None:
    for kind, data, known in itertools.product(sorted(codes().says), (EventData(), FULL), (EVENT_ID, None)):
        document = told(kind, data, platform, known=known, **PETITION)
        assert sandbox_rules.fault(document, platform) is None, (kind, data, known)


@pytest.mark.parametrize("hidden", ["confidential", "anonymous"])
def test_what_we_say_of_hidden_petitioners_is_allowed(hidden: str) -> None:
    person = Petitioner(name="测试甲", phone="13800000000", openid="o-1", **{hidden: True})
    document = told(EventType.SUBMITTED, EventData(), petitioner=person)
    assert sandbox_rules.fault(document, "jiangyin") is None
    assert sandbox_rules.fault({**document, "contactTel": "13800000000"}, "jiangyin") is not None


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        (EventType.SIGNED, {"op": "fly"}, "op"),
        (EventType.SIGNED, {"contactTel": "13800000000"}, "contactTel不适用"),
        (EventType.SIGNED, {"content": "x"}, "content不适用"),
        (EventType.SIGNED, {"nickname": "x"}, "nickname不适用"),
        (EventType.SIGNED, {"members": ["E-1"]}, "members不适用"),
        (EventType.SIGNED, {"taskTime": "2026-11-22T09:30:00+08:00"}, "taskTime"),
        (EventType.SIGNED, {"taskTime": "2026-02-30 00:00:00"}, "taskTime"),
        (EventType.SIGNED, {"messageId": 7}, "messageId"),
        (EventType.SIGNED, {"eventId": "x\n"}, "eventId"),
        (EventType.SIGNED, {"role": "主办"}, "role"),
        (EventType.SIGNED, {"status": "00"}, "status"),
        (EventType.SIGNED, {"partStatus": "8"}, "partStatus"),
        (EventType.SIGNED, {"attrs": []}, "attrs"),
        (EventType.SIGNED, {"attrs": [{"name": "x"}]}, "attrs"),
        (EventType.SIGNED, {"householdsDone": 9, "householdsTotal": 3}, "householdsDone"),
        (EventType.SIGNED, {"householdsDone": -1}, "householdsDone"),
        (EventType.SIGNED, {"packagePlan": "案" * 10_001}, "packagePlan"),
        (EventType.SIGNED, {"packageDueDate": "2026-12-31"}, "packageDueDate"),
        (EventType.SUBMITTED, {"appealType": "help"}, "appealType"),
        (EventType.SUBMITTED, {"urgencyDegree": "1"}, "urgencyDegree"),
        (EventType.SUBMITTED, {"longitude": "116.5"}, "longitude"),
        (EventType.SUBMITTED, {"latitude": 95.0}, "latitude"),
        (EventType.SUBMITTED, {"source": "09"}, "source"),
        (EventType.SUBMITTED, {"assignments": [{"orgName": "甲", "role": "lead"}]}, "assignments"),
        (
            EventType.SUBMITTED,
            {"assignments": [{"orgName": name, "orgCode": "", "role": "lead"} for name in "甲乙"]},
            "主办单位只能有一个",
        ),
        (EventType.SUPERVISED, {"supervisionType": "4"}, "supervisionType"),
        (EventType.EXTENDED, {"checkResult": "3"}, "checkResult"),
        (EventType.EXTENDED, {"interval": 3}, "intervalUnit"),
        (EventType.RATED, {"satisfaction": "满意"}, "satisfaction"),
    ],
)
def test_what_is_not_written_is_refused(kind: EventType, change: dict[str, Any], words: str) -> None:
    document = told(kind, EventData(), known=EVENT_ID if kind is not EventType.SUBMITTED else None)
    assert sandbox_rules.fault(document, "jiangyin") is None
    assert words in (sandbox_rules.fault({**document, **change}, "jiangyin") or "")


@pytest.mark.parametrize("kind", [EventType.SUBMITTED, EventType.EXTENDED, EventType.SUPERVISED, EventType.SIGNED])
def test_what_is_required_is_missed(kind: EventType) -> None:
    document = told(kind, EventData(), known=EVENT_ID if kind is not EventType.SUBMITTED else None)
    for name in (*sandbox_rules.ALWAYS, *sandbox_rules.REQUIRED.get(document["op"], ())):
        without = {key: value for key, value in document.items() if key != name}
        assert sandbox_rules.fault(without, "jiangyin") is not None, name


def test_a_pin_is_both_or_none() -> None:
    document = told(EventType.SUBMITTED, EventData(), **PETITION)
    del document["latitude"]
    assert "longitude" in (sandbox_rules.fault(document, "jiangyin") or "")


def test_the_rules_name_every_op_and_only_fields_of_the_document() -> None:
    assert set(sandbox_rules.OWN) == set(Op)
    named = {*sandbox_rules.ANY_STEP, *(name for own in sandbox_rules.OWN.values() for name in own)}
    assert named - set(EventDocument.model_fields) == set(codes().report_defaults) | {"handleWay", "relatedCodes"}


def test_the_rules_codes_are_those_of_the_shipped_tables() -> None:
    for platform, allowed in sandbox_rules.STATUS.items():
        assert set(load(platform).status_out.values()) <= allowed
    for platform, allowed in sandbox_rules.URGENCY.items():
        assert allowed <= set(load(platform).urgency)


# ── in the sandbox ────────────────────────────────────────────────────────────────────────────────────────


def test_the_sandbox_refuses_unless_told_to_be_lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    written = composing.document
    monkeypatch.setattr(composing, "document", lambda *given: {**written(*given), "nickname": "x"})

    async def work() -> None:
        async with with_sandbox() as (center, outbound):
            with pytest.raises(Permanent, match="code_0"):
                await outbound.send(outgoing(EventType.SUBMITTED))
            center.dialect.change({"strict": False})
            assert (await outbound.send(outgoing(EventType.SUBMITTED))).holds

    run(work())


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_strict_sandbox_takes_everything_we_say(platform: str) -> None:
    async def work() -> None:
        async with with_sandbox(platform=platform) as (center, outbound):
            number = (await outbound.send(outgoing(EventType.SUBMITTED, FULL, **PETITION))).number
            for kind in sorted(outbound.speaks):
                data = FULL.model_copy(update={"unit": None})
                await outbound.send(outgoing(EventType(kind), data, known=number))
            assert len(center.box.memory.arrivals) == len(outbound.speaks) + 1

    run(work())


def test_the_lead_finishes_last() -> None:
    """Told of the lead's finish too early, the center asks us to come back; nobody has to look after it."""

    async def work() -> None:
        async with with_sandbox() as (center, outbound):
            number = (await outbound.send(outgoing(EventType.SUBMITTED))).number
            parts = (Assignment(unit="甲局"), Assignment(unit="乙局", role=UnitRole.ASSIST))
            case = center.book.find(number)
            case.lead = "甲局"
            await outbound.send(outgoing(EventType.DISPATCHED, EventData(units=parts), known=number))
            lead = outgoing(EventType.REPLIED, EventData(unit="甲局", role=UnitRole.LEAD), known=number)
            with pytest.raises(Busy, match="assist_open"):
                await outbound.send(lead)
            some = EventData(unit="甲局", role=UnitRole.LEAD, households=Households(done=1, total=2))
            await outbound.send(outgoing(EventType.REPLIED, some, known=number))
            finished = EventData(unit="乙局", role=UnitRole.ASSIST)
            await outbound.send(outgoing(EventType.REPLIED, finished, known=number))
            await outbound.send(lead)
            assert case.parts == {"甲局": PartState.FINISHED, "乙局": PartState.FINISHED}

    run(work())


def test_what_we_propose_is_published_by_an_operator_there() -> None:
    async def work() -> None:
        async with with_sandbox() as (center, outbound):
            number = (await outbound.send(outgoing(EventType.SUBMITTED))).number
            case = center.book.find(number)
            document = told(EventType.SUPERVISED, EventData(level=SupervisionLevel.BLACK), known=number)
            assert document["superviseState"] == "0"
            from adapters.governance_center.autopilot import issued

            fields = issued(case, document).fields
            assert (fields["superviseState"], fields["supervisionType"]) == ("1", "3")
            assert fields["superviseNo"]

    run(work())


def test_an_order_of_the_hotline_is_told_as_published() -> None:
    said = outgoing(EventType.SUPERVISED, EventData(level=SupervisionLevel.YELLOW), known=EVENT_ID)
    theirs = type(said)(
        said.handoff_id,
        said.idempotency_key,
        1,
        said.event.model_copy(update={"source": "hotline12345"}),
        said.petition,
        said.external_ids,
        {},
    )
    assert composing.document(theirs, codes())["superviseState"] == "1"
    assert composing.document(said, codes())["superviseState"] == "0"
    assert composing.document(said, codes())["oppoSideBusiCode"] == PETITION_ID
