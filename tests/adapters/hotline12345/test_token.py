"""The token's life: one fetch at a time, before it expires, once more when refused."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from bridge.adapter import Permanent, Transient
from tests.adapters.hotline12345.support import Stage, outgoing, stage


def play(scene: Any, **more: Any) -> None:
    async def run() -> None:
        async with stage(**more) as there:
            await scene(there)

    asyncio.run(run())


async def send(there: Stage, n: int = 1) -> None:
    await there.bridge.outbound.send(outgoing(idempotency_key=f"key-{n}"))


def test_fifty_callers_fetch_one_token() -> None:
    async def scene(there: Stage) -> None:
        await asyncio.gather(*(send(there, n) for n in range(50)))
        assert there.hotline.gate.granted == 1

    play(scene)


def test_renewed_before_it_expires_and_not_earlier() -> None:
    async def scene(there: Stage) -> None:
        await send(there)
        there.clock.now += timedelta(seconds=24_000 - 301)
        await send(there)
        assert there.hotline.gate.granted == 1
        there.clock.now += timedelta(seconds=2)
        await send(there)
        assert there.hotline.gate.granted == 2

    play(scene)


def test_an_early_renewal_that_fails_stops_nobody() -> None:
    async def scene(there: Stage) -> None:
        await send(there)
        there.clock.now += timedelta(seconds=24_000 - 100)
        await there.mood(status=500, times=1)
        await send(there, 2)
        there.clock.now += timedelta(seconds=31)
        await send(there, 3)
        assert there.hotline.gate.granted == 2

    play(scene)


def test_a_refused_token_is_renewed_once_for_all() -> None:
    async def scene(there: Stage) -> None:
        await send(there)
        there.hotline.gate.forget_tokens()
        await asyncio.gather(*(send(there, n) for n in range(20)))
        assert there.hotline.gate.granted == 2

    play(scene)


def test_refused_again_and_again_is_parked() -> None:
    async def scene(there: Stage) -> None:
        there.hotline.gate.lifetime = 0
        with pytest.raises(Permanent, match="auth:-400001"):
            await send(there)
        assert there.hotline.gate.granted == 2

    play(scene)


def test_a_wrong_secret_is_parked() -> None:
    async def scene(there: Stage) -> None:
        with pytest.raises(Permanent, match="token:-400005"):
            await send(there)

    async def run() -> None:
        async with stage() as there:
            there.hotline.gate._secret = "other"
            await scene(there)

    asyncio.run(run())


@pytest.mark.parametrize("mood", [{"status": 500}, {"html": True}, {"delay": 5.0}])
def test_without_a_token_nothing_was_sent(mood: dict[str, Any]) -> None:
    async def scene(there: Stage) -> None:
        await there.mood(**mood, times=1)
        with pytest.raises(Transient, match="token:"):
            await send(there)
        await there.mood()
        await send(there)
        assert (await there.received())["received"] == 1

    play(scene, timeout_seconds=0.3)


def test_who_waited_shares_the_failure() -> None:
    async def scene(there: Stage) -> None:
        await there.mood(delay=5.0, times=-1)
        async with asyncio.timeout(2.0):
            told = await asyncio.gather(*(send(there, n) for n in range(20)), return_exceptions=True)
        assert {type(error) for error in told} == {Transient}
        await there.mood()
        await send(there)

    play(scene, timeout_seconds=0.3)


def test_a_secret_is_not_shown() -> None:
    async def scene(there: Stage) -> None:
        assert isinstance(there.settings.client_secret, SecretStr)
        assert "client-s3cret" not in repr(there.settings)

    play(scene)
