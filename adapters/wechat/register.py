"""Reconciliation (对账) with the platform behind the service account: its own list of petitions, a day at a time.

The service account itself has no list. The form back end keeps one of what was filed and written; where
`BRIDGE_WECHAT__PLATFORM_URL` names it, it is asked (README 6), and otherwise nobody is.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

import aiohttp
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from adapters.wechat import drafts, form, gathering, wire
from adapters.wechat.settings import WechatSettings, secret
from adapters.wechat.words import Words
from bridge import strictjson
from bridge.adapter import CannotAsk, Malformed, Notice, Permanent, Reading, Record, Response, Taken, Transient
from bridge.outcall import call, refuse_http_error
from schemas.petition import Petition, PetitionDocument, PetitionDraft

T = TypeVar("T", bound=BaseModel)
QUERY, GET = "/platform/petitions/query", "/platform/petitions/get"
PAGE_SIZE = 100
MOST_PAGES = 1000
FORM, CONVERSATION = "external_id", "msg_id"


class Asked(BaseModel):
    """`POST /platform/petitions/query`: one page of one day."""

    model_config = ConfigDict(extra="forbid")

    day: str = Field(pattern=r"^\d{4}-\d\d-\d\d$")
    page: int = Field(ge=1)
    size: int = Field(ge=1, le=200)


class Item(BaseModel):
    """One line of the list. `fields` and `attachments` are SHA-256 over what was filed, UTF-8, nothing in clear."""

    number: str = Field(min_length=1, max_length=128)
    kind: str
    petitionId: str | None = None
    enteredAt: AwareDatetime
    status: str
    fields: dict[str, str] = Field(default_factory=dict)
    attachments: tuple[str, ...] = ()


class Page(BaseModel):
    """The answer to `Asked`."""

    total: int = Field(ge=0)
    page: int
    size: int
    items: tuple[Item, ...]


class Wanted(BaseModel):
    """`POST /platform/petitions/get`."""

    model_config = ConfigDict(extra="forbid")

    number: str


class Whole(BaseModel):
    """The answer to `Wanted`: the document, or the message, as it was filed."""

    kind: str
    number: str
    document: dict[str, Any] | None = None
    message: str | None = None


class WechatRegister:
    """Fills `bridge.adapter.Register`."""

    def __init__(
        self,
        settings: WechatSettings,
        words: Words,
        session: Callable[[], aiohttp.ClientSession],
    ) -> None:
        self._base = (settings.platform_url or "").rstrip("/")
        self._key = secret(settings.inbound_key)
        self._timeout = settings.timeout_seconds
        self._states = words.register_.states
        self._words = words
        self._session = session

    # ── asking ──
    async def day(self, day: date) -> Sequence[Record]:
        if not self._base:
            raise CannotAsk("the service account has no list of petitions; set platform_url")
        records: list[Record] = []
        for number in range(1, MOST_PAGES + 1):
            asked = Asked(day=day.isoformat(), page=number, size=PAGE_SIZE)
            page = await self._ask(QUERY, asked, Page)
            records += [self._record(item) for item in page.items]
            if number * PAGE_SIZE >= page.total or not page.items:
                return records
        raise Permanent("register_too_long")

    async def fetch(self, record: Record) -> Notice:
        if not self._base:
            raise CannotAsk("the service account has no list of petitions; set platform_url")
        whole = await self._ask(GET, Wanted(number=record.number), Whole)
        if whole.message is not None:
            try:
                key = wire.message(whole.message.encode()).key
            except wire.BadMessage:
                raise Permanent("register_message_unreadable") from None
        else:
            key = form.message_key(whole.number)
        return Notice(key=key, body=whole.model_dump_json(exclude_none=True).encode())

    async def _ask(self, path: str, document: BaseModel, answer: type[T]) -> T:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        reply = await call(
            self._session(),
            "POST",
            self._base + path,
            timeout_seconds=self._timeout,
            body=document.model_dump_json().encode(),
            headers=headers,
        )
        refuse_http_error(reply)
        if reply.status != 200:
            raise Permanent(f"register_http_{reply.status}")
        try:
            return answer.model_validate(strictjson.loads_object(reply.body))
        except (strictjson.BadJson, ValidationError):
            # A login page or a proxy's notice: asking changes nothing there, so asking again is harmless.
            raise Transient("register_unreadable") from None

    def _record(self, item: Item) -> Record:
        return Record(
            number=item.number,
            petition_id=item.petitionId,
            entered_at=item.enteredAt,
            ours=False,
            state=self._states.get(item.status) or None,
            raw_state="" if item.status in self._states else item.status,
            digests=item.fields if item.kind == FORM else {},
            attachments=frozenset(item.attachments) - _SENT if item.kind == FORM else frozenset(),
        )

    # ── comparing ──
    def digests(self, petition: Petition) -> Mapping[str, str]:
        """What was filed through the form. A conversation's messages are the list's own, word for word in our raw
        messages; and what a confidential petitioner said is not ours to compare: we are given it masked."""
        if not _filed(petition):
            return {}
        hidden = petition.petitioner.confidential or petition.petitioner.anonymous
        said = _said(petition)
        kept = {name: value for name, value in said.items() if not (hidden and name in ("title", "content"))}
        return {name: _sha256(value) for name, value in kept.items() if value}

    def attachments(self, petition: Petition) -> frozenset[str]:
        named = {_sha256(one.name) for one in petition.attachments} if _filed(petition) else set()
        return frozenset(named) - _SENT

    # ── taking in ──
    def read(self, notice: Notice, received_at: datetime) -> Reading:
        try:
            whole = Whole.model_validate(strictjson.loads_object(notice.body))
            if whole.message is not None:
                message = wire.message(whole.message.encode())
                submission = gathering.beginning(message, received_at, self._words, alone=True)
            else:
                submission = form.submission(PetitionDocument.model_validate(whole.document), received_at)
            return Taken((submission,), lambda outcomes: _NOTHING)
        except (ValidationError, ValueError) as error:
            return Malformed(
                _NOTHING, f"the register's document cannot be read: {type(error).__name__} (对账文件无法读取)"
            )


_SENT = frozenset(hashlib.sha256(name.encode()).hexdigest() for name in drafts.MEDIA_NAMES)
"""What the citizen sent later in the conversation is on no form: it is left out on both sides."""

_NOTHING = Response(200, b"")
"""A notice is not answered."""


def _filed(petition: Petition) -> bool:
    return any(number.system == form.SYSTEM and number.kind == FORM for number in petition.external_ids)


def _said(petition: PetitionDraft) -> dict[str, str]:
    # Not the handling class: we may have given it, and may change it.
    return {
        "kind": petition.kind.value,
        "urgency": petition.urgency.value,
        "title": petition.title,
        "content": petition.content,
        "region_code": petition.place.region_code or "",
        "category": petition.category.code or "",
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
