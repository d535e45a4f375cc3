"""The door: what is taken, asked, ignored, malformed; and every answer in the center's dialect."""

from typing import Any

import orjson
import pytest

from adapters.governance_center.guard import REFUSALS
from adapters.governance_center.inbound import PATH
from bridge.adapter import Answered, Ignored, Malformed, Outcome, Question, Submission, Taken, Update
from schemas.event import EventType
from tests.adapters.governance_center.support import (
    EVENT_ID,
    PETITION_ID,
    inbound,
    malformed,
    read,
    request,
    view,
)

REPORT = {"op": "report", "eventId": EVENT_ID, "eventName": "停水", "content": "翠湖花园停水"}
PERSON = "13812345678"


def test_the_answer_after_commit() -> None:
    reading = read(REPORT)
    assert isinstance(reading, Taken)
    response = reading.reply([Outcome("new", PETITION_ID, "ab" * 32)])
    assert response.status == 200
    assert orjson.loads(response.body) == {
        "code": "1",
        "message": "成功",
        "eventId": EVENT_ID,
        "petitionId": PETITION_ID,
        "receipt": "ab" * 32,
    }
    kept = reading.reply([Outcome("kept", None, None)])
    assert orjson.loads(kept.body) == {"code": "1", "message": "成功", "eventId": EVENT_ID}


def test_a_message_id_is_the_key_and_else_the_document_is() -> None:
    def key(document: dict[str, Any]) -> str:
        reading = read(document)
        assert isinstance(reading, Taken)
        return reading.drafts[0].message_key

    assert key({**REPORT, "messageId": "m-7"}) == "m-7"
    assert key(REPORT) == key(dict(reversed(REPORT.items())))
    assert key(REPORT) != key({**REPORT, "content": "另一件事"})
    assert key(REPORT).startswith("sha256:")


@pytest.mark.parametrize("number", [PETITION_ID, "250101123456"])
def test_a_known_matter_by_another_road_is_a_note(number: str) -> None:
    reading = read({**REPORT, "oppoSideBusiCode": number})
    assert isinstance(reading, Question)
    known = reading.then([view()])
    assert isinstance(known, Taken)
    (draft,) = known.drafts
    assert isinstance(draft, Update)
    assert (draft.type, draft.refs[0].petition_id) == (EventType.NOTED, PETITION_ID)
    fresh = reading.then([])
    assert isinstance(fresh, Taken)
    assert isinstance(fresh.drafts[0], Submission)


def test_ops_that_are_deliberately_not_used() -> None:
    reading = read({"op": "userInfo", "eventId": EVENT_ID})
    assert isinstance(reading, Ignored)
    assert orjson.loads(reading.response.body)["code"] == "1"


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("sendEvt", EventType.DISPATCHED),
        ("saveDelayEvt", EventType.EXTENSION_REQUESTED),
        ("syncTask", EventType.PROGRESSED),
        ("delayCheckEvt", EventType.EXTENDED),
    ],
)
def test_other_words_for_the_ops(word: str, kind: EventType) -> None:
    reading = read({"op": word, "eventId": EVENT_ID, "checkResult": "1"})
    assert isinstance(reading, Taken)
    assert isinstance(reading.drafts[0], Update)
    assert reading.drafts[0].type is kind


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "空"),
        (b"   ", "空"),
        (b"not json", "JSON"),
        (b"[1]", "1个事件未收"),
        (b'"text"', "JSON对象"),
        (b"<html>502</html>", "JSON"),
        ('{"op":"sign","eventId":"办"}'.encode("gbk"), "UTF-8"),
        (b'{"op":"sign","eventId":"1","latitude":NaN}', "JSON"),
        (b'{"op":"sign","eventId":"\\ud800"}', "JSON"),
        (b"[" * 100_000, "JSON"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "JSON"),
    ],
)
def test_what_is_not_a_document(body: bytes, words: str) -> None:
    reading = read(body)
    assert isinstance(reading, Malformed)
    answer = orjson.loads(reading.response.body)
    assert (reading.response.status, answer["code"]) == (400, "0")
    assert words in answer["message"]


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"eventId": EVENT_ID}, "op"),
        ({"op": "fly", "eventId": EVENT_ID}, "op"),
        ({"op": ["report"], "eventId": EVENT_ID}, "op"),
        ({"op": None, "eventId": None}, "op"),
        ({"op": "sign"}, "eventId"),
        ({"op": "sign", "eventId": ""}, "eventId"),
        ({"op": "sign", "eventId": 2.0240101000072e13}, "eventId"),
        ({"op": "sign", "eventId": "2.0240101E+13"}, "eventId"),
        ({"op": "sign", "eventId": "1\x00"}, "eventId"),
        ({"op": "sign", "eventId": "a\nb"}, "eventId"),
        ({"op": "sign", "eventId": "9" * 129}, "eventId"),
        ({"op": "sign", "eventId": True}, "eventId"),
        ({"op": "sign", "eventId": {"id": 1}}, "eventId"),
        ({"op": "sign", "eventId": EVENT_ID, "messageId": "a\tb"}, "messageId"),
        ({"op": "sign", "eventId": EVENT_ID, "advice": ["x"]}, "advice"),
        ({"op": "sign", "eventId": EVENT_ID, "assignments": "x"}, "assignments"),
        ({"op": "dispatch", "eventId": EVENT_ID, "targetOrgCode": {"a": 1}}, "targetOrgCode"),
        ({"op": "report", "eventId": EVENT_ID, "content": PERSON, "contactTel": PERSON * 9}, "phone"),
        ({"op": "report", "eventId": EVENT_ID, "content": "x" * 100_001}, "content"),
        ({"op": "sign", "eventId": EVENT_ID, "orgName": PERSON + "x" * 200}, "unit"),
    ],
)
def test_malformed_documents_name_the_field_and_quote_nothing(document: dict[str, Any], field: str) -> None:
    reason, answer = malformed(document)
    assert field in reason
    assert answer["code"] == "0"
    assert PERSON not in reason + answer["message"]
    if document.get("eventId") == EVENT_ID:
        assert answer["eventId"] == EVENT_ID


