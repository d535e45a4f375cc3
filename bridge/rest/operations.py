"""What `/v1` and the routes for machines can be asked and may answer: the core's own paths of the OpenAPI document.

A test holds the paths, methods and parameters equal to the routes of the application.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from pydantic import TypeAdapter

from bridge.apikeys import Scope
from bridge.apipart import answer, body, content, of
from bridge.rest.answers import MONTH
from bridge.rest.petitions import MAX_KEY
from bridge.rest.proofs import MAX_SIZE
from schemas.base import Moment

BEARER: Final = "bearer"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `scope`: what the key must be allowed, None where no key is asked for; `takes`: the
    request body's component; `gives`: status → component; `also`: other answers; `problems`: statuses of problem
    documents beside those that any such route has."""

    method: str
    path: str
    summary: str
    gives: Mapping[int, str]
    tag: str
    scope: Scope | None = None
    takes: str = ""
    asks: Sequence[Json] = ()
    also: Mapping[str, Json] | None = None
    problems: tuple[int, ...] = ()
    reads_ledger: bool = True
    description: str = ""

    def document(self) -> Json:
        """As it stands in the OpenAPI document."""
        found: Json = {
            "operationId": self.operation_id,
            "tags": [self.tag],
            "summary": self.summary,
            "security": [{BEARER: [self.scope]}] if self.scope else [],
            "responses": self._responses(),
        }
        if self.description:
            found["description"] = self.description
        if parameters := [*self._in_path(), *self.asks]:
            found["parameters"] = parameters
        if self.takes:
            found["requestBody"] = body(_shown(self.takes))
        return found

    @property
    def operation_id(self) -> str:
        parts = [part.strip("{}").removesuffix(".json") for part in self.path.split("/") if part and part != "v1"]
        return ".".join([*parts, self.method])

    def _in_path(self) -> list[Json]:
        names = [part.strip("{}") for part in self.path.split("/") if part.startswith("{")]
        return [{"name": name, "in": "path", "required": True, **IN_PATH[name]} for name in names]

    def _responses(self) -> Json:
        good = {str(status): answer(self.summary, _shown(name)) for status, name in self.gives.items()}
        told = {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in self._problems()}
        return {**dict(sorted(told.items())), **good, **(self.also or {})}

    def _problems(self) -> set[int]:
        found = {400, *self.problems}  # U+0000 in the address, wherever it leads
        found |= {401, 403} if self.scope else set()
        found |= {404} if "{" in self.path else set()
        found |= {413, 422} if self.takes else set()
        found |= {422} if any(one["in"] == "query" and _can_fail(one) for one in self.asks) else set()
        return found | ({503} if self.reads_ledger else set())


def _can_fail(parameter: Json) -> bool:
    """Whether a value of it can be refused: any text is good for a plain text parameter."""
    return bool(parameter.get("required")) or parameter["schema"] != {"type": "string"}


def _shown(name: str) -> Json:
    return content(of(name), {"example": examples()[name]} if name in examples() else None)


@cache
def examples() -> Json:
    """Component → an invented example."""
    return dict(json.loads(files("bridge.rest").joinpath("examples.json").read_text("utf-8")))


# ── parameters ────────────────────────────────────────────────────────────────────────────────────────────


def _query(name: str, description: str, schema: Json | None = None, *, required: bool = False) -> Json:
    return {
        "name": name,
        "in": "query",
        "required": required,
        "description": description,
        "schema": schema or {"type": "string"},
    }


