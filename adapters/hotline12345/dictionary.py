"""The hotline's dictionary (数据字典): its own ids for kinds, properties and sources, asked for once a day and kept.

Ids differ from city to city and the built-in ones are a sample, so what the dictionary says is laid over the code
tables, by name. What the city's own table file says counts more. It is asked for on the way to a REPORT or a poll,
never by a timer, and a dictionary that cannot be had holds nothing up: the tables are used as they are.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from adapters.hotline12345 import answers
from adapters.hotline12345.client import Client
from adapters.hotline12345.codes import Codes, Table
from bridge.adapter import OutboundError
from bridge.clock import Now
from schemas.petition import Kind

REC_TYPE: Final = "REC_TYPE"
EVENT_PROPERTY: Final = "EVENT_PROPERTY"
EVENT_SRC: Final = "EVENT_SRC"
LISTS: Final = (REC_TYPE, EVENT_PROPERTY, EVENT_SRC)

PAGE_SIZE: Final = 200
MAX_PAGES: Final = 20
PATIENCE: Final = timedelta(minutes=10)
"""How long a dictionary that could not be had is left alone."""

_log = structlog.get_logger("hotline12345.dictionary")


@dataclass(frozen=True, slots=True)
class Entry:
    """One code: the hotline's id and the name it has there."""

    id: str
    name: str


class Dictionary:
    """`codes` are the tables with what the dictionary said last."""

    def __init__(self, client: Client, codes: Codes, hours: float, now: Now) -> None:
        self.codes = codes
        self._base = codes
        self._client = client
        self._life = timedelta(hours=hours)
        self._now = now
        self._ask_at = datetime.max.replace(tzinfo=UTC) if hours == 0 else datetime.min.replace(tzinfo=UTC)
        self._lock = asyncio.Lock()

    async def refresh(self) -> None:
        """Ask again if what we know has grown old; who comes meanwhile waits for the one question.

        Raises `OutboundError` only where we are not let in at all: then nothing else would be either.
        """
        if self._now() < self._ask_at:
            return
        # Before the queue, not in it: who waits for a token that does not come shares the failure.
        await self._client.ready()
        async with self._lock:
            if self._now() < self._ask_at:
                return
            try:
                said = {name: await self._list(name) for name in LISTS}
            except OutboundError as error:
                if error.code.startswith(("token:", "auth:")):
                    raise
                self._ask_at = self._now() + PATIENCE
                _log.warning("dictionary.away", code=error.code)
                return
            self.codes = learn(self._base, said)
            self._ask_at = self._now() + self._life

    async def _list(self, name: str) -> list[Entry]:
        entries: list[Entry] = []
        for page in range(1, MAX_PAGES + 1):
            result = (await self._client.look_up(name, page, PAGE_SIZE)).result
            entries += _entries(result)
            if page >= answers.pages(result):
                break
        return entries


def learn(codes: Codes, said: Mapping[str, Sequence[Entry]]) -> Codes:
    """The tables with the dictionary's ids, matched by name. Pure.

    An id whose name has no entry in the tables loses the meaning that the built-in sample gave it: it is unmapped.
    """
    types, properties = said.get(REC_TYPE, ()), said.get(EVENT_PROPERTY, ())
    sent = codes.kinds_sent
    if "kinds.send" not in codes.pinned:
        sent = {kind: _row(codes, kind, sent[kind], types, properties) for kind in Kind}
    return replace(
        codes,
        rec_type_ids=_ids(codes, "rec_type_ids", codes.rec_type_ids, types),
        property_ids=_ids(codes, "property_ids", codes.property_ids, properties),
        kinds_sent=sent,
        event_sources=_sources(codes, said.get(EVENT_SRC, ())),
    )


def _ids(codes: Codes, table: str, known: Table, entries: Sequence[Entry]) -> Table:
    if f"kinds.{table}" in codes.pinned or not entries:
        return known
    kept = {number: word for number, word in known.items() if number not in {entry.id for entry in entries}}
    return kept | {entry.id: word for entry in entries if (word := codes.kind_names.get(entry.name)) is not None}


def _row(codes: Codes, kind: Kind, row: Table, types: Sequence[Entry], properties: Sequence[Entry]) -> dict[str, Any]:
    """How a kind is written: with the dictionary's id and name, where it has the kind."""
    found: dict[str, Any] = dict(row)
    for field, entries in (("rec_type", types), ("property", properties)):
        entry = _entry(codes, kind, entries)
        if entry is not None:
            found |= {field: int(entry.id), f"{field}_name": entry.name}
    return found


def _entry(codes: Codes, kind: Kind, entries: Sequence[Entry]) -> Entry | None:
    """The kind's own name before any other name that means it."""
    meant = [entry for entry in entries if codes.kind_names.get(entry.name) == kind and entry.id.isdecimal()]
    return min(meant, key=lambda entry: entry.name != kind.zh, default=None)


def _sources(codes: Codes, entries: Sequence[Entry]) -> Table:
    if "event_sources" in codes.pinned:
        return codes.event_sources
    ids = {entry.name: int(entry.id) for entry in entries if entry.id.isdecimal()}
    return {
        system: {**source, "id": ids.get(source["name"], source["id"])}
        for system, source in codes.event_sources.items()
    }


def _entries(result: Mapping[str, Any]) -> list[Entry]:
    data = result.get("data")
    found = [one for one in data if isinstance(one, dict)] if isinstance(data, list) else []
    return [
        Entry(str(one["id"]), one["name"].strip())
        for one in found
        if isinstance(one.get("name"), str) and isinstance(one.get("id"), (int, str)) and one["name"].strip()
    ]
