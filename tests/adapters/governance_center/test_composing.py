"""Every event type towards the center: the op, its fields, and that the center reads what we meant."""

from typing import Any

import orjson
import pytest

from adapters.governance_center import composing, mapping, sandbox_rules
from adapters.governance_center.wire import Op, parse
from bridge.adapter import Permanent, Update
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
from schemas.petition import Attachment, ExternalId, HandlingClass, Petitioner
from tests.adapters.governance_center.support import EVENT_ID, NOW, PETITION_ID, codes, outgoing

E = EventType
SAYS = {
    E.SUBMITTED: "report",
    E.ACCEPTED: "progress",
    E.NOT_ACCEPTED: "progress",
    E.DISPATCHED: "dispatch",
    E.SIGNED: "sign",
    E.PROGRESSED: "progress",
    E.RETURN_REQUESTED: "return_apply",
    E.RETURNED: "return_review",
    E.RETURN_DENIED: "return_review",
    E.EXTENSION_REQUESTED: "delay_apply",
    E.EXTENDED: "delay_review",
    E.EXTENSION_DENIED: "delay_review",
    E.CANCEL_REQUESTED: "progress",
    E.CANCEL_DENIED: "progress",
    E.CANCELLED: "withdraw",
    E.REPLIED: "reply",
    E.VERIFIED: "progress",
    E.SUPERVISED: "supervise",
    E.URGED: "supervise",
    E.FOLLOWED_UP: "progress",
    E.RATED: "evaluate",
    E.REHANDLED: "progress",
    E.MERGED: "progress",
    E.RECLASSED: "progress",
    E.SUSPENDED: "progress",
    E.RESUMED: "progress",
    E.CLOSED: "close",
    E.NOTED: "progress",
}
THERE_AND_BACK = {
    E.DISPATCHED: EventData(units=(Assignment(unit="甲局"), Assignment(unit="乙局", role=UnitRole.ASSIST))),
    E.SIGNED: EventData(
        unit="甲局",
        role=UnitRole.ASSIST,
        units=(Assignment(unit="甲局", role=UnitRole.ASSIST, state=PartState.SIGNED),),
    ),
    E.RETURN_REQUESTED: EventData(text="不属于本单位职责"),
    E.RETURNED: EventData(text="同意"),
    E.RETURN_DENIED: EventData(text="不同意"),
    E.EXTENSION_REQUESTED: EventData(text="需会商", extend_by=Span(amount=2.5, unit="working_days")),
    E.EXTENDED: EventData(due_at=NOW, extend_by=Span(amount=3, unit="days")),
    E.EXTENSION_DENIED: EventData(text="不同意"),
    E.CANCELLED: EventData(text="撤回"),
    E.REPLIED: EventData(text="您好！\u0000已修复😀\r\n", attachments=(Attachment(name="a", url="u", usage="处置"),)),
    E.SUPERVISED: EventData(
        level=SupervisionLevel.RED,
        supervision=SupervisionOrder(
            number="DB-1",
            state=SupervisionState.ISSUED,
            reason=SupervisionReason.LONG_PENDING,
            issuer="市社会治理服务中心",
        ),
    ),
    E.NOTED: EventData(level=SupervisionLevel.KEY, supervision=SupervisionOrder(state=SupervisionState.FEEDBACK)),
    E.RECLASSED: EventData(
        handling_class=HandlingClass.JOINT_PACKAGE,
        package=Package(number="P-1", title="车轮厂小区", topic="房产证", plan="分批办证\u0000😀", due_at=NOW),
        units=(Assignment(unit="甲局"), Assignment(unit="乙局", role=UnitRole.ASSIST)),
    ),
    E.PROGRESSED: EventData(text="首批已办结", households=Households(done=162, total=500, batch=1)),
    E.URGED: EventData(level=SupervisionLevel.URGE, text="请抓紧"),
    E.RATED: EventData(satisfaction=Satisfaction.FAIR, score="3.5", resolved="partly"),
    E.CLOSED: EventData(text="已办结"),
}


def document(kind: EventType, data: EventData | None = None, **more: Any) -> dict[str, Any]:
    return composing.document(outgoing(kind, data, **more), codes())


def test_the_table_of_what_we_say_is_whole() -> None:
    assert {kind: op.value for kind, op in codes().says.items()} == {kind.value: op for kind, op in SAYS.items()}
    assert set(SAYS) == set(EventType) - {E.UNKNOWN}


