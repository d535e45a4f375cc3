"""The rules at work in the ledger: cards, supervision, re-handling, the lists of the day, each once and in time.

Each scene is brought by a clock that is turned by hand; the days are those of November and December 2026. The bench
opens on Sunday, 2026-11-22, at noon: what comes then is received that day, and five working days end on Friday the
27th.
"""

from datetime import datetime
from typing import Any

import orjson
import pytest

from bridge.clock import from_ms, to_ms
from bridge.ledger.opening import open_event
from bridge.rules.book import RuleBook
from bridge.rules.supervision import ClosingRule
from schemas.base import SHANGHAI
from schemas.event import Assignment, SupervisionOrder, SupervisionReason, SupervisionState
from schemas.event import EventType as E
from schemas.petition import Category, HandlingClass, Place, Secretary, Urgency
from tests.ledger.conftest import MakeBench
from tests.support.ledgers import CENTER, HOTLINE, SYSTEMS, WECHAT, Bench, Case, number, petition, submission

UNIT = "区城管局"


def on(text: str) -> datetime:
    """`11-27 08:00` on the city's clock in 2026."""
    return datetime.fromisoformat(f"2026-{text.replace(' ', 'T')}").replace(tzinfo=SHANGHAI)


def turn_to(bench: Bench, text: str) -> None:
    """The clock stands at this moment, and the rules have looked at all whose time has come."""
    bench.clock.at = on(text)
    while bench.judge():
        pass


def own(bench: Bench, case: Case | str) -> list[tuple[str, str | None, str]]:
    """What the bridge itself said of a petition: type, level, when it fell due."""
    petition_id = case if isinstance(case, str) else case.id
    rows = [row for row in bench.events(petition_id) if row["source"] == "bridge"]
    return [
        (row["type"], data(bench, row).get("level"), f"{from_ms(row['occurred_at']):%m-%d %H:%M:%S}") for row in rows
    ]


def data(bench: Bench, row: Any) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(open_event(bench.privacy.vault, row)["data"])
    return found


def cards(bench: Bench, case: Case) -> list[tuple[str | None, str]]:
    return [(level, at) for type_, level, at in own(bench, case) if type_ in ("urged", "supervised") and level != "key"]


def finish(bench: Bench, case: Case) -> None:
    """Whatever waits to be told arrives."""
    bench.route_all()
    for system in (HOTLINE, WECHAT):
        while any(state not in ("delivered", "acknowledged") for state in bench.states(case, system)):
            bench.deliver(case, system)


# ── deadlines are there from the first moment ──


def test_a_petition_is_taken_in_with_its_deadline_and_the_time_of_the_first_look(bench: Bench) -> None:
    row = bench.petition(bench.submit())
    assert (row["profile"], row["deadlines_version"], bool(row["provisional"])) == ("general", "shandong-2020", False)
    assert from_ms(row["due_at"]) == on("11-27 23:59:59")
    # Acceptance and signature are due after one working day.
    assert from_ms(row["look_at"]) == on("11-23 23:59:59")


@pytest.mark.parametrize(
    ("urgency", "cls", "due", "look"),
    [
        (Urgency.URGENT, HandlingClass.HOTLINE_TRANSFER, "11-23 10:00:00", "11-22 12:00:00"),
        (Urgency.CRITICAL, HandlingClass.KEY_SUPERVISION, "11-22 12:00:00", "11-22 12:00:00"),
        (Urgency.NORMAL, HandlingClass.ON_SITE, "11-22 23:59:59", "11-23 00:00:00"),
    ],
)
def test_every_profile_has_its_own(bench: Bench, urgency: Urgency, cls: HandlingClass, due: str, look: str) -> None:
    draft = petition(urgency=urgency, handling_class=cls)
    (outcome,) = bench.take(submission("m1", draft=draft))
    row = bench.petition(outcome.petition_id or "")
    assert from_ms(row["due_at"]) == on(due)
    assert from_ms(row["look_at"]) == on(look)


# ── cards ──


