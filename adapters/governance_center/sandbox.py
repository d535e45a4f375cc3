"""A stand-in of the center: takes signed event documents, remembers them, and works its cases towards the bridge.

Its parts: `sandbox_rules` (what the document allows), `sandbox_moods` (how it misbehaves), `sandbox_cases` (what a
document does to a case), `sandbox_register` (its list of cases, and differences to seed), `autopilot` (what it does by
itself).
"""

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

from adapters.governance_center import autopilot, batches, composing, sandbox_cases, sandbox_rules
from adapters.governance_center.autopilot import Step
from adapters.governance_center.cases import UNITS, Case, Casebook, event_number, units_of
from adapters.governance_center.codes import Codes, load
from adapters.governance_center.guard import REFUSALS, Guard
from adapters.governance_center.inbound import PATH
from adapters.governance_center.numbers import SYSTEM, is_own
from adapters.governance_center.originals import report_fields
from adapters.governance_center.sandbox_moods import Dialect, WrongDialect
from adapters.governance_center.sandbox_register import Seeds
from adapters.governance_center.settings import CenterSettings
from adapters.governance_center.signature import Signer
from adapters.governance_center.values import wire_time
from adapters.governance_center.wire import EventDocument, Op, UnknownDocument, understood
from bridge.adapter import SandboxPlan
from bridge.sandbox import Arrival, Sandbox
from bridge.strictjson import BadJson, loads

