"""The same petition by another road is taken in once, news in another's mouth is not told on, and merged petitions get
one answer each."""

from typing import Any

import pytest

from bridge.adapter import Outcome, Receipt
from bridge.ledger import reads
from bridge.ledger.merge import Merged, Merging, suspects
from schemas.event import EventType
from schemas.petition import PetitionDraft, Petitioner
from tests.support.ledgers import (
    CENTER,
    HOTLINE,
    OPENID,
    PRIVACY,
    WECHAT,
    Bench,
    number,
    petition,
    ref,
    submission,
    update,
)

WORDS = "古槐街道幸福小区3号楼路灯不亮，晚上很危险。"
PHONE = "13912340567"
DAY = 86_400


@pytest.fixture(autouse=True)
def same_within_a_week(bench: Bench) -> None:
    bench.house.duplicate_days = 7.0
    bench.house.merge_repeats = True


def by(phone: str | None = PHONE, words: str = WORDS, openid: str | None = None, name: str = "钱多多") -> PetitionDraft:
    return petition(words, petitioner=Petitioner(name=name, phone=phone, openid=openid))


def bring(bench: Bench, key: str, system: str = WECHAT, draft: PetitionDraft | None = None, **more: Any) -> Outcome:
    holder = system if system != WECHAT else None
    numbers = (number(key, system, "external_id" if system == WECHAT else "caseId"),)
    (outcome,) = bench.take(submission(key, *numbers, draft=draft or by(), holder=holder, **more), system=system)
    return outcome


def petitions_in(bench: Bench) -> int:
    return len(bench.rows("SELECT * FROM petitions"))


def deliver_all(bench: Bench, told: bool = True) -> None:
    bench.route_all()
    while rows := bench.rows("SELECT handoff_id FROM handoffs WHERE state IN ('pending', 'queued')"):
        for row in rows:
            bench.send(row["handoff_id"], Receipt(row["handoff_id"][:8], told_petitioner=told, holds=True))
        bench.route_all()


# ── another road ──


def test_through_another_system_it_opens_no_second_petition(bench: Bench) -> None:
    first = bring(bench, "w1")
    again = bring(bench, "c1", CENTER, by("139 1234 0567", f"{WORDS[:-1]} ！"))
    assert (again.status, again.petition_id) == ("duplicate", first.petition_id)
    assert petitions_in(bench) == 1
    assert [event["type"] for event in bench.events(first.petition_id or "")] == ["submitted", "noted"]
    assert bench.law().accepted == 1
    # Its number there is known from now on, and what it says finds the petition.
    (news,) = bench.take(update("n1", EventType.PROGRESSED, ref("c1", CENTER, "caseId"), text="已派人"), system=CENTER)
    assert news.petition_id == first.petition_id


def test_the_same_message_again_is_still_the_same_message(bench: Bench) -> None:
    bring(bench, "w1")
    first = bring(bench, "c1", CENTER)
    again = bring(bench, "c1", CENTER)
    assert (again.status, again.petition_id, again.receipt) == ("duplicate", first.petition_id, first.receipt)
    assert len(bench.rows("SELECT * FROM events")) == 2


def test_both_in_one_batch_are_one_petition(bench: Bench) -> None:
    outcomes = bench.take(submission("w1", number("w1"), draft=by()), submission("w2", number("w2"), draft=by()))
    assert [outcome.status for outcome in outcomes] == ["new", "new"]
    rows = bench.rows("SELECT petition_id, merged_into FROM petitions ORDER BY merged_into IS NOT NULL")
    assert [row["merged_into"] for row in rows] == [None, rows[0]["petition_id"]]


def test_another_petitioner_other_words_or_later_is_another_petition(bench: Bench) -> None:
    bring(bench, "w1")
    assert bring(bench, "c1", CENTER, by("13912340568")).status == "new"
    assert bring(bench, "c2", CENTER, by(words="公交车不按站停")).status == "new"
    assert bring(bench, "c3", CENTER, by(phone=None)).status == "new", "nobody known says nothing"
    bench.clock.turn(8 * DAY)
    assert bring(bench, "c4", CENTER).status == "new"


def test_a_case_that_quotes_our_number_is_ours(bench: Bench) -> None:
    first = bring(bench, "w1")
    quoting = by("13900000000", f"转办：来听桥{first.petition_id}反映路灯问题", name="坐席")
    assert bring(bench, "h1", HOTLINE, quoting).petition_id == first.petition_id
    assert petitions_in(bench) == 1


def test_a_citizen_who_mentions_an_earlier_petition_brings_a_new_one(bench: Bench) -> None:
    first = bring(bench, "w1")
    assert bring(bench, "w2", WECHAT, by(words=f"{first.petition_id}还没有解决")).status == "new"


# ── echoes ──


def test_our_own_news_in_another_systems_mouth_is_not_told_on(bench: Bench) -> None:
    first = bring(bench, "w1")
    bring(bench, "c1", CENTER)
    case = first.petition_id or ""
    bench.take(update("n1", EventType.REPLIED, ref("w1"), text="路灯已修好。", unit="供电所"), system=HOTLINE)
    told = len(bench.events(case))
    (echo,) = bench.take(
        update("n2", EventType.REPLIED, ref("c1", CENTER, "caseId"), text="路灯已修好", unit="供电所"), system=CENTER
    )
    assert (echo.status, echo.petition_id) == ("duplicate", case)
    assert len(bench.events(case)) == told
    assert len(bench.rows("SELECT * FROM messages")) == 4, "the raw message is kept all the same"


