"""Reconciliation (对账): the center's own list of its events in the words of our ledger, without the citizen.

Both sides are brought to canonical words first and digested then, so that a platform's spelling of a code is no
difference.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import orjson
from pydantic import BaseModel, ValidationError

from adapters.governance_center import petition as reports
from adapters.governance_center.answers import NOT_THERE, judged
from adapters.governance_center.calling import Caller
from adapters.governance_center.codes import Codes, Unmapped
from adapters.governance_center.listing import Entry, Listing, ListQuery, Reported
from adapters.governance_center.numbers import is_own
from adapters.governance_center.reading import Reader, message_key
from adapters.governance_center.units import attachments
from adapters.governance_center.values import wire_time
from adapters.governance_center.wire import UnknownDocument, renamed, understood, written
from bridge.adapter import CannotAsk, Notice, Permanent, Reading, Record, Unknown
from bridge.lifecycle import STATE_AFTER
from bridge.outcall import Reply
from bridge.strictjson import BadJson, loads_object
from schemas.base import SHANGHAI
from schemas.petition import Attachment, Petition, PetitionDraft

PAGES_AT_MOST = 10_000

Model = TypeVar("Model", bound=BaseModel)


class CenterRegister:
    def __init__(self, caller: Caller, codes: Codes, app_id: str) -> None:
        self._caller = caller
        self._codes = codes
        self._query = codes.register_query
        self._app_id = app_id
        self._reader = Reader(codes)

    async def day(self, day: date) -> Sequence[Record]:
        """All events that entered the center on that day. Raises `OutboundError`, `CannotAsk`."""
        begin = datetime.combine(day, time.min, SHANGHAI)
        found: dict[str, Record] = {}
        for page in range(1, PAGES_AT_MOST):
            listing = await self._page(begin, page)
            # A list that moves while it is read may show one event on two pages.
            found |= {record.number: record for record in map(self._record, listing.events)}
            if not listing.events or (listing.total is not None and len(found) >= listing.total):
                break
        return tuple(found.values())

    async def _page(self, begin: datetime, page: int) -> Listing:
        asked = {
            "beginTime": wire_time(begin),
            "endTime": wire_time(begin + timedelta(days=1)),
            "pageNo": page,
            "pageSize": self._query.page_size,
        }
        ListQuery.model_validate(asked)
        reply = await self._caller.call("POST", self._query.list_path, orjson.dumps(asked))
        return _read(Listing, self._renamed(self._judged(reply)))

    def _renamed(self, reply: Reply) -> dict[str, Any]:
        """The page with each entry's fields under our names, as a document's are."""
        page = _object(reply)
        entries = page.get("events")
        if isinstance(entries, list):
            page["events"] = [renamed(one, self._codes.aliases) if isinstance(one, dict) else one for one in entries]
        return page

    def _judged(self, reply: Reply) -> Reply:
        try:
            judged(reply, self._codes.answers)
        except Permanent as error:
            if error.code in NOT_THERE:
                raise CannotAsk from error
            raise
        return reply

    # ── one record ──
    def _record(self, entry: Entry) -> Record:
        if entry.eventId is None or entry.enterTimeStr is None:
            raise Unknown("entry_without_number_or_time")
        ours = entry.oppoSideBusiCode
        state, raw = self._state(entry)
        return Record(
            number=entry.eventId,
            petition_id=ours if is_own(ours) else None,
            entered_at=entry.enterTimeStr,
            ours=entry.reportAppId == self._app_id,
            state=state,
            raw_state=raw,
            digests=self._digests_of(entry),
            attachments=_names(attachments(entry)),
        )

    def _state(self, entry: Entry) -> tuple[str | None, str]:
        """(canonical state or None, the platform's own code)."""
        raw = "/".join(part for part in (entry.status, entry.subStatus) if part)
        try:
            rule = self._codes.status_rule(entry.status or "", entry.subStatus)
        except Unmapped:
            return None, raw
        return (STATE_AFTER.get(rule.event) if rule.event else None), raw

    def _digests_of(self, entry: Entry) -> Mapping[str, str]:
        try:
            draft, _ = reports.draft(entry, self._codes)
        except (UnknownDocument, ValidationError):
            # What cannot be read agrees with nothing, and is listed as that.
            return dict.fromkeys(FIELDS, "unreadable")
        return _digests(draft)

    # ── what it should say ──
    def digests(self, petition: Petition) -> Mapping[str, str]:
        return _digests(petition)

    def attachments(self, petition: Petition) -> frozenset[str]:
        return _names(petition.attachments)

    # ── what we never got ──
    async def fetch(self, record: Record) -> Notice:
        """The report as it was sent or should have been. Raises `OutboundError`."""
        path = self._query.document_path.replace("{eventId}", quote(record.number, safe=""))
        answer = _read(Reported, _object(self._judged(await self._caller.call("GET", path, b""))))
        if not answer.document:
            raise Unknown("no_document")
        try:
            document, plain = understood(answer.document, self._codes.aliases)
        except UnknownDocument:
            raise Permanent("unreadable_document") from None
        return Notice(message_key(document, plain), written(answer.document).encode())

    def read(self, notice: Notice, received_at: datetime) -> Reading:
        return self._reader.read(notice.body, received_at)


def _object(reply: Reply) -> dict[str, Any]:
    try:
        return loads_object(reply.body)
    except BadJson:
        raise Unknown("unreadable_answer") from None


def _read(model: type[Model], document: dict[str, Any]) -> Model:
    try:
        return model.model_validate(document)
    except ValidationError:
        raise Unknown("unreadable_answer") from None


# ── digests ───────────────────────────────────────────────────────────────────────────────────────────────

FIELDS = ("title", "content", "kind", "category", "urgency", "region_code", "grid")
"""What is compared. No name, number, address or place by which the citizen could be known."""


def _digests(petition: PetitionDraft) -> dict[str, str]:
    values = (
        petition.title,
        petition.content,
        petition.kind.value,
        petition.category.code,
        petition.urgency.value,
        petition.place.region_code,
        petition.place.grid,
    )
    return {name: _digest(value) for name, value in zip(FIELDS, values, strict=True)}


def _digest(value: str | None) -> str:
    """SHA-256 of the text with its line ends and outer blanks made alike; "" and none are one."""
    alike = (value or "").replace("\r\n", "\n").replace("\r", "\n").strip()
    return hashlib.sha256(alike.encode("utf-8", "surrogatepass")).hexdigest()


def _names(files: Sequence[Attachment]) -> frozenset[str]:
    """Digests of the names of all files of the event, whichever step brought them."""
    return frozenset(_digest(file.name) for file in files)
