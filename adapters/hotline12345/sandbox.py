"""A stand-in of the hotline: its real paths, its own numbers, its refusals, and cases that move by themselves."""

import hashlib
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.hotline12345 import cases, codes, envelope, sandbox_case, sandbox_rules
from adapters.hotline12345.client import ACTION_PATH, DICTIONARY_PATH
from adapters.hotline12345.sandbox_autopilot import Autopilot
from adapters.hotline12345.sandbox_case import Case
from adapters.hotline12345.sandbox_gate import Gate
from adapters.hotline12345.sandbox_manners import Manners
from adapters.hotline12345.sandbox_order import work_order
from adapters.hotline12345.sandbox_questions import Questions, Refusal
from adapters.hotline12345.sandbox_register import Register
from adapters.hotline12345.settings import HotlineSettings
from adapters.hotline12345.token import CLIENT_PATH, PUBLIC_KEY_PATH
from bridge.adapter import SandboxPlan
from bridge.sandbox import Arrival, Sandbox
from schemas.petition import PetitionDraft

Handler = Callable[[Request], Awaitable[Response]]
SPOKEN = (
    "eventDesc",
    "disposeOpinion",
    "itemContent",
    "opinion",
    "applyReason",
    "replyOpinion",
    "archiveOpinion",
    "notifyContent",
)
LIST = "GET_REC_LIST"
AGAIN = "REPORT (reHandleFlag)"
"""What a REPORT of a case that is handled again is called among the arrivals."""
# Actions whose time or number names the very step: told twice under different uids they are duplicates.
ONCE = frozenset(
    {"ITEM_INST_SYNC", "DISPOSE_FEEDBACK", "CHECK_FEEDBACK", "ARCHIVE", "EVALUATE"}
    | {f"{verb}_{thing}" for verb in ("APPLY", "REPLY") for thing in ("ROLLBACK", "POSTPONE", "CANCEL")}
)