Document = dict[str, Any]
ENDS_A_CASE = frozenset({Op.CLOSE, Op.WITHDRAW})
NEVER_LATE = ENDS_A_CASE | {Op.REPORT, Op.EVALUATE}
OWN_KEYS = frozenset({"petition_id", "eventId", "step", "text", "force"})
TAKEN, REFUSED = "1", "0"
UNKNOWN_EVENT = "事件ID[eventId]无效"


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
        self.box.originate = self.originate
        self.box.step = self.step
        self.book = Casebook()
        self.dialect = Dialect()
        self.codes: Codes = load(settings.platform, settings.codes)
        self.seeds = Seeds(self.book, self.box, self.codes, settings.app_id)
        self._platform = settings.platform
        self._guard = Guard(settings.app_id, settings.secret.get_secret_value(), settings.window_seconds)
        self._nonces = Nonces(settings.window_seconds)
        secret = settings.inbound_secret.get_secret_value()
        self._signer = Signer(settings.inbound_app_id, secret, settings.sign_type)
        self._held_back: dict[str, Document] = {}

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
        if (refused := self._fault(request, body)) is not None:
            return refused
        try:
            loaded = loads(body)
        except BadJson as error:
            return self._answer(_refused(f"报文无法读取：{error}"))
        found = batches.items(loaded)
        if found is None:
            return self._answer(self._one(loaded))
        return self._answer(_together([self._one(one) for one in found]))

    async def _get(self, request: Request) -> Response:
        if (refused := self._fault(request, b"")) is not None:
            return refused
        case = self.book.find(request.path_params["number"])
        return self._answer(_refused(UNKNOWN_EVENT) if case is None else self._state(case))

    async def _list(self, request: Request) -> Response:
        body = await request.body()
        refused = self._fault(request, body)
        return self._answer(self.seeds.listed(body)) if refused is None else refused

    async def _report(self, request: Request) -> Response:
        if (refused := self._fault(request, b"")) is not None:
            return refused
        case = self.book.find(request.path_params["number"])
        return self._answer(_refused(UNKNOWN_EVENT) if case is None else self.seeds.reported(case))

    def _fault(self, request: Request, body: bytes) -> Response | None:
        now = self.box.now()
        reason = self._guard.fault(request.method, request.scope["path"], request.headers, body, now)
        if reason is None and self._nonces.used(request.headers["x-nonce"], now):
            reason = "replayed_nonce"
        return None if reason is None else self._answer(_refused(REFUSALS[reason]), 401)

    def _answer(self, document: Document, status: int = 200) -> Response:
        return Response(orjson.dumps(self.dialect.shaped(document)), status, media_type="application/json")

    # ── what the bridge sends ──
    def _one(self, loaded: Any) -> Document:
        try:
            document, plain = _checked(loaded)
            fault = sandbox_rules.fault(plain, self._platform) if self.dialect.strict else None
            if fault is not None:
                return _refused(fault, document.eventId)
            return self._told(document, plain)
        except UnknownDocument as error:
            return _refused(error.message, error.event_id)

    def _told(self, document: EventDocument, plain: Document) -> Document:
        lie = self.dialect.lying()
        if lie == "took":
            return _taken(self._number())
        if self.dialect.refuses_this():
            return _refused("字段校验未通过：该条未入库", document.eventId)
        answer = self._taken(document, plain)
        return _refused("系统繁忙，请稍后再试", document.eventId) if lie == "refused" else answer

    def _taken(self, document: EventDocument, plain: Document) -> Document:
        op = Op(document.op or "")
        first = self.box.memory.taken(document.messageId or "")
        if first is not None:
            return dict(first)
        case = self.book.find(document.eventId, document.oppoSideBusiCode)
        if case is None and op is not Op.REPORT:
            return _refused(UNKNOWN_EVENT)
        if case is not None and case.archived:
            return _refused("事件已归档！")
        if case is not None and (waiting := sandbox_cases.waits_for(case, op, document)):
            return _refused(f"协办单位尚未全部办结，主办单位不能办结：还有{len(waiting)}个", case.number)
        return self._kept(case or self._opened(document, plain), op, document, plain, new=case is None)

    def _opened(self, document: EventDocument, plain: Document) -> Case:
        lead, assists = units_of(document, self.box.random)
        now = self.box.now()
        return self.book.add(Case(self._number(), document.oppoSideBusiCode, lead, assists, plain, now, ours=True))

    def _kept(self, case: Case, op: Op, document: EventDocument, plain: Document, *, new: bool) -> Document:
        answer = _taken(case.number)
        key = document.messageId or ""
        ours = document.oppoSideBusiCode or case.petition_id or ""
        arrival = Arrival(key, ours, op.value, case.number, self.box.now().isoformat(), composing.said(plain))
        # One petition is reported once; any other op may rightly happen again.
        effect = f"once{self.seeds.forgotten.get(ours, '')}" if op is Op.REPORT else None
        self.box.memory.remember(arrival, answer, effect=effect)
        case.message_ids.append(key)
        case.over = case.over or op in ENDS_A_CASE
        sandbox_cases.happened(case, op, document, self.codes)
        if new:
            self._walk(case, autopilot.reported(case, self.box.random))
        elif op is Op.SUPERVISE and document.superviseState == "0":
            self._walk(case, iter([autopilot.issued(case, plain)]))
        return answer

    def _state(self, case: Case) -> Document:
        found = {**_taken(case.number), "status": sandbox_cases.status_code(case, self.codes)}
        return {**found, "oppoSideBusiCode": case.petition_id, "messageIds": case.message_ids}

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
        document = self._document(case, step)
        read, _ = understood(document, {})
        sandbox_cases.happened(case, step.op, read, self.codes)
        late = self._held_back.pop(case.number, None)
        if self.dialect.late and late is None and step.op not in NEVER_LATE:
            self._held_back[case.number] = document
            return 0, {"held_back": True}
        answer = await self._send(document)
        if self.dialect.twice:
            await self._send(document)
        if late is not None:
            await self._send(late)
        return answer

    def _document(self, case: Case, step: Step) -> Document:
        came_to = sandbox_cases.COMES_TO.get(step.op)
        document = {
            "op": step.op.value,
            "messageId": case.next_message_id(),
            "eventId": case.number,
            "eventName": case.title,
            "taskTime": wire_time(self.box.now()),
            "oppoSideBusiCode": case.petition_id,
            "status": self.codes.status_out.get(came_to) if came_to else None,
            **step.fields,
        }
        return {name: value for name, value in document.items() if value is not None}

    async def _send(self, document: Any) -> tuple[int, Document]:
        told = self.dialect.named(document) if isinstance(document, dict) else document
        body = orjson.dumps(told)
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
        case = self._original(document)
        case.document = self._document(case, Step(Op.REPORT, report_fields(document, self.codes)))
        status, answer = await self._send(case.document)
        self._adopt(case, answer)
        if status == 200:
            self._walk(case, autopilot.worked(case, self.box.random))
        return {"eventId": case.number, "petition_id": case.petition_id, "status": status, "answer": answer}

    def _original(self, document: Document) -> Case:
        texts = {name: document[name] for name in ("reply", "progress") if document.get(name)}
        units = [*filter(None, [document.get("lead_unit")]), *document.get("assist_units", ())]
        lead = units[0] if units else self.box.random.choice(UNITS)
        named, now = {"eventName": document.get("title", "")}, self.box.now()
        return self.book.add(Case(self._number(), None, lead, tuple(units[1:]), named, now, ours=False, texts=texts))

    def _adopt(self, case: Case, answer: Mapping[str, Any]) -> None:
        number = answer.get("petitionId")
        if isinstance(number, str) and is_own(number):
            self.book.link(case, number)

    async def step(self, command: Document) -> Document:
        """One step of a case now; other keys of the command go into the document as they are."""
        case = self.book.find(command.get("eventId"), command.get("petition_id"))
        if case is None:
            return {"error": "this sandbox has no such case"}
        if command["step"] == "archive":
            case.archived = case.over = True
            return {"eventId": case.number, "archived": True}
        usual = autopilot.STEPS.get(command["step"])
        if usual is None:
            return {"error": f"the {SYSTEM} sandbox has no step {command['step']!r}"}
        return await self._stepped(case, _changed(case, usual(case), command), force=bool(command.get("force")))

    async def _stepped(self, case: Case, step: Step, *, force: bool) -> Document:
        read, _ = understood({"orgName": case.lead, **step.fields}, {})
        waiting = sandbox_cases.waits_for(case, step.op, read)
        if waiting and not force:
            return {"error": f"the lead finishes last; still at work: {', '.join(waiting)}"}
        status, answer = await self._say(case, step)
        return {"eventId": case.number, "petition_id": case.petition_id, "status": status, "answer": answer}

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
        status, answer = await self._send(orjson.loads(await request.body())["documents"])
        return Response(orjson.dumps({"status": status, "answer": answer}), media_type="application/json")


