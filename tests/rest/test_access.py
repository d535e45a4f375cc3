"""Who may do what: no key, a wrong key, a key without the scope; and every error is a problem document."""

import pytest

from tests.support.halls import Hall

ANY = "00000000-0000-0000-0000-000000000000"
DAY = "hotline12345/2026-11-24"
ROUTES = [
    ("POST", "/v1/petitions", "petitions:write", "reader"),
    ("POST", f"/v1/petitions/{ANY}/events", "petitions:write", "reader"),
    ("GET", "/v1/petitions", "petitions:read", "writer"),
    ("GET", f"/v1/petitions/{ANY}", "petitions:read", "writer"),
    ("GET", f"/v1/petitions/{ANY}/trail", "petitions:read", "writer"),
    ("GET", f"/v1/petitions/{ANY}/proof", "petitions:read", "writer"),
    ("GET", "/v1/handoffs", "petitions:read", "writer"),
    ("GET", f"/v1/handoffs/{ANY}/attempts", "petitions:read", "writer"),
    ("POST", f"/v1/handoffs/{ANY}/replay", "operate", "clerk"),
    ("POST", f"/v1/handoffs/{ANY}/cancel", "operate", "clerk"),
    ("GET", "/v1/conservation", "petitions:read", "writer"),
    ("GET", "/v1/queues", "petitions:read", "writer"),
    ("GET", "/v1/messages", "operate", "reader"),
    ("GET", "/v1/unreached", "petitions:read", "writer"),
    ("GET", "/v1/unreached/owners", "petitions:read", "writer"),
    ("POST", f"/v1/petitions/{ANY}/merge", "operate", "clerk"),
    ("GET", "/v1/lists/no_echo", "petitions:read", "writer"),
    ("GET", f"/v1/packages/{ANY}", "petitions:read", "writer"),
    ("GET", f"/v1/petitions/{ANY}/deadlines", "petitions:read", "writer"),
    ("GET", "/v1/events?out_of_order=true", "petitions:read", "writer"),
    ("POST", f"/v1/petitions/{ANY}/owner", "operate", "clerk"),
    ("GET", "/v1/duplicates", "operate", "reader"),
    ("GET", f"/v1/rates/{ANY}", "operate", "reader"),
    ("GET", "/v1/reconciliations", "operate", "reader"),
    ("GET", f"/v1/reconciliations/{DAY}", "operate", "reader"),
    ("GET", f"/v1/digests/{ANY}", "petitions:read", "writer"),
    ("GET", f"/v1/digests/{ANY}/items", "operate", "reader"),
]
PATHS = [route[:2] for route in ROUTES]
PUBLIC = {
    ("GET", "/v1/checkpoints/latest"),
    ("GET", "/v1/checkpoints/{}"),
    ("GET", "/v1/checkpoints/{}/consistency"),
}
"""Signatures over hashes: they prove, and tell nothing."""


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer lt_wrong", "Basic dTpw", "lt_wrong", "Bearer \x80", "bearer\tx"]
)
def test_without_a_known_key_nobody_comes_in(hall: Hall, method: str, path: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = hall.call(method, path, headers=headers, body=b"{}" if method == "POST" else None)
    assert answer.status == 401
    assert answer.is_problem
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path", "scope", "without"), ROUTES)
def test_each_route_wants_its_scope(hall: Hall, method: str, path: str, scope: str, without: str) -> None:
    for key in (without, "nobody"):
        answer = hall.call(method, path, key, body=b"{}" if method == "POST" else None)
        assert (answer.status, answer.is_problem) == (403, True)
        assert scope in answer.json["detail"]


def test_a_refused_caller_is_not_told_what_is_wrong_with_its_body(hall: Hall) -> None:
    assert hall.post("/v1/petitions", None, body=b"\xff").status == 401
    assert hall.post("/v1/petitions", "reader", body=b"x" * 2_000_000).status in (403, 413)


def _pattern(path: str) -> str:
    for given in (ANY, "no_echo"):
        path = path.replace(given, "{}")
    return path.partition("?")[0].replace(DAY, "{}/{}")


def test_every_route_of_v1_is_in_this_list(hall: Hall) -> None:
    """A new route must not come without a test of who may use it."""
    document = hall.get("/openapi.json", None).json
    known = {(method, _pattern(path)) for method, path in PATHS} | PUBLIC
    found = {
        (method.upper(), "/".join("{}" if part.startswith("{") else part for part in path.split("/")))
        for path, methods in document["paths"].items()
        if path.startswith("/v1/")
        for method in methods
    }
    assert found == known


@pytest.mark.parametrize("path", ["/v1/nothing", "/", "/v1/petitions/x/y/z", "/in/nobody"])
def test_a_path_that_leads_nowhere(hall: Hall, path: str) -> None:
    answer = hall.get(path)
    assert (answer.status, answer.is_problem) == (404, True)


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/v1/petitions"), ("PUT", "/v1/conservation"), ("GET", f"/v1/handoffs/{ANY}/replay")],
)
def test_a_method_that_is_not_there(hall: Hall, method: str, path: str) -> None:
    answer = hall.call(method, path, "ops")
    assert (answer.status, answer.is_problem) == (405, True)


@pytest.mark.parametrize("path", [f"/v1/petitions/{ANY}", f"/v1/petitions/{ANY}/trail", "/v1/petitions/%F0%A0%AE%B7'"])
def test_a_petition_that_is_not_here(hall: Hall, path: str) -> None:
    answer = hall.get(path)
    assert (answer.status, answer.is_problem) == (404, True)


@pytest.mark.parametrize("action", ["replay", "cancel"])
def test_a_hand_off_that_is_not_here(hall: Hall, action: str) -> None:
    answer = hall.post(f"/v1/handoffs/{ANY}/{action}", "ops", json={"reason": "because"})
    assert answer.status == 404
    assert answer.json["result"] == "not_found"


@pytest.mark.parametrize(
    "path", ["/v1/petitions/%00", "/v1/petitions?state=%00", "/v1/handoffs?cursor=%00", "/v1/petitions?cursor=%00"]
)
def test_a_zero_byte_in_the_address_is_the_callers_fault(hall: Hall, path: str) -> None:
    assert 400 <= hall.get(path).status < 500


def test_health_needs_no_key(hall: Hall) -> None:
    assert hall.get("/healthz", None).json["status"] == "ok"
    hall.eventually(lambda: hall.get("/readyz", None).status == 200, "readiness")
    assert b"bridge_petitions" in hall.get("/metrics", None).body
    assert hall.get("/v1/checkpoints/latest", None).status in (200, 404)
