"""JSON Schemas of what `/v1` answers: the shapes that are no canonical models. Fields not named as needed are left out
where there is nothing to say."""

from collections.abc import Mapping
from typing import Any, Final

from bridge.apipart import COMPONENTS, of
from bridge.ledger.unbound import UNBOUND_ZH
from bridge.ledger.unreached import WHY_ZH
from bridge.reconcile.difference import Kind, Resolution
from bridge.rules.landing import WHY_ZH as LISTED_ZH
from schemas.event import EventType
from schemas.petition import HandlingClass, Urgency
from schemas.petition import Kind as PetitionKind

Schema = Mapping[str, Any]

TEXT: Final = {"type": "string"}
COUNT: Final = {"type": "integer", "minimum": 0}
NUMBER: Final = {"type": "integer"}
FLAG: Final = {"type": "boolean"}
MOMENT: Final = {"type": "string", "format": "date-time"}
DAY: Final = {"type": "string", "format": "date"}
UUID: Final = {"type": "string", "format": "uuid"}
MONTH: Final = {"type": "string", "pattern": "^20[0-9]{2}-(0[1-9]|1[0-2])$"}
DIGEST: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
PETITION_ID: Final = {"type": "string", "minLength": 1, "maxLength": 128}
HANDOFF_STATES: Final = (
    *("pending", "queued", "waiting", "sending", "retrying", "unknown", "parked"),
    *("delivered", "acknowledged", "cancelled"),
)


def words(*known: str) -> dict[str, Any]:
    """One of these words."""
    return {"type": "string", "enum": list(known)}


