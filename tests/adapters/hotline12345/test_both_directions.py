"""Every action, notice, value and code that the documents name, once in each direction (see coverage.toml).

Towards us: what the sandbox writes, held against the standard, is read at the door or from a notice as its event.
Towards them: what we write for an event is taken by a strict hotline, and by the action that was meant.
"""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from adapters.hotline12345 import (
    cases,
    codes,
    envelope,
    inbound,
    messages,
    poller,
    sandbox_case,
    sandbox_rules,
    telling,
)
from adapters.hotline12345.answers import NotSigned
from adapters.hotline12345.inbound import HotlineInbound
from adapters.hotline12345.sandbox_case import Case
from bridge.adapter import (
    Answered,
    Busy,
    Malformed,
    Notice,
    OutboundError,
    Permanent,
    PetitionView,
    Question,
    Refused,
    Taken,
    Unknown,
)
from schemas.event import EventData, Satisfaction, Span
from schemas.event import EventType as E
from schemas.petition import Attachment, Place
from tests.adapters.hotline12345.support import (
    CODES,
    KEY,
    NOW,
    PETITION_ID,
    REPORT,
    SETTINGS,
    Stage,
    adapter,
    outgoing,
    petition,
    read,
    request,
    sent,
    stage,
    told,
)

# ── what they tell us ──

STEPS = {
    "accept": E.ACCEPTED,
    "dispatch": E.DISPATCHED,
    "redispatch": E.DISPATCHED,
    "sign": E.SIGNED,
    "progress": E.PROGRESSED,
    "rollback": E.RETURN_REQUESTED,
    "rollback_now": E.RETURNED,
    "rollback_reply": E.RETURNED,
    "rollback_deny": E.RETURN_DENIED,
    "postpone": E.EXTENSION_REQUESTED,
    "postpone_reply": E.EXTENDED,
    "postpone_deny": E.EXTENSION_DENIED,
    "cancel_apply": E.CANCEL_REQUESTED,
    "cancel_reply": E.CANCELLED,
    "cancel_deny": E.CANCEL_DENIED,
    "cancel": E.CANCELLED,
    "reply": E.REPLIED,
    "check": E.VERIFIED,
    "check_archive": E.CLOSED,
    "archive": E.CLOSED,
    "archive_apply": E.NOTED,
    "finish_reply": E.CLOSED,
    "evaluate": E.RATED,
    "evaluate_auto": E.RATED,
    "evaluate_appeal": E.NOTED,
    "evaluate_audit": E.NOTED,
    "press": E.URGED,
    "supervise": E.SUPERVISED,
    "notify": E.PROGRESSED,
    "visit": E.FOLLOWED_UP,
    "visit_unit": E.FOLLOWED_UP,
    "update": E.NOTED,
    "upload": E.NOTED,
    "media": E.NOTED,
}


def said(step: str) -> tuple[str, dict[str, Any]]:
    case = Case(PETITION_ID, rec_id=7, task_num="JN20261122000007", title="路灯不亮")
    return sandbox_case.say(case, step, "", NOW)


def test_no_step_is_without_its_event() -> None:
    assert set(STEPS) == set(sandbox_case.STEPS)
    spoken = {said(step)[0] for step in STEPS}
    news = set(messages.ACTIONS) - {"REPORT", *inbound.QUESTIONS, *inbound.PLAIN}
    assert spoken == news | set(messages.NOTICES_ONLY)


@pytest.mark.parametrize("step", sorted(STEPS))
def test_what_they_tell_at_the_door(step: str) -> None:
    action, data = said(step)
    model = messages.prescribed(action, archives="archiveTypeId" in data) or messages.NOTICES_ONLY[action]
    assert messages.faults(model, data) == []
    name = f"{action}_NOTICE" if action in messages.NOTICES_ONLY else action
    reading = read(sent(name, data))
    assert isinstance(reading, Taken), reading
    assert [draft.type for draft in reading.drafts] == [STEPS[step]]
    answer = json.loads(reading.reply([]).body)
    assert (answer["code"], messages.faults(messages.ENVELOPES["answer"], answer)) == (0, [])


@pytest.mark.parametrize(
    ("step", "actor"),
    [("evaluate", "petitioner"), ("evaluate_auto", "system"), ("visit", None), ("visit_unit", "unit")],
)
def test_whose_word_they_tell(step: str, actor: str | None) -> None:
    reading = read(sent(*said(step)))
    assert isinstance(reading, Taken)
    assert reading.drafts[0].actor == actor


