"""The owner secretary confirms a closing by WeChat; everybody else's “确认…” stays what it was."""

from dataclasses import replace

import pytest

from adapters.wechat.confirming import SHOWN
from bridge.adapter import Ignored, PetitionView, Submission, Update
from schemas.event import EventType
from tests.adapters.wechat.support import NOW, Core, inbound, request, text, view
from tests.adapters.wechat.test_conversation import content

NUMBER = "LT261122-7K3M9QX2AB"
REPLIED = view(NUMBER, state="replied", last_event="replied", unit="市住建局")
ENDED = replace(REPLIED, state="closed", last_event="closed")


def said(words: str, *owned: PetitionView, brought: tuple[PetitionView, ...] = ()) -> tuple[Core, str]:
    core = Core(inbound(), list(brought), list(owned))
    answer = core.answer(request(text(words)))
    assert answer.status == 200
    return core, content(answer.body.decode())


def confirmed(core: Core) -> Update:
    (update,) = core.drafts
    assert isinstance(update, Update)
    return update


@pytest.mark.parametrize(
    ("words", "beside"),
    [
        (f"确认 {NUMBER}", None),
        (f" 确认　{NUMBER.lower()} ", None),
        (f"确认：{NUMBER}。", None),
        (f"确认办结:{NUMBER}", None),
        (f"确认办结\n{NUMBER}\n已上门查看", "已上门查看"),
        (f"确认{NUMBER}，已电话回访，群众认可！", "已电话回访，群众认可"),
        (f"确认＋{NUMBER}", None),
        ("确认 ＬＴ２６１１２２－７Ｋ３Ｍ９ｑｘ２ａｂ １楼已修", "１楼已修"),
        (f"确认 {NUMBER}（已回访）", "（已回访）"),
    ],
)
@pytest.mark.parametrize("one", [REPLIED, replace(REPLIED, state="followed_up"), ENDED])
def test_it_becomes_a_closing_by_the_owner(words: str, beside: str | None, one: PetitionView) -> None:
    core, answer = said(words, one, view("LT261122-0000000009", state="replied"))
    update = confirmed(core)
    assert (update.type, update.actor, update.message_key) == (EventType.CLOSED, "owner", "msg:24000000000000001")
    assert [ref.petition_id for ref in update.refs] == [NUMBER]
    assert update.data.text == beside
    assert abs((update.occurred_at - NOW).days) <= 1
    assert answer.startswith(f"已记下您对诉求 {NUMBER} 的办结确认")


def test_a_number_of_another_shape() -> None:
    core, _ = said("确认 LT20261122-000017", replace(REPLIED, petition_id="LT20261122-000017"))
    assert confirmed(core).refs[0].petition_id == "LT20261122-000017"


def test_the_platforms_repeat_counts_once() -> None:
    core = Core(inbound(), owned=[REPLIED])
    first, second = (core.answer(request(text(f"确认 {NUMBER}"))).body for _ in range(2))
    assert first == second
    assert len(core.drafts) == 1


def test_confirmed_already() -> None:
    core, answer = said(f"确认 {NUMBER}", replace(ENDED, confirmed=True))
    assert core.drafts == []
    assert answer == f"诉求 {NUMBER} 已确认办结，无需再次确认。"


def test_a_content_citizen_does_not_keep_the_owner_from_ending_it() -> None:
    assert confirmed(said(f"确认 {NUMBER}", replace(REPLIED, confirmed=True))[0]).type is EventType.CLOSED


@pytest.mark.parametrize("state", ["submitted", "handling", "rehandling", "merged", "cancelled", "not_accepted"])
def test_without_an_answer_there_is_nothing_to_confirm(state: str) -> None:
    core, answer = said(f"确认 {NUMBER}", replace(REPLIED, state=state))
    assert core.drafts == []
    assert "暂不能确认办结" in answer
    assert state not in answer


@pytest.mark.parametrize("brought", [(), (REPLIED,)])
def test_what_is_not_theirs_cannot_be_confirmed(brought: tuple[PetitionView, ...]) -> None:
    core, answer = said(f"确认 {NUMBER}", view("LT261122-0000000009", state="replied"), brought=brought)
    assert core.drafts == []
    assert answer.startswith("没有查到由您负责的这件诉求")
    assert NUMBER not in answer


@pytest.mark.parametrize("words", ["确认", "待确认", "确认办结", "确认。", "【待确认】"])
def test_what_waits_is_listed(words: str) -> None:
    titled = replace(ENDED, title="请回电 138-0537 0001，路灯不亮")
    core, answer = said(words, REPLIED, titled, view("LT261122-0000000009"), replace(ENDED, confirmed=True))
    assert core.drafts == []
    assert answer.splitlines() == [
        "等待您确认办结的诉求：",
        f"1. {NUMBER} 路灯不亮：已答复（市住建局）",
        f"2. {NUMBER} 请回电 ＊，路灯不亮：已办结（市住建局）",
        f"请与群众核实，再回复“确认”和编号，例如：确认 {NUMBER} 已电话回访，群众认可",
    ]


def test_a_few_are_listed_and_the_rest_is_named() -> None:
    many = [replace(REPLIED, petition_id=f"LT261122-{n:010d}", title="长" * 200, unit="局" * 100) for n in range(20)]
    answer = said("确认", *many)[1]
    assert [one.petition_id in answer for one in many] == [True] * SHOWN + [False] * (20 - SHOWN)
    assert "还有更早的" in answer
    assert len(answer.encode()) < 2048
    assert "还有更早的" not in said("确认", *many[:SHOWN])[1]


@pytest.mark.parametrize("words", ["确认", "确认办结"])
def test_whoever_answers_for_nothing_is_a_citizen(words: str) -> None:
    (draft,) = said(words)[0].drafts
    assert isinstance(draft, Submission)
    assert draft.petition.content == words
    telling = view(state="submitted", petitioner_wrote_at=NOW)
    (addition,) = said(words, brought=(telling,))[0].drafts
    assert isinstance(addition, Update)
    assert (addition.type, addition.actor) == (EventType.NOTED, "petitioner")


def test_what_waits_is_nobodys_petition() -> None:
    core, answer = said("待确认")
    assert core.drafts == []
    assert answer == "目前没有等待您确认办结的诉求。"


@pytest.mark.parametrize(
    "words",
    [
        f"确认{NUMBER}的路灯没有修好",
        f"请确认 {NUMBER}",
        f"{NUMBER} 确认",
        "确认一下我家的电费",
        "确认 13805370001 是不是骗子",
        "确认 LT 停电",
        "待确认的房产证什么时候办",
        "确认办结了吗？路灯还是不亮",
        f"确认收到 {NUMBER}",
    ],
)
def test_a_petition_that_begins_so_is_a_petition(words: str) -> None:
    (draft,) = said(words, REPLIED)[0].drafts
    assert isinstance(draft, Submission)
    assert draft.petition.content == words


def test_what_is_too_long_is_refused_before_anything_is_looked_up() -> None:
    core = Core(inbound(), owned=[REPLIED])
    assert core.answer(request(text(f"确认 {NUMBER} " + "长" * 100_001))).status == 400


def test_the_reason_that_is_kept_names_nobody() -> None:
    core = Core(inbound(), owned=[view(NUMBER)])
    reading = core.read(request(text(f"确认 {NUMBER}")))
    assert isinstance(reading, Ignored)
    assert (reading.reason, reading.message_key) == ("not_answered", "msg:24000000000000001")
