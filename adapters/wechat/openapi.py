"""WeChat's part of the OpenAPI document: the message server, the form door, and our calls on the service account."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from adapters.wechat import form, register
from adapters.wechat.credential import STABLE_TOKEN
from adapters.wechat.form import SYSTEM
from adapters.wechat.inbound import PATH
from adapters.wechat.pushes import EVENTS, MESSAGES
from adapters.wechat.ways import CUSTOM_SEND, SUBSCRIBE_SEND, TEMPLATE_SEND
from bridge.apipart import ApiPart, Json, answer, body, content, of, problem, wire_schemas

FOLDER: Final = Path(__file__).parent
OPENID: Final = "oLT5x0aaaaBBBBccccDDDDeeee01"
PETITION: Final = "LT261122-7K3M9QX2AB"
RECEIPT: Final = "9f2c" * 16
XML: Final = {"type": "string", "contentMediaType": "text/xml"}
"""An XML document; its elements have the names of the JSON form."""
TEXT: Final = {"type": "string"}

SECURITY: Final[Mapping[str, Json]] = {
    f"{SYSTEM}.signature": {
        "type": "apiKey",
        "in": "query",
        "name": "signature",
        "description": "SHA-1，对token、timestamp、nonce排序后拼接 · over the sorted words token, timestamp, nonce",
    },
    f"{SYSTEM}.msg_signature": {
        "type": "apiKey",
        "in": "query",
        "name": "msg_signature",
        "description": "兼容与安全模式：另含Encrypt · compatible and safe mode: over Encrypt (or echostr) as well",
    },
    f"{SYSTEM}.form": {
        "type": "http",
        "scheme": "bearer",
        "description": "表单后台的密钥 · BRIDGE_WECHAT__INBOUND_KEY",
    },
}
SIGNED: Final[list[Json]] = [{f"{SYSTEM}.signature": []}, {f"{SYSTEM}.msg_signature": []}]


def part() -> ApiPart:
    """All of it."""
    return ApiPart(
        paths={PATH: {"get": _handshake(), "post": _message()}, form.PATH: {"post": _form()}},
        webhooks=_calls(),
        schemas=wire_schemas(SYSTEM, FOLDER / "schemas"),
        security=SECURITY,
    )


# ── the message server ──
def _handshake() -> dict[str, Any]:
    return {
        "operationId": f"{SYSTEM}.handshake",
        "tags": [SYSTEM],
        "summary": "服务器校验 · The handshake of the message server",
        "security": SIGNED,
        "parameters": [
            *_stamps(),
            _query("echostr", "原样返回，安全模式下解密后返回 · to be echoed, decrypted in safe mode"),
        ],
        "responses": {
            "200": answer("echostr", content(TEXT, {"echoed": "5824183207103942178"}, media_type="text/plain")),
            **_plain_answers(),
        },
    }


def _message() -> dict[str, Any]:
    pushes = [*(f"push-{name}" for name in MESSAGES), *(f"push-event-{_kebab(name)}" for name in EVENTS), "push-sealed"]
    words = {**_addressed("gh_0a1b2c3d4e5f", OPENID), "MsgType": "text", "Content": f"已收到，编号{PETITION}。"}
    return {
        "operationId": f"{SYSTEM}.message",
        "tags": [SYSTEM],
        "summary": "消息与事件推送 · Messages and events of the account",
        "description": (
            "明文、兼容、安全三种模式，XML或JSON；5秒内以被动回复或success应答，回复的格式与加密同来件。\n\n"
            "Plain, compatible and safe mode, XML or JSON, within 5 seconds with a passive reply or `success`, "
            "written and sealed as the message was. Types not listed are kept unused: adapters/wechat/README.md."
        ),
        "security": SIGNED,
        "parameters": [
            *_stamps(),
            _query("encrypt_type", "raw或aes · raw or aes", {"enum": ["raw", "aes"]}),
            _query("openid", "平台附带，不使用 · sent along by the platform, not used"),
        ],
        "requestBody": body(
            content({"anyOf": [of(f"{SYSTEM}.{name}") for name in pushes]}, _pushes()),
            content(XML, {"text": _xml(_pushes()["text"])}, media_type="text/xml"),
        ),
        "responses": {
            "200": answer(
                "已收；有话则为被动回复 · taken; a passive reply where there is something to say",
                content(TEXT, {"nothing_to_say": "success"}, media_type="text/plain"),
                content(XML, {"words": _xml(words)}, media_type="application/xml"),
                content({"anyOf": [of(f"{SYSTEM}.reply"), of(f"{SYSTEM}.reply-sealed")]}, {"words": words}),
            ),
            "400": answer(
                "无法识读，已留存待查 · cannot be read; kept for people to look at",
                content(TEXT, {"malformed": "MsgType is missing (缺少MsgType)"}, media_type="text/plain"),
            ),
            **_plain_answers(),
        },
    }


def _plain_answers() -> dict[str, Any]:
    """What the message server may answer whatever was asked."""
    told = {
        "401": ("验签未通过 · not authenticated", "not authenticated / 未通过验证"),
        "413": ("请求体超过1MiB · the body is over 1 MiB", "the body is over 1 MiB / 请求体超过1MiB"),
        "503": ("未保存，请重新推送 · nothing was kept", "nothing was kept, please send it again / 未保存，请重新推送"),
    }
    return {
        status: answer(description, content(TEXT, {"told": words}, media_type="text/plain"))
        for status, (description, words) in told.items()
    }


def _stamps() -> list[dict[str, Any]]:
    return [_query("timestamp", "秒级时间戳 · Unix seconds"), _query("nonce", "随机数 · a random word")]


def _query(name: str, description: str, schema: Json = TEXT) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": dict(schema)}


# ── invented messages ──
def _pushes() -> dict[str, dict[str, Any]]:
    head = _addressed(OPENID, "gh_0a1b2c3d4e5f")
    number = 7310924412345678901
    text = {"MsgType": "text", "Content": "三号楼楼道灯坏了半个月"}
    voice = {"MsgType": "voice", "MediaId": "m-1", "Format": "amr", "Recognition": "路灯不亮"}
    place = {"MsgType": "location", "Location_X": 35.41, "Location_Y": 116.58, "Scale": 16, "Label": "古槐街道"}
    finished = {"MsgType": "event", "Event": "TEMPLATESENDJOBFINISH", "MsgID": number, "Status": "success"}
    said = {
        name: {**head, **one, "MsgId": number} for name, one in (("text", text), ("voice", voice), ("place", place))
    }
    return {**said, "subscribe": {**head, "MsgType": "event", "Event": "subscribe"}, "delivered": {**head, **finished}}


def _addressed(sender: str, receiver: str) -> dict[str, Any]:
    return {"ToUserName": receiver, "FromUserName": sender, "CreateTime": 1795314600}


def _xml(fields: Json) -> str:
    return f"<xml>{''.join(f'<{name}><![CDATA[{value}]]></{name}>' for name, value in fields.items())}</xml>"


def _kebab(name: str) -> str:
    return name.lower().replace("_", "-")


# ── the form door ──
def _form() -> dict[str, Any]:
    document = {
        "external_id": "FORM-2026-000123",
        "kind": "求助",
        "content": "三号楼二单元楼道灯坏了半个月，老人上下楼不方便。",
        "petitioner": {"name": "孟某某", "phone": "13900000001"},
        "secretary": {"id": "S-12", "name": "沈静", "team_id": "T-07"},
    }
    fault = {
        "field": "content",
        "reason": "Field required (必填，请补充)",
        "next": "mend content and send it again / 请修改后重新提交",
    }
    problems = {
        "400": ("无法读取，已留存待查 · cannot be read; kept", form.problem(400, "the body is empty (请求体为空)")),
        "401": ("密钥缺失或有误 · the key is missing or wrong", form.problem(401, "Send Authorization: Bearer <key>")),
        "413": ("超过1MiB · over 1 MiB", form.problem(413, "Send less than 1 MiB")),
        "422": ("内容不符合要求，已留存 · cannot be used; kept", form.problem(422, "content: missing", errors=[fault])),
        "503": ("未保存，请重新提交 · nothing was kept", form.problem(503, "Nothing was kept; send it again")),
    }  # fmt: skip
    taken = content(of("PetitionTaken"), {"taken": {"petition_id": PETITION, "receipt": RECEIPT}})
    return {
        "operationId": f"{SYSTEM}.form",
        "tags": [SYSTEM],
        "summary": "表单后台提交诉求 · The form back end files a petition",
        "description": "同一external_id得到首次的应答 · the same external_id gets the first answer.",
        "security": [{f"{SYSTEM}.form": []}],
        "requestBody": body(content(of("PetitionDocument"), {"help": document})),
        "responses": {
            "202": answer("已受理 · taken", taken),
            **{status: answer(told, problem(json.loads(refused.body))) for status, (told, refused) in problems.items()},
        },
    }


# ── our calls ──
def _calls() -> dict[str, dict[str, Any]]:
    field = {"thing1": {"value": "三号楼楼道灯不亮"}, "phrase2": {"value": "已受理"}}
    template = {
        "touser": OPENID,
        "template_id": "TM-0001",
        "client_msg_id": "0f6a2a4e7c555d7b9d2e6a1f0b9c4d10",
        "data": field,
    }
    subscribe = {"touser": OPENID, "template_id": "TS-0001", "data": field}
    custom = {"touser": OPENID, "msgtype": "text", "text": {"content": f"您反映的问题已受理，编号{PETITION}。"}}
    token = {"grant_type": "client_credential", "appid": "wx0a1b2c3d", "secret": "…", "force_refresh": False}
    granted = {"anyOf": [of(f"{SYSTEM}.answer-stable-token"), of(f"{SYSTEM}.answer")]}
    sent, ok = of(f"{SYSTEM}.answer"), {"errcode": 0, "errmsg": "ok", "msgid": 7310924412345678901}
    day = {"day": "2026-11-22", "page": 1, "size": 100}
    listed, whole = of(f"{SYSTEM}.platform-query-answer"), of(f"{SYSTEM}.platform-get-answer")
    wanted = {"number": "FORM-2026-000123"}
    calls = (
        _call("stable-token", STABLE_TOKEN, "取稳定版令牌 · the token", token, content(granted)),
        _call("template-send", TEMPLATE_SEND, "模板消息 · a template message", template, content(sent, {"sent": ok})),
        _call(
            "subscribe-bizsend",
            SUBSCRIBE_SEND,
            "订阅消息 · a subscribe message",
            subscribe,
            content(sent, {"sent": ok}),
        ),
        _call("custom-send", CUSTOM_SEND, "客服消息 · a customer-service message", custom, content(sent, {"sent": ok})),
        _call("platform-query", register.QUERY, "对账：当日名册 · a day's list", day, content(listed)),
        _call("platform-get", register.GET, "对账：取原件 · one petition", wanted, content(whole)),
    )
    return {f"{SYSTEM}.{name}": {"post": call} for name, call in calls}


def _call(name: str, path: str, summary: str, asked: Json, told: Json) -> tuple[str, dict[str, Any]]:
    schema = name if name.startswith("platform") else f"call-{name}"
    return name, {
        "operationId": f"{SYSTEM}.call.{name}",
        "tags": [f"{SYSTEM} (outbound)"],
        "summary": summary,
        "description": f"`POST {{base}}{path}`",
        "requestBody": body(content(of(f"{SYSTEM}.{schema}"), {"asked": asked})),
        "responses": {"200": answer("判断以errcode为准 · judged by `errcode`", told)},
    }
