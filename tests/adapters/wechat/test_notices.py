"""What each audience is told, always inside the limits of the fields."""

import re
import unicodedata
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.wechat.notices import fit, template_message
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
        message = template_message(event(kind, text=said, unit=unit or None), about, audience, WORDS)
        assert all(holds(key, value) for key, value in message.data.items())


@pytest.mark.parametrize(("kind", "audience"), list(product(WORDS.events_told, ORDER)))
def test_every_event_has_words_for_everybody(kind: EventType, audience: str) -> None:
    bare = template_message(event(kind), petition(), audience, WORDS)  # type: ignore[arg-type]
    full = template_message(event(kind, text="已安排抢修", unit="市住建局", due_at=NOW), petition(), audience, WORDS)  # type: ignore[arg-type]
    for message in (bare, full):
        assert message.data["character_string1"] == "LT261122-7K3M9QX2AB"
        assert all(holds(key, value) for key, value in message.data.items())
        assert "无" not in message.data.values() or message.data["thing5"] == "无"


@pytest.mark.parametrize("told", [told for table in WORDS.notices.values() for told in table.values()])
def test_the_shipped_notes_are_short_enough(told: object) -> None:
    for note in told.notes:  # type: ignore[attr-defined]
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
        (EventType.CLOSED, "petitioner", "reply", "请评价：1满意2基本满意3不满意"),
        (EventType.RETURNED, "owner", "progress", "请跟进到底"),
    ],
)
def test_who_is_told_what(kind: EventType, audience: str, purpose: str, says: str) -> None:
    message = template_message(event(kind), petition(), audience, WORDS)  # type: ignore[arg-type]
    assert message.purpose == purpose
    assert says in message.data.values()


def test_the_unit_is_the_events_own_then_its_lead_then_the_petitions() -> None:
    lead = Assignment(unit="市城管局", role=UnitRole.LEAD)
    units = (Assignment(unit="街道办", role=UnitRole.ASSIST), lead)
    about = petition(lead_unit="区政府", handling_class=HandlingClass.HOTLINE_TRANSFER)
    told = [
        event(EventType.DISPATCHED, unit="市水务局"),
        event(EventType.DISPATCHED, units=units),
        event(EventType.DISPATCHED),
    ]
    seen = [template_message(each, about, "unit", WORDS).data["thing3"] for each in told]
    assert seen == ["市水务局", "市城管局", "区政府"]
    home = petition(lead_unit="区政府", handling_class=HandlingClass.HOME_UNIT)
    assert template_message(event(EventType.SUBMITTED), home, "unit", WORDS).data["thing3"] == "市住建局"


SAID = "请回电 138-0537 0001 孔令宜，座机0537-2312345"


@pytest.mark.parametrize("hidden", [{"confidential": True}, {"anonymous": True}])
@pytest.mark.parametrize("audience", ["owner", "unit"])
def test_a_confidential_name_or_number_is_told_to_nobody_else(hidden: dict[str, bool], audience: str) -> None:
    about = petition(petitioner=Petitioner(name="孔令宜", phone="13805370001", openid="oA", **hidden), title=SAID)
    message = template_message(event(EventType.PROGRESSED, text=SAID), about, audience, WORDS)  # type: ignore[arg-type]
    shown = " ".join(message.data.values()).replace(message.data["character_string1"], "")
    assert "孔令宜" not in shown
    assert not re.search(
        r"\d{4}", shown.replace(message.data.get("time4", ""), "").replace(message.data.get("time5", ""), "")
    )
    assert "＊" in shown


def test_the_owner_is_asked_to_call() -> None:
    message = template_message(event(EventType.REPLIED), petition(), "owner", WORDS, unreachable=True)
    assert message.data["thing6"] == "微信未送达，请致电诉求人"
