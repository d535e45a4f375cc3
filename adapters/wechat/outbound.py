"""Tells citizens, owner secretaries and units what happened: one template message for each of an event's audience."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.wechat.api import Api
from adapters.wechat.notices import template_message
from adapters.wechat.policy import Paused, Unreachable
from adapters.wechat.recipients import Recipients
from adapters.wechat.settings import TemplateIds
from adapters.wechat.words import Audience, Words
from bridge.adapter import Busy, CannotAsk, OutboundError, Outgoing, Permanent, Receipt, Workshop
from schemas.event import EventType

ORDER: tuple[Audience, ...] = ("petitioner", "owner", "unit")
REFUSED = "petitioner_refused"
"""The key of a hand-off's progress that keeps the error code with which the citizen cannot be reached."""


@dataclass(slots=True)
class Round:
    """One attempt: what has been achieved, and who could not be reached."""

    outgoing: Outgoing
    progress: dict[str, str]
    unbound: list[str]

    @property
    def refused(self) -> str | None:
        return self.progress.get(REFUSED)

    def waiting(self, audience: str) -> bool:
        """Whether `audience` is still to be told."""
        if audience in self.progress or (audience == "petitioner" and self.refused):
            return False
        # Someone must tell the citizen: whoever was routed here, the owner then hears of it.
        return audience in self.outgoing.audience or (audience == "owner" and self.refused is not None)

    @property
    def reached(self) -> list[str]:
        return [self.progress[audience] for audience in ORDER if audience in self.progress]


class WechatOutbound:
    """The outbound port. A pause the system asked for holds for every hand-off of this process."""

    def __init__(
        self, api: Api, templates: TemplateIds, recipients: Recipients, words: Words, workshop: Workshop
    ) -> None:
        self.speaks: frozenset[EventType] = frozenset(words.events_told)
        self._api = api
        self._templates: Mapping[str, str] = templates.model_dump()
        self._recipients = recipients
        self._words = words
        self._now = workshop.now
        self._pause: tuple[datetime, str] | None = None

    async def send(self, outgoing: Outgoing) -> Receipt:
        round_ = Round(outgoing, dict(outgoing.progress), [])
        try:
            for audience in ORDER:
                if round_.waiting(audience):
                    await self._tell(round_, audience)
            return _receipt(round_)
        except OutboundError as error:
            error.progress = {**round_.progress, **error.progress}
            raise

    async def lookup(self, outgoing: Outgoing) -> Receipt | None:
        # There is no call for it. Sending again with the same client_msg_id is the look-up: for ten minutes the system
        # takes it only once.
        raise CannotAsk("the system cannot be asked about a template message")

    async def close(self) -> None:
        return None

    async def _tell(self, round_: Round, audience: Audience) -> None:
        outgoing = round_.outgoing
        openid = self._recipients.of(audience, outgoing.event, outgoing.petition)
        if openid is None:
            round_.unbound.append(audience)
            return
        try:
            round_.progress[audience] = await self._send(round_, audience, openid)
        except Unreachable as error:
            self._not_reached(round_, audience, error)

    def _not_reached(self, round_: Round, audience: Audience, error: Unreachable) -> None:
        if audience == "petitioner":
            round_.progress[REFUSED] = str(error.errcode)
        else:
            round_.unbound.append(f"{audience}:{error.errcode}")

    async def _send(self, round_: Round, audience: Audience, openid: str) -> str:
        self._respect_pause()
        outgoing = round_.outgoing
        message = template_message(
            outgoing.event, outgoing.petition, audience, self._words, unreachable=round_.refused is not None
        )
        template_id = self._templates[message.purpose]
        if not template_id:
            raise Permanent(f"no_template_{message.purpose}")
        key = client_msg_id(outgoing.idempotency_key, audience)
        try:
            return await self._api.send_template(openid, template_id, message.data, key)
        except Paused as error:
            self._pause = (self._now() + timedelta(seconds=error.retry_after or 0), error.code)
            raise

    def _respect_pause(self) -> None:
        if self._pause is None:
            return
        until, code = self._pause
        left = (until - self._now()).total_seconds()
        if left > 0:
            raise Busy(code, left)
        self._pause = None


def client_msg_id(idempotency_key: str, audience: str) -> str:
    """The same for every attempt of a hand-off to one of its audience: the system sends it once in ten minutes."""
    return hashlib.sha256(f"{idempotency_key}:{audience}".encode()).hexdigest()[:32]


def _receipt(round_: Round) -> Receipt:
    outgoing, reached = round_.outgoing, round_.reached
    if not reached:
        raise Permanent(f"errcode_{round_.refused}" if round_.refused else _nobody(round_.unbound))
    task = outgoing.event.type is EventType.SUBMITTED and "unit" in outgoing.audience
    if task and "unit" not in round_.progress:
        # The unit's message is the task itself: a petition must not rest where nobody has been told of it.
        raise Permanent("unit_unbound")
    return Receipt(
        number=reached[0],
        holds=task,
        told_petitioner="petitioner" in round_.progress,
        detail=",".join(_details(round_)) or None,
        also=tuple(reached[1:]),
    )


def _nobody(unbound: Iterable[str]) -> str:
    codes = [name.partition(":")[2] for name in unbound if ":" in name]
    return f"errcode_{codes[0]}" if codes else "no_recipient"


def _details(round_: Round) -> list[str]:
    refused = [f"petitioner_unreachable:{round_.refused}"] if round_.refused else []
    # The unit's message falls back to the owner's openid: missing for both, it is one fault.
    return list(dict.fromkeys(refused + [_DETAILS.get(name) or _refused_detail(name) for name in round_.unbound]))


def _refused_detail(name: str) -> str:
    audience, _, code = name.partition(":")
    return f"{audience}_unreachable:{code}"


_DETAILS = {"petitioner": "petitioner_unreachable", "owner": "owner_unbound", "unit": "owner_unbound"}
