"""Reconciliation in the ledger: a case handed over again keeps its key, reports are kept and sealed by digest."""

import hashlib
from datetime import timedelta

import orjson

from bridge.adapter import EVERY_NEED, Receipt, Ref
from bridge.ledger import reconciling
from bridge.ledger.reconciling import Again, Kept
from bridge.minimum import Minimum
from bridge.prose import mask_words
from bridge.reconcile.case import Case, cases_of_day, known_numbers, known_petitions
from schemas.base import SHANGHAI
from schemas.event import EventType
from schemas.petition import Attachment
from tests.support.ledgers import HOTLINE, PRIVACY, Bench, number, ref, update

ALL = Minimum(EVERY_NEED, EVERY_NEED, mask_words)


def handed_over(bench: Bench) -> tuple[str, str]:
    """A petition at the hotline: its id, and the hand-off that brought it there."""
    case = bench.submit()
    bench.route_all()
    handoff = bench.deliver(case, HOTLINE, external_ids=(number("T1", HOTLINE, "taskNum"),), holds=True)
    return case.id, handoff


def of_day(bench: Bench, days: int = 0) -> list[Case]:
    day = (bench.clock.at + timedelta(days=days)).astimezone(SHANGHAI).date()
    return bench.do(bench.ledger.read(lambda conn: cases_of_day(conn, PRIVACY.vault, ALL, HOTLINE, day)))


def test_a_case_is_of_the_day_on_which_its_number_there_was_learnt(bench: Bench) -> None:
    petition_id, _ = handed_over(bench)
    (case,) = of_day(bench)
    assert (case.petition_id, case.numbers, case.ours) == (petition_id, frozenset({"T1"}), True)
    assert of_day(bench, -1) == of_day(bench, 1) == []
    bench.clock.turn(86_400)
    bench.take(
        update("n1", EventType.SIGNED, ref("T1", HOTLINE, "taskNum"), numbers=[number("R1", HOTLINE, "recId")]),
        system=HOTLINE,
    )
    assert of_day(bench) == [], "a second number makes it no case of another day"
    assert of_day(bench, -1)[0].numbers == {"T1", "R1"}


def test_a_hand_off_under_way_means_that_a_difference_may_mend_itself(bench: Bench) -> None:
    petition_id, _ = handed_over(bench)
    assert not of_day(bench)[0].moving
    files = (Attachment(name="照片.jpg", url="https://files.example.cn/1"),)
    bench.take(update("u1", EventType.URGED, Ref(petition_id=petition_id), attachments=files))
    bench.route_all()
    (case,) = of_day(bench)
    assert case.moving
    assert case.petition.attachments == files, "what was told later belongs to it"
    found = bench.do(bench.ledger.read(lambda conn: known_numbers(conn, HOTLINE, ["T1", "T2"])))
    assert found == {"T1": petition_id}
    assert bench.do(bench.ledger.read(lambda conn: known_petitions(conn, [petition_id, "LT-none"]))) == {petition_id}


def test_handed_over_again_it_keeps_its_key_and_asks_first(bench: Bench) -> None:
    petition_id, handoff = handed_over(bench)
    bench.published.clear()
    assert bench.do(bench.ledger.hand_over_again(Again(petition_id, HOTLINE, "run1"))) == handoff
    row = bench.handoff(handoff)
    assert row["state"] == "pending"
    assert row["ask_first"]
    assert [message.id for message in bench.published] == [handoff]
    assert bench.law().holds
    assert bench.send(handoff, Receipt("T1", external_ids=(number("T1", HOTLINE, "taskNum"),), holds=True))
    (entry,) = bench.rows("SELECT body FROM journal WHERE what = 'handoff.replayed'")
    assert orjson.loads(entry["body"])["actor"] == "reconciliation"


def test_what_was_never_delivered_there_is_not_handed_over_again(bench: Bench) -> None:
    case = bench.submit()
    bench.route_all()
    assert bench.do(bench.ledger.hand_over_again(Again(case.id, HOTLINE, "run1"))) is None
    assert bench.rows("SELECT * FROM journal WHERE what = 'handoff.replayed'") == []


def test_a_report_is_kept_and_its_digest_is_in_the_journal(bench: Bench) -> None:
    body = orjson.dumps({"differences": [], "open": 0})
    for run in ("run1", "run2"):
        bench.do(
            bench.ledger.keep_report(Kept(run, HOTLINE, "2026-11-21", 2 if run == "run1" else 0, body, {"here": 3}))
        )
        bench.clock.turn(1)
    (first, second) = bench.rows("SELECT body FROM journal WHERE what = 'reconciliation.done' ORDER BY entry_id")
    said = orjson.loads(first["body"])
    assert (said["digest"], said["here"], said["outcome"]) == (hashlib.sha256(body).hexdigest(), 3, "differs")
    assert orjson.loads(second["body"])["outcome"] == "agrees"
    read = bench.ledger.read
    assert bench.do(read(lambda conn: reconciling.report(conn, HOTLINE, "2026-11-21"))) == orjson.loads(body)
    assert bench.do(read(lambda conn: reconciling.report(conn, HOTLINE, "2026-11-20"))) is None
    assert [one["run_id"] for one in bench.do(read(reconciling.reports))] == ["run2", "run1"]
    assert bench.do(read(reconciling.open_by_system)) == {HOTLINE: 0}, "the newest run of a day counts"


def test_a_day_is_done_when_it_was_run_and_what_was_mended_has_been_looked_at_once_more(bench: Bench) -> None:
    days = ["2026-11-21", "2026-11-20"]

    def keep(run: str, *resolutions: str) -> None:
        body = orjson.dumps({"differences": [{"resolution": one} for one in resolutions]})
        bench.do(bench.ledger.keep_report(Kept(run, HOTLINE, days[0], 0, body, {})))

    def done(since: int = 0) -> set[str]:
        return bench.do(bench.ledger.read(lambda conn: reconciling.days_done(conn, HOTLINE, days, since)))

    assert done() == set()
    keep("run1", "for_people", "handed_over_again")
    assert done(since=bench.clock.ms) == {"2026-11-21"}, "once a night is enough"
    assert done(since=bench.clock.ms + 1) == set(), "the next night asks whether it held"
    bench.clock.turn(1)
    keep("run2", "for_people")
    assert done(since=bench.clock.ms + 1) == {"2026-11-21"}, "people's differences are not mended by asking again"
