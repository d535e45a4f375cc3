"""The AsyncAPI document against the topology and against itself, without a network."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator

from bridge.app import manifests
from bridge.bus import asyncapi
from bridge.bus.topology import Topology
from schemas.event import CloudEvent, EventType
from schemas.generate import text
from schemas.handoff import HandoffReady
from tests.schemas.validators import load

TOPOLOGY = Topology(tuple(manifest.system for manifest in manifests()))
DOCUMENT: dict[str, Any] = load("asyncapi")
CHANNELS: dict[str, dict[str, Any]] = DOCUMENT["channels"]
MESSAGES: dict[str, dict[str, Any]] = DOCUMENT["components"]["messages"]
CHINESE, LATIN = re.compile(r"[\u4e00-\u9fff]"), re.compile(r"[A-Za-z]{3}")


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _walk(child)


def _resolve(reference: str) -> Any:
    assert reference.startswith("#/"), reference
    node: Any = DOCUMENT
    for step in reference[2:].split("/"):
        node = node[step.replace("~1", "/").replace("~0", "~")]
    return node


def _followed(node: dict[str, Any]) -> Any:
    return _resolve(node["$ref"]) if "$ref" in node else node


def test_the_head() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"info", "servers", "channels", "operations", "components", "defaultContentType"} <= DOCUMENT.keys()
    assert {"title", "version", "description", "license"} <= DOCUMENT["info"].keys()
    for server in DOCUMENT["servers"].values():
        assert {"host", "protocol", "description"} <= server.keys()
        assert set(re.findall(r"{(\w+)}", server["host"])) == server["variables"].keys()


# The objects of AsyncAPI 3.0 and its AMQP bindings, version 0.3.0: which fields each must have, and which it may. The
# official JSON Schema comes in an npm package only; held against it by hand (6.11.1, November 2026): no error.
SHAPES: dict[str, tuple[set[str], set[str]]] = {
    "document": ({"asyncapi", "info"}, {"id", "servers", "defaultContentType", "channels", "operations", "components"}),
    "info": ({"title", "version"}, {"termsOfService", "contact", "license", "tags", "externalDocs", "description"}),
    "server": (
        {"host", "protocol"},
        {"protocolVersion", "pathname", "description", "title", "summary", "variables", "security", "tags", "bindings"},
    ),
    "variable": (set(), {"enum", "default", "description", "examples"}),
    "channel": (set(), {"address", "messages", "title", "summary", "description", "servers", "parameters", "bindings"}),
    "parameter": (set(), {"enum", "default", "description", "examples", "location"}),
    "operation": (
        {"action", "channel"},
        {"title", "summary", "description", "security", "tags", "bindings", "traits", "messages", "reply"},
    ),
    "message": (
        set(),
        {"headers", "payload", "correlationId", "contentType", "name", "title", "summary", "description", "tags"}
        | {"externalDocs", "bindings", "examples", "traits"},
    ),
    "example": (set(), {"headers", "payload", "name", "summary"}),
    "correlation": ({"location"}, {"description"}),
    "components": (set(), {"schemas", "servers", "channels", "operations", "messages", "securitySchemes"}),
    "scheme": ({"type"}, {"description"}),
    "queue": (set(), {"name", "durable", "exclusive", "autoDelete", "vhost"}),
    "exchange": (set(), {"name", "type", "durable", "autoDelete", "vhost"}),
    "channel binding": (set(), {"is", "exchange", "queue", "bindingVersion"}),
    "operation binding": (
        set(),
        {"expiration", "userId", "cc", "priority", "deliveryMode", "mandatory", "bcc", "timestamp", "ack"}
        | {"bindingVersion"},
    ),
    "message binding": (set(), {"contentEncoding", "messageType", "bindingVersion"}),
}


def _objects(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(kind, object) of all that AsyncAPI gives a shape to."""
    yield from (("document", document), ("info", document["info"]), ("components", document["components"]))
    for server in document["servers"].values():
        yield "server", server
        yield from (("variable", variable) for variable in server["variables"].values())
    for channel in document["channels"].values():
        yield "channel", channel
        yield from (("parameter", parameter) for parameter in channel.get("parameters", {}).values())
        binding = channel["bindings"]["amqp"]
        yield "channel binding", binding
        yield from ((kind, binding[kind]) for kind in ("queue", "exchange") if kind in binding)
    for operation in document["operations"].values():
        yield from (("operation", operation), ("operation binding", operation["bindings"]["amqp"]))
    for message in document["components"]["messages"].values():
        yield from (("message", message), ("correlation", message["correlationId"]))
        yield "message binding", message["bindings"]["amqp"]
        yield from (("example", example) for example in message["examples"])
    yield from (("scheme", scheme) for scheme in document["components"]["securitySchemes"].values())


def _misshapen(document: dict[str, Any]) -> list[tuple[str, str]]:
    """(kind, field) of what is missing or not known there."""
    found = []
    for kind, one in _objects(document):
        needed, more = SHAPES[kind]
        known = {name for name in one if not name.startswith("x-")}
        found += [(kind, name) for name in sorted((needed - known) | (known - needed - more))]
    return found


def test_every_object_has_the_fields_of_asyncapi_3_0_and_no_others() -> None:
    assert _misshapen(DOCUMENT) == []
    assert {kind for kind, _ in _objects(DOCUMENT)} == SHAPES.keys()


