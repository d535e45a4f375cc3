"""Several documents in one request: each is taken or refused for itself, and the answer says which."""

import json
from typing import Any

import orjson
import pytest

from adapters.governance_center.batches import ALONE, DOCUMENTS_AT_MOST, DRAFTS_AT_MOST, QUESTIONS_AT_MOST
from adapters.governance_center.numbers import MEMBERS_AT_MOST
from bridge.adapter import Ignored, Malformed, Outcome, Question, Reading, Submission, Taken, Update
from schemas.event import EventType
from tests.adapters.governance_center.support import PETITION_ID, read, view

PERSON = "13812345678"


def sign(number: object, **more: Any) -> dict[str, Any]:
    return {"op": "sign", "eventId": number, **more}


def report(number: str, **more: Any) -> dict[str, Any]:
    return {"op": "report", "eventId": number, "content": "路灯不亮", **more}


def answered(reading: Reading, *statuses: str) -> dict[str, Any]:
    assert isinstance(reading, Taken), reading
    outcomes = [Outcome(status, PETITION_ID if status != "kept" else None, None) for status in statuses]
    response = reading.reply(outcomes)
    assert response.status == 200
    answer: dict[str, Any] = orjson.loads(response.body)
    return answer


@pytest.mark.parametrize("wrap", [lambda items: items, lambda items: {"events": items}])
def test_all_of_a_batch(wrap: Any) -> None:
    reading = read(wrap([report("E-1"), sign("E-2"), {"op": "userInfo", "eventId": "E-3"}, sign("E-4")]))
    assert isinstance(reading, Taken)
    assert [type(draft) for draft in reading.drafts] == [Submission, Update, Update]
    answer = answered(reading, "new", "duplicate", "kept")
    assert (answer["code"], answer["message"], answer["msg"]) == ("1", "成功", "成功")
    assert (answer["successStr"], answer["conflictStr"]) == ("E-1,E-3,E-4", "E-2")
    assert answer["failSituationList"] == []
    assert [one["result"] for one in answer["results"]] == ["created", "duplicate", "ignored", "kept"]


def test_partial_success() -> None:
    """The good ones are taken, the bad ones are told and kept by themselves, and nothing is quoted."""
    bad = [{"op": "fly", "eventId": "E-2", "messageId": "m-2", "contactTel": PERSON}, PERSON, sign("E-4", advice=[1])]
    reading = read([sign("E-1", advice="已签收"), *bad, sign("E-5")])
    assert isinstance(reading, Taken)
    kinds = [draft.type for draft in reading.drafts if isinstance(draft, Update)]
    assert kinds == [EventType.SIGNED, *[EventType.UNKNOWN] * 3, EventType.SIGNED]
    answer = answered(reading, "event", "kept", "kept", "kept", "event")
    assert (answer["code"], answer["successStr"]) == ("0", "E-1,E-5")
    told = [(one["index"], one.get("eventId"), one.get("messageId")) for one in answer["failSituationList"]]
    assert told == [(1, "E-2", "m-2"), (2, None, None), (3, "E-4", None)]
    assert "op" in answer["failSituationList"][0]["message"]
    assert PERSON not in json.dumps(answer)


def test_what_could_not_be_read_is_listed_with_its_event() -> None:
    reading = read([sign("E-1"), sign("E-4", advice=[1])])
    assert isinstance(reading, Taken)
    strange = reading.drafts[1]
    assert isinstance(strange, Update)
    assert [ref.value for ref in strange.refs] == ["E-4"]
    assert strange.data.status is not None
    assert strange.data.status.code == "unread"
    assert json.loads(strange.data.raw or "") == sign("E-4", advice=[1])
    assert strange.message_key.endswith("#unread")


