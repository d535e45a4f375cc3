"""The router's verb: events become hand-offs once, in order, each lane one at a time."""

import threading
import uuid

import orjson
import pytest

from bridge.adapter import Receipt
from bridge.ids import handoff_id
from bridge.patience import Patience
from bridge.retry import Park, Retry
from schemas.event import EventType
from schemas.petition import HandlingClass
from tests.support.ledgers import CENTER, HOTLINE, WECHAT, Bench


def test_an_event_becomes_the_hand_offs_that_the_table_says(bench: Bench) -> None:
    case = bench.submit()
    assert bench.route(case.event_id) == 1
    (to_hotline,) = bench.lane(case, HOTLINE)
    (to_wechat,) = bench.lane(case, WECHAT)
    assert to_hotline["handoff_id"] == str(handoff_id(uuid.UUID(case.event_id), HOTLINE))
    assert (to_hotline["state"], to_hotline["audience"], to_hotline["event_type"]) == ("pending", "", "submitted")
    assert to_wechat["audience"] == "owner,petitioner"
    assert bench.lane(case, CENTER) == []
    assert sorted(bench.drained("handoff")) == sorted([to_hotline["handoff_id"], to_wechat["handoff_id"]])
    assert bench.trail(case.id) == ["petition.accepted", "event.routed"]


def test_an_event_is_routed_once_however_often_it_comes(bench: Bench) -> None:
    case = bench.submit()
    assert bench.route(case.event_id, case.event_id) == 1
    bench.published.clear()
    assert bench.route(case.event_id) == 0
    assert bench.published == []
    assert len(bench.rows("SELECT * FROM handoffs")) == 2
    assert bench.trail(case.id).count("event.routed") == 1


def test_an_event_nobody_knows_is_nobodys_business(bench: Bench) -> None:
    assert bench.route(str(uuid.uuid4()), "") == 0


def test_earlier_events_of_the_petition_go_first_even_if_the_later_message_overtook(bench: Bench) -> None:
    case = bench.submit()
    second = bench.say(case, EventType.URGED)
    third = bench.say(case, EventType.URGED)
    assert bench.route(third) == 3
    assert [row["sequence"] for row in bench.lane(case, HOTLINE)] == [1, 2, 3]
    assert bench.states(case, HOTLINE) == ["pending", "waiting", "waiting"]
    assert bench.route(case.event_id, second) == 0


def test_only_the_head_of_a_lane_is_put_on_the_conveyor(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, EventType.URGED)
    bench.published.clear()
    bench.route_all()
    assert sorted(bench.drained("handoff")) == sorted([bench.head(case, HOTLINE), bench.head(case, WECHAT)])


@pytest.mark.parametrize("state", ["pending", "queued", "sending", "retrying", "unknown", "parked"])
def test_whatever_is_unfinished_blocks_its_lane(bench: Bench, state: str) -> None:
    case = bench.submit()
    bench.route_all()
    head = bench.head(case, HOTLINE)
    match state:
        case "queued":
            bench.confirm(handoffs=[head])
        case "sending":
            bench.leased(head)
        case "retrying":
            bench.send(head, Retry(5, "x"))
        case "unknown":
            bench.send(head, Retry(5, "x", ask_first=True))
        case "parked":
            bench.send(head, Park("x"))
    assert bench.states(case, HOTLINE) == [state]
    bench.say(case, EventType.URGED)
    bench.route_all()
    assert bench.states(case, HOTLINE) == [state, "waiting"]
    assert bench.lane(case, HOTLINE)[1]["wake_at"] is None
    assert bench.lease(str(bench.lane(case, HOTLINE)[1]["handoff_id"])) is None
    assert bench.law().holds


def test_a_parked_lane_blocks_no_other(bench: Bench) -> None:
    case, other = bench.submit(), bench.submit()
    bench.route_all()
    bench.send(bench.head(case, HOTLINE), Park("x"))
    bench.say(case, EventType.URGED)
    bench.say(other, EventType.URGED)
    bench.route_all()
    # The same petition's lane to another system, and another petition's lane to the same system, both flow.
    bench.deliver(case, WECHAT)
    assert bench.states(case, WECHAT) == ["delivered", "pending"]
    bench.deliver(other, HOTLINE, holds=True)
    bench.deliver(other, HOTLINE)
    assert bench.states(other, HOTLINE) == ["delivered", "delivered"]
    assert bench.states(case, HOTLINE) == ["parked", "waiting"]


