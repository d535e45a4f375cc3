"""The interface document names every action, notice, code and step there is."""

from importlib import resources

import pytest

from adapters.hotline12345 import envelope, mapping, messages, sandbox_case, telling
from adapters.hotline12345.settings import HotlineSettings
from tests.adapters.hotline12345.support import CODES

README = resources.files("adapters.hotline12345").joinpath("README.md").read_text(encoding="utf-8")
ACTIONS = {*mapping.READERS, *messages.ACTIONS, *messages.EXTENSION, *telling.WRITERS}
NUMBERS = {str(value) for name, value in vars(envelope).items() if name.isupper()}


@pytest.mark.parametrize("word", sorted({*ACTIONS, *CODES.notices, *NUMBERS}))
def test_named_as_code(word: str) -> None:
    assert f"`{word}`" in README


@pytest.mark.parametrize("word", sorted({*CODES.tell, *sandbox_case.STEPS}))
def test_named(word: str) -> None:
    assert word in README


@pytest.mark.parametrize("name", sorted(HotlineSettings.model_fields))
def test_every_setting(name: str) -> None:
    assert f"`{name.upper()}`" in README
