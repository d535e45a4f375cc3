"""The front door: one request, one reading, one transaction, and only then the answer, in the caller's own dialect."""

import asyncio
import os
from collections.abc import Callable, Sequence

import structlog

from bridge import failpoints
from bridge.adapter import (
    Answered,
    Bind,
    Draft,
    Ignored,
    Inbound,
    Malformed,
    Nonce,
    Outcome,
    PetitionView,
    Question,
    Reading,
    Refused,
    Request,
    Response,
    Taken,
)
from bridge.clock import to_ms
from bridge.ledger import reads
from bridge.ledger.accept import Arrival
from bridge.ledger.keep import Kept, Replayed
from bridge.ledger.ledger import Ledger
from bridge.ledger.writer import LedgerAway

_MAX_QUESTIONS = 64
"""A batch may ask once for each of its documents."""

_log = structlog.get_logger("bridge.intake")


class Intake:
    """What all doors share."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def receive(
        self, system: str, inbound: Inbound, request: Request, patience_seconds: float = 25.0
    ) -> Response:
        """The answer to one request at one of the system's doors. Never raises for what a caller sends.

        `patience_seconds`: how long the caller waits for the COMMIT before it is told that nothing was kept.
        """
        try:
            read = inbound.read(request)
            async with asyncio.timeout(patience_seconds):
                reading = await self._answer_questions(read.reading)
                response = await self._act(system, request, reading, read.nonce)
            failpoints.hit("intake.before_answer")
            return response
        except (LedgerAway, TimeoutError) as error:
            _log.error("intake.unavailable", system=system, door=request.path, error=type(error).__name__)
            return inbound.unavailable(request)

    async def views(self, question: Question) -> list[PetitionView]:
        """What the ledger knows about the petitions a door asks for."""
        openid, refs, privacy = question.openid, question.refs, self._ledger.privacy
        if question.owner_openid is not None:
            owner = privacy.lookup.petitioner(question.owner_openid)
            return await self._ledger.read(lambda conn: reads.views_by_owner(conn, privacy.vault, owner, refs))
        if openid is not None:
            key = privacy.lookup.petitioner(openid)
            return await self._ledger.read(lambda conn: reads.views_by_petitioner(conn, privacy.vault, key))
        return await self._ledger.read(lambda conn: reads.views_by_refs(conn, privacy.vault, refs))

    async def take(
        self,
        system: str,
        door: str,
        received_at: int,
        body: bytes,
        drafts: tuple[Draft, ...],
        *,
        content_type: str = "application/json",
        nonce: Nonce | None = None,
        traceparent: str | None = None,
    ) -> Sequence[Outcome] | Replayed:
        """Drafts into the ledger, with the raw message they were read from."""
        arrival = Arrival(
            system=system,
            door=door,
            received_at=received_at,
            content_type=content_type,
            body=body,
            drafts=drafts,
            nonce=nonce.value if nonce else None,
            traceparent=traceparent or new_traceparent(),
        )
        return await self._ledger.accept(arrival)

    async def keep_notice(self, system: str, key: str, received_at: int, body: bytes, reading: Reading) -> None:
        """A notice that becomes nothing is kept like any other message; `key` keeps its repeats out."""
        status = "ignored" if isinstance(reading, Ignored) else "malformed"
        reason = reading.reason if isinstance(reading, Ignored | Malformed) else "not understood"
        await self._ledger.keep(Kept(system, "notice", received_at, "application/json", body, status, reason, key))

    # ── readings ──
    async def _answer_questions(self, reading: Reading) -> Reading:
        for _ in range(_MAX_QUESTIONS):
            if isinstance(reading, Question):
                reading = reading.then(await self.views(reading))
            elif isinstance(reading, Bind):
                reading = reading.then(await self._ledger.bind(reading))
            else:
                return reading
        raise RuntimeError("an adapter keeps asking questions")

    async def _act(self, system: str, request: Request, reading: Reading, nonce: Nonce | None) -> Response:
        match reading:
            case Taken(drafts, reply):
                return await self._take(system, request, drafts, reply, nonce)
            case Refused(response, reason):
                await self._ledger.refuse(system, reason)
                return response
            case Malformed(response, reason):
                return await self._keep(system, request, "malformed", reason, response, None, nonce)
            case Ignored(response, reason, message_key):
                return await self._keep(system, request, "ignored", reason, response, message_key, nonce)
            case Answered(response):
                if nonce is not None and not await self._ledger.use_nonce(system, nonce.value):
                    return await self._refuse_replay(system, nonce)
                return response
            case _:
                raise RuntimeError("a question that was not answered")

    async def _take(
        self,
        system: str,
        request: Request,
        drafts: tuple[Draft, ...],
        reply: Callable[[Sequence[Outcome]], Response],
        nonce: Nonce | None,
    ) -> Response:
        outcomes = await self.take(
            system,
            request.path,
            to_ms(request.received_at),
            request.body,
            drafts,
            content_type=request.headers.get("content-type", ""),
            nonce=nonce,
            traceparent=_traceparent(request),
        )
        if isinstance(outcomes, Replayed):
            return await self._refuse_replay(system, nonce)
        return reply(outcomes)

    async def _keep(
        self,
        system: str,
        request: Request,
        status: str,
        reason: str,
        response: Response,
        message_key: str | None,
        nonce: Nonce | None,
    ) -> Response:
        kept = Kept(
            system=system,
            door=request.path,
            received_at=to_ms(request.received_at),
            content_type=request.headers.get("content-type", ""),
            body=request.body,
            status=status,
            reason=reason,
            message_key=message_key,
            nonce=nonce.value if nonce else None,
        )
        if await self._ledger.keep(kept) is not None:
            return await self._refuse_replay(system, nonce)
        return response

    async def _refuse_replay(self, system: str, nonce: Nonce | None) -> Response:
        await self._ledger.refuse(system, "replayed_nonce")
        if nonce is None:
            raise RuntimeError("a replay without a nonce")
        return nonce.replayed


def new_traceparent() -> str:
    """A W3C trace context that begins here."""
    raw = os.urandom(24).hex()
    return f"00-{raw[:32]}-{raw[32:48]}-01"


def _traceparent(request: Request) -> str | None:
    """The caller's trace context if it sent a well-formed one."""
    given = request.headers.get("traceparent", "")
    parts = given.split("-")
    if [len(part) for part in parts] == [2, 32, 16, 2] and all(c in "0123456789abcdef-" for c in given):
        return given if parts[0] == "00" and set(parts[1]) != {"0"} else None
    return None
