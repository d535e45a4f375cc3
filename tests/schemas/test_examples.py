"""Every example, valid or invalid, against the model and against the published JSON Schema."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from bridge.lifecycle import STATE_AFTER
from schemas.event import EventType
from schemas.generate import PUBLISHED
from tests.schemas.validators import ROOT, validator

VALID = sorted((ROOT / "examples" / "valid").glob("*.json"))
INVALID = sorted((ROOT / "examples" / "invalid").glob("*.json"))
NAMES = {model.__name__: name for name, model in PUBLISHED.items()}
HEAD = {"model", "why", "repeat", "schema_accepts", "document"}


def _example(path: Path) -> tuple[dict[str, Any], type[BaseModel], Any]:
    example = json.loads(path.read_text("utf-8"))
    for field, length in example.get("repeat", {}).items():
        example["document"][field] *= length
    name = NAMES[example["model"]]
    return example, PUBLISHED[name], validator(name)


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_valid(path: Path) -> None:
    example, model, schema = _example(path)
    model.model_validate_json(json.dumps(example["document"]))
    assert [error.message for error in schema.iter_errors(example["document"])] == []


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_document_comes_back_from_its_model_unchanged(path: Path) -> None:
    example, model, schema = _example(path)
    read = model.model_validate(example["document"])
    written = json.loads(read.model_dump_json())
    assert model.model_validate(written) == read
    assert schema.is_valid(written)
    if "content" in example["document"]:
        assert written["content"] == example["document"]["content"]


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_invalid(path: Path) -> None:
    example, model, schema = _example(path)
    with pytest.raises(ValidationError):
        model.model_validate_json(json.dumps(example["document"]))
    with pytest.raises(ValidationError):
        model.model_validate(example["document"])
    assert schema.is_valid(example["document"]) is example.get("schema_accepts", False)


@pytest.mark.parametrize("path", [*VALID, *INVALID], ids=lambda path: path.stem)
def test_every_file_says_what_it_is(path: Path) -> None:
    example, _, _ = _example(path)
    assert {"model", "why", "document"} <= example.keys() <= HEAD
    assert path.name.startswith(NAMES[example["model"]])
    assert "schema_accepts" not in example or (path in INVALID and example["schema_accepts"] is True)


def test_there_are_enough_of_them() -> None:
    assert len(VALID) >= 12
    assert len(INVALID) >= 20


def test_every_event_type_has_a_cloud_event_with_the_state_it_leads_to() -> None:
    seen = {}
    for path in VALID:
        example, _, _ = _example(path)
        if example["model"] == "CloudEvent":
            seen[EventType(example["document"]["type"].removeprefix("petition."))] = example["document"]["data"]
    assert seen.keys() == set(EventType)
    assert {type_: seen[type_]["state"] for type_ in STATE_AFTER} == STATE_AFTER
