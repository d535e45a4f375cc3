"""Reconciliation: the center's list in our words, every seeded difference seen, and what is missing here fetched."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime, time
from typing import Any

import aiohttp
import orjson
import pytest

from adapters.governance_center.calling import Caller
from adapters.governance_center.codes import load
from adapters.governance_center.register import FIELDS, CenterRegister
from adapters.governance_center.settings import CenterSettings, sandbox_settings
from bridge.adapter import CannotAsk, Notice, OutboundError, Permanent, Record, Submission, Taken, Unknown, Workshop
from schemas.base import SHANGHAI
from schemas.event import EventData, EventType
from schemas.petition import Attachment, Category, Place
from tests.adapters.governance_center.support import (
    NOW,
    PETITION_ID,
    SECRET,
    answering,
    outgoing,
    petition,
    read,
    run,
    served,
    with_sandbox,
)
from tests.support.ports import free_port

RICH: dict[str, Any] = {
    "title": "小区长期停水\r\n",
    "category": Category(code="0301", name="市政"),
    "place": Place(region_code="370811", grid="370811001", address="翠湖花园3号楼", longitude=116.5, latitude=35.4),
    "attachments": (Attachment(name="现场.jpg", url="https://files.example/1"),),
}


def register_of(settings: CenterSettings, session: aiohttp.ClientSession) -> CenterRegister:
    workshop = Workshop(lambda: datetime.now(SHANGHAI), lambda: session)
    codes = load(settings.platform, settings.codes)
    return CenterRegister(Caller(settings, workshop), codes, settings.app_id)


class World:
    """A sandbox with one case of ours, its register, and today's list."""

    def __init__(self, center: Any, outbound: Any, register: CenterRegister, number: str) -> None:
        self.center = center
        self.outbound = outbound
        self.register = register
        self.number = number

    @property
    def today(self) -> date:
        entered: datetime = self.center.book.find(self.number).entered_at
        return entered.date()

    async def record(self) -> Record:
        records = await self.register.day(self.today)
        return next(one for one in records if one.number == self.number)

    def seed(self, do: str, **more: Any) -> dict[str, Any]:
        told: dict[str, Any] = self.center.seeds.seed({"do": do, "petition_id": PETITION_ID, **more})
        assert "error" not in told, told
        return told


@contextlib.asynccontextmanager
async def world(**changes: Any) -> AsyncIterator[World]:
    async with with_sandbox(**changes) as (center, outbound), aiohttp.ClientSession() as session:
        settings = sandbox_settings(outbound._caller._base, SECRET).model_copy(update=changes)
        number = (await outbound.send(outgoing(EventType.SUBMITTED, **RICH))).number
        yield World(center, outbound, register_of(settings, session), number)


@pytest.mark.parametrize("platform", ["jiangyin", "ffcs", "digital_city", "words"])
def test_what_we_reported_stands_there_as_we_reported_it(platform: str) -> None:
    async def work() -> None:
        async with world(platform=platform) as here:
            record = await here.record()
            assert (record.petition_id, record.ours, record.state) == (PETITION_ID, True, "handling")
            assert record.raw_state
            assert record.digests == here.register.digests(petition(**RICH))
            assert record.attachments == here.register.attachments(petition(**RICH))
            assert len(record.attachments) == 1
            assert set(record.digests) == set(FIELDS)

    run(work())


@pytest.mark.parametrize(
    "change",
    [
        {"title": "另一标题"},
        {"content": "另一件事"},
        {"kind": "complaint"},
        {"category": Category(code="0302")},
        {"urgency": "urgent"},
        {"place": Place(region_code="370812", grid="370811001")},
        {"place": Place(region_code="370811", grid="370811002")},
    ],
)
def test_each_field_has_its_own_digest(change: dict[str, Any]) -> None:
    async def work() -> None:
        async with aiohttp.ClientSession() as session:
            register = register_of(sandbox_settings("http://127.0.0.1:9", SECRET), session)
            before, after = register.digests(petition(**RICH)), register.digests(petition(**{**RICH, **change}))
            assert sum(before[name] != after[name] for name in FIELDS) == 1

    run(work())


