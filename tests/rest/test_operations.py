"""`/v1/handoffs`, `/v1/conservation`, `/readyz`: what operators see and do."""

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from adapters.registry import MANIFESTS
from bridge.ledger.writer import LedgerAway
from tests.support.halls import Hall
from tests.support.ledgers import HOTLINE


@pytest.fixture
def parked(hall: Hall) -> dict[str, str]:
    """A hand-off that the hotline refuses for good."""
    petition_id = hall.submit(uuid.uuid4().hex, content="拒收")
    return hall.wait_for(petition_id, HOTLINE, "parked")


# ── replay and cancel ──


def test_what_is_parked_is_listed_with_its_reason(hall: Hall, parked: dict[str, str]) -> None:
    listed = hall.get("/v1/handoffs?state=parked&limit=200").json["handoffs"]
    (row,) = [row for row in listed if row["handoff_id"] == parked["handoff_id"]]
    assert (row["reason"], row["system"], row["event_type"]) == ("bad_region", HOTLINE, "submitted")
    for hidden in ("progress", "lease_owner"):
        assert hidden not in row
    attempts = hall.get(f"/v1/handoffs/{parked['handoff_id']}/attempts").json["attempts"]
    assert [(attempt["attempt"], attempt["outcome"], attempt["code"]) for attempt in attempts] == [
        (1, "parked", "bad_region")
    ]


def test_a_replay_sends_it_again(hall: Hall, parked: dict[str, str], mended: set[str]) -> None:
    mended.add(parked["handoff_id"])
    path = f"/v1/handoffs/{parked['handoff_id']}/replay"
    rehearsal = hall.post(path, "ops", json={"reason": "mended", "dry_run": True})
    assert (rehearsal.status, rehearsal.json["result"], rehearsal.json["state"]) == (200, "would", "parked")
    answer = hall.post(path, "ops", json={"reason": "region mended"})
    assert (answer.status, answer.json["result"]) == (200, "done")
    hall.wait_for(parked["petition_id"], HOTLINE, "delivered")
    sent = [o for o in hall.systems[HOTLINE].sends if o.petition.petition_id == parked["petition_id"]]
    assert len({outgoing.idempotency_key for outgoing in sent}) == 1
    entries = hall.get(f"/v1/petitions/{parked['petition_id']}/trail").json["entries"]
    (entry,) = [entry for entry in entries if entry["what"] == "handoff.replayed"]
    assert (entry["actor"], entry["reason"]) == ("operator:ops", "region mended")
    # It is done: a second order is refused and says why.
    again = hall.post(path, "ops", json={"reason": "region mended"})
    assert (again.status, again.json["result"], again.json["state"]) == (409, "refused", "delivered")
    assert again.json["why"]


def test_a_cancelled_hand_off_is_given_up_and_its_petition_is_not_lost(hall: Hall, parked: dict[str, str]) -> None:
    answer = hall.post(f"/v1/handoffs/{parked['handoff_id']}/cancel", "ops", json={"reason": "asked by phone"})
    assert (answer.status, answer.json["state"]) == (200, "cancelled")
    assert hall.post(f"/v1/handoffs/{parked['handoff_id']}/replay", "ops", json={"reason": "no"}).status in (409, 422)
    hall.wait_for(parked["petition_id"], "wechat", "delivered")
    assert hall.get("/v1/conservation").json["holds"] is True


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"reason": ""}', b'{"reason": 5}', b'{"reason": "because", "dry_run": "perhaps"}',
             b'{"reason": "because", "more": 1}', b"\xff", b'{"reason": "' + b"x" * 501 + b'"}'],
)  # fmt: skip
@pytest.mark.parametrize("action", ["replay", "cancel"])
def test_an_order_without_a_proper_reason_is_refused(
    hall: Hall, parked: dict[str, str], action: str, body: bytes
) -> None:
    answer = hall.post(f"/v1/handoffs/{parked['handoff_id']}/{action}", "ops", body=body)
    assert answer.status in (400, 422)
    assert answer.is_problem
    assert hall.handoffs(parked["petition_id"], system=HOTLINE)[0]["state"] == "parked"


def test_hand_offs_page_by_page(hall: Hall) -> None:
    for _ in range(3):
        hall.submit(uuid.uuid4().hex)
    seen: list[str] = []
    cursor = ""
    while True:
        answer = hall.get(f"/v1/handoffs?limit=2{cursor}").json
        seen += [row["handoff_id"] for row in answer["handoffs"]]
        if answer["next_cursor"] is None:
            break
        cursor = f"&cursor={answer['next_cursor']}"
    assert len(seen) == len(set(seen)) >= 6


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x"])
def test_a_wrong_limit(hall: Hall, query: str) -> None:
    assert hall.get(f"/v1/handoffs?{query}").status == 422


