"""The sandbox's desk: what becomes of the documents that the bridge sends."""

from typing import Any

from adapters.governance_center import autopilot, composing, sandbox_cases, sandbox_rules
from adapters.governance_center.cases import Case, Casebook, units_of
from adapters.governance_center.codes import Codes
from adapters.governance_center.sandbox_moods import Dialect
from adapters.governance_center.sandbox_register import Seeds
from adapters.governance_center.sandbox_voice import ENDS_A_CASE, Voice
from adapters.governance_center.wire import EventDocument, Op, UnknownDocument, understood
from bridge.sandbox import Arrival, Sandbox

Document = dict[str, Any]
TAKEN, REFUSED = "1", "0"
UNKNOWN_EVENT = "事件ID[eventId]无效"
BUSY = "系统繁忙，请稍后再试"
LEFT_OUT = "字段校验未通过：该条未入库"


class Desk:
    def __init__(
        self, box: Sandbox, book: Casebook, codes: Codes, dialect: Dialect, seeds: Seeds, voice: Voice, platform: str
    ) -> None:
        self._box = box
        self._book = book
        self._codes = codes
        self._dialect = dialect
        self._seeds = seeds
        self._voice = voice
        self._platform = platform

    def one(self, loaded: Any) -> Document:
        try:
            document, plain = _checked(loaded)
            fault = sandbox_rules.fault(plain, self._platform) if self._dialect.strict else None
            if fault is not None:
                return refused(fault, document.eventId)
            return self._told(document, plain)
        except UnknownDocument as error:
            return refused(error.message, error.event_id)

    def _told(self, document: EventDocument, plain: Document) -> Document:
        lie = self._dialect.lying()
        if lie == "took":
            return _taken(self._voice.number())
        if self._dialect.refuses_this():
            return refused(LEFT_OUT, document.eventId)
        answer = self._taken(document, plain)
        return refused(BUSY, document.eventId) if lie == "refused" else answer

    def _taken(self, document: EventDocument, plain: Document) -> Document:
        op = Op(document.op or "")
        first = self._box.memory.taken(document.messageId or "")
        if first is not None:
            return dict(first)
        case = self._book.find(document.eventId, document.oppoSideBusiCode)
        if case is None and op is not Op.REPORT:
            return refused(UNKNOWN_EVENT)
        if case is not None and case.archived:
            if op is not Op.REPORT:
                return refused("事件已归档！")
            # A reopened matter: a round of its own, with a number of its own.
            case = None
        if case is not None and (waiting := sandbox_cases.waits_for(case, op, document)):
            return refused(f"协办单位尚未全部办结，主办单位不能办结：还有{len(waiting)}个", case.number)
        return self._kept(case or self._opened(document, plain), op, document, plain, new=case is None)

    def _opened(self, document: EventDocument, plain: Document) -> Case:
        lead, assists = units_of(document, self._box.random)
        now = self._box.now()
        return self._book.add(
            Case(self._voice.number(), document.oppoSideBusiCode, lead, assists, plain, now, ours=True)
        )

    def _kept(self, case: Case, op: Op, document: EventDocument, plain: Document, *, new: bool) -> Document:
        answer = _taken(case.number)
        key = document.messageId or ""
        ours = document.oppoSideBusiCode or case.petition_id or ""
        arrival = Arrival(key, ours, op.value, case.number, self._box.now().isoformat(), composing.said(plain))
        # One petition is reported once; any other op may rightly happen again.
        effect = f"once in round {self._seeds.round_of(ours)}" if op is Op.REPORT else None
        self._box.memory.remember(arrival, answer, effect=effect)
        case.message_ids.append(key)
        case.over = case.over or op in ENDS_A_CASE
        sandbox_cases.happened(case, op, document, self._codes)
        if new:
            self._voice.walk(case, autopilot.reported(case, self._box.random))
        elif op is Op.SUPERVISE and document.superviseState == "0":
            self._voice.walk(case, iter([autopilot.issued(case, plain)]))
        return answer

    def state(self, case: Case) -> Document:
        found = {**_taken(case.number), "status": sandbox_cases.status_code(case, self._codes)}
        return {**found, "oppoSideBusiCode": case.petition_id, "messageIds": case.message_ids}


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


def refused(message: str, event_id: str | None = None) -> Document:
    return {"code": REFUSED, "message": message, **({"eventId": event_id} if event_id else {})}


def together(answers: list[Document]) -> Document:
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
