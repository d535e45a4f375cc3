"""Hold the whole WeChat conversation against the sandbox and write it down: `python -m scripts.conversation`.

A real bridge, real doors, the hotline's sandbox on the other side; what stands in docs/conversation.md is what was
answered. Numbers, times and the unit that the hotline picks change from run to run and are replaced by fixed ones;
nothing else is touched.
"""

import asyncio
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from adapters.hotline12345.sandbox_case import UNITS
from adapters.wechat import words
from bridge.clock import to_ms, utc_now
from bridge.demo.playground import Playground
from bridge.ids import PETITION_ID
from bridge.ledger.roster import CodeOrder, Lists, import_lists, make_codes
from bridge.ledger.work import Work
from bridge.roster import Area, Member, Team

PAGE = Path(__file__).resolve().parent.parent / "docs" / "conversation.md"
PATIENCE_SECONDS = 30.0
WECHAT, HOTLINE = "wechat", "hotline12345"

GRANDMA, PASSER_BY, DECLINED, GONE = "oGrandmaLi01", "oUnfollowedWang1", "oRefusedZhao1", "oRefusedQian1"
SECRETARY, STRANGER = "oSecretaryMeng1", "oStranger0001"
ROSTER = Lists(
    teams=(Team("T01", "市住建局第一服务队", "市住建局", "S001"),),
    members=(Member("S001", "孟书记", "T01"),),
    areas=(Area("370811", "", "", "T01"),),
)

LABELS = {
    "number": "诉求编号", "title": "诉求标题", "phrase": "办理状态", "time": "时间", "note": "温馨提示",
    "text": "答复内容", "unit": "承办单位", "kind": "诉求类型", "secretary": "民情书记", "due": "办理期限",
}  # fmt: skip
WAYS = {"template": "模板消息", "subscribe": "订阅消息", "customer_service": "客服消息"}

HEAD = """# A conversation, in full

What a citizen and a secretary see on their phones, from the first greeting to the rating, held against the sandboxes
by `python -m scripts.conversation` and checked by `tests/docs/test_conversation_page.py`: the page is what was really
answered, with petition numbers, codes, times and the handling unit replaced by fixed ones. The texts are those of
`adapters/wechat/words.toml`.

市民和民情书记在手机上看到的全部内容，由程序对照沙箱逐句实录；编号、绑定码、时间与承办单位已替换为固定值。
"""


