"""What the tests of the service account share: messages in its shape, a small core, servers on the loopback."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.routing import Route

from adapters.wechat import MANIFEST, words
from adapters.wechat.crypto import MessageKey, signature
from adapters.wechat.inbound import WechatInbound
from adapters.wechat.passive import cdata
from adapters.wechat.settings import WechatSettings
from bridge.adapter import (
    Acknowledgement,
    Draft,
    Outcome,
    Outgoing,
    PetitionView,
    Question,
    Reading,
    Request,
    Response,
    SandboxPlan,
    Submission,
    Taken,
    Workshop,
)
from schemas.base import SHANGHAI
from schemas.event import Event, EventData, EventType
from schemas.petition import HandlingClass, Petition, Petitioner, Secretary

TOKEN = "AAAAA"
APP_ID = "wxba5fad812f8e6fb9"
AES_KEY = "A" * 43
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=SHANGHAI)
OPENID = "oCitizen0001"
ACCOUNT = "gh_test00000005"
WORDS = words.load()
TO_CONFIRM = ("replied", "followed_up", "closed")


def settings(**more: Any) -> WechatSettings:
    given = {"token": TOKEN, "app_id": APP_ID, "aes_key": AES_KEY, "inbound_key": "form-key", **more}
    return WechatSettings.model_validate(given)


def inbound(**more: Any) -> WechatInbound:
    return WechatInbound(settings(**more), WORDS)


def xml(kind: str = "text", openid: str = OPENID, **fields: str) -> bytes:
    """A message as the platform writes it."""
    named = {"ToUserName": ACCOUNT, "FromUserName": openid, "CreateTime": "1795311000", "MsgType": kind, **fields}
    return ("<xml>" + "".join(f"<{k}>{cdata(v)}</{k}>" for k, v in named.items()) + "</xml>").encode()


def text(content: str, number: str = "24000000000000001") -> bytes:
    return xml(Content=content, MsgId=number)


def plain_query() -> dict[str, str]:
    return {"timestamp": "1795311000", "nonce": "7", "signature": signature(TOKEN, "1795311000", "7")}


def request(
    body: bytes,
    query: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    path: str = "/in/wechat",
    **headers: str,
) -> Request:
    return Request(method, path, plain_query() if query is None else query, headers, body, NOW)


def sealed(body: bytes, key: str = AES_KEY, app_id: str = APP_ID) -> Request:
    """The same in safe mode; the plain signature is wrong on purpose."""
    encrypted = MessageKey.of(key, app_id).encrypt(body)
    query = {"timestamp": "1795311000", "nonce": "7", "encrypt_type": "aes", "signature": "0" * 40}
    query["msg_signature"] = signature(TOKEN, "1795311000", "7", encrypted)
    return request(f"<xml><ToUserName>x</ToUserName><Encrypt>{cdata(encrypted)}</Encrypt></xml>".encode(), query)


def view(petition_id: str = "LT261122-7K3M9QX2AB", **more: Any) -> PetitionView:
    given = {
        "title": "路灯不亮",
        "kind": "help",
        "handling_class": "hotline_transfer",
        "state": "dispatched",
        "submitted_at": NOW,
        "updated_at": NOW,
        "external_ids": (),
        "last_event": "dispatched",
        **more,
    }
    return PetitionView(petition_id=petition_id, **given)


@dataclass
class Core:
    """As much of the core as a door needs: it answers questions, numbers petitions, and knows repeats. `views` is what
    the citizen brought, `owned` what the secretary who bound the openid answers for."""

    door: WechatInbound
    views: list[PetitionView] = field(default_factory=list)
    owned: list[PetitionView] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    _first: dict[str, Outcome] = field(default_factory=dict)

    def read(self, asked: Request) -> Reading:
        reading = self.door.read(asked).reading
        while isinstance(reading, Question):
            reading = reading.then(self._found(reading))
        return reading

    def _found(self, question: Question) -> list[PetitionView]:
        if question.owner_openid is None:
            return self.views
        named = {ref.petition_id for ref in question.refs}
        if named:
            return [one for one in self.owned if one.petition_id in named]
        return [one for one in self.owned if one.state in TO_CONFIRM and not one.confirmed]

    def answer(self, asked: Request) -> Response:
        reading = self.read(asked)
        if isinstance(reading, Taken):
            return reading.reply([self._keep(draft) for draft in reading.drafts])
        return reading.response

    def _keep(self, draft: Draft) -> Outcome:
        if first := self._first.get(draft.message_key):
            return Outcome("duplicate", first.petition_id, first.receipt)
        self.drafts.append(draft)
        number = f"LT261122-{len(self.drafts):010d}" if isinstance(draft, Submission) else None
        self._first[draft.message_key] = outcome = Outcome("new", number, f"{len(self.drafts):064x}")
        return outcome

    @property
    def acknowledged(self) -> list[Acknowledgement]:
        return [draft for draft in self.drafts if isinstance(draft, Acknowledgement)]

    def app(self) -> Starlette:
        """The core as a server, for a sandbox to call."""

        async def endpoint(asked: HttpRequest) -> HttpResponse:
            headers = {name.lower(): value for name, value in asked.headers.items()}
            taken = Request(
                asked.method,
                asked.url.path,
                dict(asked.query_params),
                headers,
                await asked.body(),
                datetime.now(SHANGHAI),
            )
            answer = self.answer(taken)
            return HttpResponse(answer.body, answer.status, media_type=answer.content_type)

        return Starlette(routes=[Route(door.path, endpoint, methods=list(door.methods)) for door in self.door.doors])


# ── outbound ──


def petition(**more: Any) -> Petition:
    given = {
        "petition_id": "LT261122-7K3M9QX2AB",
        "source": "wechat",
        "handling_class": HandlingClass.HOTLINE_TRANSFER,
        "title": "太白湖新区济宁大道路灯不亮",
        "content": "太白湖新区济宁大道与圣贤路口往东的路灯已经三天不亮。",
        "petitioner": Petitioner(name="孔令宜", phone="13805370001", openid=OPENID),
        "secretary": Secretary(id="S001", name="孟书记", team_id="T01", home_unit="市住建局"),
        "state": "submitted",
        "submitted_at": NOW,
        **more,
    }
    return Petition(**given)


def event(
    kind: EventType = EventType.ACCEPTED, *, source: str = "hotline12345", actor: str | None = None, **data: Any
) -> Event:
    return Event(
        event_id=uuid4(),
        petition_id="LT261122-7K3M9QX2AB",
        sequence=2,
        type=kind,
        source=source,
        occurred_at=NOW,
        recorded_at=NOW,
        actor=actor,
        data=EventData(**data),
    )


def outgoing(
    audience: set[str], *, told: Event | None = None, about: Petition | None = None, **progress: str
) -> Outgoing:
    return Outgoing(
        handoff_id=str(UUID(int=5)),
        idempotency_key="handoff-5",
        attempt=1,
        event=told or event(),
        petition=about or petition(),
        external_ids={},
        progress=progress,
        audience=frozenset(audience),
    )


@contextlib.asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """Serve an ASGI application on the loopback; gives its base URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="critical", lifespan="on", ws="none")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Without uvicorn's main loop, which looks only every tenth of a second whether it is to stop.
    await server.startup(sockets=[listener])
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        for each in server.servers:
            each.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        await server.lifespan.shutdown()


