"""One token for all: fetched by one caller, renewed early, replaced once when it is refused."""

import asyncio
from datetime import datetime, timedelta

import pytest

from adapters.wechat.token import Token, TokenKeeper
from bridge.adapter import Busy, Transient
from tests.adapters.wechat.support import NOW


class Source:
    """Gives tokens, counts how often, and fails when told to."""

    def __init__(self, *values: str) -> None:
        self.values = list(values)
        self.asked: list[bool] = []
        self.fails = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.now = NOW

    async def __call__(self, force: bool) -> Token:
        self.asked.append(force)
        await self.gate.wait()
        if self.fails:
            raise Transient("token:connect")
        return Token(self.values.pop(0) if len(self.values) > 1 else self.values[0], 7200)

    def clock(self) -> datetime:
        return self.now

    def keeper(self) -> TokenKeeper:
        return TokenKeeper(self, self.clock)


def test_a_thousand_callers_one_fetch() -> None:
    async def story() -> None:
        source = Source("one")
        source.gate.clear()
        keeper = source.keeper()
        callers = [asyncio.create_task(keeper.token()) for _ in range(1000)]
        await asyncio.sleep(0)
        source.gate.set()
        assert set(await asyncio.gather(*callers)) == {"one"}
        assert source.asked == [False]

    asyncio.run(story())


def test_a_thousand_refusals_one_fetch() -> None:
    async def story() -> None:
        source = Source("one", "two")
        keeper = source.keeper()
        refused = await keeper.token()
        assert set(await asyncio.gather(*(keeper.renew(refused) for _ in range(1000)))) == {"two"}
        assert source.asked == [False, False]

    asyncio.run(story())


def test_renewed_before_it_dies() -> None:
    async def story() -> None:
        source = Source("one", "two")
        keeper = source.keeper()
        for seconds, expected in ((0, "one"), (6899, "one"), (6901, "two"), (7300, "two")):
            source.now = NOW + timedelta(seconds=seconds)
            assert await keeper.token() == expected
        assert len(source.asked) == 2

    asyncio.run(story())


def test_an_old_token_serves_while_a_new_one_cannot_be_had() -> None:
    async def story() -> None:
        source = Source("one")
        keeper = source.keeper()
        await keeper.token()
        source.fails, source.now = True, NOW + timedelta(seconds=7000)
        assert await keeper.token() == "one"
        source.now = NOW + timedelta(seconds=7200)
        with pytest.raises(Transient):
            await keeper.token()

    asyncio.run(story())


def test_the_same_refused_token_again_is_forced_once_in_thirty_seconds() -> None:
    async def story() -> None:
        source = Source("one", "one", "two", "two", "two")
        keeper = source.keeper()
        assert await keeper.renew(await keeper.token()) == "two"
        assert source.asked == [False, False, True]
        with pytest.raises(Busy, match="token_refused"):
            await keeper.renew("two")
        source.now += timedelta(seconds=31)
        assert await keeper.renew("two") == "two"
        assert source.asked[-1]

    asyncio.run(story())


def test_dropping_is_for_the_refused_one_only() -> None:
    async def story() -> None:
        source = Source("one", "two")
        keeper = source.keeper()
        await keeper.token()
        keeper.drop("another")
        assert await keeper.token() == "one"
        keeper.drop("one")
        assert await keeper.token() == "two"

    asyncio.run(story())
