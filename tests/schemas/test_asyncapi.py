"""The AsyncAPI document against the topology and against itself, without a network."""

import json
import re
from collections.abc import Iterator
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
