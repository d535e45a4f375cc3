"""Second places: a directory, and a witness that holds us to what it saw; away, slow, hostile or back again."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import ValidationError

from bridge.settings import Settings
from bridge.witness import checkpoints
from bridge.witness import copies as module
from bridge.witness.copies import Copies, directories
from bridge.witness.note import Signer, Verifier, generate, open_note
from bridge.witness.tiler import Tiler
from bridge.witness.tree import EMPTY_ROOT, Frontier, leaf_hash, verify_consistency
from tests.witness.logs import ORIGIN

MANY = [leaf_hash(number.to_bytes(4, "big")) for number in range(1000)]
AT = "2026-11-22T10:00:00+08:00"


class Log:
    """A log of checkpoints with their tiles."""

    def __init__(self, audit_dir: Path, word: bytes = b"") -> None:
        self.dir = audit_dir
        self.signer: Signer = generate(ORIGIN)
        self.tree = Frontier()
        self._leaves = [leaf_hash(word + leaf) for leaf in MANY] if word else MANY
        self._tiler = Tiler(audit_dir)
        self._tiler.take_up(0, EMPTY_ROOT)

    def sign(self, size: int) -> None:
        leaves = self._leaves[self.tree.size : size]
        self.tree.extend(leaves)
        self._tiler.append(leaves)
        checkpoints.issue(self.dir, self.signer, self.tree, AT, self._tiler.flush)


@dataclass
class Witness:
    """As c2sp.org/tlog-witness asks: signs what is the beginning of what it saw before, and nothing else."""

    key: Verifier
    size: int = 0
    root: bytes = EMPTY_ROOT
    answers: list[int] = field(default_factory=list)
    ill: int | None = None

    async def add_checkpoint(self, request: web.Request) -> web.Response:
        answer = self._answer(await request.text())
        self.answers.append(answer.status)
        return answer

    def _answer(self, text: str) -> web.Response:
        if self.ill is not None:
            return web.Response(status=self.ill, text="ill")
        head, _, note = text.partition("\n\n")
        old, *proof = head.split("\n")
        checkpoint = open_note(note, [self.key])
        if int(old.removeprefix("old ")) != self.size:
            return web.Response(status=409, text=f"{self.size}\n", content_type="text/x.tlog.size")
        hashes = [base64.b64decode(node) for node in proof]
        if not verify_consistency(self.size, checkpoint.size, hashes, self.root, checkpoint.root):
            return web.Response(status=422, text="not consistent")
        self.size, self.root = checkpoint.size, checkpoint.root
        return web.Response(text="— witness.example/w AAAAAAAAAAAAAAAA\n")


@asynccontextmanager
async def listening(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_post("/log/add-checkpoint", handler)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/log/"
    finally:
        await runner.cleanup()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again is tried again at once."""
    monkeypatch.setattr(module, "FIRST_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(module, "LAST_RETRY_SECONDS", 0.02)


def test_which_targets_are_directories() -> None:
    assert directories(["/mnt/a", "https://w.example/x", "b/c", "http://w.example"]) == [Path("/mnt/a"), Path("b/c")]


def test_each_place_gets_what_is_new(tmp_path: Path) -> None:
    log = Log(tmp_path / "audit")
    witness = Witness(log.signer.verifier)

    async def story() -> None:
        async with listening(witness.add_checkpoint) as url:
            copies = Copies(log.dir, [str(tmp_path / "second"), url])
            copies.start()
            for size in (0, 3, 256, 600):
                log.sign(size)
                copies.nudge()
                await until(lambda size=size: witness.size == size)
                await until(lambda size=size: (tmp_path / "second" / checkpoints.name_of(size)).exists())
            await copies.finish()
            assert copies.troubles == {}

    asyncio.run(story())
    assert checkpoints.sizes_in(tmp_path / "second") == [0, 3, 256, 600]
    assert witness.root == log.tree.root()
    assert set(witness.answers) == {200}


def test_after_a_restart_the_witness_says_what_it_saw(tmp_path: Path) -> None:
    log = Log(tmp_path / "audit")
    witness = Witness(log.signer.verifier)

    async def process(url: str) -> None:
        copies = Copies(log.dir, [url])
        copies.nudge()
        await copies.finish()
        assert copies.troubles == {}

    async def story() -> None:
        async with listening(witness.add_checkpoint) as url:
            for size in (5, 300, 300):
                log.sign(size)
                await process(url)

    asyncio.run(story())
    assert witness.answers == [200, 409, 200, 409, 200]
    assert witness.size == 300


def test_one_that_is_away_is_tried_again_and_keeps_nobody(tmp_path: Path) -> None:
    log = Log(tmp_path / "audit")
    witness = Witness(log.signer.verifier, ill=503)

    async def story() -> None:
        async with listening(witness.add_checkpoint) as url:
            copies = Copies(log.dir, [url, str(tmp_path / "second")])
            copies.start()
            log.sign(5)
            copies.nudge()
            await until(lambda: len(witness.answers) >= 3)
            assert (tmp_path / "second" / checkpoints.name_of(5)).exists()
            assert list(copies.troubles.values()) == ["CopyError: HTTP 503: ill"]
            log.sign(9)
            witness.ill = None
            await until(lambda: witness.size == 9)
            await until(lambda: copies.troubles == {})
            await copies.finish()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("other", "why"),
    [(Frontier(), "has seen 7 entries, more than the 5"), (None, "not the continuation")],
)
def test_a_log_that_was_put_back_or_written_anew_is_told(tmp_path: Path, other: Frontier | None, why: str) -> None:
    log = Log(tmp_path / "audit", b"" if other else b"another")
    witness = Witness(log.signer.verifier, 7 if other else 3, Log(tmp_path / "x").tree.root())

    async def story() -> None:
        async with listening(witness.add_checkpoint) as url:
            copies = Copies(log.dir, [url])
            log.sign(5)
            copies.nudge()
            await copies.finish()
            (told,) = copies.troubles.values()
            assert why in told

    asyncio.run(story())


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    log = Log(tmp_path / "audit")
    log.sign(5)
    (tmp_path / "file").write_text("not a directory")

    async def story() -> None:
        copies = Copies(log.dir, [str(tmp_path / "file")])
        copies.nudge()
        await copies.finish()
        assert "FileExistsError" in copies.troubles[str(tmp_path / "file")]

    asyncio.run(story())


