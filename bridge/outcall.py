"""One HTTP call to a system, its transport faults told in the outbound port's words.

What matters is whether the request may have arrived: a refused connection is `Transient`, everything that goes wrong
after the request has left is `Unknown`, and a status with `Retry-After` is `Busy`.
"""

import email.utils
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp

from bridge.adapter import Busy, Transient, Unknown

MAX_ANSWER = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """The system's answer: HTTP status, header names in lower case, raw body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def call(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    timeout_seconds: float,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
) -> Reply:
    """One request, redirects not followed. Raises `Transient`, `Unknown`, or `Busy` (429 and 503).

    Other statuses are the caller's to judge; see `refuse_http_error` for the usual judgement.
    """
    limit = aiohttp.ClientTimeout(total=timeout_seconds, connect=min(10.0, timeout_seconds))
    try:
        async with session.request(
            method, url, data=body, headers=headers, params=params, timeout=limit, allow_redirects=False
        ) as response:
            content = await response.content.read(MAX_ANSWER + 1)
            while len(content) <= MAX_ANSWER and (more := await response.content.read(MAX_ANSWER)):
                content += more
            reply = Reply(response.status, {k.lower(): v for k, v in response.headers.items()}, content)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise Transient(f"connect:{type(error).__name__}") from None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        # `from None`: the error's own text quotes the URL, and some systems want their token there.
        raise Unknown(f"transport:{type(error).__name__}") from None
    if len(content) > MAX_ANSWER:
        raise Unknown("answer_too_large")
    if reply.status in (429, 503):
        raise Busy(f"http_{reply.status}", retry_after(reply.headers.get("retry-after")))
    return reply


def refuse_http_error(reply: Reply) -> None:
    """5xx and 408: `Unknown` (a gateway may have passed the request on). Other non-2xx are left to the caller."""
    if reply.status >= 500 or reply.status == 408:
        raise Unknown(f"http_{reply.status}")


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds asked for by a `Retry-After` header (seconds or an HTTP date), or None. Never negative."""
    if not value:
        return None
    digits = value.strip()
    if digits.isascii() and digits.isdecimal():
        return float(digits)
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (aware - (now or datetime.now(UTC))).total_seconds())
