"""Reconciliation: the hotline's own list of a day, what differs there when made to, a missing case fetched."""

import asyncio
import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.hotline12345 import build, digests, register, submission, wire
from adapters.hotline12345.work_order import work_order
from bridge.adapter import CannotAsk, OutboundError, Record, Register, Submission, Taken, Unknown, Update, Workshop
from schemas.event import EventData
from schemas.event import EventType as E
from schemas.petition import Attachment, Category, Kind, Petition, Petitioner, Place, Urgency
from tests.adapters.hotline12345.support import CODES, NOW, PETITION_ID, REPORT, Stage, outgoing, petition, stage
from tests.adapters.hotline12345.test_inbound_anything import NAMES, VALUE

DOCUMENT = {
    "external_id": "JN-1",
    "kind": "投诉",
    "title": "噪音扰民",
    "content": "楼下烧烤摊夜里两点还在放音乐。",
    "petitioner": {"name": "李阿姨", "phone": "13900000009"},
    "place": {"region_code": "370811", "street": "古槐街道", "address": "三号楼"},
    "attachments": [{"name": "录音.mp3", "url": "https://files.invalid/r.mp3"}],
}


def play(scene: Any, **more: Any) -> None:
    async def run() -> None:
        async with stage(**more) as there:
            assert there.bridge.register is not None
            await scene(there, there.bridge.register)

    asyncio.run(run())


def today(there: Stage) -> date:
    """The day on which the case there entered."""
    return next((case.entered for case in there.hotline.cases.values()), NOW).date()


async def seed(there: Stage, **asked: Any) -> dict[str, Any]:
    async with there.session.post(f"{there.settings.base_url}/sandbox/register", json=asked) as answer:
        document: dict[str, Any] = await answer.json()
        return document | {"status": answer.status}


async def one(there: Stage, asked: Register) -> Record:
    (record,) = await asked.day(today(there))
    return record


# ── the list ──


def test_a_case_we_reported_says_what_we_reported() -> None:
    async def scene(there: Stage, asked: Register) -> None:
        ours = petition(attachments=(Attachment(name="灯.jpg", url="https://files.invalid/a.jpg"),))
        receipt = await there.bridge.outbound.send(outgoing(petition=ours))
        record = await one(there, asked)
        assert (record.number, record.petition_id, record.ours) == (receipt.number, PETITION_ID, True)
        assert (record.state, record.raw_state) == ("accepted", "受理")
        assert record.digests == asked.digests(ours)
        assert record.attachments == asked.attachments(ours) != frozenset()
        assert await asked.day(today(there) - timedelta(days=1)) == ()

    play(scene)


def test_a_case_of_theirs_says_what_they_told_us() -> None:
    async def scene(there: Stage, asked: Register) -> None:
        await seed(there, do="invent", document=DOCUMENT)
        record = await one(there, asked)
        assert (record.number, record.petition_id, record.ours) == ("JN-1", None, False)
        reading = asked.read(await asked.fetch(record), NOW)
        assert isinstance(reading, Taken)
        (draft,) = reading.drafts
        assert isinstance(draft, Submission)
        assert draft.petition.content == DOCUMENT["content"]
        assert draft.petition.petitioner.phone == "13900000009"
        known = Petition.model_construct(**{**dict(petition()), **dict(draft.petition)})
        assert record.digests == asked.digests(known)
        assert record.attachments == asked.attachments(known)

    play(scene)


def test_a_late_original_has_the_same_key_and_the_same_numbers() -> None:
    async def scene(there: Stage, asked: Register) -> None:
        made = await seed(there, do="invent", document={**DOCUMENT, "order": {"handleOrgName": "市公安局"}})
        fetched = await asked.fetch(await one(there, asked))
        assert fetched.key == made["uid"]
        case = there.hotline.cases["JN-1"]
        body = {"uid": case.uid, "senderCode": "hotline12345", "action": "REPORT", "data": case.order}
        original = there.bridge.inbound.read(_request(body)).reading
        late = asked.read(fetched, NOW)
        assert isinstance(original, Taken)
        assert isinstance(late, Taken)
        assert [draft.message_key for draft in late.drafts] == [draft.message_key for draft in original.drafts]
        assert _numbers(late) == _numbers(original)

    play(scene)


