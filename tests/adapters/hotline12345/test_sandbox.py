"""The stand-in: refuses what is wrong, walks its cases, and tells each step to the bridge's door or by notice."""

import asyncio
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.routing import Route

from adapters.hotline12345.inbound import PATH
from bridge.adapter import Malformed, Outcome, Request, Submission, Taken
from schemas.event import EventType as E
from tests.adapters.hotline12345.support import (
    NOW,
    PETITION_ID,
    Stage,
    adapter,
    outgoing,
    petition,
    serving,
    stage,
    told,
    until,
)

DOCUMENT = {
    "external_id": "tipdm:9415",
    "kind": "投诉",
    "title": "噪音扰民",
    "content": "楼下烧烤摊\u200b夜里两点还在放音乐。\x00",
    "petitioner": {"name": "李阿姨", "phone": "13900000009", "openid": "oTestOpenId0000000000000009"},
    "place": {"region_code": "370811", "street": "古槐街道", "longitude": 116.5, "latitude": 35.4},
    "reply": "您好，城管队员已到场，摊主承诺十点后收摊。",
    "progress": "城管队员正在前往现场",
}


@dataclass
class Core:
    """A bridge just big enough: it reads at the door, and remembers drafts by key."""

    drafts: list[Any] = field(default_factory=list)
    refused: list[Any] = field(default_factory=list)
    away: int = 0

    async def door(self, request: HttpRequest) -> HttpResponse:
        if self.away:
            self.away -= 1
            return HttpResponse(status_code=503)
        body = await request.body()
        came = Request("POST", PATH, dict(request.query_params), dict(request.headers), body, NOW)
        reading = adapter().inbound.read(came).reading
        if isinstance(reading, Taken):
            self.take(reading)
            answer = reading.reply([Outcome("event", PETITION_ID, "r")])
        else:
            self.refused.append(reading)
            answer = reading.response  # type: ignore[union-attr]
        return HttpResponse(answer.body, answer.status)

    def take(self, reading: Taken) -> None:
        self.drafts += [d for d in reading.drafts if d.message_key not in {known.message_key for known in self.drafts}]

    def types(self) -> list[E]:
        return [E.SUBMITTED if isinstance(draft, Submission) else draft.type for draft in self.drafts]


@asynccontextmanager
async def theatre(**more: Any) -> AsyncIterator[tuple[Stage, Core]]:
    core = Core()
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        made = Starlette(routes=[Route(PATH, core.door, methods=["POST"])])
        async with serving(made, listener), stage(f"http://127.0.0.1:{listener.getsockname()[1]}", **more) as there:
            yield there, core


def test_a_case_walks_to_its_end_in_order() -> None:
    async def run() -> None:
        async with theatre(autopilot=True) as (there, core):
            await there.bridge.outbound.send(outgoing())
            await until(lambda: E.CLOSED in core.types())
            types = core.types()
            assert core.refused == []
            order = [
                types.index(one) for one in (E.ACCEPTED, E.DISPATCHED, E.SIGNED, E.PROGRESSED, E.REPLIED, E.CLOSED)
            ]
            assert order == sorted(order)
            reply = next(draft for draft in core.drafts if draft.type is E.REPLIED)
            assert reply.data.text.startswith("尊敬的市民，您好！")
            assert there.hotline.core.failed_calls == 0

    asyncio.run(run())


def test_many_cases_some_returned_some_postponed_some_by_notice() -> None:
    async def run() -> None:
        async with theatre(autopilot=True) as (there, core):
            poll = there.bridge.poller
            assert poll is not None
            await poll.fetch()
            for n in range(60):
                case = petition(petition_id=f"LT261122-{n:010d}")
                await there.bridge.outbound.send(outgoing(petition=case, idempotency_key=f"k{n}"))
            by_notice = 0

            async def poll_once() -> None:
                nonlocal by_notice
                fetched = await poll.fetch()
                for one in fetched:
                    reading = poll.read(one, NOW)
                    assert isinstance(reading, Taken), reading
                    core.take(reading)
                by_notice += len(fetched)
                await poll.sign(fetched)

            async with asyncio.timeout(30):
                while Counter(core.types())[E.CLOSED] < 60:
                    await poll_once()
            seen = Counter(core.types())
            assert core.refused == []
            assert by_notice > 0
            assert seen[E.REPLIED] == 60
            assert seen[E.RETURN_REQUESTED] == seen[E.RETURNED] > 0
            assert seen[E.EXTENSION_REQUESTED] == seen[E.EXTENDED] > 0
            assert (await there.received())["duplicates"] == 0

    asyncio.run(run())


def test_a_petition_that_starts_at_the_hotline() -> None:
    async def run() -> None:
        async with theatre(autopilot=True) as (there, core):
            core.away = 2
            url = f"{there.settings.base_url}/sandbox/originate"
            async with there.session.post(url, data=json.dumps(DOCUMENT)) as answer:
                began = await answer.json()
            assert (began["caseId"], began["petition_id"], began["status"]) == ("tipdm:9415", PETITION_ID, 200)
            await until(lambda: E.CLOSED in core.types())
            first = core.drafts[0]
            assert isinstance(first, Submission)
            assert first.petition.content == DOCUMENT["content"]
            assert first.petition.kind.zh == "投诉"
            assert first.petition.petitioner.openid == "oTestOpenId0000000000000009"
            texts = {draft.type: draft.data.text for draft in core.drafts[1:]}
            assert texts[E.REPLIED] == DOCUMENT["reply"]
            assert texts[E.PROGRESSED] == DOCUMENT["progress"]
            assert core.refused == []

    asyncio.run(run())