def test_a_work_order_at_the_door() -> None:
    order = {name: value for name, value in REPORT.items() if value not in (None, "") and name != "altpsRec"}
    assert messages.faults(messages.ACTIONS["REPORT"], order) == []
    reading = read(sent("REPORT", order))
    assert isinstance(reading, Taken)
    assert reading.drafts[0].petition.content == order["eventDesc"]


@pytest.mark.parametrize("action", ["GET_REC_INFO", "GET_REC_PROCESS_INFO"])
def test_what_they_ask_at_the_door(action: str) -> None:
    reading = read(sent(action, {"caseId": PETITION_ID}))
    assert isinstance(reading, Question)
    assert reading.refs[0].petition_id == PETITION_ID
    assert told(reading.then(()))["code"] == envelope.BAD_RECORD


@pytest.mark.parametrize(
    ("action", "data"), [("GET_NOTICE_INFO", {"noticeName": "REPORT_NOTICE"}), ("NOTICE_SIGNING", {"noticeList": []})]
)
def test_who_polls_us_finds_nothing_waiting(action: str, data: dict[str, Any]) -> None:
    reading = read(sent(action, data))
    assert isinstance(reading, Answered)
    assert told(reading)["code"] == 0


EXAMPLES = {said(step)[0]: said(step)[1] for step in STEPS} | {"REPORT": REPORT}


@pytest.mark.parametrize("name", list(CODES.notices))
@pytest.mark.parametrize("epoch", [False, True])
def test_every_notice_that_is_polled(name: str, epoch: bool) -> None:
    action = CODES.notices[name]
    data = {"caseId": PETITION_ID} | EXAMPLES[action]
    if epoch:
        data |= {key: 1_795_312_800_000 for key in data if key.endswith("Time")}
    body = {"noticeName": name, "noticeId": 17, "noticeData": json.dumps(data)}
    reading = poller.read(Notice(f"notice:{name}:17", json.dumps(body).encode()), NOW, CODES)
    assert isinstance(reading, Taken), reading
    first = reading.drafts[0]
    assert first.message_key == f"notice:{name}:17"
    if epoch and any(key.endswith("Time") for key in EXAMPLES[action]) and action != "REPORT":
        assert first.occurred_at.timestamp() in (1_795_312_800, NOW.timestamp())


# ── each value of the documents' lists ──


@pytest.mark.parametrize(("state", "kept"), [(0, "satisfied"), (1, "unsatisfied"), (2, "unsatisfied")])
def test_each_rating_they_give(state: int, kept: str) -> None:
    rating = {"schemeId": 1, "evaluateTime": "2026-11-22 10:00:00", "evaluateState": state, "evaluateType": 0}
    reading = read(sent("EVALUATE", {"caseId": PETITION_ID, "misRecEvaluation": rating}))
    assert isinstance(reading, Taken)
    data = reading.drafts[0].data
    assert (data.satisfaction, data.stage) == (kept, "final" if state == 2 else None)


@pytest.mark.parametrize("method", [1, 2, 3, 4])
@pytest.mark.parametrize(("type_", "event"), [(1, E.ACCEPTED), (2, E.REPLIED), (96, E.PROGRESSED)])
def test_each_way_they_told_the_citizen(method: int, type_: int, event: E) -> None:
    data = {"caseId": PETITION_ID, "notifyContent": "x", "notifyTypeId": type_, "notifyMethod": method}
    reading = read(sent("NOTIFY", data))
    assert isinstance(reading, Taken)
    assert reading.drafts[0].type is event
    assert reading.drafts[0].data.status.name == CODES.notify_methods[str(method)]


@pytest.mark.parametrize("step", sorted(CODES.item_actions))
def test_each_step_they_write(step: str) -> None:
    data = {"caseId": PETITION_ID, "action": step, "actionName": "x", "actionTime": "2026-11-22 10:00:00"}
    reading = read(sent("ITEM_INST_SYNC", data))
    word = CODES.item_actions[step]
    if word == codes.IGNORE:
        assert not isinstance(reading, Taken)
    else:
        assert isinstance(reading, Taken)
        assert reading.drafts[0].type == word


# ── what we tell them ──

