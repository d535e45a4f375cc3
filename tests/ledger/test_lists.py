"""The lists of the day and what was out of order, as they are read."""

from datetime import timedelta

import pytest

from bridge.ledger import lists
from bridge.ledger.histories import read_histories
from bridge.ledger.lists import Which
from bridge.rules.rehandling import is_heard
from schemas.event import EventType as E
from schemas.petition import HandlingClass, Secretary
from tests.support.ledgers import CENTER, HOTLINE, Bench, petition, submission


def bring(bench: Bench, key: str, team: str) -> str:
    secretary = Secretary(id=f"s-{team}", team_id=team)
    draft = petition(handling_class=HandlingClass.HOTLINE_TRANSFER, secretary=secretary)
    (outcome,) = bench.take(submission(key, draft=draft))
    return outcome.petition_id or ""


def read(bench: Bench, which: Which, **wanted: str) -> list[str]:
    with bench.store.reading() as conn:
        return [row["petition_id"] for row in lists.listed(conn, which, **wanted)]  # type: ignore[arg-type]  # a test's words


def test_each_line_says_why_and_since_when_and_nothing_personal(bench: Bench) -> None:
    petition_id = bring(bench, "m1", "t1")
    bench.clock.turn(2 * 86_400)
    bench.judge()
    with bench.store.reading() as conn:
        (line,) = lists.listed(conn, "no_echo")
        assert lists.counts(conn) == {"no_echo": 1, "no_landing": 1, "unconfirmed": 0}
    assert line == {
        "petition_id": petition_id, "team_id": "t1", "owner_id": "s-t1", "state": "submitted",
        "handling_class": "hotline_transfer", "due_at": "2026-11-27T23:59:59.000+08:00", "why": "not_accepted",
        "why_zh": "逾期未受理", "since": "2026-11-23T23:59:59.000+08:00",
    }  # fmt: skip


def test_by_team_and_by_unit_and_page_by_page(bench: Bench) -> None:
    first, second = bring(bench, "m1", "t1"), bring(bench, "m2", "t2")
    for key, petition_id in (("m1", first), ("m2", second)):
        case = bench.row("SELECT value FROM cross_references WHERE petition_id = :id", id=petition_id)
        assert case["value"] == key
    bench.clock.turn(60)
    bench.sql("UPDATE petitions SET unit = '区城管局' WHERE petition_id = :id", id=second)
    bench.sql("UPDATE petitions SET no_echo = 'not_signed', no_echo_since = 1")
    assert read(bench, "no_echo") == sorted([first, second])
    assert read(bench, "no_echo", team="t1") == [first]
    assert read(bench, "no_echo", unit="区城管局") == [second]
    assert read(bench, "no_echo", after=min(first, second)) == [max(first, second)]
    assert read(bench, "no_landing") == []


@pytest.mark.parametrize("ends", [E.CLOSED, E.CANCELLED])
def test_what_has_ended_is_on_no_list(bench: Bench, ends: E) -> None:
    case = bench.submit()
    bench.clock.turn(2 * 86_400)
    bench.judge()
    assert read(bench, "no_echo") == [case.id]
    bench.say(case, ends, HOTLINE, text="办结")
    bench.judge()
    assert read(bench, "no_echo") == read(bench, "no_landing") == []


def test_a_closing_waits_on_the_list_until_the_owner_or_the_citizen_confirms_it(bench: Bench) -> None:
    by_owner, by_citizen, by_nobody, complains = (bench.submit() for _ in range(4))
    for case in (by_owner, by_citizen, by_nobody, complains):
        bench.say(case, E.REPLIED, HOTLINE, text="已修好")
        bench.say(case, E.CLOSED, HOTLINE, text="办结")
    everyone = sorted(case.id for case in (by_owner, by_citizen, by_nobody, complains))
    assert read(bench, "unconfirmed") == everyone
    bench.say(by_owner, E.CLOSED, actor="owner", text="已电话核实")
    bench.say(by_citizen, E.RATED, actor="petitioner", satisfaction="satisfied")
    bench.say(by_nobody, E.RATED, HOTLINE, actor="system", satisfaction="satisfied")
    bench.say(complains, E.RATED, actor="petitioner", satisfaction="unsatisfied")
    assert read(bench, "unconfirmed") == sorted([by_nobody.id, complains.id])
    assert bench.petition(by_owner)["confirmed_at"] == bench.clock.ms
    with bench.store.reading() as conn:
        assert lists.counts(conn)["unconfirmed"] == 2
    bench.judge()
    assert read(bench, "unconfirmed") == [by_nobody.id], "it is being handled again"


def test_a_secretary_rates_no_petition_of_the_own_unit(bench: Bench) -> None:
    own, others = bench.submit(cls=HandlingClass.HOME_UNIT), bench.submit()
    later = bench.submit()
    bench.say(later, E.RECLASSED, CENTER, handling_class=HandlingClass.HOME_UNIT)
    for case in (own, others, later):
        bench.say(case, E.REPLIED, HOTLINE, text="已修好")
        bench.say(case, E.FOLLOWED_UP, actor="owner", satisfaction="satisfied")
    with bench.store.reading() as conn:
        found = read_histories(conn, bench.privacy.vault, [own.id, others.id, later.id])
    heard = {petition_id: any(map(is_heard, history.steps)) for petition_id, history in found.items()}
    assert heard == {own.id: False, others.id: True, later.id: False}


def test_a_new_round_is_to_be_confirmed_anew(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.CLOSED, actor="owner", text="已核实")
    bench.say(case, E.REHANDLED, HOTLINE)
    assert bench.petition(case)["confirmed_at"] is None
    bench.clock.turn(60)
    bench.say(case, E.CLOSED, HOTLINE)
    assert read(bench, "unconfirmed") == [case.id]


def test_before_the_answer_there_is_nothing_to_confirm(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.RATED, actor="petitioner", satisfaction="satisfied")
    bench.say(case, E.REPLIED, HOTLINE, text="已修好")
    bench.say(case, E.CLOSED, HOTLINE, text="办结")
    assert read(bench, "unconfirmed") == [case.id]


def test_a_no_takes_back_what_was_confirmed(bench: Bench) -> None:
    """Also the no after the last re-handling, by which nothing is reopened: somebody has to speak with the citizen."""
    case = bench.submit()
    for _ in range(4):
        bench.clock.turn(60)
        bench.say(case, E.REPLIED, HOTLINE, text="已修好")
        bench.say(case, E.CLOSED, HOTLINE, text="办结")
        bench.say(case, E.CLOSED, actor="owner", text="已电话核实")
        assert read(bench, "unconfirmed") == []
        bench.clock.turn(60)
        bench.say(case, E.RATED, actor="petitioner", satisfaction="unsatisfied")
        bench.judge()
    assert bench.petition(case)["state"] == "closed"
    assert read(bench, "unconfirmed") == [case.id]


def test_what_was_out_of_order_is_listed_in_its_order(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, E.CLOSED, HOTLINE, text="办结")
    late = []
    for type_ in (E.DISPATCHED, E.RETURNED, E.EXTENDED):
        bench.clock.at += timedelta(minutes=1)
        late.append(bench.say(case, type_, HOTLINE, unit="区城管局"))
    with bench.store.reading() as conn:
        rows = lists.out_of_order(conn)
        assert [row["event_id"] for row in rows] == late
        after = (rows[0]["recorded_at"], rows[0]["event_id"])
        assert [row["event_id"] for row in lists.out_of_order(conn, after=after, limit=1)] == late[1:2]
        assert lists.out_of_order_count(conn) == 3
    assert {row["state"] for row in rows} == {"closed"}
