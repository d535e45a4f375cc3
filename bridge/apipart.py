"""What an adapter says of its doors and of its calls in the OpenAPI document: pure data, in OpenAPI 3.1's own words."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

Json = Mapping[str, Any]

COMPONENTS: Final = "#/components/schemas/"
DEFS: Final = "#/$defs/"


@dataclass(frozen=True, slots=True)
class ApiPart:
    """One system's part of the document. `paths`: each door; `webhooks`: each call that the bridge makes on the
    system, by name; `schemas` and `security` go among the components and are named `<system>.<name>`."""

    paths: Mapping[str, Json]
    webhooks: Mapping[str, Json]
    schemas: Mapping[str, Json]
    security: Mapping[str, Json] = field(default_factory=dict)


def of(name: str) -> dict[str, Any]:
    """A reference to a schema among the components."""
    return {"$ref": COMPONENTS + name}


def content(schema: Json, examples: Json | None = None, *, media_type: str = "application/json") -> dict[str, Any]:
    """One content type with its schema; `examples`: name → value."""
    body: dict[str, Any] = {"schema": dict(schema)}
    if examples:
        body["examples"] = {name: {"value": value} for name, value in examples.items()}
    return {media_type: body}


def problem(example: Json) -> dict[str, Any]:
    """The content of an RFC 9457 problem document; the schema is the core's."""
    return content(of("Problem"), {"problem": example}, media_type="application/problem+json")


def body(*contents: Json, description: str = "") -> dict[str, Any]:
    """A request body that must be there, in any of these contents."""
    told = {"description": description} if description else {}
    return {**told, "required": True, "content": {name: one for each in contents for name, one in each.items()}}


def answer(description: str, *contents: Json) -> dict[str, Any]:
    """One answer, in any of these contents."""
    return {"description": description, "content": {name: one for each in contents for name, one in each.items()}}


# ── the schemas of the wire ───────────────────────────────────────────────────────────────────────────────


def wire_schemas(system: str, folder: Path) -> dict[str, dict[str, Any]]:
    """Every JSON Schema file of this folder as a component `<system>.<file>`, and what they are made of beside them.

    Inside an OpenAPI document an `$id` would begin another document, in which references to components lead nowhere:
    so `$id` and `$schema` go, and every reference is written anew. KeyError: a reference that leads nowhere.
    """
    files = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))}
    ids = {document["$id"]: f"{system}.{name}" for name, document in files.items()}
    parts = _parts(system, files)
    found: dict[str, dict[str, Any]] = {}
    for name, document in files.items():
        local = {DEFS + part: parts[name, part] for part in document.get("$defs", {})}
        known = {**ids, **local}
        own = {key: value for key, value in document.items() if key not in ("$id", "$schema", "$defs")}
        found[f"{system}.{name}"] = _anew(own, known)
        found |= {parts[name, part]: _anew(schema, known) for part, schema in document.get("$defs", {}).items()}
    return found


def _parts(system: str, files: Mapping[str, Json]) -> dict[tuple[str, str], str]:
    """(file, part) → component: one for a part that all files write alike, else one for each file."""
    written: dict[str, set[str]] = {}
    for _, part, schema in _all_parts(files):
        written.setdefault(part, set()).add(json.dumps(schema, sort_keys=True))
    return {
        (name, part): f"{system}.{part}" if len(written[part]) == 1 else f"{system}.{name}.{part}"
        for name, part, _ in _all_parts(files)
    }


def _all_parts(files: Mapping[str, Json]) -> Iterator[tuple[str, str, Any]]:
    for name, document in files.items():
        for part, schema in document.get("$defs", {}).items():
            yield name, part, schema


def _anew(node: Any, known: Mapping[str, str]) -> Any:
    """The same with every reference written as one to a component."""
    if isinstance(node, list):
        return [_anew(one, known) for one in node]
    if not isinstance(node, dict):
        return node
    found = {key: _anew(value, known) for key, value in node.items()}
    if isinstance(node.get("$ref"), str):
        found["$ref"] = COMPONENTS + known[node["$ref"]]
    return found
