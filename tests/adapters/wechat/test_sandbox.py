"""The sandbox as the bridge's counterpart: citizens' messages in, template messages out, and their fates back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import orjson
import pytest

from adapters.wechat import MANIFEST
from adapters.wechat.inbound import WechatInbound
from adapters.wechat.sandbox import settings as sandbox_settings
from adapters.wechat.sandbox_account import Refusal
from bridge.adapter import Submission, Update
from schemas.petition import Petitioner
from tests.adapters.wechat.support import WORDS, Bench, Core, bench, holds, petition, served, view

DOCUMENT = {"external_id": "F-1", "content": "楼道灯不亮", "petitioner": {"phone": "13805370001"}}


def run(story: Callable[[Bench, Core], Awaitable[None]]) -> None:
    async def whole() -> None:
        core = Core(WechatInbound(sandbox_settings("http://sandbox.invalid", "secret"), WORDS))
        async with served(core.app()) as bridge_url, bench(bridge_url) as found:
            await story(found, core)
            await found.box.close()

    asyncio.run(whole())


def test_the_manifest() -> None:
    assert (MANIFEST.system, MANIFEST.settings.__name__) == ("wechat", "WechatSettings")
    one, two = (MANIFEST.sandbox_settings("http://s.invalid", secret) for secret in ("a", "b"))
    assert one.model_dump() != two.model_dump()
    assert one == MANIFEST.sandbox_settings("http://s.invalid", "a")


def test_a_citizen_writes_and_reads_the_number() -> None:
    async def story(found: Bench, core: Core) -> None:
        answer = await found.box.originate({"openid": "oCitizen1", "content": "路灯坏了\n请修"})
        assert (answer["status"], answer["petition_id"]) == (200, "LT261122-0000000001")
        assert "编号 LT261122-0000000001 。" in answer["reply"]
        (draft,) = core.drafts
        assert isinstance(draft, Submission)
        assert (draft.petition.content, draft.petition.petitioner.openid) == ("路灯坏了\n请修", "oCitizen1")

    run(story)


def test_the_form_files() -> None:
    async def story(found: Bench, core: Core) -> None:
        answer = await found.box.originate({"door": "form", **DOCUMENT})
        assert (answer["status"], answer["petition_id"]) == (202, "LT261122-0000000001")
        refused = await found.box.originate({"door": "form", "external_id": "F-2"})
        assert (refused["status"], refused["petition_id"]) == (422, None)

    run(story)


STEPS: list[tuple[dict[str, Any], str]] = [
    ({"step": "text", "content": "路灯坏了"}, "编号"),
    ({"step": "image"}, "编号"),
    ({"step": "voice"}, "编号"),
    ({"step": "voice", "recognition": "进度"}, "已答复"),
    ({"step": "location"}, "编号"),
    ({"step": "click"}, "已答复"),
    ({"step": "progress"}, "已答复"),
    ({"step": "rate"}, "评价：满意"),
    ({"step": "rate", "satisfaction": "unsatisfied"}, "不满意"),
    ({"step": "confirm"}, "等待您确认办结的诉求"),
    ({"step": "confirm", "number": "LT261122-7K3M9QX2AB", "content": "已电话回访"}, "办结确认"),
    ({"step": "subscribe"}, "欢迎关注"),
]


@pytest.mark.parametrize(("document", "says"), STEPS)
def test_a_citizens_steps(document: dict[str, Any], says: str) -> None:
    async def story(found: Bench, core: Core) -> None:
        core.views = core.owned = [view(state="replied", last_event="replied")]
        answer = await found.box.step({"openid": "oCitizen1", **document})
        assert answer["status"] == 200
        assert says in answer["reply"]
        if document["step"] == "rate":
            assert isinstance(core.drafts[0], Update)
        if document.get("number"):
            (draft,) = core.drafts
            assert isinstance(draft, Update)
            assert (draft.actor, draft.data.text) == ("owner", "已电话回访")

    run(story)


def test_an_unknown_step_is_named() -> None:
    async def story(found: Bench, core: Core) -> None:
        assert "error" in await found.box.step({"step": "dance"})

    run(story)


@pytest.mark.parametrize(
    ("openid", "failure"), [("oCitizen1", None), ("oUserBlock1", "user_block"), ("oSystemFailed1", "system_failed")]
)
def test_the_fate_of_a_message_comes_back(openid: str, failure: str | None) -> None:
    async def story(found: Bench, core: Core) -> None:
        receipt = await found.send({"petitioner"}, about=petition(petitioner=Petitioner(openid=openid)))
        await holds(lambda: core.acknowledged)
        assert [(fate.receipt, fate.failure) for fate in core.acknowledged] == [(receipt.number, failure)]

    run(story)


def test_without_autopilot_it_only_takes() -> None:
    async def story() -> None:
        async with bench() as found:
            await found.send({"petitioner"})
            assert found.box._tasks == set()

    asyncio.run(story())


GOOD = {
    "character_string1": {"value": "LT261122-7K3M9QX2AB"},
    "thing2": {"value": "路灯不亮"},
    "phrase3": {"value": "已受理"},
    "time4": {"value": "2026-11-22 09:30"},
    "thing5": {"value": "请放心"},
}


@pytest.mark.parametrize(
    ("change", "errcode", "says"),
    [
        ({}, 0, "ok"),
        ({"data": {**GOOD, "thing2": {"value": "长" * 21}}}, 47003, "argument invalid! data.thing2.value invalid"),
        ({"data": {**GOOD, "thing2": {"value": "两\n行"}}}, 47003, "data.thing2.value"),
        ({"data": {**GOOD, "thing2": {"value": ""}}}, 47003, "data.thing2.value"),
        ({"data": {**GOOD, "character_string1": {"value": "编号1"}}}, 47003, "data.character_string1.value"),
        ({"data": {**GOOD, "phrase3": {"value": "正在重新办理"}}}, 47003, "data.phrase3.value"),
        ({"data": {**GOOD, "time4": {"value": "25:00"}}}, 47003, "data.time4.value"),
        ({"data": {k: v for k, v in GOOD.items() if k != "thing5"}}, 47003, "data.thing5.value"),
        ({"data": {**GOOD, "first": {"value": "您好"}}}, 47003, "data.first.value"),
        ({"data": "x"}, 47001, ""),
        ({"template_id": "x"}, 40037, ""),
        ({"touser": ""}, 40003, ""),
        ({"touser": "x"}, 40003, ""),
        ({"client_msg_id": "x" * 33}, 47001, ""),
    ],
)
def test_it_is_as_strict_as_the_documents(change: dict[str, Any], errcode: int, says: str) -> None:
    message = {"touser": "oA", "template_id": "tpl-accepted", "client_msg_id": "k", "data": GOOD, **change}
    answer = asyncio.run(_posted("/cgi-bin/message/template/send", orjson.dumps(message)))
    assert answer["errcode"] == errcode
    assert says in answer["errmsg"]


@pytest.mark.parametrize(
    ("path", "body", "token", "errcode"),
    [
        ("/cgi-bin/message/template/send", b"{", None, 47001),
        ("/cgi-bin/message/template/send", b"[]", None, 47001),
        ("/cgi-bin/message/template/send", b"{}", "stale", 40001),
        ("/cgi-bin/menu/create", b"{}", None, 48001),
        ("/cgi-bin/stable_token", b"{}", None, 40125),
    ],
)
def test_it_refuses(path: str, body: bytes, token: str | None, errcode: int) -> None:
    assert asyncio.run(_posted(path, body, token))["errcode"] == errcode


async def _posted(path: str, body: bytes, token: str | None = None) -> Any:
    async with bench() as found, aiohttp.ClientSession() as session:
        good = found.account.token(_credential())["access_token"]
        async with session.post(f"{found.url}{path}", params={"access_token": token or good}, data=body) as response:
            return await response.json(content_type=None)


def _credential() -> dict[str, Any]:
    given = MANIFEST.sandbox_settings("http://sandbox.invalid", "secret")
    secret = given.app_secret.get_secret_value()  # type: ignore[attr-defined]
    return {"grant_type": "client_credential", "appid": given.app_id, "secret": secret}  # type: ignore[attr-defined]


def test_the_runners_paths() -> None:
    async def story() -> None:
        async with bench() as found, aiohttp.ClientSession() as session:
            await found.send({"petitioner"})
            async with session.get(f"{found.url}/sandbox/received") as response:
                received = await response.json()
            assert (received["received"], received["duplicates"]) == (1, 0)
            assert received["items"][0]["case"] == "LT261122-7K3M9QX2AB"

    asyncio.run(story())


# ── how it speaks ──


MANNERS: list[dict[str, Any]] = [
    {"format": "json"},
    {"mode": "compatible"},
    {"mode": "plain"},
    {"format": "json", "mode": "compatible"},
    {"format": "json", "mode": "plain"},
    {"key": "previous"},
    {"tries": 3},
]


@pytest.mark.parametrize("manner", MANNERS)
def test_every_manner_of_speaking_is_one_petition(manner: dict[str, Any]) -> None:
    async def story(found: Bench, core: Core) -> None:
        await posted(found, "/sandbox/dialect", manner)
        answer = await found.box.originate({"openid": "oCitizen1", "content": "路灯坏了"})
        assert (answer["status"], answer["petition_id"]) == (200, "LT261122-0000000001")
        assert len(core.drafts) == 1
        assert len(found.box.told) == manner.get("tries", 1)

    run(story)


@pytest.mark.parametrize("manner", [{}, {"format": "json"}, {"spelling": "MsgId"}, {"tries": 3}, {"late": 0.01}])
@pytest.mark.parametrize("openid", ["oCitizen1", "oUnfollowed1"])
def test_the_fate_of_both_kinds_of_messages_in_every_manner(manner: dict[str, Any], openid: str) -> None:
    async def story(found: Bench, core: Core) -> None:
        await posted(found, "/sandbox/dialect", manner)
        receipt = await found.send({"petitioner"}, about=petition(petitioner=Petitioner(openid=openid)))
        await holds(lambda: core.acknowledged)
        assert {(fate.receipt, fate.failure) for fate in core.acknowledged} == {(receipt.number, None)}
        assert len(core.acknowledged) == 1

    run(story)


@pytest.mark.parametrize("wrong", [{"format": "yaml"}, {"tries": 4}, {"mode": "secret"}, {"colour": "red"}])
def test_a_manner_it_does_not_have_is_named(wrong: dict[str, Any]) -> None:
    async def story(found: Bench, core: Core) -> None:
        assert "error" in await posted(found, "/sandbox/dialect", wrong)

    run(story)


def test_what_is_used_up_is_refused_until_it_is_not() -> None:
    async def story(found: Bench, core: Core) -> None:
        await posted(found, "/sandbox/limits", {"template": 45009})
        receipt = await found.send({"petitioner"})
        assert receipt.detail == "petitioner_by:subscribe"

    run(story)


async def posted(found: Bench, path: str, document: Any) -> Any:
    async with aiohttp.ClientSession() as session, session.post(f"{found.url}{path}", json=document) as answer:
        return await answer.json(content_type=None)


def test_a_phone_shows_what_reached_it() -> None:
    async def story(found: Bench, core: Core) -> None:
        await found.send({"petitioner"}, about=petition(petitioner=Petitioner(openid="oUnfollowed1")))
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{found.url}/sandbox/phone?openid=oUnfollowed1") as answer,
        ):
            (message,) = (await answer.json(content_type=None))["messages"]
        assert (message["way"], message["purpose"]) == ("subscribe", "accepted")

    run(story)


# ── strict ──

SUBSCRIBE = {name: GOOD[name] for name in ("character_string1", "thing2", "phrase3", "time4")}


@pytest.mark.parametrize(
    ("path", "message", "errcode"),
    [
        ("template/send", {"touser": "oA", "template_id": "tpl-accepted", "data": GOOD, "topcolor": "#f00"}, 47001),
        ("subscribe/bizsend", {"touser": "oA", "template_id": "sub-accepted", "data": SUBSCRIBE}, 0),
        ("subscribe/bizsend", {"touser": "oA", "template_id": "sub-accepted", "data": GOOD}, 47003),
        ("subscribe/bizsend", {"touser": "oA", "template_id": "tpl-accepted", "data": SUBSCRIBE}, 40037),
        (
            "subscribe/bizsend",
            {"touser": "oA", "template_id": "sub-accepted", "data": SUBSCRIBE, "client_msg_id": "k"},
            47001,
        ),
        ("subscribe/bizsend", {"touser": "oRefused", "template_id": "sub-accepted", "data": SUBSCRIBE}, 43101),
        ("custom/send", {"touser": "oA", "msgtype": "text", "text": {"content": "您好"}}, 45015),
        ("custom/send", {"touser": "oA", "msgtype": "image", "image": {"media_id": "m"}}, 47001),
        ("custom/send", {"touser": "oA", "msgtype": "wxcard"}, 40008),
        ("custom/send", {"touser": "oA", "msgtype": "text", "text": {"content": ""}}, 44004),
        ("custom/send", {"touser": "oA", "msgtype": "text", "text": {"content": "路" * 683}}, 45002),
        ("custom/send", {"touser": "", "msgtype": "text", "text": {"content": "您好"}}, 40003),
    ],
)
def test_every_call_is_as_strict_as_the_documents(path: str, message: dict[str, Any], errcode: int) -> None:
    answer = asyncio.run(_posted(f"/cgi-bin/message/{path}", orjson.dumps(message)))
    assert answer["errcode"] == errcode


def test_a_token_is_forced_no_oftener_than_allowed() -> None:
    async def story(found: Bench, core: Core) -> None:
        first = found.account.token({**_credential(), "force_refresh": True})["access_token"]
        with pytest.raises(Refusal) as caught:
            found.account.token({**_credential(), "force_refresh": True})
        assert caught.value.answer["errcode"] == 45011
        assert found.account.token(_credential())["access_token"] == first
        with pytest.raises(Refusal):
            found.account.token({**_credential(), "force": True})

    run(story)


def test_a_replaced_token_overlaps() -> None:
    async def story(found: Bench, core: Core) -> None:
        old = found.account.token(_credential())["access_token"]
        new = found.account.token({**_credential(), "force_refresh": True})["access_token"]
        assert old != new
        found.account.check_token(old)
        found.account.check_token(new)

    run(story)