@pytest.mark.parametrize(
    "extra",
    [
        {"__proto__": {"admin": True}, "constructor": {"prototype": {}}},
        {"model_config": {}, "model_fields": 1, "__class__": "x", "": 1, " ": 2},
        {"deep": {"a": [{"b": [[[[]]]]}]}},
        {"id": 10**200},
    ],
)
def test_unknown_keys_are_normal(extra: dict[str, Any]) -> None:
    import json

    reading = read(json.dumps({"op": "sign", "eventId": EVENT_ID, **extra}).encode())
    assert isinstance(reading, Taken)


def test_a_number_of_many_thousand_digits_is_no_500() -> None:
    for name in ("eventId", "extra", "longitude"):
        body = b'{"op":"sign","eventId":"1","%s":%s}' % (name.encode(), b"9" * 10_000)
        assert isinstance(read(body), Malformed | Taken)


def test_a_byte_order_mark_is_read() -> None:
    assert isinstance(read(b"\xef\xbb\xbf" + orjson.dumps({"op": "sign", "eventId": EVENT_ID})), Taken)


def test_too_large_and_unavailable_speak_the_dialect() -> None:
    door, asked = inbound(), request(b"")
    for response, status in ((door.too_large(asked), 413), (door.unavailable(asked), 503)):
        assert response.status == status
        assert orjson.loads(response.body)["code"] == "0"


def test_every_refusal_is_chinese_and_begins_alike() -> None:
    assert all(text.startswith("认证信息[auth]无效：") for text in REFUSALS.values())


# ── look-up ──


def looked_up(number: str) -> Any:
    return inbound().read(request(b"", method="GET", path=f"{PATH}/{number}")).reading


def test_the_look_up_finds_by_either_number() -> None:
    for number in (EVENT_ID, PETITION_ID):
        reading = looked_up(number)
        assert isinstance(reading, Question)
        answered = reading.then([view(known=EVENT_ID)])
        assert isinstance(answered, Answered)
        answer = orjson.loads(answered.response.body)
        assert (answer["code"], answer["eventId"], answer["petitionId"]) == ("1", EVENT_ID, PETITION_ID)
    assert any(ref.petition_id == PETITION_ID for ref in looked_up(PETITION_ID).refs)


def test_the_look_up_of_what_nobody_knows() -> None:
    answered = looked_up("4711").then([])
    assert answered.response.status == 404
    assert orjson.loads(answered.response.body) == {
        "code": "0",
        "message": "事件ID[eventId]无效：没有这个事件",
        "eventId": "4711",
    }
    bad = looked_up("%00")
    assert isinstance(bad, Answered)
    assert bad.response.status == 400


def test_the_look_up_is_signed_too() -> None:
    asked = request(b"", method="GET", path=f"{PATH}/{EVENT_ID}", change={"x-sign": "0" * 64})
    assert not isinstance(inbound().read(asked).reading, Question)
