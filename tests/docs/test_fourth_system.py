"""docs/a-fourth-system.md is true: its blocks, taken out of the page, carry a petition to a fourth system and back."""

import asyncio
import importlib.util
import inspect
import itertools
import runpy
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

import adapters
from bridge import app as root
from bridge.demo.playground import Playground
from bridge.rest.openapi import document
from tests.docs.pages import DOCS, ROOT, text, titled

BLOCKS = titled(text(DOCS / "a-fourth-system.md"))
SYSTEM = "city_management"
FOLDER = f"adapters/{SYSTEM}/"
FILES = ("__init__", "settings", "mapping", "inbound", "outbound", "openapi", "sandbox")
PETITION = {
    "external_id": "fourth-1",
    "kind": "求助",
    "handling_class": "派出单位办理",
    "title": "门前路面坑洼",
    "content": "解放路小学门前路面坑洼，雨天孩子摔倒过两次，盼修补。",
    "petitioner": {"name": "孙某某", "phone": "13900009876", "openid": "oDemoFourth0001"},
    "place": {"region_code": "370811000000"},
}


@pytest.fixture
def extracted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The page's files in a directory that counts as part of the package `adapters`."""
    for title, code in BLOCKS.items():
        if "/" in title:
            path = tmp_path / title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(code, encoding="utf-8")
    monkeypatch.setattr(adapters, "__path__", [*adapters.__path__, str(tmp_path / "adapters")])
    before = set(sys.modules)
    yield tmp_path
    for module in set(sys.modules) - before:
        if module.startswith(f"adapters.{SYSTEM}"):
            del sys.modules[module]
    vars(adapters).pop(SYSTEM, None)


@pytest.fixture
def registered(extracted: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's registry in force."""
    registry = runpy.run_path(str(extracted / "adapters/registry.py"))
    monkeypatch.setattr(root, "MANIFESTS", registry["MANIFESTS"])
    return extracted


@pytest.fixture
def routes(tmp_path: Path) -> Path:
    """The built-in table with the page's rule at its end."""
    path = tmp_path / "routes.toml"
    path.write_text(text(ROOT / "bridge/tables/routes.toml") + "\n" + BLOCKS["rules to add"], encoding="utf-8")
    return path


def test_the_page_has_every_file() -> None:
    wanted = {f"{FOLDER}{name}.py" for name in FILES}
    wanted |= {"adapters/registry.py", "tests/adapters/city_management/test_contract.py", "event.json", "rules to add"}
    assert set(BLOCKS) == wanted


def test_the_registry_of_the_page_only_adds(registered: Path) -> None:
    shipped = [one.system for one in importlib.import_module("adapters.registry").MANIFESTS if one.system != SYSTEM]
    told = [one.system for one in root.manifests()]
    assert told[-1] == SYSTEM
    # A city that has taken a system up after this page was written has one more than the page.
    assert told[:-1] == shipped[: len(told) - 1]


def test_its_door_and_its_call_are_in_the_openapi_document(registered: Path) -> None:
    told = document(root.manifests())
    assert [error.message for error in OpenAPIV31SpecValidator(told).iter_errors()] == []
    assert told["paths"].keys() >= {"/in/city-management/tickets"}
    assert f"{SYSTEM}.ticket" in told["webhooks"]


def test_the_contract_tests_of_the_page_pass(extracted: Path) -> None:
    path = extracted / "tests/adapters/city_management/test_contract.py"
    module = _module(path)
    ran = sum(_run(function) for name, function in vars(module).items() if name.startswith("test_"))
    assert ran >= 10


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("the_page_s_contract_tests", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _run(function: Callable[..., None]) -> int:
    """Call it once for each of its parameter sets, as pytest would; how many times."""
    marks = [mark for mark in getattr(function, "pytestmark", []) if mark.name == "parametrize"]
    count = 0
    for chosen in itertools.product(*(mark.args[1] for mark in marks)):
        arguments: dict[str, Any] = {}
        for mark, values in zip(marks, chosen, strict=True):
            names = [mark.args[0]] if isinstance(mark.args[0], str) else list(mark.args[0])
            arguments |= dict(zip(names, [values] if len(names) == 1 else values, strict=True))
        assert set(inspect.signature(function).parameters) == set(arguments)
        function(**arguments)
        count += 1
    return count


def test_the_page_s_event_is_routed_as_the_page_says(registered: Path, routes: Path) -> None:
    from bridge.explain import explain_event

    answer = explain_event(BLOCKS["event.json"].encode(), root.routes_for(root.settings(_env_file=None, routes=routes)))
    told = {target["system"]: target["rules"] for target in answer["targets"]}
    assert SYSTEM in told
    assert told[SYSTEM][0].startswith("求助 in the city's own district")


@pytest.mark.parametrize(
    "mood",
    [{}, {"reset": True, "after": True, "times": 1}, {"reset": True, "times": 1}],
    ids=["calm", "cut off after it was taken", "cut off before it was taken"],
)
def test_a_petition_goes_there_and_its_answer_comes_back(
    mood: dict[str, Any], registered: Path, routes: Path, tmp_path: Path
) -> None:
    told = asyncio.run(_journey(tmp_path, routes, mood))
    trail, law, received, queues = told["trail"], told["law"], told["received"], told["queues"]

    assert [(item["what"], item["case"]) for item in received["items"]] == [("open", trail["petition_id"])]
    # What was cut off was asked about, and sent again only if it had not arrived.
    assert (received["duplicates"], received["repeats"]) == (0, 0)
    assert received["items"][0]["text"] == PETITION["content"]

    entries = trail["entries"]
    delivered = [one for one in entries if one["what"] == "handoff.delivered" and one["to"] == SYSTEM]
    assert [one["receipt"] for one in delivered] == ["CG-000001"]
    asked = [one["what"] for one in entries if one["what"] == "handoff.unknown"]
    assert len(asked) == (1 if mood else 0)
    said = [one["what"] for one in entries if one.get("from") == SYSTEM and one["what"].startswith("petition.")]
    assert said == ["petition.replied", "petition.closed"]
    # What it said reached the petitioner, and was not told back to it.
    assert trail["state"] == "closed"
    assert entries[0]["what"] == "petition.accepted"
    assert law["holds"]
    assert law["closed"] == law["accepted"] == 1
    assert any(name.endswith(f"handoff.{SYSTEM}") for name in queues)


async def _journey(directory: Path, routes: Path, mood: dict[str, Any]) -> dict[str, Any]:
    async with Playground(directory, pace_seconds=0.2, routes=routes, retry_ladder="1s,1s,1s") as world:
        await world.call("POST", f"{world.sandbox_url(SYSTEM)}/sandbox/mood", mood)
        status, answer = await world.call("POST", f"{world.url}/v1/petitions", PETITION)
        assert status == 202, answer

        async def trail() -> dict[str, Any]:
            _, found = await world.call("GET", f"{world.url}/v1/petitions/{answer['petition_id']}/trail")
            return found

        async def done() -> bool:
            return (await trail())["state"] == "closed" and not await world.busy()

        await _until(done)
        _, depths = await world.call("GET", f"{world.url}/v1/queues")
        return {
            "trail": await trail(),
            "law": await world.law(),
            "received": await world.received(SYSTEM),
            "queues": list(depths["queues"]),
        }


async def _until(condition: Callable[[], Awaitable[bool]], tries: int = 600) -> None:
    for _ in range(tries):
        if await condition():
            return
        await asyncio.sleep(0.1)
    raise TimeoutError("the petition did not come back closed")