def test_cards_come_each_once_with_the_date_on_which_they_fell_due(bench: Bench) -> None:
    case = bench.submit()
    turn_to(bench, "11-23 23:59:59")
    assert cards(bench, case) == [("urge", "11-23 23:59:59")] * 2, "acceptance and signature"
    turn_to(bench, "11-26 23:59:58")
    assert len(cards(bench, case)) == 2
    turn_to(bench, "11-26 23:59:59")
    assert cards(bench, case)[2:] == [("yellow", "11-26 23:59:59")]
    turn_to(bench, "11-29 12:00:00")
    assert len(cards(bench, case)) == 3, "over since Friday, and the first day over is Monday"
    turn_to(bench, "11-30 00:00:00")
    assert cards(bench, case)[3:] == [("red", "11-30 00:00:00")]
    turn_to(bench, "12-07 00:00:00")
    assert cards(bench, case)[4:] == [("black", "12-07 00:00:00")]
    turn_to(bench, "12-31 00:00:00")
    assert len(cards(bench, case)) == 5


def test_a_watch_that_was_away_gives_late_what_fell_due_meanwhile(bench: Bench) -> None:
    case = bench.submit()
    bench.clock.at = on("12-08 09:00:00")
    bench.say(case, E.CLOSED, WECHAT, text="已修好", actor="owner")
    finish(bench, case)
    assert bench.petition(case)["closed_at"] is not None
    turn_to(bench, "12-08 09:00:00")
    assert [level for level, _ in cards(bench, case)] == ["urge", "urge", "yellow", "red", "black"]
    assert bench.petition(case)["look_at"] is None


def test_an_answer_in_time_gets_no_card(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.ACCEPTED, HOTLINE)
    bench.say(case, E.DISPATCHED, HOTLINE, unit=UNIT)
    bench.say(case, E.SIGNED, HOTLINE, unit=UNIT)
    bench.clock.at = on("11-25 15:00:00")
    bench.say(case, E.REPLIED, HOTLINE, text="已修好", unit=UNIT)
    turn_to(bench, "12-31 00:00:00")
    assert own(bench, case) == []
    assert bench.petition(case)["unit"] == UNIT


def test_an_extension_moves_the_deadline_and_a_second_red_card_is_possible(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.ACCEPTED, HOTLINE)
    bench.say(case, E.SIGNED, HOTLINE, unit=UNIT)
    turn_to(bench, "11-30 08:00:00")
    bench.say(case, E.EXTENDED, HOTLINE, extend_by={"amount": 2, "unit": "working_days"})
    turn_to(bench, "11-30 08:00:01")
    assert from_ms(bench.petition(case)["due_at"]) == on("12-01 23:59:59")
    turn_to(bench, "12-02 00:00:00")
    reds = [at for level, at in cards(bench, case) if level == "red"]
    assert reds == ["11-30 00:00:00", "12-02 00:00:00"]


def test_an_edit_or_a_note_moves_nothing(bench: Bench) -> None:
    case = bench.submit()
    bench.clock.at = on("11-26 12:00:00")
    bench.say(case, E.NOTED, WECHAT, text="补充一点", actor="petitioner")
    bench.say(case, E.PROGRESSED, HOTLINE, text="已联系", unit=UNIT)
    turn_to(bench, "11-26 12:00:01")
    assert from_ms(bench.petition(case)["due_at"]) == on("11-27 23:59:59")


def test_two_processes_give_one_card(bench: Bench, make_bench: MakeBench) -> None:
    case = bench.submit()
    other = make_bench("w2", bench.clock)
    bench.clock.at = on("11-26 23:59:59")
    bench.judge()
    bench.sql("UPDATE petitions SET look_at = 0")
    other.judge()
    bench.sql("UPDATE petitions SET look_at = 0")
    bench.judge()
    assert [level for level, _ in cards(bench, case)] == ["urge", "urge", "yellow"]


def test_a_card_reaches_the_unit_the_owner_and_the_center(bench: Bench) -> None:
    case = bench.submit()
    bench.route_all()
    bench.clock.at = on("11-26 23:59:59")
    bench.judge()
    bench.route_all()
    yellow = next(row for row in bench.events(case.id) if data(bench, row).get("level") == "yellow")
    query = "SELECT system, audience FROM handoffs WHERE event_id = :id ORDER BY system"
    assert [(row["system"], row["audience"]) for row in bench.rows(query, id=yellow["event_id"])] == [
        (CENTER, ""), (HOTLINE, ""), (WECHAT, "owner,unit"),
    ]  # fmt: skip


# ── one bad petition ──


