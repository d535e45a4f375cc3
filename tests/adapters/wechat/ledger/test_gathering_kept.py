"""The conversation in a real ledger: messages of one moment are one petition; each piece reaches who has it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from bridge.adapter import Outcome, Question, Reading, Ref, Request, Taken
from bridge.ledger import reads
from schemas.event import EventType
from tests.adapters.wechat.support import OPENID, inbound, request, text, xml
from tests.support.ledgers import HOTLINE, WECHAT, Bench, arrival, update

DOOR = inbound()


def at(bench: Bench, body: bytes) -> Request:
    given = request(body)
    return Request(given.method, given.path, given.query, given.headers, given.body, bench.clock.at)


def asked(bench: Bench, body: bytes) -> Taken:
    """What the message becomes, given what the ledger knows now."""
    reading: Reading = DOOR.read(at(bench, body)).reading
    while isinstance(reading, Question):
        key = bench.privacy.lookup.petitioner(str(reading.openid))
        with bench.store.reading() as conn:
            views = reads.views_by_petitioner(conn, bench.privacy.vault, key)
        reading = reading.then(views)
    assert isinstance(reading, Taken)
    return reading


def take(bench: Bench, reading: Taken) -> tuple[Outcome, str]:
    outcomes = bench.take(*reading.drafts)
    return outcomes[0], reading.reply(outcomes).body.decode()


def said(bench: Bench, petition_id: str) -> list[tuple[str, str | None]]:
    with bench.store.reading() as conn:
        found = reads.petition_events(conn, bench.privacy.vault, petition_id)
    return [(event.type, event.data.text) for event in found]


def test_nine_pictures_at_once_are_one_petition(bench: Bench) -> None:
    pictures = [
        xml("image", PicUrl=f"http://p.example.invalid/{n}", MediaId=f"m{n}", MsgId=str(n)) for n in range(1, 10)
    ]
    readings = [asked(bench, body) for body in pictures]
    answers: Sequence[Any] = bench.together(
        *(bench.ledger.accept(arrival(*reading.drafts, at=bench.clock.at)) for reading in readings)
    )
    first = answers[0][0]
    assert [answer[0].status for answer in answers] == ["new", *["event"] * 8]
    assert {answer[0].petition_id for answer in answers} == {first.petition_id}
    assert [kind for kind, _ in said(bench, first.petition_id)] == [EventType.SUBMITTED, *[EventType.NOTED] * 8]
    assert "补充" in readings[8].reply(answers[8]).body.decode()


def test_the_window_rolls_with_every_piece(bench: Bench) -> None:
    first, _ = take(bench, asked(bench, text("路灯坏了", "1")))
    for n in range(2, 5):
        bench.clock.turn(8 * 60)
        outcome, reply = take(bench, asked(bench, text(f"补充{n}", str(n))))
        assert (outcome.status, outcome.petition_id) == ("event", first.petition_id)
        assert str(first.petition_id) in reply
    bench.clock.turn(11 * 60)
    later, _ = take(bench, asked(bench, text("小区停水了", "9")))
    assert later.status == "new"
    assert later.petition_id != first.petition_id


def test_the_first_message_sent_again_is_answered_as_the_first_time(bench: Bench) -> None:
    first = take(bench, asked(bench, text("路灯坏了", "1")))
    bench.clock.turn(5)
    again = take(bench, asked(bench, text("路灯坏了", "1")))
    assert (again[0].status, again[0].petition_id) == ("duplicate", first[0].petition_id)
    assert content(again[1]) == content(first[1])
    assert len(said(bench, str(first[0].petition_id))) == 1


def content(reply: str) -> str:
    return reply.split("<Content>")[1]


def test_a_rating_sent_again_rates_nothing_else(bench: Bench) -> None:
    numbers = []
    for n, words in enumerate(("路灯坏了", "新诉求：停水了"), 1):
        outcome, _ = take(bench, asked(bench, text(words, str(n))))
        numbers.append(outcome.petition_id)
        replied = update(
            f"r{n}", EventType.REPLIED, Ref(petition_id=outcome.petition_id), at=bench.clock.at, text="好了"
        )
        bench.take(replied, system=HOTLINE)
        bench.clock.turn(60)
    once = take(bench, asked(bench, text("满意", "7")))
    again = take(bench, asked(bench, text("满意", "7")))
    assert (once[0].petition_id, again[0].petition_id) == (numbers[1], numbers[1])
    assert [one[0].status for one in (once, again)] == ["event", "duplicate"]
    assert numbers[1] in again[1]
    rated = [kind for number in numbers for kind, _ in said(bench, str(number)) if kind == EventType.RATED]
    assert len(rated) == 1


def test_a_piece_sent_again_is_one_piece(bench: Bench) -> None:
    first, _ = take(bench, asked(bench, text("路灯坏了", "1")))
    piece = asked(bench, text("二单元也是", "2"))
    one, again = take(bench, piece), take(bench, piece)
    assert [one[0].status, again[0].status] == ["event", "duplicate"]
    assert one[1] == again[1]
    assert len(said(bench, str(first.petition_id))) == 2


def test_a_message_committed_between_question_and_answer_is_found_all_the_same(bench: Bench) -> None:
    late = asked(bench, text("二单元也是", "2"))
    first, _ = take(bench, asked(bench, text("路灯坏了", "1")))
    outcome, reply = take(bench, late)
    assert (outcome.status, outcome.petition_id) == ("event", first.petition_id)
    assert "补充" in reply


def test_what_is_added_reaches_the_hotline_and_the_owner(bench: Bench) -> None:
    first, _ = take(bench, asked(bench, text("路灯坏了", "1")))
    bench.route_all()
    place = xml("location", Location_X="35.41", Location_Y="116.58", Label="太白湖", MsgId="2")
    take(bench, asked(bench, place))
    bench.route_all()
    rows = bench.rows("SELECT system, audience, event_type FROM handoffs WHERE sequence = 2 ORDER BY system")
    assert [(row["system"], row["audience"], row["event_type"]) for row in rows] == [
        (HOTLINE, "", "noted"),
        (WECHAT, "owner", "noted"),
    ]
    with bench.store.reading() as conn:
        event = reads.petition_events(conn, bench.privacy.vault, str(first.petition_id))[1]
    assert event.data.place is not None
    assert event.data.place.latitude == 35.41


@pytest.mark.parametrize("said_again", ["新诉求：小区停水了", "新诉求 小区停水了"])
def test_another_petition_of_the_same_moment(bench: Bench, said_again: str) -> None:
    first, _ = take(bench, asked(bench, text("路灯坏了", "1")))
    other, _ = take(bench, asked(bench, text(said_again, "2")))
    assert other.status == "new"
    assert other.petition_id != first.petition_id


def test_two_citizens_of_one_moment_are_two_petitions(bench: Bench) -> None:
    one, _ = take(bench, asked(bench, text("路灯坏了", "1")))
    two, _ = take(bench, asked(bench, xml(openid=f"{OPENID}x", Content="路灯坏了", MsgId="2")))
    assert {one.status, two.status} == {"new"}
    assert one.petition_id != two.petition_id


def test_after_the_answer_a_new_message_is_a_new_petition(bench: Bench) -> None:
    first, _ = take(bench, asked(bench, text("路灯坏了", "1")))
    replied = update("r1", EventType.REPLIED, Ref(petition_id=first.petition_id), at=bench.clock.at, text="修好了")
    bench.take(replied, system=HOTLINE)
    bench.clock.turn(timedelta(seconds=30).total_seconds())
    later, _ = take(bench, asked(bench, text("小区停水了", "2")))
    assert later.status == "new"
    assert later.petition_id != first.petition_id
