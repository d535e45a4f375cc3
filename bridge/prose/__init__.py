"""Personal data in free text: found, and starred out.

`find` and `mask` read a text without knowing the person; `mask_words` hides what is known of one person in whatever
form it is written. All keep the text's length, leave everything else as it is, and change nothing when asked again.
"""

import re

from bridge.prose import letters, numbers
from bridge.prose.spans import STAR, Span, apart, hide
from bridge.prose.words import mask_words

__all__ = ["Span", "find", "mask", "mask_words"]

# What a mask has left of a number. Its digits are no part of another one.
_MASKED = re.compile(r"(?<!\d)\d{0,4}[-\s]?\*{4,}+\d{0,4}+(?!\d)")


def find(text: str) -> list[Span]:
    """The personal data that can be told by its form, in order, apart."""
    if STAR * 4 in text:
        text = _MASKED.sub(lambda match: STAR * len(match[0]), text)
    return apart([*numbers.found(text), *letters.found(text)])


def mask(text: str) -> str:
    """The text with what `find` finds starred out: 138****1234. As long as before."""
    spans = find(text)
    return hide(text, spans) if spans else text