async def holds(condition: Any, seconds: float = 10) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


@dataclass
class Bench:
    """The adapter's outbound side beside its sandbox."""

    outbound: Any
    register: Any
    box: Any
    account: Any
    platform: Any
    url: str
    clock: list[datetime]

    async def send(self, audience: set[str], **more: Any) -> Any:
        return await self.outbound.send(outgoing(audience, **more))

    @property
    def arrivals(self) -> list[Any]:
        return list(self.box.memory.arrivals)


@contextlib.asynccontextmanager
async def bench(bridge_url: str = "http://127.0.0.1:9", **more: Any) -> AsyncIterator[Bench]:
    """A sandbox being served, and the outbound side set to speak to it."""
    base = MANIFEST.sandbox_settings("http://sandbox.invalid", "secret")
    app = MANIFEST.sandbox(
        base, SandboxPlan(bridge_url=bridge_url, pace_seconds=0.01, autopilot=bridge_url[-2:] != ":9")
    )
    clock = [NOW]
    async with served(app) as url, aiohttp.ClientSession() as session:
        given = base.model_copy(update={"base_url": url, "platform_url": url, **more})
        adapter = MANIFEST.build(given, Workshop(now=lambda: clock[0], session=lambda: session))
        state = app.state
        yield Bench(adapter.outbound, adapter.register, state.sandbox, state.account, state.platform, url, clock)
