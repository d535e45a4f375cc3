"""`python -m bridge.documents`: writes every generated document; with `--check`, only names those that differ."""

import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path

import schemas
from bridge.app import manifests
from bridge.bus import asyncapi
from bridge.bus.topology import Topology
from bridge.rest import openapi
from schemas import generate

FOLDER = Path(schemas.__file__).parent / "json"


def documents() -> dict[str, str]:
    """File name → content of all that belongs in `FOLDER`."""
    topology = Topology(tuple(manifest.system for manifest in manifests()))
    return {
        **generate.files(),
        "asyncapi.json": generate.text(asyncapi.document(topology)),
        "openapi.json": generate.text(openapi.document(manifests())),
    }


def differing(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """Names of files that are missing, stale, or generated no longer."""
    found = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    expected = {name: content.encode() for name, content in wanted.items()}
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


def write(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """Make the folder hold exactly these; returns the names that changed."""
    folder.mkdir(exist_ok=True)
    changed = differing(folder, wanted)
    for name in changed:
        if name in wanted:
            (folder / name).write_bytes(wanted[name].encode())
        else:
            (folder / name).unlink()
    return changed


def main() -> int:
    parser = ArgumentParser(
        prog="python -m bridge.documents", description="JSON Schemas, AsyncAPI and OpenAPI (生成文档)"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and name the files that differ")
    if parser.parse_args().check:
        stale = differing(FOLDER, documents())
        for name in stale:
            print(f"{FOLDER / name}: differs; run python -m bridge.documents", file=sys.stderr)
        return 1 if stale else 0
    for name in write(FOLDER, documents()):
        print(f"wrote {FOLDER / name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
