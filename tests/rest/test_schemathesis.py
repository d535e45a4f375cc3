"""Every door and every route against their own description: no 500, and no answer that the document does not know.

schemathesis makes the requests, from the document's schemas and against them; they go over HTTP to a bridge with the
adapters' own doors. `BRIDGE_SCHEMATHESIS=200` makes so many of each kind for each operation instead of a few.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from requests.auth import AuthBase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy.exc import OperationalError
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bridge.ledger.writer import LedgerAway
from tests.schemas.validators import load
from tests.support.credentials import Insider
from tests.support.halls import Hall

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
MANY = int(os.environ.get("BRIDGE_SCHEMATHESIS", "6"))
DOCUMENT = load("openapi")
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {one.label: one for one in (SCHEMA[path][method] for path in SCHEMA for method in SCHEMA[path])}
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
GUARDED = {label: found for label, found in OPERATIONS.items() if found.definition.raw.get("security")}
IDLE = ("GET /readyz", "GET /in/wechat", *(label for label in OPERATIONS if "checkpoints" in label))
"""They do without the ledger's tables."""
KEYS_IN_QUERY = frozenset({"token", "egova_openapi_token", "signature", "msg_signature"})
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})


class Stranger(AuthBase):
    """Sends what was made up, with a key that nobody has where one is asked for in the usual place."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = "Bearer lt_nobody-has-this-one"
        return request


class Nameless(AuthBase):
    """Sends nothing that could be a key."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        for name in ("Authorization", "X-EGOVA-Authorization", "X-Sign"):
            request.headers.pop(name, None)
        path, _, query = (request.url or "").partition("?")
        kept = [part for part in query.split("&") if part.partition("=")[0] not in KEYS_IN_QUERY]
        request.url = f"{path}?{'&'.join(kept)}"
        return request


@pytest.fixture(scope="module")
def known(open_hall: Hall) -> dict[str, str]:
    """Path parameters that name something: a petition, its hand-off, a checkpoint, a month."""
    petition_id = open_hall.submit(uuid.uuid4().hex)
    handoff = open_hall.wait_for(petition_id, "hotline12345", "delivered")
    open_hall.eventually(lambda: open_hall.get("/readyz", None).status == 200, "readiness")
    open_hall.eventually(lambda: open_hall.get("/v1/checkpoints/latest", None).status == 200, "a checkpoint")
    size = open_hall.get("/v1/checkpoints/latest", None).body.split(b"\n")[1].decode()
    numbers = {"petition_id": petition_id, "eventId": petition_id, "handoff_id": handoff["handoff_id"], "size": size}
    return {**numbers, "month": "2026-10", "system": "hotline12345"}


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as found:
        yield found


Send = Callable[[Any], requests.Response]


@pytest.fixture
def sender(open_hall: Hall, session: requests.Session) -> Callable[[AuthBase], Send]:
    def to_the_bridge(auth: AuthBase) -> Send:
        return lambda case: case.call(base_url=open_hall.url, session=session, auth=auth)

    return to_the_bridge


def _attempt(operation: Any, mode: GenerationMode, known: dict[str, str], check: Callable[[Any], None]) -> None:
    """So many requests of this mode, some about what is there."""
    if not (operation.body or list(operation.iter_parameters())):
        mode = GenerationMode.POSITIVE  # where nothing is said, nothing can be said wrong

    @settings(
        max_examples=MANY,
        derandomize=MANY <= 10,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), named=st.booleans())
    def attempt(case: Any, named: bool) -> None:
        if named:
            case.path_parameters.update({name: known[name] for name in case.path_parameters if name in known})
        check(case)

    attempt()


# ── in ──
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("label", OPERATIONS)
def test_whoever_is_let_in_gets_what_the_document_says(
    open_hall: Hall, known: dict[str, str], sender: Callable[[AuthBase], Send], label: str, mode: GenerationMode
) -> None:
    send = sender(Insider(open_hall.sections, open_hall.keys["all"]))

    def check(case: Any) -> None:
        response = send(case)
        assert response.status_code not in (401, 403)
        case.validate_response(response, checks=CHECKS)

    _attempt(OPERATIONS[label], mode, known, check)


