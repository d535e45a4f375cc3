"""`/v1/lists`, `/v1/packages`, `/v1/events`, `/v1/petitions/{id}/owner` and `/deadlines`, and who speaks."""

import uuid
from urllib.parse import quote

import pytest

from bridge.clock import to_ms, utc_now
from bridge.ledger.roster import Lists, import_lists
from bridge.ledger.work import Work
from bridge.roster import Member, Team
from tests.support.halls import Hall


def submit(hall: Hall) -> str:
    return hall.submit(uuid.uuid4().hex, content=f"路灯不亮{uuid.uuid4().hex}")


def roster(hall: Hall) -> None:
    bridge = hall.bridge
    members = tuple(Member(f"s{number}", f"孟{number}", "t1") for number in (1, 2))
    with bridge.store.writing() as conn:
        work = Work(conn, to_ms(utc_now()), bridge.privacy)
        import_lists(work, [(Lists((Team("t1", "第一服务队"),), members), "ops")])


def test_an_owner_is_handed_over_by_an_operator(hall: Hall) -> None:
    roster(hall)
    petition_id = submit(hall)
    path = f"/v1/petitions/{petition_id}/owner"
    order = {"to": "s2", "reason": "轮换"}
    assert hall.post(path, "ops", json={**order, "dry_run": True}).json["result"] == "would"
    answer = hall.post(path, "ops", json=order)
    assert (answer.status, answer.json) == (
        200, {"petition_id": petition_id, "result": "done", "owner": "s2", "before": "duty"},
    )  # fmt: skip
    entries = hall.get(f"/v1/petitions/{petition_id}/trail").json["entries"]
    (entry,) = [one for one in entries if one["what"] == "operator.owner_changed"]
    assert (entry["actor"], entry["reason"]) == ("operator:ops", "轮换")
    again = hall.post(path, "ops", json=order)
    assert (again.status, again.is_problem) == (409, True)


def test_what_cannot_be_handed_over_is_a_problem_that_says_why(hall: Hall) -> None:
    petition_id = submit(hall)
    nobody = hall.post(f"/v1/petitions/{petition_id}/owner", "ops", json={"to": "s9", "reason": "轮换"})
    assert (nobody.status, "s9" in nobody.json["detail"]) == (409, True)
    assert hall.post("/v1/petitions/LT-none/owner", "ops", json={"to": "s1", "reason": "轮换"}).status == 404


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"to": "s1", "reason": " "}', b'{"to": "s1"}', b'{"to": 5, "reason": "x"}', b"\xff"]
)
def test_an_order_that_cannot_be_read_changes_nothing(hall: Hall, body: bytes) -> None:
    assert hall.post(f"/v1/petitions/{submit(hall)}/owner", "ops", body=body).status in (400, 422)


def test_what_was_out_of_order_is_listed_page_by_page(hall: Hall) -> None:
    petition_id = submit(hall)
    for type_ in ("closed", "dispatched", "returned"):
        answer = hall.post(f"/v1/petitions/{petition_id}/events", json={"type": type_, "text": "x", "unit": "区城管局"})
        assert answer.status == 202, "it is kept and answered like any other"
    first = hall.get("/v1/events?out_of_order=true&limit=1").json
    assert first["next_cursor"]
    found, cursor = list(first["events"]), first["next_cursor"]
    while cursor:
        page = hall.get(f"/v1/events?out_of_order=true&limit=1&cursor={cursor}").json
        found += page["events"]
        cursor = page["next_cursor"]
    assert [one["type"] for one in found if one["petition_id"] == petition_id] == ["dispatched", "returned"]
    assert hall.get(f"/v1/petitions/{petition_id}").json["state"] == "closed"


@pytest.mark.parametrize(
    "path",
    ["/v1/events", "/v1/events?out_of_order=false", "/v1/lists/nothing", "/v1/lists/no_echo?limit=0",
     "/v1/events?out_of_order=true&cursor=eA"],
)  # fmt: skip
def test_what_cannot_be_asked(hall: Hall, path: str) -> None:
    assert hall.get(path).status in (400, 422)


