"""A known person's name and numbers, hidden in whatever form they are written. Invented names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.prose import mask_words
from tests.core.test_prose_properties import GAPS, SCRIPTS, written

NAME, PHONE = "徐某某", "13900001234"


@pytest.mark.parametrize(
    ("word", "text", "shown"),
    [
        (NAME, "我是徐某某，徐某某的妻子", "我是***，***的妻子"),
        (NAME, "徐 某 某来访", "*****来访"),
        (NAME, "徐\u200b某\u00a0某来访", "*****来访"),
        (NAME, "徐·某-某来访", "*****来访"),
        (NAME, "徐某", "徐某"),
        (NAME, "徐徐某某", "徐***"),
        ("欧阳 某某", "欧阳某某和欧阳", "****和欧阳"),
        ("阿依·古丽", "阿依古丽、阿依•古丽", "****、*****"),
        ("Xu Moumou", "XU MOUMOU，xumoumou，ＸＵ　Moumou", "*********，********，*********"),
        ("oABCD1234567", "openid oABCD1234567", "openid ************"),
        ("32028119900101123X", "３２０２８１ 19900101 123x号", "********************号"),
        ("澄江路1号401室", "住在澄江路 1 号 401 室", "住在*************"),
        (PHONE, "13900001234", "***********"),
        (PHONE, "139 0000 1234和１３９－００００－１２３４", "*************和*************"),
        (PHONE, "幺三九零零零零幺二三四", "***********"),
        (PHONE, "+8613900001234", "+86***********"),
        (PHONE, "编号99139000012345", "编号99***********5"),
        ("+86 139-0000-1234", "13900001234", "***********"),
        ("008613900001234", "13900001234", "***********"),
        ("013900001234", "13900001234", "***********"),
        ("0510-86811234", "打86811234或0510 8681 1234", "打********或0510 *********"),
        ("+86-510-86811234", "打86811234", "打********"),
        ("12345", "打12345，不是123456", "打*****，不是123456"),
        ("徐", "徐某某在徐州", "徐某某在徐州"),
        ("", "徐某某", "徐某某"),
        ("  ", "徐 某", "徐 某"),
        ("··", "徐··某", "徐··某"),
        ("a(b", "A(B、ab", "***、**"),
    ],
)  # fmt: skip
def test_a_known_word_is_hidden(word: str, text: str, shown: str) -> None:
    assert mask_words(text, [word]) == shown


def test_all_words_at_once() -> None:
    assert mask_words("徐某某13900001234，徐某某", [NAME, PHONE, "徐某"]) == "**************，***"


@given(st.sampled_from(SCRIPTS), st.sampled_from(GAPS), st.integers(1, 10), st.text(alphabet="我急，。A", max_size=8))
def test_the_phone_in_any_script_cut_anywhere(script: str, gap: str, cut: int, around: str) -> None:
    phone = gap.join((written(PHONE[:cut], script), written(PHONE[cut:], script)))
    assert mask_words(f"{around}{phone}{around}", [PHONE]) == f"{around}{'*' * len(phone)}{around}"


@given(st.text(max_size=60), st.lists(st.text(max_size=6), max_size=3))
def test_it_keeps_the_length_and_is_done_at_once(text: str, words: list[str]) -> None:
    once = mask_words(text, words)
    assert len(once) == len(text)
    if not any("*" in word for word in words):
        assert mask_words(once, words) == once
