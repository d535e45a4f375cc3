"""The center's part of the OpenAPI document: the two doors it calls, and our calls on it."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from adapters.governance_center.codes import load
from adapters.governance_center.guard import REFUSALS
from adapters.governance_center.inbound import PATH
from adapters.governance_center.numbers import SYSTEM
from adapters.governance_center.outbound import EVENTS
from adapters.governance_center.replies import DONE, NOT_TAKEN, TAKEN, UNKNOWN_EVENT
from adapters.governance_center.wire import Op
from bridge.apipart import ApiPart, Json, answer, body, content, of, problem, wire_schemas

FOLDER: Final = Path(__file__).parent
EVENT: Final = "20261122093000123"
PETITION: Final = "LT261122-7K3M9QX2AB"
RECEIPT: Final = "9f2c" * 16
OURS: Final = "受理：code为约定的受理码 · taken if `code` is one of the platform's accepting codes"

HEADERS: Final = {
    "app": ("X-App-Id", "应用标识 · the caller"),
    "timestamp": ("X-Timestamp", "Unix秒，±300秒 · Unix seconds, ±300 s"),
    "nonce": ("X-Nonce", "每次请求用新值 · used once"),
    "type": ("X-Sign-Type", "HMAC-SM3 或 (or) HMAC-SHA256"),
    "sign": (
        "X-Sign",
        "小写十六进制HMAC，对五行：METHOD、path、timestamp、nonce、报文摘要的小写十六进制 · "
        "lower-case hex of the HMAC over five lines: METHOD, path, timestamp, nonce, hex digest of the body",
    ),
}
SECURITY: Final[Mapping[str, Json]] = {
    f"{SYSTEM}.{name}": {"type": "apiKey", "in": "header", "name": header, "description": description}
    for name, (header, description) in HEADERS.items()
}
SIGNED: Final[list[Json]] = [{name: [] for name in SECURITY}]
"""All five together."""


def part() -> ApiPart:
    """All of it."""
    return ApiPart(
        paths={PATH: {"post": _door()}, PATH + "/{eventId}": {"get": _question()}},
        webhooks=_calls(),
        schemas=wire_schemas(SYSTEM, FOLDER / "schemas"),
        security=SECURITY,
    )


@cache
def examples() -> dict[str, dict[str, Any]]:
    """`op` → an invented document."""
    found = tomllib.loads((FOLDER / "examples.toml").read_text("utf-8"))
    return {op.value: {"op": op.value, **found[op.value]} for op in Op}


# ── our doors ──
def _door() -> dict[str, Any]:
    one, many = of(f"{SYSTEM}.event-document"), of(f"{SYSTEM}.event-batch")
    batch = [examples()["sign"], examples()["progress"]]
    refused = {"index": 1, "eventId": EVENT, "result": "failed", "message": "字段op缺失"}
    partly = {
        "code": NOT_TAKEN,
        "message": "1个事件未收，请按failSituationList更正后重报",
        "msg": "1个事件未收，请按failSituationList更正后重报",
        "successStr": EVENT,
        "conflictStr": "",
        "failSituationList": [refused],
        "results": [{"index": 0, "eventId": EVENT, "result": "updated"}, refused],
    }
    return {
        "operationId": f"{SYSTEM}.events",
        "tags": [SYSTEM],
        "summary": "治理中心报送事件 · The center's event documents",
        "description": (
            "一个事件或一批事件（至多100个，逐个受理）；写入台账后才应答。请求须签名。\n\n"
            "One event document or a batch (at most 100, each taken or refused for itself), answered after the "
            "ledger's COMMIT; signed. Every field: adapters/governance_center/README.md."
        ),
        "security": SIGNED,
        "requestBody": body(content({"anyOf": [one, many]}, {**examples(), "batch": batch})),
        "responses": {
            "200": _told(
                "已收，重复，或明确不处理 · taken, a repeat, or deliberately unused",
                ("answer", "batch-answer"),
                taken=_answer(TAKEN, DONE, petitionId=PETITION, receipt=RECEIPT),
                partly=partly,
            ),
            "400": _told(
                "无法使用，已留存待查 · cannot be used; kept for people to look at",
                ("answer", "batch-answer"),
                malformed=_answer(NOT_TAKEN, "字段op缺失"),
            ),
            **_always(),
        },
    }


def _question() -> dict[str, Any]:
    number = {
        "name": "eventId",
        "in": "path",
        "required": True,
        "description": "中心的事件编号或本桥的诉求编号 · the center's number or our petition_id",
        "schema": {"type": "string", "minLength": 1},
        "example": EVENT,
    }
    found = _answer(TAKEN, DONE, petitionId=PETITION, oppoSideBusiCode=PETITION, statusName="handling")
    told = content(of(f"{SYSTEM}.look-up-answer"), {"unusable": {"code": NOT_TAKEN, "message": UNKNOWN_EVENT}})
    unknown = content(of(f"{SYSTEM}.look-up-answer"), {"unknown": _answer(NOT_TAKEN, UNKNOWN_EVENT)})
    return {
        "operationId": f"{SYSTEM}.event",
        "tags": [SYSTEM],
        "summary": "治理中心查询事件 · Where an event stands",
        "security": SIGNED,
        "parameters": [number],
        "responses": {
            "200": _told("诉求所处环节 · where the petition stands", ("look-up-answer",), known=found),
            "400": answer("编号无法使用 · the number cannot be used", told, problem(_problem(400))),
            "404": answer("没有这个事件，或地址有误 · no such event, or no such path", unknown, problem(_problem(404))),
            **_always(),
        },
    }


def _always() -> dict[str, Any]:
    """What either door may answer."""
    return {
        "401": _told("签名无效 · not authenticated", ("answer",), **{
            reason: {"code": NOT_TAKEN, "message": message} for reason, message in REFUSALS.items()
        }),
        "413": _told("超过1MiB · over 1 MiB", ("answer",), too_large={"code": NOT_TAKEN, "message": "报文超过1MiB"}),
        "503": _told(
            "未留存，请以同一messageId重发 · nothing was kept; send it again with the same messageId",
            ("answer",),
            away={"code": NOT_TAKEN, "message": "系统繁忙，本次报文未留存：请稍后以同一messageId重发"},
        ),
    }  # fmt: skip


def _problem(status: int) -> dict[str, Any]:
    """Of an address with U+0000 or another slash in it, which does not lead to this door: the core refuses it."""
    titles = {400: "Bad request (请求有误)", 404: "Not found (未找到)"}
    return {"type": "about:blank", "title": titles[status], "status": status, "detail": titles[status]}


def _told(description: str, schemas: tuple[str, ...], **found: Any) -> dict[str, Any]:
    shapes = [of(f"{SYSTEM}.{name}") for name in schemas]
    return answer(description, content(shapes[0] if len(shapes) == 1 else {"anyOf": shapes}, found))


def _answer(code: str, message: str, **more: str) -> dict[str, Any]:
    return {"code": code, "message": message, "eventId": EVENT, **more}


# ── our calls ──
def _calls() -> dict[str, dict[str, Any]]:
    rules = load("words").register_query
    asked = {"beginTime": "2026-11-22 00:00:00", "endTime": "2026-11-23 00:00:00", "pageNo": 1, "pageSize": 100}
    told = {op: document for op, document in examples().items() if Op(op) in load("words").says.values()}
    accepted = {"code": "1", "message": DONE, "eventId": EVENT}
    return {
        f"{SYSTEM}.events": {
            "post": _call(
                "events", f"POST {{base}}{EVENTS}", "告知一步进展 · one event told", "center-answer", accepted
            )
            | {"requestBody": body(content(of(f"{SYSTEM}.event-document"), told))}
        },
        f"{SYSTEM}.event": {
            "get": _call(
                "event", f"GET {{base}}{EVENTS}/{{eventId}}", "查询是否已收 · was it taken?", "center-answer", accepted
            )
        },
        f"{SYSTEM}.register": {
            "post": _call(
                "register", f"POST {{base}}{rules.list_path}", "对账：当日清单 · a day's events", "register-list"
            )
            | {"requestBody": body(content(of(f"{SYSTEM}.register-query"), {"day": asked}))}
        },
        f"{SYSTEM}.document": {
            "get": _call(
                "document", f"GET {{base}}{rules.document_path}", "对账：取原件 · one report", "register-report"
            )
        },
    }


def _call(name: str, line: str, summary: str, schema: str, example: Json | None = None) -> dict[str, Any]:
    return {
        "operationId": f"{SYSTEM}.call.{name}",
        "tags": [f"{SYSTEM} (outbound)"],
        "summary": summary,
        "description": f"`{line}`，签名方式与入站相同 · signed the same way, with the other pair of id and secret.",
        "security": SIGNED,
        "responses": {
            "200": answer(OURS, content(of(f"{SYSTEM}.{schema}"), {"accepted": example} if example else None))
        },
    }
