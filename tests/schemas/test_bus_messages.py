"""What the ledger really puts on the bus: valid against its schemas, and nobody can be known from it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine

from bridge.adapter import Submission, Update
from bridge.bus.message import CONTENT_TYPE, Message
from bridge.clock import from_ms
from bridge.ledger.accept import Arrival, accept
from bridge.ledger.matching import record_update
from bridge.ledger.tables import metadata
from bridge.ledger.work import Work, ready_message, stored_event_message
from schemas.base import SHANGHAI
from schemas.event import CloudEvent, EventData, EventType
from schemas.handoff import HandoffReady
from schemas.petition import ExternalId, HandlingClass, PetitionDraft, Secretary
from tests.schemas.validators import load, validator
from tests.support.ledgers import PRIVACY

NOW = 1_795_314_600_000
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)
"""No word of the bus is written in these, so a find is a leak and not a coincidence."""

PEOPLE = st.fixed_dictionaries(
    {
        "name": st.text(HAN, min_size=1, max_size=20),
        "phone": st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
        "openid": st.from_regex(r"o[A-Za-z0-9_-]{27}", fullmatch=True),
        "content": st.text(HAN, min_size=1, max_size=200),
        "address": st.text(HAN, min_size=1, max_size=50),
        "number": st.from_regex(r"ID[0-9]{18}", fullmatch=True),
    }
)


class House:
    """The least a submission needs."""

    duplicate_days = 0.0
    merge_repeats = False

    def classify(self, draft: PetitionDraft, source: str) -> HandlingClass:
        return HandlingClass.HOTLINE_TRANSFER

    def owner(self, draft: PetitionDraft) -> Secretary:
        return Secretary(id="S-1", name="沈静", team_id="T-07")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def draft(person: dict[str, str]) -> PetitionDraft:
    return PetitionDraft.model_validate(
        {
            "title": person["content"],
            "content": person["content"],
            "petitioner": {key: person[key] for key in ("name", "phone", "openid")},
            "place": dict.fromkeys(("street", "community", "address"), person["address"]),
            "attachments": [{"name": person["name"], "url": f"https://files.example.cn/{person['phone']}"}],
        }
    )


def said(person: dict[str, str]) -> EventData:
    """An event that says all it can about the person, wherever words may stand."""
    return EventData.model_validate(
        {
            "text": f"{person['name']} {person['phone']} {person['content']}",
            "person": person["name"],
            "score": person["phone"],
            "reference": person["number"],
            "status": {"code": person["phone"], "name": person["content"]},
            "attachments": [{"name": person["content"], "url": person["openid"]}],
            "raw": json.dumps(person, ensure_ascii=False),
            "unit": "Street lamps",
            "units": [{"unit": "Water"}, {"unit": "Street lamps", "role": "assist"}],
            "due_at": "2026-12-01T23:59:59+08:00",
            "handling_class": "key_supervision",
        }
    )


def published(engine: Engine, person: dict[str, str]) -> list[Message]:
    """All that is put on the bus when this person's petition is taken in and lives through every event."""
    with engine.connect() as conn, conn.begin() as transaction:
        work = Work(conn, NOW, PRIVACY)
        number = ExternalId(system="hotline12345", kind="caseId", value=person["number"])
        submission = Submission(person["number"], draft(person), (number,), from_ms(NOW), actor=person["name"])
        accept(work, House(), [Arrival("hotline12345", "/door", NOW, "", b"", (submission,), traceparent=TRACE)])
        (row,) = work.rows.values()
        for index, type_ in enumerate(EventType):
            update = Update(f"{person['openid']}:{index}", (), type_, said(person), from_ms(NOW + index))
            record_update(work, "wechat", update, row, None)
        stored = work._events[-1]
        work.outgoing.append(stored_event_message(stored))
        handoff = {"handoff_id": stored["event_id"], "system": "wechat", "event_type": "noted"}
        work.outgoing.append(ready_message({**stored, **handoff}, NOW))
        transaction.rollback()
        return work.outgoing


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(person=PEOPLE)
def test_nobody_can_be_known_from_the_bus(engine: Engine, person: dict[str, str]) -> None:
    for message in published(engine, person):
        seen = message.body + f"{message.routing_key} {message.id} {dict(message.headers)}".encode()
        for name, secret in person.items():
            for written in (secret.encode(), json.dumps(secret)[1:-1].encode()):
                assert written not in seen, f"{name} on the bus in {message.routing_key}"


@pytest.fixture(scope="module")
def messages(engine: Engine) -> list[Message]:
    person = {
        "name": "顾长林",
        "phone": "13900000001",
        "openid": "oLT5x0aaaaBBBBccccDDDDeeee01",
        "content": "路灯不亮",
        "address": "枫林路188弄",
        "number": "ID310115000000000001",
    }
    return published(engine, person)


def test_every_event_type_was_published(messages: list[Message]) -> None:
    events = [message for message in messages if message.channel == "event"]
    assert {message.routing_key.split(".")[1] for message in events} == set(EventType)


def test_events_are_cloud_events(messages: list[Message]) -> None:
    for message in messages:
        if message.channel == "event":
            _agrees(message, CloudEvent, "cloud-event")
            assert validator("bus-data").is_valid(json.loads(message.body)["data"])


def test_nudges_are_cloud_events(messages: list[Message]) -> None:
    nudges = [message for message in messages if message.channel == "handoff"]
    assert nudges
    for message in nudges:
        _agrees(message, HandoffReady, "handoff-ready")


def _agrees(message: Message, model: Any, name: str) -> None:
    document = json.loads(message.body)
    read = model.model_validate_json(message.body)
    assert list(validator(name).iter_errors(document)) == []
    assert document["dataschema"] == load("bus-data" if name == "cloud-event" else name)["$id"]
    assert message.id == str(read.id) == message.headers["ce-id"]
    assert (message.headers["ce-type"], message.headers["ce-subject"]) == (read.type, read.subject)
    assert message.headers.get("traceparent") == read.traceparent
    assert read.time.astimezone(SHANGHAI).isoformat(timespec="milliseconds") == document["time"]


def test_the_content_type_says_cloud_events() -> None:
    assert CONTENT_TYPE == "application/cloudevents+json"
