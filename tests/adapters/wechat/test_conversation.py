"""What a citizen may say, and what becomes of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.wechat import words
from bridge.adapter import PetitionView, Request, Submission, Update
from schemas.event import EventType, Satisfaction
from schemas.petition import ExternalId
from tests.adapters.wechat.support import (
    ACCOUNT,
    NOW,
    OPENID,
    Core,
    inbound,
    request,
    sealed,
    text,
    view,
    xml,
)

MINE = view()
REPLIED = view(state="replied", last_event="replied", said="已安排抢修，今晚恢复照明。", unit="市住建局")


def heard(asked: bytes | Request, views: list[PetitionView] | None = None) -> tuple[Core, str]:
    core = Core(inbound(), views or [])
    answer = core.answer(asked if isinstance(asked, Request) else request(asked))
    assert answer.status == 200
    return core, answer.body.decode()


def content(reply: str) -> str:
    return reply.split("<Content><![CDATA[")[1].rsplit("]]></Content>", 1)[0]


def submitted(core: Core) -> Submission:
    (draft,) = core.drafts
    assert isinstance(draft, Submission)
    return draft


# ── petitions ──


def test_a_text_is_a_petition_and_gets_its_number() -> None:
    core, reply = heard(text("太白湖新区的路灯三天不亮了。\n请尽快维修！"))
    draft = submitted(core)
    assert draft.message_key == "msg:24000000000000001"
    assert draft.external_ids[0] == ExternalId(system="wechat", kind="msg_id", value="24000000000000001")
    assert (draft.actor, draft.holder) == ("petitioner", None)
    assert draft.petition.content == "太白湖新区的路灯三天不亮了。\n请尽快维修！"
    assert draft.petition.title == "太白湖新区的路灯三天不亮了。"
    assert draft.petition.petitioner.openid == OPENID
    assert draft.petition.handling_class is None
    assert abs(draft.submitted_at - NOW) < timedelta(days=1)
    assert "编号 LT261122-0000000001 。" in content(reply)
    assert f"<ToUserName><![CDATA[{OPENID}]]>" in reply
    assert f"<FromUserName><![CDATA[{ACCOUNT}]]>" in reply


def test_sent_again_it_is_one_petition_with_one_answer() -> None:
    core = Core(inbound())
    first, second = (core.answer(request(text("路灯坏了"))).body for _ in range(2))
    assert first == second
    assert len(core.drafts) == 1


def test_a_json_message_is_answered_in_json() -> None:
    body = (
        b'{"ToUserName":"gh","FromUserName":"oA","CreateTime":1,"MsgType":"text","Content":"\\u8def\\u706f","MsgId":7}'
    )
    core, reply = heard(body)
    assert submitted(core).petition.content == "路灯"
    assert reply.startswith('{"ToUserName":"oA","FromUserName":"gh"')


def test_the_reply_is_sealed_when_the_message_was() -> None:
    core, reply = heard(sealed(text("路灯坏了")))
    assert submitted(core).petition.content == "路灯坏了"
    assert "<Encrypt>" in reply
    assert "编号" not in reply


@pytest.mark.parametrize(
    ("body", "says", "attachment"),
    [
        (
            xml("image", PicUrl="http://p.example.invalid/1", MediaId="m1", MsgId="1"),
            "图片",
            "http://p.example.invalid/1",
        ),
        (xml("image", MediaId="m1", MsgId="1"), "图片", "wechat-media:m1"),
        (xml("voice", MediaId="m2", Format="amr", MsgId="2"), "语音", "wechat-media:m2"),
        (
            xml("voice", MediaId="m2", Format="amr", Recognition="路灯坏了。", MsgId="2"),
            "路灯坏了。",
            "wechat-media:m2",
        ),
        (xml("video", MediaId="m3", ThumbMediaId="t", MsgId="3"), "视频", "wechat-media:m3"),
        (xml("shortvideo", MediaId="m4", MsgId="4"), "小视频", "wechat-media:m4"),
        (
            xml("link", Title="停水公告", Description="三天了", Url="http://u.example.invalid", MsgId="6"),
            "停水公告",
            None,
        ),
        (xml("location", Location_X="35.41", Location_Y="116.58", Label="太白湖", MsgId="5"), "太白湖", None),
        (xml("location", Location_X="abc", Location_Y="999", Label="", MsgId="5"), "位置", None),
    ],
)
def test_every_kind_of_message_is_a_petition(body: bytes, says: str, attachment: str | None) -> None:
    core, reply = heard(body)
    petition = submitted(core).petition
    assert says in petition.content
    assert petition.title
    assert [a.url for a in petition.attachments] == ([attachment] if attachment else [])
    assert "编号" in content(reply)


def test_a_place_is_read_the_right_way_round() -> None:
    core, _ = heard(xml("location", Location_X="35.41", Location_Y="116.58", Label="太白湖", MsgId="5"))
    place = submitted(core).petition.place
    assert (place.latitude, place.longitude, place.address) == (35.41, 116.58, "太白湖")


@pytest.mark.parametrize(
    "said",
    [
        "满意？你们什么时候修路灯",
        "进度太慢了，路灯还不亮",
        "你好，我要投诉",
        "13805370001",
        "路灯",
        "好不了了",
        "查询不到我的社保",
        "12 号楼停水",
    ],
)
def test_when_in_doubt_it_is_a_petition(said: str) -> None:
    core, _ = heard(text(said), [MINE])
    assert submitted(core).petition.content == said


# ── hints ──


@pytest.mark.parametrize(
    "said",
    ["你好", " 您好！ ", "在吗？", "HI", "ｈｅｌｌｏ", "", "   ", "。。。", "👍", "谢谢", "好的，谢谢！", "帮助"],
)
def test_a_greeting_gets_a_hint(said: str) -> None:
    core, reply = heard(text(said), [MINE])
    assert core.drafts == []
    assert "回复“进度”可查询" in content(reply)


@pytest.mark.parametrize("key", ["HELP", "REPORT"])
def test_menu_hints(key: str) -> None:
    assert "请直接写下" in heard(xml("event", Event="CLICK", EventKey=key))[1]


# ── progress ──

ASKS = [text(said) for said in ("进度", "查询", " 进度？", "办理情况")]


@pytest.mark.parametrize(
    "asked",
    [
        *ASKS,
        xml("event", Event="CLICK", EventKey="PROGRESS"),
        xml("voice", MediaId="m", Recognition="进度。", MsgId="9"),
    ],
)
def test_where_it_stands(asked: bytes) -> None:
    core, reply = heard(asked, [REPLIED])
    assert core.drafts == []
    told = content(reply)
    assert all(part in told for part in (REPLIED.petition_id, "11月22日", "已答复", "市住建局", "今晚恢复照明"))


def test_the_latest_three() -> None:
    views = [replace(MINE, petition_id=f"LT261122-{n:010d}", state="handling") for n in range(5)]
    told = content(heard(text("进度"), views)[1])
    assert [view.petition_id in told for view in views] == [True] * 3 + [False] * 2
    assert told.count("正在办理") == 3


def test_nothing_brought_yet() -> None:
    assert "没有查到您提交的诉求" in heard(text("进度"))[1]


@pytest.mark.parametrize(
    "said", ["LT261122-7K3M9QX2AB", "进度 LT261122-7K3M9QX2AB", "查询：lt261122-7k3m9qx2ab", "24000000000000077"]
)
def test_by_number(said: str) -> None:
    mine = replace(MINE, external_ids=(ExternalId(system="wechat", kind="msg_id", value="24000000000000077"),))
    others = replace(MINE, petition_id="LT261122-0000000009")
    core, reply = heard(text(said), [others, mine])
    assert core.drafts == []
    assert MINE.petition_id in content(reply)
    assert others.petition_id not in content(reply)


def test_somebody_elses_number_tells_nothing() -> None:
    assert "没有查到这个编号" in heard(text("查询 LT261122-9999999999"), [MINE])[1]


@pytest.mark.parametrize(
    "state",
    [
        "submitted",
        "accepted",
        "not_accepted",
        "dispatched",
        "signed",
        "handling",
        "return_requested",
        "returned",
        "extension_requested",
        "replied",
        "followed_up",
        "rehandling",
        "closed",
        "cancelled",
        "merged",
        "suspended",
    ],
)
def test_every_state_is_told_in_words(state: str) -> None:
    told = content(heard(text("进度"), [replace(MINE, state=state)])[1])
    assert state not in told
    assert words.load().states[state] in told


def test_an_unknown_state_is_told_by_its_last_event() -> None:
    assert "核查" in heard(text("进度"), [replace(MINE, state="new_state", last_event="verified")])[1]


def test_a_long_reply_stays_deliverable() -> None:
    views = [replace(REPLIED, said="路灯" * 5000, title="x") for _ in range(3)]
    assert len(content(heard(text("进度"), views)[1]).encode()) < 2048


def test_nothing_in_a_reply_can_break_it() -> None:
    reply = heard(text("进度"), [replace(REPLIED, said="a]]><Content>\x00\x1b</Content>\ud83d")])[1]
    assert "\x00" not in reply
    assert "]]]]><![CDATA[>" in reply


# ── ratings ──


@pytest.mark.parametrize(
    ("said", "satisfaction"),
    [
        ("满意", Satisfaction.SATISFIED),
        ("非常满意！", Satisfaction.SATISFIED),
        ("1", Satisfaction.SATISFIED),
        ("１。", Satisfaction.SATISFIED),
        ("基本满意", Satisfaction.FAIR),
        ("2", Satisfaction.FAIR),
        ("不满意", Satisfaction.UNSATISFIED),
        ("3", Satisfaction.UNSATISFIED),
        ("不满意，路灯还是不亮", Satisfaction.UNSATISFIED),
    ],
)
def test_a_rating_after_the_reply(said: str, satisfaction: Satisfaction) -> None:
    older = replace(REPLIED, petition_id="LT261101-0000000001")
    core, reply = heard(text(said), [MINE, REPLIED, older])
    (update,) = core.drafts
    assert isinstance(update, Update)
    assert (update.type, update.actor) == (EventType.RATED, "petitioner")
    assert update.refs[0].petition_id == REPLIED.petition_id
    assert (update.data.satisfaction, update.data.text) == (satisfaction, said)
    assert REPLIED.petition_id in content(reply)


@pytest.mark.parametrize("said", ["满意", "2", "不满意"])
@pytest.mark.parametrize("views", [[], [MINE], [replace(REPLIED, rated=True)]])
def test_a_rating_nobody_waits_for_gets_a_hint(said: str, views: list[PetitionView]) -> None:
    core, reply = heard(text(said), views)
    assert core.drafts == []
    assert "没有等待您评价的诉求" in content(reply)


def test_a_reasoned_rating_nobody_waits_for_is_a_petition() -> None:
    assert submitted(heard(text("不满意，路灯还是不亮"), [MINE])[0]).petition.content == "不满意，路灯还是不亮"


@pytest.mark.parametrize(("views", "says"), [([REPLIED], "回复 1 满意"), ([MINE], "没有等待您评价")])
def test_how_to_rate(views: list[PetitionView], says: str) -> None:
    assert says in heard(text("评价"), views)[1]
    assert says in heard(xml("event", Event="CLICK", EventKey="RATE"), views)[1]
