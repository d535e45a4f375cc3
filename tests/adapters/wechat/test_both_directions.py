"""Everything that the documents name, once in each direction: `coverage.toml` points here, and the READMEs show it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import orjson
import pytest
from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse
from starlette.routing import Route

from adapters.wechat import MANIFEST, documents, markup
from adapters.wechat.crypto import MessageKey, signature
from adapters.wechat.pushes import EVENTS, MESSAGES, check
from adapters.wechat.sandbox_account import Refusal
from adapters.wechat.sandbox_dialect import as_json, as_xml
from bridge.adapter import Acknowledgement, Ignored, Reading, Request, Submission, Taken, Workshop
from schemas.event import EventType
from schemas.petition import Petitioner
from tests.adapters.wechat.support import (
    ACCOUNT,
    AES_KEY,
    APP_ID,
    NOW,
    OPENID,
    TOKEN,
    WORDS,
    Bench,
    Core,
    bench,
    event,
    inbound,
    outgoing,
    petition,
    plain_query,
    request,
    served,
)

HEAD = {"ToUserName": ACCOUNT, "FromUserName": OPENID, "CreateTime": 1795311000}
Fields = Mapping[str, Any]

MESSAGE_FIELDS: dict[str, Fields] = {
    "text": {"Content": "路灯不亮"},
    "image": {"PicUrl": "http://p.example.invalid/1", "MediaId": "m1"},
    "voice": {"MediaId": "m2", "Format": "amr", "Recognition": "路灯不亮"},
    "video": {"MediaId": "m3", "ThumbMediaId": "t3"},
    "shortvideo": {"MediaId": "m4", "ThumbMediaId": "t4"},
    "location": {"Location_X": 35.41, "Location_Y": 116.58, "Scale": 16, "Label": "太白湖"},
    "link": {"Title": "停水公告", "Description": "三天", "Url": "http://u.example.invalid"},
}
CONSENTS = {"List": [{"TemplateId": "t", "SubscribeStatusString": "accept", "PopupScene": "1"}]}
SENT = {"List": [{"TemplateId": "t", "MsgID": 4711, "ErrorCode": "0", "ErrorStatus": "success"}]}
EVENT_FIELDS: dict[str, tuple[Fields, str]] = {
    "subscribe": ({"EventKey": "qrscene_5"}, "event:subscribe"),
    "unsubscribe": ({}, "unused_event:unsubscribe"),
    "SCAN": ({"EventKey": "5"}, "unused_event:scan"),
    "LOCATION": ({"Latitude": 35.4, "Longitude": 116.5, "Precision": 40}, "unused_event:location"),
    "CLICK": ({"EventKey": "HELP"}, "greeting"),
    "VIEW": ({"EventKey": "http://u.example.invalid"}, "unused_event:view"),
    "TEMPLATESENDJOBFINISH": ({"MsgID": 4711, "Status": "success"}, "acknowledged"),
    "subscribe_msg_popup_event": ({"SubscribeMsgPopupEvent": CONSENTS}, "unused_event:subscribe_msg_popup_event"),
    "subscribe_msg_change_event": ({"SubscribeMsgChangeEvent": CONSENTS}, "unused_event:subscribe_msg_change_event"),
    "subscribe_msg_sent_event": ({"SubscribeMsgSentEvent": SENT}, "acknowledged"),
}
UNUSED = sorted(documents._unused("en").strip().replace("`", "").split(", "))


def message(kind: str) -> dict[str, Any]:
    return {**HEAD, "MsgType": kind, **MESSAGE_FIELDS[kind], "MsgId": 24000000000000001}


def happening(name: str, fields: Fields) -> dict[str, Any]:
    return {**HEAD, "MsgType": "event", "Event": name, **fields}


def both(fields: Fields) -> list[bytes]:
    return [as_xml(fields), as_json(fields)]


def run(story: Callable[[Bench], Awaitable[None]], **settings: Any) -> None:
    async def whole() -> None:
        async with bench(**settings) as found:
            await story(found)

    asyncio.run(whole())


# ── from the platform: messages and events ──


@pytest.mark.parametrize("kind", sorted(MESSAGES))
def test_a_message_at_the_door(kind: str) -> None:
    for body in both(message(kind)):
        core = Core(inbound())
        answer = core.answer(request(body))
        (draft,) = core.drafts
        assert isinstance(draft, Submission)
        assert draft.message_key == "msg:24000000000000001"
        assert draft.petition.content
        assert answer.status == 200


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_an_event_at_the_door(name: str) -> None:
    fields, becomes = EVENT_FIELDS[name]
    for body in both(happening(name, fields)):
        assert what(Core(inbound()).read(request(body))) == becomes


def what(reading: Reading) -> str:
    if isinstance(reading, Taken):
        (fate,) = reading.drafts
        assert isinstance(fate, Acknowledgement)
        assert (fate.receipt, fate.failure) == ("4711", None)
        return "acknowledged"
    assert isinstance(reading, Ignored)
    assert reading.message_key is not None
    assert reading.message_key.startswith("event:sha256:")
    return reading.reason


@pytest.mark.parametrize("name", UNUSED)
def test_an_event_known_and_unused(name: str) -> None:
    fields, _ = EVENT_FIELDS.get(name, ({}, ""))
    for body in both(happening(name, fields)):
        assert what(Core(inbound()).read(request(body))) == f"unused_event:{name.casefold()}"


@pytest.mark.parametrize(("kind", "push"), [*((kind, message(kind)) for kind in MESSAGES)])
def test_each_message_is_one_of_its_schema(kind: str, push: dict[str, Any]) -> None:
    schema = Draft202012Validator(orjson.loads(documents.schemas()[f"push-{kind}.json"]))
    assert schema.is_valid(orjson.loads(as_json(push)))
    assert not schema.is_valid({name: value for name, value in push.items() if name not in MESSAGE_FIELDS[kind]})
    check(push)
    with pytest.raises(ValueError, match="validation error"):
        check({name: value for name, value in push.items() if name != "FromUserName"})


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_each_event_is_one_of_its_schema(name: str) -> None:
    schema = Draft202012Validator(
        orjson.loads(documents.schemas()[f"push-event-{name.lower().replace('_', '-')}.json"])
    )
    push = happening(name, EVENT_FIELDS[name][0])
    assert schema.is_valid(orjson.loads(as_json(push)))
    check(push)
    assert not schema.is_valid({**orjson.loads(as_json(push)), "Event": "another"})


# ── to the platform: passive replies ──


def test_a_passive_reply_in_both_formats() -> None:
    schema = Draft202012Validator(orjson.loads(documents.schemas()["reply.json"]))
    for body in both(message("text")):
        answer = Core(inbound()).answer(request(body)).body
        reply = orjson.loads(answer) if answer[:1] == b"{" else markup.read(answer)
        reply = {**reply, "CreateTime": int(reply["CreateTime"])}
        assert schema.is_valid(reply), reply


# ── modes ──

MODES = ["plain", "raw", "compatible", "safe", "safe-previous-key", "safe-json"]
OTHER_KEY = "B" * 43


def pushed(mode: str) -> Request:
    """A text in this mode. What is not covered by the signature that counts is wrong on purpose."""
    fields = message("text")
    if mode in ("plain", "raw"):
        return request(as_xml(fields), plain_query() | ({"encrypt_type": "raw"} if mode == "raw" else {}))
    plain = as_json(fields) if mode == "safe-json" else as_xml(fields)
    encrypted = MessageKey.of(OTHER_KEY if mode == "safe-previous-key" else AES_KEY, APP_ID).encrypt(plain)
    query = {"timestamp": "1795311000", "nonce": "7", "encrypt_type": "aes", "signature": "0" * 40}
    query["msg_signature"] = signature(TOKEN, "1795311000", "7", encrypted)
    shown = {**fields, "Content": "另一句话"} if mode == "compatible" else {"ToUserName": ACCOUNT}
    sealed = {**shown, "Encrypt": encrypted}
    return request(as_json(sealed) if mode == "safe-json" else as_xml(sealed), query)


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_at_the_door(mode: str) -> None:
    core = Core(inbound(previous_aes_key=OTHER_KEY))
    core.answer(pushed(mode))
    (draft,) = core.drafts
    assert isinstance(draft, Submission)
    assert draft.petition.content == "路灯不亮"


@pytest.mark.parametrize("mode", MODES)
def test_a_reply_in_the_mode_of_its_message(mode: str) -> None:
    answer = Core(inbound(previous_aes_key=OTHER_KEY)).answer(pushed(mode)).body
    reply = orjson.loads(answer) if answer[:1] == b"{" else markup.read(answer)
    if mode in ("plain", "raw"):
        assert "编号" in reply["Content"]
        return
    sealed = {**reply, "TimeStamp": int(reply["TimeStamp"])}
    assert Draft202012Validator(orjson.loads(documents.schemas()["reply-sealed.json"])).is_valid(sealed)
    assert signature(TOKEN, str(reply["TimeStamp"]), reply["Nonce"], reply["Encrypt"]) == reply["MsgSignature"]
    opened = MessageKey.of(OTHER_KEY if mode == "safe-previous-key" else AES_KEY, APP_ID).decrypt(reply["Encrypt"])
    assert (opened[:1] == b"{") == (mode == "safe-json")
    assert "编号".encode() in opened


# ── calls ──

CALLS = {
    "/cgi-bin/stable_token": ("call-stable-token", "answer-stable-token"),
    "/cgi-bin/message/template/send": ("call-template-send", "answer"),
    "/cgi-bin/message/subscribe/bizsend": ("call-subscribe-bizsend", "answer"),
    "/cgi-bin/message/custom/send": ("call-custom-send", "answer"),
}


async def heard(openid: str, wrote: str = "") -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every call of one sending as the sandbox heard it: path, document, answer."""
    calls: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
    async with bench() as found:
        if wrote:
            found.account.wrote(wrote)
        async with aiohttp.ClientSession() as session:

            async def relay(asked: HttpRequest) -> JSONResponse:
                document = orjson.loads(await asked.body())
                url = f"{found.url}{asked.url.path}?{asked.url.query}"
                async with session.post(url, json=document) as answer:
                    said = await answer.json(content_type=None)
                calls.append((asked.url.path, document, said))
                return JSONResponse(said)

            app = Starlette(routes=[Route("/{rest:path}", relay, methods=["POST"])])
            async with served(app) as url:
                base = MANIFEST.sandbox_settings("http://sandbox.invalid", "secret").model_copy(
                    update={"base_url": url}
                )
                adapter = MANIFEST.build(base, Workshop(now=lambda: NOW, session=lambda: session))
                about = petition(petitioner=Petitioner(openid=openid))
                await adapter.outbound.send(
                    outgoing({"petitioner"}, told=event(EventType.REPLIED, text="已修好。"), about=about)
                )
    return calls


