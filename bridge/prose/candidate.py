"""Neighbouring groups of digits, read as one number, and what the text around them says about it."""

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from bridge.prose import digits
from bridge.prose.digits import Group

_LOOK_BACK = 16
"""Characters before a number in which a word may say what it is."""
_QUANTITY = re.compile(
    r"(?:[.．]\d{1,4}+)?\s?(?:元(?![旦宵月])|[万亿千百]元|块钱|圆整|平方|平米|㎡|m²|m2|亩地|公里|吨)"
)


def label(words: str) -> re.Pattern[str]:
    """Matches a text that ends with one of the words and no other number or address, clear or starred, behind it."""
    return re.compile(rf"(?:{words})[^\d*@＠]{{0,6}}+$", re.IGNORECASE)


PAPER = label(
    "单号|编号|订单|工单|文号|案号|流水号|票号|合同|注册号|信用代码|运单|快递|物流|条码|专利号|许可证|证书号|车架号|表号|户号"
)
"""Words before the number of a paper or a thing."""


@dataclass(frozen=True)
class Candidate:
    """Neighbouring groups of a text, read as one number."""

    text: str
    groups: tuple[Group, ...]
    digits: str
    leads: bool = False
    """Whether no other digits are near in front: only then can a word there speak of this number."""

    @property
    def start(self) -> int:
        return self.groups[0].start

    @property
    def end(self) -> int:
        return self.groups[-1].end

    @cached_property
    def gaps(self) -> list[str]:
        """What stands between the groups."""
        return [self.text[a.end : b.start] for a, b in pairwise(self.groups)]

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Digits in each group."""
        return tuple(len(group.digits) for group in self.groups)

    @cached_property
    def is_tight(self) -> bool:
        return all(digits.is_tight(gap) for gap in self.gaps)

    @property
    def is_even(self) -> bool:
        """The same sign in every gap: one hand wrote it as one number."""
        return len({digits.visible(gap).strip() for gap in self.gaps}) <= 1

    @property
    def is_list(self) -> bool:
        """Several numbers one after another, rising: house numbers, bus lines."""
        values = [int(group.digits) for group in self.groups]
        return len(values) > 3 and all(a < b for a, b in pairwise(values))

    @property
    def closes_bracket(self) -> bool:
        return any(")" in gap or "）" in gap for gap in self.gaps[:1])

    def after(self, words: re.Pattern[str]) -> bool:
        """Whether a word in front says what it is."""
        return self.leads and words.search(self.text[max(0, self.start - _LOOK_BACK) : self.start]) is not None

    @property
    def is_quantity(self) -> bool:
        return _QUANTITY.match(self.text, self.end) is not None

    def from_digit(self, count: int) -> "Candidate":
        """Without its first `count` digits."""
        first, *rest = self.groups
        if count < len(first.digits):
            kept = (Group(first.start + count, first.end, first.digits[count:]), *rest)
            return Candidate(self.text, kept, self.digits[count:], self.leads)
        behind = Candidate(self.text, tuple(rest), self.digits[len(first.digits) :], self.leads)
        return behind.from_digit(count - len(first.digits))
