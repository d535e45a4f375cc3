"""The small world of the demo: how it calls its servers, and what it says."""

import asyncio
from asyncio import StreamReader, StreamWriter
from pathlib import Path

import pytest
import structlog

from bridge import logs
from bridge.app import Part
from bridge.demo.playground import Playground, calmly, free_port

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


def test_a_missing_calendar_is_a_note_in_the_demo_and_an_alarm_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    log = structlog.get_logger("bridge.watch")
    try:
        logs.configure("error", "console")
        log.error("calendar.missing_year", year=2027)
        assert "[error" in capsys.readouterr().err
        calmly()
        log.error("calendar.missing_year", year=2027)
        log.error("something.else")
        said = capsys.readouterr().err
    finally:
        structlog.reset_defaults()
    assert "note 提示: the days off of 2027 are not loaded" in said
    assert "calendar.missing_year" not in said
    assert "something.else" in said


def test_the_parts_of_a_process_are_said_in_words() -> None:
    assert [part.words for part in (Part.DOORS, Part.WORK, Part.ALL)] == ["doors", "work", "doors and work"]
