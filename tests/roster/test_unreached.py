"""Who has not been reached yet: found by what is missing, gone as soon as it is there."""

from typing import Any

from bridge.ledger.unreached import GRACE_MS, WHY_ZH, unreached
from bridge.retry import Park
from schemas.event import EventType
from schemas.petition import HandlingClass
from tests.support.ledgers import HOTLINE, WECHAT, Bench, Case

HOUR = GRACE_MS / 1000


def found(bench: Bench, **more: Any) -> list[dict[str, Any]]:
    with bench.store.reading() as conn:
        return unreached(conn, bench.clock.ms, **more)


def why(bench: Bench) -> dict[str, str]:
    return {row["petition_id"]: row["why"] for row in found(bench)}


def replied(bench: Bench, **case: Any) -> Case:
    """A petition that the hotline has taken and answered; the news for the petitioner is ready to be sent."""
    made = bench.submit(**{"actor": "petitioner", **case})
    bench.route_all()
    bench.deliver(made, HOTLINE, holds=True)
    while bench.lane(made, WECHAT) and bench.states(made, WECHAT)[-1] not in ("delivered", "acknowledged"):
        bench.deliver(made, WECHAT, told_petitioner=True)
    bench.say(made, EventType.REPLIED, HOTLINE, text="已修好")
    bench.route_all()
    return made


def test_nobody_waits_at_first(bench: Bench) -> None:
    bench.submit()
    bench.route_all()
    bench.clock.turn(100 * HOUR)
    assert found(bench) == []


def test_an_answer_without_proof_is_listed_after_its_grace(bench: Bench) -> None:
    case = replied(bench)
    assert found(bench) == [], "it may still be on its way"
    bench.clock.turn(HOUR + 1)
    (row,) = found(bench)
    assert (row["petition_id"], row["why"], row["why_zh"]) == (case.id, "no_proof", WHY_ZH["no_proof"])
    bench.deliver(case, WECHAT, told_petitioner=True)
    assert found(bench) == []


def test_a_message_that_failed_is_listed_at_once(bench: Bench) -> None:
    case = replied(bench)
    handoff = bench.deliver(case, WECHAT, told_petitioner=True, number="R-77")
    bench.acknowledge("R-77", WECHAT, "user_block")
    (row,) = found(bench)
    assert (row["why"], row["code"], row["handoff_id"]) == ("not_delivered", "user_block", handoff)
    assert why(bench) == {case.id: "not_delivered"}


def test_only_the_newest_message_counts(bench: Bench) -> None:
    case = replied(bench)
    assert bench.send(bench.lane(case, WECHAT)[-1]["handoff_id"], Park("errcode_43004"))
    assert why(bench) == {case.id: "not_delivered"}
    bench.order("cancel", bench.lane(case, WECHAT)[-1]["handoff_id"])
    bench.say(case, EventType.CLOSED, HOTLINE)
    bench.route_all()
    bench.deliver(case, WECHAT, told_petitioner=True)
    assert found(bench) == []


def test_what_waits_behind_a_parked_message_hides_nothing(bench: Bench) -> None:
    case = replied(bench)
    assert bench.send(bench.lane(case, WECHAT)[-1]["handoff_id"], Park("errcode_43004"))
    bench.say(case, EventType.CLOSED, HOTLINE)
    bench.route_all()
    assert bench.states(case, WECHAT)[-2:] == ["parked", "waiting"]
    assert why(bench) == {case.id: "not_delivered"}


def test_a_call_that_was_asked_for_is_listed_until_the_owner_says_it_was_made(bench: Bench) -> None:
    case = replied(bench)
    bench.deliver(case, WECHAT, told_petitioner=False, detail="petitioner_unreachable:43004")
    (row,) = found(bench)
    assert (row["why"], row["code"]) == ("call_asked", "petitioner_unreachable:43004")
    bench.say(case, EventType.CLOSED, WECHAT, actor="owner", text="已电话告知诉求人")
    assert found(bench) == []


def test_what_is_closed_is_not_listed(bench: Bench) -> None:
    case = bench.submit(cls=HandlingClass.ON_SITE, actor="owner")
    bench.route_all()
    bench.say(case, EventType.CLOSED, WECHAT, actor="owner")
    bench.clock.turn(2 * HOUR)
    assert found(bench) == []


def test_it_is_paged_by_number_and_says_nothing_personal(bench: Bench) -> None:
    cases = sorted(replied(bench).id for _ in range(3))
    bench.clock.turn(HOUR + 1)
    first = found(bench, limit=2)
    assert [row["petition_id"] for row in first] == cases[:2]
    assert [row["petition_id"] for row in found(bench, after=cases[1])] == cases[2:]
    assert not {"body", "phone_key", "petitioner_key", "fingerprint"} & set(first[0])
