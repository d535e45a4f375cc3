"""The JSON Schemas of the wire: what we send and answer, and what is read, keeps to them."""

import json
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from adapters.governance_center import composing, documents
from bridge.adapter import Answered, Ignored, Malformed, Outcome, Question, Reading, Response, Taken
from schemas.event import EventData, EventType
from tests.adapters.governance_center.support import (
    EVENT_ID,
    PETITION_ID,
    codes,
    inbound,
    outgoing,
    read,
    request,
    run,
    view,
    with_sandbox,
)
from tests.adapters.governance_center.test_fields import OF_A_REPORT, OF_A_STEP
from tests.adapters.governance_center.test_strict import FULL, PETITION

SCHEMAS: dict[str, Any] = {name: json.loads(text) for name, text in documents.schemas().items()}
REGISTRY: Registry[Any] = Registry().with_resources(  # type: ignore[call-arg]  # attrs hides the defaults
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()
)


VALIDATORS = {name.removesuffix(".json"): Draft202012Validator(one, registry=REGISTRY) for name, one in SCHEMAS.items()}


def fits(name: str, document: Any) -> None:
    VALIDATORS[name].validate(document)


def refused(name: str, document: Any) -> bool:
    return not VALIDATORS[name].is_valid(document)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_each_is_a_schema_with_a_title_in_both_languages(name: str) -> None:
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:laiting:governance_center:{name.removesuffix('.json')}:1"
    assert any("\u4e00" <= letter <= "\u9fff" for letter in schema["title"])


def test_every_field_is_described_in_both_languages() -> None:
    for name, field in SCHEMAS["event-document.json"]["properties"].items():
        assert any("\u4e00" <= letter <= "\u9fff" for letter in field["description"]), name


@pytest.mark.parametrize("kind", sorted(codes().says))
def test_what_we_send_keeps_to_the_schema(kind: EventType) -> None:
    for data in (EventData(), FULL):
        fits("event-document", composing.document(outgoing(kind, data, **PETITION), codes()))


def test_what_is_read_keeps_to_the_schema() -> None:
    for fields, _ in (*OF_A_STEP.values(), *OF_A_REPORT.values()):
        fits("event-document", {"op": "progress", "eventId": EVENT_ID, **fields})


@pytest.mark.parametrize(
    "document",
    [
        {"eventId": "1"},
        {"op": "sign"},
        {"op": "sign", "eventId": 1.5},
        {"op": "sign", "eventId": "1", "advice": ["x"]},
        {"op": "sign", "eventId": "1", "assignments": "x"},
        [],
    ],
)
def test_what_is_malformed_does_not(document: Any) -> None:
    assert refused("event-document", document)
    assert isinstance(read(document), Malformed)


def test_batches() -> None:
    one = {"op": "sign", "eventId": "1"}
    fits("event-batch", [one])
    fits("event-batch", {"events": [one, one]})
    for wrong in ([], {"events": []}, [{"op": "sign"}], [one] * 101, one):
        assert refused("event-batch", wrong)


def _answers(reading: Reading) -> Response:
    match reading:
        case Taken(drafts, reply):
            return reply([Outcome("event", PETITION_ID, "ab" * 32) for _ in drafts])
        case Ignored(response, _, _) | Malformed(response, _) | Answered(response):
            return response
        case Question(then, _):
            return _answers(then([view(known=EVENT_ID)]))
    raise AssertionError(reading)


SIGN = {"op": "sign", "eventId": "1"}


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("answer", SIGN),
        ("answer", {"op": "userInfo", "eventId": "1"}),
        ("answer", {"op": "fly", "eventId": "1"}),
        ("answer", b"not json"),
        ("batch-answer", [SIGN]),
        ("batch-answer", [SIGN, "x", {"op": "userInfo", "eventId": "1"}]),
        ("batch-answer", ["x"]),
        ("batch-answer", [{"op": "userInfo", "eventId": "1"}]),
    ],
)
def test_our_answers_keep_to_the_schema(name: str, document: Any) -> None:
    fits(name, orjson.loads(_answers(read(document)).body))


def test_the_answers_around_a_document_keep_to_it_too() -> None:
    door, asked = inbound(), request(b"")
    for response in (door.too_large(asked), door.unavailable(asked)):
        fits("answer", orjson.loads(response.body))
    looked_up = door.read(request(b"", method="GET", path=f"{asked.path}/{EVENT_ID}")).reading
    assert isinstance(looked_up, Question)
    for views in ([view(known=EVENT_ID)], []):
        fits("look-up-answer", orjson.loads(_answers(looked_up.then(views)).body))


def test_what_the_sandbox_answers_keeps_to_the_schema() -> None:
    async def work() -> None:
        async with with_sandbox() as (center, outbound):
            call = outbound._caller.call
            report = composing.document(outgoing(EventType.SUBMITTED, **PETITION), codes())
            for shape in ("plain", "numeric", "peer", "success_number", "batch"):
                center.dialect.change({"answers": shape})
                fits("center-answer", orjson.loads((await call("POST", "/events", orjson.dumps(report))).body))
            center.dialect.change({"answers": "plain"})
            fits("center-answer", orjson.loads((await call("GET", f"/events/{PETITION_ID}", b"")).body))
            asked = {"beginTime": "2000-01-01 00:00:00", "endTime": "2100-01-01 00:00:00", "pageNo": 1, "pageSize": 9}
            fits("register-query", asked)
            listed = orjson.loads((await call("POST", "/events/query", orjson.dumps(asked))).body)
            assert len(listed["events"]) == 1
            fits("register-list", listed)
            fetched = orjson.loads((await call("GET", f"/events/{PETITION_ID}/document", b"")).body)
            fits("register-report", fetched)
            fits("event-document", fetched["document"])

    run(work())
