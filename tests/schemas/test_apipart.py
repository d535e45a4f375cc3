"""Schemas of the wire as components of the OpenAPI document."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.registry import MANIFESTS
from bridge.apipart import wire_schemas
from tests.schemas.validators import load

LETTER = {"type": "object", "properties": {"to": {"$ref": "#/$defs/Person"}}}
PERSON = {"type": "object", "properties": {"friends": {"type": "array", "items": {"$ref": "#/$defs/Person"}}}}


def _file(folder: Path, name: str, **schema: Any) -> None:
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:laiting:post:{name}:1"}
    (folder / f"{name}.json").write_text(json.dumps(head | schema))


def test_parts_are_lifted_and_references_follow(tmp_path: Path) -> None:
    _file(tmp_path, "letter", **LETTER, **{"$defs": {"Person": PERSON}})
    _file(tmp_path, "parcel", **LETTER, **{"$defs": {"Person": PERSON}})
    _file(tmp_path, "sack", type="array", items={"$ref": "urn:laiting:post:letter:1"})
    person = {"$ref": "#/components/schemas/post.Person"}
    letter = {"type": "object", "properties": {"to": person}}
    assert wire_schemas("post", tmp_path) == {
        "post.letter": letter,
        "post.parcel": letter,
        "post.sack": {"type": "array", "items": {"$ref": "#/components/schemas/post.letter"}},
        "post.Person": {"type": "object", "properties": {"friends": {"type": "array", "items": person}}},
    }


def test_parts_of_one_name_that_differ_keep_their_files_name(tmp_path: Path) -> None:
    _file(tmp_path, "letter", **LETTER, **{"$defs": {"Person": {"type": "string"}}})
    _file(tmp_path, "parcel", **LETTER, **{"$defs": {"Person": {"type": "integer"}}})
    found = wire_schemas("post", tmp_path)
    assert found["post.letter.Person"] == {"type": "string"}
    assert found["post.parcel"]["properties"]["to"] == {"$ref": "#/components/schemas/post.parcel.Person"}


@pytest.mark.parametrize("reference", ["#/$defs/Nobody", "urn:laiting:post:nothing:1", "https://example.cn/x.json"])
def test_a_reference_that_leads_nowhere_is_refused(tmp_path: Path, reference: str) -> None:
    _file(tmp_path, "letter", **{"$ref": reference})
    with pytest.raises(KeyError):
        wire_schemas("post", tmp_path)


@pytest.mark.parametrize("system", [manifest.system for manifest in MANIFESTS])
def test_every_wire_schema_is_in_the_document(system: str) -> None:
    folder = Path(__file__).parents[2] / "adapters" / system / "schemas"
    names = {f"{system}.{path.stem}" for path in folder.glob("*.json")}
    assert names
    assert names <= load("openapi")["components"]["schemas"].keys()
