"""待确认: who is asked to confirm a closing when its owner leaves or goes to another team, and of which petitions."""

from typing import Any

import pytest

from bridge.clock import iso, to_ms
from bridge.ledger import lists
from bridge.ledger.merge import Merging
from bridge.ledger.reads import views_by_owner
from bridge.ledger.roster import CodeOrder, Lists, bind, import_lists, make_codes
from bridge.ledger.unbound import unbound_owners
from bridge.ledger.work import Work
from bridge.roster import Member, Team
from bridge.rules.landing import WHY_ZH
from schemas.event import EventType as E
from schemas.petition import HandlingClass, Secretary
from tests.support.ledgers import HOTLINE, Bench, Case, number, petition, submission

OPENID = "oS2"
MEMBERS = ("s1", "s2", "s3")


@pytest.fixture(autouse=True)
def _roster(bench: Bench) -> None:
    roster(bench, *MEMBERS)


def roster(bench: Bench, *members: str, team: str = "t1") -> None:
    listed = Lists((Team(team, "服务队", "", "s1"),), tuple(Member(one, f"孟{one}", team) for one in members))
    with bench.store.writing() as conn:
        import_lists(Work(conn, to_ms(bench.clock.at), bench.privacy), [(listed, "ops")])


def bring(bench: Bench, key: str = "m1") -> Case:
    """One that s2 answers for."""
    owner = Secretary(id="s2", name="孟s2", team_id="t1")
    draft = petition(secretary=owner, handling_class=HandlingClass.HOTLINE_TRANSFER)
    (outcome,) = bench.take(submission(key, draft=draft))
    return Case(str(outcome.petition_id), str(outcome.event_id), number(key))


def close(bench: Bench, case: Case) -> None:
    bench.say(case, E.REPLIED, HOTLINE, text="已修好")
    bench.say(case, E.CLOSED, HOTLINE, text="办结")
    bench.route_all()
    # In the lane to the petitioner, one after the other.
    bench.sql("UPDATE handoffs SET state = 'delivered' WHERE petition_id = :id", id=case.id)
    bench.sql("UPDATE petitions SET closed_at = :now WHERE petition_id = :id", now=bench.clock.ms, id=case.id)


def read(bench: Bench, **wanted: Any) -> dict[str, str]:
    """On the list: petition → owner."""
    with bench.store.reading() as conn:
        return {row["petition_id"]: row["owner_id"] for row in lists.listed(conn, "unconfirmed", **wanted)}


def unbound(bench: Bench) -> dict[str, str]:
    with bench.store.reading() as conn:
        return {row["owner_id"]: row["why"] for row in unbound_owners(conn)}


def test_who_leaves_leaves_the_closings_that_wait_too(bench: Bench) -> None:
    waits, confirmed = bring(bench, "m1"), bring(bench, "m2")
    for case in (waits, confirmed):
        close(bench, case)
    bench.say(confirmed, E.CLOSED, actor="owner", text="已核实")
    roster(bench, "s1", "s3")
    assert unbound(bench) == {"s2": "left"}
    assert bench.do(bench.ledger.inherit(100)) == 1
    assert read(bench) == {waits.id: "s1"}
    assert bench.petition(confirmed)["owner_id"] == "s2", "nothing of it is left to do"
    assert unbound(bench) == {"s1": "not_bound"}
    assert bench.do(bench.ledger.inherit(100)) == 0


def test_what_is_not_closed_yet_is_left_once(bench: Bench) -> None:
    case = bring(bench)
    bench.say(case, E.CLOSED, HOTLINE, text="办结")
    assert bench.petition(case)["closed_at"] is None
    roster(bench, "s1", "s3")
    assert bench.do(bench.ledger.inherit(100)) == 1
    with bench.store.reading() as conn:
        assert [row["petitions"] for row in unbound_owners(conn)] == [1]