@pytest.mark.parametrize(("kind", "op"), SAYS.items())
def test_every_event_type(kind: EventType, op: str) -> None:
    told = document(kind, EventData(text="原话"), known=EVENT_ID)
    assert (told["op"], told["eventId"], told["oppoSideBusiCode"]) == (op, EVENT_ID, PETITION_ID)
    assert (told["taskName"], told["taskTime"], told["advice"]) == (kind.zh, "2026-11-22 09:30:00", "原话")
    assert Op(told["op"])
    assert None not in told.values()


@pytest.mark.parametrize(("kind", "data"), THERE_AND_BACK.items())
def test_the_center_reads_what_we_meant(kind: EventType, data: EventData) -> None:
    back = read_back(document(kind, data, known=EVENT_ID))
    assert back.type is kind
    said = back.data.model_dump(exclude={"status"})
    meant = data.model_dump(exclude={"status"})
    same = ("text", "unit", "extend_by", "due_at", "satisfaction", "score", "resolved", "attachments", "level")
    for name in (*same, "package", "households", "handling_class", *(("supervision",) if data.supervision else ())):
        assert said[name] == meant[name], name
    units = [(one.unit, one.role, one.state) for one in data.units]
    assert [(one.unit, one.role, one.state) for one in back.data.units] == units


def read_back(told: dict[str, Any], platform: str = "jiangyin") -> Update:
    body = orjson.dumps(told)
    read, _ = parse(body, {})
    message = mapping.Message(read, Op(read.op or ""), EVENT_ID, "k", body.decode(), NOW)
    (back,) = mapping.updates(message, codes(platform))
    return back


@pytest.mark.parametrize(
    ("actor", "class_", "who"),
    [
        ("system", HandlingClass.HOTLINE_TRANSFER, "系统自动"),
        ("unit", HandlingClass.HOTLINE_TRANSFER, "市水务局自行"),
        ("owner", HandlingClass.HOME_UNIT, "市水务局自行"),
    ],
)
def test_what_is_not_the_citizens_word_is_no_evaluation(actor: str, class_: HandlingClass, who: str) -> None:
    data = EventData(unit="市水务局", satisfaction=Satisfaction.SATISFIED, resolved="yes")
    for kind in (E.RATED, E.FOLLOWED_UP):
        out = outgoing(kind, data, known=EVENT_ID, actor=actor, handling_class=class_)
        told = composing.document(out, codes("ffcs"))
        assert (told["op"], told["taskName"], told["advice"]) == ("progress", who + kind.zh, "满意，已解决")
        assert not {"status", "orgName", "satisfaction", "isSolved"} & set(told)
        assert sandbox_rules.fault(told, "ffcs") is None
        assert read_back(told, "ffcs").type is E.PROGRESSED
    assert document(E.RATED, EventData(text="原话", unit="x" * 200), actor="unit", known=EVENT_ID)["advice"] == "原话"
    assert document(E.FOLLOWED_UP, EventData(), actor="unit", known=EVENT_ID)["taskName"] == "承办单位自行回访"


@pytest.mark.parametrize("actor", [None, "petitioner", "owner"])
def test_the_citizens_word_is_told_as_theirs_and_names_no_unit(actor: str | None) -> None:
    """Whoever asked: the owner of a petition that others have, a unit's name beside it (12345热线) or none."""
    data = EventData(unit="市水务局", role=UnitRole.LEAD, satisfaction=Satisfaction.UNSATISFIED, resolved="no")
    told = document(E.RATED, data, actor=actor, known=EVENT_ID)
    assert (told["op"], told["satisfaction"], told["isSolved"]) == ("evaluate", "03", "0")
    back = read_back(told)
    assert (back.type, back.actor, back.data.resolved) == (E.RATED, None, "no")


def test_what_was_found_is_said_where_there_are_no_words() -> None:
    for finding, words in (("unreachable", "联系不上诉求人"), ("unreasonable", "认定为不合理诉求")):
        assert document(E.VERIFIED, EventData.model_validate({"finding": finding}), known=EVENT_ID)["advice"] == words


def test_an_unknown_event_is_never_told() -> None:
    with pytest.raises(Permanent, match="not_spoken"):
        document(E.UNKNOWN)


