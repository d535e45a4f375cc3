"""The calls we make: one event told, in one call or a few, and the question whether it arrived."""

from contextlib import suppress
from typing import Any

from adapters.hotline12345 import answers, cases, telling
from adapters.hotline12345.client import Client
from adapters.hotline12345.dictionary import Dictionary
from adapters.hotline12345.enclosing import Enclosing
from bridge.adapter import CannotAsk, OutboundError, Outgoing, Receipt, Unknown
from schemas.event import EventType
from schemas.petition import ExternalId

NUMBERS = ("taskNum", "recId")
FIRST = "first"
"""How the progress of a hand-off names its first call."""


class HotlineOutbound:
    def __init__(self, client: Client, dictionary: Dictionary, enclosing: Enclosing, unit_name: str) -> None:
        self._client = client
        self._dictionary = dictionary
        self._enclosing = enclosing
        self._unit_name = unit_name
        self.speaks = frozenset(dictionary.codes.tell) - {EventType.UNKNOWN}

    async def send(self, outgoing: Outgoing) -> Receipt:
        if any(told.action == "REPORT" for told in self._calls(outgoing)):
            await self._dictionary.refresh()
        done = dict(outgoing.progress)
        receipts: list[Receipt] = []
        for told in self._calls(outgoing):
            if (told.part or FIRST) in done:
                continue
            try:
                receipts.append(await self._tell(outgoing, told))
            except OutboundError as error:
                error.progress = {**done, **error.progress}
                raise
            done[told.part or FIRST] = receipts[-1].number
        return receipts[0] if receipts else Receipt(number=next(iter(done.values())))

    async def lookup(self, outgoing: Outgoing) -> Receipt | None:
        told, *more = self._calls(outgoing)
        if more:
            raise CannotAsk("one of several calls that was found would not mean that all arrived")
        try:
            if told.action == "REPORT":
                return await self._case(told.data["caseId"], told.data.get("caseHandleId"))
            if told.action == "ITEM_INST_SYNC":
                return await self._step(outgoing, told.data)
        except answers.NotThere:
            return None
        raise CannotAsk(f"{told.action} leaves nothing behind that can be asked for")

    async def close(self) -> None:
        await self._enclosing.close()

    # ── one call ──
    def _calls(self, outgoing: Outgoing) -> tuple[telling.Told, ...]:
        return telling.calls(outgoing, self._dictionary.codes, self._unit_name)

    async def _tell(self, outgoing: Outgoing, told: telling.Told) -> Receipt:
        data, detail = await self._enclosing.enclose(told.data)
        uid = outgoing.idempotency_key + (f"/{told.part}" if told.part else "")
        try:
            answer = await self._act(told, data, uid)
        except answers.AlreadyThere as error:
            return self._again(outgoing, told, error)
        if told.action == "REPORT":
            return reported(answer.result, detail)
        return Receipt(number=_number(answer.result) or uid, detail=detail)

    async def _act(self, told: telling.Told, data: dict[str, Any], uid: str) -> answers.Answer:
        try:
            return await self._client.act(told.action, data, uid)
        except answers.NotSigned:
            if told.action != "NOTIFY":
                raise
        # The case has been ours since we took it in; the hotline only wants to read so first (签收先于告知).
        case: dict[str, Any] = {name: data[name] for name in ("caseId", "caseHandleId") if name in data}
        with suppress(answers.AlreadyThere):
            await self._client.act("SIGN", case, f"{uid}/sign")
        return await self._client.act(told.action, data, uid)

    def _again(self, outgoing: Outgoing, told: telling.Told, error: answers.AlreadyThere) -> Receipt:
        """They have it from an earlier attempt. A REPORT must still learn its numbers: the lookup adopts them."""
        if told.action == "REPORT" or outgoing.attempt <= 1:
            raise Unknown(error.code) from error
        return Receipt(number=outgoing.idempotency_key, detail="already_there")

    # ── was it taken? ──
    async def _case(self, case_id: str, handle: str | None) -> Receipt | None:
        answer = await self._client.act("GET_REC_INFO", {"caseId": case_id})
        info = answer.result.get("recInfo")
        if not isinstance(info, dict) or not info:
            return None
        if handle is not None and info.get("caseHandleId") != handle:
            # The case is there, this dispatch of it is not; where they do not say, nobody can tell.
            if "caseHandleId" not in info:
                raise CannotAsk("they do not say which dispatch of the case they have")
            return None
        return reported(info)

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


def reported(result: dict[str, Any], detail: str | None = None) -> Receipt:
    """The receipt of a REPORT. Raises `Unknown` without a number: a bare success proves nothing."""
    found = {kind: text for kind in NUMBERS if (text := _text(result.get(kind))) is not None}
    if not found:
        raise Unknown("no_number")
    ids = tuple(ExternalId(system=cases.SYSTEM, kind=kind, value=value) for kind, value in found.items())
    return Receipt(number=found.get("taskNum") or found["recId"], external_ids=ids, holds=True, detail=detail)


def _number(result: dict[str, Any]) -> str | None:
    return next((text for kind in NUMBERS if (text := _text(result.get(kind))) is not None), None)


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    text = str(value).strip()
    return text if 0 < len(text) <= 128 and text.isprintable() and text != "0" else None


def _signature(step: dict[str, Any]) -> tuple[Any, Any, Any]:
    return step.get("action"), step.get("actionTime"), step.get("itemContent")
