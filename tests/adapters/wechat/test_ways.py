"""事事有回音: where the template message does not get, another way does; in the end the owner is asked to call."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from adapters.wechat.settings import TemplateIds
from bridge.adapter import Busy, Permanent, Receipt
from schemas.event import EventType
from schemas.petition import Petitioner
from tests.adapters.wechat.support import Bench, bench, event, petition

REPLIED = {"told": event(EventType.REPLIED, text="楼道灯已更换，请您放心。")}


def run(story: Callable[[Bench], Awaitable[None]], **settings: Any) -> None:
    async def whole() -> None:
        async with bench(**settings) as found:
            await story(found)

    asyncio.run(whole())


def citizen(openid: str) -> dict[str, Any]:
    return {"about": petition(petitioner=Petitioner(name="孔令宜", phone="13805370001", openid=openid))}


def ways(found: Bench) -> list[str]:
    return [arrival.key.partition(":")[0] if ":" in arrival.key else "template" for arrival in found.arrivals]


async def fails(found: Bench, receipt: Receipt, failure: str, **more: Any) -> Receipt:
    """The delivery event says that it did not arrive, and the core sends again with what it knows."""
    progress = {**receipt.progress, f"failed:{receipt.number}": failure}
    again: Receipt = await found.send({"petitioner", "owner"}, **{**more, **progress})
    return again


# ── refused while sending ──


def test_who_does_not_follow_gets_the_subscribe_message() -> None:
    async def story(found: Bench) -> None:
        receipt = await found.send({"petitioner", "owner"}, **citizen("oUnfollowed1"), **REPLIED)
        assert ways(found) == ["subscribe", "template"]
        assert receipt.detail == "petitioner_by:subscribe"
        assert (receipt.told_petitioner, receipt.acknowledged) == (True, False)
        assert receipt.number == found.arrivals[0].number

    run(story)


def test_who_declined_and_wrote_lately_gets_a_customer_service_message_with_all_of_it() -> None:
    async def story(found: Bench) -> None:
        found.account.wrote("oRefused1")
        receipt = await found.send({"petitioner"}, **citizen("oRefused1"), **REPLIED)
        assert ways(found) == ["custom"]
        assert "楼道灯已更换，请您放心。" in found.arrivals[0].text
        assert (receipt.told_petitioner, receipt.acknowledged) == (True, True), "no delivery event will come"

    run(story)


def test_where_no_way_is_left_the_owner_is_asked_to_call() -> None:
    async def story(found: Bench) -> None:
        receipt = await found.send({"petitioner"}, **citizen("oRefused1"), **REPLIED)
        assert ways(found) == ["template"]
        assert "请致电诉求人" in found.arrivals[0].text
        assert (receipt.told_petitioner, receipt.detail) == (False, "petitioner_unreachable:43101")

    run(story)


def test_an_openid_that_is_none_is_not_tried_three_times() -> None:
    async def story(found: Bench) -> None:
        receipt = await found.send({"petitioner"}, **citizen("oNobody1"))
        assert receipt.detail == "petitioner_unreachable:46004"
        assert set(receipt.progress) == {"petitioner:template", "petitioner:refused", "owner", "owner:by", "owner:call"}

    run(story)


def test_the_sixth_customer_service_message_is_one_too_many() -> None:
    async def story(found: Bench) -> None:
        found.account.wrote("oRefused1")
        for _ in range(5):
            assert (await found.send({"petitioner"}, **citizen("oRefused1"))).told_petitioner
        assert not (await found.send({"petitioner"}, **citizen("oRefused1"))).told_petitioner
        found.account.close_window("oRefused1")
        assert not (await found.send({"petitioner"}, **citizen("oRefused1"))).told_petitioner

    run(story)


# ── taken, and not arrived ──


def test_a_message_that_failed_goes_another_way() -> None:
    async def story(found: Bench) -> None:
        about = citizen("oSystemFailed1")
        first = await found.send({"petitioner", "owner"}, **about, **REPLIED)
        again = await fails(found, first, "system_failed", **about, **REPLIED)
        assert ways(found) == ["template", "template", "subscribe"]
        assert again.number != first.number
        assert (again.told_petitioner, again.detail) == (True, "petitioner_by:subscribe")
        assert again.also == first.also, "the owner is not told twice"

    run(story)


def test_after_the_last_way_failed_the_owner_is_asked_to_call() -> None:
    async def story(found: Bench) -> None:
        about = citizen("oSystemFailedTwice1")
        receipt = await found.send({"petitioner"}, **about, **REPLIED)
        receipt = await fails(found, receipt, "system_failed", **about, **REPLIED)
        assert receipt.detail == "petitioner_by:subscribe"
        assert ways(found) == ["template", "subscribe", "template"], "the owner has heard of the reply by now"
        receipt = await fails(found, receipt, "system_failed", **about, **REPLIED)
        assert (receipt.told_petitioner, receipt.detail) == (False, "petitioner_unreachable:system_failed")
        assert ways(found) == ["template", "subscribe", "template", "template"]
        assert "请致电诉求人" in found.arrivals[-1].text
        assert receipt.number == found.arrivals[-1].number
        again = await found.send({"petitioner", "owner"}, **about, **REPLIED, **receipt.progress)
        assert again.number == receipt.number
        assert len(found.arrivals) == 4, "asked once"

    run(story)


def failed(receipt: Receipt, failure: str) -> Mapping[str, str]:
    return {**receipt.progress, f"failed:{receipt.number}": failure}


def test_an_owner_who_blocked_the_account_is_reached_another_way() -> None:
    async def story(found: Bench) -> None:
        receipt = await found.send({"owner"}, **REPLIED)
        again = await found.send({"owner"}, **REPLIED, **failed(receipt, "user_block"))
        assert again.detail == "owner_by:subscribe"
        with pytest.raises(Permanent, match=r"^user_block$"):
            await found.send({"owner"}, **REPLIED, **failed(again, "user_block"))

    run(story)


# ── what the account has ──


def test_without_subscribe_templates_that_way_is_closed() -> None:
    async def story(found: Bench) -> None:
        found.account.wrote("oUnfollowed1")
        await found.send({"petitioner"}, **citizen("oUnfollowed1"), **REPLIED)
        assert ways(found) == ["custom"]

    run(story, subscribe_templates=TemplateIds())


def test_customer_service_can_be_switched_off() -> None:
    async def story(found: Bench) -> None:
        found.account.wrote("oRefused1")
        receipt = await found.send({"petitioner"}, **citizen("oRefused1"), **REPLIED)
        assert receipt.told_petitioner is False

    run(story, customer_service=False)


# ── quotas ──


def test_a_used_up_quota_closes_its_own_way_only() -> None:
    async def story(found: Bench) -> None:
        found.account.used_up = {"template": 45009}
        assert (await found.send({"petitioner"}, **REPLIED)).detail == "petitioner_by:subscribe"
        found.account.used_up = {}
        found.clock[0] += timedelta(hours=1)
        assert (await found.send({"petitioner"}, **REPLIED)).detail == "petitioner_by:subscribe", "until midnight"
        found.clock[0] += timedelta(hours=13.5)
        assert (await found.send({"petitioner"}, **REPLIED)).detail is None

    run(story)


def test_with_every_way_paused_it_comes_back_when_the_first_one_opens() -> None:
    async def story(found: Bench) -> None:
        found.account.used_up = {"template": 45009, "subscribe": 45011}
        with pytest.raises(Busy) as caught:
            await found.send({"petitioner"}, **REPLIED)
        assert (caught.value.code, caught.value.retry_after) == ("errcode_45011", 60.0)
        assert caught.value.progress == {"petitioner:customer_service": "45015"}

    run(story)
