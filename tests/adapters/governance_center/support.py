"""What these tests share: settings, signed requests, hand-offs, and servers on the loopback interface."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

import aiohttp
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as WebRequest
from starlette.responses import Response as WebResponse
from starlette.routing import Route

from adapters.governance_center.calling import Caller
from adapters.governance_center.codes import Codes, load
from adapters.governance_center.inbound import PATH, CenterInbound
from adapters.governance_center.outbound import CenterOutbound
from adapters.governance_center.settings import CenterSettings, sandbox_settings
from adapters.governance_center.signature import Signer, SignType
from bridge.adapter import (
    Answered,
    Malformed,
    Outcome,
    Outgoing,
    PetitionView,
    Question,
    Reading,
    Refused,
    Request,
    Response,
    SandboxPlan,
    Submission,
    Taken,
    Update,
    Workshop,
)
from schemas.base import SHANGHAI
from schemas.event import Event, EventData, EventType
from schemas.petition import ExternalId, HandlingClass, Kind, Petition, Petitioner, Place, Secretary
from tests.support.ports import free_port

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=SHANGHAI)
PETITION_ID = "LT261122-7K3M9QX2AB"
EVENT_ID = "20261122093000123_5f0c2a3e-0000-4000-8000-0000000000aa"
SECRET = "a random secret"
SETTINGS = sandbox_settings("http://127.0.0.1:9/center", SECRET)


def codes(platform: str = "jiangyin") -> Codes:
    return load(platform)


def inbound(settings: CenterSettings = SETTINGS) -> CenterInbound:
    return CenterInbound(settings, load(settings.platform, settings.codes))


def center_signer(settings: CenterSettings = SETTINGS, sign_type: SignType = SignType.HMAC_SM3) -> Signer:
    return Signer(settings.inbound_app_id, settings.inbound_secret.get_secret_value(), sign_type)


def request(
    document: Any,
    *,
    method: str = "POST",
    path: str = PATH,
    at: datetime = NOW,
    nonce: str = "nonce-1",
    signer: Signer | None = None,
    change: dict[str, str | None] | None = None,
) -> Request:
    """A signed request as the core hands it to the adapter; `change` sets or drops single headers."""
    body = document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode()
    signed = (signer or center_signer()).headers(method, path, body, at, nonce)
    headers: dict[str, str | None] = {name.lower(): value for name, value in signed.items()} | (change or {})
    kept = {name: value for name, value in headers.items() if value is not None}
    return Request(method, path, {}, kept, body, NOW)


def read(document: Any, settings: CenterSettings = SETTINGS) -> Reading:
    return inbound(settings).read(request(document)).reading


def update_of(document: Any, settings: CenterSettings = SETTINGS) -> Update:
    reading = read({"eventId": EVENT_ID, **document}, settings)
    assert isinstance(reading, Taken), reading
    (draft,) = reading.drafts
    assert isinstance(draft, Update)
    return draft


def submission_of(document: Any, settings: CenterSettings = SETTINGS) -> Submission:
    reading = read({"op": "report", "eventId": EVENT_ID, "content": "路灯不亮", **document}, settings)
    assert isinstance(reading, Taken), reading
    assert isinstance(reading.drafts[0], Submission)
    return reading.drafts[0]


def malformed(document: Any) -> tuple[str, dict[str, Any]]:
    reading = read(document)
    assert isinstance(reading, Malformed), reading
    assert reading.response.status == 400
    return reading.reason, orjson.loads(reading.response.body)


def petition(**changes: Any) -> Petition:
    fields: dict[str, Any] = {
        "petition_id": PETITION_ID,
        "source": "wechat",
        "handling_class": HandlingClass.KEY_SUPERVISION,
        "kind": Kind.HELP,
        "title": "小区长期停水",
        "content": "翠湖花园3号楼连续三天停水，多次反映无果。😀",
        "petitioner": Petitioner(name="测试甲", phone="13800000000", openid="o-test-1"),
        "place": Place(region_code="370811", address="翠湖花园", longitude=116.5, latitude=35.4),
        "secretary": Secretary(id="s-1", team_id="t-1"),
        "state": "submitted",
        "submitted_at": NOW,
    }
    return Petition(**(fields | changes))


def outgoing(
    kind: EventType,
    data: EventData | None = None,
    /,
    *,
    known: str | None = None,
    event: UUID | None = None,
    actor: str | None = None,
    **changes: Any,
) -> Outgoing:
    number = event or uuid4()
    key = str(uuid5(number, "governance_center"))
    said = Event(
        event_id=number,
        petition_id=PETITION_ID,
        sequence=1,
        type=kind,
        source="wechat",
        occurred_at=NOW,
        recorded_at=NOW,
        actor=actor,
        data=data or EventData(),
    )
    numbers = {"eventId": known} if known else {}
    return Outgoing(key, key, 1, said, petition(**changes), numbers, {})


def view(petition_id: str = PETITION_ID, known: str | None = None) -> PetitionView:
    numbers = (ExternalId(system="governance_center", kind="eventId", value=known),) if known else ()
    return PetitionView(
        petition_id, "标题", "help", "key_supervision", "handling", NOW, NOW, numbers, "progressed", unit="市城管局"
    )


# ── servers ───────────────────────────────────────────────────────────────────────────────────────────────


async def until(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def served(app: Starlette, port: int) -> AsyncIterator[str]:
    """The app on the loopback interface, in this very loop; without uvicorn's own, which only ticks."""
    config = uvicorn.Config(app, port=port, log_level="critical", timeout_graceful_shutdown=1)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await server.shutdown()


