"""How the center's answers are judged: by `code` and `message`, whatever the HTTP status and content type say."""

import re

from pydantic import ValidationError

from adapters.governance_center.codes import Answers, Refusal
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
SHORT_CODE = re.compile(r"-?[0-9A-Za-z_]{1,16}", re.ASCII)


def judged(reply: Reply, rules: Answers) -> Answer:
    """The answer, if it accepts. Raises `OutboundError`."""
    refuse_http_error(reply)
    answer = _answer(reply)
    if accepts(answer, reply.status, rules):
        return answer
    raise _refusal(answer, reply.status, rules)


def accepts(answer: Answer, status: int, rules: Answers) -> bool:
    """Business acceptance. `success: false` beside code 1 is a refusal; without a code, `success: true` accepts."""
    if status >= 400 or answer.success is False:
        return False
    return answer.code in rules.accepted if answer.code is not None else answer.success is True


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
    rule = _rule(answer.message, rules)
    if rule is not None:
        return ERRORS[rule.error](rule.code)
    if status in (401, 403):
        return Permanent("auth")
    if answer.code is None and answer.success is None:
        return Unknown("no_code") if status < 400 else Permanent(f"http_{status}")
    return Permanent(f"code_{_short(answer.code)}")


def _rule(message: str | None, rules: Answers) -> Refusal | None:
    told = (message or "").lower()
    return next((rule for rule in rules.refusals if any(word.lower() in told for word in rule.words)), None)


def _short(code: str | None) -> str:
    if code is None:
        return "none"
    return code if SHORT_CODE.fullmatch(code) else "other"
