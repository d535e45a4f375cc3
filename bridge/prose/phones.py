"""Telephone numbers. Each rule gives the end of the number in the text, 0 if it is none.

Sources: the national numbering plan; DOMAIN 4. A mobile number is hidden whatever range it is in: ranges are assigned
faster than software is installed. Hotlines (12345, 400-…) have none of these forms.
"""

import re

from bridge.prose import digits
from bridge.prose.candidate import PAPER, Candidate, label
from bridge.prose.papers import is_day
from bridge.prose.spans import STAR

_PHONE_LABEL = label("电话|手机|座机|固话|电联|联系|致电|拨打|微信|tel|phone|mobile|call|[☎☏📞📱]")
_LOCAL_LABEL = label("电话|座机|固话|电联|致电|拨打|联系方式|tel|phone|[☎☏📞]")
_MOBILE = re.compile(r"(?P<prefix>(?:(?:00)?86|179\d\d|12593)?0?)1[3-9]\d{9}")
_DEGREES = re.compile(r"(?<![A-Za-z\d])(\d{2,3})[.．]$")
_AREA = re.compile(r"(?P<area>010|02\d|0[3-9]\d\d)(?P<local>[1-9]\d{6,7})")
_ABROAD = re.compile(r"00[1-9]\d{0,2}")
_EXTENSION = re.compile(
    rf"\s?(?:(?:转分机|转|分机|ext\.?)\s?\d{{1,6}}+(?!\d)|[-－—]\d{{1,6}}+(?!{digits.BETWEEN}\d|年))", re.IGNORECASE
)


def mobile(candidate: Candidate) -> int:
    match = _MOBILE.fullmatch(candidate.digits)
    if match is None:
        return 0
    own = candidate.from_digit(match.end("prefix"))
    if _reads_as_mobile(own) or (not own.is_list and candidate.after(_PHONE_LABEL)):
        return candidate.end
    return 0


def _reads_as_mobile(own: Candidate) -> bool:
    if own.shape == (11,):
        return not (own.is_quantity or _is_paper_number(own) or _is_decimal(own))
    if own.shape in ((3, 4, 4), (1,) * 11):
        return not any("、" in gap for gap in own.gaps)
    return own.is_tight and own.is_even and not own.is_list and not own.is_quantity


def _is_paper_number(own: Candidate) -> bool:
    """第…号, or an order number that begins with its day: 工单编号19112500123."""
    before, behind = own.text[max(0, own.start - 1) : own.start], own.text[own.end : own.end + 2]
    if before == "第" and behind[:1] == "号" and behind != "号码":
        return True
    return is_day("20" + own.digits[:6]) and own.after(PAPER) and not own.after(_PHONE_LABEL)


def _is_decimal(own: Candidate) -> bool:
    """The decimals of a degree: 120.13812345678."""
    before = _DEGREES.search(own.text[max(0, own.start - 5) : own.start])
    return before is not None and (18 <= int(before[1]) <= 53 or 73 <= int(before[1]) <= 135)


def landline(candidate: Candidate) -> int:
    number = candidate
    if number.groups[0].digits in ("86", "086", "0086") and len(number.groups) > 1:
        number = number.from_digit(len(number.groups[0].digits))
    read = number.digits if number.digits.startswith("0") or number is candidate else "0" + number.digits
    match = _AREA.fullmatch(read)
    if match is None or (len(match["area"]) == 3 and len(match["local"]) == 7):
        return 0
    area = len(match["area"]) - (len(read) - len(number.digits))
    return _extended(candidate) if _reads_as_landline(number, area) else 0


def mistyped(candidate: Candidate) -> int:
    """The form of a landline with an area code that is none: 0150-86811234."""
    apart = candidate.shape in ((3, 7), (3, 8), (4, 7), (4, 8)) and candidate.digits[0] == "0"
    if not apart or candidate.is_quantity or candidate.after(PAPER):
        return 0
    return _extended(candidate) if candidate.is_tight or candidate.closes_bracket else 0


def _reads_as_landline(number: Candidate, area: int) -> bool:
    if number.shape[0] != area:
        return number.is_tight and number.is_even and not number.is_quantity
    local = number.from_digit(area)
    return len(local.groups) == 1 or local.is_tight or local.after(_PHONE_LABEL)


def _extended(candidate: Candidate) -> int:
    """The end with the extension: 转801, -801."""
    extension = _EXTENSION.match(candidate.text, candidate.end)
    return extension.end() if extension else candidate.end


def local(candidate: Candidate) -> int:
    """Without area code it is a number like any other: only a word in front can tell."""
    return _extended(candidate) if _is_local(candidate) and candidate.after(_LOCAL_LABEL) else 0


def _is_local(candidate: Candidate) -> bool:
    if candidate.shape not in ((7,), (8,), (3, 4), (4, 4)) or candidate.digits[0] not in "2345678":
        return False
    if candidate.shape == (4, 4) and all(group.digits[:2] in ("19", "20") for group in candidate.groups):
        return False  # from year to year
    behind = candidate.text[candidate.end : candidate.end + 1]
    is_code = behind.isascii() and behind.isalpha()
    return candidate.is_tight and not is_code and not candidate.is_quantity


def sibling(candidate: Candidate) -> int:
    """The second number of 0510-86811234、86811235."""
    return 0 if is_day(candidate.digits) or not _is_local(candidate) else _extended(candidate)


def foreign(candidate: Candidate) -> int:
    before = candidate.text[max(0, candidate.start - 2) : candidate.start]
    signed = before[-1:] in ("+", "＋") and not (before[:-1].isdecimal() or before[:-1] == STAR)  # a sum has two sides
    dialled = len(candidate.groups) > 1 and _ABROAD.fullmatch(candidate.groups[0].digits) is not None
    fits = 9 <= len(candidate.digits) - (2 if dialled else 0) <= 15
    return candidate.end if (signed or dialled) and fits and candidate.is_tight and not candidate.is_quantity else 0