def test_a_corrected_document_is_not_taken_for_the_bad_one() -> None:
    bad, good = (read([sign("E-1"), sign("E-2", messageId="m", advice=text)]) for text in ([1], "已签收"))
    assert isinstance(bad, Taken)
    assert isinstance(good, Taken)
    assert good.drafts[1].message_key == "m"
    assert bad.drafts[1].message_key != "m"


def test_none_of_a_batch() -> None:
    reading = read([{"op": "fly", "eventId": "E-1"}, "x"])
    assert isinstance(reading, Malformed)
    answer = orjson.loads(reading.response.body)
    assert (reading.response.status, answer["code"], len(answer["failSituationList"])) == (400, "0", 2)
    assert reading.reason.startswith("batch: ")


def test_a_batch_that_is_only_ignored() -> None:
    reading, again = (read([{"op": "userInfo", "eventId": "E-1"}]) for _ in range(2))
    assert isinstance(reading, Ignored)
    assert isinstance(again, Ignored)
    assert reading.message_key == again.message_key
    assert orjson.loads(reading.response.body)["results"][0]["result"] == "ignored"


@pytest.mark.parametrize("batch", [[], {"events": []}, [sign("E")] * (DOCUMENTS_AT_MOST + 1)])
def test_batches_of_no_use(batch: object) -> None:
    reading = read(batch)
    assert isinstance(reading, Malformed)
    assert orjson.loads(reading.response.body)["code"] == "0"


def test_a_document_with_an_op_is_one_document_whatever_else_it_has() -> None:
    assert isinstance(read({**sign("E-1"), "events": [1]}), Taken)


def test_integers_of_any_length_and_any_text() -> None:
    reading = read([sign(10**40), sign(10**40, advice=[1]), sign("E", advice="\u0000\ue000😀")])
    answer = answered(reading, "event", "kept", "event")
    assert answer["successStr"] == f"{10**40},E"


def test_reports_that_come_by_another_road_are_asked_about_one_by_one() -> None:
    known, other, plain = report("E-1", oppoSideBusiCode=PETITION_ID), report("E-2", oppoSideBusiCode="4711"), sign("E")
    reading: Reading = read([plain, known, other])
    assert isinstance(reading, Question)
    assert reading.refs[0].petition_id == PETITION_ID
    reading = reading.then([view()])
    assert isinstance(reading, Question)
    assert {ref.value for ref in reading.refs} == {"4711"}
    reading = reading.then([])
    assert isinstance(reading, Taken)
    _, note, new = reading.drafts
    assert isinstance(note, Update)
    assert (note.type, note.refs[0].petition_id) == (EventType.NOTED, PETITION_ID)
    assert isinstance(new, Submission)
    assert answered(reading, "event", "event", "new")["successStr"] == "E,E-1,E-2"


def test_only_so_many_can_be_asked_about_at_once() -> None:
    reading: Reading = read([report(f"E-{n}", oppoSideBusiCode="4711") for n in range(QUESTIONS_AT_MOST + 1)])
    for _ in range(QUESTIONS_AT_MOST):
        assert isinstance(reading, Question)
        reading = reading.then([])
    answer = answered(reading, *["new"] * QUESTIONS_AT_MOST, "kept")
    assert [one["message"] for one in answer["failSituationList"]] == [ALONE]


def test_a_batch_does_not_multiply_without_bound() -> None:
    many = {"op": "close", "eventId": "P", "packageId": "P", "members": [f"E-{n}" for n in range(MEMBERS_AT_MOST)]}
    room = DRAFTS_AT_MOST // MEMBERS_AT_MOST
    reading = read([{**many, "messageId": f"m-{n}"} for n in range(room + 1)] + [sign("E")])
    assert isinstance(reading, Taken)
    assert len(reading.drafts) <= DRAFTS_AT_MOST + room
    answer = answered(reading, *["event"] * len(reading.drafts))
    assert answer["failSituationList"][0]["index"] == room
    more = read({**many, "members": [*many["members"], "one more"]})
    assert isinstance(more, Malformed)
    assert "members" in more.reason