@pytest.mark.parametrize("path", sorted(CALLS))
def test_a_call_is_one_of_its_schema_and_a_strict_account_takes_it(path: str) -> None:
    openid = {"/cgi-bin/message/subscribe/bizsend": "oUnfollowed1", "/cgi-bin/message/custom/send": "oRefused1"}
    calls = asyncio.run(heard(openid.get(path, "oCitizen1"), wrote=openid.get(path, "")))
    (call,) = [(document, said) for where, document, said in calls if where == path]
    names = CALLS[path]
    for name, told in zip(names, call, strict=True):
        schema = Draft202012Validator(orjson.loads(documents.schemas()[f"{name}.json"]))
        assert schema.is_valid(told), told
    assert call[1].get("errcode", 0) == 0


# ── statuses ──

STATUSES = ["success", "failed:user block", "failed: system failed", "failed:system failed"]


@pytest.mark.parametrize("status", STATUSES)
def test_a_delivery_status_at_the_door(status: str) -> None:
    core = Core(inbound())
    fields = {"MsgID": 4711, "Status": status}
    core.answer(request(as_xml(happening("TEMPLATESENDJOBFINISH", fields))))
    (fate,) = core.acknowledged
    expected = {"success": None, "failed:user block": "user_block"}.get(status, "system_failed")
    assert (fate.receipt, fate.failure) == ("4711", expected)