class Transcript:
    """The page as it grows, and the world that it is held in."""

    def __init__(self, world: Playground) -> None:
        self.world = world
        self.lines: list[str] = [HEAD]
        self._seen: dict[str, int] = {}
        self._meanings = _meanings()

    # ── what is said ──
    def scene(self, title: str, told: str) -> None:
        self.lines.append(f"\n## {title}\n\n{told}\n")

    async def says(self, who: str, openid: str, shown: str, **step: Any) -> str:
        """One message and what is answered on the spot; the petition's number in the answer."""
        answer = await self.world.step(WECHAT, openid=openid, **step)
        if answer["status"] != 200:
            raise RuntimeError(f"{step['step']}: HTTP {answer['status']}")
        self._line(who, shown)
        self._line("来听", answer["reply"] or "（收到，不另回复）")
        return str(answer["petition_id"] or "")

    async def writes(self, openid: str, text: str, who: str = "市民") -> str:
        return await self.says(who, openid, text, step="text", content=text)

    def _line(self, who: str, text: str) -> None:
        self.lines.append(f"**{who}**：" + text.replace("\n", "  \n") + "\n")

    def happens(self, what: str) -> None:
        self.lines.append(f"*{what}*\n")

    # ── what the phones show ──
    async def phone(self, who: str, openid: str, phrase: str) -> dict[str, Any]:
        """Until the phone shows a message with this phrase; it and all before it are written down."""

        async def shown() -> list[dict[str, Any]]:
            _, answer = await self.world.call("GET", f"{self.world.sandbox_url(WECHAT)}/sandbox/phone?openid={openid}")
            fresh: list[dict[str, Any]] = answer["messages"][self._seen.get(openid, 0) :]
            return fresh if any(phrase in " ".join(one["data"].values()) for one in fresh) else []

        fresh: list[dict[str, Any]] = await until(shown, f"“{phrase}” on the phone of {who}")
        self._seen[openid] = self._seen.get(openid, 0) + len(fresh)
        for message in fresh:
            self.lines.append(f"> 📱 **{who}收到{WAYS[message['way']]}**  ")
            self.lines += [f"> {line}  " for line in self._told(message)]
            self.lines.append("")
        return fresh[-1]

    def _told(self, message: dict[str, Any]) -> list[str]:
        if message["way"] == "customer_service":
            return str(message["data"]["text"]).splitlines()
        meanings = self._meanings[message["way"]][message["purpose"]]
        return [f"{LABELS[meanings[name]]}：{value}" for name, value in message["data"].items()]

    async def fails(self, openid: str, message: dict[str, Any], status: str) -> None:
        """The platform says later that a message did not arrive."""
        fields = {"MsgID": message["number"], "Status": status}
        await self.world.step(WECHAT, openid=openid, step="event", event="TEMPLATESENDJOBFINISH", fields=fields)

    # ── the hotline ──
    async def hotline_has(self, petition_id: str) -> None:
        async def taken() -> bool:
            items = (await self.world.received(HOTLINE))["items"]
            return any(item["case"] == petition_id and item["what"] == "REPORT" for item in items)

        await until(taken, f"the hotline to take {petition_id}")

    async def hotline(self, petition_id: str, step: str, text: str = "") -> None:
        await self.hotline_has(petition_id)
        answer = await self.world.step(HOTLINE, step=step, petition_id=petition_id, text=text)
        if answer["status"] != 200:
            raise RuntimeError(f"hotline {step}: {answer}")

    async def stands_at(self, petition_id: str, state: str) -> None:
        async def there() -> bool:
            _, answer = await self.world.call("GET", f"{self.world.url}/v1/petitions/{petition_id}")
            return bool(answer.get("state") == state)

        await until(there, f"{petition_id} to stand at {state}")

    # ── the roster ──
    async def write(self, verb: Callable[[Work, list[Any]], list[Any]], order: Any) -> Any:
        bridge = self.world.bridge

        def work() -> Any:
            with bridge.store.writing() as conn:
                return verb(Work(conn, to_ms(utc_now()), bridge.privacy), [order])[0]

        return await asyncio.to_thread(work)

    async def bound(self, secretary: str) -> None:
        async def known() -> bool:
            await self.world.bridge.roster.refresh(self.world.bridge.ledger)
            return self.world.bridge.roster.of_secretary(secretary) is not None

        await until(known, f"{secretary} to be bound")

    def page(self) -> str:
        return settled("\n".join(self.lines)) + "\n"


