"""Errors of the REST side as RFC 9457 problem documents."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

TITLES = {
    400: "Bad request (请求有误)",
    401: "Who are you? (未认证)",
    403: "Not allowed (无权限)",
    404: "Not found (未找到)",
    405: "Method not allowed (方法不允许)",
    409: "Not in its present state (与当前状态冲突)",
    413: "Too large (请求体过大)",
    415: "Unsupported media type (不支持的内容类型)",
    422: "Not acceptable as it is (内容不符合要求)",
    500: "Not as it was sealed (与封存不符)",
    503: "Temporarily unavailable (暂不可用)",
}


class Problem(Exception):
    """Raised by a route; becomes a problem document. `detail` names the thing, the cause and the next step."""

    def __init__(self, status: int, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.more = more


def document(status: int, detail: str, **more: Any) -> Response:
    body = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "detail": detail, **more}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if status == 503:
        headers["Retry-After"] = "5"
    return Response(orjson.dumps(body), status, headers, media_type="application/problem+json")


async def answer(_request: Request, error: Exception) -> Response:
    """Starlette's exception handler for `Problem`."""
    assert isinstance(error, Problem)  # noqa: S101 - registered for this class only
    return document(error.status, error.detail, **error.more)
