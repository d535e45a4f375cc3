"""Similar petitions (相似诉求), found in their text alone: character n-grams, TF-IDF, and careful merging.

No model, no dictionary, no random number: Chinese needs no word list when every two and three characters in a row
are a feature, and rare ones (an estate, a road, a company) weigh most. Four steps:

1. Each distinct text becomes a vector of its weightiest n-grams.
2. A text that nearly repeats an earlier one (cosine ≥ `REPEATS`) is put with it, so that a thousand copies cost
   little more than one.
3. Pairs of the others that share some of their rarest n-grams are compared; from cosine ≥ `alike` they are a pair.
4. Pairs are merged, the closest first, but two groups only when their members resemble each other on average
   (cosine ≥ `together`): plain union-find would chain A to Z over twenty small resemblances.

The same texts in the same order give the same groups, on every machine: sums are taken in a fixed order. How well it
does on real petitions, and how the thresholds were chosen: docs/digest.md.
"""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import add

REPEATS = 0.8
KEEP = 160
KEYS = 40
SHARED = 3
CROWDED = 400
MAX_CHARACTERS = 600

Vector = dict[str, float]

_RUNS = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]+|[a-z0-9]{2,}")


@dataclass(frozen=True, slots=True)
class Likeness:
    """From which cosine on two texts are a pair, and from which mean cosine on two groups are one."""

    alike: float = 0.13
    together: float = 0.1


def text_of(title: str, content: str) -> str:
    """What is compared: the title counts twice, because it names the matter; the end of a long story hardly counts."""
    return f"{title}\n{title}\n{content[:MAX_CHARACTERS]}"


def grams(text: str) -> Counter[str]:
    """Two and three Chinese characters in a row, and whole words or numbers in Latin script, with their counts."""
    found: Counter[str] = Counter()
    for run in _RUNS.findall(unicodedata.normalize("NFKC", text).lower()):
        if run[0] < "\u3400":
            found[run] += 1
            continue
        pairs = list(map(add, run, run[1:]))
        found.update(pairs)
        found.update(map(add, pairs, run[2:]))
    return found


def groups(texts: Sequence[str], likeness: Likeness | None = None) -> list[list[int]]:
    """Groups of two or more positions in `texts`, the largest first; a text that resembles no other is in none."""
    likeness = likeness or Likeness()
    same: dict[str, list[int]] = {}
    for at, text in enumerate(texts):
        same.setdefault(text, []).append(at)
    distinct = list(same)
    crowd = _Crowd(vectors(distinct), [len(same[text]) for text in distinct])
    crowd.gather_repeats()
    crowd.merge(crowd.pairs(likeness.alike), likeness.together)
    found = [sorted(at for one in members for at in same[distinct[one]]) for members in crowd.groups()]
    return sorted((group for group in found if len(group) > 1), key=lambda group: (-len(group), group))


def vectors(texts: Sequence[str]) -> list[Vector]:
    """A vector for each text. What only one text says connects nothing and is left out, but it counts in the length:
    two texts with much of their own are less alike. So the length is at most 1."""
    frequency: Counter[str] = Counter()
    for text in texts:
        frequency.update(grams(text).keys())
    # Most n-grams are rare and come once: few different weights.
    rarity = {often: math.log(1 + len(texts) / often) for often in set(frequency.values())}
    return [_vector(grams(text), frequency, rarity) for text in texts]


def _vector(counts: Counter[str], frequency: Counter[str], rarity: dict[int, float]) -> Vector:
    weights, shared = [], []
    for gram, count in counts.items():
        often = frequency[gram]
        weight = rarity[often] if count == 1 else (1 + math.log(count)) * rarity[often]
        weights.append(weight)
        if often > 1:
            shared.append((-weight, gram))
    length = math.sqrt(math.fsum(weight * weight for weight in weights)) or 1.0
    return {gram: -weight / length for weight, gram in sorted(shared)[:KEEP]}


def cosine(left: Vector, right: Vector) -> float:
    """Of two vectors; of sums of vectors, the sum over all pairs."""
    if len(left) > len(right):
        left, right = right, left
    return math.fsum(weight * right[gram] for gram, weight in left.items() if gram in right)


class _Crowd:
    """The distinct texts and which of them belong together so far. `weights`: how often each text was brought."""

    def __init__(self, found: list[Vector], weights: Sequence[int]) -> None:
        self.vectors = found
        self.parent = list(range(len(found)))
        self.size = list(weights)
        self.sums: dict[int, Vector] = {}

    def find(self, one: int) -> int:
        while self.parent[one] != one:
            self.parent[one] = self.parent[self.parent[one]]
            one = self.parent[one]
        return one

    def gather_repeats(self) -> None:
        """Each text that nearly repeats an earlier one goes with it, and is not compared again."""
        index: dict[str, list[int]] = defaultdict(list)
        for one, vector in enumerate(self.vectors):
            keys = list(vector)[:KEYS]
            shared = Counter(other for key in keys for other in index[key])
            likely = sorted((-count, other) for other, count in shared.items() if 2 * count >= len(keys))[:5]
            first = next((other for _, other in likely if cosine(vector, self.vectors[other]) >= REPEATS), None)
            if first is None:
                for key in keys:
                    index[key].append(one)
            else:
                self.parent[one] = first
                self.size[first] += self.size[one]

    def pairs(self, alike: float) -> list[tuple[float, int, int]]:
        """(cosine, earlier, later) of all that are alike, the closest first."""
        index: dict[str, list[int]] = defaultdict(list)
        found = []
        for one, vector in enumerate(self.vectors):
            if self.parent[one] != one:
                continue
            keys = list(vector)[:KEYS]
            shared = Counter(other for key in keys if len(index[key]) <= CROWDED for other in index[key])
            for other, count in shared.items():
                if count >= SHARED and (likeness := cosine(vector, self.vectors[other])) >= alike:
                    found.append((likeness, other, one))
            for key in keys:
                index[key].append(one)
        return sorted(found, key=lambda pair: (-round(pair[0], 9), pair[1], pair[2]))

    def merge(self, pairs: Iterable[tuple[float, int, int]], together: float) -> None:
        for _, left, right in pairs:
            first, second = sorted((self.find(left), self.find(right)))
            if first == second:
                continue
            sums = self._sum(first), self._sum(second)
            if cosine(*sums) >= together * self.size[first] * self.size[second]:
                self.parent[second] = first
                self.size[first] += self.size[second]
                self.sums[first] = _added(*sums)
                self.sums.pop(second, None)

    def _sum(self, one: int) -> Vector:
        """The sum over a group; near repeats stand in for by the first of them."""
        if one not in self.sums:
            self.sums[one] = {gram: weight * self.size[one] for gram, weight in self.vectors[one].items()}
        return self.sums[one]

    def groups(self) -> list[list[int]]:
        members: dict[int, list[int]] = defaultdict(list)
        for one in range(len(self.vectors)):
            members[self.find(one)].append(one)
        return list(members.values())


def _added(left: Vector, right: Vector) -> Vector:
    total = dict(left)
    for gram, weight in right.items():
        total[gram] = total.get(gram, 0.0) + weight
    return total
