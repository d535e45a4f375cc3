"""Order numbers that a hotline quotes in the text of a new one: 【最近派发的工单编号：…】, 市民反复催单，…工单编号：….

More than ten spellings are in use, with and without a prefix (`12345`, `SH`). A number has 12 to 20 digits and stands
alone: the first 14 digits of an id number are not an order.
"""

import re

_SAID = r"(?:工单(?:编号|号)?|案件(?:公文)?号|单号|编号)"
_QUOTED = re.compile(_SAID + r"[\s:：为是]{0,4}((?:[A-Za-z]{1,4})?(?:12345-)?\d{12,20})(?![\dXx])")
_CITIZEN_ID = re.compile(r"\d{6}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{4}")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def numbers(text: str) -> tuple[str, ...]:
    """The order numbers quoted in `text`, in the order of their first appearance."""
    found = dict.fromkeys(_QUOTED.findall(text))
    return tuple(number for number in found if not _names_a_citizen(number))


def _names_a_citizen(number: str) -> bool:
    """18 digits with a date of birth and the right check digit are somebody's, whatever stands before them."""
    if _CITIZEN_ID.fullmatch(number) is None:
        return False
    check = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number[:17], strict=True)) % 11
    return number[17] == "10X98765432"[check]
