"""One token for all: fetched by one caller, renewed early, replaced once when it is refused."""

import asyncio
from datetime import datetime, timedelta

import pytest

from adapters.wechat import token
from adapters.wechat.token import Hold, Token, TokenKeeper
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


# ── several processes ──


class Lease:
    """The ledger's leases as several processes see them."""

    def __init__(self) -> None:
        self.owners: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []

    def of(self, owner: str) -> Hold:
        async def hold(name: str, seconds: float) -> bool:
            self.asked.append((owner, name))
            if self.owners.get(name, owner) != owner:
                return False
            if seconds:
                self.owners[name] = owner
            else:
                self.owners.pop(name, None)
            return True

        return hold


class Platform:
    """Counts who is asking at the same time, and gives everybody the same token until one forces another."""

    def __init__(self) -> None:
        self.asking = self.most = self.forced = 0
        self.value = 1

    async def __call__(self, force: bool) -> Token:
        self.asking += 1
        self.most = max(self.most, self.asking)
        await asyncio.sleep(0)
        self.value += force
        self.forced += force
        self.asking -= 1
        return Token(f"t{self.value}", 7200)


def test_processes_fetch_one_after_the_other() -> None:
    async def story() -> None:
        platform, lease = Platform(), Lease()
        keepers = [TokenKeeper(platform, lambda: NOW, lease.of(f"p{n}")) for n in range(5)]
        assert set(await asyncio.gather(*(keeper.token() for keeper in keepers))) == {"t1"}
        assert (platform.most, lease.owners) == (1, {})

    asyncio.run(story())


def test_a_refused_token_is_replaced_once_for_all_processes() -> None:
    async def story() -> None:
        platform, lease = Platform(), Lease()
        keepers = [TokenKeeper(platform, lambda: NOW, lease.of(f"p{n}")) for n in range(5)]
        for keeper in keepers:
            await keeper.token()
        assert set(await asyncio.gather(*(keeper.renew("t1") for keeper in keepers))) == {"t2"}
        assert (platform.forced, platform.most) == (1, 1)

    asyncio.run(story())


def test_no_process_forces_another_token_while_the_pause_is_held() -> None:
    async def story() -> None:
        platform, lease = Platform(), Lease()
        one, two = (TokenKeeper(platform, lambda: NOW, lease.of(owner)) for owner in ("p1", "p2"))
        refused = await one.token()
        fresh = await one.renew(refused)
        assert await two.token() == fresh
        with pytest.raises(Busy, match="token_refused"):
            await two.renew(fresh)
        assert platform.forced == 1

    asyncio.run(story())


def test_a_process_that_died_while_fetching_holds_nobody_up_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(token, "FETCH_SECONDS", 0.01)

    async def story() -> None:
        platform, lease = Platform(), Lease()
        lease.owners[token.FETCHING] = "dead"
        assert await TokenKeeper(platform, lambda: NOW, lease.of("p1")).token() == "t1"
        assert lease.owners == {token.FETCHING: "dead"}, "what is another's is not given up"

    asyncio.run(story())
