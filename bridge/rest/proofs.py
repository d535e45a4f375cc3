"""`/v1/petitions/{id}/proof` and `/v1/checkpoints`: what an auditor, or whoever holds a receipt, verifies by itself.

Checkpoints need no key: they prove, and tell nothing. `scripts/verify_receipt.py` reads these documents.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path as Folder
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bridge.ledger.seal import Journalled, entries_of
from bridge.rest import access
from bridge.rest.context import Context
from bridge.rest.problems import Problem
from bridge.runtime import Runtime
from bridge.witness import proofs
from bridge.witness.canonical import seal
from bridge.witness.proofs import NoProof, Prover, Signed

T = TypeVar("T")
MAX_SIZE = 10**12 - 1
Size = Annotated[int, Path(ge=0, le=MAX_SIZE, description="The number of entries that the checkpoint signs.")]
From = Annotated[int, Query(alias="from", ge=0, le=MAX_SIZE, description="An earlier number of entries.")]


class CheckpointDocument(BaseModel):
    """A checkpoint: `root` in hex; `note` is what is signed (C2SP tlog-checkpoint), and all that has to be trusted."""

    size: int
    root: str
    note: str


class ProvenEntry(BaseModel):
    """A sealed entry as its line has it without `leaf`, its leaf hash, and the path to the root, lowest first (hex)."""

    n: int
    leaf: str
    entry: dict[str, Any]
    path: list[str]


class PendingEntry(BaseModel):
    """An entry that no checkpoint covers yet; `n` is empty until it is sealed."""

    n: int | None
    what: str
    receipt: str | None


class Fault(BaseModel):
    """An entry whose content in the ledger is not what was sealed."""

    n: int
    what: str


class ProofDocument(BaseModel):
    """All entries of one petition in journal order, and the checkpoint that they are proven into."""

    petition_id: str
    checkpoint: CheckpointDocument | None
    entries: list[ProvenEntry]
    pending: list[PendingEntry]
    faults: list[Fault]


class ConsistencyDocument(BaseModel):
    """That the tree of `from` entries is the beginning of the checkpoint's (RFC 6962 §2.1.2; hashes in hex).
    `earlier` is the checkpoint of that size, if that size was signed."""

    earlier: CheckpointDocument | None
    checkpoint: CheckpointDocument
    proof: list[str]


def router(context: Context, runtime: Runtime) -> APIRouter:
    """The routes, bound to this process's parts."""
    audit_dir = runtime.settings.audit_dir
    api = APIRouter(prefix="/v1", tags=["proofs"])

    @api.get("/petitions/{petition_id}/proof")
    async def proof(petition_id: str, request: Request) -> Response:
        """The inclusion proof of each of the petition's entries in the newest checkpoint (存证证明); what is newer is
        `pending` until the next one, in about a minute."""
        access.caller(request, context.keys, "petitions:read")
        found = await context.ledger.read(lambda conn: entries_of(conn, petition_id))
        if not found:
            raise Problem(404, f"There is no petition {petition_id[:64]!r} here (未找到该诉求)")
        return _json(await _off_the_loop(lambda: _proof(petition_id, found, audit_dir)))

    @api.get("/checkpoints/latest")
    async def latest() -> Response:
        """The newest signed checkpoint. Public: it proves, and tells nothing."""
        signed = await _off_the_loop(lambda: proofs.newest(audit_dir))
        if signed is None:
            raise Problem(404, "No checkpoint has been signed yet; the witness signs once a minute (尚无检查点)")
        return PlainTextResponse(signed.note)

    @api.get("/checkpoints/{size}")
    async def one(size: Size) -> Response:
        """The checkpoint over exactly so many entries. Public."""
        return PlainTextResponse((await _off_the_loop(lambda: _must_be_signed(audit_dir, size))).note)

    @api.get("/checkpoints/{size}/consistency")
    async def consistency(size: Size, earlier: From) -> Response:
        """That nothing of the first `from` entries was changed on the way to this checkpoint. Public."""
        return _json(await _off_the_loop(lambda: _consistency(audit_dir, earlier, size)))

    return api


# ── documents ───────────────────────────────────────────────────────────────────────────────────────────────


def _proof(petition_id: str, found: list[Journalled], audit_dir: Folder) -> ProofDocument:
    signed = proofs.newest(audit_dir)
    size = signed.size if signed else 0
    document = ProofDocument(petition_id=petition_id, checkpoint=_checkpoint(signed), entries=[], pending=[], faults=[])
    prover = Prover(audit_dir, signed) if signed else None
    for row in found:
        if prover is None or row.n is None or row.n > size:
            document.pending.append(_pending(row))
        else:
            _prove(document, prover, row, row.n)
    return document


def _prove(document: ProofDocument, prover: Prover, row: Journalled, n: int) -> None:
    sealed, leaf = _sealed(row, n)
    if leaf != prover.leaf(n):
        what = "the ledger's entry is not the one that was sealed: see bridge verify --ledger (台账与存证不符)"
        document.faults.append(Fault(n=n, what=what))
        return
    del sealed["leaf"]
    path = [node.hex() for node in prover.inclusion(n)]
    document.entries.append(ProvenEntry(n=n, leaf=leaf.hex(), entry=sealed, path=path))


def _sealed(row: Journalled, n: int) -> tuple[dict[str, object], bytes]:
    """The line's fields and its leaf; ({}, b"") for a row that nothing can have been sealed from."""
    try:
        return seal({**row.fields(), "n": n, "entry": row.entry_id})
    except ValueError:
        return {}, b""


def _pending(row: Journalled) -> PendingEntry:
    fields = row.fields()
    return PendingEntry(n=row.n, what=str(fields["what"]), receipt=fields.get("receipt"))


def _consistency(audit_dir: Folder, earlier: int, size: int) -> ConsistencyDocument:
    signed = _must_be_signed(audit_dir, size)
    if earlier > size:
        raise Problem(422, f"from: {earlier} is more than {size}; the earlier size comes first (起始大于检查点)")
    proof = [node.hex() for node in Prover(audit_dir, signed).consistency(earlier)]
    before = proofs.at(audit_dir, earlier)
    return ConsistencyDocument(earlier=_checkpoint(before), checkpoint=_document(signed), proof=proof)


def _must_be_signed(audit_dir: Folder, size: int) -> Signed:
    signed = proofs.at(audit_dir, size)
    if signed is None:
        newest = proofs.newest(audit_dir)
        known = f"the newest is {newest.size}" if newest else "there is none yet"
        raise Problem(404, f"No checkpoint signs exactly {size} entries; {known} (无此大小的检查点)")
    return signed


def _checkpoint(signed: Signed | None) -> CheckpointDocument | None:
    return _document(signed) if signed else None


def _document(signed: Signed) -> CheckpointDocument:
    return CheckpointDocument(size=signed.size, root=signed.root.hex(), note=signed.note)


# ── pieces ──────────────────────────────────────────────────────────────────────────────────────────────────


async def _off_the_loop(work: Callable[[], T]) -> T:
    """Reading files blocks. NoProof becomes a 503: the sealer makes what is missing."""
    try:
        return await asyncio.to_thread(work)
    except NoProof as error:
        raise Problem(503, f"There is no proof just now: {error} (暂无法出具证明)") from None


def _json(document: BaseModel) -> Response:
    return Response(orjson.dumps(document.model_dump(mode="json")), media_type="application/json")