OURS = {"recId": "1", "taskNum": "2"}
HERS = EventData(text="情况说明", due_at=NOW, unit="市水务局")
FILE = Attachment(name="a.jpg", url="https://files.invalid/a.jpg")
TOLD: dict[str, tuple[E, bool, EventData]] = {
    "ITEM_INST_SYNC": (E.ACCEPTED, False, HERS),
    "DISPOSE_FEEDBACK": (E.REPLIED, True, HERS.model_copy(update={"attachments": (FILE,)})),
    "APPLY_ROLLBACK": (E.RETURN_REQUESTED, True, HERS),
    "REPLY_ROLLBACK": (E.RETURN_DENIED, False, HERS),
    "APPLY_POSTPONE": (E.EXTENSION_REQUESTED, True, EventData(extend_by=Span(amount=2.5, unit="days"))),
    "REPLY_POSTPONE": (E.EXTENDED, False, HERS),
    "APPLY_CANCEL": (E.CANCEL_REQUESTED, False, HERS),
    "REPLY_CANCEL": (E.CANCEL_DENIED, False, HERS),
    "CHECK_FEEDBACK": (E.VERIFIED, True, HERS),
    "ARCHIVE": (E.CLOSED, False, HERS),
    "EVALUATE": (E.RATED, False, EventData(satisfaction=Satisfaction.UNSATISFIED, stage="final")),
    "SUPERVISE": (E.SUPERVISED, False, HERS),
    "PRESS": (E.URGED, False, HERS),
    "NOTIFY": (E.FOLLOWED_UP, True, EventData(text="已电话回访", resolved="yes")),
    "SIGN": (E.SIGNED, True, HERS),
    "UPDATE_CASE_INFO": (E.NOTED, False, EventData(place=Place(street="古槐街道"))),
    "UPLOAD_MEDIA": (E.NOTED, False, EventData(attachments=(FILE,))),
}
DOCUMENT = {"external_id": "X1", "kind": "求助", "title": "路灯不亮", "content": "门口的路灯坏了", "petitioner": {}}


@dataclass
class Talk:
    """One conversation with a strict hotline: what it understood for each event, and how each code was taken."""

    understood: dict[str, dict[str, int]] = field(default_factory=dict)
    refused: dict[int, OutboundError] = field(default_factory=dict)


@pytest.fixture(scope="module")
def talk() -> Talk:
    heard = Talk()
    asyncio.run(_talk(heard))
    return heard


async def _talk(heard: Talk) -> None:
    async with stage() as there:
        assert there.hotline.manners.strict
        await _count(heard, there, "REPORT", there.bridge.outbound.send(outgoing()))
        there.hotline._called(dict(DOCUMENT))
        for n, (action, (event, theirs, data)) in enumerate(TOLD.items()):
            numbers = {"caseId": "X1"} if theirs else OURS
            out = outgoing(event, data=data, external_ids=numbers, idempotency_key=f"k{n}", actor="petitioner")
            await _count(heard, there, action, there.bridge.outbound.send(out))
        step = outgoing(E.PROGRESSED, external_ids=OURS, idempotency_key="step")
        await _count(heard, there, "GET_REC_PROCESS_INFO", there.bridge.outbound.lookup(step))
        await _count(heard, there, "GET_REC_INFO", there.bridge.outbound.lookup(outgoing()))
        poll, register = there.bridge.poller, there.bridge.register
        assert poll is not None
        assert register is not None
        there.hotline.pilot.leave(there.hotline.cases[PETITION_ID], "progress")
        await _count(heard, there, "GET_NOTICE_INFO", poll.fetch())
        await _count(heard, there, "NOTICE_SIGNING", poll.sign(await poll.fetch()))
        await _count(heard, there, "GET_REC_LIST", register.day(there.hotline.core.now().date()))
        await _codes(heard, there)


async def _count(heard: Talk, there: Stage, action: str, doing: Any) -> None:
    there.hotline.understood.clear()
    await doing
    heard.understood[action] = dict(there.hotline.understood)


async def _codes(heard: Talk, there: Stage) -> None:
    """One refusal with each code, and for good: the second try after a new token gets it again."""
    for code in (value for name, value in vars(envelope).items() if name.isupper() and value):
        there.hotline.manners.behave({"refuse": -1, "refusal": code, "words": "系统提示"})
        with pytest.raises(OutboundError) as raised:
            await there.bridge.outbound.send(outgoing(E.URGED, external_ids=OURS, idempotency_key=f"code{code}"))
        heard.refused[code] = raised.value
    there.hotline.manners.behave({})