def _request(body: dict[str, Any]) -> Any:
    from tests.adapters.hotline12345.support import request

    return request(body)


def _numbers(reading: Taken) -> list[Any]:
    return [draft.external_ids for draft in reading.drafts if isinstance(draft, Submission | Update)]


def test_without_a_uid_there_the_key_is_our_own() -> None:
    async def scene(there: Stage, asked: Register) -> None:
        await seed(there, do="invent", document=DOCUMENT)
        there.hotline.cases["JN-1"].uid = ""
        fetched = await asked.fetch(await one(there, asked))
        assert fetched.key == f"register:JN-1:{there.hotline.cases['JN-1'].handle}"

    play(scene)


def test_the_list_is_paged_to_its_end() -> None:
    async def scene(there: Stage, asked: Register) -> None:
        for n in range(7):
            case = petition(petition_id=f"LT261122-{n:010d}")
            await there.bridge.outbound.send(outgoing(petition=case, idempotency_key=f"k{n}"))
        there.hotline.understood.clear()
        records = await asked.day(today(there))
        assert len({record.petition_id for record in records}) == 7
        assert there.hotline.understood["GET_REC_LIST"] == 4

    play(scene, page_size=2)


# ── differences ──


def test_each_difference_can_be_seeded_and_is_seen() -> None:
    async def scene(there: Stage, asked: Register) -> None:
        await there.bridge.outbound.send(outgoing())
        before = await one(there, asked)
        assert (await seed(there, do="state", caseId=PETITION_ID, value="结案"))["status"] == 200
        assert (await one(there, asked)).state == "closed"
        await seed(there, do="field", caseId=PETITION_ID, name="title", value="路灯不亮了")
        changed = await one(there, asked)
        assert {name for name in digests.FIELDS if changed.digests[name] != before.digests[name]} == {"title"}
        await seed(there, do="attachment", caseId=PETITION_ID, value="nobody-sent.jpg")
        assert (await one(there, asked)).attachments == digests.of_names(["nobody-sent.jpg"])
        doubled = await seed(there, do="twice", caseId=PETITION_ID)
        twice = await asked.day(today(there))
        assert [record.petition_id for record in twice] == [PETITION_ID, PETITION_ID]
        assert {record.number for record in twice} == {before.number, doubled["taskNum"]}
        yesterday = today(there) - timedelta(days=1)
        await seed(there, do="entered", caseId=PETITION_ID, value=f"{yesterday} 23:59:58")
        assert [record.number for record in await asked.day(yesterday)] == [before.number]
        await seed(there, do="forget", caseId=PETITION_ID)
        assert await asked.day(yesterday) == (), "the double entered today"
        assert await there.bridge.outbound.lookup(outgoing()) is None

    play(scene)


def test_a_forgotten_case_is_taken_anew_under_the_same_key() -> None:
    async def scene(there: Stage, asked: Register) -> None:
        await there.bridge.outbound.send(outgoing())
        await seed(there, do="forget", caseId=PETITION_ID)
        assert (await there.bridge.outbound.send(outgoing(attempt=2))).holds
        assert (await one(there, asked)).petition_id == PETITION_ID
        assert (await there.received())["duplicates"] == 0

    play(scene)


@pytest.mark.parametrize("asked", [{"do": "dance", "caseId": PETITION_ID}, {"do": "state", "caseId": "nobody"}])
def test_a_seed_that_cannot_be(asked: dict[str, Any]) -> None:
    async def scene(there: Stage, _: Register) -> None:
        await there.bridge.outbound.send(outgoing())
        assert (await seed(there, **asked))["status"] == 400

    play(scene)


