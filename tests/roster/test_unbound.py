"""Owners who have bound no WeChat: named while they have open petitions, gone when they bind or nothing is open."""

from typing import Any

from bridge.clock import to_ms
from bridge.ledger.roster import CodeOrder, Lists, bind, import_lists, make_codes
from bridge.ledger.unbound import UNBOUND_ZH, unbound_owners
from bridge.ledger.work import Work
from bridge.roster import Member, Team
from schemas.event import EventType
from schemas.petition import HandlingClass, Secretary
from tests.support.ledgers import HOTLINE, WECHAT, Bench, Case, number, petition, submission

TEAMS = (Team("T1", "第一服务队", "", "S1"),)


def found(bench: Bench, **more: Any) -> list[dict[str, Any]]:
    with bench.store.reading() as conn:
        return unbound_owners(conn, **more)


def why(bench: Bench) -> dict[str, str]:
    return {row["owner_id"]: row["why"] for row in found(bench)}


def roster(bench: Bench, *members: str, binds: str | None = None) -> None:
    with bench.store.writing() as conn:
        work = Work(conn, to_ms(bench.clock.at), bench.privacy)
        import_lists(work, [(Lists(TEAMS, tuple(Member(one, "孟书记", "T1") for one in members)), "ops")])
        if binds:
            bind(work, [(str(make_codes(work, [CodeOrder(binds, "ops")])[0]), f"o{binds}")])


def brought(bench: Bench, key: str, owner: str) -> Case:
    draft = petition(secretary=Secretary(id=owner, team_id="T1"), handling_class=HandlingClass.HOTLINE_TRANSFER)
    (outcome,) = bench.take(submission(key, number(key), draft=draft, at=bench.clock.at))
    return Case(str(outcome.petition_id), str(outcome.event_id), number(key))


def test_each_with_why_how_many_and_the_oldest(bench: Bench) -> None:
    roster(bench, "S1", "S2", binds="S2")
    oldest = brought(bench, "a", "S1")
    bench.clock.turn(3600)
    for key, owner in (("b", "S1"), ("c", "S2"), ("d", "S9")):
        brought(bench, key, owner)
    taken = bench.petition(oldest)["accepted_at"]
    first, second = found(bench)
    assert (first["owner_id"], first["petitions"], first["team_id"]) == ("S1", 2, "T1")
    assert (first["why"], first["why_zh"]) == ("not_bound", UNBOUND_ZH["not_bound"])
    assert first["oldest_at"] == "2026-11-22T12:00:00.000+08:00"
    assert taken == bench.clock.ms - 3_600_000
    assert (second["owner_id"], second["petitions"], second["why"]) == ("S9", 1, "not_on_roster")
    assert "team_id" not in second


def test_whoever_binds_is_off_the_list_and_whoever_leaves_is_on_it(bench: Bench) -> None:
    roster(bench, "S1", "S2", binds="S1")
    brought(bench, "a", "S1")
    assert found(bench) == []
    roster(bench, "S2")
    assert why(bench) == {"S1": "left"}
    roster(bench, "S1", "S2", binds="S1")
    assert found(bench) == []


def test_before_the_first_roster_nobody_can_be_bound(bench: Bench) -> None:
    brought(bench, "a", "S1")
    assert found(bench) == []
    roster(bench, "S2")
    assert why(bench) == {"S1": "not_on_roster"}


def test_what_is_closed_needs_the_owner_until_it_is_confirmed(bench: Bench) -> None:
    roster(bench, "S1")
    case = brought(bench, "a", "S1")
    bench.route_all()
    bench.deliver(case, HOTLINE, holds=True)
    bench.deliver(case, WECHAT, told_petitioner=True)
    assert why(bench) == {"S1": "not_bound"}
    bench.say(case, EventType.CLOSED, HOTLINE, text="已修好")
    bench.route_all()
    bench.deliver(case, WECHAT, told_petitioner=True)
    assert bench.petition(case)["closed_at"] is not None
    assert why(bench) == {"S1": "not_bound"}
    bench.say(case, EventType.RATED, actor="petitioner", satisfaction="satisfied")
    assert found(bench) == []


def test_it_is_paged_by_owner(bench: Bench) -> None:
    roster(bench, "S0")
    for n in range(1, 4):
        brought(bench, f"k{n}", f"S{n}")
    assert [row["owner_id"] for row in found(bench, limit=2)] == ["S1", "S2"]
    assert [row["owner_id"] for row in found(bench, after="S2")] == ["S3"]
