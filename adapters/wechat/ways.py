"""The ways to somebody's phone (送达途径): template, subscribe, then customer-service message.

Each says by what it raises whether the next one is to be tried.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from adapters.wechat.api import Api
from adapters.wechat.messages import CustomMessage, SubscribeMessage, TemplateMessage, Value
from adapters.wechat.messages import Words as Text
from adapters.wechat.notices import Notice
from adapters.wechat.policy import Paused
from adapters.wechat.settings import TemplateIds, WechatSettings
from adapters.wechat.words import Way, Words
from bridge.adapter import Busy, Permanent

TEMPLATE_SEND = "/cgi-bin/message/template/send"
SUBSCRIBE_SEND = "/cgi-bin/message/subscribe/bizsend"
CUSTOM_SEND = "/cgi-bin/message/custom/send"


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that was taken. `number` is the system's, or ours where it gives none; `told_later`: whether a
    delivery event will say how it fared."""

    way: Way
    number: str
    told_later: bool


class Sender(Protocol):
    """One way. `name` as in the trail."""

    name: Way

    def is_open(self, notice: Notice) -> bool:
        """Whether this account can say this at all this way."""
        ...

    async def send(self, openid: str, notice: Notice, key: str) -> Sent:
        """Raises `OutboundError`; `policy.Unreachable` where it does not get there."""
        ...


class Ways:
    """All ways of the account. A pause that the system asked for holds for one way and for everybody."""

    def __init__(self, api: Api, settings: WechatSettings, words: Words, now: Callable[[], datetime]) -> None:
        senders: tuple[Sender, ...] = (
            _Template(api, _ids(settings.templates), words),
            _Subscribe(api, _ids(settings.subscribe_templates), words),
            _CustomerService(api, words, allowed=settings.customer_service),
        )
        self._senders = senders
        self._now = now
        self._pauses: dict[Way, tuple[datetime, str]] = {}

    def open_for(self, notice: Notice, closed: frozenset[str]) -> list[Sender]:
        """The ways that are left, in order. Raises `Permanent` where the account has none for this message."""
        possible = [sender for sender in self._senders if sender.is_open(notice)]
        if not any(sender.name != "customer_service" for sender in possible):
            # A customer-service message reaches whoever wrote lately: nothing to found a duty upon.
            raise Permanent(f"no_template_{notice.purpose}")
        return [sender for sender in possible if sender.name not in closed]

    async def send(self, sender: Sender, openid: str, notice: Notice, key: str) -> Sent:
        """One message this way, unless the system asked for a pause. Raises `OutboundError`."""
        self._respect_pause(sender.name)
        try:
            return await sender.send(openid, notice, key)
        except Paused as error:
            self._pauses[sender.name] = (self._now() + timedelta(seconds=error.retry_after or 0), error.code)
            raise

    def _respect_pause(self, way: Way) -> None:
        until, code = self._pauses.get(way, (None, ""))
        if until is None:
            return
        left = (until - self._now()).total_seconds()
        if left > 0:
            raise Paused(code, left)
        del self._pauses[way]


def client_msg_id(idempotency_key: str, audience: str) -> str:
    """The same for every attempt of a hand-off to one of its audience: the system sends it once in ten minutes."""
    return hashlib.sha256(f"{idempotency_key}:{audience}".encode()).hexdigest()[:32]


def _ids(templates: TemplateIds) -> Mapping[str, str]:
    return {purpose: value for purpose, value in templates.model_dump().items() if value}


def _values(fields: Mapping[str, str]) -> dict[str, Value]:
    return {key: Value(value=value) for key, value in fields.items()}


class _ByTemplate:
    """A way that has a template for each purpose, and is open for the purposes that have one."""

    def __init__(self, api: Api, ids: Mapping[str, str], words: Words) -> None:
        self._api = api
        self._ids = ids
        self._words = words

    def is_open(self, notice: Notice) -> bool:
        return notice.purpose in self._ids


class _Template(_ByTemplate):
    """模板消息: for whoever follows the account."""

    name: Way = "template"

    async def send(self, openid: str, notice: Notice, key: str) -> Sent:
        message = TemplateMessage(
            touser=openid,
            template_id=self._ids[notice.purpose],
            client_msg_id=key,
            data=_values(notice.fields(self._words.templates[notice.purpose])),
        )
        return Sent(self.name, await self._api.send(TEMPLATE_SEND, message, numbered=True), told_later=True)


class _Subscribe(_ByTemplate):
    """订阅消息: for whoever agreed to this template, followers or not."""

    name: Way = "subscribe"

    async def send(self, openid: str, notice: Notice, key: str) -> Sent:
        message = SubscribeMessage(
            touser=openid,
            template_id=self._ids[notice.purpose],
            data=_values(notice.fields(self._words.subscribe[notice.purpose])),
        )
        number = await self._api.send(SUBSCRIBE_SEND, message)
        return Sent(self.name, number or f"subscribe-{key}", told_later=bool(number))


class _CustomerService:
    """客服消息: for whoever wrote within 48 hours, five times at most (45015, 45047)."""

    name: Way = "customer_service"

    def __init__(self, api: Api, words: Words, *, allowed: bool) -> None:
        self._api = api
        self._layouts = words.customer_service.model_dump()
        self._allowed = allowed

    def is_open(self, notice: Notice) -> bool:
        return self._allowed

    async def send(self, openid: str, notice: Notice, key: str) -> Sent:
        text = Text(content=notice.text(self._layouts[notice.audience]))
        await self._api.send(CUSTOM_SEND, CustomMessage(touser=openid, text=text))
        return Sent(self.name, f"custom-{key}", told_later=False)


def soonest(pauses: list[Busy]) -> Busy:
    """Of several pauses the one that ends first."""
    return min(pauses, key=lambda pause: pause.retry_after or 0.0)
