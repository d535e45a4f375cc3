"""What a body means: one event document, or a batch of them. Pure; used by the door and by the register."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from adapters.governance_center import batches, mapping
from adapters.governance_center.codes import Codes, StatusRule
from adapters.governance_center.mapping import Message, Unused
from adapters.governance_center.numbers import crossings
from adapters.governance_center.replies import ignored, malformed, taken
from adapters.governance_center.wire import EventDocument, Op, UnknownDocument, fault_text, understood, written
from bridge.adapter import Draft, PetitionView, Question, Reading
from bridge.strictjson import BadJson, loads

OPS = "、".join(Op)


class Reader:
    """Reads with one city's code tables."""

    def __init__(self, codes: Codes) -> None:
        self._codes = codes

    def read(self, body: bytes, received_at: datetime) -> Reading:
        """Never raises for anything a body can be."""
        try:
            loaded = loads(body)
        except BadJson as error:
            return malformed(f"报文无法读取：{error}", None)
        items = batches.items(loaded)
        if items is not None:
            return batches.read(items, lambda one: self._one(one, written(one), received_at), received_at)
        return self._one(loaded, body.decode("utf-8-sig"), received_at)

    def _one(self, loaded: Any, raw: str, received_at: datetime) -> Reading:
        event_id = None
        try:
            if not isinstance(loaded, dict):
                raise UnknownDocument("报文无法读取：须是JSON对象 (an object is expected)")
            document, plain = understood(loaded, self._codes.aliases)
            event_id = document.eventId
            return self._document(document, plain, raw, received_at)
        except UnknownDocument as error:
            return malformed(error.message, error.event_id or event_id)
        except ValidationError as error:
            return malformed(fault_text(error), event_id)

    def _document(self, document: EventDocument, plain: dict[str, Any], raw: str, received_at: datetime) -> Reading:
        if document.op is None:
            raise UnknownDocument(f"字段op缺失：须为{OPS}之一", document.eventId)
        event_id = document.eventId or next(iter(document.members), None)
        if event_id is None:
            raise UnknownDocument("字段eventId缺失：请填写事件编号")
        key = message_key(document, plain)
        if document.op in self._codes.ops_ignored:
            return ignored(event_id, self._codes.ops_ignored[document.op], key)
        return self._message(Message(document, self._op(document), event_id, key, raw, received_at))

    def _op(self, document: EventDocument) -> Op:
        written = document.op or ""
        try:
            return self._codes.ops[written] if written in self._codes.ops else Op(written)
        except ValueError:
            raise UnknownDocument(f"字段op的取值不在约定之内：须为{OPS}之一", document.eventId) from None

    def _message(self, message: Message) -> Reading:
        if message.op is Op.REPORT:
            return self._report(message)
        try:
            return taken(message.event_id, mapping.updates(message, self._codes))
        except Unused as unused:
            return ignored(message.event_id, str(unused), message.key)

    def _report(self, message: Message) -> Reading:
        rule = mapping.reported_status(message, self._codes)
        if isinstance(rule, StatusRule) and rule.draft:
            return ignored(message.event_id, rule.ignored or "draft", message.key)
        drafts = mapping.submissions(message, self._codes)
        refs = crossings(message.document, self._codes)
        if not refs:
            return taken(message.event_id, drafts)
        return Question(lambda views: taken(message.event_id, self._crossed(message, views) or drafts), refs)

    def _crossed(self, message: Message, views: Sequence[PetitionView]) -> tuple[Draft, ...]:
        """The same matter by another road is news about the petition we have, not a second petition."""
        return (mapping.noted(message, self._codes, views[0].petition_id),) if views else ()


def message_key(document: EventDocument, plain: dict[str, Any]) -> str:
    """The center's own `messageId`, else the digest of the document: the same again is the same message."""
    if document.messageId:
        return document.messageId
    return "sha256:" + hashlib.sha256(f"{document.op}\n{document.eventId}\n{written(plain)}".encode()).hexdigest()
