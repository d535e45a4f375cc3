"""Id numbers (GB 11643) and bank cards (ISO/IEC 7812). Each rule gives the end of the number in the text, 0 if none."""

import re
from datetime import date

from bridge.prose import digits
from bridge.prose.candidate import PAPER, Candidate, label

_ID_LABEL = label("身份证|身份号码|证件号")
_CARD_LABEL = label("卡号|账号|帐号|账户|帐户|银行卡|存折")
PROVINCE = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]")
_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_LONG_ID = rf"(?:{PROVINCE.pattern})\d{{4}}(?:18|19|20)\d\d{_DAY}\d{{3}}"
BORN = re.compile(rf"{_LONG_ID}|(?:{PROVINCE.pattern})\d{{6}}{_DAY}\d{{3}}")
"""How an id number of 18 digits begins, or one of 15 is."""
SEVERAL = re.compile(rf"(?:{_LONG_ID}\d|1[3-9]\d{{9}}){{2,}}+")
"""Id and mobile numbers with nothing between them, as some forms are exported."""
_CHECK_WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(17))
# UnionPay, Visa, MasterCard, JCB and the older cards of two banks. Sixteen to nineteen digits.
ISSUERS = re.compile(r"62|60|4|5[1-5]|35|95")
_X = re.compile(rf"{digits.BETWEEN}[xXｘＸ×](?![A-Za-z])")


def identity(candidate: Candidate) -> int:
    read, end = candidate.digits, candidate.end
    if len(read) == 17 and (x := _X.match(candidate.text, end)):
        read, end = read + "X", x.end()
    if candidate.after(_ID_LABEL) and candidate.is_tight:
        return end
    if len(read) == 18 and _is_born(read[:2], read[6:14]):
        # One wrong digit leaves a person's birthday and home: hidden too, unless it is said to be something else.
        return end if _checks(read) or (candidate.is_tight and not candidate.after(PAPER)) else 0
    if len(read) == 15 and candidate.is_tight and _is_born(read[:2], "19" + read[6:12]):
        return 0 if candidate.after(PAPER) else end
    return 0


def _is_born(province: str, day: str) -> bool:
    return PROVINCE.fullmatch(province) is not None and day[:2] in ("18", "19", "20") and is_day(day)


def is_day(text: str) -> bool:
    """Whether it is a date as YYYYMMDD."""
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


def _checks(number: str) -> bool:
    """ISO 7064 MOD 11-2, as GB 11643 has it."""
    total = sum(int(digit) * weight for digit, weight in zip(number, _CHECK_WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == number[17]


def card(candidate: Candidate) -> int:
    likely = 16 <= len(candidate.digits) <= 19 and ISSUERS.match(candidate.digits) and _luhn(candidate.digits)
    if not (likely and not candidate.after(PAPER)) and not candidate.after(_CARD_LABEL):
        return 0
    quarters = all(length == 4 for length in candidate.shape[:-1]) and candidate.shape[-1] <= 4
    return candidate.end if candidate.is_tight and (len(candidate.groups) == 1 or quarters) else 0


def _luhn(number: str) -> bool:
    """ISO/IEC 7812."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
