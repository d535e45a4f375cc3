"""One petition from the first word to the last, told as it happens. Meant to be read aloud."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from adapters.wechat import arrival_keys
from bridge.demo.playground import Playground
from bridge.ids import PETITION_ID

WECHAT, HOTLINE = "wechat", "hotline12345"
GRANDMA_LI = "oGrandmaLi00000000000000001"
HER_WORDS = "幸福小区3号楼二单元的楼道灯坏了半个多月，老人晚上下楼看不见台阶，麻烦派人来修一修。"
THE_REPLY = "您好，楼道灯已更换为声控灯，电工师傅当面试亮，请您放心。"
PATIENCE_SECONDS = 20.0


def test_grandma_li_gets_her_lamp(tmp_path: Path) -> None:
    asyncio.run(_the_story(tmp_path))


async def _the_story(directory: Path) -> None:
    async with Playground(directory, autopilot=False) as world:
        story = _Story(world)

        # Grandma Li writes to the service account, and is answered at once with a number she can read over the phone.
        reply = await story.she_writes(HER_WORDS)
        number = story.number = str(PETITION_ID.search(reply)[0])  # type: ignore[index]
        assert f"您的诉求已受理，编号 {number}" in reply

        # The hotline has her case, under her number, word for word as she wrote it.
        case = await story.the_hotline_has("REPORT")
        assert case["text"] == HER_WORDS
        assert await story.places() == {"held": 1}
        assert (await story.petition())["holder"] == HOTLINE
        assert await story.her_phone() == [], "she had her answer in the conversation: it is not said twice"

        # The hotline accepts it and sends it to the unit; her phone shows it each time.
        await story.the_hotline("accept")
        await story.the_hotline("dispatch")
        await story.stands_at("dispatched")
        await story.she_is_shown("已受理", "已派单")
        await story.the_hotline("sign")
        await story.stands_at("signed")
        assert "承办单位已签收" in await story.she_asks("进度")

        # The unit is at work. She reads what is being done.
        await story.the_hotline("progress", "已派电工上门查看，正在更换灯具。")
        await story.stands_at("handling")
        await story.she_is_shown("办理中")

        # The unit replies; the reply reaches her own phone.
        await story.the_hotline("reply", THE_REPLY)
        await story.stands_at("replied")
        await story.she_is_shown("已答复")
        assert THE_REPLY in await story.she_asks(number)
        assert await story.places() == {"held": 1}, "answered, and not yet closed: the hotline still holds it"

        # She is content, and says so. The hotline hears what she said.
        assert "满意" in await story.she_writes("满意")
        rating = await story.the_hotline_has("EVALUATE")
        assert rating["case"] == number

        # The hotline closes the case. Now, and only now, it is closed here too: she has been answered.
        await story.the_hotline("archive")
        await story.becomes({"closed": 1})
        await story.she_is_shown("已办结")
        assert "已办结" in await story.she_asks("进度")
        assert len(await story.her_phone()) == 5, "accepted, dispatched, at work, answered, closed: each of them once"

        # The trail tells the same story, in order, once.
        assert await story.the_trail() == [
            "petition.accepted", "petition.accepted", "petition.dispatched", "petition.signed", "petition.progressed",
            "petition.replied", "petition.rated", "petition.closed", "petition.closed",
        ]  # fmt: skip
        # And nobody was told anything twice.
        for system in (WECHAT, HOTLINE):
            received = await world.received(system)
            assert (received["duplicates"], received["repeats"]) == (0, 0)


class _Story:
    """Who does what, and who then knows what."""

    def __init__(self, world: Playground) -> None:
        self.world = world
        self.number = ""

    # ── Grandma Li ──
    async def she_writes(self, words: str) -> str:
        """What the service account answers on the spot."""
        answer = await self.world.step(WECHAT, step="text", openid=GRANDMA_LI, content=words)
        assert answer["status"] == 200
        return str(answer["reply"])

    she_asks = she_writes

    async def her_phone(self) -> list[str]:
        """The template messages that reached her own phone; the secretary's are left out."""
        handoffs = [row["handoff_id"] for row in await self.world.handoffs() if row["system"] == WECHAT]
        hers = {key for handoff_id in handoffs for key in arrival_keys(handoff_id, frozenset({"petitioner"}))}
        items = (await self.world.received(WECHAT))["items"]
        return [item["text"] for item in items if item["key"] in hers and item["case"] == self.number]

    async def she_is_shown(self, *phrases: str) -> None:
        """Until each of these stands in a message on her phone."""

        async def shown() -> bool:
            phone = await self.her_phone()
            return all(any(phrase in text for text in phone) for phrase in phrases)

        await _until(shown, f"{phrases} on her phone")

    # ── the hotline ──
    async def the_hotline(self, step: str, text: str = "") -> None:
        answer = await self.world.step(HOTLINE, step=step, petition_id=self.number, text=text)
        assert answer["status"] == 200, answer

    async def the_hotline_has(self, action: str) -> dict[str, Any]:
        """The one message of this kind that the hotline took."""

        async def taken() -> list[dict[str, Any]]:
            return [item for item in (await self.world.received(HOTLINE))["items"] if item["what"] == action]

        found = await _until(taken, f"{action} at the hotline")
        assert len(found) == 1
        assert found[0]["case"] == self.number
        return dict(found[0])

    # ── the bridge ──
    async def petition(self) -> dict[str, Any]:
        status, answer = await self.world.call("GET", f"{self.world.url}/v1/petitions/{self.number}")
        assert status == 200
        return answer

    async def stands_at(self, state: str) -> None:
        async def there() -> bool:
            return bool((await self.petition())["state"] == state)

        await _until(there, f"the petition to stand at {state}")

    async def places(self) -> dict[str, int]:
        """Where the petitions are, once nothing is on its way; the law holds at every look."""

        async def at_rest() -> dict[str, int]:
            law = await self.world.law()
            assert law["holds"], law
            places = {place: law[place] for place in ("closed", "held", "parked", "in_flight") if law[place]}
            return {} if "in_flight" in places else places

        return await _until(at_rest, "nothing to be on its way")

    async def becomes(self, places: dict[str, int]) -> None:
        async def there() -> bool:
            return await self.places() == places

        await _until(there, f"the petitions to be {places}")

    async def the_trail(self) -> list[str]:
        """The petition's own entries, without the hand-offs."""
        status, answer = await self.world.call("GET", f"{self.world.url}/v1/petitions/{self.number}/trail")
        assert status == 200
        assert answer["state"] == "closed"
        whats = [entry["what"] for entry in answer["entries"]]
        assert whats.count("handoff.delivered") == len(
            {e["handoff_id"] for e in answer["entries"] if "handoff_id" in e}
        )
        return [what for what in whats if re.match(r"petition\.", what)]


async def _until(condition: Callable[[], Awaitable[Any]], what: str) -> Any:
    """What the condition gives, as soon as it gives something."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while not (found := await condition()):
        assert asyncio.get_running_loop().time() < deadline, f"waited {PATIENCE_SECONDS:g} s in vain for {what}"
        await asyncio.sleep(0.05)  # between two looks
    return found
