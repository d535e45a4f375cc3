"""A stand-in of the center: takes signed event documents, remembers them, and works its cases towards the bridge."""

import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.governance_center import autopilot, composing
from adapters.governance_center.autopilot import Step
from adapters.governance_center.cases import UNITS, Case, Register, event_number, units_of
from adapters.governance_center.codes import Codes, load
from adapters.governance_center.guard import REFUSALS, Guard
from adapters.governance_center.inbound import PATH
from adapters.governance_center.mapping import SYSTEM, is_own
from adapters.governance_center.originals import report_fields
from adapters.governance_center.settings import CenterSettings
from adapters.governance_center.signature import Signer
from adapters.governance_center.values import wire_time
from adapters.governance_center.wire import EventDocument, Op, UnknownDocument, parse
from bridge.adapter import SandboxPlan
from bridge.sandbox import Arrival, Sandbox
from schemas.event import EventType

Document = dict[str, Any]
STATES = {Op.PROGRESS: EventType.PROGRESSED, Op.CLOSE: EventType.CLOSED}
ENDS_A_CASE = frozenset({Op.CLOSE, Op.WITHDRAW})
OWN_KEYS = frozenset({"petition_id", "eventId", "step", "text"})


def application(settings: CenterSettings, plan: SandboxPlan) -> Starlette:
    """The sandbox as an ASGI app; its dialect lies under the path of `settings.base_url`."""
    center = CenterSandbox(settings, plan)
    base = urlsplit(settings.base_url or "").path.rstrip("/")

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await center.box.close()

    routes = [
        Route(base + "/events", center.events, methods=["POST"]),
        Route(base + "/events/{number:path}", center.event, methods=["GET"]),
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
        self.box.originate = self.originate
        self.box.step = self.step
        self.register = Register()
        self._codes: Codes = load(settings.platform, settings.codes)
        self._guard = Guard(settings.app_id, settings.secret.get_secret_value(), settings.window_seconds)
        self._nonces = Nonces(settings.window_seconds)
        secret = settings.inbound_secret.get_secret_value()
        self._signer = Signer(settings.inbound_app_id, secret, settings.sign_type)

    # ── what the bridge sends ──
    async def events(self, request: Request) -> Response:
        return await self.box.moody(lambda: self._post(request))

    async def event(self, request: Request) -> Response:
        return await self.box.moody(lambda: self._get(request))

    async def _post(self, request: Request) -> Response:
        body = await request.body()
        reason = self._fault(request, body)
        if reason:
            return _answer({"code": "0", "message": REFUSALS[reason]}, 401)
        try:
            document, plain = parse(body, {})
            return _answer(self._taken(document, plain))
        except UnknownDocument as error:
            return _answer({"code": "0", "message": error.message})

    async def _get(self, request: Request) -> Response:
        reason = self._fault(request, b"")
        if reason:
            return _answer({"code": "0", "message": REFUSALS[reason]}, 401)
        case = self.register.find(request.path_params["number"])
        return _answer(_unknown_event() if case is None else _state(case))

    def _fault(self, request: Request, body: bytes) -> str | None:
        now = self.box.now()
        reason = self._guard.fault(request.method, request.scope["path"], request.headers, body, now)
        if reason is None and self._nonces.used(request.headers["x-nonce"], now):
            return "replayed_nonce"
        return reason

    def _taken(self, document: EventDocument, plain: Document) -> Document:
        op = _checked(document)
        first = self.box.memory.taken(document.messageId or "")
        if first is not None:
            return dict(first)
        case = self.register.find(document.eventId, document.oppoSideBusiCode)
        if case is None and op is not Op.REPORT:
            return _unknown_event()
        if case is not None and case.archived:
            return {"code": "0", "message": "事件已归档！"}
        return self._kept(case or self._opened(document), op, document, plain, new=case is None)

    def _opened(self, document: EventDocument) -> Case:
        lead, assists = units_of(document, self.box.random)
        number = self._number()
        case = Case(number, document.oppoSideBusiCode, document.eventName or "", lead, assists)
        return self.register.add(case)

    def _kept(self, case: Case, op: Op, document: EventDocument, plain: Document, *, new: bool) -> Document:
        answer = {"code": "1", "message": "成功", "eventId": case.number}
        key = document.messageId or ""
        ours = document.oppoSideBusiCode or case.petition_id or ""
        arrival = Arrival(key, ours, op.value, case.number, self.box.now().isoformat(), composing.said(plain))
        # One petition is reported once; any other op may rightly happen again.
        self.box.memory.remember(arrival, answer, effect="once" if op is Op.REPORT else None)
        case.message_ids.append(key)
        case.over = case.over or op in ENDS_A_CASE
        if new:
            self._walk(case, autopilot.reported(case, self.box.random))
        return answer

    # ── what the center does by itself ──
    def _walk(self, case: Case, steps: Iterator[Step]) -> None:
        """One step after the other: the next is planned when the bridge has answered the one before."""

        async def act() -> None:
            step = None if case.over else next(steps, None)
            if step is not None:
                await self._say(case, step)
                self._walk(case, steps)

        self.box.later(1.0, act)

    async def _say(self, case: Case, step: Step) -> tuple[int, Document]:
        document = {
            "op": step.op.value,
            "messageId": case.next_message_id(),
            "eventId": case.number,
            "eventName": case.title,
            "taskTime": wire_time(self.box.now()),
            "oppoSideBusiCode": case.petition_id,
            "status": self._codes.status_out.get(STATES[step.op]) if step.op in STATES else None,
            **step.fields,
        }
        body = orjson.dumps({name: value for name, value in document.items() if value is not None})
        status, content = await self.box.tell("POST", PATH, body, lambda: self._headers(body))
        return status, _read(content)

    def _headers(self, body: bytes) -> dict[str, str]:
        signed = self._signer.headers("POST", PATH, body, self.box.now(), uuid.uuid4().hex)
        return {**signed, "Content-Type": "application/json"}

    def _number(self) -> str:
        return event_number(self.box.now(), self.box.number(), self.box.random)

    # ── what the runner asks for ──
    async def originate(self, document: Document) -> Document:
        """A petition that starts at the center. Returns the bridge's answer."""
        texts = {name: document[name] for name in ("reply", "progress") if document.get(name)}
        units = [*filter(None, [document.get("lead_unit")]), *document.get("assist_units", ())]
        lead = units[0] if units else self.box.random.choice(UNITS)
        case = Case(self._number(), None, document.get("title", ""), lead, tuple(units[1:]), texts)
        self.register.add(case)
        status, answer = await self._say(case, Step(Op.REPORT, report_fields(document, self._codes)))
        self._adopt(case, answer)
        if status == 200:
            self._walk(case, autopilot.worked(case, self.box.random))
        return {"eventId": case.number, "petition_id": case.petition_id, "status": status, "answer": answer}

    def _adopt(self, case: Case, answer: Mapping[str, Any]) -> None:
        number = answer.get("petitionId")
        if isinstance(number, str) and is_own(number):
            self.register.link(case, number)

    async def step(self, command: Document) -> Document:
        """One step of a case now; other keys of the command go into the document as they are."""
        case = self.register.find(command.get("eventId"), command.get("petition_id"))
        if case is None:
            return {"error": "this sandbox has no such case"}
        if command["step"] == "archive":
            case.archived = case.over = True
            return {"eventId": case.number, "archived": True}
        usual = autopilot.named(case, command["step"])
        if usual is None:
            return {"error": f"the {SYSTEM} sandbox has no step {command['step']!r}"}
        status, answer = await self._say(case, Step(usual.op, _changed(usual, command)))
        return {"eventId": case.number, "petition_id": case.petition_id, "status": status, "answer": answer}


def _changed(usual: Step, command: Document) -> Document:
    word = "reason" if "reason" in usual.fields else "advice"
    text = {word: command["text"]} if command.get("text") is not None else {}
    return {**usual.fields, **text, **{key: value for key, value in command.items() if key not in OWN_KEYS}}


def _checked(document: EventDocument) -> Op:
    for name in ("op", "eventId", "messageId"):
        if getattr(document, name) is None:
            raise UnknownDocument(f"字段{name}缺失")
    if document.op not in set(Op):
        raise UnknownDocument("字段op的取值不在约定之内")
    if document.op == Op.REPORT and document.content is None:
        raise UnknownDocument("字段content缺失")
    return Op(document.op)


def _unknown_event() -> Document:
    return {"code": "0", "message": "事件ID[eventId]无效"}


def _state(case: Case) -> Document:
    status = "04" if case.archived else "03" if case.over else "02"
    found = {"code": "1", "message": "成功", "eventId": case.number, "status": status}
    return {**found, "oppoSideBusiCode": case.petition_id, "messageIds": case.message_ids}


def _read(content: bytes) -> Document:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {"unreadable": content[:200].decode("utf-8", "replace")}
    return found if isinstance(found, dict) else {"unreadable": str(found)[:200]}


def _answer(document: Document, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")