@contextlib.asynccontextmanager
async def sending(settings: CenterSettings, now: Callable[[], datetime] | None = None) -> AsyncIterator[CenterOutbound]:
    async with aiohttp.ClientSession() as session:
        workshop = Workshop(now or (lambda: datetime.now(SHANGHAI)), lambda: session)
        yield CenterOutbound(Caller(settings, workshop), load(settings.platform, settings.codes))


@contextlib.asynccontextmanager
async def with_sandbox(
    *, autopilot: bool = False, bridge_url: str = "http://127.0.0.1:9", **changes: Any
) -> AsyncIterator[tuple[Any, CenterOutbound]]:
    """The sandbox on a port, and the adapter's outbound side pointed at it."""
    from adapters.governance_center.sandbox import application

    port = free_port()
    settings = sandbox_settings(f"http://127.0.0.1:{port}/center", SECRET).model_copy(update=changes)
    app = application(settings, SandboxPlan(bridge_url, pace_seconds=0.002, autopilot=autopilot))
    async with served(app, port), sending(settings) as outbound:
        yield app.state.center, outbound


def answering(*answers: tuple[int, bytes, str]) -> tuple[Starlette, list[WebRequest]]:
    """A center that gives these answers in turn (the last one for ever) and keeps the requests."""
    asked: list[WebRequest] = []

    async def answer(web: WebRequest) -> WebResponse:
        await web.body()
        asked.append(web)
        status, body, kind = answers[min(len(asked), len(answers)) - 1]
        return WebResponse(body, status, media_type=kind)

    return Starlette(routes=[Route("/{rest:path}", answer, methods=["GET", "POST"])]), asked


class FakeBridge:
    """The core, as far as the sandbox can see it: reads requests through the adapter and keeps the drafts."""

    def __init__(self, settings: CenterSettings) -> None:
        self.inbound = inbound(settings)
        self.drafts: list[Any] = []
        self.refused: list[str] = []
        self.failures = 0
        self.app = Starlette(routes=[Route("/{rest:path}", self._read, methods=["GET", "POST"])])
        self._numbers: dict[str, str] = {}

    async def _read(self, web: WebRequest) -> WebResponse:
        if self.failures:
            self.failures -= 1
            return WebResponse(b"away", 502)
        headers = dict(web.headers)
        asked = Request(
            web.method, web.url.path, dict(web.query_params), headers, await web.body(), datetime.now(SHANGHAI)
        )
        response = self._answer(self.inbound.read(asked).reading)
        return WebResponse(response.body, response.status, media_type=response.content_type)

    def _answer(self, reading: Reading) -> Response:
        match reading:
            case Taken(drafts, reply):
                self.drafts += drafts
                return reply([Outcome("event", PETITION_ID, "r" * 64) for _ in drafts])
            case Question(then, refs):
                return self._answer(then([view(ref.petition_id) for ref in refs if ref.petition_id]))
            case Refused(response, reason):
                self.refused.append(reason)
                return response
            case Answered(response) | Malformed(response, _):
                return response
        raise AssertionError(reading)

    def types(self) -> list[str]:
        return [draft.type.value if isinstance(draft, Update) else "submission" for draft in self.drafts]


def run(work: Awaitable[Any]) -> Any:
    async def bounded() -> Any:
        return await asyncio.wait_for(work, 60)

    return asyncio.run(bounded())
