"""The table of words and the settings: what is wrong in them is one clear line."""

import pytest

from adapters.wechat import words
from bridge.adapter import Taken
from tests.adapters.wechat.support import (
    inbound,
    request,
    settings,
    text,
)


def test_words_of_its_own(tmp_path: object) -> None:
    source = words.SHIPPED.read_text(encoding="utf-8")
    path = tmp_path / "words.toml"  # type: ignore[operator]
    path.write_text(source.replace("欢迎关注", "欢迎来到"), encoding="utf-8")
    assert "欢迎来到" in words.load(str(path)).say.welcome


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("编号 {petition_id}", "编号 {number}", "say"),
        ("编号 {petition_id} 。我们", "我们", "petition_id"),
        ("[menu]", "[menues]", "menu"),
        ("请于{due}前办结", "请于{phone}前办结", "a note may name"),
        ('time4 = "time"', 'time4 = "due"', "time"),
        ("[say]", "[say", "TOML"),
    ],
)
def test_wrong_words_are_one_clear_line(tmp_path: object, old: str, new: str, says: str) -> None:
    path = tmp_path / "words.toml"  # type: ignore[operator]
    path.write_text(words.SHIPPED.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match="BRIDGE_WECHAT__WORDS") as caught:
        words.load(str(path))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [{"aes_key": "short"}, {"aes_key": "!" * 43}, {"app_id": None}, {"templates": {"unknown": "x"}}, {"tokn": "x"}],
)
def test_wrong_settings_say_so_without_the_secret(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="WechatSettings") as caught:
        settings(**wrong)
    assert "!!!" not in str(caught.value)
    assert "short" not in str(caught.value)


def test_taken_is_what_the_core_gets() -> None:
    assert isinstance(inbound(window_minutes=0).read(request(text("路灯坏了"))).reading, Taken)
