"""One petition out of several messages, and the secretary's one-time code."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bridge.adapter import Bind, Ignored, Outcome, PetitionView, Question, Submission, Taken, Update
from bridge.roster import Bound
from schemas.event import EventType
from tests.adapters.wechat.support import NOW, OPENID, Core, inbound, request, text, view, xml

TELLING = view(petitioner_wrote_at=NOW - timedelta(minutes=3), submitted_at=NOW - timedelta(minutes=5))
LONG_AGO = replace(TELLING, petitioner_wrote_at=NOW - timedelta(hours=3), submitted_at=NOW - timedelta(hours=3))


def heard(body: bytes, *views: PetitionView, **settings: Any) -> tuple[Core, str]:
    core = Core(inbound(**settings), list(views))
    return core, core.answer(request(body)).body.decode()


def added(core: Core) -> Update:
    (draft,) = core.drafts
    assert isinstance(draft, Update)
    assert (draft.type, draft.actor) == (EventType.NOTED, "petitioner")
    return draft


def begun(core: Core) -> Submission:
    (draft,) = core.drafts
    assert isinstance(draft, Submission)
    return draft


# ── pieces ──


def test_a_text_within_the_window_is_added_and_the_citizen_is_told_where() -> None:
    core, reply = heard(text("还有二单元也不亮"), TELLING)
    update = added(core)
    assert update.refs[0].petition_id == TELLING.petition_id
    assert update.data.text == "还有二单元也不亮"
    assert update.external_ids[0].value == "24000000000000001"
    assert f"补充的内容记入诉求 {TELLING.petition_id}" in reply


@pytest.mark.parametrize(
    ("body", "says", "attachment"),
    [
        (
            xml("image", PicUrl="http://p.example.invalid/1", MediaId="m1", MsgId="1"),
            "图片",
            "http://p.example.invalid/1",
        ),
        (
            xml("voice", MediaId="m2", Format="amr", Recognition="二楼也坏了", MsgId="2"),
            "二楼也坏了",
            "wechat-media:m2",
        ),
        (xml("video", MediaId="m3", ThumbMediaId="t", MsgId="3"), "视频", "wechat-media:m3"),
        (
            xml("link", Title="停水公告", Description="三天", Url="http://u.example.invalid", MsgId="4"),
            "停水公告",
            None,
        ),
    ],
)
def test_every_kind_of_message_can_be_a_piece(body: bytes, says: str, attachment: str | None) -> None:
    data = added(heard(body, TELLING)[0]).data
    assert says in str(data.text)
    assert [one.url for one in data.attachments] == ([attachment] if attachment else [])
    assert data.place is None


def test_a_place_is_added_as_a_place() -> None:
    data = added(
        heard(xml("location", Location_X="35.41", Location_Y="116.58", Label="太白湖", MsgId="5"), TELLING)[0]
    ).data
    assert data.place is not None
    assert (data.place.latitude, data.place.longitude, data.place.address) == (35.41, 116.58, "太白湖")


@pytest.mark.parametrize(
    "views",
    [
        (),
        (LONG_AGO,),
        (view(),),
        (replace(TELLING, state="replied"),),
        (replace(TELLING, state="closed"),),
        (replace(TELLING, state="merged"),),
    ],
)
def test_otherwise_it_is_a_petition_of_its_own(views: tuple[PetitionView, ...]) -> None:
    assert begun(heard(text("路灯坏了"), *views)[0]).petition.content == "路灯坏了"


def test_the_newest_open_petition_within_the_window_is_meant() -> None:
    finished = replace(TELLING, petition_id="LT261122-0000000003", state="closed")
    older = replace(TELLING, petition_id="LT261122-0000000001")
    assert added(heard(text("补充"), finished, TELLING, older)[0]).refs[0].petition_id == TELLING.petition_id


def test_with_no_window_every_message_is_one_of_its_own() -> None:
    core, _ = heard(text("还有二单元"), TELLING, window_minutes=0)
    draft = begun(core)
    assert (len(draft.external_ids), draft.again) == (1, None)


def test_a_rating_or_a_question_is_still_one() -> None:
    assert heard(text("进度"), TELLING)[0].drafts == []
    (rated,) = heard(text("满意"), replace(TELLING, state="replied"), TELLING)[0].drafts
    assert isinstance(rated, Update)
    assert rated.type is EventType.RATED


# ── messages of one moment ──


def test_messages_of_one_moment_share_a_number_whichever_comes_first() -> None:
    first, second = (begun(heard(text(said, number))[0]) for said, number in (("路灯", "1"), ("坏了", "2")))
    shared = set(first.external_ids) & set(second.external_ids)
    assert {number.kind for number in shared} == {"moment"}
    assert second.again is not None
    assert (second.again.type, second.again.data.text) == (EventType.NOTED, "坏了")
    assert second.again.message_key == second.message_key
    assert not any(OPENID in number.value for number in shared)


def test_two_citizens_share_nothing() -> None:
    one = begun(heard(text("路灯"))[0])
    other = begun(heard(xml(openid="oCitizen0002", Content="路灯", MsgId="9"))[0])
    assert not set(one.external_ids) & set(other.external_ids)


def test_what_was_finished_a_moment_ago_takes_nothing_more() -> None:
    just_closed = replace(TELLING, state="closed", petitioner_wrote_at=NOW - timedelta(seconds=30))
    draft = begun(heard(text("另外，路灯又坏了"), just_closed)[0])
    assert (draft.again, [number.kind for number in draft.external_ids]) == (None, ["msg_id"])


def test_a_further_piece_that_the_ledger_recognised_is_answered_as_one() -> None:
    core = Core(inbound())
    reading = core.read(request(text("坏了")))
    assert isinstance(reading, Taken)
    answer = reading.reply([Outcome("event", "LT261122-0000000001", "r", "e")])
    assert "补充的内容记入诉求 LT261122-0000000001" in answer.body.decode()


def test_too_long_a_piece_is_refused_before_anything_is_looked_up() -> None:
    reading = inbound().read(request(text("路" * 100_001))).reading
    assert not isinstance(reading, Question)


# ── another petition ──


@pytest.mark.parametrize(
    "said", ["新诉求：小区停水了", "新诉求 小区停水了", "另一件事，小区停水了", "  新诉求\n小区停水了"]
)
def test_a_new_petition_by_its_first_words(said: str) -> None:
    draft = begun(heard(text(said), TELLING)[0])
    assert (draft.petition.content, draft.petition.title) == ("小区停水了", "小区停水了")
    assert draft.again is None


def test_the_words_alone_get_the_way_to_write_it() -> None:
    core, reply = heard(text("新诉求"), TELLING)
    assert core.drafts == []
    assert "以“新诉求”开头" in reply


# ── binding ──


@pytest.mark.parametrize("said", ["绑定 7K3M-9QX2", "绑定7k3m9qx2", "绑定书记：7K3M 9QX2", "绑定　7K3M－9QX2"])
def test_a_code_is_shown_to_the_core(said: str) -> None:
    reading = inbound().read(request(text(said))).reading
    assert isinstance(reading, Bind)
    assert reading.openid == OPENID
    assert "".join(c for c in reading.code.upper() if c.isascii() and c.isalnum()) == "7K3M9QX2"


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("bound", "孟一，您好"),
        ("unknown", "没有查到"),
        ("expired", "已过期"),
        ("used", "已被使用"),
        ("surprise", "没有查到"),
    ],
)
def test_what_became_of_it_is_told(status: str, says: str) -> None:
    reading = inbound().read(request(text("绑定 7K3M-9QX2"))).reading
    assert isinstance(reading, Bind)
    told = reading.then(Bound(status, "S1", "孟一" if status == "bound" else None))
    assert isinstance(told, Ignored)
    assert told.reason == f"bind:{status}"
    assert says in told.response.body.decode()


@pytest.mark.parametrize("said", ["绑定不了社保卡", "绑定银行卡以后被扣了300元", "绑定 AB"])
def test_a_petition_about_binding_is_a_petition(said: str) -> None:
    assert begun(heard(text(said))[0]).petition.content == said


def test_how_to_bind() -> None:
    core, reply = heard(text("绑定"))
    assert core.drafts == []
    assert "一次性绑定码" in reply
