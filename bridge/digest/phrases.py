"""Labels for a group of petitions: the words that many used, never a sentence that one wrote.

A phrase may stand in a label only if at least k petitioners of the group used it, and if it was used in several
communities of the city: what is said in one place only may be somebody's name, and the place is named beside the label
anyway. No phrase is part of the name of someone of the group, and none has digits, numerals or Latin letters.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

LONGEST = 8
PHRASES = 3
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]{2,}")
_COUNTED = re.compile("[零〇一二两三四五六七八九十百千万亿几半]")
_EMPTY = frozenset(
    "的了是我们能让想更再最在有不也都就和与及请问为何什么怎么这那个上下到会要可以还没被把给对从又等很吗呢吧啊您你他她它"
)
"""Characters that carry no matter: a phrase that begins or ends with one is a cut through two words."""


class Commons:
    """What the whole city said: how often each pair of characters was used, and in which communities a phrase was."""

    def __init__(self, texts: Sequence[str], places: Sequence[str]) -> None:
        by_place: dict[str, set[str]] = defaultdict(set)
        self._used: Counter[str] = Counter()
        for text, place in zip(texts, places, strict=True):
            by_place[place].add(text)
            self._used.update(_pairs(text))
        self._texts = len(texts)
        self._spoken = ["\n".join(sorted(spoken)) for _, spoken in sorted(by_place.items())]
        self._reach = Counter(pair for spoken in self._spoken for pair in _pairs(spoken))

    def spread(self, phrase: str, enough: int) -> bool:
        """Whether it was used in so many communities."""
        if any(self._reach[pair] < enough for pair in _pairs(phrase)):
            return False
        found = 0
        for spoken in self._spoken:
            found += phrase in spoken
            if found >= enough:
                return True
        return False

    def rarity(self, phrase: str) -> float:
        """How much rarer than everywhere its rarest pair is: 1 for what every petition says."""
        return self._texts / max(1, min(self._used[pair] for pair in _pairs(phrase)))


def label(
    said: Mapping[str, Iterable[str]],
    commons: Commons,
    *,
    k: int,
    places: int,
    mask: Callable[[str], str] = str,
    names: Iterable[str] = (),
) -> list[str]:
    """Up to `PHRASES` phrases out of what each person (key) of a group said; fewer where fewer are common enough."""
    support: Counter[str] = Counter()
    for texts in said.values():
        support.update({phrase for text in texts for phrase in _phrases(text)})
    least = max(k, -(-len(said) // 3))
    likely = [(phrase, count) for phrase, count in support.items() if count >= least]
    likely.sort(key=lambda item: (-item[1] * len(item[0]) * min(commons.rarity(item[0]), 50.0), item[0]))
    # Also a given name alone, or a family name with half of it.
    named = {pair for name in names for pair in _pairs(name)}
    chosen: list[str] = []
    for phrase, _ in likely:
        if len(chosen) == PHRASES:
            break
        fresh = not any(_pairs(phrase) & _pairs(other) for other in chosen)
        if fresh and not _pairs(phrase) & named and commons.spread(phrase, places) and mask(phrase) == phrase:
            chosen.append(phrase)
    return chosen


def plain(text: str) -> str:
    """The text as phrases are looked for in it."""
    return unicodedata.normalize("NFKC", text)


def _phrases(text: str) -> Iterable[str]:
    for run in _HAN.findall(text):
        for length in range(2, LONGEST + 1):
            for at in range(len(run) - length + 1):
                phrase = run[at : at + length]
                if not (phrase[0] in _EMPTY or phrase[-1] in _EMPTY or _COUNTED.search(phrase)):
                    yield phrase


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}
