"""Several event documents in one request, each taken or refused for itself (批量报送，部分成功).

The batch is read document by document, committed in one transaction, and answered with who is in and who is not.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from adapters.governance_center.numbers import member_refs
from adapters.governance_center.replies import DONE, NOT_TAKEN, TAKEN, answer, malformed
from adapters.governance_center.values import identifier
from adapters.governance_center.wire import written
from bridge.adapter import (
    Draft,
    Ignored,
    Malformed,
    Outcome,
    PetitionView,
    Question,
    Reading,
    Response,
    Taken,
    Update,
)
from bridge.strictjson import loads_object
from schemas.event import EventData, EventType, RawCode

EVENTS = "events"
DOCUMENTS_AT_MOST = 100
"""Each document's row keeps the whole body as it came: a batch must not multiply into gigabytes."""

DRAFTS_AT_MOST = 400
"""The same for documents that are about many events."""

QUESTIONS_AT_MOST = 60
"""How many documents of a batch may name another system's number: each is looked up, and the core bounds the chain."""

ALONE = "本批次须比对编号或涉及的事件过多，请单独报送本事件"
LONGEST_NAME = 200
RESULTS = {"new": "created", "event": "updated", "duplicate": "duplicate", "kept": "kept"}

ReadOne = Callable[[Any], Reading]


@dataclass(frozen=True, slots=True)
class Part:
    """One document of the batch and what it was read as. `index` counts from 0."""

    index: int
    item: Any
    reading: Reading

    def number(self, name: str) -> str | None:
        try:
            return identifier(self.item.get(name)) if isinstance(self.item, dict) else None
        except ValueError:
            return None


def items(loaded: Any) -> list[Any] | None:
    """The documents of a batch: a list, or a list under `events`; None for a single document."""
    found = loaded.get(EVENTS) if isinstance(loaded, dict) and "op" not in loaded else loaded
    return found if isinstance(found, list) else None


def read(found: list[Any], read_one: ReadOne, received_at: datetime) -> Reading:
    """The batch as one reading."""
    if not found:
        return malformed("批量报文中没有事件：须至少有一个JSON对象", None)
    if len(found) > DOCUMENTS_AT_MOST:
        return malformed(f"批量报文超过{DOCUMENTS_AT_MOST}个事件：请分批报送", None)
    return _Batch(found, read_one, received_at).go_on()


@dataclass(frozen=True, slots=True)
class _Batch:
    """A batch read as far as `done`; one document that must be looked up first suspends it, and the answer resumes."""

    found: list[Any]
    read_one: ReadOne
    received_at: datetime
    done: tuple[Part, ...] = ()
    asked: int = 0

    def go_on(self) -> Reading:
        done = list(self.done)
        while len(done) < len(self.found):
            item = self.found[len(done)]
            reading = self.read_one(item)
            if isinstance(reading, Question):
                if self.asked < QUESTIONS_AT_MOST:
                    return Question(self._answered(tuple(done), reading), reading.refs)
                reading = malformed(ALONE, None)
            done.append(Part(len(done), item, _bounded(reading, done)))
        return _together(done, self.received_at)

    def _answered(self, done: tuple[Part, ...], question: Question) -> Callable[[Sequence[PetitionView]], Reading]:
        def then(views: Sequence[PetitionView]) -> Reading:
            part = Part(len(done), self.found[len(done)], _bounded(question.then(views), done))
            return replace(self, done=(*done, part), asked=self.asked + 1).go_on()

        return then


def _bounded(reading: Reading, done: Sequence[Part]) -> Reading:
    before = sum(len(part.reading.drafts) for part in done if isinstance(part.reading, Taken))
    much = isinstance(reading, Taken) and before + len(reading.drafts) > DRAFTS_AT_MOST
    return malformed(ALONE, None) if much else reading


def _together(parts: Sequence[Part], received_at: datetime) -> Reading:
    drafts = tuple(draft for part in parts for draft in _drafts(part, received_at))
    if any(isinstance(part.reading, Taken) for part in parts):
        return Taken(drafts, lambda outcomes: _answer(parts, _shared(parts, outcomes)))
    response = _answer(parts, [None] * len(parts))
    refused = [part.reading.reason for part in parts if isinstance(part.reading, Malformed)]
    if refused:
        return Malformed(response, f"batch: {refused[0]}")
    return Ignored(response, "batch: 各事件均明确不处理", _digest([part.item for part in parts]))


def _drafts(part: Part, received_at: datetime) -> tuple[Draft, ...]:
    if isinstance(part.reading, Taken):
        return part.reading.drafts
    return (_unread(part, received_at),) if isinstance(part.reading, Malformed) else ()


def _unread(part: Part, received_at: datetime) -> Update:
    """A document of a batch that could not be read is kept by itself, so that it is listed like any other."""
    assert isinstance(part.reading, Malformed)  # noqa: S101 - the caller has looked
    number = part.number("eventId")
    return Update(
        message_key=f"{_digest(part.item)}#unread",
        refs=member_refs(number) if number else (),
        type=EventType.UNKNOWN,
        data=EventData(
            raw=written(part.item),
            status=RawCode(code="unread", name=part.reading.reason[:LONGEST_NAME]),
        ),
        occurred_at=received_at,
    )


def _digest(document: Any) -> str:
    return "sha256:" + hashlib.sha256(written(document).encode()).hexdigest()


# ── the answer ────────────────────────────────────────────────────────────────────────────────────────────


def _shared(parts: Sequence[Part], outcomes: Sequence[Outcome]) -> list[Outcome | None]:
    """The outcome of each document: of its first draft, which is what it mainly says."""
    rest = iter(outcomes)
    first: list[Outcome | None] = []
    for part in parts:
        mine = [next(rest) for _ in _counted(part)]
        first.append(mine[0] if mine and isinstance(part.reading, Taken) else None)
    return first


def _counted(part: Part) -> Iterator[int]:
    reading = part.reading
    return iter(range(len(reading.drafts) if isinstance(reading, Taken) else isinstance(reading, Malformed)))


def _answer(parts: Sequence[Part], outcomes: Sequence[Outcome | None]) -> Response:
    """Who is in, who was in before, who is not: as a list, and in the three fields that a real platform has."""
    results = [_result(part, outcome) for part, outcome in zip(parts, outcomes, strict=True)]
    failed = [one for one in results if one["result"] == "failed"]
    there = [one["eventId"] for one in results if one["result"] == "duplicate" and "eventId" in one]
    good = [one["eventId"] for one in results if one["result"] not in ("failed", "duplicate") and "eventId" in one]
    message = f"{len(failed)}个事件未收，请按failSituationList更正后重报" if failed else DONE
    return answer(
        400 if len(failed) == len(results) else 200,
        NOT_TAKEN if failed else TAKEN,
        message,
        msg=message,
        successStr=",".join(good),
        conflictStr=",".join(there),
        failSituationList=failed,
        results=results,
    )


def _result(part: Part, outcome: Outcome | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "index": part.index,
        "eventId": part.number("eventId"),
        "messageId": part.number("messageId"),
        "result": "ignored",
    }
    if isinstance(part.reading, Malformed):
        found |= {"result": "failed", "message": loads_object(part.reading.response.body)["message"]}
    elif outcome is not None:
        found |= {"result": RESULTS[outcome.status], "petitionId": outcome.petition_id, "receipt": outcome.receipt}
    return {name: value for name, value in found.items() if value is not None}
