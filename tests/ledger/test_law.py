"""The law: every petition in exactly one place, closed only with proof, and whatever is lost is found."""

from datetime import timedelta

import orjson
import pytest

from bridge.adapter import Receipt
from bridge.conservation import conservation
from bridge.retry import Park, Retry
from schemas.event import EventType
from tests.support.ledgers import CENTER, HOTLINE, START, WECHAT, Bench, Case

# ── places ──


def test_an_empty_ledger_keeps_the_law(bench: Bench) -> None:
    law = bench.law()
    assert (law.accepted, law.difference, law.holds, law.orphans) == (0, 0, True, [])


def test_a_petition_goes_from_place_to_place_and_is_in_one_at_a_time(bench: Bench) -> None:
    case = bench.submit()
    assert bench.place() == {"in_flight": 1}
    bench.route_all()
    assert bench.place() == {"in_flight": 1}
    head = bench.head(case, HOTLINE)
    bench.send(head, Park("x"))
    assert bench.place() == {"parked": 1}
    bench.order("replay", head)
    assert bench.place() == {"in_flight": 1}
    bench.deliver(case, HOTLINE, holds=True)
    bench.deliver(case, WECHAT)
    assert bench.place() == {"held": 1}
    bench.say(case, EventType.CLOSED, HOTLINE)
    assert bench.place() == {"in_flight": 1}
    bench.route_all()
    bench.deliver(case, WECHAT, told_petitioner=True)
    assert bench.place() == {"closed": 1}


def test_all_places_at_once(bench: Bench) -> None:
    parked, held, flying = bench.submit(), bench.submit(), bench.submit()
    closed = bench.submit(HOTLINE, holder=HOTLINE)
    bench.say(closed, EventType.CLOSED, HOTLINE)
    bench.route_all()
    bench.send(bench.head(parked, HOTLINE), Park("x"))
    for system in (HOTLINE, WECHAT):
        bench.deliver(held, system, holds=system == HOTLINE)
    while any(state == "pending" for state in bench.states(closed, WECHAT)):
        bench.deliver(closed, WECHAT)
    bench.send(bench.head(flying, HOTLINE), Retry(5, "x"))
    law = bench.law()
    assert (law.accepted, law.closed, law.held, law.in_flight, law.parked) == (4, 1, 1, 1, 1)
    assert (law.difference, law.holds) == (0, True)
    assert law.by_system[HOTLINE] == {"delivered": 1, "parked": 1, "retrying": 1}


def test_the_age_of_what_is_on_its_way(bench: Bench) -> None:
    bench.submit()
    bench.route_all()
    bench.clock.turn(90)
    assert bench.law().oldest_in_flight_seconds == pytest.approx(90)


# ── closing: answered, or not closed ──


def close(bench: Bench, case: Case, system: str = HOTLINE, **more: object) -> None:
    bench.say(case, EventType.CLOSED, system, at=START + timedelta(hours=1), **more)  # type: ignore[arg-type]
    bench.route_all()


def settle_all(bench: Bench, case: Case, **receipt: object) -> None:
    """Whatever is on its way arrives."""
    while ready := bench.rows(
        "SELECT handoff_id FROM handoffs WHERE petition_id = :id AND state IN ('pending', 'queued')", id=case.id
    ):
        bench.send(ready[0]["handoff_id"], Receipt(**{"number": "R", **receipt}))  # type: ignore[arg-type]


def test_the_petitioners_own_wechat_is_an_answer(bench: Bench) -> None:
    case = bench.submit()
    bench.route_all()
    settle_all(bench, case)
    close(bench, case)
    assert bench.place() == {"in_flight": 1}
    told = bench.deliver(case, WECHAT, told_petitioner=True)
    assert bench.place() == {"closed": 1}
    assert bench.petition(case)["answered_by"] == f"handoff:{told}"
    assert bench.trail(case.id)[-1] == "petition.closed"


def test_a_message_that_reached_only_the_owner_is_no_answer_to_a_petitioner_on_wechat(bench: Bench) -> None:
    case = bench.submit()
    bench.route_all()
    settle_all(bench, case, holds=True)
    close(bench, case)
    settle_all(bench, case)
    assert bench.petition(case)["answered_by"] is None
    assert bench.petition(case)["closed_at"] is None
    assert bench.law().holds


def test_the_owner_is_an_answer_for_whoever_wechat_cannot_reach(bench: Bench) -> None:
    case = bench.submit(openid=None)
    bench.route_all()
    settle_all(bench, case, holds=True)
    close(bench, case)
    settle_all(bench, case)
    assert bench.place() == {"closed": 1}


