"""Reading a request's body: up to the limit, and not one byte more into memory."""

from starlette.requests import ClientDisconnect, Request

MAX_BODY = 1024 * 1024


class TooLarge(Exception):
    """The body is over `MAX_BODY`."""


async def read(request: Request) -> bytes:
    """The whole body. Raises `TooLarge`; a caller that went away left an empty one."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BODY:
        raise TooLarge
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_BODY:
                raise TooLarge
            chunks.append(chunk)
    except ClientDisconnect:
        return b""
    return b"".join(chunks)