def test_a_petition_that_cannot_be_judged_stops_no_other(bench: Bench) -> None:
    bad, good = bench.submit(), bench.submit()
    bench.sql("UPDATE petitions SET deadlines_version = 'gone' WHERE petition_id = :id", id=bad.id)
    bench.clock.at = on("11-23 23:59:59")
    bench.judge()
    assert own(bench, bad) == []
    assert len(own(bench, good)) == 2
    assert "deadline.not_judged" in bench.trail(bad.id)
    assert bench.petition(bad)["look_at"] == bench.clock.ms + 600_000


def test_what_an_older_version_left_is_filled_in(bench: Bench) -> None:
    draft = petition(handling_class=HandlingClass.HOTLINE_TRANSFER, place=Place(community="甲社区"),
                     category=Category(name="路灯"))  # fmt: skip
    (outcome,) = bench.take(submission("m1", draft=draft))
    petition_id = outcome.petition_id or ""
    kept = ("due_at", "profile", "deadlines_version", "owner_id", "place_key", "subject_key")
    before = {name: bench.petition(petition_id)[name] for name in kept}
    assert None not in before.values()
    bench.sql(
        "UPDATE petitions SET look_at = 0, due_at = NULL, profile = NULL, deadlines_version = NULL, owner_id = NULL,"
        " place_key = NULL, subject_key = NULL"
    )
    bench.judge()
    assert {name: bench.petition(petition_id)[name] for name in kept} == before


# ── on the spot ──


@pytest.mark.parametrize(("home_unit", "becomes"), [("镇政府", "home_unit"), (None, "hotline_transfer")])
def test_on_the_spot_does_not_stay_overnight(bench: Bench, home_unit: str | None, becomes: str) -> None:
    secretary = Secretary(id="s1", team_id="t1", home_unit=home_unit)
    (outcome,) = bench.take(
        submission("m1", draft=petition(handling_class=HandlingClass.ON_SITE, secretary=secretary), actor="owner")
    )
    petition_id = outcome.petition_id or ""
    turn_to(bench, "11-22 23:59:59")
    assert bench.petition(petition_id)["handling_class"] == "on_site"
    turn_to(bench, "11-23 00:00:00")
    row = bench.petition(petition_id)
    assert row["handling_class"] == becomes
    assert row["profile"] == "general"
    assert own(bench, petition_id) == [("reclassed", None, "11-23 00:00:00")]
    assert from_ms(row["due_at"]) == on("11-27 23:59:59")


def test_on_the_spot_and_done_stays_what_it_is(bench: Bench) -> None:
    case = bench.submit(cls=HandlingClass.ON_SITE, actor="owner")
    bench.say(case, E.CLOSED, WECHAT, text="当场更换灯泡", actor="owner")
    turn_to(bench, "11-30 00:00:00")
    assert own(bench, case) == []


def test_on_the_spot_filed_the_day_after_has_that_day(bench: Bench) -> None:
    draft = petition(handling_class=HandlingClass.ON_SITE)
    (outcome,) = bench.take(submission("m1", draft=draft, at=on("11-20 16:00:00"), actor="owner"))
    turn_to(bench, "11-22 23:59:59")
    assert own(bench, outcome.petition_id or "") == []
    assert bench.petition(outcome.petition_id or "")["no_echo"] is None
    turn_to(bench, "11-23 00:00:00")
    assert own(bench, outcome.petition_id or "") == [("reclassed", None, "11-23 00:00:00")]


def test_what_fell_due_before_it_was_brought_gets_no_card(bench: Bench) -> None:
    (outcome,) = bench.take(submission("m1", draft=petition(), at=on("11-13 10:00:00")))
    bench.judge()
    assert cards(bench, Case(outcome.petition_id or "", "", number("m1"))) == []
    assert bench.petition(outcome.petition_id or "")["no_echo"] == "not_replied"
    turn_to(bench, "12-31 00:00:00")
    assert cards(bench, Case(outcome.petition_id or "", "", number("m1"))) == [
        ("red", "11-23 00:00:00"), ("black", "11-30 00:00:00"),
    ]  # fmt: skip


# ── re-handling and supervision ──


def answered(bench: Bench, case: Case, text: str = "已修好") -> None:
    bench.say(case, E.REPLIED, HOTLINE, text=text, unit=UNIT)