def _boundaries(operation: Any) -> list[Any]:
    """Requests at and beyond every limit that the document names; a share of them, spread over all, unless many are
    asked for. Other methods have a test of their own."""
    found = SCHEMA.iter_coverage_cases(operation, generation_modes=MODES, generation_config=SCHEMA.config.generation)
    cases = [case for case in found if case.method == operation.method.upper()]
    return cases if MANY > 10 else cases[:: len(cases) // 25 + 1]


@pytest.mark.parametrize("label", OPERATIONS)
def test_at_every_boundary_the_answer_is_what_the_document_says(
    open_hall: Hall, known: dict[str, str], sender: Callable[[AuthBase], Send], label: str
) -> None:
    send = sender(Insider(open_hall.sections, open_hall.keys["all"]))
    cases = _boundaries(OPERATIONS[label])
    assert cases
    for case in cases:
        case.validate_response(send(case), checks=CHECKS)


# ── out ──
def _refused(response: requests.Response, status: int) -> bool:
    """With this status; an address that leads nowhere is refused before anybody asks who it is."""
    url = (response.request.url or "").upper()
    return (
        response.status_code == status
        or (response.status_code == 400 and "%00" in url)
        or (response.status_code == 404 and "%2F" in url)
    )


@pytest.mark.parametrize("stranger", [Stranger(), Nameless()], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("label", GUARDED)
def test_whoever_is_not_let_in_is_told_so_as_the_document_says(
    known: dict[str, str], sender: Callable[[AuthBase], Send], label: str, stranger: AuthBase
) -> None:
    send = sender(stranger)

    def check(case: Any) -> None:
        response = send(case)
        assert _refused(response, 401)
        case.validate_response(response, checks=CHECKS)

    _attempt(GUARDED[label], GenerationMode.POSITIVE, known, check)


@pytest.mark.parametrize("label", [label for label, found in GUARDED.items() if found.path.startswith("/v1")])
def test_a_key_without_the_scope_is_told_so_as_the_document_says(
    open_hall: Hall, known: dict[str, str], sender: Callable[[AuthBase], Send], label: str
) -> None:
    send = sender(Insider(open_hall.sections, open_hall.keys["nobody"]))

    def check(case: Any) -> None:
        response = send(case)
        assert _refused(response, 403)
        case.validate_response(response, checks=CHECKS)

    _attempt(GUARDED[label], GenerationMode.POSITIVE, known, check)


# ── too much, and too soon ──
def _example(operation: Any, known: dict[str, str]) -> Any:
    """The operation with the document's own examples, and parameters that name something."""
    given = [one for one in operation.definition.raw.get("parameters", []) if one.get("required")]
    inside = {one["name"]: known.get(one["name"]) or one["example"] for one in given if one["in"] == "path"}
    asked = {one["name"]: one["schema"].get("const", 0) for one in given if one["in"] == "query"}
    for media_type, content in operation.definition.raw.get("requestBody", {}).get("content", {}).items():
        value = next(iter(content["examples"].values()))["value"]
        return operation.Case(path_parameters=inside, query=asked, body=value, media_type=media_type)
    return operation.Case(path_parameters=inside, query=asked)


@pytest.mark.parametrize("label", [label for label, found in OPERATIONS.items() if found.method == "post"])
def test_a_body_over_the_limit_is_refused_as_the_document_says(
    open_hall: Hall, known: dict[str, str], sender: Callable[[AuthBase], Send], label: str
) -> None:
    case = _example(OPERATIONS[label], known)
    response = case.call(
        base_url=open_hall.url, auth=Insider(open_hall.sections, open_hall.keys["all"]), data=b"x" * (1024 * 1024 + 1)
    )
    assert response.status_code == 413
    case.validate_response(response, checks=CHECKS)


@pytest.mark.parametrize(
    "label",
    [label for label, found in OPERATIONS.items() if "503" in found.definition.raw["responses"] and label not in IDLE],
)
def test_while_the_ledger_is_away_the_answer_is_what_the_document_says(
    open_hall: Hall,
    known: dict[str, str],
    sender: Callable[[AuthBase], Send],
    label: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def away(*_: object) -> None:
        raise LedgerAway("OperationalError")

    def gone() -> None:
        raise OperationalError("SELECT 1", {}, Exception("server closed the connection unexpectedly"))

    monkeypatch.setattr(open_hall.bridge.ledger._writer, "ask", away)
    monkeypatch.setattr(open_hall.bridge.store, "reading", gone)
    case = _example(OPERATIONS[label], known)
    response = sender(Insider(open_hall.sections, open_hall.keys["all"]))(case)
    assert response.status_code == 503
    case.validate_response(response, checks=CHECKS[1:])


# ── what is not there ──
@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_a_method_that_is_not_described_is_not_allowed(
    open_hall: Hall, session: requests.Session, known: dict[str, str], path: str
) -> None:
    there = {method.upper() for method in DOCUMENT["paths"][path]}
    url = open_hall.url + path.format(**_example(OPERATIONS[f"{min(there)} {path}"], known).path_parameters)
    for method in METHODS - there:
        response = session.request(method, url, auth=Insider(open_hall.sections, open_hall.keys["all"]))
        assert response.status_code == 405, method
        assert response.headers["Content-Type"] == "application/problem+json"
        assert {name.strip() for name in response.headers["Allow"].split(",")} - {"HEAD"} == there


# ── whether it would be noticed ──
def _planted(answer: Response) -> Send:
    """Whatever is asked, this is the answer."""
    app = FastAPI(openapi_url=None)

    @app.get("/{path:path}")
    async def anything(path: str) -> Response:
        return answer

    planted = schemathesis.openapi.from_dict(DOCUMENT)
    planted.app = app
    return lambda case: case.call(app=app)


LAW: dict[str, Any] = DOCUMENT["paths"]["/v1/conservation"]["get"]["responses"]["200"]["content"]["application/json"]
SOUND = LAW["examples"]["example"]["value"]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (JSONResponse(SOUND), None),
        (PlainTextResponse("Internal Server Error", 500), "Server error"),
        (JSONResponse({}, 418), "Undocumented status code"),
        (PlainTextResponse("fine"), "Undocumented Content-Type"),
        (JSONResponse({**SOUND, "holds": "yes"}), "Response violates schema"),
        (JSONResponse({**SOUND, "more": 1}), "Response violates schema"),
    ],
    ids=["sound", "500", "status", "content type", "schema", "field"],
)
def test_a_planted_fault_is_found(answer: Response, found: str | None) -> None:
    send = _planted(answer)

    def check(case: Any) -> None:
        case.validate_response(send(case), checks=CHECKS)

    if found is None:
        _attempt(OPERATIONS["GET /v1/conservation"], GenerationMode.POSITIVE, {}, check)
        return
    with pytest.raises(FailureGroup) as told:
        _attempt(OPERATIONS["GET /v1/conservation"], GenerationMode.POSITIVE, {}, check)
    assert found in {failure.title for failure in told.value.exceptions}