def test_the_report() -> None:
    told = document(E.SUBMITTED)
    assert told["eventId"] == told["oppoSideBusiCode"] == PETITION_ID
    assert told["content"] == "翠湖花园3号楼连续三天停水，多次反映无果。😀"
    assert (told["appealType"], told["handleWay"], told["urgencyDegree"]) == ("求助", "重点督办", "01")
    assert (told["longitude"], told["latitude"], told["regionCode"]) == (116.5, 35.4, "370811")
    assert (told["registerTimeStr"], told["collectWay"]) == ("2026-11-22 09:30:00", "02")
    assert (told["contactUserName"], told["contactTel"], told["openId"]) == ("测试甲", "13800000000", "o-test-1")


@pytest.mark.parametrize("hidden", ["confidential", "anonymous"])
def test_who_must_not_be_known_is_not_told(hidden: str) -> None:
    person = Petitioner(name="测试甲", phone="13800000000", openid="o-1", **{hidden: True})
    for kind in SAYS:
        told = document(kind, EventData(text="原话"), petitioner=person)
        written = orjson.dumps(told).decode()
        assert not any(value in written for value in ("测试甲", "13800000000", "o-1"))
    assert document(E.SUBMITTED, petitioner=person)[hidden] == "1"


def test_only_a_report_says_who_brought_it() -> None:
    for kind in set(SAYS) - {E.SUBMITTED}:
        assert "contactTel" not in document(kind, known=EVENT_ID)


def test_a_joint_package_has_one_assignment_each() -> None:
    told = document(
        E.SUBMITTED, handling_class=HandlingClass.JOINT_PACKAGE, lead_unit="甲局", assist_units=("乙局", "丙局")
    )
    assert told["assignments"] == [
        {"orgName": "甲局", "orgCode": "", "role": "lead"},
        {"orgName": "乙局", "orgCode": "", "role": "assist"},
        {"orgName": "丙局", "orgCode": "", "role": "assist"},
    ]
    assert (told["targetOrgName"], told["assistOrgNames"], told["handleWay"]) == ("甲局", ["乙局", "丙局"], "打包处理")


@pytest.mark.parametrize("kind", [E.SUPERVISED, E.URGED, E.RECLASSED])
def test_what_escalates_an_unknown_petition_reports_it(kind: EventType) -> None:
    told = document(kind, EventData(level=SupervisionLevel.YELLOW, text="多次反映未果"))
    assert (told["op"], told["advice"]) == ("report", "多次反映未果")
    assert told.get("supervisionType") == (None if kind is E.URGED else "1")
    assert told["remindStatus"] == ("1" if kind is E.URGED else "2")
    assert document(kind, known=EVENT_ID)["op"] != "report"


@pytest.mark.parametrize(
    ("kind", "level", "card", "remind"),
    [
        (E.SUPERVISED, SupervisionLevel.YELLOW, "1", "2"),
        (E.SUPERVISED, SupervisionLevel.RED, "2", "2"),
        (E.SUPERVISED, SupervisionLevel.BLACK, "3", "2"),
        (E.SUPERVISED, SupervisionLevel.KEY, None, "2"),
        (E.SUPERVISED, None, None, "2"),
        (E.URGED, None, None, "1"),
    ],
)
def test_supervision_levels(kind: EventType, level: SupervisionLevel | None, card: str | None, remind: str) -> None:
    told = document(kind, EventData(level=level), known=EVENT_ID)
    assert (told.get("supervisionType"), told.get("remindStatus")) == (card, remind)


@pytest.mark.parametrize(
    ("span", "interval", "unit"),
    [
        (Span(amount=3, unit="working_days"), 3, "1"),
        (Span(amount=2.5, unit="days"), 2.5, "2"),
        (Span(amount=36, unit="hours"), 1.5, "2"),
    ],
)
def test_intervals(span: Span, interval: float, unit: str) -> None:
    told = document(E.EXTENSION_REQUESTED, EventData(extend_by=span), known=EVENT_ID)
    assert (told["interval"], told["intervalUnit"]) == (interval, unit)


def test_the_hotlines_number_goes_along_and_nothing_of_wechat() -> None:
    numbers = (
        ExternalId(system="hotline12345", kind="taskNum", value="250101123456"),
        ExternalId(system="wechat", kind="msgid", value="o-secret"),
    )
    told = document(E.SUBMITTED, external_ids=numbers)
    assert told["relatedCodes"] == [{"bizPlatform": "018", "code": "250101123456"}]


def test_a_message_is_the_same_at_every_attempt() -> None:
    first = outgoing(E.REPLIED, EventData(text="办结"))
    assert composing.document(first, codes())["messageId"] == first.idempotency_key
