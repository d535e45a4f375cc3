"""The envelope both sides answer in: `{success, code, message, result, uid, hasError}`."""

from typing import Any

import orjson

from bridge.adapter import Response

OK = 0
FAILED = -1
NOT_AUTHENTICATED = -400001
BAD_PARAMETERS = -400002
FORBIDDEN = -400003
UNKNOWN_ACTION = -400004
BAD_CLIENT = -400005
BAD_PROXY = -400006
UNKNOWN_FAULT = -500001
BAD_DATA = -500002
BAD_RECORD = -500003


def document(uid: str | None, code: int = OK, message: str | None = None, result: Any = None) -> dict[str, Any]:
    return {
        "success": code == OK,
        "code": code,
        "message": message,
        "result": {} if result is None else result,
        "uid": uid,
        "hasError": code != OK,
    }


def answer(
    uid: str | None, code: int = OK, message: str | None = None, result: Any = None, *, status: int = 200
) -> Response:
    return Response(status, orjson.dumps(document(uid, code, message, result)))
