"""A stand-in of the hotline: its real paths, its own numbers, its refusals, and cases that move by themselves."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.hotline12345 import cases, codes, envelope, sandbox_case, sandbox_rules
from adapters.hotline12345.client import ACTION_PATH
from adapters.hotline12345.sandbox_autopilot import Autopilot
from adapters.hotline12345.sandbox_case import Case
from adapters.hotline12345.sandbox_gate import Gate
from adapters.hotline12345.settings import HotlineSettings
from adapters.hotline12345.token import CLIENT_PATH, PUBLIC_KEY_PATH
from bridge.adapter import SandboxPlan
from bridge.sandbox import Arrival, Sandbox
from schemas.petition import KIND_ZH, Kind, PetitionDraft

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
# Actions whose time or number names the very step: told twice under different uids they are duplicates.
ONCE = frozenset(
    {"ITEM_INST_SYNC", "DISPOSE_FEEDBACK", "CHECK_FEEDBACK", "ARCHIVE", "EVALUATE"}
    | {f"{verb}_{thing}" for verb in ("APPLY", "REPLY") for thing in ("ROLLBACK", "POSTPONE", "CANCEL")}
)


class Refusal(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class HotlineSandbox:
    def __init__(self, settings: HotlineSettings, plan: SandboxPlan) -> None:
        self.core = Sandbox(cases.SYSTEM, plan.bridge_url, plan.pace_seconds, plan.seed, autopilot=plan.autopilot)
        self.core.originate, self.core.step = self._originate, self._step
        self._settings = settings
        self._codes = codes.load(settings.codes)
        self.gate = Gate(settings)
        self.cases: dict[str, Case] = {}
        self.pilot = Autopilot(self.core, settings.inbound_key.get_secret_value(), self._codes.notices)
        self._questions: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "GET_REC_INFO": self._rec_info,
            "GET_REC_PROCESS_INFO": lambda data: {"itemInstList": self._case(data).steps},
            "GET_NOTICE_INFO": self._notices,
            "NOTICE_SIGNING": self._signed,
        }

    def routes(self) -> list[Route]:
        return [
            Route(PUBLIC_KEY_PATH, self._moody(self.gate.public_key)),
            Route(CLIENT_PATH, self._moody(self.gate.client), methods=["POST"]),
            Route(ACTION_PATH, self._moody(self._act), methods=["POST"]),
            Route("/openapi/v1/dic", self._dictionary),
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
            return _json(self._answer(str(sent.get("action")), sent["data"], uid))
        except Refusal as refusal:
            return _json(envelope.document(uid, refusal.code, refusal.message))

    def _answer(self, action: str, data: dict[str, Any], uid: str) -> dict[str, Any]:
        if action not in sandbox_rules.REQUIRED:
            raise Refusal(envelope.UNKNOWN_ACTION, "未知操作")
        fault = sandbox_rules.fault(action, data)
        if fault is not None:
            raise Refusal(envelope.BAD_PARAMETERS, fault)
        if action in self._questions:
            return envelope.document(uid, result=self._questions[action](data))
        first = self.core.memory.taken(uid)
        return first if first is not None else self._taken(action, data, uid)

    def _taken(self, action: str, data: dict[str, Any], uid: str) -> dict[str, Any]:
        case = self._reported(data) if action == "REPORT" else self._case(data)
        self._moved(case, action, data)
        document = envelope.document(uid, message="成功", result={"recId": case.rec_id, "taskNum": case.task_num})
        arrival = Arrival(uid, data["caseId"], action, case.task_num, self.core.now().isoformat(), _spoken(data))
        self.core.memory.remember(arrival, document, effect=_effect(action, data))
        return document

    def _moved(self, case: Case, action: str, data: dict[str, Any]) -> None:
        if action == "SIGN":
            case.signed = True
        elif action == "ITEM_INST_SYNC":
            case.steps.append(data)
        elif action == "NOTIFY" and not case.signed:
            raise Refusal(envelope.BAD_DATA, "工单未签收，不能告知")

    def _reported(self, data: dict[str, Any]) -> Case:
        """A new case; a case reported again keeps its numbers."""
        case = self.cases.get(data["caseId"])
        if case is None:
            case = self.pilot.new_case(data["caseId"], petition_id=data["caseId"], title=data.get("title") or "")
            case.description = data["eventDesc"]
            case.handle = data.get("caseHandleId") or ""
            self.cases[case.case_id] = case
            self.pilot.start(case)
        return case

    def _case(self, data: Mapping[str, Any]) -> Case:
        case = self.cases.get(data["caseId"])
        if case is None:
            raise Refusal(envelope.BAD_RECORD, "数据记录异常：工单不存在")
        return case

    # ── questions ──
    def _rec_info(self, data: dict[str, Any]) -> dict[str, Any]:
        case = self._case(data)
        info = {
            "recId": case.rec_id,
            "taskNum": case.task_num,
            "title": case.title,
            "eventDesc": case.description,
            "actDefName": case.state,
            "unitName": case.unit,
            "medias": [],
        }
        return {"recInfo": info}

    def _notices(self, data: dict[str, Any]) -> dict[str, Any]:
        waiting = self.pilot.waiting(data["noticeName"])
        size, page = max(int(data.get("numPerPage") or 10), 1), max(int(data.get("curPage") or 1), 1)
        shown = waiting[(page - 1) * size : page * size]
        info = {
            "numPerPage": size,
            "currentPage": page,
            "totalPage": -(-len(waiting) // size),
            "totalRecord": len(waiting),
            "currentRecord": len(shown),
            "enableCount": True,
        }
        return {"resultList": [{"noticeId": n.number, "noticeData": n.data} for n in shown], "pageInfo": info}

    def _signed(self, data: dict[str, Any]) -> dict[str, Any]:
        for one in data["noticeList"]:
            self.pilot.sign(one.get("noticeId") if isinstance(one, dict) else None)
        return {}

    async def _dictionary(self, request: Request) -> Response:
        """The dictionary, in the envelope that calls itself a failure, as the standard's sample has it."""
        if not self.gate.admits(request):
            return _json(envelope.document(None, envelope.NOT_AUTHENTICATED, "认证错误"))
        entries = _dictionary_of(request.query_params.get("code", ""), self._codes)
        info = {"numPerPage": len(entries), "currentPage": 1, "totalPage": 1, "totalRecord": len(entries)}
        told = {"success": False, "code": 0, "message": None, "result": {"data": entries, "pageInfo": info}}
        return Response(orjson.dumps({**told, "hasError": True}), media_type="text/html")

    # ── what its runner asks of it ──
    async def _originate(self, document: dict[str, Any]) -> dict[str, Any]:
        """A citizen calls the hotline: the case is dispatched to the bridge, and then walks."""
        said = {name: document.pop(name, "") for name in ("reply", "progress")}
        external_id = str(document.pop("external_id", "") or "")
        draft = PetitionDraft.model_validate(document)
        case = self.pilot.new_case(external_id, originated=True, title=draft.title, **said)
        case.case_id = external_id or f"{case.task_num}-{case.rec_id}"
        case.handle, case.description = secrets.token_hex(16), draft.content
        self.cases[case.case_id] = case
        told = await self.pilot.tell(
            "REPORT", case.names | sandbox_case.work_order(draft, self.core.now(), self._codes)
        )
        case.petition_id = ((told["answer"] or {}).get("result") or {}).get("taskNum") or ""
        if case.petition_id:
            self.pilot.start(case)
        return {"caseId": case.case_id, "petition_id": case.petition_id, **told}

    async def _step(self, asked: dict[str, Any]) -> dict[str, Any]:
        wanted = str(asked.get("caseId") or asked.get("petition_id") or "")
        case = self.cases.get(wanted) or next((one for one in self.cases.values() if one.petition_id == wanted), None)
        if case is None:
            return {"error": f"there is no case {wanted!r}"}
        try:
            return await self.pilot.step(case, str(asked.get("step")), str(asked.get("text") or ""))
        except KeyError:
            return {"error": f"there is no step {asked.get('step')!r}"}


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


def _dictionary_of(code: str, tables: codes.Codes) -> list[dict[str, Any]]:
    if code == "REC_TYPE":
        return [{"id": tables.kinds_sent[kind]["rec_type"], "name": KIND_ZH[kind]} for kind in Kind]
    if code == "EVENT_SRC":
        return [dict(source) for source in tables.event_sources.values()]
    if code == "EVENT_PROPERTY":
        return [{"id": int(number), "name": KIND_ZH[Kind(kind)]} for number, kind in tables.property_ids.items()]
    return []


def _effect(action: str, data: dict[str, Any]) -> str | None:
    if action == "REPORT":
        return f"handle:{data.get('caseHandleId') or ''}"
    return str(hash(orjson.dumps(data))) if action in ONCE else None


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


def _json(document: Any) -> Response:
    return Response(orjson.dumps(document), media_type="application/json")