class HotlineSandbox:
    def __init__(self, settings: HotlineSettings, plan: SandboxPlan) -> None:
        self.core = Sandbox(cases.SYSTEM, plan.bridge_url, plan.pace_seconds, plan.seed, autopilot=plan.autopilot)
        self.core.originate, self.core.step = self._originate, self._step
        self._codes = codes.load(settings.codes)
        self.gate = Gate(settings)
        self.manners = Manners()
        self.register = Register()
        self.understood: Counter[str] = Counter()
        self.pilot = Autopilot(self.core, settings.inbound_key.get_secret_value(), self._codes.notices, self.manners)
        self.questions = Questions(self.register, self.pilot, self.manners, self._codes)

    @property
    def cases(self) -> dict[str, Case]:
        return self.register.cases

    def routes(self) -> list[Route]:
        return [
            Route(PUBLIC_KEY_PATH, self._moody(self.gate.public_key)),
            Route(CLIENT_PATH, self._moody(self.gate.client), methods=["POST"]),
            Route(ACTION_PATH, self._moody(self._act), methods=["POST"]),
            Route(DICTIONARY_PATH, self._dictionary),
            Route("/sandbox/manners", self._behave, methods=["POST"]),
            Route("/sandbox/register", self._seed, methods=["POST"]),
            *self.core.routes(),
        ]

    # ── actions ──
    def _moody(self, handle: Handler) -> Handler:
        async def handler(request: Request) -> Response:
            return await self.core.moody(lambda: handle(request))

        return handler

    async def _act(self, request: Request) -> Response:
        sent = _object(await request.body())
        uid = sent.get("uid") if sent else None
        try:
            if not self.gate.admits(request):
                raise Refusal(envelope.NOT_AUTHENTICATED, "认证错误")
            if sent is None or not isinstance(uid, str) or not uid or not isinstance(sent.get("data"), dict):
                raise Refusal(envelope.BAD_PARAMETERS, "参数错误")
            if fault := sandbox_rules.envelope_fault(sent, strict=self.manners.strict):
                raise Refusal(envelope.BAD_PARAMETERS, fault)
            if self.manners.strikes("refuse"):
                raise Refusal(self.manners.refusal, self.manners.words)
            return _json(self.manners.dressed(self._answer(str(sent.get("action")), sent["data"], uid)))
        except Refusal as refusal:
            return _json(envelope.document(uid, refusal.code, refusal.message))

    def _answer(self, action: str, data: dict[str, Any], uid: str) -> dict[str, Any]:
        # The list of a day is an extension, and a city may call it otherwise.
        known_as = LIST if action == self._codes.register["action"] else action
        if not sandbox_rules.known(known_as):
            raise Refusal(envelope.UNKNOWN_ACTION, "未知操作")
        if fault := sandbox_rules.fault(known_as, data, strict=self.manners.strict):
            raise Refusal(envelope.BAD_PARAMETERS, fault)
        self.understood[action] += 1
        if self.questions.asks(action):
            return envelope.document(uid, result=self.questions.answer(action, data))
        first = self.core.memory.taken(uid)
        if first is None and self.manners.strikes("lying"):
            rec_id, task_num = self.pilot.numbers()
            return envelope.document(uid, message="成功", result={"recId": rec_id, "taskNum": task_num})
        document: dict[str, Any] = first if first is not None else self._taken(action, data, uid)
        return document | {"result": {}} if self.manners.strikes("nameless") else document

    def _taken(self, action: str, data: dict[str, Any], uid: str) -> dict[str, Any]:
        case = self._reported(data) if action == "REPORT" else self.questions.case(data)
        if action == "NOTIFY" and not case.signed:
            raise Refusal(envelope.BAD_DATA, "工单未签收，不能告知")
        if action == "ITEM_INST_SYNC":
            case.steps.append(data)
        case.move(action, data)
        document = envelope.document(uid, message="成功", result={"recId": case.rec_id, "taskNum": case.task_num})
        # A case handled again is reported again, and is not given to us a second time.
        what = AGAIN if action == "REPORT" and data.get("reHandleFlag") == 1 else action
        arrival = Arrival(uid, data["caseId"], what, case.task_num, self.core.now().isoformat(), _spoken(data))
        self.core.memory.remember(arrival, document, effect=_effect(action, data))
        return document

    def _reported(self, data: dict[str, Any]) -> Case:
        """A new case; a case reported again keeps its numbers, and is handled again if the order says so."""
        case = self.cases.get(data["caseId"])
        if case is None or data.get("reHandleFlag") == 1:
            case = case or self.pilot.new_case(data["caseId"], petition_id=data["caseId"])
            self._keep(case, data)
            self.pilot.start(case)
        return case

    def _keep(self, case: Case, order: dict[str, Any]) -> None:
        case.order, case.title, case.description = order, order.get("title") or "", order["eventDesc"]
        case.handle = order.get("caseHandleId") or case.handle
        self.cases[case.case_id] = case

    async def _dictionary(self, request: Request) -> Response:
        """The dictionary, in the envelope that calls itself a failure, as the standard's sample has it."""
        if not self.gate.admits(request):
            return _json(envelope.document(None, envelope.NOT_AUTHENTICATED, "认证错误"))
        if self.manners.strikes("no_dictionary"):
            return Response(status_code=500)
        asked = request.query_params
        result = self.questions.entries(
            asked.get("code", ""), int(asked.get("pageIndex") or 1), int(asked.get("pageSize") or 1000)
        )
        told = {"success": False, "code": 0, "message": None, "result": result}
        return Response(orjson.dumps({**told, "hasError": True}), media_type="text/html")

    # ── what its runner asks of it ──
    async def _originate(self, document: dict[str, Any]) -> dict[str, Any]:
        """A citizen calls the hotline: the case is dispatched to the bridge, and then walks."""
        case = self._called(document)
        told = await self.pilot.tell("REPORT", case.order, case.uid)
        case.petition_id = ((told["answer"] or {}).get("result") or {}).get("taskNum") or ""
        if case.petition_id:
            self.pilot.start(case)
        return {"caseId": case.case_id, "petition_id": case.petition_id, **told}

    def _called(self, document: dict[str, Any]) -> Case:
        """A case that begins here, with the work order that tells it. `order` in the document is laid over that."""
        said = {name: document.pop(name, "") for name in ("reply", "progress")}
        external_id, more = str(document.pop("external_id", "") or ""), document.pop("order", {})
        draft = PetitionDraft.model_validate(document)
        case = self.pilot.new_case(external_id, originated=True, **said)
        case.case_id = external_id or f"{case.task_num}-{case.rec_id}"
        case.handle, case.uid = secrets.token_hex(16), self.pilot.uid()
        written = work_order(draft, self.core.now(), self._codes)
        self._keep(case, case.names | written | more)
        return case

    async def _step(self, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            case = self.register.named(str(asked.get("caseId") or asked.get("petition_id") or ""))
        except KeyError as error:
            return {"error": str(error.args[0])}
        step, text = str(asked.get("step")), str(asked.get("text") or "")
        if step not in sandbox_case.STEPS:
            return {"error": f"there is no step {asked.get('step')!r}"}
        if not asked.get("by_notice"):
            return await self.pilot.step(case, step, text)
        try:
            return {"noticeId": self.pilot.leave(case, step, text).number}
        except KeyError as error:
            return {"error": f"no notice carries {error.args[0]!r}"}

    async def _behave(self, request: Request) -> Response:
        try:
            return _json(self.manners.behave(orjson.loads(await request.body())))
        except KeyError as error:
            return _json({"error": f"there is no such mood: {error.args[0]}"}, 400)

    async def _seed(self, request: Request) -> Response:
        asked = orjson.loads(await request.body())
        try:
            invented = asked.get("do") == "invent"
            case = self._called(asked["document"]) if invented else self.register.seed(asked, self.pilot.numbers())
            if asked.get("do") == "forget":
                self._forget(case)
            return _json({"caseId": case.case_id, "recId": case.rec_id, "taskNum": case.task_num, "uid": case.uid})
        except (KeyError, ValueError) as error:
            return _json({"error": str(error)}, 400)

    def _forget(self, case: Case) -> None:
        """With the case the hotline has lost what it answered: the same uid brings it anew, and that is no
        duplicate."""
        memory = self.core.memory
        for arrival in memory.arrivals:
            if arrival.case == case.case_id:
                memory.answers.pop(arrival.key, None)
        memory._effects = {mark for mark in memory._effects if mark[0] != case.case_id}


def app(settings: HotlineSettings, plan: SandboxPlan) -> Starlette:
    """The sandbox as an ASGI app; `app.state.hotline` is the `HotlineSandbox`."""
    hotline = HotlineSandbox(settings, plan)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await hotline.core.close()

    made = Starlette(routes=hotline.routes(), lifespan=lifespan)
    made.state.hotline = hotline
    return made


def _effect(action: str, data: dict[str, Any]) -> str | None:
    if action == "REPORT":
        return f"handle:{data.get('caseHandleId') or ''}"
    return hashlib.sha256(orjson.dumps(data)).hexdigest() if action in ONCE else None


def _spoken(data: dict[str, Any]) -> str:
    evaluation = data.get("misRecEvaluation")
    if isinstance(evaluation, dict):
        return str(evaluation.get("content") or "")
    return next((str(data[name]) for name in SPOKEN if name in data), "")


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _json(document: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")