def test_the_system_that_took_the_call_answers_its_caller(bench: Bench) -> None:
    case = bench.submit(HOTLINE, holder=HOTLINE, openid=None)
    bench.route_all()
    settle_all(bench, case)
    close(bench, case, HOTLINE)
    assert str(bench.petition(case)["answered_by"]).startswith("event:")
    settle_all(bench, case)
    assert bench.place() == {"closed": 1}


def test_another_systems_word_reaches_the_caller_through_the_source(bench: Bench) -> None:
    case = bench.submit(CENTER, holder=CENTER, openid=None)
    bench.route_all()
    settle_all(bench, case)
    close(bench, case, HOTLINE)
    assert bench.petition(case)["answered_by"] is None
    told = bench.deliver(case, CENTER)
    assert bench.petition(case)["answered_by"] == f"handoff:{told}"
    settle_all(bench, case)
    assert bench.place() == {"closed": 1}


@pytest.mark.parametrize("actor", ["owner", "petitioner"])
def test_a_secretary_who_tells_the_citizen_and_a_citizen_who_withdraws_are_answers(bench: Bench, actor: str) -> None:
    case = bench.submit()
    bench.route_all()
    settle_all(bench, case, holds=True)
    close(bench, case, WECHAT, actor=actor)
    settle_all(bench, case)
    assert bench.place() == {"closed": 1}
    assert str(bench.petition(case)["answered_by"]).startswith("event:")


def test_nothing_is_closed_while_something_is_on_its_way(bench: Bench) -> None:
    case = bench.submit(HOTLINE, holder=HOTLINE)
    close(bench, case, HOTLINE)
    assert bench.petition(case)["answered_by"] is not None
    assert bench.place() == {"in_flight": 1}
    bench.send(bench.head(case, WECHAT), Park("no_template"))
    assert bench.place() == {"parked": 1}
    bench.order("replay", bench.head(case, WECHAT))
    settle_all(bench, case)
    assert bench.place() == {"closed": 1}


def test_an_answer_without_an_end_closes_nothing(bench: Bench) -> None:
    case = bench.submit()
    bench.route_all()
    settle_all(bench, case, holds=True)
    bench.say(case, EventType.REPLIED, HOTLINE)
    bench.route_all()
    settle_all(bench, case, told_petitioner=True)
    assert bench.petition(case)["answered_by"] is not None
    assert bench.place() == {"held": 1}


@pytest.mark.parametrize("type_", [EventType.CLOSED, EventType.CANCELLED, EventType.NOT_ACCEPTED, EventType.MERGED])
def test_every_end_closes_once_answered(bench: Bench, type_: EventType) -> None:
    case = bench.submit()
    bench.route_all()
    settle_all(bench, case, holds=True)
    bench.say(case, type_, HOTLINE)
    bench.route_all()
    assert bench.petition(case)["closed_at"] is None
    settle_all(bench, case, told_petitioner=True)
    assert bench.place() == {"closed": 1}


def test_a_rehandling_opens_the_petition_and_wants_a_new_answer(bench: Bench) -> None:
    case = bench.submit()
    bench.route_all()
    settle_all(bench, case, holds=True)
    close(bench, case)
    settle_all(bench, case, told_petitioner=True)
    assert bench.place() == {"closed": 1}
    bench.say(case, EventType.REHANDLED, HOTLINE, at=START + timedelta(hours=2))
    assert (bench.petition(case)["closed_at"], bench.petition(case)["answered_by"]) == (None, None)
    bench.route_all()
    settle_all(bench, case, told_petitioner=True)
    assert bench.place() == {"held": 1}
    bench.say(case, EventType.CLOSED, HOTLINE, at=START + timedelta(hours=3))
    bench.route_all()
    settle_all(bench, case, told_petitioner=True)
    assert bench.place() == {"closed": 1}


def test_a_closed_petition_is_closed_once(bench: Bench) -> None:
    case = bench.submit(HOTLINE, holder=HOTLINE)
    close(bench, case, HOTLINE)
    settle_all(bench, case)
    at = bench.petition(case)["closed_at"]
    bench.clock.turn(60)
    bench.say(case, EventType.RATED, HOTLINE, at=START + timedelta(hours=2))
    bench.route_all()
    settle_all(bench, case)
    assert bench.petition(case)["closed_at"] == at
    # The event of type `closed` has the same name in the trail; it carries its event id.
    closings = bench.rows("SELECT body FROM journal WHERE what = 'petition.closed' AND petition_id = :id", id=case.id)
    assert sum("event_id" not in orjson.loads(row["body"]) for row in closings) == 1
    assert bench.place() == {"closed": 1}


