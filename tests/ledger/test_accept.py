"""The front door: each message once, whatever comes twice, at once, or too early."""

import re
import secrets
import threading
from collections import Counter
from datetime import timedelta

import orjson
import pytest

from bridge.adapter import Acknowledgement, Receipt, Ref
from bridge.ids import PETITION_ID, event_id
from bridge.ledger.keep import REPLAYED
from bridge.retry import Park
from schemas.event import EventType
from tests.support.ledgers import (
    CENTER,
    HOTLINE,
    START,
    WECHAT,
    Bench,
    Case,
    arrival,
    number,
    petition,
    ref,
    submission,
    update,
)

# ── once ──


def test_a_new_petition_is_kept_numbered_journalled_and_put_on_the_conveyor(bench: Bench) -> None:
    (outcome,) = bench.take(submission("m1", number("A1")))
    assert outcome.status == "new"
    assert PETITION_ID.fullmatch(outcome.petition_id or "")
    assert re.fullmatch("[0-9a-f]{64}", outcome.receipt or "")
    assert outcome.event_id == str(event_id(WECHAT, "m1"))

    row = bench.petition(outcome.petition_id or "")
    assert (row["source"], row["state"], row["last_sequence"], row["holder"]) == (WECHAT, "submitted", 1, None)
    assert row["receipt"] == outcome.receipt
    assert [event["type"] for event in bench.events(row["petition_id"])] == ["submitted"]
    message = bench.row("SELECT * FROM messages")
    assert bench.raw(message) == b"{}"
    assert (message["status"], message["message_key"], message["petition_id"]) == ("taken", "m1", row["petition_id"])
    assert bench.row("SELECT * FROM cross_references")["value"] == "A1"
    assert bench.trail(row["petition_id"]) == ["petition.accepted"]
    assert bench.drained("event") == [outcome.event_id]
    assert bench.place() == {"in_flight": 1}


def test_a_repeated_key_gets_the_first_answer_and_changes_nothing(bench: Bench) -> None:
    (first,) = bench.take(submission("m1", number("A1")))
    bench.published.clear()
    (again,) = bench.take(submission("m1", number("A1"), draft=petition("another text")))
    assert again.status == "duplicate"
    assert (again.petition_id, again.receipt, again.event_id) == (first.petition_id, first.receipt, first.event_id)
    assert len(bench.rows("SELECT * FROM messages")) == 1
    assert bench.published == []
    assert bench.law().accepted == 1


def test_the_same_key_of_another_system_is_another_message(bench: Bench) -> None:
    (one,) = bench.take(submission("m1", number("A1", WECHAT)))
    (two,) = bench.take(submission("m1", number("A1", CENTER)), system=CENTER)
    assert (one.status, two.status) == ("new", "new")
    assert one.petition_id != two.petition_id


def test_the_same_number_under_another_key_is_the_same_petition(bench: Bench) -> None:
    (first,) = bench.take(submission("m1", number("A1")))
    (again,) = bench.take(submission("m2", number("A1")))
    assert (again.status, again.petition_id, again.receipt) == ("duplicate", first.petition_id, first.receipt)
    # The raw bytes of the second message are kept all the same.
    assert {row["message_key"] for row in bench.rows("SELECT * FROM messages")} == {"m1", "m2"}
    assert bench.law().accepted == 1


def test_the_same_value_of_another_kind_is_another_number(bench: Bench) -> None:
    bench.take(submission("m1", number("A1", kind="task_num")))
    (other,) = bench.take(submission("m2", number("A1", kind="rec_id")))
    assert other.status == "new"
    # A bare number that both share names neither.
    (kept,) = bench.take(update("u1", EventType.PROGRESSED, ref("A1", kind=None)))
    assert kept.status == "kept"
    (found,) = bench.take(update("u2", EventType.PROGRESSED, ref("A1", kind="rec_id")))
    assert found.petition_id == other.petition_id