@pytest.mark.parametrize("action", ["REPORT", *TOLD, "GET_REC_PROCESS_INFO", "GET_REC_INFO"])
def test_what_we_tell_a_strict_hotline(action: str, talk: Talk) -> None:
    assert talk.understood[action].get(action, 0) >= 1


@pytest.mark.parametrize("action", ["GET_NOTICE_INFO", "NOTICE_SIGNING", "GET_REC_LIST"])
def test_what_we_ask_a_strict_hotline(action: str, talk: Talk) -> None:
    assert talk.understood[action].get(action, 0) >= 1


def test_to_tell_the_citizen_we_sign_first(talk: Talk) -> None:
    assert talk.understood["NOTIFY"] == {"NOTIFY": 2, "SIGN": 1}, "refused for want of a signature, signed, told"
    assert issubclass(NotSigned, Permanent), "where signing does not help, a person looks at it"


def test_everything_is_told_and_nothing_else(talk: Talk) -> None:
    assert set(talk.understood) | {"UPLOAD_CASE_INFO"} == {*messages.ACTIONS, *messages.EXTENSION}


@pytest.mark.parametrize(("spelt", "event"), [("UPLOAD_CASE_INFO", E.NOTED), ("CHECK_FEEDBACK", E.CLOSED)])
def test_the_other_spelling_is_taken_too(spelt: str, event: E, tmp_path: Path) -> None:
    async def run() -> dict[str, int]:
        mine = tmp_path / "codes.toml"
        mine.write_text('[spelling]\nARCHIVE = "CHECK_FEEDBACK"\nUPDATE_CASE_INFO = "UPLOAD_CASE_INFO"\n')
        async with stage(codes=mine) as there:
            await there.bridge.outbound.send(outgoing())
            data = EventData(text="已办结") if event is E.CLOSED else EventData(place=Place(street="古槐街道"))
            await there.bridge.outbound.send(outgoing(event, data=data, external_ids=OURS, idempotency_key="k"))
            return dict(there.hotline.understood)

    assert asyncio.run(run())[spelt] == 1


@pytest.mark.parametrize("kind", ["hours", "days", "until"])
def test_each_way_to_postpone(kind: str) -> None:
    data = EventData(due_at=NOW) if kind == "until" else EventData(extend_by=Span(amount=2.5, unit=kind))  # type: ignore[arg-type]
    out = outgoing(E.EXTENSION_REQUESTED, data=data, external_ids={"caseId": "X1"})
    (one,) = telling.calls(out, CODES, "来听桥")
    assert sandbox_rules.fault(one.action, one.data) is None
    assert one.data["postponeType"] == {"until": 0, "hours": 1, "days": 2}[kind]


# ── codes ──


@pytest.mark.parametrize(
    ("code", "error", "name"),
    [
        (envelope.FAILED, Permanent, "-1"),
        (envelope.NOT_AUTHENTICATED, Permanent, "auth:-400001"),
        (envelope.BAD_PARAMETERS, Permanent, "-400002"),
        (envelope.FORBIDDEN, Permanent, "-400003"),
        (envelope.UNKNOWN_ACTION, Permanent, "-400004"),
        (envelope.BAD_CLIENT, Permanent, "auth:-400005"),
        (envelope.BAD_PROXY, Permanent, "-400006"),
        (envelope.UNKNOWN_FAULT, Unknown, "-500001"),
        (envelope.BAD_DATA, Permanent, "-500002"),
        (envelope.BAD_RECORD, Permanent, "-500003"),
    ],
)
def test_each_code_they_give(code: int, error: type[OutboundError], name: str, talk: Talk) -> None:
    raised = talk.refused[code]
    assert isinstance(raised, error)
    assert raised.code == name
    assert not isinstance(raised, Busy)


def _given(body: Any, **more: Any) -> int:
    reading = read(body, **more)
    assert isinstance(reading, Malformed | Refused | Taken | Question)
    if isinstance(reading, Question):
        return int(told(reading.then(()))["code"])
    return 0 if isinstance(reading, Taken) else int(told(reading)["code"])


