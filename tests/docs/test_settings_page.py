"""docs/settings.md names every setting of the core and of each system, with its real default."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from bridge import app as root
from bridge.adapter import SystemSettings
from bridge.settings import Settings
from tests.docs.pages import DOCS, ROOT, text

PAGE = text(DOCS / "settings.md")
ROW = re.compile(r"^\| `(BRIDGE_[A-Z0-9_<>]+)` \| (.*?) \| .+ \|$", re.MULTILINE)
NOT_SET = "–"


def _shown(value: Any) -> str:
    """A default as the page writes it."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Enum):
        value = value.value
    if value is None or value in ("", ()):
        return NOT_SET
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _settings(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        full = f"{prefix}{name.upper()}"
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            yield from _settings(type(default), f"{full}__")
        else:
            yield full, _shown(default)


def _real() -> dict[str, str]:
    real = dict(_settings(Settings, "BRIDGE_"))
    for manifest in root.manifests():
        real |= dict(_settings(manifest.settings, f"BRIDGE_{manifest.system.upper()}__"))
    return real


def _written() -> dict[str, str]:
    """The page's rows; `<SYSTEM>` stands for each system, and a row of its own goes before it."""
    own: dict[str, str] = {}
    common: dict[str, str] = {}
    for name, default in ROW.findall(PAGE):
        if "<SYSTEM>" in name:
            for manifest in root.manifests():
                common[name.replace("<SYSTEM>", manifest.system.upper())] = default
        else:
            assert name not in own, f"{name} stands here twice"
            own[name] = default
    return common | own


def test_every_setting_is_on_the_page_and_no_other() -> None:
    assert set(_written()) == set(_real())


@pytest.mark.parametrize("name", sorted(_real()))
def test_the_default_is_the_real_one(name: str) -> None:
    assert _written()[name] == _real()[name]


def test_what_every_system_has_is_what_the_port_says() -> None:
    common = {name.removeprefix("BRIDGE_<SYSTEM>__").lower() for name, _ in ROW.findall(PAGE) if "<SYSTEM>" in name}
    assert common == set(SystemSettings.model_fields)


def test_other_pages_name_only_settings_that_exist() -> None:
    known = set(_real())
    for page in (*ROOT.glob("README*.md"), *DOCS.rglob("*.md")):
        if page.name in ("settings.md", "a-fourth-system.md"):
            continue
        for name in re.findall(r"\bBRIDGE_[A-Z0-9_]*[A-Z0-9]\b(?!__|_…|<)", text(page)):
            assert name in known or any(one.startswith(f"{name}__") for one in known), f"{page.name}: {name}"
