"""How answers are judged: accepted, refused with a known word, or not to be understood."""

import orjson
import pytest

from adapters.governance_center.answers import judged
from bridge.adapter import Busy, OutboundError, Permanent, Unknown
from bridge.outcall import Reply
from tests.adapters.governance_center.support import codes

ACCEPTED_ELSEWHERE = {
    "wecom": {"errcode": 0, "errmsg": "ok", "eventId": "E1"},
    "lifeline": {"success": True, "code": 10000, "message": "成功", "pageInfo": None, "eventId": "E1"},
}


@pytest.mark.parametrize("platform", ACCEPTED_ELSEWHERE)
def test_platforms_with_codes_of_their_own_for_yes(platform: str) -> None:
    raw = orjson.dumps(ACCEPTED_ELSEWHERE[platform])
    assert judged(Reply(200, {}, raw), codes(platform).answers).eventId == "E1"
    with pytest.raises(Permanent):
        judged(Reply(200, {}, orjson.dumps({"code": "1", "eventId": "E1"})), codes(platform).answers)


LOGIN = "<html><body>请登录</body></html>".encode()


def judge(status: int, body: object) -> str | None:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return judged(Reply(status, {}, raw), codes().answers).eventId


@pytest.mark.parametrize(
    "body",
    [
        {"code": "1", "message": "成功", "eventId": "E1"},
        {"code": 1, "eventId": "E1"},
        {"code": " 1 ", "eventId": "E1", "failSituationList": []},
        {"success": True, "eventId": "E1"},
        {"Success": True, "Number": "E1"},
        {"code": "1", "success": True, "eventId": "echo", "peerEventId": "E1", "extra": {"a": 1}},
        {"code": "1", "msg": "成功", "successStr": "E1", "conflictStr": "", "failSituationList": []},
        {"successStr": "E1,E2", "failSituationList": None},
        {"Success": True, "successStr": "E9", "Number": "E1"},
    ],
)
def test_accepted(body: object) -> None:
    assert judge(200, body) == "E1"
    assert judge(201, body) == "E1"


@pytest.mark.parametrize(
    ("status", "body", "error", "code"),
    [
        (200, {"code": "0", "message": "认证信息[auth]无效"}, Permanent, "auth"),
        (401, {"code": "0", "message": "认证信息无效：…"}, Permanent, "auth"),
        (401, b"", Permanent, "auth"),
        (403, LOGIN, Permanent, "auth"),
        (200, {"code": 0, "message": "事件ID[eventId]无效"}, Permanent, "unknown_event"),
        (404, {"code": "0", "message": "事件ID无效"}, Permanent, "unknown_event"),
        (200, {"code": "0", "message": "事件已归档！"}, Permanent, "archived"),
        (200, {"code": "0", "message": "系统繁忙，请稍后再试"}, Busy, "busy"),
        (200, {"code": "0", "message": "Server BUSY"}, Busy, "busy"),
        (200, {"code": "0", "message": "重复上报"}, Unknown, "already_there"),
        (200, {"code": "0", "message": "其他原因"}, Permanent, "code_0"),
        (200, {"code": "0", "message": "协办单位尚未全部办结，主办单位不能办结"}, Busy, "assist_open"),
        (200, {"code": "1", "failSituationList": [{"id": "E1", "cause": "字段有误"}]}, Permanent, "refused_in_batch"),
        (200, {"code": "1", "successStr": "E2", "failSituationList": ["E1 事件已归档！"]}, Permanent, "archived"),
        (200, {"code": "1", "msg": "部分成功", "failSituationList": [{"msg": "系统繁忙"}]}, Busy, "busy"),
        (200, {"code": "1", "successStr": "", "conflictStr": "E1"}, Unknown, "already_there"),
        (200, {"code": "0", "successStr": "E1"}, Unknown, "contradictory_answer"),
        (200, {"success": False, "successStr": "E1"}, Unknown, "contradictory_answer"),
        (400, {"code": "0", "failSituationList": ["x"], "message": "批次有误"}, Permanent, "code_0"),
        (200, {"code": "0"}, Permanent, "code_0"),
        (200, {"code": "10001", "success": False, "message": "工单不存在"}, Permanent, "code_10001"),
        (200, {"code": "1", "success": False}, Permanent, "code_1"),
        (200, {"success": False, "resultData": None}, Permanent, "code_none"),
        (200, {"code": "张三 13800000000"}, Permanent, "code_other"),
        (200, {}, Unknown, "no_code"),
        (200, {"message": "成功"}, Unknown, "no_code"),
        (400, {"detail": "x"}, Permanent, "http_400"),
        (400, {"code": "1"}, Permanent, "code_1"),
        (413, LOGIN, Permanent, "http_413"),
        (302, b"", Unknown, "http_302"),
        (200, LOGIN, Unknown, "login_page"),
        (200, b"", Unknown, "unreadable_answer"),
        (200, b"[1]", Unknown, "unreadable_answer"),
        (200, {"code": ["1"]}, Unknown, "unreadable_answer"),
        (200, {"code": "1", "eventId": 1.5}, Unknown, "unreadable_answer"),
        (500, {"code": "1", "eventId": "E1"}, Unknown, "http_500"),
        (502, LOGIN, Unknown, "http_502"),
        (408, b"", Unknown, "http_408"),
    ],
)
def test_not_accepted(status: int, body: object, error: type[OutboundError], code: str) -> None:
    with pytest.raises(error) as told:
        judge(status, body)
    assert told.value.code == code