@pytest.mark.parametrize("status", ["failed:user block", "failed: system failed"])
def test_after_a_failure_another_way_is_taken(status: str) -> None:
    core = Core(inbound())
    core.answer(request(as_xml(happening("TEMPLATESENDJOBFINISH", {"MsgID": 4711, "Status": status}))))
    (fate,) = core.acknowledged

    async def story(found: Bench) -> None:
        told = {"petitioner": "4711", "petitioner:by": "template", **fate.another_way}
        receipt = await found.send({"petitioner"}, **told)
        assert (receipt.told_petitioner, receipt.detail) == (True, "petitioner_by:subscribe")

    run(story)


# ── fields ──

LONG = "长" * 50 + "\n第二行"


@pytest.mark.parametrize("kind", ["thing", "character_string", "phrase", "time"])
def test_a_field_over_its_limit_is_cut_and_taken(kind: str) -> None:
    async def story(found: Bench) -> None:
        about = petition(title=LONG, content=LONG)
        await found.send({"petitioner"}, told=event(EventType.REPLIED, text=LONG), about=about)
        (message_,) = found.account.shown[OPENID]
        values = [value for name, value in message_["data"].items() if name.startswith(kind)]
        assert values
        assert not any("\n" in value or len(value) > 32 for value in values)

    run(story)


