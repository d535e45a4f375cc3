"""`POST /v1/petitions/{id}/merge` and `GET /v1/duplicates`: an operator decides that two petitions are one matter."""

import uuid

import pytest

from tests.support.halls import Hall


def two(hall: Hall) -> tuple[str, str]:
    """Two petitions of one petitioner, whom nobody else's test knows."""
    phone = f"139{uuid.uuid4().int % 10**8:08d}"
    person = {"name": "钱多多", "phone": phone}
    first = hall.submit(uuid.uuid4().hex, content="路灯不亮", petitioner=person)
    second = hall.submit(uuid.uuid4().hex, content="路灯还是不亮", petitioner=person)
    return first, second


def test_what_one_petitioner_brought_twice_is_listed_and_merged(hall: Hall) -> None:
    first, second = two(hall)
    groups = hall.get("/v1/duplicates?limit=200", "ops").json["suspects"]
    assert [first, second] in [group["petitions"] for group in groups]
    path = f"/v1/petitions/{second}/merge"
    rehearsal = hall.post(path, "ops", json={"into": first, "reason": "同一盏路灯", "dry_run": True})
    assert (rehearsal.status, rehearsal.json["result"]) == (200, "would")
    answer = hall.post(path, "ops", json={"into": first, "reason": "同一盏路灯"})
    assert (answer.status, answer.json["result"]) == (200, "done")
    assert hall.get(f"/v1/petitions/{second}").json["state"] == "merged"
    entries = hall.get(f"/v1/petitions/{second}/trail").json["entries"]
    (entry,) = [entry for entry in entries if entry["what"] == "petition.merging"]
    assert (entry["actor"], entry["into"]) == ("operator:ops", first)
    groups = hall.get("/v1/duplicates?limit=200", "ops").json["suspects"]
    assert all(second not in group["petitions"] for group in groups)


def test_what_cannot_be_merged_is_a_problem_that_says_why(hall: Hall) -> None:
    first, second = two(hall)
    path = f"/v1/petitions/{second}/merge"
    itself = hall.post(path, "ops", json={"into": second, "reason": "x"})
    assert (itself.status, "into itself" in itself.json["detail"]) == (409, True)
    assert hall.post(path, "ops", json={"into": "LT-none", "reason": "x"}).status == 404
    assert hall.post(f"/v1/petitions/{'LT-none'}/merge", "ops", json={"into": first, "reason": "x"}).status == 404


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"into": "LT1"}', b'{"into": "LT1", "reason": "  "}', b'{"into": 5, "reason": "x"}', b"\xff"],
)
def test_an_order_that_cannot_be_read_changes_nothing(hall: Hall, body: bytes) -> None:
    _, second = two(hall)
    assert hall.post(f"/v1/petitions/{second}/merge", "ops", body=body).status in (400, 422)
    assert hall.get(f"/v1/petitions/{second}").json["state"] != "merged"


def test_only_operators_merge(hall: Hall) -> None:
    first, second = two(hall)
    answer = hall.post(f"/v1/petitions/{second}/merge", "reader", json={"into": first, "reason": "x"})
    assert answer.status == 403
    assert hall.get("/v1/duplicates", "reader").status == 403
