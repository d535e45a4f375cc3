"""Digits as citizens write them: any script, any width, anything between them. Read into groups of ASCII digits.

Every repeat below is bounded or possessive, and what may stand between two digits is never itself a digit: no text can
make the search go back over what it has read (a test looks at the patterns themselves).
"""

import re
import unicodedata
from typing import NamedTuple

# Digits by position in the string: 0 1 2 … 9. `幺` is how a one is read aloud; the second line is bankers' writing.
_SPOKEN = ("零一二三四五六七八九", "〇壹贰叁肆伍陆柒捌玖", "○幺貳叄肆伍陸柒捌玖")
_CIRCLED = "①②③④⑤⑥⑦⑧⑨⓪❶❷❸❹❺❻❼❽❾⓿➀➁➂➃➄➅➆➇➈➊➋➌➍➎➏➐➑➒⓵⓶⓷⓸⓹⓺⓻⓼⓽⑴⑵⑶⑷⑸⑹⑺⑻⑼⒈⒉⒊⒋⒌⒍⒎⒏⒐⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉"
_VALUES = {ord(character): str(value) for line in _SPOKEN for value, character in enumerate(line)} | {
    ord(character): str(unicodedata.digit(character)) for character in _CIRCLED
}

_UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20e3\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0"
)
_DASHES = "\\-\u2010-\u2015\u2212\u2500\u2501\u30fc\ufe58\ufe63\uff0d\u00af\uffe3_＿~～〜"
_LOOSE = "*…‥!！?？^&%％$￥＊#＃+＋=＝.．。·•・‧∙,，、/／\\\\＼|｜:：;；'’‘\"“”()（）\\[\\]［］【】〔〕{}<>《》「」"
_TIGHT = rf"\s{_UNSEEN}{_DASHES}"
_SPOKEN_CLASS = "".join(_SPOKEN)

GAP = 4
"""Characters that may stand between two digits of one number. A row of stars we leave is longer, or known as a mask."""

BETWEEN = rf"[{_TIGHT}{_LOOSE}]{{0,{GAP}}}+"
_DIGIT = rf"[\d{_SPOKEN_CLASS}{_CIRCLED}]"
_RUN = re.compile(rf"{_DIGIT}(?:{BETWEEN}{_DIGIT}){{6,}}+")
_ANY_RUN = re.compile(rf"{_DIGIT}(?:{BETWEEN}{_DIGIT})*+")
_GROUP = re.compile(rf"\d++|[{_SPOKEN_CLASS}]|[{_CIRCLED}]++")
_ONLY = re.compile(rf"[\d{_SPOKEN_CLASS}{_CIRCLED}{_TIGHT}{_LOOSE}]++")
_INVISIBLE = re.compile(rf"[{_UNSEEN}]++")
_TIGHT_GAP = re.compile(rf"[{_TIGHT}]*+")
_DASH_ONE = "一"


class Group(NamedTuple):
    """Digits written together; `digits` are their ASCII values. A Chinese one is a group by itself: a number may start
    behind the name 张三, and end before the word 一直."""

    start: int
    end: int
    digits: str


def runs(text: str) -> list[list[Group]]:
    """All stretches of seven or more digits with at most `GAP` characters between two of them."""
    return [_groups(text, run.start(), run.end()) for run in _RUN.finditer(text)]


def short_runs(text: str) -> list[list[Group]]:
    """The same of any number of digits."""
    return [_groups(text, run.start(), run.end()) for run in _ANY_RUN.finditer(text)]


def only(text: str) -> str:
    """The ASCII values of a text that has nothing but digits and what may stand between; empty if it has more."""
    return "".join(map(ascii_digits, _GROUP.findall(text))) if _ONLY.fullmatch(text) else ""


def _groups(text: str, start: int, end: int) -> list[Group]:
    found = [Group(m.start(), m.end(), ascii_digits(m[0])) for m in _GROUP.finditer(text, start, end)]
    return [group for group in found if not _is_dash(text, group)]


def _is_dash(text: str, group: Group) -> bool:
    """A lone 一 between Arabic digits, or what is left of them, is a dash from a phone keyboard: 139一0000一1234."""
    if text[group.start : group.end] != _DASH_ONE:
        return False
    around = text[max(0, group.start - 1) : group.start], text[group.end : group.end + 1]
    return all(sign.isdecimal() or sign == "*" for sign in around)


def ascii_digits(written: str) -> str:
    """`written` (digits of any script only) as ASCII digits."""
    if written.isascii():
        return written
    return "".join(_VALUES.get(ord(c)) or str(unicodedata.decimal(c)) for c in written)


def is_tight(gap: str) -> bool:
    """Blanks, dashes and invisible characters only: what people put inside a number, seldom between two."""
    return _TIGHT_GAP.fullmatch(gap) is not None


def visible(gap: str) -> str:
    """The gap without what cannot be seen."""
    return _INVISIBLE.sub("", gap)
