"""`/v1/petitions`: in, once, whatever is sent; out, masked or with a reason, page by page."""

import asyncio
import sqlite3
import uuid
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from bridge.ids import PETITION_ID
from tests.support.halls import Answer, Hall, document
from tests.support.ledgers import HOTLINE


def fresh() -> str:
    return uuid.uuid4().hex


# ── in ──


def test_a_petition_is_taken_and_answered_with_its_number_and_receipt(hall: Hall) -> None:
    answer = hall.post("/v1/petitions", json=document(fresh()))
    assert answer.status == 202
    assert set(answer.json) == {"petition_id", "receipt"}
    assert PETITION_ID.fullmatch(answer.json["petition_id"])
    trail = hall.get(f"/v1/petitions/{answer.json['petition_id']}/trail").json
    assert trail["entries"][0]["what"] == "petition.accepted"
    assert trail["entries"][0]["receipt"] == answer.json["receipt"]


def test_the_same_external_id_gets_the_first_answer(hall: Hall) -> None:
    external = fresh()
    first = hall.post("/v1/petitions", json=document(external))
    again = hall.post("/v1/petitions", json=document(external, content="another text"))
    assert (again.status, again.json) == (202, first.json)


def test_the_same_external_id_of_another_caller_is_another_petition(hall: Hall) -> None:
    external = fresh()
    assert hall.submit(external, "writer") != hall.submit(external, "city_app", content="另一件事：路面积水")


def test_a_key_that_speaks_for_a_known_system_is_that_system(hall: Hall) -> None:
    petition_id = hall.submit(fresh(), "form")
    assert hall.get(f"/v1/petitions/{petition_id}").json["source"] == "wechat"


def test_the_same_idempotency_key_and_body_get_the_first_answer(hall: Hall) -> None:
    given, headers = document(fresh()), {"Idempotency-Key": fresh()}
    first = hall.post("/v1/petitions", json=given, headers=headers)
    again = hall.post("/v1/petitions", json=given, headers=headers)
    assert (again.status, again.json) == (202, first.json)


@pytest.mark.parametrize("same_external_id", [True, False])
def test_the_same_idempotency_key_with_another_body_is_refused(hall: Hall, same_external_id: bool) -> None:
    external, headers = fresh(), {"Idempotency-Key": fresh()}
    first = hall.post("/v1/petitions", json=document(external), headers=headers)
    other = document(external if same_external_id else fresh(), content="another text")
    answer = hall.post("/v1/petitions", json=other, headers=headers)
    assert (answer.status, answer.is_problem) == (422, True)
    assert "Idempotency-Key" in answer.json["detail"]
    # And the first one stands.
    assert hall.post("/v1/petitions", json=document(external), headers=headers).json == first.json


def test_an_idempotency_key_belongs_to_its_caller(hall: Hall) -> None:
    headers = {"Idempotency-Key": fresh()}
    assert hall.post("/v1/petitions", "writer", json=document(fresh()), headers=headers).status == 202
    assert hall.post("/v1/petitions", "city_app", json=document(fresh()), headers=headers).status == 202


def test_two_idempotency_keys_for_one_petition_get_one_answer(hall: Hall) -> None:
    given = document(fresh())
    first = hall.post("/v1/petitions", json=given, headers={"Idempotency-Key": fresh()})
    second = hall.post("/v1/petitions", json=given, headers={"Idempotency-Key": fresh()})
    assert second.json == first.json


@pytest.mark.parametrize("length", [200, 3000, 7000])
def test_a_long_idempotency_key_is_taken_or_refused(hall: Hall, length: int) -> None:
    answer = hall.post("/v1/petitions", json=document(fresh()), headers={"Idempotency-Key": "k" * length})
    assert answer.status == 202 or (400 <= answer.status < 500 and answer.is_problem)


