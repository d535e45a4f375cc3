"""What each error code, wrong setting and mood of the system means for a hand-off."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.wechat.settings import TemplateIds
from bridge.adapter import Busy, OutboundError, Permanent, Transient, Unknown
from bridge.sandbox import Mood
from schemas.petition import Petitioner
from tests.adapters.wechat.support import OPENID, WORDS, Bench, bench, petition


def run(story: Callable[[Bench], Awaitable[None]], **settings: Any) -> None:
    async def whole() -> None:
        async with bench(**settings) as found:
            await story(found)

    asyncio.run(whole())


def citizen(openid: str | None) -> Any:
    return petition(petitioner=Petitioner(name="孔令宜", phone="13805370001", openid=openid))


# ── each code ──


@pytest.mark.parametrize("code", sorted(WORDS.errors))
def test_every_code_of_the_table(code: int) -> None:
    policy = WORDS.errors[code]
    kinds: dict[str, type[OutboundError]] = {"person": Permanent, "way": Permanent, "permanent": Permanent}

    async def story(found: Bench) -> None:
        with pytest.raises(kinds.get(policy.do, Busy), match=f"^errcode_{code}$") as caught:
            await found.send({"petitioner"}, about=citizen(f"oErrcode{code}_x"))
        if policy.seconds:
            assert caught.value.retry_after == policy.seconds  # type: ignore[attr-defined]

    run(story, duty_openid=None)


def test_a_code_nobody_knows_is_permanent_and_named() -> None:
    async def story(found: Bench) -> None:
        with pytest.raises(Permanent, match="errcode_99999"):
            await found.send({"petitioner"}, about=citizen("oErrcode99999_x"))

    run(story)


def test_the_days_quota_stops_the_channel_until_midnight() -> None:
    async def story(found: Bench) -> None:
        with pytest.raises(Busy) as caught:
            await found.send({"petitioner"}, about=citizen("oErrcode45009_x"))
        assert caught.value.retry_after == 14.5 * 3600
        found.clock[0] += timedelta(hours=1)
        with pytest.raises(Busy) as caught:
            await found.send({"petitioner"})
        assert (caught.value.code, caught.value.retry_after) == ("errcode_45009", 13.5 * 3600)
        assert found.arrivals == []
        found.clock[0] += timedelta(hours=13.5)
        await found.send({"petitioner"})

    run(story)


# ── the token ──


def test_a_revoked_token_is_replaced_and_the_call_repeated() -> None:
    async def story(found: Bench) -> None:
        await found.send({"petitioner"})
        found.account.revoke()
        await found.send({"owner"})
        assert (len(found.arrivals), found.account.tokens_given) == (2, 2)

    run(story)


def test_a_hundred_sends_share_one_token() -> None:
    async def story(found: Bench) -> None:
        await asyncio.gather(*(found.send({"petitioner"}, about=citizen(f"oCitizen{n}")) for n in range(100)))
        assert (len(found.arrivals), found.account.tokens_given) == (100, 1)

    run(story)


@pytest.mark.parametrize(
    ("settings", "error", "code"),
    [
        ({"app_secret": SecretStr("wrong")}, Busy, "errcode_40125"),
        ({"app_secret": None}, Permanent, "no_app_secret_configured"),
        ({"templates": TemplateIds(), "subscribe_templates": TemplateIds()}, Permanent, "no_template_accepted"),
        ({"templates": TemplateIds(accepted="unknown")}, Permanent, "errcode_40037"),
        ({"base_url": "http://127.0.0.1:1"}, Transient, "connect:"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], error: type[OutboundError], code: str) -> None:
    async def story(found: Bench) -> None:
        with pytest.raises(error, match=code):
            await found.send({"petitioner"})

    run(story, **settings)


# ── moods ──


@pytest.mark.parametrize(
    ("mood", "error", "code"),
    [
        (Mood(status=500, times=1), Unknown, "http_500"),
        (Mood(status=503, retry_after=7, times=1), Busy, "http_503"),
        (Mood(status=429, times=1), Busy, "http_429"),
        (Mood(status=404, times=1), Transient, "http_404"),
        (Mood(html=True, times=1), Unknown, "answer_unreadable"),
        (Mood(reset=True, times=1), Unknown, "transport|http_500"),
        (Mood(reset=True, after=True, times=1), Unknown, "transport|http_500"),
        (Mood(status=502, after=True, times=1), Unknown, "http_502"),
        (Mood(delay=0.6, times=1), Unknown, "transport:"),
    ],
)
def test_moods_and_then_it_arrives_once(mood: Mood, error: type[OutboundError], code: str) -> None:
    async def story(found: Bench) -> None:
        await found.send({"owner"}, about=citizen(OPENID))
        found.box.mood = mood
        with pytest.raises(error, match=code) as caught:
            await found.send({"petitioner"})
        assert caught.value.progress == {}
        await _insist(found)
        assert (len(found.arrivals), found.box.memory.duplicates) == (2, 0)

    run(story, timeout_seconds=0.3)


async def _insist(found: Bench) -> None:
    """Send again, as the core would; a cut may still leave a dead connection in the pool."""
    for _ in range(3):
        with contextlib.suppress(Unknown):
            await found.send({"petitioner"})
            return
    raise AssertionError("three times unknown")


@pytest.mark.parametrize("mood", [Mood(status=500, times=1), Mood(html=True, times=1), Mood(reset=True, times=1)])
def test_trouble_with_the_token_is_never_unknown(mood: Mood) -> None:
    async def story(found: Bench) -> None:
        found.box.mood = mood
        with pytest.raises(Transient, match="token:"):
            await found.send({"petitioner"})

    run(story)