def test_not_satisfied_reopens_and_a_second_time_is_supervised(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.DISPATCHED, HOTLINE, unit=UNIT)
    answered(bench, case)
    bench.say(case, E.CLOSED, HOTLINE, text="已修好")
    bench.say(case, E.RATED, WECHAT, satisfaction="unsatisfied", actor="petitioner")
    bench.judge()
    assert [type_ for type_, *_ in own(bench, case)] == ["rehandled"]
    row = bench.petition(case)
    assert (row["state"], row["closed_at"], row["answered_by"]) == ("rehandling", None, None)
    assert from_ms(row["due_at"]) == on("11-27 23:59:59"), "a new round has a clock of its own"
    bench.clock.turn(3600)
    answered(bench, case, "又修了")
    bench.say(case, E.FOLLOWED_UP, HOTLINE, resolved="no")
    bench.judge()
    said = own(bench, case)
    assert [(type_, level) for type_, level, _ in said[1:]] == [
        ("rehandled", None), ("supervised", "key"), ("reclassed", None),
    ]  # fmt: skip
    assert bench.petition(case)["handling_class"] == "key_supervision"
    order = next(data(bench, row) for row in bench.events(case.id) if data(bench, row).get("level") == "key")
    assert order["supervision"] == {"state": "proposed", "reason": "unsatisfied"}
    rounds = [data(bench, row)["text"] for row in bench.events(case.id) if row["type"] == "rehandled"]
    assert [text[-4:] for text in rounds] == ["1次重办", "2次重办"]


def test_what_a_unit_says_of_itself_reopens_nothing(bench: Bench) -> None:
    case = bench.submit()
    answered(bench, case)
    bench.say(case, E.FOLLOWED_UP, HOTLINE, resolved="no", actor="unit")
    bench.judge()
    assert own(bench, case) == []


def test_overdue_twice_is_supervised(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.SIGNED, HOTLINE, unit=UNIT)
    turn_to(bench, "11-30 08:00:00")
    bench.say(case, E.EXTENDED, HOTLINE, extend_by={"amount": 1, "unit": "working_days"})
    turn_to(bench, "12-01 08:00:00")
    orders = [data(bench, row) for row in bench.events(case.id) if data(bench, row).get("level") == "key"]
    assert [order["supervision"]["reason"] for order in orders] == ["long_pending"]


def test_a_leaders_order_is_supervised(bench: Bench) -> None:
    case = bench.submit()
    order = SupervisionOrder(state=SupervisionState.ISSUED, reason=SupervisionReason.LEADER)
    bench.say(case, E.SUPERVISED, CENTER, level="key", supervision=order)
    bench.judge()
    assert [(type_, level) for type_, level, _ in own(bench, case)] == [("supervised", "key"), ("reclassed", None)]


def bring(bench: Bench, key: str, person: int, **fields: Any) -> str:
    phone = f"1390000{person:04}"
    draft = petition(
        content=f"第{key}件", openid=None, handling_class=HandlingClass.HOTLINE_TRANSFER,
        place=Place(community="甲社区"), category=Category(name="路灯"), **fields,
    )  # fmt: skip
    draft = draft.model_copy(update={"petitioner": draft.petitioner.model_copy(update={"phone": phone})})
    (outcome,) = bench.take(submission(key, number(key, HOTLINE), draft=draft, at=bench.clock.at), system=HOTLINE)
    return outcome.petition_id or ""


def test_many_of_one_place_and_subject_are_hot_at_the_threshold_and_at_each_doubling(bench: Bench) -> None:
    came = []
    for i in range(9):
        came.append(bring(bench, f"h{i}", i))
        bench.clock.turn(1)
    assert bench.do(bench.ledger.gather(0)) == 0
    came.append(bring(bench, "h9", 9))
    bench.do(bench.ledger.gather(0))
    bench.judge()
    for i in range(10, 41):
        bench.clock.turn(1)
        came.append(bring(bench, f"h{i}", i))
    for _ in range(2):  # looking again says nothing again
        bench.do(bench.ledger.gather(0))
        bench.judge()
    said = {i + 1: [(type_, level) for type_, level, _ in own(bench, one)] for i, one in enumerate(came)}
    hot = [("supervised", "key"), ("reclassed", None)]
    assert {rank: events for rank, events in said.items() if events} == {10: hot, 20: hot, 40: hot}


def test_groups_that_did_not_grow_are_not_looked_at_again(bench: Bench) -> None:
    for i in range(10):
        bring(bench, f"h{i}", i)
    bench.clock.turn(60)
    assert bench.do(bench.ledger.gather(bench.clock.ms)) == 0


