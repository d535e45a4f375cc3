"""Our calls on the center: `POST {base}/events`, and `GET {base}/events/{id}` to ask what became of one."""

import secrets
from collections.abc import Callable
from urllib.parse import quote, urlsplit

import orjson

from adapters.governance_center import composing
from adapters.governance_center.answers import judged
from adapters.governance_center.codes import Codes
from adapters.governance_center.mapping import EVENT_ID, SYSTEM, is_own
from adapters.governance_center.settings import CenterSettings
from adapters.governance_center.signature import Signer
from adapters.governance_center.wire import Answer, Op
from bridge.adapter import CannotAsk, Outgoing, Permanent, Receipt, Unknown, Workshop
from bridge.outcall import Reply, call
from schemas.event import EventType
from schemas.petition import ExternalId

Nonces = Callable[[], str]
JSON = "application/json; charset=utf-8"
NOT_THERE = frozenset({"http_404", "http_405", "http_501"})


def fresh_nonce() -> str:
    return secrets.token_hex(16)


class CenterOutbound:
    def __init__(self, settings: CenterSettings, codes: Codes, workshop: Workshop) -> None:
        self.speaks: frozenset[EventType] = frozenset(codes.says)
        self._codes = codes
        self._workshop = workshop
        self._timeout = settings.timeout_seconds
        self._events = settings.base_url.rstrip("/") + "/events" if settings.base_url else None
        self._signer = Signer(settings.app_id, settings.secret.get_secret_value(), settings.sign_type)

    async def send(self, outgoing: Outgoing) -> Receipt:
        document = composing.document(outgoing, self._codes)
        reply = await self._call("POST", "", orjson.dumps(document))
        return _receipt(outgoing, Op(document["op"]), judged(reply, self._codes.answers))

    async def lookup(self, outgoing: Outgoing) -> Receipt | None:
        answer = await self._found(outgoing)
        op = composing.op_for(outgoing, self._codes)
        if answer is None:
            return None
        if op is Op.REPORT:
            return _receipt(outgoing, op, answer)
        if answer.messageIds is None:
            # The event is there; whether this step of it arrived, this center does not tell.
            raise CannotAsk
        return _receipt(outgoing, op, answer) if outgoing.idempotency_key in answer.messageIds else None

    async def close(self) -> None:
        """The session belongs to the workshop."""

    async def _found(self, outgoing: Outgoing) -> Answer | None:
        number = outgoing.external_ids.get(EVENT_ID, outgoing.petition.petition_id)
        reply = await self._call("GET", "/" + quote(number, safe=""), b"")
        try:
            return judged(reply, self._codes.answers)
        except Permanent as error:
            if error.code == "unknown_event":
                return None
            if error.code in NOT_THERE:
                raise CannotAsk from error
            raise

    async def _call(self, method: str, path: str, body: bytes) -> Reply:
        if self._events is None:
            raise Permanent("no_base_url")
        url = self._events + path
        headers = self._signer.headers(method, urlsplit(url).path, body, self._workshop.now(), fresh_nonce())
        if body:
            headers["Content-Type"] = JSON
        session = self._workshop.session()
        return await call(session, method, url, timeout_seconds=self._timeout, body=body or None, headers=headers)


def _receipt(outgoing: Outgoing, op: Op, answer: Answer) -> Receipt:
    """The center's number for a report is the receipt; a step without one is receipted by the event's number."""
    known = outgoing.external_ids.get(EVENT_ID)
    number = answer.eventId or (None if op is Op.REPORT else known or outgoing.petition.petition_id)
    if number is None:
        # Accepted, yet no number: the pair would be stored with an empty opposite side. Ask by our own number.
        raise Unknown("no_event_id")
    # An echo of our number is its number only where it has no other.
    learnt = number != known and (not is_own(number) or (op is Op.REPORT and known is None))
    found = (ExternalId(system=SYSTEM, kind=EVENT_ID, value=number),) if learnt else ()
    return Receipt(number, found, holds=op is Op.REPORT, detail=op.value)
