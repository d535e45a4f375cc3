"""The OpenAPI document: valid, its examples too, and of exactly the routes and doors that there are."""

import copy
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import requests
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import OpenAPIV31SpecValidator

from adapters.governance_center.openapi import examples as events
from adapters.governance_center.wire import Op
from adapters.hotline12345 import messages
from adapters.hotline12345.openapi import examples as actions
from adapters.registry import MANIFESTS
from adapters.wechat.crypto import MessageKey, signature
from adapters.wechat.inbound import PATH as WECHAT
from bridge.apikeys import KeyRing
from bridge.rest.application import application
from bridge.rest.context import Context
from bridge.rest.openapi import document
from tests.schemas.validators import load
from tests.support.credentials import Insider
from tests.support.halls import Hall

DOCUMENT: dict[str, Any] = load("openapi")
CHINESE, LATIN = re.compile(r"[\u4e00-\u9fff]"), re.compile(r"[A-Za-z]{3}")
SIDES = ("paths", "webhooks")


def operations(side: str) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in DOCUMENT[side].items()
        for method, operation in item.items()
    }


OPERATIONS = {f"{side} {name}": found for side in SIDES for name, found in operations(side).items()}


def _followed(node: Mapping[str, Any]) -> Any:
    if "$ref" not in node:
        return node
    found: Any = DOCUMENT
    for step in node["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


def contents(operation: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(where, media type, content) of the request and of every answer."""
    for media_type, one in operation.get("requestBody", {}).get("content", {}).items():
        yield "request", media_type, one
    for status, answer in operation["responses"].items():
        for media_type, one in _followed(answer)["content"].items():
            yield status, media_type, one


def faults(schema: Mapping[str, Any], value: Any, within: Mapping[str, Any] = DOCUMENT) -> list[str]:
    whole = {**schema, "components": within["components"]}
    return [error.message for error in OAS31Validator(whole, format_checker=oas31_format_checker).iter_errors(value)]


# ── the document itself ──
def test_it_is_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


@pytest.mark.parametrize(
    "break_it",
    [
        lambda found: found.pop("info"),
        lambda found: found["paths"]["/v1/petitions"]["post"].update(responses=[]),
        lambda found: found["paths"]["/v1/petitions/{petition_id}"]["get"].pop("parameters"),
        lambda found: found["components"]["schemas"]["Law"].update(type="thing"),
        lambda found: found["webhooks"]["governance_center.events"]["post"].update(requestBody={}),
    ],
)
def test_a_broken_one_would_be_noticed(break_it: Callable[[Any], Any]) -> None:
    small = document([one for one in MANIFESTS if one.system == "governance_center"])
    assert OpenAPIV31SpecValidator(small).is_valid()
    broken = copy.deepcopy(small)
    break_it(broken)
    assert not OpenAPIV31SpecValidator(broken).is_valid()


def test_every_reference_leads_somewhere() -> None:
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(DOCUMENT)))
    assert len(references) > 100
    for reference in references:
        assert isinstance(_followed({"$ref": reference}), dict), reference


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(names) == len(set(names))
    known = {tag["name"] for tag in DOCUMENT["tags"]}
    assert {tag for operation in OPERATIONS.values() for tag in operation["tags"]} == known


def test_security_names_schemes_that_are_there() -> None:
    used = {name for one in OPERATIONS.values() for asked in one.get("security", []) for name in asked}
    assert used == DOCUMENT["components"]["securitySchemes"].keys()


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_is_told_in_both_languages(name: str) -> None:
    told = OPERATIONS[name]["summary"] + OPERATIONS[name].get("description", "")
    assert CHINESE.search(told)
    assert LATIN.search(told)


# ── examples ──
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_example_fits_its_schema(name: str) -> None:
    for where, media_type, content in contents(OPERATIONS[name]):
        for example in content.get("examples", {}).values():
            assert faults(content["schema"], example["value"]) == [], (where, media_type)
    for parameter in OPERATIONS[name].get("parameters", []):
        if "example" in parameter:
            assert faults(parameter["schema"], parameter["example"]) == [], parameter["name"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_request_and_every_json_answer_of_ours_has_an_example(name: str) -> None:
    for where, media_type, content in contents(OPERATIONS[name]):
        ours = name.startswith("paths") and "json" in media_type and OPERATIONS[name]["tags"] != ["documents"]
        assert content.get("examples") or not (ours or where == "request"), (where, media_type)


def test_an_example_that_does_not_fit_would_be_noticed() -> None:
    content = DOCUMENT["paths"]["/v1/petitions"]["post"]["requestBody"]["content"]["application/json"]
    (good,) = (example["value"] for example in content["examples"].values())
    assert faults(content["schema"], good) == []
    for bad in ({**good, "more": 1}, {**good, "content": ""}, {**good, "petitioner": {"name": "孟某某"}}):
        assert faults(content["schema"], bad)


def test_every_action_and_every_op_has_an_example() -> None:
    assert actions().keys() == {**messages.ACTIONS, **messages.NOTICES_ONLY, **messages.EXTENSION}.keys()
    assert events().keys() == {op.value for op in Op}


# ── the document and the application ──
@asynccontextmanager
async def _no_life(_app: FastAPI) -> AsyncIterator[None]:
    yield


@pytest.fixture(scope="module")
def routes(open_hall: Hall) -> dict[str, Any]:
    """What FastAPI finds out about `/v1` by itself."""
    bridge = open_hall.bridge
    context = Context(bridge.ledger, bridge.intake, KeyRing(), bridge.now)
    app = application(bridge, context, bridge.adapters, _no_life)
    return get_openapi(title="-", version="-", routes=app.routes)["paths"]  # type: ignore[no-any-return]


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Without what FastAPI adds: titles, descriptions, null for a parameter that may be left out."""
    (only,) = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    return {name: value for name, value in {**schema, **only}.items() if name not in ("title", "description", "anyOf")}


def test_it_describes_exactly_the_routes_that_there_are(routes: dict[str, Any]) -> None:
    described = {path: item.keys() for path, item in DOCUMENT["paths"].items() if path.startswith("/v1")}
    assert described == {path: item.keys() for path, item in routes.items()}


def test_parameters_are_what_the_routes_take(routes: dict[str, Any]) -> None:
    for path, item in routes.items():
        for method, operation in item.items():
            told = {
                (one["name"], one["in"]): one
                for one in DOCUMENT["paths"][path][method].get("parameters", [])
                if one["in"] != "header"
            }
            taken = {(one["name"], one["in"]): one for one in operation.get("parameters", [])}
            assert told.keys() == taken.keys(), path
            for key, one in taken.items():
                assert told[key]["required"] == one["required"], key
                assert _plain(one["schema"]).items() <= told[key]["schema"].items(), key


def test_it_describes_exactly_the_doors_that_there_are(open_hall: Hall) -> None:
    doors = {
        (door.path, method)
        for one in open_hall.bridge.adapters.values()
        for door in one.inbound.doors
        for method in door.methods
    }
    told = {
        (path, method.upper()) for path, item in DOCUMENT["paths"].items() if path.startswith("/in/") for method in item
    }
    assert doors == told


def test_it_is_served_as_it_lies(open_hall: Hall) -> None:
    answer = open_hall.get("/openapi.json", None)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json == DOCUMENT


def test_a_name_told_by_two_systems_is_refused() -> None:
    with pytest.raises(ValueError, match="told twice"):
        document([*MANIFESTS, replace(MANIFESTS[0], system="a_fourth_system")])


def test_a_system_that_tells_nothing_of_itself_is_no_obstacle() -> None:
    told = document([replace(MANIFESTS[0], openapi=None)])
    assert {path for path in told["paths"] if path.startswith("/in/")} == set()
    assert told["webhooks"] == {}
    assert [error.message for error in OpenAPIV31SpecValidator(told).iter_errors()] == []


# ── the examples, at the doors ──
@pytest.mark.parametrize("media_type", ["application/json", "text/xml"])
def test_a_sealed_message_gets_a_sealed_answer_as_described(open_hall: Hall, media_type: str) -> None:
    """Safe mode, which needs the account's key: what a made-up request cannot reach."""
    section = open_hall.sections["wechat"]
    key = MessageKey.of(section.aes_key.get_secret_value(), section.app_id)
    operation = DOCUMENT["paths"][WECHAT]["post"]
    welcome = operation["requestBody"]["content"]["application/json"]["examples"]["subscribe"]["value"]
    markup = "".join(f"<{name}>{value}</{name}>" for name, value in welcome.items())
    sealed = key.encrypt(json.dumps(welcome).encode() if "json" in media_type else f"<xml>{markup}</xml>".encode())
    stamp, nonce = str(int(time.time())), "n1"
    signed = signature(section.token.get_secret_value(), stamp, nonce, sealed)
    xml = f"<xml><ToUserName><![CDATA[gh_0a1b2c3d4e5f]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
    document = json.dumps({"ToUserName": "gh_0a1b2c3d4e5f", "Encrypt": sealed})
    response = requests.post(
        f"{open_hall.url}{WECHAT}?encrypt_type=aes&msg_signature={signed}&timestamp={stamp}&nonce={nonce}",
        data=xml if media_type == "text/xml" else document,
        headers={"Content-Type": media_type},
        timeout=30,
    )
    assert response.status_code == 200
    told = operation["responses"]["200"]["content"][response.headers["Content-Type"].partition(";")[0]]
    if media_type == "application/json":
        assert faults(told["schema"], response.json()) == []
        assert faults({"$ref": "#/components/schemas/wechat.reply-sealed"}, response.json()) == []
    else:
        assert response.headers["Content-Type"].startswith("application/xml")


EXAMPLES = [
    (path, method, media_type, name, example["value"])
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if path.startswith("/in/")
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items()
    for name, example in content["examples"].items()
]


@pytest.mark.parametrize(("path", "method", "media_type", "name", "value"), EXAMPLES, ids=lambda one: str(one)[:40])
def test_every_example_is_taken_at_its_door(
    open_hall: Hall, path: str, method: str, media_type: str, name: str, value: Any
) -> None:
    body = value if isinstance(value, str) else json.dumps(value)
    response = requests.request(
        method,
        open_hall.url + path,
        data=body.encode(),
        headers={"Content-Type": media_type},
        auth=Insider(open_hall.sections, open_hall.keys["all"]),
        timeout=30,
    )
    assert response.status_code in (200, 202), response.text
    told = DOCUMENT["paths"][path][method]["responses"][str(response.status_code)]["content"]
    schema = told[response.headers["Content-Type"].partition(";")[0]]["schema"]
    if "json" in response.headers["Content-Type"]:
        assert faults(schema, response.json()) == []
