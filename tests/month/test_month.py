"""A simulated month on a virtual clock: the law holds, no petition is without owner or deadline, and cards and
supervision are exactly where a second, independent reckoning has them.

`make test` runs a small city; `make month` (BRIDGE_MONTH=20000) a whole one.
"""

from collections import defaultdict
from datetime import timedelta
from itertools import pairwise

from bridge.clock import from_ms
from bridge.ledger.lists import listed
from bridge.ledger.packages import package
from schemas.event import EventType as E
from tests.month.city import END, plan_of
from tests.month.reckoning import Reckoned, reckon, supervised
from tests.month.run import Run


def test_the_law_held_every_midnight(over: Run) -> None:
    assert over.broken == []
    law = over.bench.law()
    assert law.accepted == len(over.city)
    assert (law.in_flight, law.parked) == (0, 0)
    assert law.closed > law.held > 0


def test_no_petition_is_without_owner_or_deadline(over: Run) -> None:
    rows = over.bench.rows("SELECT * FROM petitions")
    assert [row["petition_id"] for row in rows if not row["owner_id"] or row["due_at"] is None] == []
    open_ = [row for row in rows if row["closed_at"] is None]
    assert [
        row["petition_id"] for row in open_ if row["look_at"] is None or row["look_at"] <= over.bench.clock.ms
    ] == []
    assert over.bench.rows("SELECT * FROM journal WHERE what = 'deadline.not_judged'") == []


def test_cards_are_exactly_where_a_second_reckoning_has_them(over: Run) -> None:
    wrong = {}
    for one in over.city:
        rows = [row for row in over.events(one.key) if row["type"] in ("urged", "supervised")]
        said = [(over.data(row)["level"], from_ms(row["occurred_at"])) for row in rows]
        given = sorted((card for card in said if card[0] != "key"), key=lambda card: (card[1], card[0]))
        wanted = sorted(reckon(one).cards, key=lambda card: (card[1], card[0]))
        if given != wanted:
            wrong[one.key, one.story] = (given, wanted)
    assert wrong == {}
    assert {level for one in over.city for level, _ in reckon(one).cards} == {"urge", "yellow", "red", "black"}


def test_supervision_is_exactly_where_a_second_reckoning_has_it(over: Run) -> None:
    given: dict[str, set[str]] = {}
    for one in over.city:
        orders = [over.data(row) for row in over.events(one.key) if row["type"] == "supervised"]
        reasons = [order["supervision"]["reason"] for order in orders if order["level"] == "key"]
        assert len(reasons) == len(set(reasons)), "each rule supervises a petition once"
        if reasons:
            given[one.key] = set(reasons)
    assert {why for reasons in given.values() for why in reasons} == {"hot", "repeated", "long_pending", "unsatisfied"}
    alone, crowds = supervised(over.city)
    for crowd in crowds:
        chosen = [key for key in crowd.keys if crowd.why in given.get(key, ())]
        assert len(chosen) == crowd.supervised, crowd
        for key in chosen:
            given[key].discard(crowd.why)
    assert {key: reasons for key, reasons in given.items() if reasons} == alone


def test_reply_deadlines_are_what_a_second_reckoning_says(over: Run) -> None:
    reckoned: dict[str, Reckoned] = {one.key: reckon(one) for one in over.city}
    still_open = {
        row["petition_id"] for row in over.bench.rows("SELECT petition_id FROM petitions WHERE closed_at IS NULL")
    }
    for one in over.city:
        if over.ids[one.key] in still_open:
            assert from_ms(over.bench.petition(over.ids[one.key])["due_at"]) == reckoned[one.key].due, one


def test_every_no_began_one_round_and_every_night_one_class(over: Run) -> None:
    for one in over.city:
        reckoned, types = reckon(one), [row["type"] for row in over.events(one.key)]
        assert types.count("rehandled") == reckoned.noes, one
        announced = [row for row in over.events(one.key) if "现场解决未在" in str(over.data(row).get("text"))]
        assert len(announced) == reckoned.overnight, one


def test_only_what_came_after_the_end_was_out_of_order(over: Run) -> None:
    rows = over.bench.rows("SELECT petition_id FROM events WHERE out_of_order")
    strays = {over.ids[one.key] for one in over.city if one.story == "stray" and one.told[-1].heard <= END}
    assert sorted(row["petition_id"] for row in rows) == sorted(strays)


def test_closings_wait_for_the_owners_word_exactly_where_a_second_reckoning_has_it(over: Run) -> None:
    with over.bench.store.reading() as conn:
        given = {row["petition_id"] for row in listed(conn, "unconfirmed", limit=len(over.city))}
    wanted = set()
    for one in over.city:
        closings = [told for told in one.told if told.type is E.CLOSED and told.heard <= END]
        if closings and not any(told.actor == "owner" for told in closings):
            wanted.add(over.ids[one.key])
    assert given == wanted
    assert len(given) < sum(bool(one.told) for one in over.city)


def test_each_day_is_one_package_and_its_plan_is_missed_by_whoever_is_not_done(over: Run) -> None:
    days: dict[str, set[str]] = defaultdict(set)
    for one in over.city:
        if one.story == "package":
            days[plan_of(one.at)["number"]].add(over.ids[one.key])
            told = [str(over.data(row).get("text")) for row in over.events(one.key) if row["type"] == E.NOTED]
            late = one.told[-1].heard > plan_of(one.at)["due_at"] + timedelta(days=1)
            assert any("打包方案逾期未落实" in text for text in told) is late, one
    with over.bench.store.reading() as conn:
        for number, members in days.items():
            found = package(conn, number)
            assert found is not None
            assert {member["petition_id"] for member in found["members"]} == members


def test_whoever_is_listed_was_told_of_once_a_day(over: Run) -> None:
    forgotten = next(one for one in over.city if one.story == "forgotten")
    told = [from_ms(row["occurred_at"]) for row in over.events(forgotten.key) if row["type"] == E.NOTED]
    assert len(told) >= 10
    assert {moment.hour for moment in told} == {8}
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(told))
