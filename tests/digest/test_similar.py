"""Similar petitions are found in their text alone, and only those."""

import random

import pytest

from bridge.demo.petitions import petitions
from bridge.digest.similar import Likeness, cosine, grams, groups, text_of, vectors

MIXER = [
    "晴川小区旁边的搅拌站日夜开工，灰尘和噪音让居民不敢开窗，请尽快搬走搅拌站。",
    "投诉晴川小区附近搅拌站噪音大，粉尘污染严重，孩子咳嗽，希望关停搅拌站。",
    "晴川小区门口建搅拌站合理吗？灰尘满天，噪音整夜，业主强烈要求搬迁。",
]
HEATING = [
    "翠屏苑供暖不热，室内只有十四度，老人冻得睡不着，热力公司一直不来修。",
    "翠屏苑三号楼暖气不热，室温不到十五度，报修热力公司没有人来。",
]
OTHERS = [
    "想咨询一下新生儿落户需要哪些材料，可以在网上办吗？",
    "学校门口放学时车辆拥堵，建议安排交警疏导。",
    "村里的路灯坏了一个多月没有人管。",
    "食堂承包公司拖欠工人工资三个月。",
]


def test_what_is_alike_comes_together_and_nothing_else() -> None:
    """Among a city's other matters, which tell what is rare."""
    city = sorted({one.base["content"] for one in petitions(120, seed=2)})
    texts = [MIXER[0], HEATING[0], OTHERS[0], MIXER[1], OTHERS[1], HEATING[1], OTHERS[2], MIXER[2], OTHERS[3], *city]
    assert groups(texts)[:2] == [[0, 3, 7], [1, 5]]
    assert not any(at in group for group in groups(texts)[2:] for at in range(9))


def test_copies_are_one_group_however_many() -> None:
    texts = [MIXER[0]] * 3000 + [HEATING[0]] * 2000 + OTHERS
    found = groups(texts)
    assert [len(group) for group in found] == [3000, 2000]
    assert found[0] == list(range(3000))


def test_small_steps_do_not_chain_strangers_together() -> None:
    """Each text resembles the next; the first and the last have nothing in common."""
    words = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥天地玄黄宇宙洪荒日月盈昃"
    chain = [words[at : at + 8] for at in range(0, len(words) - 8, 4)]
    loose = groups(chain, Likeness(alike=0.05, together=0.0))
    careful = groups(chain, Likeness(alike=0.05, together=0.25))
    assert len(loose[0]) == len(chain)
    assert max(len(group) for group in careful) < len(chain)


def test_the_order_of_the_same_texts_changes_no_group() -> None:
    texts = [given.base["title"] + given.content for given in petitions(300, seed=9)]
    expected = {frozenset(texts[at] for at in group) for group in groups(texts)}
    shuffled = random.Random(3).sample(texts, len(texts))
    assert {frozenset(shuffled[at] for at in group) for group in groups(shuffled)} == expected


def test_the_demos_neighbours_are_found_again() -> None:
    """Who brings the same text in other words of greeting is grouped with it; different texts stay apart."""
    given = petitions(300, seed=4)
    keys = [one.base["key"] for one in given]
    found = groups([text_of(one.base["title"], one.content) for one in given])
    brought_again = {frozenset(at for at, one in enumerate(keys) if one == key) for key in keys if keys.count(key) > 1}
    missed = brought_again - {frozenset(group) for group in found}
    assert len(brought_again) > 40
    assert len(missed) <= len(brought_again) // 20


def test_texts_that_say_nothing_resemble_nothing() -> None:
    assert groups([]) == []
    assert groups(["", "。", "?!", "\u200b"]) == []
    assert groups(["一", "二"]) == []


def test_width_and_case_do_not_matter() -> None:
    assert grams("ＡＢＣ小区　１２") == grams("abc小区 12")


def test_a_text_is_as_like_itself_as_others_say_the_same() -> None:
    alone, *copies = vectors([OTHERS[0], MIXER[0], MIXER[0]])
    assert cosine(alone, alone) == 0
    assert [cosine(copies[0], one) for one in copies] == pytest.approx([1.0, 1.0])
