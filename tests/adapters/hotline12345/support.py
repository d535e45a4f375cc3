"""What these tests share: settings, requests at the door, outgoing events, and the sandbox on a real port."""

import asyncio
import functools
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import aiohttp
import uvicorn

from adapters.hotline12345 import MANIFEST, build, cases, codes, sandbox_settings
from adapters.hotline12345.inbound import PATH
from adapters.hotline12345.sandbox import HotlineSandbox, app
from adapters.hotline12345.settings import HotlineSettings
from bridge.adapter import Adapter, Outgoing, Read, Reading, Request, SandboxPlan, Submission, Taken, Update, Workshop
from schemas.base import SHANGHAI
from schemas.event import Event, EventData, EventType
from schemas.petition import HandlingClass, Kind, Petition, Petitioner, Place, Secretary

CODES = codes.load()
SETTINGS = sandbox_settings("http://hotline.invalid", "s3cret")
KEY = "inbound-s3cret"
NOW = datetime(2026, 11, 22, 10, 0, 0, tzinfo=SHANGHAI)
PETITION_ID = "LT261122-7K3M9QX2AB"

REPORT: dict[str, Any] = {
    "caseId": "20261122104001",
    "caseHandleId": "0964e3fa46a94f2783c8846acbd7c87a",
    "casNum": "JN2026112200017",
    "registerTime": "2026-11-22 09:04:36",
    "callTime": "2026-11-22 09:01:00",
    "title": "楼道灯不亮",
    "eventDesc": "三号楼二单元楼道灯坏了半个月，老人上下楼不方便。",
    "recTypeId": 2,
    "recTypeName": "求助",
    "eventSrcId": 104,
    "eventSrcName": "热线来电",
    "address": "任城区古槐街道三号楼",
    "coordinateX": "116.58",
    "coordinateY": 35.41,
    "districtId": 370811,
    "streetName": "古槐街道",
    "communityName": "",
    "cellName": None,
    "reporterName": "孟大娘",
    "contact": "13900000001",
    "openId": "oTestOpenId0000000000000001",
    "medias": [],
    "eventPropertyName": "求助",
    "altpsRec": False,
}


def request(
    body: bytes | dict[str, Any], *, headers: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None
) -> Request:
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    shown = {"authorization": f"Bearer {KEY}"} if headers is None and query is None else dict(headers or {})
    return Request("POST", PATH, query or {}, shown, raw, NOW)


def sent(action: str, data: Any, uid: str | None = "u-1") -> dict[str, Any]:
    return {"uid": uid, "senderCode": "hotline", "action": action, "data": data}


@functools.cache
def adapter() -> Adapter:
    """The adapter of `SETTINGS`, for all that is pure."""
    return built(SETTINGS)


def built(settings: HotlineSettings) -> Adapter:
    return build(settings, Workshop(now=lambda: NOW, session=_no_session))


def _no_session() -> aiohttp.ClientSession:
    raise AssertionError("this test must not call out")


def read(body: bytes | dict[str, Any], **more: Any) -> Reading:
    result: Read = adapter().inbound.read(request(body, **more))
    assert result.nonce is None
    return result.reading


def told(reading: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(reading.response.body)
    return document


def submission(data: dict[str, Any]) -> Submission:
    reading = read(sent("REPORT", data))
    assert isinstance(reading, Taken), reading
    assert isinstance(reading.drafts[0], Submission)
    return reading.drafts[0]


def update(action: str, data: dict[str, Any], uid: str | None = "u-1") -> Update:
    reading = read(sent(action, data, uid))
    assert isinstance(reading, Taken), reading
    (draft,) = reading.drafts
    assert isinstance(draft, Update)
    return draft


# ── outgoing ──


def petition(**more: Any) -> Petition:
    base = Petition(
        petition_id=PETITION_ID,
        source="wechat",
        kind=Kind.HELP,
        handling_class=HandlingClass.HOTLINE_TRANSFER,
        title="路灯不亮",
        content="门口的路灯坏了\x00三天，\u200b天黑看不见路。",
        petitioner=Petitioner(name="张大爷", phone="13900000002", openid="oTestOpenId0000000000000002"),
        place=Place(region_code="370811", street="古槐街道", address="古槐街道某小区门口"),
        secretary=Secretary(id="s1", team_id="t1"),
        state="submitted",
        submitted_at=NOW,
    )
    return base.model_copy(update=more)


def outgoing(type_: EventType = EventType.SUBMITTED, **more: Any) -> Outgoing:
    data = more.pop("data", EventData(text="已安排维修"))
    event = Event(
        event_id=UUID(int=1),
        petition_id=PETITION_ID,
        sequence=1,
        type=type_,
        source="wechat",
        occurred_at=NOW,
        recorded_at=NOW,
        actor=more.pop("actor", None),
        data=data,
    )
    chosen = {
        "handoff_id": "h-1",
        "idempotency_key": "key-1",
        "attempt": 1,
        "petition": petition(),
        "external_ids": {},
        "progress": {},
    }
    return Outgoing(event=event, **{**chosen, **more})


# ── the sandbox on a port, and the adapter that speaks to it ──


@dataclass
class Clock:
    """The adapter's clock, set by hand."""

    now: datetime = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


@dataclass
class Stage:
    hotline: HotlineSandbox
    bridge: Adapter
    session: aiohttp.ClientSession
    settings: HotlineSettings
    clock: Clock

    async def mood(self, **mood: Any) -> None:
        async with self.session.post(f"{self.settings.base_url}/sandbox/mood", json=mood) as answer:
            assert answer.status == 200

    async def received(self) -> dict[str, Any]:
        async with self.session.get(f"{self.settings.base_url}/sandbox/received") as answer:
            document: dict[str, Any] = await answer.json()
            return document


@asynccontextmanager
async def stage(
    bridge_url: str = "http://127.0.0.1:9", *, autopilot: bool = False, **more: Any
) -> AsyncIterator[Stage]:
    # Named as TCP, so that asyncio switches Nagle off: else every answer waits 40 ms for an ACK.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = sandbox_settings(base, "s3cret").model_copy(update={"timeout_seconds": 5.0, **more})
        made = app(settings, SandboxPlan(bridge_url, pace_seconds=0.01, seed=5, autopilot=autopilot))
        async with serving(made, listener), aiohttp.ClientSession() as session:
            clock = Clock()
            workshop = Workshop(now=lambda: clock.now, session=lambda: session)
            yield Stage(made.state.hotline, MANIFEST.build(settings, workshop), session, settings, clock)


@asynccontextmanager
async def serving(made: Any, listener: socket.socket) -> AsyncIterator[None]:
    """uvicorn around an ASGI app on a bound socket."""
    listener.listen()
    server = uvicorn.Server(uvicorn.Config(made, log_config=None, timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started)
    try:
        yield
    finally:
        server.should_exit = True
        await task


async def until(condition: Any, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


SYSTEM = cases.SYSTEM