# ── error codes: what the platform answers, and that the account in the sandbox gives each of them ──


@pytest.mark.parametrize("code", sorted(WORDS.errors))
def test_the_account_answers_with_an_error_code_of_the_table(code: int) -> None:
    async def story(found: Bench) -> None:
        data = documents_of("accepted")
        with pytest.raises(Refusal) as caught:
            found.account.send_template({"touser": f"oErrcode{code}_x", "template_id": "tpl-accepted", "data": data})
        assert caught.value.answer["errcode"] == code
        schema = Draft202012Validator(orjson.loads(documents.schemas()["answer.json"]))
        assert schema.is_valid(caught.value.answer)

    run(story)


def documents_of(purpose: str) -> dict[str, dict[str, str]]:
    """Good values for every field of a template."""
    good = {"character_string": "LT1", "thing": "路灯", "phrase": "已受理", "time": "2026-11-22 09:30"}
    layout = WORDS.templates[purpose]  # type: ignore[index] # a purpose
    return {name: {"value": good[name.rstrip("0123456789")]} for name in layout}


# ── in time ──


def test_the_platform_is_answered_before_it_asks_again() -> None:
    from adapters.wechat.inbound import PATIENCE_SECONDS

    doors = {door.path: door.patience_seconds for door in inbound().doors}
    assert doors["/in/wechat"] == PATIENCE_SECONDS < 5.0


def test_sent_three_times_it_is_one_message() -> None:
    core = Core(inbound())
    asked = [replace(request(as_xml(message("text"))), received_at=NOW + timedelta(seconds=5 * n)) for n in range(3)]
    answers = [core.answer(one) for one in asked]
    assert [answer.status for answer in answers] == [200] * 3
    assert all("编号" in answer.body.decode() for answer in answers)
    assert len(core.drafts) == 1
