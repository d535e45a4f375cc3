"""What each answer of the hotline means."""

import json
from typing import Any

import pytest

from adapters.hotline12345 import answers
from adapters.hotline12345.answers import AlreadyThere, NotAuthenticated, NotThere
from bridge.adapter import Busy, OutboundError, Permanent, Unknown
from bridge.outcall import Reply
from tests.adapters.hotline12345.support import CODES


def reply(body: Any, status: int = 200, content_type: str = "application/json") -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {"content-type": content_type}, raw)


@pytest.mark.parametrize(
    "body",
    [
        {"success": True, "code": 0, "result": {"recId": 1}},
        {"success": False, "hasError": True, "code": 0, "result": {"recId": 1}},
        {"code": "0", "result": '{"recId": 1}'},
        {"Code": 0, "result": {"recId": 1}},
    ],
)
def test_taken_whatever_stands_around_the_code(body: dict[str, Any]) -> None:
    assert answers.judge(reply(body, content_type="text/html"), CODES).result == {"recId": 1}


@pytest.mark.parametrize("result", [None, [], "成功", 7])
def test_a_result_of_another_shape_is_empty(result: object) -> None:
    assert answers.judge(reply({"code": 0, "result": result}), CODES).result == {}


@pytest.mark.parametrize(
    ("code", "message", "error", "told"),
    [
        (-1, "系统错误", Permanent, "-1"),
        (-1, "工单已存在", AlreadyThere, "-1:already_there"),
        (-1, "重复请求", AlreadyThere, "-1:already_there"),
        (-1, "工单不存在", NotThere, "-1"),
        (-1, "请求过于频繁", Busy, "-1:busy"),
        (-1, "调用超时", Unknown, "-1"),
        (-400002, "参数错误", Permanent, "-400002"),
        (-400003, "禁止操作", Permanent, "-400003"),
        (-400004, "未知操作", Permanent, "-400004"),
        (-400006, "代理账号认证失败", Permanent, "-400006"),
        (-500001, "未知异常", Unknown, "-500001"),
        (-500002, "数据错误", Permanent, "-500002"),
        (-500002, "数据错误：工单重复", AlreadyThere, "-500002:already_there"),
        (-500003, "数据记录异常", Permanent, "-500003"),
        ("-500003", None, NotThere, "-500003"),
        (200, "ok", Unknown, "200"),
        (10000, None, Unknown, "10000"),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_each_code(code: object, message: str | None, error: type[OutboundError], told: str, status: int) -> None:
    with pytest.raises(error) as raised:
        answers.judge(reply({"success": False, "code": code, "message": message}, status), CODES)
    assert raised.value.code == told
    assert "工单" not in raised.value.code


@pytest.mark.parametrize("code", [-400001, -400005, "-400001"])
def test_not_authenticated(code: object) -> None:
    with pytest.raises(NotAuthenticated):
        answers.judge(reply({"code": code}), CODES)


@pytest.mark.parametrize(
    ("status", "body", "error", "told"),
    [
        (200, "<html>请登录</html>".encode(), Unknown, "html_answer"),
        (302, b"", Unknown, "no_code"),
        (200, b"ok", Unknown, "no_code"),
        (200, b'{"status":"success"}', Unknown, "no_code"),
        (200, b'{"code": true}', Unknown, "no_code"),
        (200, b'{"code": "x"}', Unknown, "no_code"),
        (200, b"[]", Unknown, "no_code"),
        (404, b"<html>", Permanent, "http_404"),
        (403, b"", Permanent, "http_403"),
        (408, b"", Unknown, "http_408"),
        (500, b"<html>", Unknown, "http_500"),
        (502, b"", Unknown, "http_502"),
    ],
)
def test_no_envelope(status: int, body: bytes, error: type[OutboundError], told: str) -> None:
    with pytest.raises(error) as raised:
        answers.judge(reply(body, status), CODES)
    assert raised.value.code == told


def test_a_bare_401_asks_for_a_new_token() -> None:
    with pytest.raises(NotAuthenticated):
        answers.judge(reply(b"", 401), CODES)
