"""The interface document names every op, field, code, reason and setting there is."""

from pathlib import Path

import pytest

from adapters.governance_center import guard
from adapters.governance_center.codes import load
from adapters.governance_center.settings import CenterSettings
from adapters.governance_center.wire import EventDocument, Op
from bridge.adapter import SystemSettings
from schemas.event import EventType

README = Path(guard.__file__).with_name("README.md").read_text(encoding="utf-8")
OURS = set(CenterSettings.model_fields) - (set(SystemSettings.model_fields) - {"base_url"})
PLATFORMS = ("jiangyin", "ffcs", "digital_village", "wecom")


@pytest.mark.parametrize(
    "name",
    [
        *Op,
        *EventDocument.model_fields,
        *EventType,
        *guard.REFUSALS,
        *load("words").ops,
        *load("words").ops_ignored,
        *load("words").report_defaults,
        *sorted(name.upper() for name in OURS),
        *PLATFORMS,
    ],
)
def test_every_name_is_documented(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_status_is_documented(platform: str) -> None:
    missing = [code for code in load(platform).status if code not in README]
    assert not missing


def test_the_answers_that_are_read_are_documented() -> None:
    for rule in load("words").answers.refusals:
        assert all(word in README for word in rule.words)
        assert rule.code in README