def test_nothing_by_which_the_citizen_is_known_is_compared_or_listed() -> None:
    async def work() -> None:
        async with world() as here:
            other = petition(**{**RICH, "petitioner": {"name": "他人", "phone": "13900000009", "openid": "o-9"}})
            moved = petition(**{**RICH, "place": Place(region_code="370811", grid="370811001", address="他处")})
            for changed in (other, moved):
                assert here.register.digests(changed) == here.register.digests(petition(**RICH))
            asked = {"beginTime": "2000-01-01 00:00:00", "endTime": "2100-01-01 00:00:00", "pageNo": 1, "pageSize": 9}
            listed = orjson.dumps(here.center.seeds.listed(orjson.dumps(asked))).decode()
            assert PETITION_ID in listed
            assert not any(value in listed for value in ("测试甲", "13800000000", "o-test-1", '翠湖花园3号楼"'))

    run(work())


# ── seeded differences ────────────────────────────────────────────────────────────────────────────────────


def test_missing_there_and_handed_over_again() -> None:
    async def work() -> None:
        async with world() as here:
            report, today = here.center.book.find(PETITION_ID).document, here.today
            here.seed("forget")
            assert await here.register.day(today) == ()
            again = outgoing(EventType.SUBMITTED, **RICH)
            same = type(again)(report["messageId"], report["messageId"], 2, again.event, again.petition, {}, {})
            receipt = await here.outbound.send(same)
            assert receipt.number != here.number
            assert here.center.book.find(PETITION_ID).number == receipt.number
            memory = here.center.box.memory
            assert (memory.duplicates, memory.repeats, len(memory.arrivals)) == (0, 0, 2)

    run(work())


def test_missing_here_is_fetched_as_the_ordinary_message() -> None:
    async def work() -> None:
        async with world() as here:
            told = here.seed("invent", fields={"contactTel": "13800000005", "eventType": "0301"})
            records = await here.register.day(here.center.book.find(told["eventId"]).entered_at.date())
            record = next(one for one in records if one.number == told["eventId"])
            assert (record.petition_id, record.ours) == (None, False)
            notice = await here.register.fetch(record)
            assert notice.key == told["messageId"]
            reading = here.register.read(notice, NOW)
            assert isinstance(reading, Taken)
            (new,) = reading.drafts
            assert isinstance(new, Submission)
            assert (new.message_key, new.external_ids[0].value) == (told["messageId"], record.number)
            assert new.petition.petitioner.phone == "13800000005"
            late = read(here.center.book.find(record.number).document)
            assert isinstance(late, Taken)
            assert [one.message_key for one in late.drafts] == [notice.key]
            taken_in = petition(**{name: getattr(new.petition, name) for name in type(new.petition).model_fields
                                   if name not in ("secretary", "handling_class")})  # fmt: skip
            assert here.register.digests(taken_in) == record.digests

    run(work())


@pytest.mark.parametrize(("code", "state"), [("03", "closed"), ("06", "cancelled"), ("99", None), ("55", None)])
def test_another_state(code: str, state: str | None) -> None:
    async def work() -> None:
        async with world() as here:
            here.seed("state", status=code)
            record = await here.record()
            assert (record.state, record.raw_state) == (state, code)

    run(work())


@pytest.mark.parametrize(
    ("step", "state"),
    [(EventType.CLOSED, "closed"), (EventType.CANCELLED, "cancelled"), (EventType.SIGNED, "handling")],
)
def test_the_state_follows_what_we_tell(step: EventType, state: str) -> None:
    async def work() -> None:
        async with world() as here:
            await here.outbound.send(outgoing(step, EventData(text="原话"), known=here.number))
            assert (await here.record()).state == state

    run(work())