def maybe(schema: Schema) -> dict[str, Any]:
    """This, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def many(schema: Schema) -> dict[str, Any]:
    return {"type": "array", "items": schema}


def by_name(schema: Schema) -> dict[str, Any]:
    """An object with names of our own choosing."""
    return {"type": "object", "additionalProperties": schema}


def record(title: str, needed: Schema, more: Schema | None = None, *, closed: bool = True) -> dict[str, Any]:
    """An object: what is always there, what may be, and nothing else where `closed`."""
    return {
        "title": title,
        "type": "object",
        "properties": {**needed, **(more or {})},
        "required": list(needed),
        "additionalProperties": not closed,
    }


def page(title: str, name: str, item: str) -> dict[str, Any]:
    """One page of a list, and where the next one begins."""
    return record(title, {name: many(of(item)), "next_cursor": maybe(TEXT)})


# ── the shapes ────────────────────────────────────────────────────────────────────────────────────────────

_VERDICT: Final = {
    "handoff_id": TEXT,
    "result": words("done", "would", "not_found", "refused"),
}
_VERDICT_MORE: Final = {"state": words(*HANDOFF_STATES), "petition_id": PETITION_ID, "system": TEXT, "why": TEXT}
_PROBLEM: Final = {
    "type": {"type": "string", "format": "uri-reference"},
    "title": TEXT,
    "status": {"type": "integer", "minimum": 400, "maximum": 599},
    "detail": TEXT,
}
_FAULT: Final = {"field": TEXT}
_FAULT_MORE: Final = {"fault": TEXT, "reason": TEXT, "next": TEXT}
_PETITION_LINE: Final = {
    "petition_id": PETITION_ID,
    "source": TEXT,
    "kind": words(*PetitionKind),
    "handling_class": words(*HandlingClass),
    "urgency": words(*Urgency),
    "region": TEXT,
    "team_id": TEXT,
    "state": TEXT,
    "state_at": MOMENT,
    "has_openid": FLAG,
    "last_sequence": COUNT,
    "receipt": DIGEST,
    "accepted_at": MOMENT,
    "updated_at": MOMENT,
    "members": COUNT,
}
_PETITION_LINE_MORE: Final = {
    "holder": TEXT,
    "answered_by": TEXT,
    "due_at": MOMENT,
    "closed_at": MOMENT,
    "erased_at": MOMENT,
    "merged_into": PETITION_ID,
}
_HANDOFF: Final = {
    "handoff_id": UUID,
    "event_id": UUID,
    "petition_id": PETITION_ID,
    "system": TEXT,
    "sequence": {"type": "integer", "minimum": 1},
    "event_type": words(*EventType),
    "state": words(*HANDOFF_STATES),
    "audience": TEXT,
    "rule": TEXT,
    "attempts": COUNT,
    "ask_first": FLAG,
    "created_at": MOMENT,
}
_HANDOFF_MORE: Final = {
    "wake_at": MOMENT,
    "lease_until": MOMENT,
    "receipt": TEXT,
    "reason": TEXT,
    "delivered_at": MOMENT,
    "acknowledged_at": MOMENT,
    "acknowledge_by": MOMENT,
}
_ATTEMPT: Final = {
    "handoff_id": UUID,
    "attempt": {"type": "integer", "minimum": 1},
    "started_at": MOMENT,
    "took_ms": COUNT,
    "outcome": TEXT,
}
_MESSAGE: Final = {
    "message_id": TEXT,
    "system": TEXT,
    "door": TEXT,
    "received_at": MOMENT,
    "content_type": TEXT,
    "status": words("taken", "malformed", "ignored", "kept"),
    "bytes": COUNT,
}
_MESSAGE_MORE: Final = {
    "message_key": TEXT,
    "reason": TEXT,
    "petition_id": PETITION_ID,
    "event_id": UUID,
    "receipt": DIGEST,
}
_ENTRY: Final = {"n": maybe({"type": "integer", "minimum": 0}), "at": MOMENT, "what": TEXT}
_ENTRY_MORE: Final = {
    "from": TEXT,
    "to": TEXT,
    "handoff_id": TEXT,
    "attempt": COUNT,
    "outcome": TEXT,
    "receipt": TEXT,
    "actor": TEXT,
    "reason": TEXT,
}
_RUN: Final = {"run_id": TEXT, "system": TEXT, "day": DAY, "ran_at": MOMENT}
_DIFFERENCE: Final = {
    "kind": words(*Kind),
    "side": words("here", "there"),
    "detail": TEXT,
    "resolution": words(*Resolution),
}
_TOTALS: Final = ("accepted", "closed", "open", "suggestions", "pending", "repeated", "difficult")
_LISTS: Final = (
    *("months", "kinds_by_class", "hot", "similar", "suggestions", "repeated"),
    *("pending", "pending_matters", "difficult", "difficult_matters", "units"),
)
_DIGEST_HEAD: Final = {"format": TEXT, "month": MONTH, "cut_off": MOMENT, "final": FLAG, "rules": {"type": "object"}}
_DIGEST: Final = {
    **_DIGEST_HEAD,
    **dict.fromkeys(("from", "until"), MOMENT),
    "totals": record("Totals 总数", dict.fromkeys(_TOTALS, of("Figure"))),
    "tables": by_name(many({"type": "object"})),
    **dict.fromkeys(_LISTS, many({"type": "object"})),
    "audience": words("everyone", "operators"),
}
_SEAL: Final = record("Seal 封存", {"sha256": DIGEST, "traced_sha256": DIGEST, "at": MOMENT})
_DIGEST_MORE: Final = {"against": many(MONTH), "sealed": maybe(_SEAL)}
"""A month that was sealed as `laiting-digest/3` or before has no `against`."""
_MOTION: Final = {"kind": words("motion", "proposal"), "number": TEXT, "outcome": maybe(TEXT)}
_CAME: Final = {"projects": many(TEXT), "motions": many(record("Motion 议案提案", _MOTION))}
_PROPOSAL: Final = {"item_id": TEXT, "title": TEXT, "about": {"type": "object"}, "state": TEXT, **_CAME}
_NOT_FOR_DEPUTIES: Final = ("kinds_by_class", "repeated", "pending", "pending_matters", "difficult",
                            "difficult_matters", "units")  # fmt: skip
_DEPUTIES: Final = {
    **{name: schema for name, schema in _DIGEST.items() if name not in _NOT_FOR_DEPUTIES},
    "audience": words("deputies"),
    "proposals": many(record("Proposal and what came of it 对策建议及结果", _PROPOSAL)),
}
_UNIT_LISTS: Final = ("kinds", "progress", "hot", "similar", "suggestions", "repeated", "difficult")
_UNIT: Final = {
    **dict.fromkeys(("key", "zh", "en"), TEXT),
    "count": maybe(COUNT),
    **dict.fromkeys(("open", "pending"), of("Figure")),
    **dict.fromkeys(_UNIT_LISTS, many({"type": "object"})),
}
_ITEM: Final = {"item_id": TEXT, "month": MONTH, "state": TEXT, "rounds": many({"type": "object"})}
_UNREACHED: Final = {
    "petition_id": PETITION_ID,
    "state": TEXT,
    "source": TEXT,
    "team_id": TEXT,
    "kind": words(*PetitionKind),
    "has_openid": FLAG,
    "accepted_at": MOMENT,
    "why": words(*WHY_ZH),
    "why_zh": words(*WHY_ZH.values()),
    "since": MOMENT,
}
_UNREACHED_MORE: Final = {"event_type": words(*EventType), "handoff_id": UUID, "code": TEXT}
_UNBOUND_OWNER: Final = {
    "owner_id": TEXT,
    "petitions": {"type": "integer", "minimum": 1},
    "oldest_at": MOMENT,
    "why": words(*UNBOUND_ZH),
    "why_zh": words(*UNBOUND_ZH.values()),
}
_LISTED: Final = {
    "petition_id": PETITION_ID,
    "team_id": TEXT,
    "state": TEXT,
    "handling_class": words(*HandlingClass),
    "why": words(*LISTED_ZH),
    "why_zh": words(*LISTED_ZH.values()),
    "since": MOMENT,
}
_LISTED_MORE: Final = {"owner_id": TEXT, "unit": TEXT, "late_units": many(TEXT), "due_at": MOMENT}
_MEMBER: Final = {
    "system": TEXT,
    "petition_id": PETITION_ID,
    "joined_at": MOMENT,
    "state": TEXT,
    "answered": FLAG,
}
_MEMBER_MORE: Final = {
    "due_at": MOMENT,
    "closed_at": MOMENT,
    "unit": TEXT,
    "owner_id": TEXT,
    "no_echo": words(*LISTED_ZH),
    "no_landing": words(*LISTED_ZH),
}
_CLOCKS: Final = ("accept", "sign", "return_by", "reply", "paused_since", "stopped_at")
_DUE: Final = {
    "clock": words("accept", "sign", "reply"),
    "due": MOMENT,
    "since": MOMENT,
    "until": maybe(MOMENT),
    "round": COUNT,
    "turn": COUNT,
    "provisional": FLAG,
}
_DEADLINES: Final = {
    "petition_id": PETITION_ID,
    "explained": TEXT,
    "profile": TEXT,
    "version": TEXT,
    "provisional": FLAG,
    "round": COUNT,
    "extensions": COUNT,
    "history": many(record("Deadline 时限", _DUE)),
    "notes": many(TEXT),
}
_OUT_OF_ORDER: Final = {
    "event_id": UUID,
    "petition_id": PETITION_ID,
    "sequence": {"type": "integer", "minimum": 1},
    "type": words(*EventType),
    "source": TEXT,
    "occurred_at": MOMENT,
    "recorded_at": MOMENT,
    "state": TEXT,
}
_LAW: Final = dict.fromkeys(("accepted", "closed", "held", "in_flight", "parked"), COUNT) | {
    "difference": NUMBER,
    "holds": FLAG,
    "by_system": by_name(by_name(COUNT)),
    "oldest_in_flight_seconds": {"type": "number", "minimum": 0},
    "orphans": many(TEXT),
}
_CHECKED: Final = ("database", "broker", "witness", "law")
_CHECK: Final = record(
    "Whether one thing is well 一项检查", {"ok": FLAG}, {"why": TEXT, "copies_behind": by_name(TEXT)}
)

SHAPES: Final[Mapping[str, Schema]] = {
    "Problem": record(
        "Problem 问题说明 (RFC 9457)",
        _PROBLEM,
        {"errors": many(record("What is wrong with one field 一处问题", _FAULT, _FAULT_MORE))},
        closed=False,
    ),
    "PetitionTaken": record("Petition taken 已受理", {"petition_id": PETITION_ID, "receipt": DIGEST}),
    "EventTaken": record("Event taken 事件已记", {"petition_id": PETITION_ID, "event_id": UUID, "receipt": DIGEST}),
    "PetitionLine": record("Petition in a list 诉求（列表）", _PETITION_LINE, _PETITION_LINE_MORE),
    "PetitionPage": page("Petitions 诉求列表", "petitions", "PetitionLine"),
    "TrailEntry": record("Journal entry 台账记录", _ENTRY, _ENTRY_MORE, closed=False),
    "Trail": record(
        "Trail 办理轨迹",
        {"petition_id": PETITION_ID, "state": TEXT, "holder": maybe(TEXT), "entries": many(of("TrailEntry"))},
    ),
    "HandoffLine": record("Hand-off 交接", _HANDOFF, _HANDOFF_MORE),
    "HandoffPage": page("Hand-offs 交接列表", "handoffs", "HandoffLine"),
    "Attempt": record("Attempt 一次尝试", _ATTEMPT, {"code": TEXT, "detail": TEXT}),
    "Attempts": record("Attempts 各次尝试", {"attempts": many(of("Attempt"))}),
    "Verdict": record("What an order did 指令结果", _VERDICT, _VERDICT_MORE),
    "VerdictProblem": record("Why an order was not carried out 指令未执行", {**_PROBLEM, **_VERDICT}, _VERDICT_MORE),
    "Law": record("The law 守恒账", _LAW),
    "Queues": record(
        "Queues 队列",
        {
            "queues": by_name(record("Depth of one queue 队列深度", {"ready": COUNT, "consumers": COUNT})),
            "trouble": maybe(TEXT),
            "breakers": by_name(FLAG),
            "systems": by_name(TEXT),
        },
    ),
    "MessageLine": record("Raw message 原始消息", _MESSAGE, _MESSAGE_MORE),
    "Messages": record("Messages that became nothing 未成事的消息", {"messages": many(of("MessageLine"))}),
    "UnreachedLine": record("Petitioner not reached 未送达", _UNREACHED, _UNREACHED_MORE),
    "UnreachedPage": page("Petitioners not reached 未送达名单", "unreached", "UnreachedLine"),
    "UnboundOwner": record("Owner who is told nothing 未绑定微信的首问书记", _UNBOUND_OWNER, {"team_id": TEXT}),
    "UnboundOwnerPage": page("Owners who are told nothing 未绑定书记名单", "owners", "UnboundOwner"),
    "ListLine": record("Petition on a list of the day 清单诉求", _LISTED, _LISTED_MORE),
    "Package": record(
        "Joint package 打包件",
        {
            "number": TEXT,
            "members": many(record("Member of a package 打包件成员", _MEMBER, _MEMBER_MORE)),
            "answered": COUNT,
            "open": COUNT,
        },
    ),
    "DeadlinesExplained": record(
        "Deadlines and how they came to be 时限及其由来", _DEADLINES, dict.fromkeys(_CLOCKS, MOMENT)
    ),
    "ListPage": page("List of the day 每日清单", "petitions", "ListLine"),
    "OutOfOrderLine": record("Event out of order 次序不符的事件", _OUT_OF_ORDER, {"actor": TEXT}),
    "OutOfOrderPage": page("Events out of order 次序不符的事件列表", "events", "OutOfOrderLine"),
    "HandedOver": record(
        "What a hand-over did 更换首问书记结果",
        {"petition_id": PETITION_ID, "result": words("done", "would")},
        {"owner": TEXT, "before": TEXT},
    ),
    "Merged": record(
        "What a merge did 并单结果",
        {"petition_id": PETITION_ID, "into": PETITION_ID, "result": words("done", "would")},
    ),
    "Suspects": record(
        "Perhaps one matter 疑似重复",
        {"suspects": many(record("Petitions of one petitioner 同一诉求人", {"petitions": many(PETITION_ID)}))},
    ),
    "Rate": record(
        "Rate 率",
        {
            "name": TEXT,
            "zh": TEXT,
            "rule": TEXT,
            "value": maybe({"type": "number", "minimum": 0, "maximum": 1}),
            "numerator": many(PETITION_ID),
            "denominator": many(PETITION_ID),
        },
    ),
    "Rates": record(
        "The three rates 三率", {"month": MONTH, "team": maybe(TEXT), "version": TEXT, "rates": many(of("Rate"))}
    ),
    "Run": record("Run of a reconciliation 一次对账", {**_RUN, "open_differences": COUNT, "digest": DIGEST}),
    "Runs": record("Runs of reconciliation 对账记录", {"reconciliations": many(of("Run"))}),
    "Difference": record("Difference 差异", _DIFFERENCE, {"petition_id": PETITION_ID, "number": TEXT, "why": TEXT}),
    "Report": record(
        "Reconciliation report 对账报告",
        {
            **_RUN,
            **dict.fromkeys(("here", "there", "matched", "open"), COUNT),
            "counts": record("Differences by kind 差异计数", {}, {kind.value: COUNT for kind in Kind}),
            "differences": many(of("Difference")),
        },
    ),
    "Figure": record(
        "Number; null where it would tell of a small group 数（不足k人者隐去）",
        {"count": maybe(COUNT)},
        {"petitions": many(PETITION_ID)},
    ),
    "Digest": record("Monthly analysis 月度分析研判", _DIGEST, _DIGEST_MORE),
    "MeetingPackage": record(
        "Package for the meeting 会议材料",
        {
            **_DIGEST,
            "audience": words("meeting"),
            "proposals": many(record("Proposal with its rounds 对策建议及过程", {**_PROPOSAL, **_ITEM})),
        },
        _DIGEST_MORE,
    ),
    "DeputiesExport": record("For deputies and members 两代表一委员材料", _DEPUTIES, _DIGEST_MORE),
    "DepartmentExtract": record(
        "One department's extract 单位材料",
        {**_DIGEST_HEAD, "audience": words("department"), "unit": record("Department 单位", _UNIT)},
        {"sealed": maybe(_SEAL)},
    ),
    "DigestItem": record("Proposal and its rounds 对策建议", _ITEM, closed=False),
    "DigestItems": record("Proposals 对策建议清单", {"items": many(of("DigestItem"))}),
    "Health": record("Process 进程", {"status": words("ok"), "owner": TEXT}),
    "Readiness": record(
        "Readiness 就绪",
        {"ready": FLAG, "checks": record("Checks 各项检查", dict.fromkeys(_CHECKED, _CHECK))},
    ),
}  # fmt: skip
"""Name among the components → schema."""


def petition_view(petition: Schema) -> dict[str, Any]:
    """`Petition` as `GET /v1/petitions/{id}` gives it: masked unless `masked` is missing, with where it is and what
    happened. `petition`: the schema of the canonical model."""
    more = {
        "accepted_at": MOMENT,
        "updated_at": MOMENT,
        "closed_at": MOMENT,
        "due_at": MOMENT,
        "confirmed_at": MOMENT,
        "holder": maybe(TEXT),
        "receipt": DIGEST,
        "answered_by": maybe(TEXT),
        "events": many({"$ref": f"{COMPONENTS}Event"}),
        "masked": {"const": True},
        "content_salt": TEXT,
    }
    needed = [*petition["required"], "accepted_at", "updated_at", "holder", "receipt", "answered_by", "events"]
    return {
        **petition,
        "title": "Petition with its events 诉求及其经过",
        "properties": {**petition["properties"], **more},
        "required": needed,
    }
