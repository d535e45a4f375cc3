"""`/v1/digests`: who may see what, and what a browser gets. The routes alone, on a ledger with a month of petitions."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from fastapi import FastAPI

from bridge.apikeys import SCOPES, Caller, KeyRing, Scope, hash_of
from bridge.apipart import of
from bridge.clock import from_ms
from bridge.digest.files import write
from bridge.digest.handouts import MEDIA_TYPES
from bridge.digest.month import Month
from bridge.digest.rules import DigestRules
from bridge.intake import Intake
from bridge.ledger import digests
from bridge.rest import problems
from bridge.rest.context import Context
from bridge.rest.digests import router
from tests.digest.test_reading import Town
from tests.rest.test_openapi import faults
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


@pytest.fixture
def november(office: Office) -> Office:
    """Two days before November is over, and a petition in it."""
    office.bench.clock.at = from_ms(Month(2026, 12).start) - timedelta(days=2)
    office.submit(1)
    return office


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
        ("/v1/digests/2026-09?audience=meeting", "reader", 403),
        ("/v1/digests/2026-09?audience=meeting", "ops", 200),
        ("/v1/digests/2026-09?audience=deputies", "reader", 200),
        ("/v1/digests/2026-09?audience=deputies", "nobody", 403),
        (f"/v1/digests/2026-09?audience=department&unit={quote('水务局')}", "reader", 200),
        (f"/v1/digests/2026-09?audience=department&unit={quote('财政局')}", "reader", 404),
        ("/v1/digests/2026-09?audience=department", "reader", 422),
        ("/v1/digests/2026-09?unit=x", "reader", 422),
        ("/v1/digests/2026-09?audience=press", "reader", 422),
        ("/v1/digests/2026-09?format=pdf", "reader", 422),
        ("/v1/digests/2026-09?trace=true&format=xlsx", "ops", 422),
        ("/v1/digests/2026-09?trace=true&audience=meeting", "ops", 422),
        ("/v1/digests/2026-11", "reader", 403),
        ("/v1/digests/2026-11", "all", 200),
        ("/v1/digests/2026-11?trace=true", "ops", 200),
        ("/v1/digests/2026-11?audience=meeting", "ops", 200),
        ("/v1/digests/2026-11?audience=deputies", "reader", 403),
        ("/v1/digests/2026-11?audience=deputies", "all", 409),
        (f"/v1/digests/2026-11?audience=department&unit={quote('水务局')}", "all", 409),
        ("/v1/digests/2026-13", "reader", 422),
        ("/v1/digests/2030-01", "reader", 404),
    ],
)
def test_who_may_see_what(november: Office, path: str, key: str | None, status: int) -> None:
    answer = november.get(path, key)
    assert answer.status == status
    if status >= 400 and status != 422:
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


@pytest.mark.parametrize("minutes", [0, 9])
def test_in_its_grace_a_month_is_still_for_operators(office: Office, minutes: int) -> None:
    office.bench.clock.at = from_ms(SEPTEMBER.end) + timedelta(minutes=minutes)
    refused = office.get("/v1/digests/2026-09")
    assert refused.status == 403
    assert "仅限operate" in refused.json["detail"]
    office.bench.clock.at = from_ms(SEPTEMBER.end) + timedelta(minutes=10)
    assert office.get("/v1/digests/2026-09").status == 200


QUERIES: dict[str, str] = {
    "digest": "", "meeting": "audience=meeting", "deputies": "audience=deputies",
    "department": f"audience=department&unit={quote('水务局')}",
}  # fmt: skip


@pytest.mark.parametrize("name", QUERIES)
def test_what_is_served_is_what_the_files_hold(office: Office, name: str, tmp_path: Path) -> None:
    """For each reader in each form."""
    office.write(
        lambda work: digests.propose(work, [digests.Proposal("2026-09-01", "2026-09", "增设路灯", {}, "wang")])
    )
    found = office.reckon(SEPTEMBER, DigestRules())
    office.seal(found)
    found = office.reckon(SEPTEMBER)
    with office.bench.store.reading() as conn:
        write(tmp_path, found, digests.item_list(conn, "2026-09"))
    stem = tmp_path / ("departments-2026-09/001-水务局" if name == "department" else f"{name}-2026-09")
    for form in ("json", "html", "xlsx"):
        answer = office.get(f"/v1/digests/2026-09?format={form}&{QUERIES[name]}", "all")
        assert answer.status == 200
        assert answer.headers["content-type"] == MEDIA_TYPES[form]
        if form == "json":
            assert {
                **orjson.loads(stem.with_name(f"{stem.name}.json").read_bytes()),
                "sealed": found.sealed,
            } == answer.json
        elif name != "digest":
            assert answer.body == stem.with_name(f"{stem.name}.{form}").read_bytes()
        if form == "xlsx":
            assert answer.headers["content-disposition"] == f'attachment; filename="{name}-2026-09.xlsx"'
            assert answer.body.startswith(b"PK")


SHAPES = {
    "digest": "Digest", "meeting": "MeetingPackage", "deputies": "DeputiesExport", "department": "DepartmentExtract",
}  # fmt: skip


@pytest.mark.parametrize("name", QUERIES)
def test_each_has_the_shape_that_is_announced(office: Office, name: str) -> None:
    office.write(
        lambda work: digests.propose(work, [digests.Proposal("2026-09-01", "2026-09", "增设路灯", {}, "wang")])
    )
    for action, said in (
        ("consult", {"units": ["城管局"]}), ("table", {"kind": "议案", "number": "2027-9"}),
    ):  # fmt: skip
        entry = digests.Round("2026-09-01", action, said, "wang")
        assert office.write(lambda work, entry=entry: digests.enter(work, [entry]))[0].result == "done"
    answer = office.get(f"/v1/digests/2026-09?format=json&{QUERIES[name]}", "all")
    assert faults(of(SHAPES[name]), answer.json) == []


def test_the_form_that_is_asked_for_goes_before_what_a_browser_accepts(office: Office) -> None:
    accept = {"accept": "text/html"}
    assert office.get("/v1/digests/2026-09?format=json", headers=accept).json["audience"] == "everyone"
    page = office.get("/v1/digests/2026-09?audience=deputies", headers=accept)
    assert "两代表一委员" in page.body.decode()


def test_proposals_with_their_rounds(office: Office) -> None:
    proposal = digests.Proposal("2026-09-01", "2026-09", "增设路灯", {"subject": "路灯"}, "wang")
    office.write(lambda work: digests.propose(work, [proposal]))
    office.write(
        lambda work: digests.enter(work, [digests.Round("2026-09-01", "consult", {"units": ["城管局"]}, "wang")])
    )
    (item,) = office.get("/v1/digests/2026-09/items", "ops").json["items"]
    assert (item["state"], item["rounds"][0]["units"]) == ("consulting", ["城管局"])
    assert office.get("/v1/digests/2026-08/items", "ops").json == {"items": []}
