"""Lease and settle: one owner at a time, every outcome recorded once, no receipt ever dropped."""

import threading

import orjson
import pytest

from bridge.adapter import Receipt
from bridge.ledger.deliver import Release
from bridge.ledger.reads import build_event, build_petition
from bridge.retry import Park, Retry
from schemas.event import EventType
from tests.support.ledgers import CENTER, HOTLINE, WECHAT, Bench, Case, number, ref, update


@pytest.fixture
def case(bench: Bench) -> Case:
    """A petition whose first hand-offs are ready."""
    case = bench.submit()
    bench.route_all()
    bench.published.clear()
    return case


# ── lease ──


def test_a_lease_gives_all_that_the_adapter_needs(bench: Bench, case: Case) -> None:
    leased = bench.leased(bench.head(case, HOTLINE))
    assert (leased.handoff["state"], leased.handoff["attempts"], leased.handoff["lease_owner"]) == ("sending", 1, "w1")
    assert leased.handoff["lease_until"] == bench.clock.ms + 60_000
    assert str(build_event(leased.event).event_id) == case.event_id
    built = build_petition(leased.petition, leased.numbers)
    assert (built.petition_id, built.content, built.external_ids) == (case.id, "路灯不亮", (case.number,))


def test_a_hand_off_is_leased_once(bench: Bench, case: Case) -> None:
    head = bench.head(case, HOTLINE)
    bench.leased(head)
    assert bench.lease(head) is None
    assert bench.lease("no such hand-off") is None
    assert bench.handoff(head)["attempts"] == 1


def test_a_hand_off_is_leased_once_inside_one_batch(bench: Bench, case: Case) -> None:
    head = bench.head(case, HOTLINE)
    found = bench.together(*(bench.ledger.lease(head, "w1", 60) for _ in range(5)))
    assert sum(one is not None for one in found) == 1
    assert bench.handoff(head)["attempts"] == 1


def test_whoever_gets_the_lease_is_its_owner_also_inside_one_batch(bench: Bench, case: Case) -> None:
    head = bench.head(case, HOTLINE)
    found = bench.together(*(bench.ledger.lease(head, owner, 60) for owner in ("a", "b", "c")))
    (winner,) = [owner for owner, one in zip("abc", found, strict=True) if one is not None]
    assert bench.handoff(head)["lease_owner"] == winner


