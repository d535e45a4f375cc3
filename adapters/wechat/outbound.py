"""Tells citizens, owner secretaries and units what happened: one message for each of an event's audience, by the first
way that gets there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from adapters.wechat.notices import Notice, notice
from adapters.wechat.policy import Paused, Unreachable
from adapters.wechat.recipients import Recipients
from adapters.wechat.ways import Sent, Ways, client_msg_id, soonest
from adapters.wechat.words import Audience, Words
from bridge.adapter import CannotAsk, OutboundError, Outgoing, Permanent, Receipt
from schemas.event import EventType

ORDER: tuple[Audience, ...] = ("petitioner", "owner", "unit")
ASKED_TO_CALL = "owner:call"
TASKS = frozenset({EventType.SUBMITTED, EventType.RECLASSED})
"""Events whose message to the unit is the task itself."""
FAILED = "failed:"
"""Begins the key of a hand-off's progress that keeps how message number so-and-so failed (a delivery event said so)."""


@dataclass(slots=True)
class Round:
    """One attempt: who has been told by which message, which ways are closed, and who could not be reached.

    All of it is kept in the hand-off's progress, one key each: `owner` = number of the message, `owner:by` = its way,
    `owner:template` = why that way is closed, `petitioner:refused` = why the citizen cannot be reached at all,
    `owner:call` = number of the message that asks the owner to call.
    """

    outgoing: Outgoing
    progress: dict[str, str]
    unbound: list[str] = field(default_factory=list)
    sent: dict[str, Sent] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for audience in ORDER:
            number = self.progress.get(audience)
            failure = self.progress.get(f"{FAILED}{number}") if number else None
            if failure and number:
                # What was told did not get there after all: that way is closed, and they are to be told anew.
                self.close(audience, self.progress.get(f"{audience}:by", "template"), failure)
                self.progress[audience] = self.progress[f"{audience}:call"] = ""

    # ── who is told ──
    @property
    def refused(self) -> str | None:
        """The code with which the citizen cannot be reached by any way."""
        return self.progress.get("petitioner:refused")

    def waiting(self, audience: str) -> bool:
        """Whether `audience` is still to be told."""
        if self.refused and audience == "petitioner":
            return False
        # Someone must tell the citizen: whoever was routed here, and whatever was said before, the owner is asked to.
        if self.refused and audience == "owner":
            return not self.progress.get("owner:call")
        return audience in self.outgoing.audience and not self.progress.get(audience)

    def key(self, audience: str) -> str:
        """The key of the message: being asked to call is another message than being told."""
        asked = bool(self.refused) and audience == "owner"
        return client_msg_id(self.outgoing.idempotency_key, ASKED_TO_CALL if asked else audience)

    def told(self, audience: str, sent: Sent) -> None:
        self.sent[audience] = sent
        self.progress[audience] = sent.number
        self.progress[f"{audience}:by"] = sent.way
        if self.refused and audience == "owner":
            self.progress["owner:call"] = sent.number

    @property
    def reached(self) -> list[str]:
        return [audience for audience in ORDER if self.progress.get(audience)]

    # ── which ways are left ──
    def close(self, audience: str, way: str, why: str) -> None:
        self.progress[f"{audience}:{way}"] = why

    def closed(self, audience: str) -> frozenset[str]:
        return frozenset(way for way in ("template", "subscribe", "customer_service") if self._why(audience, way))

    def last_code(self, audience: str) -> str:
        """Why the first way was closed: what the others say is only that they were no way out."""
        codes = [self._why(audience, way) for way in ("template", "subscribe", "customer_service")]
        return next((code for code in codes if code), "no_way")

    def _why(self, audience: str, way: str) -> str | None:
        return self.progress.get(f"{audience}:{way}")


