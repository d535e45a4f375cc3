"""How a message names its case, and how a case is found by it: their numbers and ours, either side's."""

import hashlib
import re

from adapters.hotline12345 import wire
from bridge.adapter import Ref
from schemas.petition import Attachment, ExternalId

SYSTEM = "hotline12345"

_OURS = re.compile(r"LT\d{6}-[0-9A-HJKMNP-TV-Z]{10}")
_IDENTIFIER = re.compile(r"[^\x00-\x1f\x7f]{1,128}")


class Unclear(ValueError):
    """The message cannot be used; the text says what and why, in words for the sender, without its data."""


def is_ours(number: str) -> bool:
    """Whether `number` looks like a petition id (LT, six digits of date, ten characters of Crockford's base 32)."""
    return _OURS.fullmatch(number) is not None


def rec_id(petition_id: str) -> int:
    """The integer the standard wants beside our number: 53 bits, so that every JSON reader keeps it exact."""
    return int.from_bytes(hashlib.sha256(petition_id.encode()).digest()[:8], "big") >> 11


def numbers(case: wire.Case) -> dict[str, str]:
    """Kind of number → number, in the order to look for. Raises `Unclear`."""
    found = {
        "caseId": case.case_id,
        "taskNum": case.task_num,
        "recId": case.rec_id,
        "caseNum": case.case_num,
        "caseHandleId": case.case_handle_id,
    }
    return {kind: _identifier(kind, value) for kind, value in found.items() if value is not None}


def refs(case: wire.Case) -> tuple[Ref, ...]:
    """All ways to find the case. Raises `Unclear` when there is none."""
    named = numbers(case)
    if not named:
        raise Unclear("data has no caseId (缺少工单标识caseId)")
    ours = [Ref(petition_id=value) for value in dict.fromkeys(named.values()) if is_ours(value)]
    return (*ours, *(Ref(SYSTEM, value, kind) for kind, value in named.items()))


def external_ids(case: wire.Case) -> tuple[ExternalId, ...]:
    """Their numbers for the case; a number written under two names (caseNum = caseId is common) is kept once."""
    seen: dict[str, str] = {}
    for kind, value in numbers(case).items():
        if not is_ours(value):
            seen.setdefault(value, kind)
    return tuple(ExternalId(system=SYSTEM, kind=kind, value=value) for value, kind in seen.items())


def attachments(case: wire.Case, key: str) -> tuple[Attachment, ...]:
    """The files by reference; what came as base64 (or under an endless path) stays in the raw message `key`."""
    return tuple(_attachment(media, f"raw:{key}#medias/{n}") for n, media in enumerate(case.medias))


def _attachment(media: wire.Media, raw: str) -> Attachment:
    path = media.path if media.path and len(media.path) <= 2048 else None
    return Attachment(name=(media.name or "附件")[:255], url=path or raw[:2048], usage=(media.usage or "")[:32] or None)


def _identifier(kind: str, value: str) -> str:
    if _IDENTIFIER.fullmatch(value) is None:
        raise Unclear(f"{kind} must be 1 to 128 characters without control characters ({kind}含控制字符或过长)")
    return value