def test_a_case_handled_again_has_a_new_dispatch_there() -> None:
    async def scene(there: Stage, asked: Register) -> None:
        await there.bridge.outbound.send(outgoing())
        await there.bridge.outbound.send(outgoing(E.CLOSED, external_ids={"recId": "1"}, idempotency_key="end"))
        assert (await one(there, asked)).state == "closed"
        again = outgoing(E.REHANDLED, external_ids={"recId": "1"}, idempotency_key="again", data=EventData(text="重办"))
        assert await there.bridge.outbound.lookup(again) is None, "the case is there, this dispatch of it is not"
        assert (await there.bridge.outbound.send(again)).holds
        assert await there.bridge.outbound.lookup(again) is not None
        assert (await one(there, asked)).state == "rehandling"
        seen = await there.received()
        assert seen["duplicates"] == 0
        assert [item["what"] for item in seen["items"]] == ["REPORT", "ARCHIVE", "REPORT (reHandleFlag)"]

    play(scene)


def test_whoever_does_not_say_which_dispatch_cannot_be_asked() -> None:
    async def scene(there: Stage, asked: Register) -> None:
        await there.bridge.outbound.send(outgoing())
        again = outgoing(E.REHANDLED, external_ids={"recId": "1"}, idempotency_key="again")
        info = there.hotline.questions._rec_info

        def silent(data: dict[str, Any]) -> dict[str, Any]:
            told = info(data)["recInfo"]
            return {"recInfo": {name: value for name, value in told.items() if name != "caseHandleId"}}

        there.hotline.questions._answers["GET_REC_INFO"] = silent
        with pytest.raises(CannotAsk):
            await there.bridge.outbound.lookup(again)

    play(scene)


# ── a hotline without a list ──


def test_a_hotline_that_does_not_know_the_list_cannot_be_asked() -> None:
    async def scene(there: Stage, asked: Register) -> None:
        there.hotline.manners.behave({"refuse": 1, "refusal": -400004})
        with pytest.raises(CannotAsk):
            await asked.day(today(there))
        there.hotline.manners.behave({"refuse": 1, "refusal": -500001})
        with pytest.raises(OutboundError):
            await asked.day(today(there))

    play(scene)


def test_a_city_may_say_that_there_is_none(tmp_path: Any) -> None:
    mine = tmp_path / "codes.toml"
    mine.write_text('[register]\naction = ""\n')

    async def run() -> None:
        def session() -> Any:
            raise AssertionError

        from adapters.hotline12345.settings import HotlineSettings

        made = build(HotlineSettings(codes=mine), Workshop(now=lambda: NOW, session=session))
        assert made.register is not None
        with pytest.raises(CannotAsk):
            await made.register.day(date(2026, 11, 22))

    asyncio.run(run())


def test_a_city_may_call_it_otherwise(tmp_path: Any) -> None:
    mine = tmp_path / "codes.toml"
    mine.write_text('[register]\naction = "QUERY_BY_DAY"\n')

    async def scene(there: Stage, asked: Register) -> None:
        await there.bridge.outbound.send(outgoing())
        assert (await one(there, asked)).petition_id == PETITION_ID
        assert there.hotline.understood["QUERY_BY_DAY"] == 1

    play(scene, codes=mine)


@pytest.mark.parametrize(
    "row", [{}, {"caseId": "X1"}, {"recCreateTime": "2026-11-22 10:00:00"}, {"caseId": [1]}, {"recCreateTime": "soon"}]
)
def test_a_row_that_names_no_case_is_no_answer(row: dict[str, Any]) -> None:
    with pytest.raises(Unknown):
        register.record(row, CODES)