def test_a_request_that_is_still_being_answered_is_not_answered_twice(hall: Hall) -> None:
    """The ledger is held by somebody else; of two equal requests one waits for the COMMIT, the other is told so."""
    # Taken in this thread, let go in the hall's.
    lock = sqlite3.connect(str(hall.bridge.store.url.database), isolation_level=None, check_same_thread=False)
    lock.execute("BEGIN IMMEDIATE")
    given, headers = document(fresh()), {"Idempotency-Key": fresh()}

    async def twice() -> list[Answer]:
        tasks = [
            asyncio.ensure_future(hall.call_later("POST", "/v1/petitions", "writer", json=given, headers=headers))
            for _ in range(2)
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        lock.execute("ROLLBACK")
        return list(await asyncio.gather(*tasks))

    answers = hall.run(twice())
    lock.close()
    assert sorted(answer.status for answer in answers) == [202, 409]
    assert next(answer for answer in answers if answer.status == 409).is_problem
    assert hall.post("/v1/petitions", json=given, headers=headers).status == 202


def test_many_equal_requests_at_once_make_one_petition(hall: Hall) -> None:
    given = document(fresh())

    async def many() -> list[Answer]:
        return list(
            await asyncio.gather(*(hall.call_later("POST", "/v1/petitions", "writer", json=given) for _ in range(20)))
        )

    answers = hall.run(many())
    assert {answer.status for answer in answers} <= {202, 409}
    assert len({answer.json["petition_id"] for answer in answers if answer.status == 202}) == 1


# ── bad bodies ──


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"null", b"[]", b'"x"', b"{", b"\xff\xfe", b"NaN", b'{"content": NaN}', b"[" * 50_000,
        b'{"a":' * 50_000, '{"content":"中文"}'.encode("gbk"), b'{"content":"\\ud800"}', b"\x00", b"<xml/>",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/petitions", "/v1/petitions/{id}/events"])
def test_a_body_that_cannot_be_read_is_refused_clearly_and_kept(hall: Hall, path: str, body: bytes) -> None:
    known = _one(hall)
    answer = hall.post(path.replace("{id}", known), body=body)
    assert answer.status in (400, 422)
    assert answer.is_problem
    kept = hall.get("/v1/messages?status=malformed&limit=200", "ops").json["messages"]
    assert kept[0]["bytes"] == len(body) or any(row["bytes"] == len(body) for row in kept)


_ONE: dict[int, str] = {}


def _one(hall: Hall) -> str:
    return _ONE.setdefault(id(hall), hall.submit(fresh()))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"external_id": ""}, "external_id"),
        ({"external_id": "x" * 129}, "external_id"),
        ({"external_id": "a\nb"}, "external_id"),
        ({"external_id": 5}, "external_id"),
        ({"content": ""}, "content"),
        ({"content": None}, "content"),
        ({"content": "x" * 100_001}, "content"),
        ({"title": "x" * 501}, "title"),
        ({"kind": "牢骚"}, "kind"),
        ({"handling_class": "somewhere"}, "handling_class"),
        ({"petitioner": {}}, ""),
        ({"petitioner": {"phone": ""}}, ""),
        ({"place": {"longitude": 120.0}}, "place"),
        ({"place": {"longitude": 999, "latitude": 1}}, "place"),
        ({"place": {"longitude": "NaN", "latitude": 1}}, "place"),
        ({"occurred_at": "2026-11-22T10:00:00"}, "occurred_at"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"petition_id": "LT261122-7K3M9QX2AB"}, "petition_id"),
        ({"secretary": {"id": "s"}}, "secretary"),
        ({"attachments": [{"name": "x"}]}, "attachments"),
    ],
)
def test_a_field_that_cannot_be_used_is_named_and_its_value_not_quoted(
    hall: Hall, fields: dict[str, Any], named: str
) -> None:
    answer = hall.post("/v1/petitions", json={**document(fresh()), **fields})
    assert (answer.status, answer.is_problem) == (422, True)
    assert any(error["field"].startswith(named) for error in answer.json["errors"])
    assert b"13900001234" not in answer.body


