"""Files: opened only when wanted, never larger than allowed, never from an address inside."""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from adapters.hotline12345 import medias
from adapters.hotline12345.enclosing import Enclosing
from adapters.hotline12345.medias import Fetcher, NotOpened
from schemas.petition import Attachment
from tests.adapters.hotline12345.support import PETITION_ID, Stage, outgoing, petition, sent, serving, stage

PHOTO = b"\xff\xd8 a photo"
PACKED = base64.b64encode(PHOTO).decode()
LIMIT = 1000


def code_of(doing: Callable[[], Any]) -> str:
    with pytest.raises(NotOpened) as raised:
        doing()
    return raised.value.code


# ── base64 ──


@pytest.mark.parametrize("content", [PACKED, f"data:image/jpeg;base64,{PACKED}", PACKED[:8] + "\r\n" + PACKED[8:]])
def test_base64(content: str) -> None:
    assert medias.decoded(content, LIMIT) == PHOTO


@pytest.mark.parametrize(
    ("content", "limit", "code"),
    [
        (PACKED, len(PHOTO) - 1, "too_large"),
        ("A" * 100_000, LIMIT, "too_large"),
        ("not base64!", LIMIT, "not_base64"),
        ("张", LIMIT, "not_base64"),
        ("A", LIMIT, "not_base64"),
    ],
)
def test_what_cannot_be_decoded(content: str, limit: int, code: str) -> None:
    assert code_of(lambda: medias.decoded(content, limit)) == code


FILES = [
    {"mediaName": "a", "mediaPath": "/a.jpg", "mediaUsage": "上报"},
    {"mediaName": "b", "content": PACKED, "mediaUsage": "上报"},
]


@pytest.mark.parametrize(
    "body",
    [
        sent("UPLOAD_MEDIA", {"caseId": "X1", "medias": FILES}),
        sent("UPLOAD_MEDIA", json.dumps({"caseId": "X1", "medias": json.dumps(FILES)})),
        {"noticeName": "REPORT_NOTICE", "noticeId": 1, "noticeData": json.dumps({"medias": FILES})},
    ],
)
def test_a_file_inside_a_raw_message(body: dict[str, Any]) -> None:
    raw = json.dumps(body).encode()
    assert medias.inline(raw, 1, LIMIT) == PHOTO
    assert code_of(lambda: medias.inline(raw, 0, LIMIT)) == "no_such_file"
    assert code_of(lambda: medias.inline(raw, 2, LIMIT)) == "no_such_file"


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"data": "x"}', b'{"data": {"medias": 7}}'])
def test_a_raw_message_without_files(raw: bytes) -> None:
    assert code_of(lambda: medias.inline(raw, 0, LIMIT)) == "no_such_file"


# ── addresses ──

INSIDE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:10.0.0.1",
    "2002:7f00:1::", "64:ff9b::a00:1", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_inside(address: str) -> None:
    assert not medias.is_public(address)


OUTSIDE = ["1.1.1.1", "114.114.114.114", "2400:3200::1", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", OUTSIDE)
def test_outside(address: str) -> None:
    assert medias.is_public(address)


def fetch(url: str, *, trusted: tuple[str, ...] = (), limit: int = LIMIT, seconds: float = 5.0) -> bytes:
    async def run() -> bytes:
        fetcher = Fetcher(trusted, limit, seconds)
        try:
            return await fetcher.fetch(url)
        finally:
            await fetcher.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:9/a", "private_address"),
        ("http://[::1]/a", "private_address"),
        ("http://[::ffff:169.254.169.254]/latest/meta-data", "private_address"),
        ("http://localhost:9/a", "private_address"),
        ("http://2130706433/a", "transport:InvalidUrlClientError"),
        ("http://127.1/a", "transport:InvalidUrlClientError"),
        ("ftp://files.example/a", "not_http"),
        ("file:///etc/passwd", "not_http"),
        ("/a.jpg", "not_http"),
        ("raw:u-1#medias/1", "not_http"),
        ("http://", "not_http"),
        ("http://[broken/a", "not_a_url"),
        ("http://someone:secret@files.example/a", "credentials_in_url"),
    ],
)
def test_what_is_never_fetched(url: str, code: str) -> None:
    assert code_of(lambda: fetch(url)) == code


