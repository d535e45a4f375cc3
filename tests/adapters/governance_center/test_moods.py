"""A center that misbehaves in its own dialect: other shapes of answers, lies, partial success, repeats, late news."""

from typing import Any

import aiohttp
import orjson
import pytest

from adapters.governance_center.sandbox_moods import RENAMED, Dialect, WrongDialect
from bridge.adapter import Busy, Permanent, Submission
from schemas.event import EventData, EventType
from tests.adapters.governance_center.support import PETITION_ID, outgoing, run, with_sandbox
from tests.adapters.governance_center.test_sandbox import DOCUMENT, both

SHAPES = ("plain", "numeric", "peer", "success_number", "batch")


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_answer_is_read(shape: str) -> None:
    async def work() -> None:
        async with with_sandbox() as (center, outbound):
            center.dialect.change({"answers": shape})
            report = outgoing(EventType.SUBMITTED)
            assert await outbound.lookup(report) is None
            receipt = await outbound.send(report)
            assert receipt.number == center.book.find(PETITION_ID).number
            assert [one.value for one in receipt.external_ids] == [receipt.number]
            found = await outbound.lookup(report)
            assert found is not None
            assert found.number == receipt.number
            await outbound.send(outgoing(EventType.REPLIED, EventData(text="办结"), known=receipt.number))
            center.book.forget(center.book.find(PETITION_ID))
            with pytest.raises(Permanent, match="unknown_event"):
                await outbound.send(outgoing(EventType.REPLIED, EventData(text="办结"), known=receipt.number))

    run(work())


@pytest.mark.parametrize("shape", SHAPES)
def test_json_under_another_content_type(shape: str) -> None:
    async def work() -> None:
        async with with_sandbox() as (center, outbound):
            center.dialect.change({"answers": shape})
            center.box.mood.content_type, center.box.mood.times = "text/html", 1
            assert (await outbound.send(outgoing(EventType.SUBMITTED))).holds

    run(work())


def test_a_document_left_out_of_a_success_is_not_taken_for_accepted() -> None:
    async def work() -> None:
        async with with_sandbox() as (center, outbound):
            center.dialect.change({"answers": "batch", "partial": 2})
            await outbound.send(outgoing(EventType.SUBMITTED))
            with pytest.raises(Permanent, match="refused_in_batch"):
                await outbound.send(outgoing(EventType.REPLIED, EventData(text="办结")))
            assert [one.what for one in center.box.memory.arrivals] == ["report"]

    run(work())


def test_a_center_that_says_busy_and_took_it() -> None:
    """Sent again under the same key, it has one effect."""

    async def work() -> None:
        async with with_sandbox() as (center, outbound):
            center.dialect.change({"lie": "refused", "times": 1})
            report = outgoing(EventType.SUBMITTED)
            with pytest.raises(Busy):
                await outbound.send(report)
            receipt = await outbound.send(report)
            assert receipt.number == center.book.find(PETITION_ID).number
            memory = center.box.memory
            assert (len(memory.arrivals), memory.duplicates, memory.repeats) == (1, 0, 1)

    run(work())


def test_a_center_that_says_yes_and_keeps_nothing() -> None:
    """Nothing in the answer betrays it: only the register does (对账)."""

    async def work() -> None:
        async with with_sandbox() as (center, outbound):
            center.dialect.change({"lie": "took", "times": 1})
            report = outgoing(EventType.SUBMITTED)
            assert (await outbound.send(report)).holds
            assert await outbound.lookup(report) is None
            assert not center.book.cases

    run(work())


def test_news_in_other_words_told_twice_and_late() -> None:
    async def work() -> None:
        async with both(autopilot=False) as (bridge, center, _):
            center.dialect.change({"renamed": True, "twice": True})
            told = await center.originate(DOCUMENT)
            assert told["status"] == 200
            new = bridge.drafts[0]
            assert isinstance(new, Submission)
            assert (new.petition.content, new.petition.petitioner.phone) == (DOCUMENT["content"], "13800000000")
            await center.step({"eventId": told["eventId"], "step": "sign"})
            first, again = bridge.drafts[1:]
            assert first.message_key == again.message_key
            center.dialect.change({"renamed": False, "twice": False, "late": True})
            held = await center.step({"eventId": told["eventId"], "step": "progress", "text": "先说的"})
            assert held["answer"] == {"held_back": True}
            await center.step({"eventId": told["eventId"], "step": "reply", "text": "后说的"})
            assert [one.data.text for one in bridge.drafts[3:]] == ["后说的", "先说的"]
            assert bridge.drafts[3].occurred_at >= bridge.drafts[4].occurred_at

    run(work())


def test_the_renamed_fields_are_in_the_shipped_aliases() -> None:
    from tests.adapters.governance_center.support import codes

    assert {key.strip(): name for name, key in RENAMED.items()}.items() <= codes().aliases.items()


def test_a_batch_that_a_runner_writes_is_answered_document_by_document() -> None:
    async def work() -> None:
        async with both(autopilot=False) as (bridge, _, outbound), aiohttp.ClientSession() as session:
            documents = [{"op": "sign", "eventId": "E-1", "messageId": "m-1"}, {"op": "fly", "eventId": "E-2"}]
            base = outbound._caller._base.removesuffix("/center")
            async with session.post(base + "/sandbox/batch", json={"documents": documents}) as response:
                told: dict[str, Any] = orjson.loads(await response.read())
            assert told["status"] == 200
            assert (told["answer"]["successStr"], told["answer"]["failSituationList"][0]["eventId"]) == ("E-1", "E-2")
            assert len(bridge.drafts) == 2

    run(work())


def test_the_sandbox_takes_batches_too() -> None:
    async def work() -> None:
        async with with_sandbox() as (center, outbound):
            from adapters.governance_center import composing
            from tests.adapters.governance_center.support import codes

            report = composing.document(outgoing(EventType.SUBMITTED), codes())
            body = orjson.dumps({"events": [report, {**report, "op": "fly"}]})
            answer = orjson.loads((await outbound._caller.call("POST", "/events", body)).body)
            assert answer["successStr"] == center.book.find(PETITION_ID).number
            assert [one["index"] for one in answer["failSituationList"]] == [1]

    run(work())


def test_the_switches_are_told_and_wrong_ones_refused() -> None:
    async def work() -> None:
        async with with_sandbox() as (_, outbound), aiohttp.ClientSession() as session:
            url = outbound._caller._base.removesuffix("/center") + "/sandbox/dialect"
            async with session.get(url) as response:
                now = orjson.loads(await response.read())
            assert now == Dialect().as_dict()
            async with session.post(url, json={"strict": False}) as response:
                assert orjson.loads(await response.read()) == {**now, "strict": False}
            async with session.post(url, json={"colour": "red"}) as response:
                assert response.status == 400
                assert "colour" in orjson.loads(await response.read())["error"]
            seed = url.removesuffix("dialect") + "register"
            async with session.post(seed, json={"do": "fly"}) as response:
                assert response.status == 400
            async with session.post(seed, json={"do": "invent"}) as response:
                assert response.status == 200

    run(work())


@pytest.mark.parametrize("switches", [{"answers": "loud"}, {"lie": "maybe"}, {"_seen": 1}])
def test_switches_that_do_not_exist(switches: dict[str, Any]) -> None:
    with pytest.raises(WrongDialect):
        Dialect().change(switches)
