"""The center's door: who calls, what the document says, and the answer in its own dialect."""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote

import orjson
from pydantic import ValidationError

from adapters.governance_center import mapping
from adapters.governance_center.codes import Codes
from adapters.governance_center.guard import REFUSALS, Guard
from adapters.governance_center.mapping import Message, Unused
from adapters.governance_center.settings import CenterSettings
from adapters.governance_center.values import identifier
from adapters.governance_center.wire import EventDocument, Op, UnknownDocument, fault_text, parse
from bridge.adapter import (
    Answered,
    Door,
    Draft,
    Ignored,
    Malformed,
    Nonce,
    Outcome,
    PetitionView,
    Question,
    Read,
    Reading,
    Refused,
    Request,
    Response,
    Taken,
)

PATH = "/in/governance-center/events"
OPS = "、".join(Op)


def answer(http_status: int, code: str, message: str, event_id: str | None = None, **more: Any) -> Response:
    """`{"code", "message", "eventId", …}`; what is None is left out."""
    fields = {"code": code, "message": message, "eventId": event_id, **more}
    return Response(http_status, orjson.dumps({key: value for key, value in fields.items() if value is not None}))


def refusal(reason: str) -> Response:
    return answer(401, "0", REFUSALS[reason])


class CenterInbound:
    """Pure, as the port asks."""

    doors: Sequence[Door] = (Door(PATH), Door(PATH + "/{eventId}", ("GET",)))

    def __init__(self, settings: CenterSettings, codes: Codes) -> None:
        secret = settings.inbound_secret.get_secret_value()
        self._guard = Guard(settings.inbound_app_id, secret, settings.window_seconds)
        self._codes = codes

    def read(self, request: Request) -> Read:
        headers = request.headers
        reason = self._guard.fault(request.method, request.path, headers, request.body, request.received_at)
        if reason:
            return Read(Refused(refusal(reason), reason))
        reading = self._looked_up(request) if request.method == "GET" else self._document(request)
        return Read(reading, Nonce(headers["x-nonce"], refusal("replayed_nonce")))

    def too_large(self, request: Request) -> Response:
        return answer(413, "0", "报文超过1MiB，未处理：请分开发送，附件请以地址引用")

    def unavailable(self, request: Request) -> Response:
        return answer(503, "0", "系统繁忙，本次报文未留存：请稍后以同一messageId重发")

    # ── documents ──
    def _document(self, request: Request) -> Reading:
        event_id = None
        try:
            document, plain = parse(request.body, self._codes.aliases)
            event_id = document.eventId
            return self._understood(request, document, plain)
        except UnknownDocument as error:
            return _malformed(error.message, error.event_id or event_id)
        except ValidationError as error:
            return _malformed(fault_text(error), event_id)

    def _understood(self, request: Request, document: EventDocument, plain: dict[str, Any]) -> Reading:
        if document.op is None:
            raise UnknownDocument(f"字段op缺失：须为{OPS}之一", document.eventId)
        if document.eventId is None:
            raise UnknownDocument("字段eventId缺失：请填写事件编号")
        key = message_key(document, plain)
        if document.op in self._codes.ops_ignored:
            return _ignored(document.eventId, self._codes.ops_ignored[document.op], key)
        raw = request.body.decode("utf-8-sig")
        return self._read(Message(document, self._op(document), document.eventId, key, raw, request.received_at))

    def _op(self, document: EventDocument) -> Op:
        written = document.op or ""
        try:
            return self._codes.ops[written] if written in self._codes.ops else Op(written)
        except ValueError:
            raise UnknownDocument(f"字段op的取值不在约定之内：须为{OPS}之一", document.eventId) from None

    def _read(self, message: Message) -> Reading:
        if message.op is Op.REPORT:
            return self._report(message)
        try:
            return _taken(message, (mapping.update(message, self._codes),))
        except Unused as unused:
            return _ignored(message.event_id, str(unused), message.key)

    # ── reports ──
    def _report(self, message: Message) -> Reading:
        rule = self._codes.status.get(message.document.status or "")
        if rule is not None and rule.draft:
            return _ignored(message.event_id, rule.ignored or "draft", message.key)
        drafts = mapping.submissions(message, self._codes)
        refs = mapping.crossings(message.document, self._codes)
        if not refs:
            return _taken(message, drafts)
        return Question(lambda views: _taken(message, self._crossed(message, views) or drafts), refs)

    def _crossed(self, message: Message, views: Sequence[PetitionView]) -> tuple[Draft, ...]:
        """The same matter by another road is news about the petition we have, not a second petition."""
        return (mapping.noted(message, self._codes, views[0].petition_id),) if views else ()

    # ── look-up ──
    def _looked_up(self, request: Request) -> Reading:
        try:
            number = identifier(unquote(request.path.removeprefix(PATH + "/")))
        except ValueError as error:
            return Answered(answer(400, "0", f"事件ID无效：{error}"))
        document = EventDocument(eventId=number, oppoSideBusiCode=number)
        return Question(lambda views: _known(number, views), mapping.refs(document, number or "", self._codes))


def message_key(document: EventDocument, plain: dict[str, Any]) -> str:
    """The center's own `messageId`, else the digest of the document: the same again is the same message."""
    if document.messageId:
        return document.messageId
    body = json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return "sha256:" + hashlib.sha256(f"{document.op}\n{document.eventId}\n{body}".encode()).hexdigest()


def _malformed(message: str, event_id: str | None) -> Malformed:
    return Malformed(answer(400, "0", message, event_id), f"event document: {message}")


def _ignored(event_id: str, reason: str, key: str) -> Ignored:
    return Ignored(answer(200, "1", "成功", event_id), reason, key)


def _taken(message: Message, drafts: tuple[Draft, ...]) -> Taken:
    return Taken(drafts, _reply(message.event_id))


def _reply(event_id: str) -> Callable[[Sequence[Outcome]], Response]:
    def reply(outcomes: Sequence[Outcome]) -> Response:
        first = outcomes[0]
        return answer(200, "1", "成功", event_id, petitionId=first.petition_id, receipt=first.receipt)

    return reply


def _known(number: str | None, views: Sequence[PetitionView]) -> Answered:
    if not views:
        return Answered(answer(404, "0", "事件ID无效：没有这个事件", number))
    view = views[0]
    ours = {one.value for one in view.external_ids if one.system == mapping.SYSTEM}
    event_id = number if number in ours else next(iter(sorted(ours)), view.petition_id)
    return Answered(
        answer(
            200,
            "1",
            "成功",
            event_id,
            petitionId=view.petition_id,
            oppoSideBusiCode=view.petition_id,
            statusName=view.state,
            lastEvent=view.last_event,
            orgName=view.unit,
        )
    )
