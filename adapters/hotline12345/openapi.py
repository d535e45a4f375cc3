"""The hotline's part of the OpenAPI document: the door it calls, and our calls on it, action by action."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from adapters.hotline12345 import envelope, messages
from adapters.hotline12345.cases import SYSTEM
from adapters.hotline12345.client import ACTION_PATH, DICTIONARY_PATH
from adapters.hotline12345.inbound import DONE, KEPT, PATH, QUESTIONS
from adapters.hotline12345.telling import WRITERS
from adapters.hotline12345.token import CLIENT_PATH, PUBLIC_KEY_PATH
from bridge.apipart import ApiPart, answer, body, content, of, wire_schemas

FOLDER: Final = Path(__file__).parent
UID: Final = "5b0c6f6e-52a0-5f0e-8a3c-0d5f3c1b7e21"
NUMBERS: Final = {"recId": 4411223344556677, "taskNum": "LT261122-7K3M9QX2AB", "receipt": "9f" * 32}
MEANT: Final = "判断以code为准，与HTTP状态无关 · judged by `code`, whatever the HTTP status"

AT_OUR_DOOR: Final = {**messages.ACTIONS, **messages.NOTICES_ONLY}
OUR_CALLS: Final = (
    *WRITERS,
    *("UPDATE_CASE_INFO", "UPLOAD_MEDIA", "GET_REC_INFO", "GET_REC_PROCESS_INFO", "GET_REC_LIST"),
    *("GET_NOTICE_INFO", "NOTICE_SIGNING"),
)
"""What we say and ask at the hotline's door."""

SECURITY: Final[Mapping[str, Mapping[str, Any]]] = {
    f"{SYSTEM}.bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "入站密钥 · BRIDGE_HOTLINE12345__INBOUND_KEY",
    },
    f"{SYSTEM}.header": {
        "type": "apiKey",
        "in": "header",
        "name": "X-EGOVA-Authorization",
        "description": "`Bearer <入站密钥>` · `Bearer <key>`",
    },
    f"{SYSTEM}.token": {"type": "apiKey", "in": "query", "name": "token", "description": "入站密钥 · the same key"},
    f"{SYSTEM}.egova": {
        "type": "apiKey",
        "in": "query",
        "name": "egova_openapi_token",
        "description": "入站密钥 · the same key",
    },
}


def part() -> ApiPart:
    """All of it."""
    wire = wire_schemas(SYSTEM, FOLDER / "schemas")
    return ApiPart(
        paths={PATH: {"post": _door()}},
        webhooks={**{f"{SYSTEM}.{action}": {"post": _call(action)} for action in OUR_CALLS}, **_more_calls()},
        schemas={**wire, **{_message(name): _sent(name, wire[f"{SYSTEM}.request"]) for name in examples()}},
        security=SECURITY,
    )


@cache
def examples() -> dict[str, dict[str, Any]]:
    """Action → the data of an invented message."""
    return tomllib.loads((FOLDER / "examples.toml").read_text("utf-8"))


# ── our door ──
def _door() -> dict[str, Any]:
    requests = {name: _request(name) for name in AT_OUR_DOOR}
    return {
        "operationId": f"{SYSTEM}.action",
        "tags": [SYSTEM],
        "summary": "12345热线的操作入口 · The hotline's door",
        "description": (
            "一个信封，多种操作；写入台账后才应答。同一`uid`重复发送，得到首次的应答。实际写法与标准有出入时从宽识读，见接口文档。\n\n"
            "One envelope, many actions, answered after the ledger's COMMIT; the same `uid` gets the first answer. "
            "Deviations that were seen are read too: see adapters/hotline12345/README.md."
        ),
        "security": [{name: []} for name in SECURITY],
        "requestBody": body(content({"anyOf": [of(_message(name)) for name in AT_OUR_DOOR]}, requests)),
        "responses": {
            "200": _answered(
                "已收，或按code说明 · taken, or as `code` says",
                done=envelope.document(UID, message=DONE["REPORT"], result=NUMBERS),
                kept=envelope.document(UID, message=KEPT),
                no_such_case=envelope.document(UID, envelope.BAD_RECORD, "工单不存在"),
            ),
            "400": _answered(
                "报文无法使用，已留存待查 · cannot be used; kept for people to look at",
                malformed=envelope.document(UID, envelope.BAD_PARAMETERS, "caseId: Field required"),
            ),
            "401": _answered(
                "密钥缺失或有误 · the key is missing or wrong",
                refused=envelope.document(None, envelope.NOT_AUTHENTICATED, "认证错误"),
            ),
            "403": _answered(
                "发送方标识不符 · another senderCode than agreed",
                forbidden=envelope.document(
                    UID, envelope.FORBIDDEN, "senderCode is not the one we expect (发送方标识不符)"
                ),
            ),
            "413": _answered(
                "请求体超过1MiB · the body is over 1 MiB",
                too_large=envelope.document(None, envelope.BAD_PARAMETERS, "请求体超过上限，附件请以mediaPath传递"),
            ),
            "503": _answered(
                "未接收，请以同一uid重发 · nothing was kept; send it again with the same uid",
                away=envelope.document(None, envelope.UNKNOWN_FAULT, "系统暂时不可用，未接收，请稍后以同一uid重发"),
            ),
        },
    }


