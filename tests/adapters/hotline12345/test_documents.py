"""What is generated is what is there; what the coverage table names exists, and nothing is left out of it."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from adapters.hotline12345 import documents, envelope, messages
from tests.adapters.hotline12345.support import CODES, REPORT, sent
from tests.adapters.hotline12345.test_values import READ

HERE = Path(__file__).parent
ROOT = Path(documents.__file__).parents[2]


def test_everything_generated_is_up_to_date() -> None:
    stale = [
        path.name
        for path, content in documents.documents().items()
        if not path.exists() or path.read_text(encoding="utf-8") != content
    ]
    assert stale == [], "run python -m adapters.hotline12345.documents"
    assert {path.name for path in (documents.FOLDER / "schemas").iterdir()} == set(documents.schemas())


@pytest.mark.parametrize("name", sorted(documents.schemas()))
def test_each_schema_is_one(name: str) -> None:
    schema = json.loads(documents.schemas()[name])
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:laiting:hotline12345:{name.removesuffix('.json')}:1"
    assert schema["description"]


def _schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(documents.schemas()[name]))


def test_a_schema_says_what_its_model_says() -> None:
    order = {name: value for name, value in REPORT.items() if value not in (None, "") and name != "altpsRec"}
    assert _schema("action-report.json").is_valid(order)
    assert _schema("request.json").is_valid(sent("REPORT", order))
    for change in ({"x": 1}, {"recTypeId": "1"}, {"registerTime": "2026-11-22"}, {"rollbackFlag": 2}, {"medias": None}):
        assert not _schema("action-report.json").is_valid(order | change)
        assert messages.faults(messages.ACTIONS["REPORT"], order | change)


# ── the table of tests ──

COVERED: dict[str, dict[str, dict[str, Any]]] = documents.coverage()


NAMED = [node for group in COVERED.values() for found in group.values() for node in (found["in"], found["out"])]


@pytest.fixture(scope="module")
def nodes() -> set[str]:
    """Every test of the files in the table, as pytest itself names it."""
    files = {node.partition("::")[0] for node in NAMED if not node.startswith("-")}
    paths = [str(HERE / name) for name in sorted(files)]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "--no-header",
        "-p",
        "no:cacheprovider",
        *paths,
    ]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    readable = re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), found)
    return {line.rpartition(f"{HERE.name}/")[2] for line in readable.splitlines() if "::" in line}


def test_everything_the_documents_name_is_in_the_table() -> None:
    named = {*messages.ACTIONS, *messages.NOTICES_ONLY, *messages.EXTENSION}
    assert named <= set(COVERED["actions"])
    assert set(COVERED["notices"]) == set(CODES.notices)
    assert set(COVERED["codes"]) == {str(value) for name, value in vars(envelope).items() if name.isupper()}
    assert set(COVERED["values"]) == set(READ)


@pytest.mark.parametrize("group", sorted(COVERED))
def test_every_test_of_the_table_exists(group: str, nodes: set[str]) -> None:
    named = [node for found in COVERED[group].values() for node in (found["in"], found["out"])]
    tests = [node for node in named if not node.startswith("-")]
    assert [node for node in tests if node not in nodes] == []
    # A direction that does not exist says so, in both languages.
    assert all(" · " in node for node in named if node.startswith("-"))


def test_both_pages_have_the_same_marks() -> None:
    pages = [(documents.FOLDER / name).read_text(encoding="utf-8") for name in documents.READMES.values()]
    marks = [re.findall(r"<!-- generated: (\S+) -->", page) for page in pages]
    assert marks[0] == marks[1]
    assert set(marks[0]) == set(documents.TABLES)
