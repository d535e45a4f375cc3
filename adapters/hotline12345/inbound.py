"""The door the hotline calls: one envelope, many actions. Pure."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from adapters.hotline12345 import cases, envelope, mapping, queries, wire
from adapters.hotline12345.codes import Codes
from adapters.hotline12345.settings import HotlineSettings
from bridge import strictjson
from bridge.adapter import Answered, Door, Ignored, Malformed, Outcome, Read, Reading, Refused, Request, Response, Taken

PATH = "/in/hotline12345/openapi/v1/action"

# What a success says, as the standard's samples word it.
DONE: Mapping[str, str] = {
    "REPORT": "工单上报成功",
    "ITEM_INST_SYNC": "工单办理经过同步成功",
    "DISPOSE_FEEDBACK": "工单处置反馈成功",
    "APPLY_ROLLBACK": "工单申请回退成功",
    "REPLY_ROLLBACK": "工单答复回退成功",
    "APPLY_POSTPONE": "工单申请延期成功",
    "REPLY_POSTPONE": "工单答复延期成功",
    "APPLY_CANCEL": "工单申请作废成功",
    "REPLY_CANCEL": "工单答复作废成功",
    "CHECK_FEEDBACK": "工单核查反馈成功",
    "ARCHIVE": "工单办结成功",
    "SUPERVISE": "工单督办成功",
    "SIGN": "签收成功",
    "UPDATE_CASE_INFO": "更新对接信息成功",
    "UPLOAD_CASE_INFO": "更新对接信息成功",
    "UPLOAD_MEDIA": "附件上传成功",
    "NOTICE_SIGNING": "通知签收成功",
}
KEPT = "已留存，待对应工单到达后处理"


class HotlineInbound:
    doors: Sequence[Door] = (Door(PATH),)

    def __init__(self, settings: HotlineSettings, codes: Callable[[], Codes]) -> None:
        """`codes`: the tables as they stand, with what the dictionary said last."""
        self._key = settings.inbound_key.get_secret_value().encode()
        self._sender = settings.peer_sender_code
        self._codes = codes

    def read(self, request: Request) -> Read:
        if not self._known(request):
            denied = envelope.answer(None, envelope.NOT_AUTHENTICATED, "认证错误", status=401)
            return Read(Refused(denied, "unknown_key" if _shown(request) else "no_key"))
        return Read(self._authenticated(request))

    def too_large(self, request: Request) -> Response:
        return envelope.answer(None, envelope.BAD_PARAMETERS, "请求体超过上限，附件请以mediaPath传递", status=413)

    def unavailable(self, request: Request) -> Response:
        return envelope.answer(None, envelope.UNKNOWN_FAULT, "系统暂时不可用，未接收，请稍后以同一uid重发", status=503)

    def _known(self, request: Request) -> bool:
        return bool(self._key) and any(hmac.compare_digest(shown, self._key) for shown in _shown(request))

    def _authenticated(self, request: Request) -> Reading:
        try:
            sent = wire.Envelope.model_validate(strictjson.loads_object(request.body))
        except strictjson.BadJson as error:
            return malformed(None, envelope.BAD_PARAMETERS, str(error))
        except ValidationError as error:
            return malformed(None, envelope.BAD_PARAMETERS, f"the envelope: {mapping.where(error)}")
        if self._sender is not None and sent.sender_code != self._sender:
            return malformed(sent.uid, envelope.FORBIDDEN, "senderCode is not the one we expect (发送方标识不符)")
        return self._understood(sent, request)

    def _understood(self, sent: wire.Envelope, request: Request) -> Reading:
        action = self._action(sent.action)
        uid = sent.uid.strip() if sent.uid else ""
        if len(uid) > 128 or not uid.isprintable():
            return malformed(None, envelope.BAD_PARAMETERS, "uid must be up to 128 printable characters (uid格式错误)")
        try:
            if action in QUESTIONS:
                return QUESTIONS[action](wire.Case.model_validate(sent.data), uid, self._codes())
            if action in PLAIN:
                return Answered(envelope.answer(uid, message=DONE.get(action), result=PLAIN[action]))
            if action not in mapping.READERS:
                return malformed(uid, envelope.UNKNOWN_ACTION, f"unknown action (未知操作): {action[:40]!r}")
            message = mapping.Message(uid or digest(action, sent.data), action, sent.data, request.received_at)
            return taken(message, mapping.drafts(message, self._codes()), uid)
        except ValidationError as error:
            return malformed(uid, envelope.BAD_PARAMETERS, mapping.where(error))
        except cases.Unclear as error:
            return malformed(uid, envelope.BAD_PARAMETERS, str(error))

    def _action(self, written: str) -> str:
        """The standard's own table writes "APPLY_ ROLLBACK"; a hotline that pushes its notices calls them by name."""
        action = written.replace(" ", "")
        return action if action in PLAIN else self._codes().notices.get(action, action)


QUESTIONS: Mapping[str, Callable[[wire.Case, str, Codes], Reading]] = {
    "GET_REC_INFO": queries.rec_info,
    "GET_REC_PROCESS_INFO": queries.process_info,
}

# We keep no notices: everything is told at once. Whoever polls us all the same finds an empty list.
PLAIN: Mapping[str, Any] = {
    "GET_NOTICE_INFO": {
        "resultList": [],
        "pageInfo": {"numPerPage": 10, "currentPage": 1, "totalPage": 0, "totalRecord": 0, "currentRecord": 0},
    },
    "NOTICE_SIGNING": {},
}


def taken(message: mapping.Message, drafts: Sequence[Any], uid: str) -> Reading:
    """The reading of a message understood: its drafts, or ignored when it has none."""
    done = DONE.get(message.action, "成功")
    if not drafts:
        return Ignored(envelope.answer(uid, message=done), f"{message.action}: ignored by the code table", message.key)
    return Taken(tuple(drafts), lambda outcomes: _outcome(uid, done, outcomes))


def malformed(uid: str | None, code: int, reason: str) -> Malformed:
    status = 403 if code == envelope.FORBIDDEN else 400
    return Malformed(envelope.answer(uid, code, reason, status=status), reason)


def digest(action: str, data: Mapping[str, Any]) -> str:
    """The key of a message without a uid: the same action with the same data is the same message."""
    canonical = json.dumps([action, data], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def _outcome(uid: str, done: str, outcomes: Sequence[Outcome]) -> Response:
    taken = next((outcome for outcome in outcomes if outcome.petition_id), None)
    if taken is None or taken.petition_id is None:
        return envelope.answer(uid, message=KEPT)
    result = {"recId": cases.rec_id(taken.petition_id), "taskNum": taken.petition_id}
    # Beyond the standard, which lets unknown keys pass: by it the hotline can prove that it handed the message over.
    return envelope.answer(uid, message=done, result=result | ({"receipt": taken.receipt} if taken.receipt else {}))


def _shown(request: Request) -> list[bytes]:
    headers, query = request.headers, request.query
    bearers = (headers.get("authorization"), headers.get("x-egova-authorization"))
    plain = (query.get("token"), query.get("egova_openapi_token"))
    shown = [_bearer(value) for value in bearers if value] + [value for value in plain if value]
    return [value.encode("utf-8", "surrogatepass") for value in shown]


def _bearer(value: str) -> str:
    scheme, _, credentials = value.partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else value
