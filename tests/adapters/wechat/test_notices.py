"""What each audience is told, always inside the limits of the fields."""

import re
import unicodedata
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.wechat.notices import MAX_TEXT_BYTES, Notice, fit, notice
from adapters.wechat.outbound import ORDER
from schemas.event import Assignment, EventType, UnitRole
from schemas.petition import HandlingClass, Petitioner
from tests.adapters.wechat.support import NOW, WORDS, event, petition

LIMITS = {
    "thing": lambda text: 0 < len(text.encode("utf-16-le")) // 2 <= 20,
    "character_string": lambda text: re.fullmatch(r"[\x21-\x7e]{1,32}", text),
    "phrase": lambda text: re.fullmatch(r"[\u4e00-\u9fff]{1,5}", text),
    "name": lambda text: re.fullmatch(r"[\u4e00-\u9fff]{1,10}", text),
    "time": lambda text: re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", text),
}


@dataclass(frozen=True)
class Told:
    """A notice as the template message that it becomes."""

    notice: Notice

    @property
    def purpose(self) -> str:
        return self.notice.purpose

    @property
    def data(self) -> dict[str, str]:
        return self.notice.fields(WORDS.templates[self.notice.purpose])


def told(*args: Any, **more: Any) -> Told:
    return Told(notice(*args, **more))


def holds(key: str, text: str) -> bool:
    kind = key.rstrip("0123456789")
    one_line = not any(c in "\r\n" or unicodedata.category(c) in {"Cc", "Zl", "Zp"} for c in text)
    return bool(LIMITS[kind](text)) and one_line


@given(key=st.sampled_from(["thing1", "character_string2", "phrase3", "name4"]), text=st.text(max_size=100))
def test_any_text_fits(key: str, text: str) -> None:
    assert holds(key, fit(key, text))


@given(said=st.text(max_size=80), title=st.text(max_size=80), unit=st.text(max_size=50), confidential=st.booleans())
def test_any_event_fits(said: str, title: str, unit: str, confidential: bool) -> None:
    about = petition(title=title, petitioner=Petitioner(openid="oA", name=title[:9], confidential=confidential))
    for kind, audience in product((EventType.REPLIED, EventType.DISPATCHED, EventType.SUPERVISED), ORDER):
        message = told(event(kind, text=said, unit=unit or None), about, audience, WORDS)
        assert all(holds(key, value) for key, value in message.data.items())


@pytest.mark.parametrize(("kind", "audience"), list(product(WORDS.events_told, ORDER)))
def test_every_event_has_words_for_everybody(kind: EventType, audience: str) -> None:
    bare = told(event(kind), petition(), audience, WORDS)
    full = told(event(kind, text="已安排抢修", unit="市住建局", due_at=NOW), petition(), audience, WORDS)
    for message in (bare, full):
        assert message.data["character_string1"] == "LT261122-7K3M9QX2AB"
        assert all(holds(key, value) for key, value in message.data.items())
        assert "无" not in message.data.values() or message.data["thing5"] == "无"


SHIPPED = [
    row
    for notices in (WORDS.notices, WORDS.bridge, WORDS.systems)
    for table in notices.values()
    for row in table.values()
]


@pytest.mark.parametrize("row", SHIPPED)
def test_the_shipped_notes_are_short_enough(row: object) -> None:
    for note in row.notes:  # type: ignore[attr-defined]
        assert len(re.sub(r"\{\w+\}", "11月22日", note)) <= 20