# ── the law ──


def test_the_law_is_shown_as_promised(hall: Hall) -> None:
    hall.submit(uuid.uuid4().hex)
    law = hall.get("/v1/conservation").json
    assert set(law) == {"accepted", "closed", "held", "in_flight", "parked", "difference", "holds", "by_system",
                        "oldest_in_flight_seconds", "orphans"}  # fmt: skip
    assert law["accepted"] == law["closed"] + law["held"] + law["in_flight"] + law["parked"] > 0
    assert (law["difference"], law["holds"], law["orphans"]) == (0, True, [])


@pytest.fixture
def broken(hall: Hall) -> Iterator[str]:
    """A petition in no place; mended afterwards."""
    petition_id = hall.submit(uuid.uuid4().hex)
    for system in (HOTLINE, "wechat"):
        hall.wait_for(petition_id, system, "delivered")
    _sql(hall, "UPDATE petitions SET holder = NULL WHERE petition_id = :id", petition_id)
    yield petition_id
    _sql(hall, "UPDATE petitions SET holder = 'hotline12345' WHERE petition_id = :id", petition_id)
    hall.run(hall.bridge.watch.check_law())  # type: ignore[union-attr]
    assert hall.get("/readyz", None).status == 200


def _sql(hall: Hall, statement: str, petition_id: str) -> None:
    with hall.bridge.store.writing() as conn:
        conn.execute(text(statement), {"id": petition_id})


def test_a_broken_law_turns_readiness_red(hall: Hall, broken: str) -> None:
    hall.run(hall.bridge.watch.check_law())  # type: ignore[union-attr]
    answer = hall.get("/readyz", None)
    assert answer.status == 503
    assert answer.json["ready"] is False
    assert answer.json["checks"]["law"]["ok"] is False
    assert "difference 1" in answer.json["checks"]["law"]["why"]
    assert answer.json["checks"]["database"]["ok"] is True
    law = hall.get("/v1/conservation").json
    assert (law["difference"], law["holds"], law["orphans"]) == (1, False, [broken])
    assert b"bridge_law_difference 1.0" in hall.get("/metrics", None).body


def test_the_metrics_say_what_the_law_says(hall: Hall) -> None:
    law = hall.get("/v1/conservation").json
    lines = hall.get("/metrics", None).body.decode().splitlines()
    assert f'bridge_petitions{{place="accepted"}} {float(law["accepted"])}' in lines
    assert "bridge_law_difference 0.0" in lines
    assert "bridge_law_orphans 0.0" in lines


def test_the_queues_by_their_real_names(hall: Hall) -> None:
    found = hall.get("/v1/queues").json
    assert list(found["queues"]) == hall.bridge.topology.queue_names()
    assert found["trouble"] is None


def test_the_embedded_consumers_are_counted(hall: Hall) -> None:
    found = hall.get("/v1/queues").json["queues"]
    nobody = hall.bridge.topology.unroutable
    assert {name: depth["consumers"] for name, depth in found.items()} == {name: int(name != nobody) for name in found}


def test_the_systems_are_called_what_their_manifests_say(hall: Hall) -> None:
    assert hall.get("/v1/queues").json["systems"] == {
        one.system: one.zh for one in MANIFESTS if one.system in hall.systems
    }


# ── a ledger that is away ──


@pytest.mark.parametrize(
    ("method", "path", "key", "body"),
    [
        ("POST", "/v1/petitions", "writer", {"external_id": "away", "content": "x", "petitioner": {"phone": "1"}}),
        ("POST", "/v1/handoffs/x/replay", "ops", {"reason": "because"}),
        ("POST", "/v1/handoffs/x/cancel", "ops", {"reason": "because"}),
    ],
)
def test_nothing_is_promised_while_the_ledger_is_away(
    hall: Hall, monkeypatch: pytest.MonkeyPatch, method: str, path: str, key: str, body: dict[str, object]
) -> None:
    async def away(*_: object) -> None:
        raise LedgerAway("OperationalError")

    monkeypatch.setattr(hall.bridge.ledger._writer, "ask", away)
    answer = hall.call(method, path, key, json=body)
    assert (answer.status, answer.is_problem) == (503, True)
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize(
    "path", ["/v1/petitions", "/v1/petitions/x", "/v1/petitions/x/trail", "/v1/handoffs", "/v1/conservation"]
)
def test_a_read_while_the_database_is_away_is_no_defect(hall: Hall, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    def away() -> None:
        raise OperationalError("SELECT 1", {}, Exception("server closed the connection unexpectedly"))

    monkeypatch.setattr(hall.bridge.store, "reading", away)
    answer = hall.get(path)
    assert (answer.status, answer.is_problem) == (503, True)
