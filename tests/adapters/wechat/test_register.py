"""The platform's list: read a day at a time, compared without anything personal, and taken in where we missed it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from adapters.wechat import MANIFEST
from adapters.wechat.inbound import WechatInbound
from adapters.wechat.register import PAGE_SIZE
from adapters.wechat.sandbox import settings as sandbox_settings
from bridge.adapter import (
    CannotAsk,
    Malformed,
    Notice,
    Permanent,
    Record,
    Submission,
    Taken,
    Transient,
    Unknown,
    Workshop,
)
from bridge.sandbox import Mood
from schemas.base import SHANGHAI
from schemas.petition import ExternalId, Petition, PetitionDocument
from tests.adapters.wechat.support import WORDS, Bench, Core, bench, petition, served

PHONE, NAME = "13805370001", "孔令宜"
DOCUMENT: dict[str, Any] = {
    "external_id": "F-1",
    "kind": "求助",
    "title": "楼道灯不亮",
    "content": "三号楼的楼道灯不亮",
    "petitioner": {"name": NAME, "phone": PHONE},
    "place": {"region_code": "370811", "address": "幸福小区3号楼"},
    "category": {"code": "A01"},
    "attachments": [{"name": "楼道.jpg", "url": "http://files.example.invalid/1"}],
}


def today() -> date:
    return datetime.now(SHANGHAI).date()


def run(story: Callable[[Bench, Core], Awaitable[None]], **settings: Any) -> None:
    async def whole() -> None:
        core = Core(WechatInbound(sandbox_settings("http://sandbox.invalid", "secret"), WORDS))
        async with served(core.app()) as bridge_url, bench(bridge_url, **settings) as found:
            await story(found, core)

    asyncio.run(whole())


async def file(found: Bench, **changes: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await found.box.originate({"door": "form", **DOCUMENT, **changes})
    return answer


def ours(document: dict[str, Any], **changes: Any) -> Petition:
    draft = PetitionDocument.model_validate(document).draft()
    number = ExternalId(system="wechat", kind="external_id", value=document["external_id"])
    given = {
        name: getattr(draft, name) for name in type(draft).model_fields if name not in ("secretary", "handling_class")
    }
    return petition(**{**given, "external_ids": (number,), **changes})


async def seed(found: Bench, **order: Any) -> None:
    async with aiohttp.ClientSession() as session, session.post(f"{found.url}/sandbox/register", json=order) as answer:
        assert answer.status == 200, await answer.text()


async def listed(found: Bench, day: date | None = None) -> list[Record]:
    return list(await found.register.day(day or today()))


# ── the list ──


def test_what_was_filed_and_written_is_listed_and_agrees() -> None:
    async def story(found: Bench, core: Core) -> None:
        filed = await file(found)
        written = await found.box.originate({"openid": "oCitizen1", "content": "路灯坏了"})
        one, two = await listed(found)
        assert (one.number, one.petition_id, one.ours, one.state, one.raw_state) == (
            "F-1", filed["petition_id"], False, None, "",
        )  # fmt: skip
        assert one.digests == found.register.digests(ours(DOCUMENT))
        assert set(one.digests) == {"kind", "urgency", "title", "content", "region_code", "category"}
        assert one.attachments == found.register.attachments(ours(DOCUMENT)) != frozenset()
        assert (two.petition_id, two.digests, two.attachments) == (written["petition_id"], {}, frozenset())
        assert await listed(found, today() - timedelta(days=1)) == []

    run(story)


def test_nothing_personal_is_on_the_list() -> None:
    async def story(found: Bench, core: Core) -> None:
        await file(found)
        said = f"{[case.item() for case in found.platform.cases]} {await listed(found)}"
        assert not [word for word in (PHONE, NAME, "幸福小区", "楼道") if word in said]

    run(story)


def test_a_long_day_is_read_page_by_page() -> None:
    async def story(found: Bench, core: Core) -> None:
        for n in range(PAGE_SIZE + 3):
            found.platform.filed({**DOCUMENT, "external_id": f"F-{n}"}, None)
        assert len({record.number for record in await listed(found)}) == PAGE_SIZE + 3

    run(story)


# ── differences at will ──


@pytest.mark.parametrize(
    ("order", "differs"),
    [
        ({"do": "field", "name": "title", "value": "别的"}, "title"),
        ({"do": "field", "name": "urgency", "value": "特急"}, "urgency"),
    ],
)
def test_a_changed_field_has_another_digest(order: dict[str, Any], differs: str) -> None:
    async def story(found: Bench, core: Core) -> None:
        await file(found)
        await seed(found, **order)
        (record,) = await listed(found)
        mine = found.register.digests(ours(DOCUMENT))
        assert [name for name in mine if record.digests[name] != mine[name]] == [differs]

    run(story)


def test_forgotten_twice_withdrawn_and_with_an_attachment_nobody_sent() -> None:
    async def story(found: Bench, core: Core) -> None:
        await file(found)
        await seed(found, do="attachment", name="别的.jpg")
        (record,) = await listed(found)
        assert len(record.attachments - found.register.attachments(ours(DOCUMENT))) == 1
        await seed(found, do="state", state="withdrawn", number="F-1")
        assert [one.state for one in await listed(found)] == ["cancelled"]
        await seed(found, do="state", state="lost in the post")
        assert [(one.state, one.raw_state) for one in await listed(found)] == [(None, "lost in the post")]
        await seed(found, do="twice")
        assert [one.number for one in await listed(found)] == ["F-1", "F-1"]
        await seed(found, do="forget")
        await seed(found, do="forget")
        assert await listed(found) == []

    run(story)


def test_what_the_citizen_sent_later_is_on_no_form() -> None:
    async def story(found: Bench, core: Core) -> None:
        later = [*DOCUMENT["attachments"], {"name": "图片.jpg", "url": "wechat-media:m1"}]
        mine = found.register.attachments(ours({**DOCUMENT, "attachments": later}))
        assert mine == found.register.attachments(ours(DOCUMENT))

    run(story)


def test_what_is_masked_for_us_is_not_compared() -> None:
    async def story(found: Bench, core: Core) -> None:
        hidden = ours({**DOCUMENT, "petitioner": {"phone": PHONE, "confidential": True}})
        assert set(found.register.digests(hidden)) == {"kind", "urgency", "region_code", "category"}
        assert found.register.digests(petition()) == {}, "it began elsewhere"

    run(story)


# ── taking in what we missed ──


def test_a_document_we_never_got_is_taken_in_as_the_form_would_have() -> None:
    async def story(found: Bench, core: Core) -> None:
        await seed(found, do="stranger", document=DOCUMENT, entered_at="2026-11-20T08:00:00+08:00")
        (record,) = await listed(found, date(2026, 11, 20))
        assert record.petition_id is None
        notice = await found.register.fetch(record)
        reading = found.register.read(notice, found.clock[0])
        assert isinstance(reading, Taken)
        await file(found)
        (late,) = core.drafts
        (draft,) = reading.drafts
        assert isinstance(draft, Submission)
        assert isinstance(late, Submission)
        assert (notice.key, draft.message_key, late.message_key) == ("form:F-1",) * 3, "the late original is a repeat"
        assert (draft.petition, draft.external_ids) == (late.petition, late.external_ids)

    run(story)


def test_a_message_we_lost_is_taken_in_word_for_word() -> None:
    async def story(found: Bench, core: Core) -> None:
        await found.box.originate({"openid": "oCitizen1", "content": "路灯坏了\n请修"})
        (record,) = await listed(found)
        notice = await found.register.fetch(record)
        reading = found.register.read(notice, found.clock[0])
        assert isinstance(reading, Taken)
        (draft,) = reading.drafts
        assert isinstance(draft, Submission)
        assert (notice.key, draft.message_key) == (f"msg:{record.number}",) * 2
        assert (draft.petition.content, draft.petition.petitioner.openid) == ("路灯坏了\n请修", "oCitizen1")

    run(story)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"kind":"msg_id","number":"1","message":"<xml>"}', b'{"kind":"x","number":"1"}']
)
def test_what_cannot_be_read_is_kept(body: bytes) -> None:
    async def story(found: Bench, core: Core) -> None:
        assert isinstance(found.register.read(Notice("k", body), found.clock[0]), Malformed)

    run(story)


# ── trouble ──


def test_without_an_address_nobody_is_asked() -> None:
    async def story(found: Bench, core: Core) -> None:
        with pytest.raises(CannotAsk):
            await listed(found)
        with pytest.raises(CannotAsk):
            await found.register.fetch(Record("1", None, found.clock[0], ours=False))

    run(story, platform_url=None)


@pytest.mark.parametrize(
    ("mood", "error"),
    [
        (Mood(status=500, times=1), Unknown),
        (Mood(html=True, times=1), Transient),
        (Mood(body='{"total": -1}', times=1), Transient),
        (Mood(status=403, times=1), Permanent),
    ],
)
def test_moods(mood: Mood, error: type[Exception]) -> None:
    async def story(found: Bench, core: Core) -> None:
        found.box.mood = mood
        with pytest.raises(error):
            await listed(found)
        assert await listed(found) == []

    run(story)


def test_a_case_the_platform_does_not_have_cannot_be_fetched() -> None:
    async def story(found: Bench, core: Core) -> None:
        with pytest.raises(Permanent, match="register_http_404"):
            await found.register.fetch(Record("nothing", None, found.clock[0], ours=False))

    run(story)


def test_the_list_is_shown_to_nobody_without_the_key() -> None:
    async def story(found: Bench, core: Core) -> None:
        wrong = MANIFEST.sandbox_settings(found.url, "another secret")
        async with aiohttp.ClientSession() as session:
            adapter = MANIFEST.build(wrong, Workshop(now=lambda: found.clock[0], session=lambda: session))
            assert adapter.register is not None
            with pytest.raises(Permanent, match="register_http_401"):
                await adapter.register.day(today())

    run(story)