def test_the_same_petitioner_with_the_same_subject_a_third_time(bench: Bench) -> None:
    of_one = [bring(bench, f"r{i}", 7) for i in range(2)]
    bench.do(bench.ledger.gather(0))
    bench.judge()
    bench.clock.turn(1)
    of_one.append(bring(bench, "r2", 7))
    other = bring(bench, "r3", 8)
    bench.do(bench.ledger.gather(0))
    bench.judge()
    (supervised,) = [row for row in bench.events(of_one[2]) if row["type"] == "supervised"]
    assert data(bench, supervised)["supervision"]["reason"] == "repeated"
    for petition_id in (*of_one[:2], other):
        assert own(bench, petition_id) == []


# ── out of order ──


def test_what_the_lifecycle_does_not_allow_is_kept_and_moves_nothing(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.CLOSED, HOTLINE, text="办结")
    before = bench.petition(case)
    event_id = bench.say(case, E.DISPATCHED, HOTLINE, unit=UNIT)
    row = bench.petition(case)
    assert (row["state"], row["state_at"]) == ("closed", before["state_at"])
    flags = {event["event_id"]: bool(event["out_of_order"]) for event in bench.events(case.id)}
    assert flags.pop(event_id)
    assert not any(flags.values())
    assert "event.out_of_order" in bench.trail(case.id)
    bench.clock.at = on("12-01 00:00:00")
    bench.judge()
    assert from_ms(bench.petition(case)["due_at"]) == on("11-27 23:59:59")


def test_a_word_out_of_order_answers_nobody(bench: Bench) -> None:
    case = bench.submit(HOTLINE)
    bench.say(case, E.CLOSED, CENTER, text="办结")
    bench.say(case, E.CANCELLED, HOTLINE)
    assert bench.petition(case)["answered_by"] is None


# ── the lists of the day ──


def test_what_got_no_answer_is_on_the_list_and_its_owner_is_told_once_a_day(bench: Bench) -> None:
    case = bench.submit()
    turn_to(bench, "11-24 00:00:00")
    row = bench.petition(case)
    assert (row["no_echo"], row["no_landing"]) == ("not_accepted", "not_taken_up")
    turn_to(bench, "11-24 07:59:59")
    noted = lambda: [at for type_, _, at in own(bench, case) if type_ == "noted"]  # noqa: E731 - asked thrice
    assert noted() == []
    turn_to(bench, "11-24 08:00:00")
    turn_to(bench, "11-24 18:00:00")
    assert noted() == ["11-24 08:00:00"]
    turn_to(bench, "11-25 08:00:00")
    assert noted() == ["11-24 08:00:00", "11-25 08:00:00"]
    bench.route_all()
    told = [row for row in bench.lane(case, WECHAT) if row["event_type"] == "noted"]
    assert [row["audience"] for row in told] == ["owner", "owner"]
    bench.say(case, E.SIGNED, HOTLINE, unit=UNIT)
    bench.judge()
    row = bench.petition(case)
    assert (row["no_echo"], row["no_landing"]) == (None, None)


def test_what_one_unit_returns_while_another_works_lands_with_that_one(bench: Bench) -> None:
    case = bench.submit(HOTLINE)
    units = (Assignment(unit="区住建局"), Assignment(unit="区水务局"))
    bench.say(case, E.DISPATCHED, HOTLINE, units=units)
    bench.say(case, E.SIGNED, HOTLINE, unit="区水务局")
    bench.say(case, E.PROGRESSED, HOTLINE, unit="区水务局", text="已到现场")
    for type_ in (E.RETURN_REQUESTED, E.RETURNED):
        bench.say(case, type_, HOTLINE, unit="区住建局", text="不属于本单位职责")
        bench.judge()
        row = bench.petition(case)
        assert (row["state"], row["no_landing"], row["unit"]) == ("handling", None, "区水务局")
    bench.clock.turn(2 * 86400)
    bench.judge()
    assert "urged" not in [row["type"] for row in bench.events(case.id)], "who has signed is not urged to sign"
    bench.say(case, E.RETURNED, HOTLINE, unit="区水务局", text="不属于本单位职责")
    bench.judge()
    row = bench.petition(case)
    assert (row["state"], row["no_landing"], row["unit"]) == ("returned", "returned", None)