def _changed(case: Case, usual: Step, command: Document) -> Step:
    word = "reason" if "reason" in usual.fields else "advice"
    text = {word: command["text"]} if command.get("text") is not None else {}
    more = {key: value for key, value in command.items() if key not in OWN_KEYS}
    role = {"role": case.role_of(command["orgName"])} if "orgName" in command else {}
    return Step(usual.op, {**usual.fields, **text, **role, **more})


def _checked(loaded: Any) -> tuple[EventDocument, Document]:
    """What even the lenient center asks of a document. Raises `UnknownDocument`."""
    if not isinstance(loaded, dict):
        raise UnknownDocument("报文须是JSON对象")
    document, plain = understood(loaded, {})
    for name in ("op", "eventId", "messageId"):
        if getattr(document, name) is None:
            raise UnknownDocument(f"字段{name}缺失", document.eventId)
    if document.op not in set(Op):
        raise UnknownDocument("字段op的取值不在约定之内", document.eventId)
    if document.op == Op.REPORT and document.content is None:
        raise UnknownDocument("字段content缺失", document.eventId)
    return document, plain


def _taken(number: str) -> Document:
    return {"code": TAKEN, "message": "成功", "eventId": number}


def _refused(message: str, event_id: str | None = None) -> Document:
    return {"code": REFUSED, "message": message, **({"eventId": event_id} if event_id else {})}


def _together(answers: list[Document]) -> Document:
    """One answer for a batch: who is in, and who is not and why."""
    good = [one["eventId"] for one in answers if one["code"] == TAKEN]
    failed = [
        {"index": index, "eventId": one.get("eventId"), "message": one["message"]}
        for index, one in enumerate(answers)
        if one["code"] != TAKEN
    ]
    code = TAKEN if good or not failed else REFUSED
    return {
        "code": code,
        "msg": "部分成功" if failed else "成功",
        "successStr": ",".join(good),
        "conflictStr": "",
        "failSituationList": failed,
        "results": answers,
    }


def _read(content: bytes) -> Document:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {"unreadable": content[:200].decode("utf-8", "replace")}
    return found if isinstance(found, dict) else {"unreadable": str(found)[:200]}