def test_a_body_over_one_mebibyte(hall: Hall) -> None:
    answer = hall.post("/v1/petitions", body=b" " * (1024 * 1024 + 1))
    assert (answer.status, answer.is_problem) == (413, True)


def test_a_body_over_one_mebibyte_that_does_not_say_its_length(hall: Hall) -> None:
    async def chunks() -> Any:
        for _ in range(40):
            yield b" " * 32_768

    assert hall.post("/v1/petitions", body=chunks()).status == 413


def test_a_body_of_exactly_one_mebibyte_is_read(hall: Hall) -> None:
    given = orjson.dumps(document(fresh()))
    answer = hall.post("/v1/petitions", body=given + b" " * (1024 * 1024 - len(given)))
    assert answer.status == 202


@pytest.mark.parametrize("path", ["/v1/petitions/{id}/events", "/v1/handoffs/{id}/replay", "/v1/handoffs/{id}/cancel"])
def test_413_everywhere(hall: Hall, path: str) -> None:
    key = "writer" if "events" in path else "ops"
    assert hall.post(path.replace("{id}", _one(hall)), key, body=b" " * (1024 * 1024 + 1)).status == 413


def test_text_comes_out_as_it_went_in(hall: Hall) -> None:
    odd = "起\x00\u200b\u00a0𠮷👩\u200d👧_x000D_\r\n\ufeff１３止"
    petition_id = hall.submit(fresh(), content=odd, title=odd)
    answer = hall.get(f"/v1/petitions/{petition_id}?reason=check", "clerk").json
    assert (answer["content"], answer["title"]) == (odd, odd)


def test_both_languages_are_read(hall: Hall) -> None:
    for kind, cls in (("投诉", "现场解决"), ("complaint", "on_site")):
        petition_id = hall.submit(fresh(), kind=kind, handling_class=cls)
        found = hall.get(f"/v1/petitions/{petition_id}").json
        assert (found["kind"], found["handling_class"]) == ("complaint", "on_site")


# ── events ──


def test_an_event_is_recorded_once(hall: Hall) -> None:
    petition_id = hall.submit(fresh())
    headers = {"Idempotency-Key": fresh()}
    said = {"type": "progressed", "text": "已派人", "actor": "unit"}
    first = hall.post(f"/v1/petitions/{petition_id}/events", json=said, headers=headers)
    again = hall.post(f"/v1/petitions/{petition_id}/events", json=said, headers=headers)
    assert (first.status, again.status, again.json) == (202, 202, first.json)
    assert set(first.json) == {"petition_id", "event_id", "receipt"}
    other = hall.post(f"/v1/petitions/{petition_id}/events", json={**said, "text": "x"}, headers=headers)
    assert (other.status, other.is_problem) == (422, True)
    found = hall.get(f"/v1/petitions/{petition_id}").json
    assert [event["type"] for event in found["events"]] == ["submitted", "progressed"]
    assert found["state"] == "handling"


@pytest.mark.parametrize("type_", ["submitted", "unknown", "finished", "", None, 5])
def test_what_is_not_said_here(hall: Hall, type_: object) -> None:
    answer = hall.post(f"/v1/petitions/{_one(hall)}/events", json={"type": type_})
    assert (answer.status, answer.is_problem) == (422, True)


def test_an_event_of_an_unknown_petition(hall: Hall) -> None:
    answer = hall.post("/v1/petitions/LT261122-0000000000/events", json={"type": "noted"})
    assert (answer.status, answer.is_problem) == (404, True)


# ── out ──