STEPS = {
    "sign": E.SIGNED,
    "progress": E.PROGRESSED,
    "postpone": E.EXTENSION_REQUESTED,
    "rollback": E.RETURN_REQUESTED,
    "press": E.URGED,
    "supervise": E.SUPERVISED,
    "reply": E.REPLIED,
    "archive": E.CLOSED,
    "evaluate": E.RATED,
}


def test_one_step_now() -> None:
    async def run() -> None:
        async with theatre() as (there, core):
            await there.bridge.outbound.send(outgoing())
            for step in STEPS:
                asked = json.dumps({"petition_id": PETITION_ID, "step": step, "text": f"{step}：一字不差\x00"})
                async with there.session.post(f"{there.settings.base_url}/sandbox/step", data=asked) as answer:
                    said = await answer.json()
                assert said["answer"]["result"]["taskNum"] == PETITION_ID
            assert core.types() == list(STEPS.values())
            texts = [draft.data.text for draft in core.drafts]
            assert texts == [None if step == "sign" else f"{step}：一字不差\x00" for step in STEPS]

    asyncio.run(run())


def test_steps_that_do_not_exist_are_told() -> None:
    async def run() -> None:
        async with stage() as there:
            assert "error" in await there.hotline._step({"petition_id": "LT", "step": "sign"})
            await there.bridge.outbound.send(outgoing())
            assert "error" in await there.hotline._step({"petition_id": PETITION_ID, "step": "dance"})

    asyncio.run(run())


def test_without_autopilot_it_only_takes() -> None:
    async def run() -> None:
        async with stage() as there:
            await there.bridge.outbound.send(outgoing())
            async with there.session.get(f"{there.settings.base_url}/sandbox/pending") as answer:
                assert (await answer.json())["pending"] == 0

    asyncio.run(run())


REPORT = {
    "caseId": "X1",
    "registerTime": "2026-11-22 10:00:00",
    "eventDesc": "内容",
    "recTypeId": 1,
    "recTypeName": "咨询",
    "eventSrcId": 1,
    "eventSrcName": "x",
    "address": "x",
    "medias": [],
}
BAD = [
    *[("REPORT", {key: value for key, value in REPORT.items() if key != name}, -400002) for name in REPORT],
    ("REPORT", REPORT | {"recTypeId": "1"}, -400002),
    ("REPORT", REPORT | {"registerTime": "2026-11-22T10:00:00"}, -400002),
    ("REPORT", REPORT | {"medias": [{"mediaName": "a"}]}, -400002),
    ("REPORT", REPORT | {"coordinateX": "east"}, -400002),
    ("DANCE", REPORT, -400004),
    ("SIGN", {"caseId": "nobody"}, -500003),
    ("APPLY_POSTPONE", {"caseId": "X1", "applyTypeId": 1, "applyReason": "x"}, -400002),
    ("REPORT", "[]", -400002),
]


def test_it_refuses_what_is_wrong() -> None:
    async def run() -> None:
        async with stage() as there:
            await there.bridge.outbound.lookup(outgoing())
            token = next(iter(there.hotline.gate._tokens))
            url = f"{there.settings.base_url}/openapi/v1/action"
            for action, data, code in BAD:
                body = {"uid": "u", "senderCode": "x", "action": action, "data": data}
                async with there.session.post(url, json=body, params={"token": token}) as answer:
                    assert (await answer.json())["code"] == code, (action, data)
                async with there.session.post(url, json=body) as answer:
                    assert (await answer.json())["code"] == -400001
            assert there.hotline.core.memory.arrivals == []

    asyncio.run(run())


def test_telling_the_citizen_needs_a_signature_first() -> None:
    async def run() -> None:
        async with stage() as there:
            notify = {"caseId": PETITION_ID, "notifyContent": "x", "notifyTypeId": 1, "notifyMethod": 1}
            await there.bridge.outbound.send(outgoing())
            client = there.bridge.outbound._client  # type: ignore[attr-defined]
            with pytest.raises(Exception, match="-500002"):
                await client.act("NOTIFY", notify, "n-1")
            await there.bridge.outbound.send(
                outgoing(E.SIGNED, idempotency_key="s", external_ids={"caseId": PETITION_ID})
            )
            assert (await client.act("NOTIFY", notify, "n-2")).result["taskNum"].startswith("JN")

    asyncio.run(run())


def test_the_dictionary_calls_itself_a_failure_and_is_none() -> None:
    async def run() -> None:
        async with stage() as there:
            await there.bridge.outbound.lookup(outgoing())
            token = next(iter(there.hotline.gate._tokens))
            for code, entries in {"REC_TYPE": 7, "EVENT_SRC": 3, "EVENT_PROPERTY": 1, "X": 0}.items():
                asked = {"code": code, "egova_openapi_token": token}
                async with there.session.get(f"{there.settings.base_url}/openapi/v1/dic", params=asked) as answer:
                    document = json.loads(await answer.read())
                    assert answer.content_type == "text/html"
                assert (document["success"], document["hasError"], document["code"]) == (False, True, 0)
                assert len(document["result"]["data"]) == entries

    asyncio.run(run())


def test_the_door_refuses_an_unknown_step_of_theirs_loudly() -> None:
    async def run() -> None:
        async with theatre() as (there, core):
            said = await there.hotline.pilot.tell("REPORT", {"caseId": "X1"})
            assert (said["status"], said["answer"]["code"]) == (400, -400002)
            assert isinstance(core.refused[0], Malformed)
            assert told(core.refused[0])["code"] == -400002
            assert there.hotline.core.failed_calls == 1

    asyncio.run(run())
