"""The interface document, in both languages, names every action, notice, code, step and setting there is."""

from dataclasses import fields

import pytest

from adapters.hotline12345 import documents, envelope, mapping, messages, sandbox_case, telling
from adapters.hotline12345.sandbox_manners import Manners
from adapters.hotline12345.settings import HotlineSettings
from tests.adapters.hotline12345.support import CODES

PAGES = [documents.FOLDER.joinpath(name).read_text(encoding="utf-8") for name in documents.READMES.values()]
ACTIONS = {*mapping.READERS, *messages.ACTIONS, *messages.EXTENSION, *telling.WRITERS}
NUMBERS = {str(value) for name, value in vars(envelope).items() if name.isupper()}


@pytest.mark.parametrize("word", sorted({*ACTIONS, *CODES.notices, *NUMBERS}))
def test_named_as_code(word: str) -> None:
    assert all(f"`{word}`" in page for page in PAGES)


@pytest.mark.parametrize("word", sorted({*CODES.tell, *sandbox_case.STEPS}))
def test_named(word: str) -> None:
    assert all(word in page for page in PAGES)


@pytest.mark.parametrize("name", sorted(HotlineSettings.model_fields))
def test_every_setting(name: str) -> None:
    assert all(f"`{name.upper()}`" in page for page in PAGES)


@pytest.mark.parametrize("name", sorted(one.name for one in fields(Manners)))
def test_every_mood(name: str) -> None:
    assert all(f"`{name}`" in page for page in PAGES)