async def until(condition: Callable[[], Awaitable[Any]], what: str) -> Any:
    """What the condition gives, as soon as it gives something."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while not (found := await condition()):
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError(f"waited {PATIENCE_SECONDS:g} s in vain for {what}")
        await asyncio.sleep(0.05)  # between two looks
    return found


def settled(text: str) -> str:
    """The same words for the same conversation: numbers in the order in which they appear, one code, time and unit."""
    numbers: dict[str, str] = {}

    def fixed(match: re.Match[str]) -> str:
        return numbers.setdefault(match[0], f"LT261122-{len(numbers) + 1:010d}")

    text = PETITION_ID.sub(fixed, text)
    text = re.sub(r"绑定 (?!0000)[0-9A-Z]{4}-[0-9A-Z]{4}(?=\n)", "绑定 7K3M-9QX2", text)
    text = re.sub("|".join(map(re.escape, UNITS)), UNITS[0], text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "2026-11-22 09:30", text)
    return re.sub(r"\d{1,2}月\d{1,2}日", "11月22日", text)


def _meanings() -> dict[str, Any]:
    table = words.load()
    return {"template": table.templates, "subscribe": table.subscribe}


# ── the scenes ──────────────────────────────────────────────────────────────────────────────────────────────


async def transcript(directory: Path) -> str:
    """The whole page."""
    async with Playground(directory, autopilot=False) as world:
        told = Transcript(world)
        await told.write(import_lists, (ROSTER, "demo"))
        await _greeting(told)
        first = await _telling(told)
        second = await _another(told)
        await _handling(told, first)
        await _rating(told, first, second)
        await _secretary(told)
        answered = await _other_ways(told)
        await _confirming(told, answered)
        return told.page()


async def _greeting(told: Transcript) -> None:
    told.scene("1. 关注与问候", "李奶奶第一次使用服务号。")
    await told.says("市民", GRANDMA, "（关注服务号）", step="subscribe")
    await told.writes(GRANDMA, "你好！")
    await told.says("市民", GRANDMA, "（点击菜单“查询进度”）", step="click", key="PROGRESS")


async def _telling(told: Transcript) -> str:
    told.scene("2. 一件诉求，几条消息", "文字、图片、语音、位置在十分钟之内发来，记入同一件诉求。")
    number = await told.writes(
        GRANDMA, "幸福小区3号楼二单元的楼道灯坏了半个多月，老人晚上下楼看不见台阶，麻烦派人来修一修。"
    )
    await told.hotline_has(number)
    await told.says("市民", GRANDMA, "（图片：楼道）", step="image")
    await told.says("市民", GRANDMA, "（语音）三单元的灯也不亮。", step="voice", recognition="三单元的灯也不亮。")
    await told.says("市民", GRANDMA, "（语音，平台未识别出文字）", step="voice")
    place = {"latitude": 35.414, "longitude": 116.587, "label": "幸福小区3号楼"}
    await told.says("市民", GRANDMA, "（位置：幸福小区3号楼）", step="location", **place)
    await told.says("市民", GRANDMA, "（视频）", step="video")
    return number


async def _another(told: Transcript) -> str:
    told.scene("3. 另一件事", "以“新诉求”开头，就是新的一件。")
    await told.writes(GRANDMA, "新诉求")
    number = await told.writes(GRANDMA, "新诉求：小区门口的井盖松动，车一过就响。")
    await told.hotline_has(number)
    await told.writes(GRANDMA, "进度")
    return number


async def _handling(told: Transcript, number: str) -> None:
    told.scene("4. 办理进展", "12345热线受理、派单、办理、答复，李奶奶的手机逐次收到消息。")
    for step, what, phrase, text in (
        ("accept", "12345热线受理", "已受理", ""),
        ("dispatch", "12345热线派单", "已派单", ""),
        ("progress", "承办单位报告进展", "办理中", "已派电工上门查看，正在更换灯具。"),
        ("reply", "承办单位答复", "已答复", "您好，楼道灯已更换为声控灯，电工师傅当面试亮，请您放心。"),
    ):
        await told.hotline(number, step, text)
        told.happens(what)
        await told.phone("市民", GRANDMA, phrase)
    await told.stands_at(number, "replied")
    await told.writes(GRANDMA, number)
    await told.writes(GRANDMA, "查询 LT261122-9999999999")


async def _rating(told: Transcript, first: str, second: str) -> None:
    told.scene("5. 评价", "答复之后请诉求人评价；可以带上理由。")
    await told.writes(GRANDMA, "评价")
    await told.says("市民", GRANDMA, "（语音）满意。", step="voice", recognition="满意。")
    await told.writes(GRANDMA, "满意")
    await told.hotline(first, "archive")
    told.happens("12345热线办结归档")
    await told.phone("市民", GRANDMA, "已办结")
    await told.hotline(second, "reply", "您好，井盖已加装胶垫。")
    await told.phone("市民", GRANDMA, "已答复")
    await told.stands_at(second, "replied")
    await told.writes(GRANDMA, "不满意，车一过还是响")
    told.happens("不满意的，退回重办")
    await told.phone("市民", GRANDMA, "重新办理")
    await told.writes(GRANDMA, "谢谢")


async def _secretary(told: Transcript) -> None:
    told.scene("6. 民情书记绑定微信", "管理员用 `bridge roster bind-code S001` 发放一次性绑定码。")
    code = await told.write(make_codes, CodeOrder("S001", "demo"))
    await told.writes(SECRETARY, "绑定", "书记")
    await told.writes(SECRETARY, "绑定 0000-0000", "书记")
    await told.writes(SECRETARY, f"绑定 {code}", "书记")
    await told.bound("S001")
    await told.writes(STRANGER, f"绑定 {code}", "旁人")


async def _other_ways(told: Transcript) -> str:
    """The number of a petition that the secretary filed and that has been answered."""
    told.scene(
        "7. 微信送不到时", "模板消息送不到，改发订阅消息；再不行，48小时内来过信的发客服消息；都不行，请书记致电。"
    )
    told.happens("王先生没有关注服务号，只同意过订阅消息")
    first = await _from_form(told, PASSER_BY, "F-1")
    await told.hotline(first, "reply", "您好，路灯已修复。")
    await told.phone("王先生", PASSER_BY, "已答复")
    told.happens("赵女士拒收模板与订阅消息，但刚刚来过信")
    number = await told.writes(DECLINED, "滨河路的树枝挡住了红绿灯。", "赵女士")
    await told.hotline(number, "reply", "您好，树枝已经修剪，红绿灯不再被遮挡，感谢您的提醒。")
    await told.phone("赵女士", DECLINED, "已答复")
    told.happens("钱先生什么也收不到，书记已绑定微信")
    number = await _from_form(told, GONE, "F-2")
    await told.hotline(number, "reply", "您好，自来水已恢复。")
    await told.phone("孟书记", SECRETARY, "微信未送达")
    told.happens("李奶奶的一条消息后来被告知没有送达")
    number = await told.writes(GRANDMA, "新诉求：健身器材坏了一个。")
    await told.hotline(number, "reply", "您好，器材已更换。")
    message = await told.phone("市民", GRANDMA, "器材已更换")
    await told.fails(GRANDMA, message, "failed: system failed")
    await told.phone("市民", GRANDMA, "器材已更换")
    return first


async def _confirming(told: Transcript, answered: str) -> None:
    told.scene("8. 书记确认办结", "首问书记与群众核实之后，用编号确认；旁人发来的不作数。")
    open_ = await _from_form(told, PASSER_BY, "F-3")
    await told.phone("王先生", PASSER_BY, "已收到")
    await told.stands_at(answered, "replied")
    await told.writes(SECRETARY, f"确认 {open_}", "书记")
    await told.writes(SECRETARY, "待确认", "书记")
    word = f"确认 {answered} 已电话回访，群众认可"
    await told.says("书记", SECRETARY, word, step="confirm", number=answered, content="已电话回访，群众认可")
    await told.phone("王先生", PASSER_BY, "已办结")
    await told.writes(SECRETARY, f"确认 {answered}", "书记")
    await told.writes(STRANGER, f"确认 {answered}", "旁人")


async def _from_form(told: Transcript, openid: str, external_id: str) -> str:
    """A petition that the secretary filed through the form."""
    document = {
        "door": "form", "external_id": external_id, "content": "走访记录", "title": "走访登记的诉求",
        "petitioner": {"openid": openid, "phone": "13800000000"}, "handling_class": "hotline_transfer",
        "place": {"region_code": "370811"}, "secretary": {"id": "S001", "name": "孟书记", "team_id": "T01"},
    }  # fmt: skip
    _, answer = await told.world.call("POST", f"{told.world.sandbox_url(WECHAT)}/sandbox/originate", document)
    return str(answer["petition_id"])


def main() -> int:
    with tempfile.TemporaryDirectory() as directory:
        page = asyncio.run(transcript(Path(directory)))
    PAGE.write_text(page, encoding="utf-8")
    print(f"{PAGE.name} written, {page.count(chr(10))} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
