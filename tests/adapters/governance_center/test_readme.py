"""The interface document is whole and true: generated parts are equal, names are documented, its tests exist."""

import importlib
import inspect
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from adapters.governance_center import documents, guard
from adapters.governance_center.codes import Codes, load
from adapters.governance_center.documents import INTERFACE, PAGES, covered_names
from adapters.governance_center.sandbox_moods import Dialect
from adapters.governance_center.settings import CenterSettings
from adapters.governance_center.wire import EventDocument, Op
from bridge.adapter import SystemSettings
from schemas.event import EventType

READMES = {language: path.read_text(encoding="utf-8") for language, path in PAGES.items()}
KNOWN: dict[str, Any] = tomllib.loads(INTERFACE.read_text(encoding="utf-8"))
COVERAGE: list[dict[str, Any]] = KNOWN["coverage"]
OURS = set(CenterSettings.model_fields) - (set(SystemSettings.model_fields) - {"base_url"})
TABLES_OF_CODES = {
    *("ops", "ops_ignored", "fields_ignored", "aliases", "peers", "peers_ignored", "role", "part", "petitioner"),
    *("kind", "supervision", "remind", "supervise_state", "supervise_reason", "check", "interval", "satisfaction"),
    *("resolved", "speakers", "status", "urgency"),
}


def test_the_generated_parts_are_what_the_tables_say() -> None:
    assert not documents.differing(), "run python -m adapters.governance_center.documents"


@pytest.mark.parametrize("language", PAGES)
def test_every_block_of_a_page_is_filled(language: str) -> None:
    blocks = re.findall(r"<!-- table: (\w+) -->", READMES[language])
    assert set(blocks) == set(documents.HEADS)
    assert len(blocks) == len(set(blocks)) == READMES[language].count("<!-- end -->")


def test_the_interface_names_each_field_and_op_once() -> None:
    assert list(KNOWN["ops"]) == list(Op)
    assert set(KNOWN["fields"]) == set(EventDocument.model_fields)
    assert set(KNOWN["only_sent"]) == {"handleWay", "relatedCodes", *load("words").report_defaults}


@pytest.mark.parametrize("language", PAGES)
@pytest.mark.parametrize(
    "name",
    [
        *EventType,
        *load("words").ops,
        *load("words").ops_ignored,
        *sorted(name.upper() for name in OURS),
        *documents.PLATFORMS,
        *(name for name in Dialect().as_dict()),
        *documents.MESSAGES,
    ],
)
def test_every_name_is_documented(name: str, language: str) -> None:
    assert f"`{name}`" in READMES[language] or f"[{name}]" in READMES[language]


@pytest.mark.parametrize("language", PAGES)
def test_the_chinese_page_and_the_english_one_have_the_same_sections(language: str) -> None:
    heads = [re.findall(r"^#+ ?([0-9.]*)", page, re.MULTILINE) for page in READMES.values()]
    assert heads[0] == heads[1]
    assert PAGES["zh" if language == "en" else "en"].name in READMES[language]


# ── the table of tests ────────────────────────────────────────────────────────────────────────────────────


def _mentions(node: str) -> str:
    """All that a test says: its file, and what it is parametrized with. Fails if there is no such test."""
    file, name = node.split("::")
    module = importlib.import_module(f"tests.adapters.governance_center.{file.removesuffix('.py')}")
    test = getattr(module, name)
    assert callable(test)
    marks = [repr(mark.args) for mark in getattr(test, "pytestmark", ())]
    return "\n".join([inspect.getsource(module), *marks])


@pytest.mark.parametrize("row", COVERAGE, ids=lambda row: row["what"]["en"])
def test_the_tests_of_a_row_exist_and_speak_of_its_names(row: dict[str, Any]) -> None:
    names = [name for name in covered_names(row) if name]
    assert names
    if row["in"]:
        said = _mentions(row["in"])
        assert not [name for name in names if name not in said]
    if row["out"]:
        # Of several spellings of one meaning we say one.
        said = _mentions(row["out"])
        assert [name for name in names if name in said]
    assert row["in"] or row["out"] or row["why"]
    assert ("why" in row) == (not (row["in"] and row["out"]))


def test_no_table_of_codes_is_missing_from_the_list_of_tests() -> None:
    assert {row["of"] for row in COVERAGE if "of" in row} == TABLES_OF_CODES
    of_names = {name for name, field in Codes.model_fields.items() if "dict[str" in str(field.annotation)}
    sent_only = {"says", "status_out", "report_defaults", "units", "supervised_by"}
    assert of_names - sent_only == TABLES_OF_CODES


def test_every_op_and_reason_is_in_the_list_of_tests() -> None:
    listed = {name for row in COVERAGE for name in row.get("names", ())}
    assert set(Op) <= listed
    assert set(guard.REFUSALS) <= listed


def test_the_answers_that_are_read_are_tested() -> None:
    said = _mentions("test_answers.py::test_not_accepted")
    for rule in load("words").answers.refusals:
        assert rule.code in said


def test_no_page_names_a_file_that_is_not_there() -> None:
    folder = Path(documents.__file__).parent
    for page in READMES.values():
        for link in re.findall(r"\]\(([^)#]+)\)", page):
            assert (folder / link).exists(), link
