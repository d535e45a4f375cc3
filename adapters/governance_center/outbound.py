"""Our calls on the center: `POST {base}/events`, and `GET {base}/events/{id}` to ask what became of one."""

from urllib.parse import quote

import orjson

from adapters.governance_center import composing
from adapters.governance_center.answers import NOT_THERE, judged
from adapters.governance_center.calling import Caller
from adapters.governance_center.codes import Codes
from adapters.governance_center.numbers import EVENT_ID, SYSTEM, is_own
from adapters.governance_center.wire import Answer, Op
from bridge.adapter import CannotAsk, Outgoing, Permanent, Receipt, Unknown
from schemas.event import EventType
from schemas.petition import ExternalId

EVENTS = "/events"


class CenterOutbound:
    def __init__(self, caller: Caller, codes: Codes) -> None:
        self.speaks: frozenset[EventType] = frozenset(codes.says)
        self._caller = caller
        self._codes = codes

    async def send(self, outgoing: Outgoing) -> Receipt:
        op = composing.op_for(outgoing, self._codes)
        try:
            return await self._say(outgoing, op)
        except Permanent as error:
            if op is Op.REPORT or not _begins_anew(outgoing.event.type, error.code):
                raise
            return await self._say(outgoing, Op.REPORT)

    async def _say(self, outgoing: Outgoing, op: Op) -> Receipt:
        document = composing.document(outgoing, self._codes, op)
        reply = await self._caller.call("POST", EVENTS, orjson.dumps(document))
        return _receipt(outgoing, op, judged(reply, self._codes.answers))

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
        reply = await self._caller.call("GET", f"{EVENTS}/{quote(number, safe='')}", b"")
        try:
            return judged(reply, self._codes.answers)
        except Permanent as error:
            if error.code == "unknown_event":
                return None
            if error.code in NOT_THERE:
                raise CannotAsk from error
            raise


def _begins_anew(kind: EventType, refusal: str) -> bool:
    """Whether the petition is to be reported once more, for a new number there: the center has lost what we escalate,
    or has archived what is reopened (重办)."""
    if refusal == "archived":
        return kind is EventType.REHANDLED
    return refusal == "unknown_event" and kind in composing.ESCALATIONS


def _receipt(outgoing: Outgoing, op: Op, answer: Answer) -> Receipt:
    """The center's number for a report is the receipt; a step without one is receipted by the event's number."""
    known = outgoing.external_ids.get(EVENT_ID)
    # A batch-shaped answer may list the message's key, which numbers no event.
    told = answer.eventId if answer.eventId != outgoing.idempotency_key else None
    number = told or (None if op is Op.REPORT else known or outgoing.petition.petition_id)
    if number is None:
        # Accepted, yet no number: the pair would be stored with an empty opposite side. Ask by our own number.
        raise Unknown("no_event_id")
    # An echo of our number is its number only where it has no other.
    learnt = number != known and (not is_own(number) or (op is Op.REPORT and known is None))
    found = (ExternalId(system=SYSTEM, kind=EVENT_ID, value=number),) if learnt else ()
    return Receipt(number, found, holds=op is Op.REPORT, detail=op.value)