def test_again_says_what_a_known_number_means_when_it_brings_another(bench: Bench) -> None:
    both = (number("A1"), number("B7", kind="task_num"))
    again = update("m2", EventType.DISPATCHED, ref("A1"), numbers=both, unit="城管局")
    (first,) = bench.take(submission("m1", number("A1"), again=again))
    assert first.status == "new"
    (second,) = bench.take(submission("m2", *both, again=again))
    assert (second.status, second.petition_id) == ("event", first.petition_id)
    assert [event["type"] for event in bench.events(first.petition_id or "")] == ["submitted", "dispatched"]
    assert bench.petition(first.petition_id or "")["state"] == "dispatched"
    (third,) = bench.take(update("m3", EventType.SIGNED, ref("B7", kind="task_num")))
    assert third.petition_id == first.petition_id
    (repeat,) = bench.take(submission("m2", *both, again=again))
    assert (repeat.status, repeat.event_id) == ("duplicate", second.event_id)


def test_again_without_a_new_number_is_a_plain_repeat(bench: Bench) -> None:
    again = update("m2", EventType.DISPATCHED, ref("A1"))
    (first,) = bench.take(submission("m1", number("A1")))
    (second,) = bench.take(submission("m2", number("A1"), again=again))
    assert (second.status, second.receipt) == ("duplicate", first.receipt)
    assert len(bench.events(first.petition_id or "")) == 1


# ── together ──


def test_a_hundred_at_once_with_repeats_inside_the_batch(bench: Bench) -> None:
    # 50 petitions, each twice: 25 under the same key, 25 under another key with the same number.
    arrivals = [arrival(submission(f"m{n}", number(f"A{n}"))) for n in range(50)]
    arrivals += [arrival(submission(f"m{n}", number(f"A{n}"))) for n in range(25)]
    arrivals += [arrival(submission(f"other{n}", number(f"A{n}"))) for n in range(25, 50)]
    answers = [answer[0] for answer in bench.together(*(bench.ledger.accept(one) for one in arrivals))]
    assert Counter(answer.status for answer in answers) == {"new": 50, "duplicate": 50}
    for first, second in zip(answers[:50], answers[50:], strict=True):
        assert (second.petition_id, second.receipt) == (first.petition_id, first.receipt)
    law = bench.law()
    assert (law.accepted, law.in_flight, law.holds) == (50, 50, True)
    assert len({answer.petition_id for answer in answers}) == 50


def test_a_petition_and_its_news_in_one_batch_are_numbered_in_the_order_they_came(bench: Bench) -> None:
    drafts = [submission("m1", number("A1"))]
    drafts += [update(f"u{n}", EventType.PROGRESSED, ref("A1"), text=str(n)) for n in range(20)]  # type: ignore[misc]
    answers = bench.together(*(bench.ledger.accept(arrival(draft)) for draft in drafts))
    petition_id = answers[0][0].petition_id
    events = bench.events(petition_id)
    assert [event["sequence"] for event in events] == list(range(1, 22))
    assert [event["event_id"] for event in events] == [answer[0].event_id for answer in answers]


def test_one_bad_request_does_not_take_its_neighbours_with_it(bench: Bench) -> None:
    def broken(_work: object, _items: object) -> list[None]:
        raise RuntimeError("a defect")

    async def defect() -> None:
        await bench.ledger._writer.ask(broken, None)

    good, bad, also_good = bench.together(
        bench.ledger.accept(arrival(submission("m1"))), defect(), bench.ledger.accept(arrival(submission("m2")))
    )
    assert isinstance(bad, RuntimeError)
    assert (good[0].status, also_good[0].status) == ("new", "new")
    assert sorted(bench.drained("event")) == sorted([good[0].event_id, also_good[0].event_id])
    assert bench.law().accepted == 2


def test_a_note_keeps_its_petition_when_its_batch_is_run_again(bench: Bench) -> None:
    case = bench.submit()

    def broken(_work: object, _items: object) -> list[None]:
        raise RuntimeError("a defect")

    async def defect() -> None:
        await bench.ledger._writer.ask(broken, None)

    bench.together(
        bench.ledger.note("pii.read", {"petition_id": case.id, "actor": "key:a", "reason": "audit"}),
        bench.ledger.note("pii.read", {"petition_id": case.id, "actor": "key:b", "reason": "audit"}),
        defect(),
    )
    assert bench.trail(case.id) == ["petition.accepted", "pii.read", "pii.read"]


