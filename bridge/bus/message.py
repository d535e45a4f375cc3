"""What travels on RabbitMQ: CloudEvents 1.0 in structured JSON, with the main attributes mirrored as headers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from bridge.clock import iso

CONTENT_TYPE = "application/cloudevents+json"
_EVENT_SCHEMA = "urn:laiting:schema:bus-data:1"
_HANDOFF_SCHEMA = "urn:laiting:schema:handoff-ready:1"


@dataclass(frozen=True, slots=True)
class Message:
    """One message to publish. `channel` is `event` or `handoff`; `id` the event's or the hand-off's."""

    channel: str
    id: str
    routing_key: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def event_message(
    *,
    event_id: str,
    petition_id: str,
    sequence: int,
    type_: str,
    source: str,
    occurred_at: int,
    traceparent: str | None,
    data: Mapping[str, Any],
) -> Message:
    """The public message of one event; `data` is the dumped `schemas.event.BusData`, times in milliseconds."""
    document = {
        "specversion": "1.0",
        "id": event_id,
        "source": f"/systems/{source}",
        "type": f"petition.{type_}",
        "subject": petition_id,
        "time": iso(occurred_at),
        "datacontenttype": "application/json",
        "dataschema": _EVENT_SCHEMA,
        "sequence": f"{sequence:010d}",
        "data": data,
    }
    if traceparent:
        document["traceparent"] = traceparent
    key = f"petition.{type_}.{source}"
    return Message("event", event_id, key, orjson.dumps(document), _headers(document))


def handoff_message(
    *, handoff_id: str, event_id: str, petition_id: str, system: str, event_type: str, at: int, traceparent: str | None
) -> Message:
    """The nudge that a hand-off is ready now. It carries no case data: the ledger does."""
    document: dict[str, Any] = {
        "specversion": "1.0",
        "id": handoff_id,
        "source": "/bridge",
        "type": "handoff.ready",
        "subject": petition_id,
        "time": iso(at),
        "datacontenttype": "application/json",
        "dataschema": _HANDOFF_SCHEMA,
        "data": {"handoff_id": handoff_id, "event_id": event_id, "system": system, "event_type": event_type},
    }
    if traceparent:
        document["traceparent"] = traceparent
    return Message("handoff", handoff_id, system, orjson.dumps(document), _headers(document))


def _headers(document: Mapping[str, Any]) -> dict[str, str]:
    headers = {"ce-id": document["id"], "ce-type": document["type"], "ce-subject": document["subject"]}
    if "traceparent" in document:
        headers["traceparent"] = document["traceparent"]
    return headers