def test_cards_go_to_the_unit_that_was_asked_last(bench: Bench) -> None:
    case = bench.submit(HOTLINE)
    for unit in ("区住建局", "区水务局", "区住建局"):
        bench.say(case, E.DISPATCHED, HOTLINE, unit=unit)
        bench.clock.turn(60)
    bench.judge()
    assert bench.petition(case)["unit"] == "区住建局"


def test_returned_and_given_to_nobody_has_no_landing(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.DISPATCHED, HOTLINE, unit=UNIT)
    bench.say(case, E.RETURNED, HOTLINE, unit=UNIT, text="非本单位职责")
    bench.judge()
    assert bench.petition(case)["no_landing"] == "returned"
    bench.say(case, E.DISPATCHED, HOTLINE, unit="区住建局")
    bench.judge()
    row = bench.petition(case)
    assert (row["no_landing"], row["unit"]) == (None, "区住建局")


# ── the law ──


def test_an_open_petition_that_nobody_would_look_at_breaks_the_law(bench: Bench) -> None:
    case = bench.submit()
    assert bench.law().orphans == []
    bench.sql("UPDATE petitions SET look_at = NULL")
    assert bench.law().orphans == [case.id]
    bench.sql("UPDATE petitions SET look_at = :late", late=to_ms(bench.clock.at) - 3_600_001)
    assert bench.law().orphans == [case.id]
    bench.sql("UPDATE petitions SET look_at = 0, due_at = NULL")
    assert bench.law().orphans == [], "what a migration has just brought is only new"


def test_a_closed_petition_is_looked_at_no_more(bench: Bench) -> None:
    case = bench.submit(cls=HandlingClass.ON_SITE, actor="owner")
    bench.say(case, E.CLOSED, WECHAT, text="当场更换灯泡", actor="owner")
    finish(bench, case)
    row = bench.petition(case)
    assert row["closed_at"] is not None
    assert row["look_at"] is None


# ── joint packages ──


def package(bench: Bench) -> Case:
    case = bench.submit(cls=HandlingClass.JOINT_PACKAGE, actor="owner")
    units = (
        {"unit": UNIT, "role": "lead"},
        {"unit": "区住建局", "role": "assist"},
        {"unit": "街道办", "role": "assist"},
    )
    bench.say(case, E.DISPATCHED, CENTER, units=units)
    bench.say(case, E.SIGNED, CENTER, unit=UNIT)
    return case


def told_of(bench: Bench, case: Case) -> list[tuple[str, str, str | None]]:
    rows = [data(bench, row) for row in bench.events(case.id) if row["source"] == "bridge" and row["type"] != "noted"]
    return sorted((row["unit"], row["level"], row.get("role")) for row in rows)


def test_each_assisting_unit_of_a_package_has_a_clock_and_cards_of_its_own(bench: Bench) -> None:
    case = package(bench)
    bench.say(case, E.SIGNED, CENTER, unit="区住建局", role="assist")
    turn_to(bench, "11-23 23:59:59")
    assert told_of(bench, case) == [("街道办", "urge", "assist")]
    bench.say(case, E.REPLIED, CENTER, unit="区住建局", role="assist", text="已整改")
    bench.say(case, E.SIGNED, CENTER, unit="街道办", role="assist")
    turn_to(bench, "11-30 00:00:00")
    assert told_of(bench, case) == [
        (UNIT, "red", None), (UNIT, "yellow", None),
        ("街道办", "red", "assist"), ("街道办", "urge", "assist"), ("街道办", "yellow", "assist"),
    ]  # fmt: skip
    assert bench.petition(case)["state"] == "signed", "a card moves nothing, and no assisting unit answers for the lead"


def test_a_package_that_is_done_in_part_stays_open_and_on_the_list(bench: Bench) -> None:
    case = package(bench)
    bench.say(
        case, E.CLOSED, WECHAT, text="首批已办结", actor="owner", households={"done": 162, "total": 300, "batch": 1}
    )
    _deliver_all(bench, case)
    bench.sql("UPDATE petitions SET look_at = 0")
    bench.judge()
    row = bench.petition(case)
    assert (row["state"], row["closed_at"], row["no_landing"]) == ("closed", None, "not_completed")
    bench.say(case, E.CLOSED, CENTER, text="全部办结", households={"done": 300, "total": 300, "batch": 2})
    bench.say(case, E.REPLIED, CENTER, unit="区住建局", role="assist", text="已整改")
    _deliver_all(bench, case)
    bench.judge()
    row = bench.petition(case)
    assert (row["closed_at"], row["no_landing"]) == (None, "not_assisted"), "街道办 has not answered for its part"
    bench.say(case, E.REPLIED, CENTER, unit="街道办", role="assist", text="已配合")
    _deliver_all(bench, case)
    bench.judge()
    row = bench.petition(case)
    assert row["closed_at"] is not None
    assert row["no_landing"] is None