@pytest.mark.parametrize(
    ("field", "value", "name"),
    [
        ("content", "改过的内容", "content"),
        ("eventName", "", "title"),
        ("urgencyDegree", "03", "urgency"),
        ("appealType", "投诉", "kind"),
        ("gridCode", "370811009", "grid"),
    ],
)
def test_another_field(field: str, value: str, name: str) -> None:
    async def work() -> None:
        async with world() as here:
            here.seed("field", field=field, value=value)
            wanted, found = here.register.digests(petition(**RICH)), (await here.record()).digests
            assert [one for one in FIELDS if wanted[one] != found[one]] == [name]

    run(work())


def test_a_record_that_cannot_be_read_agrees_with_nothing() -> None:
    async def work() -> None:
        async with world() as here:
            here.seed("field", field="content", value="")
            here.seed("field", field="eventName", value="")
            found = (await here.record()).digests
            assert set(found.values()) == {"unreadable"}

    run(work())


def test_held_twice() -> None:
    async def work() -> None:
        async with world() as here:
            again = here.seed("twice")["again"]
            records = await here.register.day(here.today)
            assert {one.number for one in records} == {here.number, again}
            assert {one.petition_id for one in records} == {PETITION_ID}

    run(work())


def test_an_attachment_nobody_sent() -> None:
    async def work() -> None:
        async with world() as here:
            here.seed("attachment")
            found, wanted = (await here.record()).attachments, here.register.attachments(petition(**RICH))
            assert found > wanted
            assert len(found - wanted) == 1

    run(work())


def test_files_of_later_steps_are_listed_with_the_petitions_own() -> None:
    async def work() -> None:
        async with world() as here:
            later = Attachment(name="办结照片.jpg", url="https://files.example/2")
            await here.outbound.send(
                outgoing(EventType.REPLIED, EventData(text="已办结", attachments=(later,)), known=here.number)
            )
            wanted = petition(**{**RICH, "attachments": (*RICH["attachments"], later)})
            assert (await here.record()).attachments == here.register.attachments(wanted)

    run(work())


def test_seeds_that_do_not_exist() -> None:
    async def work() -> None:
        async with world() as here:
            seed = here.center.seeds.seed
            assert "error" in seed({"do": "fly", "petition_id": PETITION_ID})
            assert "error" in seed({"do": "forget", "petition_id": "LT000000-0000000000"})

    run(work())


# ── days and pages ────────────────────────────────────────────────────────────────────────────────────────


def test_a_day_is_the_citys_from_midnight_to_midnight() -> None:
    async def work() -> None:
        async with world() as here:
            for at, day in (
                ("2026-11-20T23:59:59+08:00", 20),
                ("2026-11-21T00:00:00+08:00", 21),
                ("2026-11-20T16:00:00+00:00", 21),
            ):
                here.seed("entered", at=at)
                for one in (20, 21):
                    found = await here.register.day(date(2026, 11, one))
                    assert len(found) == (one == day), (at, one)

    run(work())


def test_every_page_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        async with world() as here:
            monkeypatch.setattr(here.register, "_query", here.register._query.model_copy(update={"page_size": 2}))
            noon = datetime.combine(here.today, time(12), SHANGHAI).isoformat()
            invented = {here.seed("invent", at=noon)["eventId"] for _ in range(4)}
            records = await here.register.day(here.today)
            assert {one.number for one in records} == invented | {here.number}

    run(work())


def entry(number: int) -> Mapping[str, Any]:
    return {"eventId": str(number), "enterTimeStr": "2026-11-22 10:00:00", "content": "x", "status": "02"}