def test_a_mute_witness_does_not_hold_up_the_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FINISH_SECONDS", 0.05)
    log = Log(tmp_path / "audit")
    log.sign(5)
    gone = asyncio.Event()

    async def mute(_request: web.Request) -> web.Response:
        await gone.wait()
        return web.Response()

    async def story() -> None:
        async with listening(mute) as url:
            copies = Copies(log.dir, [url])
            copies.nudge()
            await copies.finish()
            gone.set()

    asyncio.run(story())


def test_a_password_in_the_address_is_never_told(tmp_path: Path) -> None:
    log = Log(tmp_path / "audit")
    log.sign(5)

    async def story() -> None:
        copies = Copies(log.dir, ["http://user:secret@127.0.0.1:1/log?key=secret"])
        copies.nudge()
        await copies.finish()
        assert "http://127.0.0.1:1/log" in copies.troubles
        assert "secret" not in repr(copies.troubles)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("value", "targets"),
    [
        ("", ()),
        ("/mnt/a", ("/mnt/a",)),
        (" /mnt/a , https://w.example/x,", ("/mnt/a", "https://w.example/x")),
        ("ftp://w.example", None),
        ('["/mnt/a"]', None),
    ],
)
def test_the_setting(value: str, targets: tuple[str, ...] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_AUDIT_COPIES", value)
    if targets is None:
        with pytest.raises(ValidationError, match="separated by commas"):
            Settings()
    else:
        assert Settings().audit_copies == targets
