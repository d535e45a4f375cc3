"""The small world of the demo calls its servers so that none of them can hang up on it."""

import asyncio
from asyncio import StreamReader, StreamWriter
from pathlib import Path

from bridge.demo.playground import Playground, free_port

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


async def _answer_once(reader: StreamReader, writer: StreamWriter) -> None:
    """A server that lost patience with an idle connection: the second request on it gets no answer."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(_ANSWER)
    await writer.drain()
    await reader.read(1)
    writer.close()


async def _two_calls(directory: Path) -> list[int]:
    port = free_port()
    server = await asyncio.start_server(_answer_once, "127.0.0.1", port)
    async with server, Playground(directory, reconcile_at=None) as world:
        return [(await world.call("POST", f"http://127.0.0.1:{port}/sandbox/step"))[0] for _ in range(2)]


def test_no_call_meets_a_connection_that_its_server_gave_up(tmp_path: Path) -> None:
    assert asyncio.run(_two_calls(tmp_path)) == [200, 200]