def test_of_two_processes_one_gets_the_lease(make_bench: object) -> None:
    benches = [make_bench(owner) for owner in ("p1", "p2")]  # type: ignore[operator]
    cases = [benches[0].submit() for _ in range(25)]
    benches[0].route_all()
    heads = [benches[0].head(case, HOTLINE) for case in cases]
    barrier = threading.Barrier(2)
    won: dict[str, list[str]] = {"p1": [], "p2": []}

    def lease(one: Bench) -> None:
        barrier.wait(10)
        won[one.owner] = [head for head in heads if one.lease(head) is not None]

    threads = [threading.Thread(target=lease, args=(one,)) for one in benches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(won["p1"] + won["p2"]) == sorted(heads)
    for owner, mine in won.items():
        assert {benches[0].handoff(head)["lease_owner"] for head in mine} <= {owner}


@pytest.mark.parametrize("verdict", [Receipt("R1"), Retry(5, "x"), Retry(5, "x", ask_first=True), Park("x")])
def test_what_is_not_ready_cannot_be_leased(bench: Bench, case: Case, verdict: Receipt | Retry | Park) -> None:
    head = bench.head(case, HOTLINE)
    bench.send(head, verdict)
    assert bench.lease(head) is None


def test_a_heartbeat_keeps_a_lease_and_only_its_owners(bench: Bench, case: Case) -> None:
    head = bench.head(case, HOTLINE)
    bench.leased(head)
    bench.clock.turn(40)
    bench.do(bench.ledger.extend(head, "somebody else", 60))
    assert bench.handoff(head)["lease_until"] == bench.clock.ms + 20_000
    bench.do(bench.ledger.extend(head, "w1", 60))
    bench.clock.turn(40)
    bench.due()
    assert bench.handoff(head)["state"] == "sending"


# ── each verdict ──


def test_a_receipt_delivers(bench: Bench, case: Case) -> None:
    head = bench.head(case, HOTLINE)
    bench.clock.turn(3)
    taken = number("T1", HOTLINE, "task_num")
    assert bench.send(head, Receipt("R1", (taken,), holds=True, detail="report"))
    row = bench.handoff(head)
    assert (row["state"], row["receipt"], row["delivered_at"]) == ("delivered", "R1", bench.clock.ms)
    assert (row["lease_owner"], row["lease_until"], row["wake_at"]) == (None, None, None)
    assert bench.attempts(head) == [(1, "delivered", None)]
    assert bench.petition(case)["holder"] == HOTLINE
    (outcome,) = bench.take(
        update("u1", EventType.SIGNED, ref("T1", HOTLINE, "task_num"), at=bench.clock.at), system=HOTLINE
    )
    assert outcome.petition_id == case.id
    assert bench.trail(case.id)[-3:] == ["handoff.delivered", "petition.signed", "handoff.acknowledged"]


def test_a_receipt_that_is_signed_for_already_acknowledges(bench: Bench, case: Case) -> None:
    head = bench.deliver(case, HOTLINE, acknowledged=True)
    row = bench.handoff(head)
    assert (row["state"], row["acknowledged_at"]) == ("acknowledged", bench.clock.ms)
    assert bench.trail(case.id)[-2:] == ["handoff.delivered", "handoff.acknowledged"]


def test_news_from_the_system_while_we_are_still_sending_acknowledges_when_the_receipt_comes(
    bench: Bench, case: Case
) -> None:
    head = bench.head(case, HOTLINE)
    leased = bench.leased(head)
    bench.say(case, EventType.ACCEPTED, HOTLINE)
    assert bench.handoff(head)["state"] == "sending"
    bench.settle(bench.settlement(leased, Receipt("R1")))
    assert bench.handoff(head)["state"] == "acknowledged"


def test_a_retry_waits_for_its_time(bench: Bench, case: Case) -> None:
    head = bench.head(case, HOTLINE)
    assert bench.send(head, Retry(120.5, "http_500"))
    row = bench.handoff(head)
    assert (row["state"], row["wake_at"], row["reason"]) == ("retrying", bench.clock.ms + 120_500, "http_500")
    assert not row["ask_first"]
    assert bench.attempts(head) == [(1, "retrying", "http_500")]
    assert bench.trail(case.id)[-1] == "handoff.failed"
    bench.clock.turn(120)
    bench.due()
    assert bench.drained("handoff") == [bench.head(case, WECHAT)]
    assert bench.handoff(head)["state"] == "retrying"
    bench.clock.turn(1)
    bench.due()
    assert bench.drained("handoff") == [head]
    assert bench.leased(head).handoff["attempts"] == 2


def test_an_unknown_outcome_is_asked_about_for_ever_after(bench: Bench, case: Case) -> None:
    head = bench.head(case, HOTLINE)
    bench.send(head, Retry(5, "timeout", ask_first=True))
    assert bench.handoff(head)["state"] == "unknown"
    assert bench.trail(case.id)[-1] == "handoff.unknown"
    bench.clock.turn(6)
    bench.due()
    leased = bench.leased(head)
    assert leased.handoff["ask_first"]
    # A plain failure of the next attempt says nothing about the first one.
    bench.settle(bench.settlement(leased, Retry(5, "refused")))
    assert bench.handoff(head)["ask_first"]


def test_progress_is_merged_and_handed_to_the_next_attempt(bench: Bench, case: Case) -> None:
    head = bench.head(case, HOTLINE)
    bench.settle(bench.settlement(bench.leased(head), Retry(5, "x"), progress={"owner": "1", "unit": "2"}))
    bench.clock.turn(6)
    bench.due()
    bench.settle(bench.settlement(bench.leased(head), Retry(5, "x"), progress={"unit": "3"}))
    assert orjson.loads(bench.handoff(head)["progress"]) == {"owner": "1", "unit": "3"}


def test_a_park_waits_for_a_person(bench: Bench, case: Case) -> None:
    head = bench.head(case, HOTLINE)
    bench.send(head, Park("region_unknown"))
    row = bench.handoff(head)
    assert (row["state"], row["reason"], row["wake_at"]) == ("parked", "region_unknown", None)
    assert bench.place() == {"parked": 1}
    bench.clock.turn(90 * 86_400)
    for _ in range(3):
        bench.due()
    assert bench.handoff(head)["state"] == "parked"
    assert head not in bench.drained("handoff")


def test_a_release_burns_no_attempt(bench: Bench, case: Case) -> None:
    head = bench.head(case, HOTLINE)
    assert bench.send(head, Release())
    row = bench.handoff(head)
    assert (row["state"], row["attempts"], row["lease_owner"]) == ("pending", 0, None)
    assert bench.attempts(head) == []
    bench.due()
    assert bench.leased(head).handoff["attempts"] == 1


# ── who may settle ──


@pytest.mark.parametrize("verdict", [Retry(5, "x"), Retry(5, "x", ask_first=True), Park("x"), Release()])
def test_a_stranger_cannot_settle(bench: Bench, case: Case, verdict: Retry | Park | Release) -> None:
    head = bench.head(case, HOTLINE)
    leased = bench.leased(head)
    assert not bench.settle(bench.settlement(leased, verdict, owner="stranger"))
    assert bench.handoff(head)["state"] == "sending"
    assert bench.attempts(head) == []
    assert bench.settle(bench.settlement(leased, verdict))


def test_a_settled_hand_off_is_settled(bench: Bench, case: Case) -> None:
    head = bench.head(case, HOTLINE)
    leased = bench.leased(head)
    assert bench.settle(bench.settlement(leased, Receipt("R1")))
    for verdict in (Receipt("R2"), Retry(5, "x"), Park("x"), Release()):
        assert not bench.settle(bench.settlement(leased, verdict))
    assert bench.handoff(head)["receipt"] == "R1"
    assert bench.attempts(head) == [(1, "delivered", None)]


def test_a_receipt_counts_although_its_lease_had_run_out(bench: Bench, case: Case) -> None:
    head = bench.head(case, HOTLINE)
    leased = bench.leased(head)
    bench.clock.turn(61)
    bench.due()
    assert bench.handoff(head)["state"] in ("unknown", "pending")
    assert bench.attempts(head) == [(1, "unknown", "lease_expired")]
    assert bench.settle(bench.settlement(leased, Receipt("R1", holds=True)))
    assert bench.handoff(head)["state"] == "delivered"
    # What was written off turned out well: one try, one row, its true outcome.
    assert bench.attempts(head) == [(1, "delivered", None)]
    assert bench.lease(head) is None


def test_anything_but_a_receipt_no_longer_counts_after_the_lease_had_run_out(bench: Bench, case: Case) -> None:
    head = bench.head(case, HOTLINE)
    leased = bench.leased(head)
    bench.clock.turn(61)
    bench.due()
    bench.due()
    for verdict in (Retry(5, "x"), Park("x"), Release()):
        assert not bench.settle(bench.settlement(leased, verdict))
    assert bench.handoff(head)["state"] == "pending"
    assert bench.handoff(head)["ask_first"]
    assert bench.attempts(head) == [(1, "unknown", "lease_expired")]


def test_a_late_receipt_counts_while_another_owner_tries_again(bench: Bench, case: Case) -> None:
    head = bench.head(case, HOTLINE)
    first = bench.leased(head, owner="dead")
    bench.clock.turn(61)
    bench.due()
    bench.due()
    second = bench.leased(head, owner="w2")
    assert second.handoff["attempts"] == 2
    assert bench.settle(bench.settlement(first, Receipt("R1"), owner="dead"))
    # The second one found it there too, or failed: either way the hand-off is delivered, once.
    assert not bench.settle(bench.settlement(second, Receipt("R2"), owner="w2"))
    assert not bench.settle(bench.settlement(second, Retry(5, "x"), owner="w2"))
    assert (bench.handoff(head)["state"], bench.handoff(head)["receipt"]) == ("delivered", "R1")
    assert bench.trail(case.id).count("handoff.delivered") == 1


def test_a_late_receipt_wakes_the_lane(bench: Bench, case: Case) -> None:
    bench.say(case, EventType.URGED)
    bench.route_all()
    leased = bench.leased(bench.head(case, HOTLINE))
    bench.clock.turn(61)
    bench.due()
    assert bench.settle(bench.settlement(leased, Receipt("R1")))
    assert bench.states(case, HOTLINE) == ["delivered", "pending"]


def test_a_receipt_and_another_attempts_failure_in_one_batch_leave_it_delivered(bench: Bench, case: Case) -> None:
    head = bench.head(case, HOTLINE)
    first = bench.leased(head, owner="dead")
    bench.clock.turn(61)
    bench.due()
    bench.due()
    second = bench.leased(head, owner="w2")
    bench.together(
        bench.ledger.settle(bench.settlement(first, Receipt("R1"), owner="dead")),
        bench.ledger.settle(bench.settlement(second, Retry(5, "x"), owner="w2")),
    )
    assert (bench.handoff(head)["state"], bench.handoff(head)["receipt"]) == ("delivered", "R1")


def test_the_same_receipt_twice_in_one_batch_is_journalled_once(bench: Bench, case: Case) -> None:
    head = bench.head(case, HOTLINE)
    one = bench.settlement(bench.leased(head), Receipt("R1"))
    answers = bench.together(bench.ledger.settle(one), bench.ledger.settle(one))
    assert sorted(answers) == [False, True]
    assert bench.trail(case.id).count("handoff.delivered") == 1


def test_many_settlements_in_one_batch(bench: Bench) -> None:
    cases = [bench.submit() for _ in range(40)]
    bench.route_all()
    leased = [bench.leased(bench.head(case, HOTLINE)) for case in cases]
    verdicts = [Receipt("R", holds=True), Retry(5, "x"), Park("y"), Release()] * 10
    settled = [
        bench.ledger.settle(bench.settlement(one, verdict)) for one, verdict in zip(leased, verdicts, strict=True)
    ]
    assert bench.together(*settled) == [True] * 40
    states = [bench.handoff(one.handoff["handoff_id"])["state"] for one in leased]
    assert states == ["delivered", "retrying", "parked", "pending"] * 10
    law = bench.law()
    assert (law.in_flight, law.parked, law.holds) == (30, 10, True)


# ── who has the case ──


def test_telling_the_petitioner_does_not_make_the_messenger_the_holder(bench: Bench, case: Case) -> None:
    """WeChat passed a notice on; the case is the hotline's, and until the hotline has it, nobody's."""
    bench.deliver(case, WECHAT, told_petitioner=True)
    assert bench.petition(case)["holder"] is None
    bench.deliver(case, HOTLINE, holds=True)
    assert bench.petition(case)["holder"] == HOTLINE


def test_a_second_system_that_takes_the_case_becomes_its_holder(bench: Bench, case: Case) -> None:
    bench.deliver(case, HOTLINE, holds=True)
    bench.deliver(case, WECHAT)
    bench.say(case, EventType.RECLASSED, handling_class="key_supervision")
    bench.route_all()
    bench.deliver(case, CENTER, holds=True)
    assert bench.petition(case)["holder"] == CENTER
    bench.deliver(case, WECHAT)
    assert bench.place() == {"held": 1}
