"""The masker on texts nobody thought of: what always holds, and how much work it may make."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge import prose
from bridge.prose import candidate, digits, letters, numbers, papers, phones, spans, words

# re's own parser: the only one that reads what re reads.
from re import _constants as sre, _parser  # type: ignore[attr-defined]  # isort: skip

MEGABYTE = 1_000_000
MODULES = (prose, candidate, digits, letters, numbers, papers, phones, spans, words)

pieces = st.sampled_from(
    [
        *"0123456789", *"139", "86", "13900001234", "139", "0000", "1234", "0510", "86811234", "320281199001011233",
        "6222020000000000000", "苏B12345", "a@b.cn", "QQ", "微信", "微信号", "abc123", "电话", "身份证", "单号", "转8",
        "一", "三", "幺", "①", "９", " ", "-", "－", ".", "，", "、", "/", "\u200b", "\u00a0", "*",
        "****", "+", "(", ")", "元", "第", "号", "年", "我", "X", "x", "f", "LT261122-", "\n", "139****1234", "车牌",
        "B", "卡号", "1398", "0013", "800",
    ]
)  # fmt: skip
texts = st.lists(pieces, max_size=14).map("".join) | st.text(max_size=60)


@given(texts)
@example("139000013980013800")
@example("13900001398 0013 800")
@example("1390 0139 13900001234")
@example("电话QQ12345 86811234")
@example("a@b.cn13900001234a@b.cn")
@example("单号a@b.cn6222020000000000000")
@example("086 868112342一320281199001011233")
@example("5苏B12345+86811234800")
@example("苏B12345f6222020000000000000")
@example("一31390000123468B6222020000000000000")
@example("abc123.13900001234")
@example("86811234转85001313900001234")
def test_masked_once_is_masked_for_good(text: str) -> None:
    once = prose.mask(text)
    assert prose.mask(once) == once


@given(texts)
@example("车牌XX086")
def test_it_keeps_length_and_all_that_it_did_not_find(text: str) -> None:
    shown = prose.mask(text)
    found = prose.find(text)
    assert len(shown) == len(text)
    hidden = {place for span in found for place in range(span.start, span.end)}
    assert all(shown[place] == text[place] for place in range(len(text)) if place not in hidden)
    assert all("****" in shown[span.start : span.end] or span.kind == "email" for span in found)


@given(texts)
def test_spans_are_in_order_and_apart(text: str) -> None:
    found = prose.find(text)
    assert all(0 <= span.start < span.end <= len(text) for span in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


@given(
    st.text(alphabet=st.characters(exclude_categories=["Nd", "No", "Nl", "Cs"], exclude_characters="@＠"), max_size=80)
)
def test_without_digits_nothing_is_touched(text: str) -> None:
    spoken = set("零一二三四五六七八九〇○幺壹贰叁肆伍陆柒捌玖貳叄陸")
    text = "".join(character for character in text if character not in spoken)
    # An account may be letters and underscores alone.
    assert all(span.kind == "account" for span in prose.find(text))


GAPS = ["", " ", "  ", "-", "－", "—", "\u00a0", "\u3000", "\u200b", " \u200b", "\t", "\n", " - ", "\u2011", "_"]
SCRIPTS = [
    "0123456789",
    "０１２３４５６７８９",
    "零一二三四五六七八九",
    "〇幺貳叄肆伍陸柒捌玖",
    "⓪①②③④⑤⑥⑦⑧⑨",
    "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
]
mobiles = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)


def written(number: str, script: str) -> str:
    return "".join(script[int(digit)] for digit in number)


@given(
    mobiles, st.sampled_from(SCRIPTS), st.sampled_from(GAPS), st.lists(st.integers(1, 10), max_size=3, unique=True),
    st.sampled_from(["", "我叫张三", "（", "电话：", "我住3号楼，", "第2次，"]),
    st.sampled_from(["", "李四", "。", "）", "一直打不通", "万分感谢"]),
)  # fmt: skip
def test_a_mobile_number_is_found_in_any_script_and_groups(
    number: str, script: str, gap: str, cuts: list[int], before: str, behind: str
) -> None:
    parts = [number[a:b] for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), 11], strict=True)]
    values = [int(part) for part in parts]
    if len(values) > 3 and values == sorted(set(values)):
        return  # 13 45 678 9012: as good a list of numbers
    phone = gap.join(written(part, script) for part in parts)
    text = f"{before}{phone}{behind}"
    assert any(span.start <= len(before) and span.end >= len(before) + len(phone) for span in prose.find(text)), text


@given(mobiles, st.sampled_from(["+86", "86", "0086", "(86)", "（+86）", "+86 ", "86-", "0", "0086 "]))
def test_a_country_code_hides_nothing(number: str, prefix: str) -> None:
    assert [(span.start, span.end) for span in prose.find(f"找{prefix}{number}。")] == [(1, 1 + len(prefix) + 11)]


@given(
    st.dates().filter(lambda day: day.year > 1900),
    st.sampled_from(["%Y-%m-%d", "%Y年%m月%d日", "%Y.%m.%d", "%Y/%m/%d", "%Y%m%d"]),
)
def test_a_date_stays(day: Any, form: str) -> None:
    assert prose.find(f"于{day.strftime(form)}报修") == []


@given(st.integers(0, 10**13), st.sampled_from(["", ".5", ".50"]), st.sampled_from(["元", "万元", "平方米", "㎡"]))
def test_an_amount_stays(amount: int, cents: str, unit: str) -> None:
    assert prose.find(f"共{amount}{cents}{unit}") == []


# ── work ──

HOSTILE = {
    "one digit": "1",
    "digits apart": "1 ",
    "pairs apart": "13 ",
    "almost mobile": "139 0000 123 ",
    "mobiles": "139 0000 1234 ",
    "almost an id": "320281 19900101 12 ",
    "invisible": "1\u200b\u200b\u200b\u200b",
    "spoken": "一",
    "spoken pairs": "幺三",
    "stars": "*",
    "masks": "1****",
    "hash": "a1",
    "hash with a number": "13900001234a",
    "plates": "京A",
    "addresses": "a@",
    "dots": "a.",
    "accounts": "微信a",
    "labels": "电话 86811234、",
}
IN_FULL = ("one digit", "pairs apart", "invisible", "stars", "hash", "plates", "addresses", "dots", "accounts")


@pytest.mark.parametrize(
    ("size", "piece"),
    [*((MEGABYTE // 20, piece) for piece in HOSTILE.values()), *((MEGABYTE, HOSTILE[name]) for name in IN_FULL)],
    ids=[*HOSTILE, *(f"a megabyte of {name}" for name in IN_FULL)],
)
def test_a_text_makes_no_more_than_its_share_of_work(size: int, piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readings of digits that were judged: a few for each character, whatever the text."""
    judged = 0
    judge = numbers._Run._candidate

    def counted(*arguments: Any) -> Any:
        nonlocal judged
        judged += 1
        return judge(*arguments)

    monkeypatch.setattr(numbers._Run, "_candidate", counted)
    text = piece * (size // len(piece))
    assert len(prose.mask(text)) == len(text)
    assert judged <= 2 * size


def test_a_reading_is_never_longer_than_a_number() -> None:
    assert max(length for _, lengths, _ in numbers._RULES for length in lengths) <= 21


def _patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    for module in MODULES:
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                yield f"{module.__name__}.{name}", value
            elif isinstance(value, dict):
                yield from ((f"{module.__name__}.{name}.{k}", v) for k, v in value.items() if isinstance(v, re.Pattern))


PATTERNS = dict(_patterns())


def _repeats(tree: Any) -> Iterator[tuple[Any, int, int, Any]]:
    """Every repeat in a parsed pattern: how, least, most, of what."""
    for op, argument in tree:
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            yield op, *argument
            yield from _repeats(argument[2])
        elif op is sre.BRANCH:
            for branch in argument[1]:
                yield from _repeats(branch)
        elif op is sre.SUBPATTERN:
            yield from _repeats(argument[-1])
        elif op in (sre.ASSERT, sre.ASSERT_NOT):
            yield from _repeats(argument[1])
        elif op is sre.ATOMIC_GROUP:
            yield from _repeats(argument)


def _gives_back(repeat: tuple[Any, int, int, Any]) -> bool:
    op, least, most, _ = repeat
    return op is not sre.POSSESSIVE_REPEAT and least != most


def _goes_far(repeat: tuple[Any, int, int, Any]) -> bool:
    return _gives_back(repeat) and repeat[2] > 64


def _multiplies(repeat: tuple[Any, int, int, Any]) -> bool:
    return _gives_back(repeat) and any(_gives_back(inner) and inner[2] > 1 for inner in _repeats(repeat[3]))


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS.keys())
def test_no_pattern_can_go_back_far(pattern: re.Pattern[str]) -> None:
    """A repeat that gives back what it took is short, and has no other such repeat inside: so a search is linear."""
    repeats = list(_repeats(_parser.parse(pattern.pattern, pattern.flags)))
    assert not any(_goes_far(repeat) or _multiplies(repeat) for repeat in repeats)


@pytest.mark.parametrize(
    ("bad", "far", "many"),
    [
        ("a+b", True, False),
        ("(?:a{0,9}b?){0,9}", False, True),
        ("(?:a{0,9}+b?){0,9}", False, False),
        ("a++b", False, False),
    ],
)
def test_the_judge_of_patterns_is_awake(bad: str, far: bool, many: bool) -> None:
    repeats = list(_repeats(_parser.parse(bad)))
    assert (any(map(_goes_far, repeats)), any(map(_multiplies, repeats))) == (far, many)