class WechatOutbound:
    """The outbound port."""

    def __init__(self, ways: Ways, recipients: Recipients, words: Words) -> None:
        self.speaks: frozenset[EventType] = frozenset(words.events_told)
        self._ways = ways
        self._recipients = recipients
        self._words = words

    async def send(self, outgoing: Outgoing) -> Receipt:
        round_ = Round(outgoing, dict(outgoing.progress))
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
        raise CannotAsk("the system cannot be asked about a message")

    async def close(self) -> None:
        return None

    async def _tell(self, round_: Round, audience: Audience) -> None:
        outgoing = round_.outgoing
        openid = self._recipients.of(audience, outgoing.event, outgoing.petition)
        if openid is None:
            round_.unbound.append(audience)
            return
        said = notice(outgoing.event, outgoing.petition, audience, self._words, unreachable=round_.refused is not None)
        if not await self._reach(round_, audience, openid, said):
            self._not_reached(round_, audience)

    async def _reach(self, round_: Round, audience: Audience, openid: str, said: Notice) -> bool:
        """Whether one of the ways that are left got there. Raises `Busy` where the only ones left are paused."""
        key = round_.key(audience)
        pauses: list[Paused] = []
        for sender in self._ways.open_for(said, round_.closed(audience)):
            try:
                round_.told(audience, await self._ways.send(sender, openid, said, key))
                return True
            except Unreachable as error:
                round_.close(audience, sender.name, str(error.errcode))
                if error.at_all:
                    break
            except Paused as error:
                # Tomorrow is late where another way is open today.
                pauses.append(error)
        else:
            if pauses:
                raise soonest(list(pauses))
        return False

    @staticmethod
    def _not_reached(round_: Round, audience: Audience) -> None:
        code = round_.last_code(audience)
        if audience == "petitioner":
            round_.progress["petitioner:refused"] = code
        else:
            round_.unbound.append(f"{audience}:{code}")


def _receipt(round_: Round) -> Receipt:
    outgoing, reached = round_.outgoing, round_.reached
    if not reached:
        raise Permanent(_code(round_.refused) if round_.refused else _nobody(round_.unbound))
    task = outgoing.event.type in TASKS and "unit" in outgoing.audience
    if task and "unit" not in reached:
        # The unit's message is the task itself: a petition must not rest where nobody has been told of it.
        raise Permanent("unit_unbound")
    first = reached[0]
    sent = round_.sent.get(first)
    return Receipt(
        number=round_.progress[first],
        holds=task,
        told_petitioner=first == "petitioner",
        # Where no delivery event will come, the system's taking it is the last word there is.
        acknowledged=sent is not None and not sent.told_later,
        detail=",".join(_details(round_)) or None,
        also=tuple(round_.progress[audience] for audience in reached[1:]),
        progress=round_.progress,
    )


def _code(why: str) -> str:
    return f"errcode_{why}" if why.lstrip("-").isdigit() else why


def _nobody(unbound: Iterable[str]) -> str:
    codes = [name.partition(":")[2] for name in unbound if ":" in name]
    return _code(codes[0]) if codes else "no_recipient"


def _details(round_: Round) -> list[str]:
    """Short codes for the attempt: who was not reached and why, and who was reached another way than the first."""
    refused = [f"petitioner_unreachable:{round_.refused}"] if round_.refused else []
    others = [
        f"{audience}_by:{way}"
        for audience in round_.reached
        if (way := round_.progress.get(f"{audience}:by", "template")) != "template"
    ]
    # The unit's message falls back to the owner's openid: missing for both, it is one fault.
    unbound = [_DETAILS.get(name) or _refused_detail(name) for name in round_.unbound]
    return list(dict.fromkeys([*refused, *others, *unbound]))


def _refused_detail(name: str) -> str:
    audience, _, code = name.partition(":")
    return f"{audience}_unreachable:{code}"


_DETAILS: Mapping[str, str] = {
    "petitioner": "petitioner_unreachable",
    "owner": "owner_unbound",
    "unit": "owner_unbound",
}
