"""How the center's answers are judged: by `code` and `message`, whatever the HTTP status and content type say."""

import re
from typing import Any

from pydantic import ValidationError

from adapters.governance_center.codes import Answers
from adapters.governance_center.wire import Answer
from bridge.adapter import Busy, OutboundError, Permanent, Transient, Unknown
from bridge.outcall import Reply, refuse_http_error
from bridge.strictjson import BadJson, loads

ERRORS: dict[str, type[OutboundError]] = {
    "permanent": Permanent,
    "busy": Busy,
    "unknown": Unknown,
    "transient": Transient,
}
NOT_THERE = frozenset({"http_404", "http_405", "http_501"})
"""Codes of a path that this center does not have: it cannot be asked."""

SHORT_CODE = re.compile(r"-?[0-9A-Za-z_]{1,16}", re.ASCII)


def judged(reply: Reply, rules: Answers) -> Answer:
    """The answer, if it accepts. Raises `OutboundError`."""
    refuse_http_error(reply)
    answer = _answer(reply)
    if reply.status < 400 and _is_batch(answer):
        return _judged_batch(answer, rules)
    if accepts(answer, reply.status, rules):
        return answer
    raise _refusal(answer, reply.status, rules)


def accepts(answer: Answer, status: int, rules: Answers) -> bool:
    """Business acceptance. `success: false` beside code 1 is a refusal; without a code, `success: true` accepts."""
    if status >= 400 or answer.success is False:
        return False
    return answer.code in rules.accepted if answer.code is not None else answer.success is True


# ── answers to a batch: we send one document at a time, so whatever such an answer lists is ours ──


def _is_batch(answer: Answer) -> bool:
    return bool(answer.successStr or answer.conflictStr or answer.failSituationList)


def _judged_batch(answer: Answer, rules: Answers) -> Answer:
    """The lists go before the code: real platforms answer "success" around a document that they refused."""
    if answer.failSituationList:
        told = answer.model_copy(update={"message": _told(answer.failSituationList[0]) or answer.message})
        raise _rule_error(told, rules) or Permanent("refused_in_batch")
    if answer.conflictStr:
        # It has this one already, under a number that the look-up tells.
        raise Unknown("already_there")
    if answer.success is False or (answer.code is not None and answer.code not in rules.accepted):
        raise Unknown("contradictory_answer")
    return answer if answer.eventId else answer.model_copy(update={"eventId": answer.successStr[0]})


def _told(failure: Any) -> str:
    """What a failure list says of one document; its entries have no fixed form."""
    return " ".join(str(part) for part in failure.values()) if isinstance(failure, dict) else str(failure)


def _answer(reply: Reply) -> Answer:
    try:
        document = loads(reply.body)
        if isinstance(document, dict):
            return Answer.model_validate(document)
    except (BadJson, ValidationError):
        pass
    raise _not_our_dialect(reply)


def _not_our_dialect(reply: Reply) -> OutboundError:
    """A page of something in between, or of a session that ended."""
    if reply.status in (401, 403):
        return Permanent("auth")
    if reply.status >= 400:
        return Permanent(f"http_{reply.status}")
    if reply.status >= 300:
        return Unknown(f"http_{reply.status}")
    return Unknown("login_page" if reply.body.lstrip()[:1] == b"<" else "unreadable_answer")


def _refusal(answer: Answer, status: int, rules: Answers) -> OutboundError:
    known = _rule_error(answer, rules)
    if known is not None:
        return known
    if status in (401, 403):
        return Permanent("auth")
    if answer.code is None and answer.success is None:
        return Unknown("no_code") if status < 400 else Permanent(f"http_{status}")
    return Permanent(f"code_{_short(answer.code)}")


def _rule_error(answer: Answer, rules: Answers) -> OutboundError | None:
    told = (answer.message or "").lower()
    rule = next((rule for rule in rules.refusals if any(word.lower() in told for word in rule.words)), None)
    return ERRORS[rule.error](rule.code) if rule else None


def _short(code: str | None) -> str:
    if code is None:
        return "none"
    return code if SHORT_CODE.fullmatch(code) else "other"