def test_other_words_another_kind_or_the_same_system_are_news(bench: Bench) -> None:
    first = bring(bench, "w1")
    bring(bench, "c1", CENTER)
    there = ref("c1", CENTER, "caseId")
    bench.take(update("n1", EventType.PROGRESSED, ref("w1"), text="正在办理"), system=HOTLINE)
    before = len(bench.events(first.petition_id or ""))
    bench.take(update("n2", EventType.PROGRESSED, there, text="正在办理中"), system=CENTER)
    bench.take(update("n3", EventType.REPLIED, there, text="正在办理"), system=CENTER)
    bench.take(update("n4", EventType.PROGRESSED, ref("w1"), text="正在办理"), system=HOTLINE)
    assert len(bench.events(first.petition_id or "")) == before + 3


def test_two_systems_that_repeat_whatever_they_are_told_come_to_rest(bench: Bench) -> None:
    first = bring(bench, "w1").petition_id or ""
    bring(bench, "c1", CENTER)
    places = {HOTLINE: ref("w1"), CENTER: ref("c1", CENTER, "caseId")}
    bench.take(update("n0", EventType.PROGRESSED, ref("w1"), text="已联系诉求人"), system=HOTLINE)
    repeated: set[str] = set()
    for _ in range(20):
        deliver_all(bench)
        told = "SELECT handoff_id, system FROM handoffs WHERE event_type = 'progressed'"
        fresh = [row for row in bench.rows(told) if row["handoff_id"] not in repeated and row["system"] in places]
        for row in fresh:
            repeated.add(row["handoff_id"])
            said = update(f"e-{row['handoff_id']}", EventType.PROGRESSED, places[row["system"]], text="已联系诉求人")
            bench.take(said, system=row["system"])
        if not fresh:
            break
    else:
        raise AssertionError("they went on for ever")
    assert repeated, "the center was told, and repeated it"
    assert [event["type"] for event in bench.events(first)].count("progressed") == 1


# ── merged ──


def merged_pair(bench: Bench) -> tuple[str, str]:
    main = bring(bench, "w1", draft=by(openid=OPENID))
    member = bring(bench, "w2", draft=by(openid=OPENID))
    return main.petition_id or "", member.petition_id or ""


def test_the_same_twice_at_one_system_is_one_case_with_two_answers(bench: Bench) -> None:
    main, member = merged_pair(bench)
    assert bench.petition(member)["merged_into"] == main
    assert bench.petition(main)["members"] == 1
    deliver_all(bench)
    handed = bench.rows("SELECT system FROM handoffs WHERE petition_id = :p AND event_type = 'submitted'", p=member)
    assert {row["system"] for row in handed} == {WECHAT}, "no system gets the case twice"
    assert bench.petition(member)["closed_at"] is None, "to be merged is no answer"
    assert bench.law().holds

    text = f"已联系钱多多（{PHONE}），路灯已修好"
    bench.take(update("r1", EventType.REPLIED, ref("w1"), text=text, unit="供电所"), system=HOTLINE)
    deliver_all(bench)
    types = [event["type"] for event in bench.events(member)]
    assert types == ["submitted", "merged", "replied"]
    assert bench.petition(member)["closed_at"] is not None
    events = bench.do(bench.ledger.read(lambda conn: reads.petition_events(conn, PRIVACY.vault, member)))
    assert events[-1].source == "bridge"
    assert "路灯已修好" in (events[-1].data.text or "")
    assert "钱多多" not in (events[-1].data.text or ""), "the other petitioner stays unnamed"
    assert PHONE not in (events[-1].data.text or "")
    assert bench.law().holds


def order(bench: Bench, member: str, into: str, *, dry_run: bool = False) -> Merged:
    return bench.do(bench.ledger.merge(Merging(member, into, "zhang", "同一盏路灯", dry_run)))


def test_an_operator_merges_and_an_answer_that_was_given_reaches_the_member_at_once(bench: Bench) -> None:
    main = bring(bench, "w1").petition_id or ""
    other = bring(bench, "w2", draft=by("13900009999", "路灯坏了", openid=OPENID)).petition_id or ""
    bench.take(update("r1", EventType.REPLIED, ref("w1"), text="已修好"), system=HOTLINE)
    before = bench.trail(other)
    assert order(bench, other, main, dry_run=True).result == "would"
    assert bench.trail(other) == before
    assert order(bench, other, main).result == "done"
    assert [event["type"] for event in bench.events(other)] == ["submitted", "merged", "replied"]
    assert "petition.merging" in bench.trail(other)
    deliver_all(bench)
    assert bench.petition(other)["closed_at"] is not None


def test_what_cannot_be_merged_is_refused_with_the_reason(bench: Bench) -> None:
    main, member = merged_pair(bench)
    third = bring(bench, "w3", draft=by("13900009999", "别的")).petition_id or ""
    assert order(bench, main, main).why == "a petition cannot be merged into itself"
    assert "already" in (order(bench, member, third).why or "")
    assert "1 petitions are merged into it" in (order(bench, main, third).why or "")
    assert "merge into that one" in (order(bench, third, member).why or "")
    assert order(bench, third, "LT-none").result == "not_found"


def test_unless_the_city_wants_it_repeats_at_one_system_are_only_listed(bench: Bench) -> None:
    bench.house.merge_repeats = False
    _, member = merged_pair(bench)
    assert bench.petition(member)["merged_into"] is None


def test_what_one_petitioner_brought_several_times_is_listed_for_people(bench: Bench) -> None:
    first = bring(bench, "w1").petition_id
    second = bring(bench, "w2", draft=by(words="别的事")).petition_id
    bring(bench, "w3", draft=by("13900009999"))
    found = bench.do(bench.ledger.read(lambda conn: suspects(conn, 0)))
    assert found == [{"petitions": [first, second]}]
