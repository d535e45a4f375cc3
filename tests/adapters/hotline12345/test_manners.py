"""The hotline behaves badly in its own dialect (INTERFACES 9): the bridge believes what it can, and doubts the rest."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.routing import Route

from adapters.hotline12345.inbound import PATH
from bridge.adapter import Outcome, Permanent, Request, Submission, Taken, Unknown
from schemas.event import EventType as E
from tests.adapters.hotline12345.support import NOW, PETITION_ID, Stage, adapter, outgoing, serving, stage
from tests.adapters.hotline12345.test_both_directions import STEPS


async def behave(there: Stage, **manners: Any) -> int:
    async with there.session.post(f"{there.settings.base_url}/sandbox/manners", json=manners) as answer:
        await answer.read()
        return answer.status


def play(scene: Any, **more: Any) -> None:
    async def run() -> None:
        async with stage(**more) as there:
            await scene(there)

    asyncio.run(run())


def test_a_mood_that_does_not_exist_is_told() -> None:
    async def scene(there: Stage) -> None:
        assert await behave(there, dancing=True) == 400
        assert await behave(there, lying=1) == 200
        assert await behave(there) == 200
        assert there.hotline.manners.lying == 0

    play(scene)


def test_one_that_lies_is_found_out_by_its_own_list() -> None:
    async def scene(there: Stage) -> None:
        await behave(there, lying=1)
        receipt = await there.bridge.outbound.send(outgoing())
        assert receipt.number.startswith("JN"), "it says that it took the case, with a number and all"
        assert (await there.received())["received"] == 0
        assert await there.bridge.outbound.lookup(outgoing()) is None
        register = there.bridge.register
        assert register is not None
        assert await register.day(there.hotline.core.now().date()) == ()

    play(scene)


def test_a_success_without_a_number_is_no_receipt_for_a_case() -> None:
    async def scene(there: Stage) -> None:
        await behave(there, nameless=1)
        with pytest.raises(Unknown, match="no_number"):
            await there.bridge.outbound.send(outgoing())
        found = await there.bridge.outbound.lookup(outgoing())
        assert found is not None
        assert found.number.startswith("JN")

    play(scene)


@pytest.mark.parametrize("manners", [{"contradict": True}, {"renamed": True}, {"contradict": True, "renamed": True}])
def test_one_that_contradicts_itself_or_renames_its_fields_is_understood(manners: dict[str, Any]) -> None:
    async def scene(there: Stage) -> None:
        await behave(there, **manners)
        assert (await there.bridge.outbound.send(outgoing())).number.startswith("JN")
        assert await there.bridge.outbound.lookup(outgoing()) is not None

    play(scene)


def test_a_strict_one_takes_nothing_that_the_documents_do_not_allow() -> None:
    async def scene(there: Stage) -> None:
        await there.bridge.outbound.send(outgoing())
        client = there.bridge.outbound._client  # type: ignore[attr-defined]
        press = {"caseId": PETITION_ID, "opinion": "请加快", "tone": "loud"}
        with pytest.raises(Permanent, match="-400002"):
            await client.act("PRESS", press, "p-1")
        await behave(there, strict=False)
        assert (await client.act("PRESS", press, "p-2")).result["taskNum"].startswith("JN")
        with pytest.raises(Permanent, match="-400002"):
            await client.act("PRESS", {"caseId": PETITION_ID}, "p-3")

    play(scene)


def test_a_notice_that_was_signed_in_part_comes_again() -> None:
    async def scene(there: Stage) -> None:
        poll = there.bridge.poller
        assert poll is not None
        await there.bridge.outbound.send(outgoing())
        case = there.hotline.cases[PETITION_ID]
        for step in ("accept", "sign", "reply"):
            there.hotline.pilot.leave(case, step)
        first = await poll.fetch()
        await behave(there, partial=1)
        await poll.sign(first)
        assert [one.key for one in await poll.fetch()] == [one.key for one in first[1:]]
        await poll.sign(first)
        assert await poll.fetch() == []

    play(scene)


# ── what it tells ──


@asynccontextmanager
async def listening(**more: Any) -> AsyncIterator[tuple[Stage, list[Taken]]]:
    """A bridge that only listens."""
    heard: list[Taken] = []

    async def door(request: HttpRequest) -> HttpResponse:
        came = Request("POST", PATH, {}, dict(request.headers), await request.body(), NOW)
        reading = adapter().inbound.read(came).reading
        assert isinstance(reading, Taken), reading
        heard.append(reading)
        answer = reading.reply([Outcome("event", PETITION_ID, "r")])
        return HttpResponse(answer.body, answer.status)

    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        made = Starlette(routes=[Route(PATH, door, methods=["POST"])])
        async with serving(made, listener), stage(f"http://127.0.0.1:{listener.getsockname()[1]}", **more) as there:
            await there.bridge.outbound.send(outgoing())
            yield there, heard


async def steps(there: Stage, *names: str, **more: Any) -> list[dict[str, Any]]:
    told = []
    for name in names:
        asked = {"caseId": PETITION_ID, "step": name, **more}
        async with there.session.post(f"{there.settings.base_url}/sandbox/step", data=json.dumps(asked)) as answer:
            told.append(await answer.json())
    return told


@pytest.mark.parametrize(("manners", "keys"), [({"twice": True}, 1), ({"again": True}, 2)])
def test_an_update_that_is_told_twice(manners: dict[str, Any], keys: int) -> None:
    async def run() -> None:
        async with listening() as (there, heard):
            await behave(there, **manners)
            await steps(there, "press")
            assert [one.drafts[0].type for one in heard] == [E.URGED, E.URGED]
            assert len({one.drafts[0].message_key for one in heard}) == keys

    asyncio.run(run())


def test_updates_that_come_late() -> None:
    async def run() -> None:
        async with listening() as (there, heard):
            await behave(there, late=2)
            await steps(there, "accept", "sign", "progress")
            assert [one.drafts[0].type for one in heard] == [E.PROGRESSED, E.ACCEPTED, E.SIGNED]

    asyncio.run(run())


def test_a_step_left_as_a_notice_and_one_that_no_notice_carries() -> None:
    async def run() -> None:
        async with listening() as (there, heard):
            left, refused = await steps(there, "reply", "press", by_notice=True)
            assert "noticeId" in left
            assert "no notice carries" in refused["error"]
            poll = there.bridge.poller
            assert poll is not None
            (notice,) = await poll.fetch()
            reading = poll.read(notice, NOW)
            assert isinstance(reading, Taken)
            assert (heard, reading.drafts[0].type) == ([], E.REPLIED)

    asyncio.run(run())


def test_written_oddly_it_means_the_same() -> None:
    async def run() -> None:
        async with listening() as (there, heard):
            names = sorted(STEPS)
            await steps(there, *names)
            plain, heard[:] = [one.drafts[0] for one in heard], []
            await behave(there, odd=True)
            await steps(there, *names)
            odd = [one.drafts[0] for one in heard]
            assert [draft.type for draft in odd] == [draft.type for draft in plain] == [STEPS[name] for name in names]
            assert [draft.external_ids for draft in odd] == [draft.external_ids for draft in plain]
            assert [draft.data.extend_by for draft in odd] == [draft.data.extend_by for draft in plain]
            # Both were told within the minute, whatever the form of the time.
            gaps = [abs(one.occurred_at - other.occurred_at) for one, other in zip(odd, plain, strict=True)]
            assert max(gaps).total_seconds() < 60

    asyncio.run(run())


def test_a_work_order_written_oddly_is_the_same_petition() -> None:
    document = {
        "external_id": "X1",
        "kind": "投诉",
        "title": "噪音",
        "content": "夜里太吵",
        "petitioner": {"name": "李阿姨", "phone": "13900000009"},
        "place": {"region_code": "370811", "longitude": 116.5, "latitude": 35.4},
    }

    async def run() -> None:
        async with listening() as (there, heard):
            for odd in (False, True):
                await behave(there, odd=odd)
                async with there.session.post(f"{there.settings.base_url}/sandbox/originate", json=document) as answer:
                    assert (await answer.json())["status"] == 200
            plain, odd_one = (one.drafts[0] for one in heard)
            assert isinstance(plain, Submission)
            assert isinstance(odd_one, Submission)
            assert odd_one.petition.model_dump(exclude={"occurred_at"}) == plain.petition.model_dump(
                exclude={"occurred_at"}
            )

    asyncio.run(run())
