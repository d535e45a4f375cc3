"""`/v1/digests`: who may see what, and what a browser gets. The routes alone, on a ledger with a month of petitions."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson
import pytest
from fastapi import FastAPI

from bridge.apikeys import SCOPES, Caller, KeyRing, Scope, hash_of
from bridge.clock import from_ms
from bridge.digest.month import Month
from bridge.digest.rules import DigestRules
from bridge.intake import Intake
from bridge.ledger import digests
from bridge.rest import problems
from bridge.rest.context import Context
from bridge.rest.digests import router
from tests.digest.test_reading import Town
from tests.support.ledgers import Bench

KEYS: dict[str, tuple[Scope, ...]] = {"reader": ("petitions:read",), "ops": ("operate",), "all": SCOPES, "nobody": ()}
SEPTEMBER = Month(2026, 9)


class Answer:
    """What came back."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Office(Town):
    """A town whose digests are served."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        ring = KeyRing(tuple(Caller(name=name, sha256=hash_of(name), scopes=scopes) for name, scopes in KEYS.items()))
        context = Context(bench.ledger, Intake(bench.ledger), ring, bench.clock)
        self.app = FastAPI()
        self.app.add_exception_handler(problems.Problem, problems.answer)
        self.app.include_router(router(context, DigestRules()))

    def get(self, path: str, key: str | None = "reader", headers: Mapping[str, str] | None = None) -> Answer:
        """One request, straight into the application."""
        given = {**({"authorization": f"Bearer {key}"} if key else {}), **(headers or {})}
        path, _, query = path.partition("?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        }  # fmt: skip
        answer = Answer()

        async def receive() -> dict[str, Any]:
            await asyncio.Event().wait()
            raise AssertionError("nothing more is received")

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                answer.body += message.get("body", b"")

        self.bench.do(self.app(scope, receive, send))
        return answer


@pytest.fixture
def office(bench: Bench) -> Office:
    found = Office(bench)
    bench.clock.at = from_ms(SEPTEMBER.start) + timedelta(days=9)
    for who in range(8):
        found.submit(who)
    bench.clock.at = from_ms(SEPTEMBER.end) + timedelta(days=2)
    return found


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/v1/digests/2026-09", None, 401),
        ("/v1/digests/2026-09", "nobody", 403),
        ("/v1/digests/2026-09", "ops", 403),
        ("/v1/digests/2026-09", "reader", 200),
        ("/v1/digests/2026-09?trace=true", "reader", 403),
        ("/v1/digests/2026-09?trace=true", "ops", 200),
        ("/v1/digests/2026-09/items", "reader", 403),
        ("/v1/digests/2026-09/items", "ops", 200),
        ("/v1/digests/2026-13", "reader", 422),
        ("/v1/digests/2030-01", "reader", 404),
    ],
)
def test_who_may_see_what(office: Office, path: str, key: str | None, status: int) -> None:
    answer = office.get(path, key)
    assert answer.status == status
    if status >= 400:
        assert answer.json["status"] == status


def test_a_digest_without_petitions(office: Office) -> None:
    document = office.get("/v1/digests/2026-09").json
    assert document["totals"]["accepted"] == {"count": 8}
    assert document["sealed"] is None
    assert "petitions" not in str(document)


def test_with_the_petitions_it_leaves_a_trace(office: Office) -> None:
    document = office.get("/v1/digests/2026-09?trace=true", "all").json
    assert len(document["totals"]["accepted"]["petitions"]) == 8
    (row,) = office.bench.rows("SELECT body FROM journal WHERE what = 'digest.traced'")
    entry = orjson.loads(row["body"])
    assert (entry["actor"], entry["month"]) == ("key:all", "2026-09")


def test_a_sealed_month_is_served_as_it_was_sealed(office: Office) -> None:
    sealed = office.reckon(SEPTEMBER)
    office.seal(sealed)
    document = office.get("/v1/digests/2026-09").json
    seal = document.pop("sealed")
    assert document == sealed.published
    assert len(seal["sha256"]) == 64


def test_a_sealed_month_that_was_changed_is_not_served(office: Office) -> None:
    office.seal(office.reckon(SEPTEMBER))
    office.bench.sql("UPDATE digests SET published = published || ' '")
    for query, key in (("", "reader"), ("?trace=true", "ops")):
        answer = office.get(f"/v1/digests/2026-09{query}", key)
        assert (answer.status, answer.json["status"]) == (500, 500)
        assert "totals" not in answer.json


def test_a_browser_gets_the_page(office: Office) -> None:
    answer = office.get("/v1/digests/2026-09", headers={"accept": "text/html,application/xhtml+xml"})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "月度分析研判" in answer.body.decode()


def test_proposals_with_their_rounds(office: Office) -> None:
    proposal = digests.Proposal("2026-09-01", "2026-09", "增设路灯", {"subject": "路灯"}, "wang")
    office.write(lambda work: digests.propose(work, [proposal]))
    office.write(
        lambda work: digests.enter(work, [digests.Round("2026-09-01", "consult", {"units": ["城管局"]}, "wang")])
    )
    (item,) = office.get("/v1/digests/2026-09/items", "ops").json["items"]
    assert (item["state"], item["rounds"][0]["units"]) == ("consulting", ["城管局"])
    assert office.get("/v1/digests/2026-08/items", "ops").json == {"items": []}