def test_the_lists_of_a_team_are_its_secretaries_of_today(bench: Bench) -> None:
    """The team is dissolved, and its people go to another one."""
    case = bring(bench)
    close(bench, case)
    before = bench.petition(case)
    roster(bench, *MEMBERS, team="t2")
    assert bench.do(bench.ledger.inherit(100)) == 0
    assert (read(bench, team="t1"), read(bench, team="t2")) == ({}, {case.id: "s2"})
    with bench.store.reading() as conn:
        assert [row["team_id"] for row in lists.listed(conn, "unconfirmed")] == ["t2"]
    assert bench.petition(case) == before, "a month that was sealed comes out the same"


def test_of_an_owner_whom_the_roster_does_not_know_the_petition_names_the_team(bench: Bench) -> None:
    case = bring(bench)
    close(bench, case)
    bench.sql("UPDATE petitions SET owner_id = 'form-7', team_id = 't9'")
    assert (read(bench, team="t1"), read(bench, team="t9")) == ({}, {case.id: "form-7"})


def test_a_member_is_confirmed_where_its_own_system_closed_it(bench: Bench) -> None:
    """并单: the other petition's answer is the other owner's to confirm."""
    main, member = bring(bench, "m1"), bring(bench, "m2")
    assert bench.do(bench.ledger.merge(Merging(member.id, main.id, "ops", "重复"))).result == "done"
    close(bench, main)
    assert (bench.petition(member)["state"], set(read(bench))) == ("merged", {main.id})
    assert waiting(bench) == {main.id}
    bench.clock.turn(60)
    bench.say(member, E.REHANDLED, HOTLINE, text="重办")
    bench.clock.turn(60)
    close(bench, member)
    assert bench.petition(member)["merged_into"] == main.id
    assert set(read(bench)) == waiting(bench) == {main.id, member.id}
    bench.say(member, E.CLOSED, actor="owner", text="已核实")
    assert set(read(bench)) == waiting(bench) == {main.id}


def waiting(bench: Bench) -> set[str]:
    """What s2 is told on the own WeChat to wait for confirmation."""
    with bench.store.writing() as conn:
        work = Work(conn, to_ms(bench.clock.at), bench.privacy)
        bind(work, [(str(make_codes(work, [CodeOrder("s2", "ops")])[0]), OPENID)])
    with bench.store.reading() as conn:
        key = bench.privacy.lookup.petitioner(OPENID)
        return {view.petition_id for view in views_by_owner(conn, bench.privacy.vault, key, ())}


# ── the citizen still says no (诉求人仍不满意) ──


def told(bench: Bench) -> list[tuple[str, str]]:
    """As the list is shown: why, and since when."""
    rule = bench.ledger.rules.supervision.rehandling
    with bench.store.reading() as conn:
        lines = lists.with_discontent(conn, bench.privacy.vault, rule, lists.listed(conn, "unconfirmed"))
    assert all(line["why_zh"] == WHY_ZH[line["why"]] for line in lines)
    return [(line["why"], line["since"]) for line in lines]


def test_a_no_after_the_last_round_is_the_reason_until_somebody_has_spoken_with_the_citizen(bench: Bench) -> None:
    case = bring(bench)
    rounds = bench.ledger.rules.supervision.rehandling.rounds
    for _ in range(rounds + 1):
        bench.clock.turn(60)
        bench.say(case, E.REPLIED, HOTLINE, text="已修好")
        bench.say(case, E.CLOSED, HOTLINE, text="办结")
        assert told(bench) == [("not_confirmed", iso(bench.clock.ms))]
        bench.clock.turn(60)
        bench.say(case, E.FOLLOWED_UP, HOTLINE, actor="petitioner", resolved="no")
        bench.judge()
    no = bench.clock.ms
    bench.clock.turn(60)
    assert told(bench) == [("discontent", iso(no))]
    bench.say(case, E.CLOSED, actor="owner", text="已上门说明")
    assert told(bench) == []


def test_whoever_was_not_reached_has_said_no_to_nothing(bench: Bench) -> None:
    case = bring(bench)
    close(bench, case)
    bench.say(case, E.FOLLOWED_UP, HOTLINE, actor="system", finding="unreachable", resolved="no")
    assert [why for why, _ in told(bench)] == ["not_confirmed"]
    bench.sql("UPDATE events SET data = 'no seal' WHERE type = 'followed_up'")
    assert [why for why, _ in told(bench)] == ["not_confirmed"], "what cannot be read stops no list"