def test_a_message_too_odd_for_the_database_does_not_look_like_an_absent_database(bench: Bench) -> None:
    """PostgreSQL refuses to index such a key with an error of the same class as a lost connection."""
    odd = "k" + secrets.token_hex(20_000)
    good, bad = bench.together(
        bench.ledger.accept(arrival(submission("m1", number("A1")))),
        bench.ledger.accept(arrival(submission(odd, number("A2")))),
    )
    assert not isinstance(good, Exception), good
    assert good[0].status == "new"
    # Refused or taken, but never "the ledger cannot be reached": that caller would come back for ever.
    assert type(bad).__name__ != "LedgerAway"


@pytest.mark.parametrize("url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_two_processes_take_the_same_number_at_once_and_one_petition_comes_of_it(make_bench: object, url: str) -> None:
    benches = [make_bench(owner) for owner in ("p1", "p2", "p3")]  # type: ignore[operator]
    for round_ in range(15):
        barrier = threading.Barrier(len(benches))
        answers: list[object] = []

        def take(one: Bench, at: int = round_, gate: threading.Barrier = barrier, into: list[object] = answers) -> None:
            gate.wait(10)
            into.extend(one.take(submission(f"{one.owner}-{at}", number(f"A{at}"))))

        threads = [threading.Thread(target=take, args=(one,)) for one in benches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(answer.status for answer in answers) == ["duplicate", "duplicate", "new"]  # type: ignore[attr-defined]
        assert len({answer.petition_id for answer in answers}) == 1  # type: ignore[attr-defined]
        assert len({answer.receipt for answer in answers}) == 1  # type: ignore[attr-defined]
    law = benches[0].law()
    assert (law.accepted, law.in_flight, law.holds) == (15, 15, True)
    assert sum(len(one.published) for one in benches) == 15


def test_events_are_numbered_without_gaps_however_many_speak_at_once(make_bench: object, url: str) -> None:
    benches = [make_bench(owner) for owner in ("p1", "p2")]  # type: ignore[operator]
    case = benches[0].submit()

    def talk(one: Bench) -> None:
        said = [arrival(update(f"{one.owner}-u{n}", EventType.PROGRESSED, Ref(petition_id=case.id))) for n in range(40)]
        for start in range(0, 40, 8):
            one.together(*(one.ledger.accept(each) for each in said[start : start + 8]))

    threads = [threading.Thread(target=talk, args=(one,)) for one in benches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [event["sequence"] for event in benches[0].events(case.id)] == list(range(1, 82))
    assert benches[0].petition(case)["last_sequence"] == 81


# ── nonces, and messages that become nothing ──


def test_a_nonce_is_good_once(bench: Bench) -> None:
    assert bench.take(submission("m1"), nonce="x")[0].status == "new"
    assert bench.do(bench.ledger.accept(arrival(submission("m2"), nonce="x"))) is REPLAYED
    assert bench.keep(nonce="x") is REPLAYED
    assert bench.law().accepted == 1
    assert len(bench.rows("SELECT * FROM messages")) == 1
    # Another system's nonces are its own.
    assert bench.take(submission("m3", number("C")), system=CENTER, nonce="x")[0].status == "new"


def test_a_nonce_is_good_once_inside_one_batch(bench: Bench) -> None:
    answers = bench.together(*(bench.ledger.accept(arrival(submission(f"m{n}"), nonce="x")) for n in range(5)))
    assert sum(answer is REPLAYED for answer in answers) == 4
    assert answers[0][0].status == "new"
    assert bench.law().accepted == 1


def test_a_nonce_is_forgotten_only_after_its_hour(bench: Bench) -> None:
    bench.take(submission("m1"), nonce="x")
    bench.clock.turn(3599)
    bench.due()
    assert bench.do(bench.ledger.accept(arrival(submission("m2"), nonce="x"))) is REPLAYED
    bench.clock.turn(2)
    bench.due()
    assert bench.rows("SELECT * FROM nonces") == []


def test_a_message_that_cannot_be_understood_is_kept_and_said(bench: Bench) -> None:
    assert bench.keep("malformed") is None
    row = bench.row("SELECT * FROM messages")
    assert (row["status"], row["reason"]) == ("malformed", "not understood")
    assert bench.raw(row) == b"?"
    (entry,) = bench.rows("SELECT * FROM journal")
    assert entry["what"] == "message.rejected"
    assert orjson.loads(entry["body"])["body_digest"]
    # Without a key each one is kept.
    bench.keep("malformed")
    assert len(bench.rows("SELECT * FROM messages")) == 2


def test_an_ignored_message_is_kept_once(bench: Bench) -> None:
    bench.keep("ignored", key="k1")
    bench.keep("ignored", key="k1")
    assert len(bench.rows("SELECT * FROM messages")) == 1
    assert bench.rows("SELECT * FROM journal") == []


def test_a_refused_caller_leaves_a_journal_line_and_nothing_else(bench: Bench) -> None:
    bench.do(bench.ledger.refuse(CENTER, "bad_signature"))
    (entry,) = bench.rows("SELECT * FROM journal")
    assert orjson.loads(entry["body"])["reason"] == "bad_signature"
    assert bench.rows("SELECT * FROM messages") == []


# ── too early ──


def test_news_of_an_unknown_petition_is_kept_and_matched_when_it_arrives(bench: Bench) -> None:
    (kept,) = bench.take(update("u1", EventType.DISPATCHED, ref("A1"), unit="住建局"))
    assert (kept.status, kept.petition_id, kept.receipt) == ("kept", None, None)
    assert bench.row("SELECT * FROM messages")["status"] == "kept"
    (new,) = bench.take(submission("m1", number("A1")))
    assert [(event["sequence"], event["type"]) for event in bench.events(new.petition_id or "")] == [
        (1, "submitted"),
        (2, "dispatched"),
    ]
    assert bench.petition(new.petition_id or "")["state"] == "dispatched"
    assert {row["status"] for row in bench.rows("SELECT * FROM messages")} == {"taken"}
    assert bench.rows("SELECT * FROM kept_references") == []
    # Its repeat gets what it became.
    (repeat,) = bench.take(update("u1", EventType.DISPATCHED, ref("A1")))
    assert (repeat.status, repeat.petition_id, repeat.event_id) == (
        "duplicate",
        new.petition_id,
        str(event_id(WECHAT, "u1")),
    )
    assert len(bench.events(new.petition_id or "")) == 2


def test_kept_news_waits_for_any_of_its_numbers(bench: Bench) -> None:
    bench.take(update("u1", EventType.SIGNED, ref("X9", kind="task_num"), ref("A1", kind=None)))
    (new,) = bench.take(submission("m1", number("A1", kind="rec_id")))
    assert [event["type"] for event in bench.events(new.petition_id or "")] == ["submitted", "signed"]


def test_kept_news_is_matched_when_a_delivery_brings_the_number(bench: Bench) -> None:
    case = bench.submit()
    bench.route_all()
    (kept,) = bench.take(
        update("u1", EventType.ACCEPTED, ref("T77", HOTLINE, "task_num"), at=bench.clock.at), system=HOTLINE
    )
    assert kept.status == "kept"
    handoff = bench.deliver(case, HOTLINE, external_ids=(number("T77", HOTLINE, "task_num"),), holds=True)
    assert [event["type"] for event in bench.events(case.id)] == ["submitted", "accepted"]
    assert bench.petition(case)["state"] == "accepted"
    # The hotline's own word about the case proves that it saw what it was handed.
    assert bench.handoff(handoff)["state"] == "acknowledged"
    bench.route_all()
    assert bench.place() == {"in_flight": 1}


def test_kept_news_keeps_the_order_in_which_it_came(bench: Bench) -> None:
    """The drafts of one message share their time of arrival; a coin must not decide their order."""
    types = [EventType.ACCEPTED, EventType.DISPATCHED, EventType.SIGNED, EventType.PROGRESSED, EventType.REPLIED,
             EventType.FOLLOWED_UP, EventType.RATED, EventType.NOTED]  # fmt: skip
    bench.take(*(update(f"u{n}", type_, ref("A1")) for n, type_ in enumerate(types)))
    (new,) = bench.take(submission("m1", number("A1")))
    assert [event["type"] for event in bench.events(new.petition_id or "")] == [
        "submitted",
        *(type_.value for type_ in types),
    ]


def test_kept_news_in_the_batch_of_its_petition_is_not_overtaken(bench: Bench) -> None:
    answers = bench.together(
        bench.ledger.accept(arrival(update("u1", EventType.DISPATCHED, ref("A1")))),
        bench.ledger.accept(arrival(submission("m1", number("A1")))),
        bench.ledger.accept(arrival(update("u2", EventType.SIGNED, ref("A1")))),
    )
    types = [event["type"] for event in bench.events(answers[1][0].petition_id)]
    assert types == ["submitted", "dispatched", "signed"]


def test_the_numbers_in_kept_news_are_learnt_when_it_is_matched(bench: Bench) -> None:
    bench.take(update("u1", EventType.DISPATCHED, ref("A1"), numbers=[number("T5", kind="task_num")]))
    (new,) = bench.take(submission("m1", number("A1")))
    (later,) = bench.take(update("u2", EventType.SIGNED, ref("T5", kind="task_num")))
    assert (later.status, later.petition_id) == ("event", new.petition_id)


def test_kept_news_that_waits_for_a_number_in_other_kept_news_is_matched_too(bench: Bench) -> None:
    bench.take(update("u1", EventType.DISPATCHED, ref("A1"), numbers=[number("T5", kind="task_num")]))
    bench.take(update("u2", EventType.SIGNED, ref("T5", kind="task_num")))
    (new,) = bench.take(submission("m1", number("A1")))
    assert [event["type"] for event in bench.events(new.petition_id or "")] == ["submitted", "dispatched", "signed"]


def test_an_acknowledgement_that_comes_before_its_receipt_is_applied_when_it_is_known(bench: Bench) -> None:
    case = bench.submit()
    bench.route_all()
    assert bench.acknowledge("R9", WECHAT).status == "kept"
    handoff = bench.deliver(case, WECHAT, number="R9")
    assert bench.handoff(handoff)["state"] == "acknowledged"
    assert bench.handoff(handoff)["acknowledged_at"] is not None
    assert "handoff.acknowledged" in bench.trail(case.id)
    assert bench.rows("SELECT * FROM kept_references") == []


def test_a_failure_that_comes_before_its_receipt_parks_the_hand_off(bench: Bench) -> None:
    case = bench.submit()
    bench.route_all()
    assert bench.acknowledge("R9", WECHAT, failure="user_refused").status == "kept"
    handoff = bench.deliver(case, WECHAT, number="R9")
    assert (bench.handoff(handoff)["state"], bench.handoff(handoff)["reason"]) == ("parked", "user_refused")
    assert bench.place() == {"parked": 1}


def test_an_acknowledgement_of_another_systems_receipt_is_not_taken_for_ours(bench: Bench) -> None:
    case = bench.submit()
    bench.route_all()
    handoff = bench.deliver(case, WECHAT, number="R9")
    assert bench.acknowledge("R9", CENTER).status == "kept"
    assert bench.handoff(handoff)["state"] == "delivered"
    assert bench.acknowledge("R9", WECHAT).status == "event"
    assert bench.handoff(handoff)["state"] == "acknowledged"


def test_an_acknowledgement_twice_is_journalled_once(bench: Bench) -> None:
    case = bench.submit()
    bench.route_all()
    bench.deliver(case, WECHAT, number="R9")
    bench.take(Acknowledgement("a1", "R9"), system=WECHAT)
    bench.take(Acknowledgement("a1", "R9"), system=WECHAT)
    assert bench.trail(case.id).count("handoff.acknowledged") == 1


def test_a_failed_arrival_opens_the_petition_that_it_had_closed(bench: Bench) -> None:
    case = bench.submit()
    bench.route_all()
    bench.deliver(case, HOTLINE, holds=True)
    bench.deliver(case, WECHAT)
    bench.say(case, EventType.CLOSED, HOTLINE, text="已修好")
    bench.route_all()
    told = bench.deliver(case, WECHAT, number="R9", told_petitioner=True)
    assert bench.place() == {"closed": 1}
    bench.acknowledge("R9", WECHAT, failure="user_refused")
    assert bench.handoff(told)["state"] == "parked"
    assert bench.place() == {"parked": 1}
    assert bench.petition(case)["answered_by"] is None
    # A person finds a way: the same hand-off goes out again, and now the petition may close.
    bench.order("replay", told)
    assert bench.send(told, Receipt("R10", told_petitioner=True))
    assert bench.place() == {"closed": 1}


# ── out of order ──


def test_an_older_update_never_moves_the_state_back(bench: Bench) -> None:
    case = bench.submit()
    later = START + timedelta(minutes=50)
    bench.say(case, EventType.PROGRESSED, HOTLINE, at=later)
    bench.say(case, EventType.DISPATCHED, HOTLINE, at=START + timedelta(minutes=10))
    assert bench.petition(case)["state"] == "handling"
    assert [event["type"] for event in bench.events(case.id)] == ["submitted", "progressed", "dispatched"]


def test_an_update_older_than_the_newest_of_the_same_state_does_not_move_it_back(bench: Bench) -> None:
    case = bench.submit()
    for minute, type_ in ((30, EventType.PROGRESSED), (50, EventType.PROGRESSED), (40, EventType.SIGNED)):
        bench.say(case, type_, HOTLINE, at=START + timedelta(minutes=minute))
    assert bench.petition(case)["state"] == "handling"


def test_an_old_rehandling_does_not_open_a_petition_that_was_closed_after_it(bench: Bench) -> None:
    case = bench.submit(HOTLINE, holder=HOTLINE)
    bench.say(case, EventType.CLOSED, HOTLINE, at=START + timedelta(minutes=50))
    bench.route_all()
    for lane in (WECHAT,):
        for _ in bench.lane(case, lane):
            bench.deliver(case, lane, told_petitioner=True)
    assert bench.place() == {"closed": 1}
    bench.say(case, EventType.REHANDLED, HOTLINE, at=START + timedelta(minutes=10))
    assert bench.petition(case)["closed_at"] is not None
    assert bench.petition(case)["answered_by"] is not None


def test_an_old_reclassing_does_not_undo_a_newer_one(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, EventType.RECLASSED, at=START + timedelta(minutes=50), handling_class="key_supervision")
    bench.say(case, EventType.RECLASSED, at=START + timedelta(minutes=10), handling_class="on_site")
    assert bench.petition(case)["handling_class"] == "key_supervision"


def test_an_ended_petition_is_moved_only_by_a_rehandling(bench: Bench) -> None:
    case = bench.submit()
    for minute, type_, state in (
        (1, EventType.CLOSED, "closed"),
        (2, EventType.PROGRESSED, "closed"),
        (3, EventType.REHANDLED, "rehandling"),
        (4, EventType.PROGRESSED, "handling"),
        (5, EventType.NOTED, "handling"),
    ):
        bench.say(case, type_, HOTLINE, at=START + timedelta(minutes=minute))
        assert bench.petition(case)["state"] == state


def test_an_unsendable_first_hand_off_does_not_hide_the_news(bench: Bench) -> None:
    """A park is a place: news about the petition still comes in and is kept in its lane."""
    case = bench.submit()
    bench.route_all()
    bench.send(bench.head(case, HOTLINE), Park("bad_region"))
    bench.say(case, EventType.URGED)
    bench.route_all()
    assert bench.states(case, HOTLINE) == ["parked", "waiting"]
    assert bench.place() == {"parked": 1}


def test_a_clock_that_runs_ahead_does_not_make_everything_after_it_look_old(bench: Bench) -> None:
    """A hotline whose clock is an hour ahead registers a case "in the future"; its later steps must still count."""
    ahead = bench.clock.at + timedelta(hours=1)
    (new,) = bench.take(submission("m1", number("A1"), at=ahead), system=HOTLINE)
    case = Case(new.petition_id or "", new.event_id or "", number("A1"))
    bench.clock.turn(60)
    bench.say(case, EventType.SIGNED, HOTLINE)
    assert bench.petition(case)["state"] == "signed"


def test_two_clocks_a_few_minutes_apart_are_not_taken_at_their_word(bench: Bench) -> None:
    case = bench.submit()
    bench.say(case, EventType.PROGRESSED, CENTER, at=START + timedelta(minutes=10))
    bench.say(case, EventType.REPLIED, HOTLINE, at=START + timedelta(minutes=8))
    assert bench.petition(case)["state"] == "replied"
    bench.say(case, EventType.SIGNED, CENTER, at=START + timedelta(minutes=1))
    assert bench.petition(case)["state"] == "replied"
