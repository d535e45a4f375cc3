"""A message that turned out not to have arrived is sent again by another way: not parked, not forgotten."""

from bridge.adapter import Acknowledgement, Receipt
from bridge.retry import Park
from schemas.event import EventType
from tests.support.ledgers import HOTLINE, WECHAT, Bench, Case


def told(bench: Bench, number: str) -> tuple[Case, str]:
    """A petition that has ended, whose petitioner was told so: closed. The message's hand-off."""
    case = bench.submit(actor="petitioner")
    bench.route_all()
    bench.deliver(case, HOTLINE, holds=True)
    bench.deliver(case, WECHAT, told_petitioner=True)
    bench.say(case, EventType.CLOSED, HOTLINE, text="已修好")
    bench.route_all()
    handoff = str(bench.lane(case, WECHAT)[-1]["handoff_id"])
    progress = {"petitioner": number, "petitioner:by": "template"}
    receipt = Receipt(number, told_petitioner=True, progress=progress)
    assert bench.settle(bench.settlement(bench.leased(handoff), receipt, progress=progress))
    assert bench.petition(case)["closed_at"] is not None
    return case, handoff


def fails(bench: Bench, number: str, failure: str = "user_block") -> None:
    fate = Acknowledgement(f"fate-{number}", number, failure, {f"failed:{number}": failure})
    assert bench.take(fate)[0].status == "event"


def test_the_petition_is_open_again_until_another_way_got_there(bench: Bench) -> None:
    case, handoff = told(bench, "4711")
    bench.drained("handoff")
    fails(bench, "4711")
    row = bench.handoff(handoff)
    assert (row["state"], row["reason"], row["attempts"]) == ("pending", "user_block", 1)
    assert bench.petition(case)["closed_at"] is None
    assert bench.drained("handoff") == [handoff], "it is on the conveyor again at once"
    leased = bench.leased(handoff)
    assert '"failed:4711":"user_block"' in leased.handoff["progress"]
    assert '"petitioner:by":"template"' in leased.handoff["progress"]
    assert bench.settle(
        bench.settlement(leased, Receipt("4712", told_petitioner=True, detail="petitioner_by:subscribe"))
    )
    assert bench.petition(case)["closed_at"] is not None
    assert bench.handoff(handoff)["receipt"] == "4712"
    assert bench.law().holds


def test_where_no_way_is_left_it_waits_for_a_person(bench: Bench) -> None:
    case, handoff = told(bench, "4711")
    fails(bench, "4711")
    assert bench.send(handoff, Park("user_block"))
    assert bench.handoff(handoff)["state"] == "parked"
    assert bench.petition(case)["closed_at"] is None
    assert bench.law().parked == 1


def test_the_same_fate_told_again_changes_nothing(bench: Bench) -> None:
    _, handoff = told(bench, "4711")
    fails(bench, "4711")
    assert bench.send(handoff, Receipt("4712", told_petitioner=True))
    again = Acknowledgement("fate-4711", "4711", "user_block", {"failed:4711": "user_block"})
    assert bench.take(again)[0].status == "duplicate"
    assert bench.handoff(handoff)["state"] == "delivered"


def test_a_fate_that_overtakes_its_receipt_counts_as_well(bench: Bench) -> None:
    case = bench.submit(actor="petitioner")
    bench.route_all()
    bench.deliver(case, HOTLINE, holds=True)
    bench.deliver(case, WECHAT, told_petitioner=True)
    bench.say(case, EventType.REPLIED, HOTLINE, text="已修好")
    bench.route_all()
    early = Acknowledgement("fate-4713", "4713", "system_failed", {"failed:4713": "system_failed"})
    assert bench.take(early)[0].status == "kept"
    handoff = bench.deliver(case, WECHAT, told_petitioner=True, number="4713")
    assert bench.handoff(handoff)["state"] == "pending"
    assert "failed:4713" in bench.handoff(handoff)["progress"]