def _answered(description: str, **found: Any) -> dict[str, Any]:
    return answer(description, content(of(f"{SYSTEM}.answer"), found))


# ── messages ──
def _message(action: str) -> str:
    return f"{SYSTEM}.message.{action}"


def _sent(action: str, envelope_schema: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope with this action's data."""
    data = of(f"{SYSTEM}.{'notice' if action in messages.NOTICES_ONLY else 'action'}-{_kebab(action)}")
    narrowed = {**envelope_schema["properties"], "action": {"const": action}, "data": data}
    return {**envelope_schema, "title": action, "properties": narrowed}


def _request(action: str) -> dict[str, Any]:
    return {"uid": UID, "senderCode": "laiting", "action": action, "data": examples()[action]}


def _kebab(name: str) -> str:
    return name.lower().replace("_", "-")


# ── our calls ──
def _call(action: str) -> dict[str, Any]:
    told = "提问 · we ask" if action in {*QUESTIONS, "GET_REC_LIST", "GET_NOTICE_INFO"} else "告知 · we tell"
    result = _kebab(action) if action in messages.ANSWERS else "numbers"
    return {
        "operationId": f"{SYSTEM}.call.{action}",
        "tags": [f"{SYSTEM} (outbound)"],
        "summary": f"{action} ({told})",
        "description": f"`POST {{base}}{ACTION_PATH}`，令牌在查询参数或请求头 · the token in the query or in a header.",
        "requestBody": body(content(of(_message(action)), {action: _request(action)})),
        "responses": {"200": answer(MEANT, content(_success(result if action != "NOTICE_SIGNING" else None)))},
    }


def _success(result: str | None) -> dict[str, Any]:
    """The answer; with code 0 its result is this one."""
    if result is None:
        return of(f"{SYSTEM}.answer")
    found = {"properties": {"result": of(f"{SYSTEM}.result-{result}")}}
    return {"allOf": [of(f"{SYSTEM}.answer"), {"if": {"properties": {"code": {"const": 0}}}, "then": found}]}


def _more_calls() -> dict[str, dict[str, Any]]:
    """The token's two calls and the dictionary."""
    client = {
        "client_id": "laiting",
        "client_secret": "04" + "5a" * 120,
        "grant_type": "client_credentials",
        "uid": UID,
    }
    asked = [
        {"name": name, "in": "query", "required": True, "schema": schema}
        for name, schema in (
            ("code", {"enum": ["REC_TYPE", "EVENT_PROPERTY", "EVENT_SRC"]}),
            ("pageIndex", {"type": "integer", "minimum": 1}),
            ("pageSize", {"type": "integer", "minimum": 1}),
        )
    ]
    return {
        f"{SYSTEM}.public_key": {
            "get": _plain("public_key", f"GET {{base}}{PUBLIC_KEY_PATH}", "取SM2公钥", of(f"{SYSTEM}.public-key"))
        },
        f"{SYSTEM}.token": {
            "post": _plain("token", f"POST {{base}}{CLIENT_PATH}", "取访问令牌", _success("token"))
            | {"requestBody": body(content(of(f"{SYSTEM}.client"), {"client": client}))}
        },
        f"{SYSTEM}.dictionary": {
            "get": _plain("dictionary", f"GET {{base}}{DICTIONARY_PATH}", "查询字典", _success("dictionary"))
            | {"parameters": asked}
        },
    }


def _plain(name: str, line: str, zh: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "operationId": f"{SYSTEM}.call.{name}",
        "tags": [f"{SYSTEM} (outbound)"],
        "summary": f"{zh} · {name}",
        "description": f"`{line}`",
        "responses": {"200": answer(MEANT, content(schema))},
    }