IN_PATH: Final[Mapping[str, Json]] = {
    "petition_id": {
        "schema": {"type": "string"},
        "example": "LT261122-7K3M9QX2AB",
        "description": "诉求编号 · petition",
    },
    "handoff_id": {
        "schema": {"type": "string"},
        "example": "0f6a2a4e-7c55-5d7b-9d2e-6a1f0b9c4d10",
        "description": "交接编号 · hand-off",
    },
    "number": {"schema": {"type": "string"}, "example": "DB202611-03", "description": "包号 · package"},
    "system": {"schema": {"type": "string"}, "example": "hotline12345", "description": "系统 · system"},
    "day": {"schema": {"type": "string", "format": "date"}, "example": "2026-11-21", "description": "日期 · day"},
    "size": {
        "schema": {"type": "integer", "minimum": 0, "maximum": MAX_SIZE},
        "example": 2,
        "description": "检查点签署的条数 · the number of entries that the checkpoint signs",
    },
    "which": {
        "schema": {"type": "string", "enum": ["no_echo", "no_landing", "unconfirmed"]},
        "example": "no_echo",
        "description": "no_echo 无回音, no_landing 无着落, unconfirmed 待确认 · which list",
    },
    "month": {"schema": MONTH, "example": "2026-10", "description": "月份 YYYY-MM · month"},
}
LIMIT: Final = _query(
    "limit", "至多多少条 · at most so many", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
)
CURSOR: Final = _query("cursor", "上次应答的next_cursor · from the answer before")
ONCE: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "幂等键：同键同文得首次的应答，同键异文422 · the same key and body gets the first answer",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY},
}
NOTE: Final = answer("签名检查点 · a signed note", content({"type": "string"}, media_type="text/plain"))
_NO_SUCH_HANDOFF: Final = {
    **{name: examples()["VerdictProblem"][name] for name in ("type", "handoff_id")},
    **{"title": "Not found (未找到)", "status": 404, "detail": "no hand-off has this id"},
    **{"result": "not_found", "why": "no hand-off has this id"},
}
VERDICT_TOLD: Final = {
    "404": answer(
        "没有此交接 · no such hand-off",
        content(
            {"anyOf": [of("VerdictProblem"), of("Problem")]},
            {"not_found": _NO_SUCH_HANDOFF},
            media_type="application/problem+json",
        ),
    ),
    "409": answer(
        "所处状态不允许 · its state forbids it",
        content(of("VerdictProblem"), {"refused": examples()["VerdictProblem"]}, media_type="application/problem+json"),
    ),
}

# ── operations ────────────────────────────────────────────────────────────────────────────────────────────

