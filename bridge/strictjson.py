"""JSON from strangers: UTF-8 only, exact integers, no NaN, no depth bombs."""

import math
import re
from typing import Any

from pydantic_core import from_json

_HUGE = re.compile(rb"[eE]\+?[0-9]{3}|[0-9]{309}")
"""What a number beyond every float looks like; only then is the document looked through."""


class BadJson(ValueError):
    """The body cannot be read as JSON; the text says why, in words a caller's engineer can act on."""


def loads(body: bytes | str) -> Any:
    """The document in `body`; integers of any length stay exact. Depth is limited (about 200 levels).

    Raises `BadJson` for an empty body, bytes that are not UTF-8, NaN or Infinity, too deep nesting, lone surrogates.
    """
    data = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise BadJson("the body is empty (请求体为空)")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadJson(
            f"the body is not UTF-8 at byte {error.start}; send UTF-8, not GBK (请求体不是UTF-8编码，请勿使用GBK)"
        ) from None
    try:
        document = from_json(data, allow_inf_nan=False)
    except ValueError as error:
        raise BadJson(f"the body is not JSON: {_where(error)} (请求体不是合法JSON)") from None
    if _HUGE.search(data) and _has_infinity(document):
        raise BadJson("a number in the body is too large (数字过大)")
    return document


def loads_object(body: bytes | str) -> dict[str, Any]:
    """As `loads`, and the document is an object."""
    document = loads(body)
    if not isinstance(document, dict):
        raise BadJson("the body must be a JSON object (请求体必须是JSON对象)")
    return document


def _has_infinity(value: Any) -> bool:
    """Whether a number was so large that it became infinite."""
    if isinstance(value, dict):
        return any(_has_infinity(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_infinity(item) for item in value)
    return isinstance(value, float) and math.isinf(value)


def _where(error: ValueError) -> str:
    # The parser names the kind and place of the fault and never quotes the body.
    return str(error).splitlines()[0][:200]