def test_a_delivery_wakes_the_next_of_its_lane_and_only_that(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, EventType.URGED)
    bench.say(case, EventType.URGED)
    bench.route_all()
    bench.published.clear()
    bench.deliver(case, HOTLINE, holds=True)
    assert bench.states(case, HOTLINE) == ["delivered", "pending", "waiting"]
    assert bench.drained("handoff") == [bench.lane(case, HOTLINE)[1]["handoff_id"]]


def test_two_routers_at_once_make_each_hand_off_once(make_bench: object) -> None:
    benches = [make_bench(owner) for owner in ("p1", "p2")]  # type: ignore[operator]
    cases = [benches[0].submit() for _ in range(20)]
    for case in cases:
        benches[0].say(case, EventType.URGED)
    ids = [row["event_id"] for row in benches[0].rows("SELECT event_id FROM events")]
    barrier = threading.Barrier(2)
    errors: list[BaseException] = []

    def route(one: Bench, mine: list[str]) -> None:
        try:
            barrier.wait(10)
            for start in range(0, len(mine), 10):
                one.route(*mine[start : start + 10])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=route, args=(benches[0], ids))]
    threads += [threading.Thread(target=route, args=(benches[1], ids[::-1]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    for case in cases:
        assert benches[0].states(case, HOTLINE) == ["pending", "waiting"]
        assert [row["sequence"] for row in benches[0].lane(case, WECHAT)] == [1, 2]
        assert benches[0].trail(case.id).count("event.routed") == 2
    assert benches[0].law().holds


# ── confirms ──


@pytest.mark.parametrize("confirm_first", [True, False])
def test_an_event_leaves_the_conveyor_when_it_is_confirmed_and_routed_in_either_order(
    bench: Bench, confirm_first: bool
) -> None:
    case = bench.submit()
    first, second = (bench.confirm, bench.route) if confirm_first else (bench.route, bench.confirm)
    first([case.event_id]) if confirm_first else first(case.event_id)
    assert len(bench.rows("SELECT * FROM conveyor")) == 1
    second(case.event_id) if confirm_first else second([case.event_id])
    assert bench.rows("SELECT * FROM conveyor") == []


def test_a_confirm_makes_a_pending_hand_off_queued_and_lets_it_be(bench: Bench) -> None:
    case = bench.submit()
    bench.route_all()
    head = bench.head(case, HOTLINE)
    bench.confirm(handoffs=[head])
    row = bench.handoff(head)
    assert (row["state"], row["wake_at"]) == ("queued", bench.clock.ms + Patience().queued_ms)


def test_a_confirm_that_comes_after_the_delivery_changes_nothing(bench: Bench) -> None:
    case = bench.submit()
    bench.route_all()
    head = bench.deliver(case, HOTLINE, holds=True)
    bench.confirm(handoffs=[head])
    assert bench.handoff(head)["state"] == "delivered"
    other = bench.head(case, WECHAT)
    leased = bench.leased(other)
    bench.confirm(handoffs=[other, str(uuid.uuid4())])
    assert bench.handoff(other)["state"] == "sending"
    assert bench.settle(bench.settlement(leased, Receipt("R")))


# ── a petition is never nowhere ──


def test_the_petitions_own_class_can_say_that_its_source_keeps_it(bench: Bench) -> None:
    case = bench.submit(cls=HandlingClass.ON_SITE, openid=None)
    bench.route_all()
    assert bench.petition(case)["holder"] == WECHAT
    assert bench.place() == {"held": 1}
    (routed,) = bench.rows("SELECT body FROM journal WHERE what = 'event.routed'")
    assert orjson.loads(routed["body"])["outcome"] == "held", "the audit log tells an auditor so"


def test_a_petition_that_nobody_can_be_told_of_still_has_a_place(bench: Bench) -> None:
    """Its source is the only system that its class would tell, and the petitioner cannot be reached."""
    bench.submit(HOTLINE, HandlingClass.HOTLINE_TRANSFER, openid=None, actor="owner")
    bench.route_all()
    assert sum(bench.place().values()) == 1
