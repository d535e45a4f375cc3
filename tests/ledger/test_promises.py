"""What the lifecycle promises in awkward cases: who answers, who is told, what ends a petition and what reopens it."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.event import EventType as E
from schemas.petition import HandlingClass, Kind
from tests.ledger.test_judge import UNIT, bring, cards, data, on, own, package, told_of, turn_to
from tests.support.ledgers import CENTER, HOTLINE, WECHAT, Bench, Case


def arrive(bench: Bench, case: Case) -> None:
    """Whatever waits to be told arrives; on their own WeChat the petitioner is told."""
    bench.route_all()
    for system in (HOTLINE, CENTER, WECHAT):
        while waiting := [one for one in bench.lane(case, system) if one["state"] not in ("delivered", "acknowledged")]:
            bench.deliver(case, system, told_petitioner="petitioner" in waiting[0]["audience"], holds=system != WECHAT)


def audiences(bench: Bench, case: Case, event_id: str) -> dict[str, str]:
    rows = bench.rows("SELECT system, audience FROM handoffs WHERE event_id = :id", id=event_id)
    return {row["system"]: row["audience"] for row in rows}


# ── who answers ──


def test_that_it_is_over_answers_nobody_without_a_word(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.ACCEPTED, HOTLINE)
    bench.say(case, E.CLOSED, HOTLINE, text=None)
    arrive(bench, case)
    row = bench.petition(case)
    assert (row["state"], row["answered_by"], row["closed_at"]) == ("closed", None, None)
    bench.say(case, E.REPLIED, HOTLINE, text="已修好")
    arrive(bench, case)
    assert bench.petition(case)["closed_at"] is not None


def test_after_a_reply_the_end_needs_no_words(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.REPLIED, HOTLINE, text="已修好")
    bench.say(case, E.CLOSED, HOTLINE, text=None)
    arrive(bench, case)
    assert bench.petition(case)["closed_at"] is not None


def test_an_assisting_units_word_answers_nobody_and_is_not_told_as_an_answer(bench: Bench) -> None:
    case = package(bench)
    told = bench.say(case, E.REPLIED, CENTER, unit="区住建局", role="assist", text="已配合")
    arrive(bench, case)
    assert bench.petition(case)["answered_by"] is None
    assert audiences(bench, case, told)[WECHAT] == "owner"
    bench.say(case, E.REPLIED, CENTER, unit=UNIT, text="已答复")
    arrive(bench, case)
    assert bench.petition(case)["answered_by"] is not None


def test_what_is_out_of_order_is_told_to_the_owner_alone_and_answers_nobody(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.REPLIED, HOTLINE, text="已修好")
    bench.clock.turn(600)
    told = bench.say(case, E.NOT_ACCEPTED, HOTLINE, text="不予受理")
    bench.sql("UPDATE petitions SET answered_by = NULL")
    arrive(bench, case)
    assert audiences(bench, case, told) == {WECHAT: "owner"}
    answered = bench.petition(case)["answered_by"]
    assert answered is None or told not in answered


def test_an_answer_of_an_earlier_round_does_not_answer_the_next(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.REPLIED, HOTLINE, text="已修好")
    bench.route_all()
    bench.clock.turn(600)
    bench.say(case, E.REHANDLED, HOTLINE, text="重办")
    arrive(bench, case)
    assert bench.petition(case)["answered_by"] is None
    bench.clock.turn(600)
    bench.say(case, E.REPLIED, HOTLINE, text="又修好")
    arrive(bench, case)
    assert bench.petition(case)["answered_by"] is not None


def test_who_confirms_a_closing_tells_nobody_the_same_again(bench: Bench) -> None:
    case = bench.submit()
    told = bench.say(case, E.CLOSED, HOTLINE, text="已修好")
    arrive(bench, case)
    assert "petitioner" in audiences(bench, case, told)[WECHAT]
    bench.clock.turn(600)
    confirmed = bench.say(case, E.CLOSED, actor="owner", text="已电话核实")
    arrive(bench, case)
    assert audiences(bench, case, confirmed) == {}
    assert bench.petition(case)["confirmed_at"] == bench.clock.ms
    bench.say(case, E.REHANDLED, HOTLINE)
    bench.clock.turn(600)
    again = bench.say(case, E.CLOSED, actor="owner", text="又修好")
    arrive(bench, case)
    assert audiences(bench, case, again) != {}, "of a new round it is news"


def test_who_confirms_in_the_systems_own_words_has_confirmed(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.CLOSED, HOTLINE, text="已修好")
    bench.say(case, E.CLOSED, actor="owner", text="已修好")
    assert bench.petition(case)["confirmed_at"] == bench.clock.ms


def test_the_owners_words_are_told_where_the_end_had_none(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.CLOSED, HOTLINE, text=None)
    arrive(bench, case)
    bench.clock.turn(600)
    told = bench.say(case, E.CLOSED, HOTLINE, actor="owner", text="已当面答复")
    arrive(bench, case)
    assert bench.petition(case)["answered_by"] == f"event:{told}"
    assert audiences(bench, case, told) != {}


# ── what ends it ──


def test_a_second_systems_refusal_ends_nothing_that_the_first_is_at_work_on(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.DISPATCHED, HOTLINE, unit=UNIT)
    bench.say(case, E.PROGRESSED, HOTLINE, unit=UNIT, text="在修")
    bench.say(case, E.RECLASSED, "operator", handling_class=HandlingClass.KEY_SUPERVISION)
    arrive(bench, case)
    assert bench.petition(case)["holder"] == CENTER
    bench.clock.turn(3600)
    bench.say(case, E.NOT_ACCEPTED, CENTER, text="不属督办范围")
    arrive(bench, case)
    row = bench.petition(case)
    assert (row["state"], row["holder"], row["answered_by"]) == ("handling", HOTLINE, None)
    bench.judge()
    assert bench.petition(case)["no_landing"] is None
    bench.say(case, E.NOT_ACCEPTED, HOTLINE, text="不予受理")
    assert bench.petition(case)["state"] == "not_accepted", "whoever is at work on it may refuse it"


@pytest.mark.parametrize("at_first", [(), (E.ACCEPTED,), (E.DISPATCHED, E.SIGNED)])
def test_a_visit_before_the_answer_stops_no_work(bench: Bench, at_first: tuple[E, ...]) -> None:
    case = bench.submit()
    for type_ in at_first:
        bench.say(case, type_, HOTLINE, unit=UNIT)
    state = bench.petition(case)["state"]
    bench.say(case, E.FOLLOWED_UP, WECHAT, actor="owner", text="已联系")
    assert bench.petition(case)["state"] == state
    bench.say(case, E.DISPATCHED, HOTLINE, unit=UNIT)
    bench.say(case, E.EXTENDED, HOTLINE, extend_by={"amount": 2, "unit": "working_days"})
    assert not [row for row in bench.events(case.id) if row["out_of_order"]]


# ── what reopens it ──


def no(bench: Bench, case: Case) -> None:
    bench.say(case, E.RATED, actor="petitioner", satisfaction="unsatisfied")


def test_a_round_told_by_two_systems_is_one(bench: Bench) -> None:
    case = bench.submit()
    for _ in range(3):
        bench.say(case, E.REPLIED, HOTLINE, text="已修好")
        no(bench, case)
        bench.judge()
        bench.clock.turn(600)
        bench.say(case, E.REHANDLED, HOTLINE, text="我方也重办")
        bench.clock.turn(600)
    said = [row for row in bench.events(case.id) if row["type"] == "rehandled" and row["source"] == "bridge"]
    assert len(said) == 3, "each of our three rounds, whoever else tells of them"


def test_a_no_that_the_rules_look_at_late_reopens_what_was_closed_meanwhile(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.REPLIED, HOTLINE, text="已修好")
    no(bench, case)
    bench.clock.turn(600)
    bench.say(case, E.CLOSED, HOTLINE)
    bench.judge()
    assert bench.petition(case)["state"] == "rehandling"


def test_a_check_of_what_was_done_is_an_answer_to_which_one_may_say_no(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.VERIFIED, HOTLINE, text="情况属实")
    no(bench, case)
    bench.judge()
    assert [type_ for type_, *_ in own(bench, case)] == [], "it was checked before anybody was at work"
    bench.say(case, E.DISPATCHED, HOTLINE, unit=UNIT)
    bench.say(case, E.VERIFIED, HOTLINE, text="已修复")
    no(bench, case)
    bench.judge()
    assert [type_ for type_, *_ in own(bench, case)] == ["rehandled"]


# ── on the spot ──


def test_on_the_spot_is_closed_on_its_day_or_goes_on_as_another(bench: Bench) -> None:
    case = bench.submit(cls=HandlingClass.ON_SITE, actor="owner")
    bench.say(case, E.REPLIED, WECHAT, actor="owner", text="已换灯泡")
    turn_to(bench, "11-23 00:00:01")
    assert bench.petition(case)["handling_class"] == "hotline_transfer", "answered is not closed"


def test_what_becomes_on_site_later_has_that_day(bench: Bench) -> None:
    case = bench.submit()
    turn_to(bench, "11-24 09:00:00")
    bench.say(case, E.RECLASSED, WECHAT, actor="owner", handling_class=HandlingClass.ON_SITE)
    turn_to(bench, "11-24 23:59:00")
    assert bench.petition(case)["handling_class"] == "on_site"
    turn_to(bench, "11-25 00:00:01")
    assert bench.petition(case)["handling_class"] == "hotline_transfer"


# ── returns ──


def test_what_is_wrong_with_a_return_is_told_to_the_owner_at_once_and_once(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.DISPATCHED, HOTLINE, unit=UNIT)
    bench.say(case, E.RETURN_REQUESTED, HOTLINE, unit=UNIT, text="非本单位职责")
    bench.judge()
    assert own(bench, case) == [], "in time and with a reason"
    bench.say(case, E.RETURN_DENIED, HOTLINE, unit=UNIT)
    bench.say(case, E.SIGNED, HOTLINE, unit=UNIT)
    turn_to(bench, "11-25 09:00:00")
    told = len(own(bench, case))
    bench.say(case, E.RETURN_REQUESTED, HOTLINE, unit=UNIT)
    for _ in range(2):
        bench.judge()
    bench.route_all()
    (note,) = [row for row in bench.events(case.id) if row["source"] == "bridge"][told:]
    assert data(bench, note)["text"] == "退单申请：超过退单时限（11月24日23:59）；未写明退单理由"
    assert audiences(bench, case, note["event_id"]) == {WECHAT: "owner"}


# ── assisting units ──


@pytest.mark.parametrize(
    ("type_", "said"),
    [
        (E.PROGRESSED, {"units": [{"unit": "区住建局", "role": "assist", "state": "finished"}]}),
        (E.PROGRESSED, {"units": [{"unit": "区住建局", "role": "assist", "state": "excused"}]}),
        (E.RETURNED, {}),
    ],
)
def test_an_assisting_unit_that_is_done_or_out_gets_no_card(bench: Bench, type_: E, said: dict[str, Any]) -> None:
    case = package(bench)
    for unit in ("区住建局", "街道办"):
        bench.say(case, E.SIGNED, CENTER, unit=unit, role="assist")
    bench.say(case, type_, CENTER, unit="区住建局", role="assist", text="配合完毕", **said)
    turn_to(bench, "12-10 09:00:00")
    assert not [card for card in told_of(bench, case) if card[0] == "区住建局"]
    assert [level for unit, level, _ in told_of(bench, case) if unit == "街道办"] == ["black", "red", "yellow"]


# ── supervision of groups ──


def crowd(bench: Bench, count: int, over: tuple[int, ...] = (), person: int | None = None) -> list[str]:
    """So many of one matter, one after the other; those in `over` (from 1) are settled before the rules look."""
    came = []
    for i in range(1, count + 1):
        came.append(bring(bench, f"c{i}", i if person is None else person))
        if i in over:
            bench.sql("UPDATE petitions SET state = 'closed', closed_at = 1 WHERE petition_id = :id", id=came[-1])
        bench.clock.turn(1)
        bench.do(bench.ledger.gather(0))
        while bench.judge():
            pass
    return came


def supervised(bench: Bench, came: list[str]) -> list[int]:
    return [i for i, one in enumerate(came, 1) if any(level == "key" for _, level, _ in own(bench, one))]


def test_where_the_one_at_the_threshold_is_over_the_next_is_supervised(bench: Bench) -> None:
    assert supervised(bench, crowd(bench, 14, over=(10, 11))) == [12]


def test_one_that_was_supervised_and_is_over_since_is_enough(bench: Bench) -> None:
    came = crowd(bench, 10)
    bench.sql("UPDATE petitions SET state = 'closed', closed_at = 1 WHERE petition_id = :id", id=came[9])
    came.append(bring(bench, "later", 99))
    bench.clock.turn(1)
    bench.do(bench.ledger.gather(0))
    while bench.judge():
        pass
    assert supervised(bench, came) == [10]


def test_a_third_time_that_is_settled_on_the_spot_makes_the_fourth_a_repeat(bench: Bench) -> None:
    assert supervised(bench, crowd(bench, 5, over=(3,), person=7)) == [4]


def test_many_who_praise_are_no_trouble(bench: Bench) -> None:
    praise = [bring(bench, f"p{i}", i, kind=Kind.PRAISE) for i in range(10)]
    came = [*praise, *(bring(bench, f"h{i}", 50 + i) for i in range(9))]
    assert bench.do(bench.ledger.gather(0)) == 0
    while bench.judge():
        pass
    assert supervised(bench, came) == []
    bench.clock.turn(1)
    came.append(bring(bench, "h9", 59))
    bench.do(bench.ledger.gather(0))
    while bench.judge():
        pass
    assert supervised(bench, came) == [20]


def test_a_watch_that_was_away_finds_a_crowd_late(bench: Bench) -> None:
    came = [bring(bench, f"a{i}", i) for i in range(11)]
    bench.clock.at += timedelta(hours=30)
    bench.do(bench.ledger.gather(0))
    while bench.judge():
        pass
    assert len(supervised(bench, came)) == 1


def test_cards_are_kept_for_whoever_is_late(bench: Bench) -> None:
    """The helpers above would say nothing of a bench on which nothing is ever late."""
    case = bench.submit()
    turn_to(bench, "11-27 00:00:00")
    assert cards(bench, case)
    assert bench.clock.at == on("11-27 00:00:00")