@pytest.mark.parametrize(
    ("key", "text", "fitted"),
    [
        ("thing1", "太白湖新区济宁大道与圣贤路口往东的路灯不亮", "太白湖新区济宁大道与圣贤路口往东的路灯…"),
        ("thing1", "一行\r\n两行\t三", "一行 两行 三"),
        ("thing1", "😀" * 12, "😀" * 9 + "…"),
        ("thing1", "\x00\u200b", "无"),
        ("thing1", "刚好二十个字刚好二十个字刚好二十个字好了", "刚好二十个字刚好二十个字刚好二十个字好了"),
        ("character_string1", "LT261122-7K3M9QX2AB", "LT261122-7K3M9QX2AB"),
        ("character_string1", "0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5bd9cb469fa16570867728950e"),
        ("character_string1", "济宁 12345", "12345"),
        ("phrase3", "正在重新办理", "正在重新办"),
        ("phrase3", "OK", "无"),
        ("name4", "孟书记 138", "孟书记"),
        ("unknown9", "长" * 30, "长" * 19 + "…"),
    ],
)
def test_fit(key: str, text: str, fitted: str) -> None:
    assert fit(key, text) == fitted


@pytest.mark.parametrize(
    ("kind", "audience", "purpose", "says"),
    [
        (EventType.SUBMITTED, "petitioner", "accepted", "我们会及时告知办理进展"),
        (EventType.SUBMITTED, "unit", "task", "请及时办理并回复结果"),
        (EventType.SUBMITTED, "owner", "task", "首问负责，请一盯到底"),
        (EventType.DISPATCHED, "petitioner", "progress", "已转市住建局办理"),
        (EventType.REPLIED, "petitioner", "reply", "请评价：1满意2基本满意3不满意"),
        (EventType.CLOSED, "petitioner", "reply", "如未评价，请回复1满意2一般3不满意"),
        (EventType.RETURNED, "owner", "progress", "请跟进到底"),
        (EventType.REPLIED, "owner", "reply", "请与群众核实后回复：确认＋编号"),
        (EventType.CLOSED, "owner", "progress", "请与群众核实后回复：确认＋编号"),
        (EventType.RECLASSED, "unit", "task", "待办理"),
    ],
)
def test_who_is_told_what(kind: EventType, audience: str, purpose: str, says: str) -> None:
    message = told(event(kind), petition(), audience, WORDS)
    assert message.purpose == purpose
    assert says in message.data.values()


def test_the_owner_hears_of_which_class_it_is_now() -> None:
    bare = event(EventType.RECLASSED, handling_class=HandlingClass.HOME_UNIT)
    reason = event(EventType.RECLASSED, handling_class=HandlingClass.KEY_SUPERVISION, text="反复反映")
    about = petition(handling_class=HandlingClass.ON_SITE)
    assert told(bare, about, "owner", WORDS).data["thing5"] == "已改为派出单位办理，请跟办"
    assert told(reason, about, "owner", WORDS).data["thing5"] == "改为重点督办：反复反映"
    of_the_petition = told(event(EventType.RECLASSED), petition(), "owner", WORDS)
    assert of_the_petition.data["thing5"] == "已改为12345统一转办，请跟办"


@pytest.mark.parametrize(
    ("said", "phrase", "note"),
    [
        ({"source": "wechat", "actor": "petitioner", "text": "车库也不亮"}, "有补充", "车库也不亮"),
        ({"source": "wechat", "actor": "petitioner"}, "有补充", "诉求人补充了材料"),
        ({"source": "hotline12345", "actor": "petitioner"}, "有补充", "诉求人补充了材料"),
        ({"source": "bridge", "text": "无回音：逾期未受理"}, "提醒", "无回音：逾期未受理"),
        ({"source": "bridge", "text": "首问书记已更换，由您跟办到底"}, "提醒", "首问书记已更换，由您跟办到底"),
        ({"source": "bridge"}, "提醒", "请跟进到底"),
        ({"source": "hotline12345", "text": "已核实地点"}, "有新情况", "已核实地点"),
        ({"source": "governance_center", "due_at": NOW}, "有新情况", "办理期限：11月22日"),
        ({"source": "hotline12345"}, "有新情况", "请了解新情况，跟办到底"),
    ],
)
def test_a_note_is_told_by_who_said_it(said: dict[str, Any], phrase: str, note: str) -> None:
    message = told(event(EventType.NOTED, **said), petition(), "owner", WORDS)
    assert (message.data["phrase3"], message.data["thing5"]) == (phrase, note)
    if said.get("actor") != "petitioner":
        assert "诉求人" not in told(event(EventType.NOTED, **said), petition(), "unit", WORDS).data["thing6"]


