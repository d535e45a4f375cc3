"""The closed vocabularies: every word has its Chinese, and every event type a decided effect on the state."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

from bridge.lifecycle import STATE_AFTER
from schemas.event import EVENT_ZH, EventType
from schemas.petition import CLASS_ZH, KIND_ZH, URGENCY_ZH, HandlingClass, Kind, PetitionDraft, Urgency
from tests.schemas.validators import ROOT, load

LEAVES_THE_STATE = {
    EventType.CANCEL_REQUESTED,
    EventType.CANCEL_DENIED,
    EventType.SUPERVISED,
    EventType.URGED,
    EventType.RATED,
    EventType.RECLASSED,
    EventType.NOTED,
    EventType.UNKNOWN,
}
"""They say something about the case, but not where it stands."""

ROW = re.compile(r"^\| `([a-z_]+)` \| ([^|]+) \|", re.MULTILINE)


def test_every_event_type_moves_the_state_or_is_named_here() -> None:
    assert STATE_AFTER.keys() | LEAVES_THE_STATE == set(EventType)
    assert not STATE_AFTER.keys() & LEAVES_THE_STATE


@pytest.mark.parametrize(
    ("words", "chinese"),
    [(EventType, EVENT_ZH), (Kind, KIND_ZH), (HandlingClass, CLASS_ZH), (Urgency, URGENCY_ZH)],
    ids=["event type", "kind", "handling class", "urgency"],
)
def test_every_word_has_its_own_chinese(words: type[StrEnum], chinese: dict[StrEnum, str]) -> None:
    assert chinese.keys() == set(words)
    assert len(set(chinese.values())) == len(chinese)
    assert all(re.fullmatch(r"[\u4e00-\u9fff0-9]+", zh) for zh in chinese.values())


@pytest.mark.parametrize(
    ("field", "chinese"), [("kind", KIND_ZH), ("handling_class", CLASS_ZH), ("urgency", URGENCY_ZH)]
)
def test_both_languages_are_read_and_promised(field: str, chinese: dict[StrEnum, str]) -> None:
    for word, zh in chinese.items():
        assert getattr(PetitionDraft.model_validate({"content": "灯", field: zh}), field) is word
        assert getattr(PetitionDraft.model_validate({"content": "灯", field: word.value}), field) is word
    promised = load("petition-draft")["properties"][field]
    promised = promised["anyOf"][0] if "anyOf" in promised else promised
    assert promised["enum"] == [*chinese, *chinese.values()]


def test_the_readme_lists_the_vocabulary() -> None:
    text = (Path(ROOT) / "README.md").read_text("utf-8")
    assert dict(ROW.findall(text)) == {word.value: zh for word, zh in EVENT_ZH.items()}
