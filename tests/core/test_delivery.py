"""A whole embedded bridge between systems that are slow, mad, silent or down: each one's trouble stays its own."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from bridge.adapter import Busy, Outgoing, Permanent, Receipt, Transient, Unknown
from bridge.app import Bridge, Part
from bridge.breaker import FAILURES
from bridge.bus.consumer import Delivery
from bridge.bus.message import Message
from bridge.clock import to_ms, utc_now
from bridge.conservation import Conservation, conservation
from bridge.ledger import reads
from bridge.ledger.accept import Arrival
from bridge.ledger.work import ready_message
from schemas.event import EventType
from schemas.petition import HandlingClass
from tests.support.assemblies import Played, play_systems, running, settings_in, take, until
from tests.support.ledgers import CENTER, HOTLINE, WECHAT, arrival, number, petition, ref, submission, update

Systems = dict[str, Played]


@pytest.fixture
def systems(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Systems:
    monkeypatch.chdir(tmp_path)
    return play_systems(monkeypatch)


def story(folder: Path, tell: Callable[[Bridge], Awaitable[None]], **overrides: object) -> None:
    async def within() -> None:
        async with running(settings_in(folder, **overrides)) as bridge:
            await tell(bridge)

    asyncio.run(within())


async def submit(bridge: Bridge, key: str, cls: HandlingClass = HandlingClass.HOTLINE_TRANSFER) -> str:
    """A petition without an openid: one hand-off to its handler and one to the owner through WeChat."""
    draft = submission(key, number(key), draft=petition(openid=None, handling_class=cls), at=utc_now())
    (outcome,) = await bridge.ledger.accept(_now(arrival(draft)))  # type: ignore[misc]
    assert outcome.petition_id
    return outcome.petition_id


async def say(bridge: Bridge, number_: str, key: str, type_: EventType) -> None:
    await bridge.ledger.accept(_now(arrival(update(key, type_, ref(number_), at=utc_now()))))


def _now(one: Arrival) -> Arrival:
    return Arrival(one.system, one.door, to_ms(utc_now()), one.content_type, one.body, one.drafts)


def handoffs(bridge: Bridge, system: str | None = None) -> dict[str, str]:
    """State by petition (of one system), or all states by hand-off."""
    found = bridge.ledger.read_now(lambda conn: reads.handoff_list(conn, system=system, limit=10_000))
    return {row["petition_id"] if system else row["handoff_id"]: row["state"] for row in found}


def settled(bridge: Bridge, count: int) -> bool:
    states = list(handoffs(bridge).values())
    return len(states) == count and set(states) <= {"delivered", "acknowledged"}


async def holds(bridge: Bridge) -> None:
    law = await bridge.ledger.conservation()
    assert law.holds, law


# ── the way there ──


def test_petitions_reach_their_systems_once_with_all_that_was_said(systems: Systems, tmp_path: Path) -> None:
    async def tell(bridge: Bridge) -> None:
        ids = [await submit(bridge, f"p{n}") for n in range(30)]
        await until(lambda: settled(bridge, 60), "60 deliveries")
        assert set(systems[HOTLINE].counts.values()) == {1}
        assert {outgoing.petition.petition_id for outgoing in systems[HOTLINE].sends} == set(ids)
        first = systems[HOTLINE].sends[0]
        assert (first.petition.content, first.attempt, first.event.type) == ("路灯不亮", 1, EventType.SUBMITTED)
        assert first.idempotency_key == first.handoff_id
        law = await bridge.ledger.conservation()
        assert (law.accepted, law.held, law.holds) == (30, 30, True)

    story(tmp_path, tell)
    assert all(system.closed for system in systems.values())


def test_one_petitions_events_arrive_in_order_through_failures(systems: Systems, tmp_path: Path) -> None:
    chance = random.Random(7)

    async def moody(system: Played, outgoing: Outgoing) -> Receipt:
        if chance.random() < 0.3:
            raise chance.choice([Transient("refused"), Unknown("timeout"), Busy("http_429", 0.01)])
        return await take(system, outgoing)

    async def tell(bridge: Bridge) -> None:
        systems[HOTLINE].play = moody
        systems[HOTLINE].known = lambda outgoing: None
        for desk in bridge.desks.values():
            desk._ladder = _Instant()  # type: ignore[assignment]
            desk.breaker._limit = 10**9
        await submit(bridge, "p")
        for n in range(12):
            await say(bridge, "p", f"u{n}", EventType.URGED)
        await until(lambda: settled(bridge, 26), "26 deliveries")
        order = [outgoing.event.sequence for outgoing in systems[HOTLINE].effects.values()]
        assert order == list(range(1, 14))
        sent = [sequence for _, sequence in systems[HOTLINE].told]
        assert sent == sorted(sent), "a later event was tried before an earlier one was through"
        await holds(bridge)

    story(tmp_path, tell)


class _Instant:
    """A ladder without end and without waiting."""

    def after(self, attempt: int, random_: random.Random) -> float:
        return 0.0


# ── each one's trouble stays its own ──


def test_a_silent_system_slows_no_other(systems: Systems, tmp_path: Path) -> None:
    async def silent(_system: Played, _outgoing: Outgoing) -> Receipt:
        await released.wait()
        return await take(_system, _outgoing)

    released = asyncio.Event()

    async def tell(bridge: Bridge) -> None:
        systems[HOTLINE].play = silent
        # More than the hotline's desk can hold at once.
        for n in range(20):
            await submit(bridge, f"p{n}")
        for n in range(20):
            await submit(bridge, f"c{n}", HandlingClass.KEY_SUPERVISION)
        await until(lambda: set(handoffs(bridge, CENTER).values()) == {"delivered"}, "the center's deliveries")
        await until(lambda: len(systems[WECHAT].sends) == 40, "WeChat's deliveries")
        assert len(systems[HOTLINE].sends) == 4
        assert "delivered" not in handoffs(bridge, HOTLINE).values()
        await holds(bridge)
        released.set()
        await until(lambda: settled(bridge, 80), "the hotline's deliveries")

    story(tmp_path, tell, **{HOTLINE: {"concurrency": 4}})


def test_one_bad_hand_off_starves_no_other(systems: Systems, tmp_path: Path) -> None:
    bad: list[str] = []

    async def picky(system: Played, outgoing: Outgoing) -> Receipt:
        if outgoing.petition.petition_id in bad:
            raise Permanent("bad_region")
        return await take(system, outgoing)

    async def tell(bridge: Bridge) -> None:
        systems[HOTLINE].play = picky
        bad.append(await submit(bridge, "bad"))
        good = [await submit(bridge, f"p{n}") for n in range(20)]
        await until(lambda: set(handoffs(bridge, HOTLINE)) == {*bad, *good}, "routing")
        await until(lambda: "pending" not in handoffs(bridge, HOTLINE).values(), "all tried")
        await until(
            lambda: all(handoffs(bridge, HOTLINE)[petition_id] == "delivered" for petition_id in good), "the good ones"
        )
        await until(lambda: handoffs(bridge, HOTLINE)[bad[0]] == "parked", "the bad one's park")
        assert len([outgoing for outgoing in systems[HOTLINE].sends if outgoing.petition.petition_id in bad]) == 1
        await until(lambda: bridge.ledger.read_now(_law).in_flight == 0, "what goes to WeChat besides")
        law = await bridge.ledger.conservation()
        assert (law.parked, law.held, law.holds) == (1, 20, True)

    story(tmp_path, tell)


def _law(conn: Connection) -> Conservation:
    return conservation(conn, to_ms(utc_now()))


def test_an_adapter_with_a_defect_is_taken_for_unknown_and_asked_about(systems: Systems, tmp_path: Path) -> None:
    async def mad(_system: Played, _outgoing: Outgoing) -> Receipt:
        raise ZeroDivisionError("personal data of a citizen")

    async def tell(bridge: Bridge) -> None:
        systems[HOTLINE].play = mad
        petition_id = await submit(bridge, "p")
        await until(lambda: handoffs(bridge, HOTLINE).get(petition_id) == "unknown", "the unknown outcome")
        (row,) = bridge.ledger.read_now(lambda conn: reads.handoff_list(conn, system=HOTLINE))
        assert row["reason"] == "defect:ZeroDivisionError"
        assert row["ask_first"]
        # It is there after all: adopted, and not sent a second time.
        systems[HOTLINE].known = lambda outgoing: Receipt("theirs", (number("T1", HOTLINE, "task"),), holds=True)
        await until(lambda: handoffs(bridge, HOTLINE).get(petition_id) == "delivered", "the adoption")
        (row,) = bridge.ledger.read_now(lambda conn: reads.handoff_list(conn, system=HOTLINE))
        assert row["receipt"] == "theirs"
        assert len(systems[HOTLINE].sends) == 1
        assert len(systems[HOTLINE].lookups) == 1
        (view,) = await bridge.ledger.read(
            lambda conn: reads.views_by_refs(conn, bridge.privacy.vault, [ref("T1", HOTLINE, "task")])
        )
        assert view.petition_id == petition_id
        await holds(bridge)

    story(tmp_path, tell)


def test_what_surely_did_not_arrive_is_sent_again_with_the_same_key(systems: Systems, tmp_path: Path) -> None:
    async def once(system: Played, outgoing: Outgoing) -> Receipt:
        if len(system.sends) == 1:
            raise Unknown("timeout", progress={"step": "1"})
        return await take(system, outgoing)

    async def tell(bridge: Bridge) -> None:
        systems[HOTLINE].play = once
        systems[HOTLINE].known = lambda outgoing: None
        await submit(bridge, "p")
        await until(lambda: settled(bridge, 2), "the second attempt")
        first, second = systems[HOTLINE].sends
        assert first.idempotency_key == second.idempotency_key
        assert (first.attempt, second.attempt) == (1, 2)
        assert (dict(first.progress), dict(second.progress)) == ({}, {"step": "1"})
        assert len(systems[HOTLINE].lookups) == 1

    story(tmp_path, tell)


def test_a_question_that_fails_sends_nothing(systems: Systems, tmp_path: Path) -> None:
    def no_answer(_outgoing: Outgoing) -> Receipt | None:
        raise Transient("refused")

    async def fail(_system: Played, _outgoing: Outgoing) -> Receipt:
        raise Unknown("timeout")

    async def tell(bridge: Bridge) -> None:
        systems[HOTLINE].play, systems[HOTLINE].known = fail, no_answer
        await submit(bridge, "p")
        await until(lambda: len(systems[HOTLINE].lookups) >= 1, "the question")
        await until(lambda: "sending" not in handoffs(bridge, HOTLINE).values(), "its outcome")
        assert len(systems[HOTLINE].sends) == 1

    story(tmp_path, tell)


def test_a_system_that_is_down_burns_no_attempts_and_strands_nobody(systems: Systems, tmp_path: Path) -> None:
    async def down(_system: Played, _outgoing: Outgoing) -> Receipt:
        raise Transient("refused")

    async def tell(bridge: Bridge) -> None:
        systems[HOTLINE].play = down
        # One at a time, so that what is tried can be counted.
        for n in range(40):
            await submit(bridge, f"p{n}")
        await until(lambda: bridge.desks[HOTLINE].breaker.is_open, "the breaker")
        await until(lambda: len(systems[WECHAT].sends) == 40, "WeChat's deliveries")
        tried = len(systems[HOTLINE].sends)
        # Those under way, and a probe or two; the other thirty wait untouched.
        assert FAILURES <= tried <= FAILURES + 4
        untouched = [state for state in handoffs(bridge, HOTLINE).values() if state in ("pending", "queued")]
        assert len(untouched) >= 40 - tried
        await holds(bridge)
        systems[HOTLINE].play = take
        bridge.desks[HOTLINE].breaker._probe_at = 0.0
        await until(lambda: settled(bridge, 80), "all of them after the end of the outage", 60)
        assert len(systems[HOTLINE].effects) == 40

    story(tmp_path, tell, **{HOTLINE: {"concurrency": 1}})


# ── messages that come twice, or too late ──


def test_a_message_that_comes_often_is_one_delivery(systems: Systems, tmp_path: Path) -> None:
    async def tell(bridge: Bridge) -> None:
        await submit(bridge, "p")
        await until(lambda: settled(bridge, 2), "the deliveries")
        messages = await _messages_of(bridge)
        for _ in range(5):
            bridge.relay.publish(messages)
        await until(lambda: all(desk.load["waiting"] == 0 for desk in bridge.desks.values()), "the repeats")
        await submit(bridge, "after")
        await until(lambda: settled(bridge, 4), "the next petition behind the repeats")
        assert len(systems[HOTLINE].sends) == 2

    story(tmp_path, tell)


async def _messages_of(bridge: Bridge) -> list[Message]:
    with bridge.store.reading() as conn:
        rows = conn.execute(text("SELECT * FROM handoffs")).mappings().all()
    return [ready_message(row, 0) for row in rows]


def test_an_unknown_hand_off_on_the_queue_is_done_with(systems: Systems, tmp_path: Path) -> None:
    async def tell(bridge: Bridge) -> None:
        desk = bridge.desks[HOTLINE]
        done: list[Delivery] = []
        desk.consumer.done = done.append  # type: ignore[method-assign,assignment]
        delivery = Delivery("no such hand-off", 1, 1)
        desk._put(delivery)
        await until(lambda: done == [delivery], "its ack")
        assert systems[HOTLINE].sends == []

    story(tmp_path, tell)


# ── stopping ──


def test_a_graceful_stop_finishes_what_is_being_sent(systems: Systems, tmp_path: Path) -> None:
    async def slow(system: Played, outgoing: Outgoing) -> Receipt:
        started.set()
        await go.wait()
        return await take(system, outgoing)

    started, go = asyncio.Event(), asyncio.Event()
    settings = settings_in(tmp_path)

    async def within() -> None:
        systems[HOTLINE].play = slow
        bridge = Bridge(settings, Part.ALL)
        await bridge.start()
        petition_id = await submit(bridge, "p")
        await asyncio.wait_for(started.wait(), 30)
        stop = asyncio.create_task(bridge.stop())
        await until(lambda: bridge.desks[HOTLINE]._stopping, "the stop")
        go.set()
        await asyncio.wait_for(stop, 30)
        again = Bridge(settings, Part.ALL)
        assert handoffs(again, HOTLINE)[petition_id] == "delivered"
        again.store.close()

    asyncio.run(within())
    assert len(systems[HOTLINE].sends) == 1


def test_a_stop_leaves_the_rest_for_the_next_process_and_nothing_is_sent_twice(
    systems: Systems, tmp_path: Path
) -> None:
    async def few(system: Played, outgoing: Outgoing) -> Receipt:
        if len(system.sends) > 10:
            enough.set()
        await asyncio.sleep(0)
        return await take(system, outgoing)

    enough = asyncio.Event()
    settings = settings_in(tmp_path, **{HOTLINE: {"concurrency": 2}})

    async def within() -> None:
        systems[HOTLINE].play = few
        async with running(settings) as bridge:
            for n in range(60):
                await submit(bridge, f"p{n}")
            await asyncio.wait_for(enough.wait(), 30)
        async with running(settings) as bridge:
            await until(lambda: settled(bridge, 120), "the rest", 60)
            await holds(bridge)

    asyncio.run(within())
    assert set(systems[HOTLINE].counts.values()) == {1}
    assert len(systems[HOTLINE].counts) == 60
