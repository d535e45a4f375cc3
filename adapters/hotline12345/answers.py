"""What the hotline's answer to a call means: judged by its `code`, never by the HTTP status alone.

0                     taken (whatever `success` and `hasError` say: their own sample contradicts itself)
-400001, -400005      NotAuthenticated: a new token, once
-1                    failure: the words of the message decide (already there, not there, busy, unsure)
-400002…4, -400006    Permanent
-500002, -500003      Permanent
-500001, any other    Unknown
no envelope           by the HTTP status; a page of HTML is Unknown, for it may hide a call that was taken
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.hotline12345 import envelope
from adapters.hotline12345.codes import Codes
from bridge import strictjson
from bridge.adapter import Busy, OutboundError, Permanent, Unknown
from bridge.outcall import Reply, refuse_http_error


class NotAuthenticated(Exception):
    """The token (or the client) was not accepted; `code` is theirs."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class AlreadyThere(Permanent):
    """They say that they have it: a case with this id, or this very request."""


class NotThere(Permanent):
    """They say that there is no such case."""


class NotSigned(Permanent):
    """They want the case signed for (SIGN) before the citizen is told (NOTIFY)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A call that was taken. `message` is text for people (and, at the public-key door, the key)."""

    result: dict[str, Any]
    message: str


REFUSALS = frozenset(
    {
        envelope.BAD_PARAMETERS,
        envelope.FORBIDDEN,
        envelope.UNKNOWN_ACTION,
        envelope.BAD_PROXY,
        envelope.BAD_DATA,
    }
)


def judge(reply: Reply, codes: Codes) -> Answer:
    """The answer, if the call was taken. Raises `NotAuthenticated` or an `OutboundError`."""
    try:
        # `Code`, `Result`, `hasError`, `HasError`: the standard's own samples do not agree with each other.
        told = {name.lower(): value for name, value in strictjson.loads_object(reply.body).items()}
    except strictjson.BadJson:
        raise _without_envelope(reply) from None
    code = _code(told)
    message = str(told.get("message") or "")
    if code == envelope.OK:
        return Answer(_result(told.get("result")), message)
    if code is None:
        raise _without_envelope(reply)
    if code in (envelope.NOT_AUTHENTICATED, envelope.BAD_CLIENT):
        raise NotAuthenticated(str(code))
    raise _refusal(code, message, codes)


def _refusal(code: int, message: str, codes: Codes) -> OutboundError:
    words = codes.answers
    if code in (envelope.FAILED, envelope.BAD_DATA) and _says(message, words["already_there"]):
        return AlreadyThere(f"{code}:already_there")
    if code in (envelope.FAILED, envelope.BAD_DATA) and _says(message, words["not_signed"]):
        return NotSigned(f"{code}:not_signed")
    if code == envelope.BAD_RECORD or (code == envelope.FAILED and _says(message, words["not_there"])):
        return NotThere(str(code))
    if code == envelope.FAILED and _says(message, words["busy"]):
        return Busy(f"{code}:busy")
    if code in REFUSALS or (code == envelope.FAILED and not _says(message, words["unsure"])):
        return Permanent(str(code))
    return Unknown(str(code))


def _without_envelope(reply: Reply) -> Exception:
    """No code to go by: the HTTP status, and for 2xx and 3xx nothing is sure."""
    if reply.status == 401:
        return NotAuthenticated("http_401")
    try:
        refuse_http_error(reply)
    except OutboundError as error:
        return error
    if 400 <= reply.status < 500:
        return Permanent(f"http_{reply.status}")
    return Unknown("html_answer" if reply.body.lstrip()[:1] == b"<" else "no_code")


def _code(told: dict[str, Any]) -> int | None:
    code = told.get("code")
    if isinstance(code, bool):
        return None
    try:
        return int(code) if isinstance(code, (int, str)) else None
    except ValueError:
        return None


def _result(value: Any) -> dict[str, Any]:
    """The result; some answers carry it as JSON inside a string, some carry null or a list."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = strictjson.loads(value)
        except strictjson.BadJson:
            return {}
    return value if isinstance(value, dict) else {}


def _says(message: str, words: Iterable[str]) -> bool:
    return any(word in message for word in words)


def pages(result: Mapping[str, Any]) -> int:
    """How many pages a list has; 1 where it does not say."""
    info = result.get("pageInfo")
    count = info.get("totalPage") if isinstance(info, dict) else None
    return int(count) if isinstance(count, (int, float)) or (isinstance(count, str) and count.isdecimal()) else 1


def rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of a list that are entries."""
    found = result.get("resultList")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