# ── broken by hand ──


@pytest.fixture
def case(bench: Bench) -> Case:
    """In flight: to the hotline (with one waiting behind) and to WeChat."""
    bench.submit()
    case = bench.submit()
    bench.say(case, EventType.URGED)
    bench.route_all()
    assert bench.law().holds
    return case


def broken(bench: Bench) -> list[str]:
    law = bench.law()
    assert not law.holds
    return law.orphans


def test_a_petition_that_vanished_is_missed(bench: Bench, case: Case) -> None:
    bench.sql("DELETE FROM petitions WHERE petition_id = :id", id=case.id)
    law = bench.law()
    assert (law.accepted, law.difference, law.holds) == (2, 1, False)


def test_a_petition_that_nobody_accepted_is_noticed(bench: Bench, case: Case) -> None:
    bench.sql("DELETE FROM journal WHERE opens AND petition_id = :id", id=case.id)
    assert bench.law().difference == -1
    assert not bench.law().holds


def test_a_petition_in_no_place_is_an_orphan(bench: Bench, case: Case) -> None:
    bench.sql("DELETE FROM handoffs WHERE petition_id = :id", id=case.id)
    assert case.id in broken(bench)
    assert bench.law().difference == 1


def test_a_petition_whose_event_left_the_conveyor_unrouted_is_an_orphan(bench: Bench) -> None:
    case = bench.submit()
    bench.sql("DELETE FROM conveyor WHERE petition_id = :id", id=case.id)
    assert broken(bench) == [case.id]


def test_a_hand_off_in_a_state_that_nobody_knows_leaves_its_petition_an_orphan(bench: Bench) -> None:
    case = bench.submit()
    bench.route_all()
    bench.sql("UPDATE handoffs SET state = 'lost' WHERE petition_id = :id", id=case.id)
    assert case.id in broken(bench)


@pytest.mark.parametrize("state", ["pending", "queued", "retrying", "unknown"])
@pytest.mark.parametrize("wake", ["never", "long ago"])
def test_a_hand_off_that_nothing_will_wake_is_an_orphan(bench: Bench, case: Case, state: str, wake: str) -> None:
    head = bench.head(case, HOTLINE)
    at = None if wake == "never" else bench.clock.ms - 601_000
    bench.sql("UPDATE handoffs SET state = :state, wake_at = :at WHERE handoff_id = :id", state=state, at=at, id=head)
    assert broken(bench) == [head]


@pytest.mark.parametrize("lease", ["none", "dead"])
def test_a_hand_off_being_sent_by_nobody_is_an_orphan(bench: Bench, case: Case, lease: str) -> None:
    head = bench.head(case, HOTLINE)
    bench.leased(head)
    assert bench.law().holds
    until = None if lease == "none" else bench.clock.ms - 601_000
    bench.sql("UPDATE handoffs SET lease_until = :until WHERE handoff_id = :id", until=until, id=head)
    assert broken(bench) == [head]


def test_a_hand_off_that_waits_for_nothing_is_an_orphan(bench: Bench, case: Case) -> None:
    first, second = (row["handoff_id"] for row in bench.lane(case, HOTLINE))
    bench.sql("UPDATE handoffs SET state = 'delivered' WHERE handoff_id = :id", id=first)
    assert broken(bench) == [second]


def test_an_event_that_nobody_publishes_is_an_orphan(bench: Bench) -> None:
    case = bench.submit()
    bench.sql("UPDATE conveyor SET wake_at = :at", at=bench.clock.ms - 601_000)
    assert broken(bench) == [case.event_id]


def test_a_watch_that_sleeps_is_noticed(bench: Bench, case: Case) -> None:
    bench.clock.turn(86_400)
    assert set(broken(bench)) >= {bench.head(case, HOTLINE)}
    bench.due()
    assert bench.law().holds


def test_the_law_is_one_snapshot(bench: Bench) -> None:
    """What another connection commits meanwhile is not half seen."""
    bench.submit()
    with bench.store.reading() as conn:
        before = conservation(conn, bench.clock.ms)
        case = bench.submit()
        bench.route_all()
        bench.send(bench.head(case, HOTLINE), Park("x"))
        after = conservation(conn, bench.clock.ms)
    assert before == after
    assert bench.law().accepted == 2