def test_the_unit_is_the_events_own_then_its_lead_then_the_petitions() -> None:
    lead = Assignment(unit="市城管局", role=UnitRole.LEAD)
    units = (Assignment(unit="街道办", role=UnitRole.ASSIST), lead)
    about = petition(lead_unit="区政府", handling_class=HandlingClass.HOTLINE_TRANSFER)
    said = [
        event(EventType.DISPATCHED, unit="市水务局"),
        event(EventType.DISPATCHED, units=units),
        event(EventType.DISPATCHED),
    ]
    seen = [told(each, about, "unit", WORDS).data["thing3"] for each in said]
    assert seen == ["市水务局", "市城管局", "区政府"]
    home = petition(lead_unit="区政府", handling_class=HandlingClass.HOME_UNIT)
    assert told(event(EventType.SUBMITTED), home, "unit", WORDS).data["thing3"] == "市住建局"


SAID = "请回电 138-0537 0001 孔令宜，座机0537-2312345"


@pytest.mark.parametrize("hidden", [{"confidential": True}, {"anonymous": True}])
@pytest.mark.parametrize("audience", ["owner", "unit"])
def test_a_confidential_name_or_number_is_told_to_nobody_else(hidden: dict[str, bool], audience: str) -> None:
    about = petition(petitioner=Petitioner(name="孔令宜", phone="13805370001", openid="oA", **hidden), title=SAID)
    message = told(event(EventType.PROGRESSED, text=SAID), about, audience, WORDS)
    shown = " ".join(message.data.values()).replace(message.data["character_string1"], "")
    assert "孔令宜" not in shown
    assert not re.search(
        r"\d{4}", shown.replace(message.data.get("time4", ""), "").replace(message.data.get("time5", ""), "")
    )
    assert "＊" in shown


def test_the_owner_is_asked_to_call() -> None:
    message = told(event(EventType.REPLIED), petition(), "owner", WORDS, unreachable=True)
    assert message.data["thing6"] == "微信未送达，请致电诉求人"


@pytest.mark.parametrize("kind", sorted(WORDS.events_told))
@pytest.mark.parametrize("audience", ORDER)
def test_subscribe_messages_and_plain_texts_keep_their_limits(kind: EventType, audience: str) -> None:
    said = told(event(kind, text="路灯已修复。" * 2000, unit="市住建局"), petition(), audience, WORDS).notice
    fields = said.fields(WORDS.subscribe[said.purpose])
    assert all(holds(key, value) for key, value in fields.items())
    text = said.text(WORDS.customer_service.model_dump()[audience])
    assert len(text.encode()) <= MAX_TEXT_BYTES
    assert "LT261122-7K3M9QX2AB" in text


def test_a_plain_text_says_the_whole_reply() -> None:
    reply = "您好，楼道灯已更换为声控灯，电工师傅当面试亮，请您放心。如有问题请再联系我们。"
    text = told(event(EventType.REPLIED, text=reply), petition(), "petitioner", WORDS).notice.text(
        WORDS.customer_service.petitioner
    )
    assert text.splitlines() == [
        "您反映的诉求 LT261122-7K3M9QX2AB：已答复（2026-11-22 09:30）。",
        reply,
        "请评价：1满意2基本满意3不满意",
    ]


@pytest.mark.parametrize("audience", ["owner", "unit"])
def test_a_plain_text_hides_a_confidential_petitioner_too(audience: str) -> None:
    about = petition(
        petitioner=Petitioner(name="孔令宜", phone="13805370001", openid="oA", confidential=True), title=SAID
    )
    text = told(event(EventType.PROGRESSED, text="路" * 300 + SAID), about, audience, WORDS).notice.text(
        "{title}{text}"
    )
    assert "孔令宜" not in text
    assert not re.search(r"\d{4}", text)
