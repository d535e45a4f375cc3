"""A stand-in of the center: takes signed event documents, remembers them, and works its cases towards the bridge.

Its parts: `sandbox_desk` (what becomes of a document), `sandbox_rules` (what it may say), `sandbox_cases` (what it does
to a case), `sandbox_voice` (what the center says), `autopilot` (its usual words), `sandbox_moods` (how it misbehaves)
and `sandbox_register` (its list of cases, and differences to seed).
"""

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.governance_center import batches
from adapters.governance_center.cases import Casebook
from adapters.governance_center.codes import Codes, load
from adapters.governance_center.guard import REFUSALS, Guard
from adapters.governance_center.numbers import SYSTEM
from adapters.governance_center.sandbox_desk import UNKNOWN_EVENT, Desk, refused, together
from adapters.governance_center.sandbox_moods import Dialect, WrongDialect
from adapters.governance_center.sandbox_register import Seeds
from adapters.governance_center.sandbox_voice import Voice
from adapters.governance_center.settings import CenterSettings
from adapters.governance_center.signature import Signer
from bridge.adapter import SandboxPlan
from bridge.sandbox import Sandbox
from bridge.strictjson import BadJson, loads

Document = dict[str, Any]


def application(settings: CenterSettings, plan: SandboxPlan) -> Starlette:
    """The sandbox as an ASGI app; its dialect lies under the path of `settings.base_url`."""
    center = CenterSandbox(settings, plan)
    base = urlsplit(settings.base_url or "").path.rstrip("/")
    asked = center.codes.register_query

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await center.box.close()

    routes = [
        Route(base + "/events", center.events, methods=["POST"]),
        Route(base + asked.list_path, center.listed, methods=["POST"]),
        Route(base + asked.document_path.replace("{eventId}", "{number}"), center.reported, methods=["GET"]),
        Route(base + "/events/{number:path}", center.event, methods=["GET"]),
        Route("/sandbox/dialect", center.speak, methods=["GET", "POST"]),
        Route("/sandbox/register", center.seed, methods=["POST"]),
        Route("/sandbox/batch", center.batch, methods=["POST"]),
        *center.box.routes(),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.state.center = center
    return app


class Nonces:
    """Nonces of the last minutes; a second use is refused."""

    def __init__(self, window_seconds: int) -> None:
        self._window = window_seconds
        self._seen: dict[str, float] = {}

    def used(self, nonce: str, now: datetime) -> bool:
        moment = now.timestamp()
        while self._seen and next(iter(self._seen.values())) < moment - 2 * self._window:
            del self._seen[next(iter(self._seen))]
        if nonce in self._seen:
            return True
        self._seen[nonce] = moment
        return False


class CenterSandbox:
    def __init__(self, settings: CenterSettings, plan: SandboxPlan) -> None:
        self.box = Sandbox(SYSTEM, plan.bridge_url, plan.pace_seconds, plan.seed, autopilot=plan.autopilot)
        self.book = Casebook()
        self.codes: Codes = load(settings.platform, settings.codes)
        self.dialect = Dialect(_accepted=self.codes.answers.accepted[0])
        self.seeds = Seeds(self.book, self.box, self.codes, settings.app_id)
        self._guard = Guard(settings.app_id, settings.secret.get_secret_value(), settings.window_seconds)
        self._nonces = Nonces(settings.window_seconds)
        secret = settings.inbound_secret.get_secret_value()
        signer = Signer(settings.inbound_app_id, secret, settings.sign_type)
        self.voice = Voice(self.box, self.book, self.codes, self.dialect, signer)
        self.desk = Desk(self.box, self.book, self.codes, self.dialect, self.seeds, self.voice, settings.platform)
        self.box.originate = self.originate = self.voice.originate
        self.box.step = self.step = self.voice.step

    # ── what the bridge asks ──
    async def events(self, request: Request) -> Response:
        return await self.box.moody(lambda: self._post(request))

    async def event(self, request: Request) -> Response:
        return await self.box.moody(lambda: self._get(request))

    async def listed(self, request: Request) -> Response:
        return await self.box.moody(lambda: self._list(request))

    async def reported(self, request: Request) -> Response:
        return await self.box.moody(lambda: self._report(request))

    async def _post(self, request: Request) -> Response:
        body = await request.body()
        if (fault := self._fault(request, body)) is not None:
            return fault
        try:
            loaded = loads(body)
        except BadJson as error:
            return self._answer(refused(f"报文无法读取：{error}"))
        found = batches.items(loaded)
        if found is None:
            return self._answer(self.desk.one(loaded))
        return self._answer(together([self.desk.one(one) for one in found]))

    async def _get(self, request: Request) -> Response:
        if (fault := self._fault(request, b"")) is not None:
            return fault
        case = self.book.find(request.path_params["number"])
        return self._answer(refused(UNKNOWN_EVENT) if case is None else self.desk.state(case))

    async def _list(self, request: Request) -> Response:
        body = await request.body()
        fault = self._fault(request, body)
        return self._answer(self.seeds.listed(body)) if fault is None else fault

    async def _report(self, request: Request) -> Response:
        if (fault := self._fault(request, b"")) is not None:
            return fault
        case = self.book.find(request.path_params["number"])
        return self._answer(refused(UNKNOWN_EVENT) if case is None else self.seeds.reported(case))

    def _fault(self, request: Request, body: bytes) -> Response | None:
        now = self.box.now()
        path = request.scope["raw_path"].decode("latin-1")
        reason = self._guard.fault(request.method, path, request.headers, body, now)
        if reason is None and self._nonces.used(request.headers["x-nonce"], now):
            reason = "replayed_nonce"
        return None if reason is None else self._answer(refused(REFUSALS[reason]), 401)

    def _answer(self, document: Document, status: int = 200) -> Response:
        return Response(orjson.dumps(self.dialect.shaped(document)), status, media_type="application/json")

    async def speak(self, request: Request) -> Response:
        """`GET`: the dialect as it is. `POST`: change some of it."""
        try:
            if request.method == "POST":
                self.dialect.change(orjson.loads(await request.body()))
        except WrongDialect as error:
            return Response(orjson.dumps({"error": str(error)}), 400, media_type="application/json")
        return Response(orjson.dumps(self.dialect.as_dict()), media_type="application/json")

    async def seed(self, request: Request) -> Response:
        """Make the center's list differ from what the bridge knows."""
        document = self.seeds.seed(orjson.loads(await request.body()))
        return Response(orjson.dumps(document), 400 if "error" in document else 200, media_type="application/json")

    async def batch(self, request: Request) -> Response:
        """Tell the bridge several documents in one request: `{"documents": […]}`. Returns its answer."""
        status, answer = await self.voice.send(orjson.loads(await request.body())["documents"])
        return Response(orjson.dumps({"status": status, "answer": answer}), media_type="application/json")
