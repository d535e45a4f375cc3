"""The calls we make: one event told, and the question whether it arrived."""

from typing import Any

from adapters.hotline12345 import answers, cases, telling
from adapters.hotline12345.client import Client
from adapters.hotline12345.codes import Codes
from bridge.adapter import CannotAsk, Outgoing, Receipt, Unknown
from schemas.event import EventType
from schemas.petition import ExternalId

NUMBERS = ("taskNum", "recId")


class HotlineOutbound:
    def __init__(self, client: Client, codes: Codes, unit_name: str) -> None:
        self._client = client
        self._codes = codes
        self._unit_name = unit_name
        self.speaks = frozenset(codes.tell) - {EventType.UNKNOWN}

    async def send(self, outgoing: Outgoing) -> Receipt:
        told = telling.tell(outgoing, self._codes, self._unit_name)
        try:
            answer = await self._client.act(told.action, told.data, outgoing.idempotency_key)
        except answers.AlreadyThere as error:
            return self._again(outgoing, told, error)
        if told.action == "REPORT":
            return reported(answer.result)
        return Receipt(number=_number(answer.result) or outgoing.idempotency_key)

    async def lookup(self, outgoing: Outgoing) -> Receipt | None:
        told = telling.tell(outgoing, self._codes, self._unit_name)
        try:
            if told.action == "REPORT":
                return await self._case(telling.case_id(outgoing))
            if told.action == "ITEM_INST_SYNC":
                return await self._step(outgoing, told.data)
        except answers.NotThere:
            return None
        raise CannotAsk(f"{told.action} leaves nothing behind that can be asked for")

    async def close(self) -> None:
        """Nothing of our own is open: the session is the workshop's."""

    def _again(self, outgoing: Outgoing, told: telling.Told, error: answers.AlreadyThere) -> Receipt:
        """They have it from an earlier attempt. A REPORT must still learn its numbers: the lookup adopts them."""
        if told.action == "REPORT" or outgoing.attempt <= 1:
            raise Unknown(error.code) from error
        return Receipt(number=outgoing.idempotency_key, detail="already_there")

    async def _case(self, case_id: str) -> Receipt | None:
        answer = await self._client.act("GET_REC_INFO", {"caseId": case_id})
        info = answer.result.get("recInfo")
        return reported(info) if isinstance(info, dict) and info else None

    async def _step(self, outgoing: Outgoing, data: dict[str, Any]) -> Receipt | None:
        """A processing step is in the list of steps, word for word, or it did not arrive."""
        answer = await self._client.act("GET_REC_PROCESS_INFO", {"caseId": data["caseId"]})
        steps = answer.result.get("itemInstList")
        if not isinstance(steps, list):
            raise Unknown("no_step_list")
        told = (data["action"], data["actionTime"], data["itemContent"])
        if any(isinstance(one, dict) and _signature(one) == told for one in steps):
            return Receipt(number=outgoing.idempotency_key, detail="found_by_lookup")
        return None


def reported(result: dict[str, Any]) -> Receipt:
    """The receipt of a REPORT. Raises `Unknown` without a number: a bare success proves nothing."""
    found = {kind: text for kind in NUMBERS if (text := _text(result.get(kind))) is not None}
    if not found:
        raise Unknown("no_number")
    ids = tuple(ExternalId(system=cases.SYSTEM, kind=kind, value=value) for kind, value in found.items())
    return Receipt(number=found.get("taskNum") or found["recId"], external_ids=ids, holds=True)


def _number(result: dict[str, Any]) -> str | None:
    return next((text for kind in NUMBERS if (text := _text(result.get(kind))) is not None), None)


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    text = str(value).strip()
    return text if 0 < len(text) <= 128 and text.isprintable() and text != "0" else None


def _signature(step: dict[str, Any]) -> tuple[Any, Any, Any]:
    return step.get("action"), step.get("actionTime"), step.get("itemContent")
