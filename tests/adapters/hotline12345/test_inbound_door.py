"""The door itself: keys, envelopes, and everything that is not one."""

import json

import pytest

from adapters.hotline12345.settings import HotlineSettings
from bridge.adapter import Malformed, Refused, Taken
from tests.adapters.hotline12345.support import KEY, PETITION_ID, REPORT, adapter, built, read, request, sent, told

SIGN = sent("SIGN", {"caseId": PETITION_ID})


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"authorization": f"Bearer {KEY}"}, {}),
        ({"authorization": f"bearer {KEY}"}, {}),
        ({"authorization": KEY}, {}),
        ({"x-egova-authorization": f"Bearer {KEY}"}, {}),
        ({}, {"token": KEY}),
        ({}, {"egova_openapi_token": KEY}),
    ],
)
def test_every_way_to_show_the_key(headers: dict[str, str], query: dict[str, str]) -> None:
    assert isinstance(read(SIGN, headers=headers, query=query), Taken)


@pytest.mark.parametrize(
    ("headers", "query", "reason"),
    [
        ({}, {}, "no_key"),
        ({"authorization": "Bearer wrong"}, {}, "unknown_key"),
        ({"authorization": "Bearer "}, {}, "unknown_key"),
        ({}, {"token": "密钥"}, "unknown_key"),
        ({}, {"token": ""}, "no_key"),
    ],
)
def test_a_wrong_key(headers: dict[str, str], query: dict[str, str], reason: str) -> None:
    reading = read(SIGN, headers=headers, query=query)
    assert isinstance(reading, Refused)
    assert (reading.reason, reading.response.status, told(reading)["code"]) == (reason, 401, -400001)


def test_without_a_key_in_the_settings_nobody_is_let_in() -> None:
    closed = built(HotlineSettings())
    for shown in ({"authorization": "Bearer "}, {"authorization": "Bearer x"}, {}):
        assert isinstance(closed.inbound.read(request(SIGN, headers=shown)).reading, Refused)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"<html><body>502 Bad Gateway</body></html>",
        b"[" * 5000,
        b"[]",
        b'"x"',
        b'{"uid": "1", "action": "SIGN"}',
        b'{"uid": "1", "data": {"caseId": "1"}}',
        b'{"uid": ["1"], "action": "SIGN", "data": {"caseId": "1"}}',
        b'{"uid": "1", "action": 7.5, "data": {}}',
        b'{"uid": "1", "action": "SIGN", "data": []}',
        b'{"uid": "1", "action": "SIGN", "data": "not json"}',
        b'{"uid": "1", "action": "SIGN", "data": {"caseId": NaN}}',
        b'{"uid": "1", "action": "SIGN", "data": {"caseId": "\\ud800"}}',
        b'{"uid": "1", "action": "SIGN", "data": null}',
        '{"uid": "1", "action": "SIGN", "data": {"caseId": "工单"}}'.encode("gbk"),
        b'{"uid": "a\\u0000b", "action": "SIGN", "data": {"caseId": "1"}}',
        b'{"uid": "' + b"x" * 129 + b'", "action": "SIGN", "data": {"caseId": "1"}}',
        b'{"__proto__":{"admin":true},"constructor":{"prototype":{}}}',
        b'{"orderNo":null,"content":null,"createTime":null}',
    ],
)
def test_what_is_not_a_message_is_kept_and_refused_clearly(body: bytes) -> None:
    reading = read(body)
    assert isinstance(reading, Malformed)
    assert (reading.response.status, told(reading)["code"]) == (400, -400002)
    assert reading.reason


@pytest.mark.parametrize("action", ["", "CLOSE", "report", "__class__", "GET_REC_INFO2"])
def test_an_unknown_action(action: str) -> None:
    reading = read(sent(action, {"caseId": "1"}))
    assert isinstance(reading, Malformed)
    assert (reading.response.status, told(reading)["code"]) in ((400, -400004), (400, -400002))
    assert told(read(sent("CLOSE", {})))["code"] == -400004


def test_data_may_be_json_inside_a_string_and_keys_may_be_capitals() -> None:
    assert isinstance(read(sent("SIGN", json.dumps({"caseId": "X1"}))), Taken)
    reading = read({"Uid": "u-9", "senderCode": "x", "action": "SIGN", "Data": {"caseId": "X1"}})
    assert isinstance(reading, Taken)
    assert reading.drafts[0].message_key == "u-9"


def test_a_pushed_notice_is_its_action() -> None:
    reading = read(sent("DISPOSE_FEEDBACK_NOTICE", {"caseId": "X1", "disposeOpinion": "已办"}))
    assert isinstance(reading, Taken)
    assert reading.drafts[0].type == "replied"


def test_duplicate_keys_are_no_trap() -> None:
    assert isinstance(read(b'{"uid":"1","action":"SIGN","data":{"caseId":"A1","caseId":"B2"}}'), Taken)


@pytest.mark.parametrize("uid", [None, "", "   "])
def test_without_a_uid_the_same_message_has_the_same_key(uid: str | None) -> None:
    first, second = (read(sent("SIGN", data, uid)) for data in ({"caseId": "1", "a": 2}, {"a": 2, "caseId": "1"}))
    assert isinstance(first, Taken)
    assert isinstance(second, Taken)
    assert first.drafts[0].message_key == second.drafts[0].message_key
    assert first.drafts[0].message_key.startswith("sha256:")
    other = read(sent("PRESS", {"caseId": "1", "a": 2}, uid))
    assert isinstance(other, Taken)
    assert other.drafts[0].message_key != first.drafts[0].message_key


def test_a_numeric_uid_is_a_uid() -> None:
    reading = read({"uid": 3557254367693750277, "action": "SIGN", "data": {"caseId": "X1"}})
    assert isinstance(reading, Taken)
    assert reading.drafts[0].message_key == "3557254367693750277"


def test_too_large_and_unavailable_in_our_dialect() -> None:
    inbound = adapter().inbound
    large, away = inbound.too_large(request(b"")), inbound.unavailable(request(b""))
    assert (large.status, json.loads(large.body)["code"]) == (413, -400002)
    assert (away.status, json.loads(away.body)["code"]) == (503, -500001)


def test_no_key_in_the_way_of_big_integers() -> None:
    assert isinstance(read(sent("UPDATE_CASE_INFO", {"caseId": "X1", "odd": 10**40})), Taken)
    assert isinstance(read(sent("REPORT", REPORT | {"odd": 10**40}, None)), Taken)