@pytest.mark.parametrize(
    ("kind", "field", "break_it"),
    [
        ("info", "version", lambda found: found["info"].pop("version")),
        ("channel", "subscribe", lambda found: found["channels"]["bridge.router"].update(subscribe={})),
        ("operation", "channel", lambda found: found["operations"]["routeEvent"].pop("channel")),
        ("queue", "x", lambda found: found["channels"]["bridge.router"]["bindings"]["amqp"]["queue"].update(x=1)),
        ("message", "schemaFormat", lambda found: found["components"]["messages"]["event"].update(schemaFormat="x")),
    ],
)
def test_a_misshapen_one_would_be_noticed(kind: str, field: str, break_it: Callable[[Any], Any]) -> None:
    broken = copy.deepcopy(DOCUMENT)
    break_it(broken)
    assert _misshapen(broken) == [(kind, field)]


def test_every_reference_resolves() -> None:
    references = [node["$ref"] for node in _walk(DOCUMENT) if isinstance(node.get("$ref"), str)]
    assert references
    for reference in references:
        assert isinstance(_resolve(reference), dict), reference


# ── channels and the topology ──
def test_every_queue_of_the_topology_has_its_channel_and_no_other() -> None:
    described = {
        channel["bindings"]["amqp"]["queue"]["name"]
        for channel in CHANNELS.values()
        if channel["bindings"]["amqp"]["is"] == "queue"
    }
    assert described == set(TOPOLOGY.queue_names())


def test_every_exchange_one_can_publish_to_has_its_channel_and_no_other() -> None:
    bindings = [channel["bindings"]["amqp"] for channel in CHANNELS.values()]
    described = {binding["exchange"]["name"]: binding["exchange"] for binding in bindings if "exchange" in binding}
    assert {name: exchange["type"] for name, exchange in described.items()} == {
        TOPOLOGY.events: "topic",
        TOPOLOGY.handoffs: "direct",
    }
    assert all(exchange["durable"] and not exchange["autoDelete"] for exchange in described.values())


@pytest.mark.parametrize("name", TOPOLOGY.queue_names())
def test_a_queue_is_described_as_it_is_declared(name: str) -> None:
    declared = TOPOLOGY.queue(name)
    channel = CHANNELS[name]
    assert channel["address"] == name
    assert channel["bindings"]["amqp"]["queue"]["durable"] is True
    assert channel["x-queue-arguments"]["x-queue-type"] == "quorum"
    assert channel["x-bound-to"] == {
        "exchange": declared.exchange.name,
        "type": declared.exchange.type,
        "routingKey": declared.routing_key,
    }


def test_the_parameters_of_an_address_are_described() -> None:
    for channel in CHANNELS.values():
        assert set(re.findall(r"{(\w+)}", channel["address"])) == channel.get("parameters", {}).keys()
    assert CHANNELS[TOPOLOGY.events]["parameters"]["type"]["enum"] == list(EventType)


@pytest.mark.parametrize("name", CHANNELS)
def test_channels_are_described_in_both_languages(name: str) -> None:
    assert CHINESE.search(CHANNELS[name]["description"])
    assert LATIN.search(CHANNELS[name]["description"])


# ── operations ──
@pytest.mark.parametrize("name", DOCUMENT["operations"])
def test_an_operation_speaks_only_of_messages_of_its_channel(name: str) -> None:
    operation = DOCUMENT["operations"][name]
    channel = operation["channel"]["$ref"]
    assert operation["action"] in ("send", "receive")
    assert operation["messages"]
    for message in operation["messages"]:
        assert message["$ref"].startswith(f"{channel}/messages/")
        assert _followed(_resolve(message["$ref"]))["contentType"] == "application/cloudevents+json"


def test_the_bridge_consumes_every_queue_but_the_unroutable_one() -> None:
    operations = DOCUMENT["operations"].values()
    received = {
        item["channel"]["$ref"].removeprefix("#/channels/") for item in operations if item["action"] == "receive"
    }
    assert received == set(TOPOLOGY.queue_names()) - {TOPOLOGY.unroutable}


# ── messages ──
@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_has_an_example_that_fits(name: str) -> None:
    message = MESSAGES[name]
    payload = {**message["payload"], "components": DOCUMENT["components"]}
    assert message["examples"]
    for example in message["examples"]:
        assert list(Draft7Validator(payload).iter_errors(example["payload"])) == []
        assert list(Draft7Validator(message["headers"]).iter_errors(example["headers"])) == []


def test_the_examples_are_read_by_the_models() -> None:
    CloudEvent.model_validate(MESSAGES["event"]["examples"][0]["payload"])
    HandoffReady.model_validate(MESSAGES["handoffReady"]["examples"][0]["payload"])


def test_the_payloads_keep_to_what_asyncapi_reads_without_a_schema_format() -> None:
    """Its own schema dialect is a superset of draft 7."""
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)
    assert "$defs" not in json.dumps(DOCUMENT)


def test_a_prefix_names_everything_anew() -> None:
    prefixed = asyncapi.document(Topology(("wechat",), "t1."))
    assert set(prefixed["channels"]) == {f"t1.{name}" for name in (
        "petition.events", "bridge.router", "petition.handoffs", "handoff.wechat", "petition.unroutable",
    )}  # fmt: skip
    assert text(prefixed)
