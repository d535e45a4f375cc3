"""The interface documents are what the tables, the models and the tests say."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from adapters.wechat import documents
from adapters.wechat.pushes import EVENTS, MESSAGES
from adapters.wechat.settings import WechatSettings
from adapters.wechat.words import SHIPPED
from schemas.event import EventType
from tests.adapters.wechat.support import WORDS
from tests.adapters.wechat.test_both_directions import CALLS, STATUSES

HERE = Path(__file__).parent
ROOT = Path(documents.__file__).parents[2]
READMES = {
    language: (documents.FOLDER / name).read_text(encoding="utf-8") for language, name in documents.READMES.items()
}
COVERED = documents.coverage()
UNUSED = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))["events"]["unused"]


@pytest.fixture(scope="module")
def nodes() -> set[str]:
    """Every test of this folder, as pytest itself names it."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "--no-header",
        "-p",
        "no:cacheprovider",
        str(HERE),
    ]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    readable = re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), found)
    return {line.rpartition(f"{HERE.name}/")[2] for line in readable.splitlines() if "::" in line}


# ── generated ──


def test_everything_generated_is_up_to_date() -> None:
    stale = [
        path.name
        for path, content in documents.documents().items()
        if not path.exists() or path.read_text(encoding="utf-8") != content
    ]
    assert stale == [], "run python -m adapters.wechat.documents"
    assert {path.name for path in (documents.FOLDER / "schemas").iterdir()} == set(documents.schemas())


def test_every_table_stands_in_both_languages() -> None:
    for text in READMES.values():
        assert set(re.findall(r"<!-- generated: (\S+) -->", text)) == set(documents.TABLES)


@pytest.mark.parametrize("name", sorted(documents.schemas()))
def test_each_schema_is_one(name: str) -> None:
    schema = json.loads(documents.schemas()[name])
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:laiting:wechat:{name.removesuffix('.json')}:1"
    assert schema["description"]


# ── the table of tests ──


def test_everything_the_documents_name_is_in_the_table() -> None:
    assert set(COVERED) == set(documents.GROUPS)
    assert set(COVERED["messages"]) == set(MESSAGES)
    assert set(COVERED["events"]) == set(EVENTS) | set(UNUSED)
    assert set(COVERED["calls"]) == set(CALLS)
    assert set(STATUSES) <= set(COVERED["statuses"])
    assert {str(code) for code in WORDS.errors} | {"any other"} == set(COVERED["errors"])
    kinds = {
        key.rstrip("0123456789")
        for table in (WORDS.templates, WORDS.subscribe)
        for row in table.values()
        for key in row
    }
    assert kinds <= set(COVERED["fields"])


@pytest.mark.parametrize("group", sorted(documents.GROUPS))
def test_every_test_of_the_table_exists(group: str, nodes: set[str]) -> None:
    named = {node for row in COVERED[group].values() for node in row.values() if not node.startswith("-")}
    assert named
    assert named - nodes == {node for node in named - nodes if _has_cases(node, nodes)}


def _has_cases(node: str, nodes: set[str]) -> bool:
    """A test named without its cases stands for all of them."""
    return "[" not in node and any(one.startswith(f"{node}[") for one in nodes)


@pytest.mark.parametrize(("group", "name"), [(group, name) for group, rows in COVERED.items() for name in rows])
def test_every_row_says_something_in_each_direction(group: str, name: str) -> None:
    row = COVERED[group][name]
    assert set(row) == {"in", "out"}
    assert any(not node.startswith("-") for node in row.values())
    assert all(len(node.removeprefix("-").strip()) > 10 for node in row.values())


# ── both languages ──


@pytest.mark.parametrize("name", sorted(WechatSettings.model_fields))
@pytest.mark.parametrize("language", sorted(READMES))
def test_every_setting_is_named(name: str, language: str) -> None:
    assert name.upper() in READMES[language].split("## 2.")[0]


@pytest.mark.parametrize("kind", list(EventType))
def test_every_canonical_event_is_named(kind: EventType) -> None:
    assert all(f"`{kind}`" in text for text in READMES.values())


def test_both_languages_have_the_same_sections_and_tables() -> None:
    def shape(text: str) -> list[str]:
        return re.findall(r"^(#+|<!-- generated: \S+ -->|\|(?: *-+ *\|)+)", text, flags=re.MULTILINE)

    assert shape(READMES["en"]) == shape(READMES["zh"])


def test_the_files_of_the_folder_are_all_named() -> None:
    files = {path.name for path in documents.FOLDER.iterdir() if path.is_file()} - {
        "__init__.py",
        "README.md",
        "README.zh-CN.md",
    }
    for text in READMES.values():
        assert files - set(re.findall(r"`(\w+\.(?:py|toml))`", text.split("## 1.")[0])) == set()
