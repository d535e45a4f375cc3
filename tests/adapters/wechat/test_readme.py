"""The interface document names what the tables hold."""

from pathlib import Path

import pytest

from adapters import wechat
from adapters.wechat.drafts import KINDS
from adapters.wechat.settings import WechatSettings
from schemas.event import EventType
from tests.adapters.wechat.support import WORDS

README = (Path(wechat.__file__).with_name("README.md")).read_text(encoding="utf-8")
OWN_SETTINGS = WechatSettings.model_fields.keys() - {"retry_ladder", "timeout_seconds", "concurrency"}
UNUSED = {"unsubscribe", "scan", "location", "view"} | WORDS.events.unused


@pytest.mark.parametrize("code", sorted(WORDS.errors))
def test_error_codes(code: int) -> None:
    assert f"{code}" in README.split("### 4.2")[1]


@pytest.mark.parametrize("name", sorted(UNUSED | KINDS | {"subscribe", "click", "templatesendjobfinish"}))
def test_messages_and_events(name: str) -> None:
    assert f"`{name}`" in README.casefold()


@pytest.mark.parametrize("kind", list(EventType))
def test_canonical_events(kind: EventType) -> None:
    assert f"`{kind}`" in README


@pytest.mark.parametrize("name", sorted(OWN_SETTINGS))
def test_settings(name: str) -> None:
    assert name.upper() in README


@pytest.mark.parametrize(("kind", "row"), list(WORDS.notices.items()))
def test_who_is_told_what(kind: EventType, row: dict[str, object]) -> None:
    table = README.split("**Who is told what**")[1].split("**Recipients")[0].splitlines()
    (line,) = [line for line in table if line.startswith("|") and f"`{kind}`" in line.split("|")[1]]
    for audience, cell in zip(("petitioner", "owner", "unit"), line.split("|")[2:5], strict=True):
        assert cell.split()[0].rstrip(",") == WORDS.told(kind, audience).purpose  # type: ignore[arg-type]
