"""Order numbers that a hotline quotes in the text of a new one: 【最近派发的工单编号：…】, 市民反复催单，…工单编号：….

More than ten spellings are in use, with and without a prefix (`12345`, `SH`). A number has 12 to 20 digits and stands
alone: the first 14 digits of an id number are not an order.
"""

import re

_SAID = r"(?:工单(?:编号|号)?|案件(?:公文)?号|单号|编号)"
_QUOTED = re.compile(_SAID + r"[\s:：为是]{0,4}((?:[A-Za-z]{1,4})?(?:12345-)?\d{12,20})(?![\dXx])")
_CITIZEN_ID = re.compile(r"\d{6}(?:19|20)\d{9}")


def numbers(text: str) -> tuple[str, ...]:
    """The order numbers quoted in `text`, in the order of their first appearance."""
    found = dict.fromkeys(_QUOTED.findall(text))
    return tuple(number for number in found if _CITIZEN_ID.fullmatch(number) is None)
