"""The whole bridge in one process, embedded, between three systems whose outbound side a test plays itself."""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from adapters.registry import MANIFESTS
from bridge import app
from bridge.adapter import (
    EVERY_NEED,
    Adapter,
    CannotAsk,
    Door,
    Manifest,
    Outgoing,
    Receipt,
    Request,
    Response,
    SystemSettings,
    Workshop,
)
from bridge.app import Bridge, Part
from bridge.settings import Settings
from schemas.event import EventType
from tests.support.ledgers import SYSTEMS

SECONDS = 30.0
Play = Callable[["Played", Outgoing], Awaitable[Receipt]]


async def take(system: "Played", outgoing: Outgoing) -> Receipt:
    """The ordinary answer: taken, and a new case is held."""
    system.effects.setdefault(outgoing.idempotency_key, outgoing)
    return Receipt(
        f"R-{outgoing.idempotency_key}",
        holds=outgoing.event.type is EventType.SUBMITTED and system.name != "wechat",
        told_petitioner="petitioner" in outgoing.audience,
    )


@dataclass
class Played:
    """One system: its outbound port, and what it knows. A test changes `play`, and `known` for look-ups."""

    name: str
    play: Play = take
    known: Callable[[Outgoing], Receipt | None] | None = None
    effects: dict[str, Outgoing] = field(default_factory=dict)
    sends: list[Outgoing] = field(default_factory=list)
    lookups: list[Outgoing] = field(default_factory=list)
    closed: bool = False
    speaks: frozenset[EventType] = frozenset(EventType) - {EventType.UNKNOWN}

    async def send(self, outgoing: Outgoing) -> Receipt:
        self.sends.append(outgoing)
        return await self.play(self, outgoing)

    async def lookup(self, outgoing: Outgoing) -> Receipt | None:
        self.lookups.append(outgoing)
        if self.known is None:
            raise CannotAsk
        return self.known(outgoing)

    async def close(self) -> None:
        self.closed = True

    @property
    def counts(self) -> Counter[str]:
        return Counter(outgoing.idempotency_key for outgoing in self.sends)

    @property
    def told(self) -> list[tuple[str, int]]:
        return [(outgoing.petition.petition_id, outgoing.event.sequence) for outgoing in self.sends]


class NoDoors:
    """Nobody calls in."""

    doors: Sequence[Door] = ()

    def read(self, request: Request) -> Any:
        raise AssertionError("no door leads here")

    def too_large(self, request: Request) -> Response:
        raise AssertionError("no door leads here")

    def unavailable(self, request: Request) -> Response:
        raise AssertionError("no door leads here")


def play_systems(monkeypatch: pytest.MonkeyPatch, *, doors: bool = False) -> dict[str, Played]:
    """From now on `bridge.app` wires these instead of the real adapters; `doors`: behind the adapters' real doors."""
    played = {system: Played(system) for system in ([real.system for real in MANIFESTS] if doors else SYSTEMS)}

    names = {real.system: real.zh for real in MANIFESTS}

    def manifest(system: str) -> Manifest:
        return Manifest(
            system=system,
            zh=names[system],
            needs=EVERY_NEED,
            needs_confidential=EVERY_NEED,
            settings=SystemSettings,
            build=lambda _settings, _workshop: Adapter(system, NoDoors(), played[system]),
            sandbox=lambda *_: None,  # type: ignore[arg-type]
            sandbox_settings=lambda *_: SystemSettings(),
        )

    def behind_its_doors(real: Manifest) -> Manifest:
        def build(settings: Any, workshop: Workshop) -> Adapter:
            return Adapter(real.system, real.build(settings, workshop).inbound, played[real.system])

        return replace(real, build=build)

    wired = map(behind_its_doors, MANIFESTS) if doors else map(manifest, SYSTEMS)
    monkeypatch.setattr(app, "MANIFESTS", tuple(wired))
    return played


def settings_in(folder: Path, **overrides: Any) -> Settings:
    given: dict[str, Any] = {
        "database_url": f"sqlite:///{folder / 'bridge.db'}",
        "broker_prefix": f"t{secrets.token_hex(4)}.",
        "audit_dir": folder / "audit",
        "keys_dir": folder / "keys",
        "retry_ladder": "1s",
        "patience": {"watch_seconds": 0.05, "publish_seconds": 5},
    }
    return app.settings(**{**given, **overrides})


@asynccontextmanager
async def running(settings: Settings, parts: Part = Part.ALL) -> AsyncIterator[Bridge]:
    bridge = Bridge(settings, parts)
    await bridge.start()
    try:
        yield bridge
    finally:
        await bridge.stop()


async def until(condition: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s in vain for {what}")
        await asyncio.sleep(0.01)
