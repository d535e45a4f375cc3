"""Every key that a digest can show has words in both languages."""

import pytest

from bridge.digest.words import NOBODY, WORDS, age, words
from bridge.lifecycle import STATE_AFTER
from schemas.petition import HandlingClass, Kind


@pytest.mark.parametrize(
    ("dimension", "keys"),
    [("kind", set(Kind)), ("handling_class", set(HandlingClass)), ("state", set(STATE_AFTER.values()))],
)
def test_nothing_is_shown_as_code(dimension: str, keys: set[str]) -> None:
    assert keys <= WORDS[dimension].keys()
    for key in keys:
        zh, en = words(dimension, key)
        assert zh != key
        assert zh.isascii() is False
        assert en.isascii()


def test_names_are_shown_as_they_are() -> None:
    assert words("unit", "水务局") == ("水务局", "水务局")
    assert words("unit", "") == NOBODY["unit"]


def test_ages() -> None:
    assert age(30, 60) == ("31–60天", "31–60 days")
    assert age(90, None) == ("超过90天", "Over 90 days")
