"""Every key that a digest can show has words in both languages."""

from typing import Any, get_args

import pytest

from adapters.registry import MANIFESTS
from bridge.apikeys import Scope
from bridge.digest import digest, documents, findings
from bridge.digest.meeting import ACTIONS, STATES
from bridge.digest.personal import KINDS
from bridge.digest.rounds import MOTIONS, MOVES
from bridge.digest.words import NOBODY, WORDS, age, words
from bridge.lifecycle import STATE_AFTER
from schemas.petition import HandlingClass, Kind
from tests.digest.cases import case, invented, many
from tests.digest.cases import digest as composed

VOCABULARIES: dict[str, set[str]] = {
    "kind": set(Kind),
    "handling_class": set(HandlingClass),
    "state": {"submitted", *STATE_AFTER.values()},
    "source": {*(manifest.system for manifest in MANIFESTS), "bridge", "operator", "county-app"},
    "region": {"370811", "999999"},
    "progress": {digest.progress(case(0, state=state)) for state in STATE_AFTER.values()} | {"closed"},
    "reason": {found.about["reason"] for found in findings.difficult(composed([]).desk)},
    "trend": {documents.trend(now, [10, 10, before]) for now in range(1, 40) for before in (0, 10)}
    | {documents.trend(1, [0])},
    "total": set(documents.published(composed([]))["totals"]),
}
"""Every value that the code can give each dimension; regions and callers beyond it are anybody's."""


def in_both_languages(zh: str, en: str, key: str) -> bool:
    return bool(zh) and bool(en) and key not in (zh, en) and not zh.isascii() and en.isascii()


@pytest.mark.parametrize("dimension", VOCABULARIES)
def test_nothing_is_shown_as_code(dimension: str) -> None:
    for key in VOCABULARIES[dimension]:
        assert in_both_languages(*words(dimension, key), key), key
    if dimension not in ("source", "region"):
        assert VOCABULARIES[dimension] == WORDS[dimension].keys()


def test_every_dimension_has_words_or_holds_names() -> None:
    assert {*digest.DIMENSIONS, *documents.TABLES} - VOCABULARIES.keys() == {"unit", "subject"}
    assert WORDS.keys() <= VOCABULARIES.keys()
    for name, pair in NOBODY.items():
        assert in_both_languages(*pair, name)


@pytest.mark.parametrize("vocabulary", [ACTIONS, STATES, MOTIONS, KINDS])
def test_words_of_proposals(vocabulary: dict[str, tuple[str, str]]) -> None:
    for key, (zh, en) in vocabulary.items():
        assert in_both_languages(zh, en, key)
    assert ACTIONS.keys() == MOVES.keys()
    assert STATES.keys() >= {state for _, state in MOVES.values() if state}


def test_in_a_whole_document_no_code_is_left() -> None:
    """Of whatever a key may be named that hands petitions in."""
    sources = ["operator", "county-app", *get_args(Scope)[:1]]
    cases = [*invented(300), *(one for at, name in enumerate(sources) for one in many(9, 9000 + 50 * at, source=name))]
    document = documents.published(composed([*cases, *many(9, 8000, region="999999")]))
    for name in documents.TABLES:
        if name not in ("unit", "subject"):
            rows = [row for row in document["tables"][name] if "key" in row]
            assert rows
            assert not [row for row in rows if not _told(name, row)]


def _told(dimension: str, row: dict[str, Any]) -> bool:
    # A region's name is the same in both languages: nobody translates a county.
    return (
        row["key"] not in (row["zh"], row["en"])
        and not row["zh"].isascii()
        and (row["en"].isascii() or dimension == "region")
    )


def test_names_are_shown_as_they_are() -> None:
    assert words("unit", "水务局") == ("水务局", "水务局")
    assert words("unit", "") == NOBODY["unit"]


def test_ages() -> None:
    assert age(30, 60) == ("31–60天", "31–60 days")
    assert age(90, None) == ("超过90天", "Over 90 days")