def test_a_list_that_promises_more_than_it_has_comes_to_an_end() -> None:
    async def scene(there: Stage, asked: Register) -> None:
        await there.bridge.outbound.send(outgoing())
        listed = there.hotline.questions._rec_list
        pages: list[int] = []

        def boasting(data: dict[str, Any]) -> dict[str, Any]:
            pages.append(data["curPage"])
            result = listed(data)
            return result | {"pageInfo": result["pageInfo"] | {"totalPage": 900}}

        there.hotline.questions._answers["GET_REC_LIST"] = boasting
        assert len(await asked.day(today(there))) == 1
        assert pages == [1, 2]

    play(scene)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from([*NAMES, "actDefName", "recCreateTime", "mediaNames", "outerTaskNum"]), VALUE))
def test_any_row_is_a_record_or_no_answer(row: dict[str, Any]) -> None:
    try:
        found = register.record({"caseId": "X1", "recCreateTime": "2026-11-22 10:00:00", **row}, CODES)
    except Unknown:
        return
    assert found.number
    assert set(found.digests) == set(digests.FIELDS)


ROW = {"recId": 1, "taskNum": "T1", "caseId": "X1", "recCreateTime": "2026-11-22 10:00:00", "eventDesc": "x"}


@pytest.mark.parametrize(
    ("name", "state"), [("结案", "closed"), ("申请回退", "return_requested"), ("重办", "rehandling"), ("放烟花", None)]
)
def test_states_by_the_tables_and_an_unmapped_one_by_its_name(name: str, state: str | None) -> None:
    record = register.record(ROW | {"actDefName": name}, CODES)
    assert (record.state, record.raw_state) == (state, name)


def test_every_state_that_we_name_is_read_back() -> None:
    names = {said["name"] for said in CODES.case_status.values()}
    for name in names:
        state = register.record(ROW | {"actDefName": name}, CODES).state
        assert state is not None
        assert CODES.case_status[state]["name"] == name or CODES.case_states.get(name) == state


# ── digests ──

FULL = petition(
    title="",
    kind=Kind.COMPLAINT,
    urgency=Urgency.CRITICAL,
    category=Category(code="7", name="街面秩序/黑车拉客"),
    place=Place(region_code="370811", street="古槐街道", community="运河社区", grid="3号网格", address="三号楼"),
)


def test_a_work_order_reads_back_as_what_it_was_written_from() -> None:
    order = wire.Report.model_validate(work_order(FULL, CODES))
    assert digests.of_order(order, CODES) == digests.of_petition(FULL)


def test_what_travels_badly_makes_no_difference_and_what_was_said_does() -> None:
    odd = FULL.model_copy(update={"content": FULL.content.replace("\x00", " ").replace("\u200b", "\r\n")})
    assert digests.of_petition(odd)["content"] == digests.of_petition(FULL)["content"]
    other = FULL.model_copy(update={"content": FULL.content + "！"})
    assert digests.of_petition(other)["content"] != digests.of_petition(FULL)["content"]


def test_nothing_personal_has_a_digest() -> None:
    stranger = FULL.model_copy(
        update={
            "petitioner": Petitioner(name="别人", phone="13900000007", openid="o7", confidential=True),
            "place": FULL.place.model_copy(update={"address": "别处", "longitude": 116.0, "latitude": 35.0}),
        }
    )
    assert digests.of_petition(stranger) == digests.of_petition(FULL)
    assert all(len(value) == 64 for value in digests.of_petition(FULL).values())


def test_a_record_shows_nothing_by_which_the_citizen_can_be_known() -> None:
    row = {**REPORT, "recId": 7, "taskNum": "JN7", "recCreateTime": "2026-11-22 10:00:00", "actDefName": "受理"}
    shown = json.dumps(replace(register.record(row, CODES), entered_at=NOW), default=str)
    assert not [word for word in ("孟大娘", "13900000001", "oTest", "三号楼") if word in shown]


def test_the_readers_of_a_report_are_the_same() -> None:
    report = wire.Report.model_validate(REPORT)
    taken = submission.read(report, "k", NOW, CODES)[0]
    assert isinstance(taken, Submission)
    known = Petition.model_construct(**{**dict(petition()), **dict(taken.petition)})
    assert digests.of_order(report, CODES) == digests.of_petition(known)