def test_a_name_that_points_inside_is_refused_where_the_connection_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check is the resolver's: a name that says one thing to a checker and another to the caller gains nothing."""
    asked: list[str] = []
    resolved: dict[str, Any] = {"hostname": "files.example", "port": 80, "family": 2, "proto": 0, "flags": 0}

    async def resolve(_: Any, host: str, port: int = 0, family: Any = None) -> list[dict[str, Any]]:
        asked.append(host)
        return [{**resolved, "host": address} for address in ("1.1.1.1", "10.0.0.7")]

    monkeypatch.setattr("aiohttp.resolver.ThreadedResolver.resolve", resolve)
    assert code_of(lambda: fetch("http://files.example/a")) == "private_address"
    assert asked == ["files.example"]


# ── over a wire ──


@asynccontextmanager
async def store() -> AsyncIterator[str]:
    """A file store inside, with what one can meet there."""

    async def slowly(_: Request) -> Response:
        await asyncio.sleep(30)
        return Response(PHOTO)

    def answer(made: Callable[[], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def handler(_: Request) -> Response:
            return made()

        return handler

    routes = [
        Route("/a.jpg", answer(lambda: Response(PHOTO))),
        Route("/large", answer(lambda: Response(b"x" * (LIMIT + 1)))),
        Route("/moved", answer(lambda: RedirectResponse("http://169.254.169.254/"))),
        Route("/slow", slowly),
    ]
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        async with serving(Starlette(routes=routes), listener):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_from_a_host_that_the_city_trusts() -> None:
    async def run() -> None:
        async with store() as base:
            fetcher = Fetcher(["127.0.0.1"], LIMIT, 0.5)
            assert await fetcher.fetch(f"{base}/a.jpg") == PHOTO
            told = {}
            for path in ("large", "moved", "missing", "slow"):
                with pytest.raises(NotOpened) as raised:
                    await fetcher.fetch(f"{base}/{path}")
                told[path] = raised.value.code
            await fetcher.close()
            assert told == {
                "large": "too_large",
                "moved": "redirect",
                "missing": "http_404",
                "slow": "transport:TimeoutError",
            }

    asyncio.run(run())


# ── enclosed in what we tell ──


def test_files_are_enclosed_for_a_hotline_that_cannot_fetch_them() -> None:
    async def run() -> None:
        async with store() as base, stage(medias="content", media_base_url=base, media_hosts="127.0.0.1") as there:
            files = (Attachment(name="a.jpg", url="/a.jpg"), Attachment(name="b.jpg", url=f"{base}/missing"))
            receipt = await there.bridge.outbound.send(outgoing(petition=petition(attachments=files)))
            first, second = there.hotline.cases[PETITION_ID].order["medias"]
            assert base64.b64decode(first["content"]) == PHOTO
            assert "mediaPath" not in first
            assert second["mediaPath"] == f"{base}/missing", "a file that cannot be had does not hold up the case"
            assert (receipt.holds, receipt.detail) == (True, "medias_by_path:1")
            await there.bridge.outbound.close()

    asyncio.run(run())


def test_otherwise_nothing_is_fetched() -> None:
    async def scene(there: Stage) -> None:
        files = (Attachment(name="a.jpg", url="http://127.0.0.1:9/a.jpg"),)
        receipt = await there.bridge.outbound.send(outgoing(petition=petition(attachments=files)))
        assert receipt.detail is None
        assert there.hotline.cases[PETITION_ID].order["medias"][0]["mediaPath"] == "http://127.0.0.1:9/a.jpg"

    async def run() -> None:
        async with stage() as there:
            await scene(there)

    asyncio.run(run())


def test_a_message_without_files_is_left_as_it_is() -> None:
    async def run() -> None:
        enclosing = Enclosing("content", None, Fetcher((), LIMIT, 1.0))
        data = {"caseId": "X1", "medias": []}
        assert await enclosing.enclose(data) == (data, None)

    asyncio.run(run())