# ── closing ──


def _deliver_all(bench: Bench, case: Case) -> None:
    bench.route_all()
    for system in SYSTEMS:
        while any(state not in ("delivered", "acknowledged") for state in bench.states(case, system)):
            bench.deliver(case, system, holds=True)


def test_on_the_spot_stays_open_and_listed_until_somebody_wrote_what_was_done(bench: Bench) -> None:
    case = bench.submit(cls=HandlingClass.ON_SITE, actor="owner")
    bench.say(case, E.CLOSED, WECHAT, actor="owner", text=None)
    _deliver_all(bench, case)
    bench.judge()
    row = bench.petition(case)
    assert (row["state"], row["closed_at"], row["no_landing"]) == ("closed", None, "not_explained")
    assert row["look_at"] is not None
    bench.clock.turn(86_400)
    bench.judge()
    _deliver_all(bench, case)
    bench.judge()
    assert len([row for row in bench.events(case.id) if row["type"] == "noted"]) == 1, "the bridge reminded the owner"
    assert bench.petition(case)["closed_at"] is None, "and that is no account of what was done"
    bench.say(case, E.NOTED, WECHAT, actor="owner", text="已换灯泡")
    _deliver_all(bench, case)
    bench.judge()
    row = bench.petition(case)
    assert row["closed_at"] is not None
    assert row["no_landing"] is None


def test_a_class_may_need_a_follow_up_before_it_closes(bench: Bench) -> None:
    strict = ClosingRule.model_validate(
        {"rule": "r", "zh": "z", "source": "s", "class": ["key_supervision"], "needs": ["answered", "followed_up"]}
    )
    book: RuleBook = bench.ledger.rules
    book.supervision = book.supervision.model_copy(update={"closing": (strict, *book.supervision.closing)})
    supervised = bench.submit(cls=HandlingClass.KEY_SUPERVISION, actor="owner")
    other = bench.submit(cls=HandlingClass.HOME_UNIT, actor="owner")
    for case in (supervised, other):
        bench.say(case, E.CLOSED, WECHAT, text="已修好", actor="owner")
        _deliver_all(bench, case)
    assert bench.petition(other)["closed_at"] is not None
    row = bench.petition(supervised)
    assert (row["closed_at"], row["state"]) == (None, "closed")
    assert row["look_at"] is not None
    assert bench.place() == {"closed": 1, "held": 1}
    bench.say(supervised, E.FOLLOWED_UP, CENTER, satisfaction="satisfied")
    bench.route_all()
    bench.deliver(supervised, WECHAT)
    bench.judge()
    assert bench.petition(supervised)["closed_at"] is not None


@pytest.mark.parametrize(
    ("type_", "actor", "more"),
    [(E.CLOSED, "owner", {"text": "已电话核实"}), (E.RATED, "petitioner", {"satisfaction": "satisfied"})],
)
def test_a_city_may_let_the_closing_wait_for_the_owner(
    bench: Bench, type_: E, actor: str, more: dict[str, Any]
) -> None:
    strict = ClosingRule.model_validate(
        {"rule": "r", "zh": "z", "source": "s", "class": [], "needs": ["answered", "owner_confirmed"]}
    )
    book: RuleBook = bench.ledger.rules
    book.supervision = book.supervision.model_copy(update={"closing": (strict,)})
    case = bench.submit(openid=None)
    bench.say(case, E.REPLIED, HOTLINE, text="已修好")
    bench.say(case, E.CLOSED, HOTLINE, text="办结")
    bench.say(case, E.RATED, HOTLINE, actor="system", satisfaction="satisfied")
    _deliver_all(bench, case)
    bench.judge()
    row = bench.petition(case)
    assert (row["closed_at"], row["no_landing"]) == (None, "not_owner_confirmed")
    bench.say(case, type_, actor=actor, **more)
    _deliver_all(bench, case)
    bench.judge()
    row = bench.petition(case)
    assert row["closed_at"] is not None
    assert row["no_landing"] is None