def test_the_lists_of_the_day_are_served_by_team_and_unit(hall: Hall) -> None:
    late, other = submit(hall), submit(hall)
    with hall.bridge.store.writing() as conn:
        for petition_id, unit in ((late, "区城管局"), (other, "区住建局")):
            conn.exec_driver_sql(
                "UPDATE petitions SET no_echo = 'not_signed', no_echo_since = 1, unit = ?, team_id = 't7',"
                " look_at = look_at + 86400000 WHERE petition_id = ?",
                (unit, petition_id),
            )
    found = hall.get(f"/v1/lists/no_echo?team=t7&unit={quote('区城管局')}").json
    assert [(one["petition_id"], one["why"], one["why_zh"]) for one in found["petitions"]] == [
        (late, "not_signed", "逾期未签收")
    ]
    assert hall.get("/v1/lists/no_echo?team=t6").json == {"petitions": [], "next_cursor": None}
    assert late not in str(hall.get("/v1/lists/no_landing?limit=200").json)


@pytest.mark.parametrize("type_", ["rated", "followed_up"])
def test_whoever_brings_the_citizens_word_says_who_spoke(hall: Hall, type_: str) -> None:
    path = f"/v1/petitions/{submit(hall)}/events"
    said = {"type": type_, "satisfaction": "satisfied"}
    nobody = hall.post(path, json=said)
    assert (nobody.status, nobody.is_problem, "actor" in nobody.json["detail"]) == (422, True, True)
    for actor in ("petitioner", "owner", "unit", "system"):
        assert hall.post(path, json={**said, "actor": actor}).status == 202


def test_a_closing_is_confirmed_by_its_owner(hall: Hall) -> None:
    petition_id = submit(hall)
    path = f"/v1/petitions/{petition_id}"
    assert hall.post(f"{path}/events", json={"type": "closed", "text": "办结"}).status == 202
    assert petition_id in str(listed(hall, "unconfirmed"))
    assert "confirmed_at" not in hall.get(path).json
    assert hall.post(f"{path}/events", json={"type": "closed", "actor": "owner", "text": "已核实"}).status == 202
    assert petition_id not in str(listed(hall, "unconfirmed"))
    assert hall.get(path).json["confirmed_at"]


def test_a_closing_with_which_the_citizen_is_not_content_says_so(hall: Hall) -> None:
    """After the last round: each no before begins another one."""
    petition_id = submit(hall)
    path = f"/v1/petitions/{petition_id}"
    rounds = hall.bridge.ledger.rules.supervision.rehandling.rounds
    said = ({"type": "closed", "text": "办结"}, {"type": "rated", "actor": "petitioner", "satisfaction": "unsatisfied"})
    for number in range(rounds + 1):
        for event in said:
            assert hall.post(f"{path}/events", json=event).status == 202
        if number < rounds:
            hall.eventually(lambda: hall.get(path).json["state"] == "rehandling", "another round")
    (line,) = [one for one in listed(hall, "unconfirmed") if one["petition_id"] == petition_id]
    assert (line["why"], line["why_zh"]) == ("discontent", "已办结，诉求人仍不满意")


def listed(hall: Hall, which: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    cursor = ""
    while cursor is not None:
        page = hall.get(f"/v1/lists/{which}?limit=200" + (f"&cursor={cursor}" if cursor else "")).json
        found, cursor = found + page["petitions"], page["next_cursor"]
    return found


def test_a_package_tells_where_each_member_is_and_no_words(hall: Hall) -> None:
    petition_id = submit(hall)
    number = f"DB-{uuid.uuid4().hex}"
    joint = {
        "number": number,
        "title": "王某某家漏水",
        "plan": "先联系13900001234",
        "due_at": "2026-12-15T18:00:00+08:00",
    }
    said = {"type": "reclassed", "handling_class": "joint_package", "package": joint}
    assert hall.post(f"/v1/petitions/{petition_id}/events", json=said).status == 202
    found = hall.get(f"/v1/packages/{number}")
    assert found.status == 200
    assert (found.json["number"], found.json["answered"], found.json["open"]) == (number, 0, 1)
    (member,) = found.json["members"]
    assert (member["petition_id"], member["due_at"]) == (petition_id, "2026-12-15T18:00:00.000+08:00")
    assert "漏水" not in str(found.json)
    shown = hall.get(f"/v1/petitions/{petition_id}").json["events"][-1]["data"]["package"]
    assert "13900001234" not in str(shown)
    assert hall.get(f"/v1/packages/{number}?system=wechat").status == 404
    assert hall.get("/v1/packages/none").is_problem


def test_deadlines_are_told_with_all_that_was_ever_in_force(hall: Hall) -> None:
    petition_id = submit(hall)
    found = hall.get(f"/v1/petitions/{petition_id}/deadlines")
    assert (found.status, found.json["petition_id"], found.json["round"]) == (200, petition_id, 0)
    assert {due["clock"] for due in found.json["history"]} == {"accept", "sign", "reply"}
    assert hall.get("/v1/petitions/LT-none/deadlines").status == 404
