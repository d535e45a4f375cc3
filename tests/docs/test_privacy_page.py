"""docs/privacy.md shows what the masker really does: every example is run."""

import re
from typing import get_args

import pytest

from bridge import app as root
from bridge import prose
from bridge.ledger.sealed import SEALED
from bridge.lookup import Hash
from bridge.prose.spans import Kind
from bridge.vault import Algorithm
from tests.docs.pages import DOCS, text

PAGE = text(DOCS / "privacy.md")
NOT_BY_FORM = {"word", "mixed"}


def _section(title: str) -> str:
    """From the heading that starts with `title` to the next heading of any level."""
    found = re.search(rf"^#+ {title}.*?\n(.*?)(?=^#|\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def _rows(title: str, cells: str) -> list[tuple[str, ...]]:
    rows = re.findall(rf"^\| {cells} \|$", _section(title), flags=re.MULTILINE)
    assert len(rows) == _section(title).count("\n| ") - 1, "a row that this test cannot read"
    return rows


MASKED = _rows("What is masked", r"([^`|]+) \| `([^`|]+)` \| `([^`|]+)`")
KEPT = _rows("What is left", r"([^`|]+) \| `([^`|]+)`")
KNOWN = _rows("A known person", r"`([^`|]+)` \| `([^`|]+)` \| `([^`|]+)`")
UNFOUND = re.findall(r"`([^`]+)`", _section("What no mask finds"))


@pytest.mark.parametrize(("example", "masked"), [row[1:] for row in MASKED], ids=[row[0] for row in MASKED])
def test_an_example_is_masked_as_shown(example: str, masked: str) -> None:
    assert "*" in masked
    assert prose.mask(example) == masked


@pytest.mark.parametrize("example", [row[1] for row in KEPT], ids=[row[0] for row in KEPT])
def test_an_example_is_left(example: str) -> None:
    assert prose.mask(example) == example


@pytest.mark.parametrize(("word", "example", "masked"), KNOWN, ids=[row[0] for row in KNOWN])
def test_a_known_word_is_masked_as_shown(word: str, example: str, masked: str) -> None:
    assert prose.mask_words(example, [word]) == masked


@pytest.mark.parametrize("example", UNFOUND)
def test_what_the_page_owns_up_to_is_true(example: str) -> None:
    assert prose.mask(example) == example


def test_the_page_has_an_example_of_every_kind() -> None:
    shown = {span.kind for _, example, _ in MASKED for span in prose.find(example)}
    assert shown == set(get_args(Kind)) - NOT_BY_FORM


# ── who is given what, and what is sealed ──


def test_the_page_names_every_sealed_column() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| ", _section("Sealed at rest"), flags=re.MULTILINE)
    assert sorted(rows) == sorted((one.column.table.name, one.column.name) for one in SEALED)


def test_the_page_gives_each_system_what_its_manifest_says() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", _section("What each system is given"), flags=re.MULTILINE)
    told = {system: tuple(set(re.findall(r"`([\w.]+)`", cell)) for cell in cells) for system, *cells in rows}
    assert told == {
        manifest.system: ({*manifest.needs}, {*manifest.needs_confidential}) for manifest in root.manifests()
    }


def test_the_page_tells_the_settings_from_the_code() -> None:
    assert {*get_args(Algorithm)} <= set(re.findall(r"[A-Z0-9]+-(?:\d+-)?GCM", PAGE))
    assert {*get_args(Hash)} <= set(re.findall(r"HMAC-\w+", PAGE))