@pytest.mark.parametrize(
    ("code", "body", "more"),
    [
        (envelope.OK, sent("SIGN", {"caseId": "X1"}), {}),
        (envelope.NOT_AUTHENTICATED, sent("SIGN", {"caseId": "X1"}), {"headers": {}}),
        (envelope.BAD_PARAMETERS, b"<html>", {}),
        (envelope.UNKNOWN_ACTION, sent("DANCE", {"caseId": "X1"}), {}),
        (envelope.BAD_RECORD, sent("GET_REC_INFO", {"caseId": "X1"}), {}),
    ],
)
def test_each_code_we_give(code: int, body: Any, more: dict[str, Any]) -> None:
    assert _given(body, **more) == code


def test_we_forbid_a_sender_we_do_not_expect() -> None:
    door = HotlineInbound(SETTINGS.model_copy(update={"peer_sender_code": "hotline"}), lambda: CODES)
    headers = {"authorization": f"Bearer {KEY}"}
    assert isinstance(door.read(request(sent("SIGN", {"caseId": "X1"}), headers=headers)).reading, Taken)
    strange = sent("SIGN", {"caseId": "X1"}) | {"senderCode": "stranger"}
    reading = door.read(request(strange, headers=headers)).reading
    assert isinstance(reading, Malformed)
    assert (reading.response.status, told(reading)["code"]) == (403, envelope.FORBIDDEN)


def test_a_ledger_that_is_away_is_an_unknown_fault() -> None:
    assert json.loads(adapter().inbound.unavailable(request(b"")).body)["code"] == envelope.UNKNOWN_FAULT


def test_the_numbers_of_our_answers_keep_to_the_standard() -> None:
    result = {"recId": cases.rec_id(PETITION_ID), "taskNum": petition().petition_id}
    assert messages.faults(messages.ANSWERS["numbers"], result) == []


# ── answers ──

VIEW = PetitionView(
    petition_id=PETITION_ID,
    title="路灯不亮",
    kind="help",
    handling_class="hotline_transfer",
    state="replied",
    submitted_at=NOW,
    updated_at=NOW,
    external_ids=(),
    last_event="replied",
    said="已修好",
    unit="市城管局",
)


@pytest.mark.parametrize("action", ["GET_REC_INFO", "GET_REC_PROCESS_INFO"])
def test_our_answers_keep_to_the_standard(action: str) -> None:
    reading = read(sent(action, {"caseId": PETITION_ID}))
    assert isinstance(reading, Question)
    answer = told(reading.then([VIEW]))
    assert messages.faults(messages.ENVELOPES["answer"], answer) == []
    assert messages.faults(messages.ANSWERS[action], answer["result"]) == []


def test_our_empty_list_of_notices_keeps_to_the_standard() -> None:
    answer = told(read(sent("GET_NOTICE_INFO", {"noticeName": "REPORT_NOTICE"})))
    assert messages.faults(messages.ANSWERS["GET_NOTICE_INFO"], answer["result"]) == []


def test_the_sandboxs_answers_keep_to_the_standard() -> None:
    async def run() -> None:
        async with stage() as there:
            await there.bridge.outbound.send(outgoing())
            await there.bridge.outbound.send(outgoing(E.PROGRESSED, external_ids=OURS, idempotency_key="step"))
            there.hotline.pilot.leave(there.hotline.cases[PETITION_ID], "progress")
            day = there.hotline.cases[PETITION_ID].entered.date()
            asked: dict[str, dict[str, Any]] = {
                "GET_REC_INFO": {"caseId": PETITION_ID},
                "GET_REC_PROCESS_INFO": {"caseId": PETITION_ID},
                "GET_NOTICE_INFO": {"noticeName": "ITEM_INST_SYNC_NOTICE"},
                "GET_REC_LIST": {
                    "beginTime": f"{day} 00:00:00",
                    "endTime": f"{day} 23:59:59",
                    "curPage": 1,
                    "numPerPage": 10,
                },
            }
            for action, data in asked.items():
                result = there.hotline.questions.answer(action, data)
                assert next(iter(result.values())), "an empty answer would prove nothing"
                assert messages.faults(messages.ANSWERS[action], result) == []
            said = there.hotline.questions.entries("REC_TYPE", 1, 10)
            assert messages.faults(messages.ANSWERS["dictionary"], said) == []

    asyncio.run(run())