@pytest.mark.parametrize("total", [None, 3])
def test_a_list_that_moves_while_it_is_read(total: int | None) -> None:
    """One entry on two pages is one record; without a total the list ends with an empty page."""

    async def work() -> None:
        pages = [[entry(1), entry(2)], [entry(2), entry(3)], []]
        answers = [(200, orjson.dumps({"code": "1", "total": total, "events": page}), "text/html") for page in pages]
        app, asked = answering(*answers)
        async with served(app, free_port()) as url, aiohttp.ClientSession() as session:
            records = await register_of(sandbox_settings(url, SECRET), session).day(date(2026, 11, 22))
            assert [one.number for one in records] == ["1", "2", "3"]
            assert len(asked) == (3 if total is None else 2)

    run(work())


def test_a_platforms_own_names_are_read_in_the_list_too() -> None:
    async def work() -> None:
        theirs = {
            "code": "7",
            "status": "05",
            "enterTimeStr": "2026-11-22 10:00:00",
            "WantContent ": "停水",
            "Title": "t",
        }
        answer = orjson.dumps({"code": "1", "total": 1, "events": [theirs]})
        app, _ = answering((200, answer, "application/json"))
        async with served(app, free_port()) as url, aiohttp.ClientSession() as session:
            settings = sandbox_settings(url, SECRET).model_copy(update={"platform": "ffcs"})
            register = register_of(settings, session)
            (record,) = await register.day(date(2026, 11, 22))
            assert (record.number, record.state, record.ours) == ("7", "suspended", False)
            wanted = register.digests(petition(content="停水", title="t"))
            assert record.digests["content"] == wanted["content"]
            assert record.digests["title"] == wanted["title"]

    run(work())


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((404, b"<html>nginx</html>", "text/html"), CannotAsk),
        ((405, b"", "text/html"), CannotAsk),
        ((200, '{"code":"0","message":"认证信息[auth]无效"}'.encode(), "application/json"), Permanent),
        ((500, b"", "text/html"), Unknown),
        ((200, b"<html>login</html>", "text/html"), Unknown),
        ((200, b'{"code":"1","events":[{"eventId":"1"}]}', "application/json"), Unknown),
        ((200, b'{"code":"1","events":"x"}', "application/json"), Unknown),
    ],
)
def test_centers_whose_list_cannot_be_read(answer: tuple[int, bytes, str], error: type[Exception]) -> None:
    async def work() -> None:
        app, _ = answering(answer)
        async with served(app, free_port()) as url, aiohttp.ClientSession() as session:
            with pytest.raises(error):
                await register_of(sandbox_settings(url, SECRET), session).day(NOW.date())

    run(work())


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b'{"code":"1","eventId":"1"}', "no_document"),
        (b'{"code":"1","document":[1]}', "unreadable_answer"),
        (b'{"code":"1","document":{"op":"report","eventId":1.5}}', "unreadable_document"),
        ('{"code":"0","message":"事件ID[eventId]无效"}'.encode(), "unknown_event"),
    ],
)
def test_a_report_that_cannot_be_fetched(answer: bytes, code: str) -> None:
    async def work() -> None:
        app, _ = answering((200, answer, "application/json"))
        async with served(app, free_port()) as url, aiohttp.ClientSession() as session:
            with pytest.raises(OutboundError) as told:
                await register_of(sandbox_settings(url, SECRET), session).fetch(Record("a/1", None, NOW, ours=False))
            assert told.value.code == code

    run(work())


def test_a_query_that_is_no_query() -> None:
    async def work() -> None:
        async with world() as here:
            assert here.center.seeds.listed(b"{}")["code"] == "0"
            assert here.center.seeds.listed(b"x")["code"] == "0"

    run(work())


def test_what_is_read_back_of_a_notice_is_pure() -> None:
    async def work() -> None:
        async with aiohttp.ClientSession() as session:
            register = register_of(sandbox_settings("http://127.0.0.1:9", SECRET), session)
            notice = Notice("k", orjson.dumps({"op": "sign", "eventId": "E-1"}))
            assert register.read(notice, NOW).drafts == register.read(notice, NOW).drafts  # type: ignore[union-attr]

    run(work())