def test_personal_data_is_masked_without_the_scope_and_without_a_reason(hall: Hall) -> None:
    petition_id = hall.submit(fresh(), place={"address": "澄江路1号"}, secretary={"id": "s", "team_id": "t"})
    hall.post(f"/v1/petitions/{petition_id}/events", json={"type": "progressed", "text": "已联系13900001234",
                                                            "person": "徐某某"})  # fmt: skip
    for key, query in (("reader", ""), ("reader", "?reason=curious"), ("clerk", ""), ("clerk", "?reason=")):
        answer = hall.get(f"/v1/petitions/{petition_id}{query}", key)
        assert answer.json["masked"] is True
        for secret in ("13900001234", "徐某某", "澄江路"):
            assert secret not in answer.body.decode(), (key, query)
    assert "pii.read" not in _trail(hall, petition_id)


def test_a_clear_read_is_journalled_with_who_and_why(hall: Hall) -> None:
    petition_id = hall.submit(fresh())
    answer = hall.get(f"/v1/petitions/{petition_id}?reason=call%20back", "clerk")
    assert answer.json["petitioner"]["phone"] == "13900001234"
    assert "masked" not in answer.json
    entries = hall.get(f"/v1/petitions/{petition_id}/trail").json["entries"]
    (entry,) = [entry for entry in entries if entry["what"] == "pii.read"]
    assert (entry["actor"], entry["reason"]) == ("key:clerk", "call back")


def _trail(hall: Hall, petition_id: str) -> list[str]:
    return [entry["what"] for entry in hall.get(f"/v1/petitions/{petition_id}/trail").json["entries"]]


def test_the_trail_tells_the_whole_way(hall: Hall) -> None:
    petition_id = hall.submit(fresh())
    hall.wait_for(petition_id, HOTLINE, "delivered")
    hall.wait_for(petition_id, "wechat", "delivered")
    assert _trail(hall, petition_id)[:2] == ["petition.accepted", "event.routed"]
    assert _trail(hall, petition_id).count("handoff.delivered") == 2
    hall.eventually(
        lambda: all(entry["n"] for entry in hall.get(f"/v1/petitions/{petition_id}/trail").json["entries"]),
        "the seal on each entry",
    )


def test_lists_show_each_petition_once_page_by_page_without_personal_data(hall: Hall) -> None:
    ids = {hall.submit(fresh(), "city_app") for _ in range(7)}
    seen: list[str] = []
    cursor, pages = "", 0
    while True:
        answer = hall.get(f"/v1/petitions?source=city_app&limit=2{cursor}")
        assert b"13900001234" not in answer.body
        seen += [row["petition_id"] for row in answer.json["petitions"]]
        pages += 1
        if answer.json["next_cursor"] is None:
            break
        cursor = f"&cursor={answer.json['next_cursor']}"
    assert ids <= set(seen)
    assert len(seen) == len(set(seen))
    assert pages >= 4


def test_lists_can_be_narrowed(hall: Hall) -> None:
    hall.submit(fresh())
    assert hall.get("/v1/petitions?source=nobody").json == {"petitions": [], "next_cursor": None}
    assert hall.get("/v1/petitions?state=closed&source=writer").json["petitions"] == []
    later = datetime(2126, 1, 1, tzinfo=UTC).isoformat().replace("+", "%2B")
    assert hall.get(f"/v1/petitions?since={later}").json["petitions"] == []
    assert hall.get("/v1/petitions?since=2020-01-01T00:00:00%2B08:00").json["petitions"] != []


@pytest.mark.parametrize(
    "query",
    [
        "cursor=x", "cursor=%F0%A0%AE%B7", "cursor=eA", "cursor=" + "A" * 5000, "cursor=wrIKeA",
        "cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5CngK", "cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5Cng", "limit=0",
        "limit=201", "limit=x", "limit=-1", "since=yesterday", "since=2026-11-22T10:00:00", "since=5",
        "since=0001-01-01T00:00:00%2B14:00", "since=9999-12-31T23:59:59-14:00",
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_understood_is_the_callers_fault(hall: Hall, query: str) -> None:
    answer = hall.get(f"/v1/petitions?{query}")
    assert 400 <= answer.status < 500 or (query.startswith(("since=0001", "since=9999")) and answer.status == 200)
    if answer.status >= 400:
        assert answer.is_problem
