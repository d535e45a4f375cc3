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
from starlette.responses import JSONResponse, PlainTextResponse, Response

from tests.schemas.validators import load
from tests.support.credentials import Insider
from tests.support.halls import Hall

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
MANY = int(os.environ.get("BRIDGE_SCHEMATHESIS", "6"))
DOCUMENT = load("openapi")
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
GUARDED = {label: found for label, found in OPERATIONS.items() if found.definition.raw.get("security")}
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
        request.url = (request.url or "").partition("?")[0]
        return request


@pytest.fixture(scope="module")
def open_hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """A bridge with its real doors."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("open_hall")
        patch.chdir(folder)
        found = Hall(folder, patch, doors=True)
        yield found
        found.close()


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
        return lambda case: case.call(base_url=open_hall.url, session=session, auth=auth)  # type: ignore[no-any-return]

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


# ── what is not there ──
@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_a_method_that_is_not_described_is_not_allowed(
    open_hall: Hall, session: requests.Session, known: dict[str, str], path: str
) -> None:
    there = {method.upper() for method in DOCUMENT["paths"][path]}
    url = open_hall.url + path.format(**known, day="2026-11-21")
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
    return lambda case: case.call(app=app)  # type: ignore[no-any-return]


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
