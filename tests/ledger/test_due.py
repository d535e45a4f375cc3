"""The night watch's verbs: what shows no sign of life is published again, ever less often, and hides nothing else."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from bridge.adapter import Receipt
from bridge.ledger.due import free_lanes
from bridge.ledger.work import Work
from bridge.patience import Patience
from bridge.retry import Park, Retry
from schemas.event import EventType
from tests.support.ledgers import CENTER, HOTLINE, WECHAT, Bench

HALF_AN_HOUR = 32 * 60


def turns_until_due(bench: Bench, channel: str) -> int:
    """Seconds until the watch publishes on this channel again; the clock is turned from one wake-up to the next."""
    began = bench.clock.ms
    bench.published.clear()
    for _ in range(20):
        sources = "SELECT wake_at FROM conveyor UNION ALL SELECT wake_at FROM handoffs WHERE wake_at IS NOT NULL"
        soonest = bench.row(f"SELECT min(wake_at) AS at FROM ({sources}) AS wakes")["at"]
        bench.clock.turn((soonest - bench.clock.ms) / 1000 - 1)
        assert bench.due() == 0
        bench.clock.turn(1)
        bench.due()
        if bench.drained(channel):
            return (bench.clock.ms - began) // 1000
    raise AssertionError("never due")


def test_nothing_is_due_while_the_relay_may_still_be_at_it(bench: Bench) -> None:
    bench.submit()
    bench.clock.turn(Patience().publish_seconds - 1)
    assert bench.due() == 0
    bench.clock.turn(1)
    assert bench.due() == 1


def test_an_event_that_was_never_confirmed_is_published_again(bench: Bench) -> None:
    case = bench.submit()
    bench.published.clear()
    bench.clock.turn(11)
    bench.due()
    (message,) = bench.published
    assert (message.channel, message.id, message.routing_key) == ("event", case.event_id, "petition.submitted.wechat")
    assert case.id.encode() in message.body


def test_an_event_is_published_again_exactly_as_it_was(bench: Bench) -> None:
    bench.submit()
    (first,) = bench.published
    bench.published.clear()
    bench.clock.turn(11)
    bench.due()
    (second,) = bench.published
    assert second == first


def test_an_event_that_is_confirmed_and_not_routed_is_published_again(bench: Bench) -> None:
    """The broker took it and was wiped."""
    case = bench.submit()
    bench.confirm([case.event_id])
    bench.published.clear()
    bench.clock.turn(59)
    assert bench.due() == 0
    bench.clock.turn(2)
    bench.due()
    assert bench.drained("event") == [case.event_id]


def test_an_unrouted_event_is_published_ever_less_often(bench: Bench) -> None:
    bench.submit()
    gaps = [turns_until_due(bench, "event") for _ in range(9)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == gaps[-2] == HALF_AN_HOUR
    assert gaps[3] >= 2 * gaps[1]


def test_a_hand_off_nobody_takes_is_published_ever_less_often(bench: Bench) -> None:
    bench.submit(openid=None, actor="owner")
    bench.route_all()
    gaps = [turns_until_due(bench, "handoff") for _ in range(9)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == HALF_AN_HOUR


def test_a_hand_off_in_a_long_queue_is_published_ever_less_often_although_each_copy_is_confirmed(bench: Bench) -> None:
    """A system that is slow for an hour must not get the whole backlog queued again every minute."""
    case = bench.submit(openid=None, actor="owner")
    bench.route_all()
    gaps = []
    for _ in range(7):
        bench.confirm(handoffs=[bench.head(case, HOTLINE)])
        gaps.append(turns_until_due(bench, "handoff"))
    assert gaps == sorted(gaps)
    assert gaps[-1] >= 8 * gaps[0], gaps


def test_a_retry_starts_the_graces_anew(bench: Bench) -> None:
    case = bench.submit(openid=None, actor="owner")
    bench.route_all()
    for _ in range(5):
        turns_until_due(bench, "handoff")
    bench.send(bench.head(case, HOTLINE), Retry(10, "x"))
    assert turns_until_due(bench, "handoff") == 10
    assert turns_until_due(bench, "handoff") <= 60


def test_one_row_that_is_always_due_hides_no_other(bench: Bench) -> None:
    """With room for one a round, every hand-off gets its turn although none is ever taken."""
    for _ in range(6):
        bench.submit(openid=None, actor="owner")
    bench.route_all()
    bench.sql("DELETE FROM conveyor")
    ids = {row["handoff_id"] for row in bench.rows("SELECT handoff_id FROM handoffs WHERE state = 'pending'")}
    bench.published.clear()
    bench.clock.turn(11)
    for _ in range(len(ids)):
        assert bench.due(limit=1) == 1
        bench.clock.turn(1)
    assert set(bench.drained("handoff")) == ids


def test_one_event_that_is_always_due_hides_no_other(bench: Bench) -> None:
    ids = {bench.submit().event_id for _ in range(6)}
    bench.published.clear()
    bench.clock.turn(11)
    for _ in ids:
        bench.due(limit=1)
        bench.clock.turn(1)
    assert set(bench.drained("event")) == ids


def test_what_is_finished_parked_or_waiting_is_never_due(bench: Bench) -> None:
    case, other = bench.submit(), bench.submit()
    bench.say(case, EventType.URGED)
    bench.say(other, EventType.URGED)
    bench.route_all()
    bench.sql("DELETE FROM conveyor")
    bench.send(bench.head(case, HOTLINE), Park("x"))
    bench.send(bench.head(other, HOTLINE), Receipt("R", holds=True))
    bench.order("cancel", bench.head(other, WECHAT))
    bench.clock.turn(86_400)
    bench.published.clear()
    bench.due()
    published = bench.drained("handoff")
    for gone in (bench.head(case, HOTLINE), bench.head(other, HOTLINE), bench.head(other, WECHAT)):
        assert gone not in published
    assert bench.lane(case, HOTLINE)[1]["handoff_id"] not in published
    assert bench.lane(other, HOTLINE)[1]["handoff_id"] in published


# ── leases that ran out ──


def test_a_dead_owners_hand_off_is_unknown_and_goes_out_again_to_be_asked_about(bench: Bench) -> None:
    case = bench.submit(openid=None, actor="owner")
    bench.route_all()
    head = bench.head(case, HOTLINE)
    bench.leased(head, owner="dead")
    bench.clock.turn(59)
    bench.due()
    assert bench.handoff(head)["state"] == "sending"
    bench.clock.turn(1)
    bench.published.clear()
    bench.due()
    bench.due()
    assert head in bench.drained("handoff")
    leased = bench.leased(head, owner="alive")
    assert leased.handoff["ask_first"]
    assert leased.handoff["attempts"] == 2
    assert bench.attempts(head) == [(1, "unknown", "lease_expired")]
    assert "handoff.unknown" in bench.trail(case.id)


def test_a_live_lease_survives_the_watch(bench: Bench) -> None:
    case = bench.submit()
    bench.route_all()
    head = bench.head(case, HOTLINE)
    bench.leased(head, seconds=3600)
    for _ in range(50):
        bench.clock.turn(60)
        bench.due()
    assert bench.handoff(head)["state"] == "sending"


def test_an_embedded_start_wakes_all_that_its_conveyor_lost(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, EventType.URGED)
    bench.route(case.event_id)
    bench.confirm(handoffs=[bench.head(case, HOTLINE)])
    bench.leased(bench.head(case, WECHAT), owner="before the stop")
    late = bench.say(case, EventType.NOTED)
    bench.published.clear()
    bench.do(bench.ledger.wake_all(owners_gone=True))
    bench.due()
    bench.due()
    assert late in bench.drained("event")
    assert {bench.head(case, HOTLINE), bench.head(case, WECHAT)} <= set(bench.drained("handoff"))
    assert bench.lane(case, WECHAT)[0]["ask_first"]


def test_a_start_beside_other_processes_leaves_their_leases_alone(bench: Bench) -> None:
    case = bench.submit()
    bench.route_all()
    bench.leased(bench.head(case, HOTLINE), owner="another process")
    bench.do(bench.ledger.wake_all(owners_gone=False))
    bench.due()
    assert bench.handoff(bench.head(case, HOTLINE))["state"] == "sending"


# ── several watches ──


def test_two_watches_do_not_publish_the_same_row_twice(make_bench: object) -> None:
    one, two = make_bench("p1"), make_bench("p2")  # type: ignore[operator]
    for _ in range(10):
        one.submit()
    one.published.clear()
    for bench in (one, two):
        bench.clock.turn(11)
        bench.due()
    assert len(one.published) + len(two.published) == 10


def test_a_lane_that_was_left_asleep_is_freed(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, EventType.URGED)
    bench.route_all()
    bench.deliver(case, HOTLINE, holds=True)
    second = str(bench.lane(case, HOTLINE)[1]["handoff_id"])
    bench.sql("UPDATE handoffs SET state = 'waiting', wake_at = NULL WHERE handoff_id = :id", id=second)
    assert second in bench.law().orphans
    bench.published.clear()
    assert bench.do(bench.ledger.free_lanes(100)) == 1
    assert bench.drained("handoff") == [second]
    assert bench.law().holds
    assert bench.do(bench.ledger.free_lanes(100)) == 0


def test_a_blocked_lane_is_not_freed(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, EventType.URGED)
    bench.route_all()
    bench.send(bench.head(case, HOTLINE), Park("x"))
    assert bench.do(bench.ledger.free_lanes(100)) == 0
    assert bench.states(case, HOTLINE) == ["parked", "waiting"]


def test_work_that_one_process_holds_is_not_given_to_another(make_bench: object) -> None:
    one, two = make_bench("p1"), make_bench("p2")  # type: ignore[operator]
    two.clock = one.clock
    assert one.do(one.ledger.hold("sealer", "p1", 15))
    assert one.do(one.ledger.hold("sealer", "p1", 15))
    assert not two.do(two.ledger.hold("sealer", "p2", 15))
    assert two.do(two.ledger.hold("poll:x", "p2", 15))
    # Given up, or run out.
    assert one.do(one.ledger.hold("sealer", "p1", 0))
    assert two.do(two.ledger.hold("sealer", "p2", 15))
    one.clock.turn(16)
    assert one.do(one.ledger.hold("poll:x", "p1", 15))


@pytest.mark.parametrize("system", [HOTLINE, CENTER, WECHAT])
def test_a_republished_hand_off_goes_to_its_own_system(bench: Bench, system: str) -> None:
    cls = "key_supervision" if system == CENTER else "hotline_transfer"
    case = bench.submit(cls=cls)  # type: ignore[arg-type]
    bench.route_all()
    bench.published.clear()
    bench.clock.turn(11)
    bench.due()
    keys = {message.id: message.routing_key for message in bench.published if message.channel == "handoff"}
    assert keys[bench.head(case, system)] == system


def test_a_case_that_nobody_signs_for_in_time_is_said_once(bench: Bench) -> None:
    case = bench.submit(openid=None, actor="owner")
    bench.route_all()
    leased = bench.leased(bench.head(case, HOTLINE))
    settled = replace(bench.settlement(leased, Receipt("R1", holds=True)), acknowledge_within_ms=3_600_000)
    bench.settle(settled)
    bench.clock.turn(3599)
    bench.due()
    assert "handoff.unacknowledged" not in bench.trail(case.id)
    bench.clock.turn(2)
    bench.due()
    bench.due()
    assert bench.trail(case.id).count("handoff.unacknowledged") == 1
    assert bench.handoff(leased.handoff["handoff_id"])["state"] == "delivered"


def test_a_case_that_was_signed_for_is_not_missed(bench: Bench) -> None:
    case = bench.submit(openid=None, actor="owner")
    bench.route_all()
    leased = bench.leased(bench.head(case, HOTLINE))
    bench.settle(replace(bench.settlement(leased, Receipt("R1", holds=True)), acknowledge_within_ms=3_600_000))
    bench.say(case, EventType.SIGNED, HOTLINE)
    bench.clock.turn(7200)
    bench.due()
    assert "handoff.unacknowledged" not in bench.trail(case.id)


@pytest.mark.parametrize("url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_growing_backlog_is_not_looked_through_by_the_plan_of_a_small_one(bench: Bench) -> None:
    """PostgreSQL keeps a plan after some executions; made for a few rows, it takes minutes for ten thousand."""
    with bench.store.writing() as conn:
        work = Work(conn, bench.clock.ms, bench.privacy)
        for _ in range(12):
            free_lanes(work, [100])
        query = text("SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%earlier%'")
        (plans,) = conn.execute(query).all()
    assert plans.generic_plans == 0
    assert plans.custom_plans > 5
