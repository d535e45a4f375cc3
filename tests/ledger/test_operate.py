"""Operators: replay and cancel, by name, with a reason, with a rehearsal; a petition stays in one known place."""

import orjson
import pytest

from bridge.adapter import Receipt
from bridge.ledger.operate import Order
from bridge.retry import Park, Retry
from schemas.event import EventType
from tests.support.ledgers import HOTLINE, WECHAT, Bench, Case


@pytest.fixture
def case(bench: Bench) -> Case:
    """Its first hand-off to the hotline is parked after two attempts, and another one waits behind it."""
    case = bench.submit()
    bench.say(case, EventType.URGED)
    bench.route_all()
    head = bench.head(case, HOTLINE)
    bench.send(head, Retry(5, "x"))
    bench.clock.turn(6)
    bench.due()
    bench.send(head, Park("region_unknown"))
    bench.published.clear()
    return case


def test_a_replay_sends_it_again_with_its_own_key_and_asks_first(bench: Bench, case: Case) -> None:
    head = bench.head(case, HOTLINE)
    verdict = bench.order("replay", head)
    assert (verdict.result, verdict.state, verdict.petition_id, verdict.system) == ("done", "pending", case.id, HOTLINE)
    assert bench.drained("handoff") == [head]
    row = bench.handoff(head)
    assert row["reason"] is None
    # What may have arrived is looked up: a replay never has two effects.
    assert row["ask_first"]
    leased = bench.leased(head)
    assert leased.handoff["attempts"] == 3
    # The ladder begins anew.
    assert leased.handoff["attempts"] - leased.handoff["ladder_from"] == 1
    assert bench.settle(bench.settlement(leased, Receipt("R1", holds=True)))
    assert bench.states(case, HOTLINE) == ["delivered", "pending"]
    assert bench.attempts(head) == [(1, "retrying", "x"), (2, "parked", "region_unknown"), (3, "delivered", None)]


def test_a_replay_is_journalled_with_who_and_why(bench: Bench, case: Case) -> None:
    bench.order("replay", bench.head(case, HOTLINE))
    query = "SELECT body FROM journal WHERE what = 'handoff.replayed' AND petition_id = :id"
    entry = orjson.loads(bench.row(query, id=case.id)["body"])
    assert (entry["actor"], entry["reason"], entry["to"]) == ("operator:ops", "because", HOTLINE)


def test_a_replay_that_was_just_done_is_refused(bench: Bench, case: Case) -> None:
    head = bench.head(case, HOTLINE)
    orders = bench.together(*(bench.ledger.operate(Order("replay", head, "ops", "because")) for _ in range(3)))
    assert [verdict.result for verdict in orders] == ["done", "refused", "refused"]
    assert bench.trail(case.id).count("handoff.replayed") == 1


@pytest.mark.parametrize("action", ["replay", "cancel"])
def test_a_rehearsal_changes_nothing(bench: Bench, case: Case, action: str) -> None:
    head = bench.head(case, HOTLINE)
    before = (bench.handoff(head), bench.trail(case.id))
    verdict = bench.order(action, head, dry_run=True)
    assert (verdict.result, verdict.state) == ("would", "parked")
    assert (bench.handoff(head), bench.trail(case.id)) == before
    assert bench.published == []


@pytest.mark.parametrize("action", ["replay", "cancel"])
@pytest.mark.parametrize("dry_run", [True, False])
def test_what_is_delivered_can_be_neither_replayed_nor_cancelled(
    bench: Bench, case: Case, action: str, dry_run: bool
) -> None:
    head = bench.deliver(case, WECHAT)
    verdict = bench.order(action, head, dry_run=dry_run)
    assert (verdict.result, verdict.state) == ("refused", "delivered")
    assert verdict.why
    assert bench.handoff(head)["state"] == "delivered"


@pytest.mark.parametrize("action", ["replay", "cancel"])
def test_what_is_being_sent_is_left_alone(bench: Bench, case: Case, action: str) -> None:
    head = bench.head(case, WECHAT)
    bench.leased(head)
    assert bench.order(action, head).result == "refused"
    assert bench.handoff(head)["state"] == "sending"


def test_a_hand_off_that_is_not_there(bench: Bench) -> None:
    assert bench.order("replay", "nothing").result == "not_found"
    assert bench.order("cancel", "nothing").result == "not_found"


@pytest.mark.parametrize("ask_first", [True, False])
def test_a_waiting_retry_can_be_hurried(bench: Bench, ask_first: bool) -> None:
    case = bench.submit()
    bench.route_all()
    head = bench.head(case, HOTLINE)
    bench.send(head, Retry(3600, "x", ask_first=ask_first))
    assert bench.order("replay", head).result == "done"
    assert bench.leased(head).handoff["ask_first"]


def test_a_cancelled_hand_off_lets_its_lane_go_on(bench: Bench, case: Case) -> None:
    head = bench.head(case, HOTLINE)
    assert bench.order("cancel", head).result == "done"
    assert bench.states(case, HOTLINE) == ["cancelled", "pending"]
    assert bench.drained("handoff") == [bench.lane(case, HOTLINE)[1]["handoff_id"]]
    assert bench.trail(case.id)[-1] == "handoff.cancelled"
    assert bench.order("replay", head).result == "refused"
    assert bench.lease(head) is None
    assert bench.law().holds


def test_a_waiting_one_can_be_cancelled_without_waking_those_behind_it(bench: Bench, case: Case) -> None:
    bench.say(case, EventType.URGED)
    bench.route_all()
    middle = bench.lane(case, HOTLINE)[1]["handoff_id"]
    bench.order("cancel", middle)
    assert bench.states(case, HOTLINE) == ["parked", "cancelled", "waiting"]
    assert bench.law().holds


def test_a_petition_whose_only_hand_off_was_cancelled_still_has_a_place(bench: Bench) -> None:
    """The hotline refused it for good and an operator gave the hand-off up: nobody has the case now, and it is open."""
    case = bench.submit(openid=None)
    bench.route_all()
    bench.send(bench.head(case, HOTLINE), Park("region_unknown"))
    for system in (HOTLINE, WECHAT):
        for row in bench.lane(case, system):
            assert bench.order("cancel", row["handoff_id"]).result in ("done", "refused")
    assert sum(bench.place().values()) == 1


def test_cancelling_the_last_of_an_answered_petition_closes_it(bench: Bench) -> None:
    case = bench.submit(HOTLINE, holder=HOTLINE)
    bench.say(case, EventType.CLOSED, HOTLINE)
    bench.route_all()
    while unfinished := [row for row in bench.lane(case, WECHAT) if row["state"] == "pending"]:
        bench.order("cancel", unfinished[0]["handoff_id"])
    assert bench.place() == {"closed": 1}
