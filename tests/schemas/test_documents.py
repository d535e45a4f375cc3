"""The generated files are what the models say, and `python -m bridge.documents --check` tells when they are not."""

import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bridge import documents
from schemas.generate import DIALECT, PUBLISHED
from tests.schemas.validators import ROOT, load

CHINESE = re.compile(r"[\u4e00-\u9fff]")
LATIN = re.compile(r"[A-Za-z]")


def test_the_files_are_what_the_models_say() -> None:
    assert documents.differing(ROOT / "json", documents.documents()) == [], "run: python -m bridge.documents"


def test_generating_twice_gives_the_same_bytes() -> None:
    assert documents.documents() == documents.documents()


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_schema_is_json_schema_2020_12_with_its_name(name: str) -> None:
    schema = load(name)
    Draft202012Validator.check_schema(schema)
    assert (schema["$schema"], schema["$id"]) == (DIALECT, f"urn:laiting:schema:{name}:1")


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_model_has_an_english_and_a_chinese_title(name: str) -> None:
    schema = load(name)
    for title in (schema["title"], *(each["title"] for each in schema["$defs"].values())):
        assert CHINESE.search(title), title
        assert LATIN.search(title), title


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_object_is_closed(name: str) -> None:
    schema = load(name)
    objects = [each for each in (schema, *schema["$defs"].values()) if each["type"] == "object"]
    assert all(each["additionalProperties"] is False for each in objects)


def test_missing_stale_and_forgotten_files_are_named(tmp_path: Path) -> None:
    wanted = {"new.json": "1\n", "same.json": "2\n", "stale.json": "3\n"}
    for name, content in {"same.json": "2\n", "stale.json": "0\n", "forgotten.json": "{}\n"}.items():
        (tmp_path / name).write_text(content)
    assert documents.differing(tmp_path, wanted) == ["forgotten.json", "new.json", "stale.json"]
    documents.write(tmp_path, wanted)
    assert documents.differing(tmp_path, wanted) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.json", "same.json", "stale.json"]


def test_the_command_writes_and_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(documents, "FOLDER", tmp_path / "json")
    assert _run(monkeypatch) == 0
    assert _run(monkeypatch, "--check") == 0
    (tmp_path / "json" / "event.json").write_text("{}")
    assert _run(monkeypatch, "--check") == 1
    assert "event.json: differs; run python -m bridge.documents" in capsys.readouterr().err
    assert (tmp_path / "json" / "event.json").read_text() == "{}"


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    monkeypatch.setattr("sys.argv", ["documents", *arguments])
    return documents.main()