OPERATIONS: Final = (
    # petitions
    Operation(
        "post", "/v1/petitions", "提交诉求 · Hand a petition in", {202: "PetitionTaken"}, "petitions",
        scope="petitions:write", takes="PetitionDocument", asks=(ONCE,), problems=(409,),
        description="同一external_id得到首次的应答 · The same `external_id` gets the first answer.",
    ),
    Operation(
        "get", "/v1/petitions", "诉求列表，先收先列，不含个人信息 · Petitions, oldest first; nothing personal",
        {200: "PetitionPage"}, "petitions", scope="petitions:read",
        asks=(
            _query("source", "来源系统 · source"), _query("state", "环节 · state"),
            _query("since", "受理时间不早于 · accepted since", TypeAdapter(Moment).json_schema()),
            CURSOR, LIMIT,
        ),
    ),
    Operation(
        "get", "/v1/petitions/{petition_id}", "一件诉求及其经过 · One petition with its events",
        {200: "PetitionView"}, "petitions", scope="petitions:read",
        asks=(_query("reason", "查看个人信息的事由，须有pii:read · why personal data is read; needs `pii:read`"),),
        description="个人信息打码；凭`pii:read`并注明事由可看原文，查看入台账 · Masked unless the key has "
        "`pii:read` and `reason` is given; such a read is journalled.",
    ),
    Operation(
        "post", "/v1/petitions/{petition_id}/events", "记一件事 · Say what happened", {202: "EventTaken"}, "petitions",
        scope="petitions:write", takes="EventDocument", asks=(ONCE,), problems=(409,),
    ),
    Operation(
        "get", "/v1/petitions/{petition_id}/trail", "办理轨迹 · Journal entries in order", {200: "Trail"}, "petitions",
        scope="petitions:read",
    ),
    # proofs
    Operation(
        "get", "/v1/petitions/{petition_id}/proof", "存证证明 · Inclusion proofs of its entries",
        {200: "ProofDocument"}, "proofs", scope="petitions:read",
    ),
    Operation(
        "get", "/v1/checkpoints/latest", "最新检查点（公开） · The newest signed checkpoint; public", {}, "proofs",
        also={"200": NOTE}, problems=(404,),
    ),
    Operation(
        "get", "/v1/checkpoints/{size}", "指定大小的检查点（公开） · The checkpoint of this size; public", {}, "proofs",
        also={"200": NOTE}, problems=(422,),
    ),
    Operation(
        "get", "/v1/checkpoints/{size}/consistency", "一致性证明（公开） · Nothing earlier was changed; public",
        {200: "ConsistencyDocument"}, "proofs",
        asks=(_query("from", "此前的条数 · an earlier number of entries",
                     {"type": "integer", "minimum": 0, "maximum": MAX_SIZE}, required=True),),
    ),
    # operations
    Operation(
        "get", "/v1/handoffs", "交接列表 · Hand-offs", {200: "HandoffPage"}, "operations", scope="petitions:read",
        asks=(
            _query("state", "parked为挂起待办 · `parked` waits for a person"), _query("system", "系统 · system"),
            _query("petition_id", "诉求编号 · petition"),
            _query("unsigned_hours", "送达逾此小时数未签收 · delivered so long ago and not signed for",
                   {"type": "number", "minimum": 0, "maximum": 24 * 365}),
            CURSOR, LIMIT,
        ),
    ),
    Operation(
        "get", "/v1/handoffs/{handoff_id}/attempts", "各次尝试 · Every attempt", {200: "Attempts"}, "operations",
        scope="petitions:read",
    ),
    Operation(
        "post", "/v1/handoffs/{handoff_id}/replay", "重新送出 · Send it again", {200: "Verdict"}, "operations",
        scope="operate", takes="ReplayOrder", also=VERDICT_TOLD,
    ),
    Operation(
        "post", "/v1/handoffs/{handoff_id}/cancel", "放弃交接 · Give it up", {200: "Verdict"}, "operations",
        scope="operate", takes="ReplayOrder", also=VERDICT_TOLD,
    ),
    Operation("get", "/v1/conservation", "守恒账 · The law now", {200: "Law"}, "operations", scope="petitions:read"),
    Operation(
        "get", "/v1/queues", "队列与断路器 · Queues and breakers", {200: "Queues"}, "operations",
        scope="petitions:read", reads_ledger=False,
    ),
    Operation(
        "get", "/v1/messages", "未成事的消息 · Messages that became nothing", {200: "Messages"}, "operations",
        scope="operate",
        asks=(_query("status", "malformed, kept, ignored", {"type": "string", "default": "malformed"}), LIMIT),
    ),
    Operation(
        "get", "/v1/unreached", "未送达名单 · Petitioners not yet reached", {200: "UnreachedPage"}, "operations",
        scope="petitions:read", asks=(CURSOR, LIMIT),
    ),
    Operation(
        "get", "/v1/unreached/owners", "未绑定微信的首问书记 · Owners who have bound no WeChat",
        {200: "UnboundOwnerPage"}, "operations", scope="petitions:read", asks=(CURSOR, LIMIT),
    ),
    Operation(
        "get", "/v1/packages/{number}", "打包件 · A joint package and its members", {200: "Package"}, "operations",
        scope="petitions:read", asks=(_query("system", "打包的系统 · the system that made it"),),
    ),
    Operation(
        "get", "/v1/petitions/{petition_id}/deadlines", "时限及其由来 · Its deadlines and how they came to be",
        {200: "DeadlinesExplained"}, "operations", scope="petitions:read",
    ),
    Operation(
        "get", "/v1/lists/{which}", "每日清单：无回音、无着落、待确认 · The lists of the day", {200: "ListPage"},
        "operations", scope="petitions:read", problems=(422,),
        asks=(_query("team", "服务队 · team"), _query("unit", "承办单位 · the unit that leads"), CURSOR, LIMIT),
    ),
    Operation(
        "get", "/v1/events", "次序不符的事件 · Events out of order", {200: "OutOfOrderPage"}, "operations",
        scope="petitions:read",
        asks=(
            _query("out_of_order", "只列次序不符者 · only those that moved nothing",
                   {"type": "string", "const": "true"}, required=True),
            CURSOR, LIMIT,
        ),
    ),
    Operation(
        "post", "/v1/petitions/{petition_id}/owner", "更换首问书记 · Hand it over to another owner",
        {200: "HandedOver"}, "operations", scope="operate", takes="OwnerOrder", problems=(409,),
    ),
    Operation(
        "post", "/v1/petitions/{petition_id}/merge", "并单 · Merge it into another", {200: "Merged"}, "operations",
        scope="operate", takes="MergeOrder", problems=(409,),
    ),
    Operation(
        "get", "/v1/duplicates", "疑似重复 · What one petitioner brought more than once", {200: "Suspects"},
        "operations", scope="operate",
        asks=(
            _query("days", "近多少天 · within so many days",
                   {"type": "number", "minimum": 0, "maximum": 3650, "default": 30.0}),
            LIMIT,
        ),
    ),
    Operation(
        "get", "/v1/reconciliations", "对账记录 · Runs of reconciliation", {200: "Runs"}, "operations", scope="operate",
        asks=(_query("system", "系统 · system"), LIMIT),
    ),
    Operation(
        "get", "/v1/reconciliations/{system}/{day}", "对账报告 · The newest report of this system and day", {},
        "operations", scope="operate",
        asks=(_query("form", "格式 · form", {"type": "string", "enum": ["json", "csv", "html"], "default": "json"}),),
        also={"200": answer(
            "对账报告 · the report",
            content(of("Report"), {"example": examples()["Report"]}),
            content({"type": "string"}, media_type="text/csv"),
            content({"type": "string"}, media_type="text/html"),
        )},
    ),
    Operation(
        "get", "/v1/rates/{month}", "三率 · The three rates of a month", {200: "Rates"}, "operations", scope="operate",
        problems=(422,), asks=(_query("team", "服务队 · team"),),
    ),
    # the monthly analysis
    Operation(
        "get", "/v1/digests/{month}", "月度分析研判及其材料 · The monthly analysis and what is handed on of it", {},
        "digests", scope="petitions:read", problems=(409, 500),
        asks=(
            _query("trace", "附每个数背后的诉求编号，须有operate · with the petitions; needs `operate`",
                   {"type": "boolean", "default": False}),
            _query("format", "格式，未注明则依Accept · form; without it `Accept` decides",
                   {"type": "string", "enum": ["json", "html", "xlsx"]}),
            _query("audience", "材料：会议（须有operate）、两代表一委员、单位 · for the meeting (needs `operate`), the "
                   "deputies, one department",
                   {"type": "string", "enum": ["everyone", "meeting", "deputies", "department"],
                    "default": "everyone"}),
            _query("unit", "单位名称，与audience=department同用 · the department, with `audience=department`"),
        ),
        description="当月未结束时仅限`operate`，且不提供两代表一委员和单位材料(409) · Until the month is over it is "
        "for `operate` only, and deputies' and departments' papers are refused (409).",
        also={"200": answer(
            "月度分析研判；Accept: text/html得网页 · the analysis; a page for `Accept: text/html`",
            content(
                {"anyOf": [of("Digest"), of("MeetingPackage"), of("DeputiesExport"), of("DepartmentExtract")]},
                {name: examples()[shape] for name, shape in (
                    ("everyone", "Digest"), ("meeting", "MeetingPackage"), ("deputies", "DeputiesExport"),
                    ("department", "DepartmentExtract"),
                )},
            ),
            content({"type": "string"}, media_type="text/html"),
            content({"type": "string", "format": "binary"},
                    media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )},
    ),
    Operation(
        "get", "/v1/digests/{month}/items", "对策建议 · Proposals made of it", {200: "DigestItems"}, "digests",
        scope="operate", problems=(422,),
    ),
    # for machines
    Operation("get", "/healthz", "进程存活 · The process lives", {200: "Health"}, "health", reads_ledger=False),
    Operation(
        "get", "/readyz", "是否就绪 · Ready to take petitions", {200: "Readiness", 503: "Readiness"}, "health",
        reads_ledger=False,
    ),
    Operation(
        "get", "/metrics", "指标 · Prometheus", {}, "health",
        also={"200": answer("指标 · metrics", content({"type": "string"}, media_type="text/plain"))},
    ),
    *(
        Operation(
            "get", path, summary, {}, "documents", reads_ledger=False,
            also={"200": answer(summary, content(schema, media_type=media_type))},
        )
        for path, summary, schema, media_type in (
            ("/openapi.json", "本文档 · This document", {"type": "object"}, "application/json"),
            ("/asyncapi.json", "总线文档 · The bus", {"type": "object"}, "application/json"),
            ("/console", "操作台 · The console", {"type": "string"}, "text/html"),
        )
    ),
)  # fmt: skip


def paths(operations: Sequence[Operation] = OPERATIONS) -> dict[str, Json]:
    """Path → path item."""
    found: dict[str, Json] = {}
    for operation in operations:
        found.setdefault(operation.path, {})[operation.method] = operation.document()
    return found
