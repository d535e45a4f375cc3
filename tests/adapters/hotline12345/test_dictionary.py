"""The hotline's own codes: learnt by name, asked for once, and never in anybody's way."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.hotline12345 import codes, dictionary
from adapters.hotline12345.dictionary import EVENT_PROPERTY, EVENT_SRC, REC_TYPE, Entry
from adapters.hotline12345.sandbox_autopilot import Notice as Waiting
from bridge.adapter import Submission, Taken, Transient
from schemas.petition import Kind
from tests.adapters.hotline12345.support import CODES, NOW, REPORT, Stage, outgoing, petition, sent, stage

CITY = {
    REC_TYPE: [Entry("31", "求助类"), Entry("32", "投诉"), Entry("1", "吐槽"), Entry("33", "市一体化平台")],
    EVENT_PROPERTY: [Entry("41", "求助"), Entry("42", "投诉")],
    EVENT_SRC: [Entry("77", "市民上报"), Entry("78", "热线来电")],
}


# ── learning ──


def test_ids_are_learnt_by_name() -> None:
    learnt = dictionary.learn(CODES, CITY)
    assert learnt.kinds_sent[Kind.HELP] == {
        "rec_type": 31,
        "rec_type_name": "求助类",
        "property": 41,
        "property_name": "求助",
    }
    assert learnt.rec_type_ids["31"] == Kind.HELP
    assert learnt.rec_type_ids["33"] == codes.IGNORE
    assert learnt.property_ids["42"] == Kind.COMPLAINT
    assert learnt.event_sources["wechat"]["id"] == 77
    assert learnt.event_sources["governance_center"] == CODES.event_sources["governance_center"]


def test_an_id_with_another_meaning_there_loses_the_sample_one() -> None:
    assert CODES.rec_type_ids["1"] == Kind.CONSULTATION
    assert "1" not in dictionary.learn(CODES, CITY).rec_type_ids
    assert dictionary.learn(CODES, CITY).rec_type_ids["2"] == Kind.HELP, "an id they do not mention keeps its meaning"


def test_a_kind_they_do_not_have_keeps_its_row() -> None:
    assert dictionary.learn(CODES, CITY).kinds_sent[Kind.PRAISE] == CODES.kinds_sent[Kind.PRAISE]


def test_the_kinds_own_name_comes_before_others() -> None:
    learnt = dictionary.learn(CODES, {REC_TYPE: [Entry("8", "困难求助"), Entry("9", "求助")]})
    assert learnt.kinds_sent[Kind.HELP]["rec_type"] == 9


def test_an_empty_dictionary_teaches_nothing() -> None:
    learnt = dictionary.learn(CODES, {})
    assert (learnt.rec_type_ids, dict(learnt.kinds_sent)) == (CODES.rec_type_ids, dict(CODES.kinds_sent))


def test_what_the_city_wrote_itself_counts_more(tmp_path: Path) -> None:
    mine = tmp_path / "codes.toml"
    mine.write_text("[kinds.send]\nhelp = { rec_type = 99 }\n[kinds.rec_type_ids]\n31 = 'report'\n", encoding="utf-8")
    learnt = dictionary.learn(codes.load(mine), CITY)
    assert learnt.kinds_sent[Kind.HELP]["rec_type"] == 99
    assert learnt.rec_type_ids["31"] == Kind.REPORT
    assert learnt.property_ids["42"] == Kind.COMPLAINT, "the tables it does not name are learnt"


# ── asking ──


def play(scene: Any, **more: Any) -> None:
    async def run() -> None:
        async with stage(**more) as there:
            teach(there)
            await scene(there)

    asyncio.run(run())


def teach(there: Stage) -> None:
    for name, entries in CITY.items():
        there.hotline.questions.dictionary[name] = [{"id": int(one.id), "name": one.name} for one in entries]


async def ordered(there: Stage, n: int = 1) -> dict[str, Any]:
    case = petition(petition_id=f"LT261122-{n:010d}")
    await there.bridge.outbound.send(outgoing(petition=case, idempotency_key=f"k{n}"))
    return there.hotline.cases[case.petition_id].order


def test_a_report_carries_the_hotlines_own_ids() -> None:
    async def scene(there: Stage) -> None:
        order = await ordered(there)
        assert (order["recTypeId"], order["recTypeName"]) == (31, "求助类")
        assert (order["eventPropertyId"], order["eventSrcId"]) == (41, 77)

    play(scene)


def test_the_door_and_the_notices_read_them_too() -> None:
    async def scene(there: Stage) -> None:
        await ordered(there)
        data = REPORT | {"eventPropertyName": None, "recTypeName": None, "recTypeId": 32}
        reading = there.bridge.inbound.read(_request(sent("REPORT", data))).reading
        assert isinstance(reading, Taken)
        assert isinstance(reading.drafts[0], Submission)
        assert reading.drafts[0].petition.kind is Kind.COMPLAINT
        poll = there.bridge.poller
        assert poll is not None
        there.hotline.pilot.notices[1] = Waiting(1, "REPORT_NOTICE", json.dumps(data))
        (notice,) = await poll.fetch()
        polled = poll.read(notice, NOW)
        assert isinstance(polled, Taken)
        assert isinstance(polled.drafts[0], Submission)
        assert polled.drafts[0].petition.kind is Kind.COMPLAINT

    play(scene)


def _request(body: dict[str, Any]) -> Any:
    from tests.adapters.hotline12345.support import request

    return request(body)


def test_asked_once_by_all_and_again_when_it_is_old() -> None:
    async def scene(there: Stage) -> None:
        asked = count(there)
        await asyncio.gather(*(ordered(there, n) for n in range(10)))
        assert asked == ["REC_TYPE", "EVENT_PROPERTY", "EVENT_SRC"]
        there.clock.now += timedelta(hours=23)
        await ordered(there, 11)
        assert len(asked) == 3
        there.clock.now += timedelta(hours=2)
        await ordered(there, 12)
        assert len(asked) == 6

    play(scene)


def count(there: Stage) -> list[str]:
    asked: list[str] = []
    entries = there.hotline.questions.entries

    def counted(code: str, page: int, size: int) -> dict[str, Any]:
        asked.append(code)
        return entries(code, page, size)

    there.hotline.questions.entries = counted  # type: ignore[method-assign]
    return asked


def test_every_page_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dictionary, "PAGE_SIZE", 1)

    async def scene(there: Stage) -> None:
        asked = count(there)
        assert (await ordered(there))["eventPropertyId"] == 41
        assert asked == ["REC_TYPE"] * 4 + ["EVENT_PROPERTY"] * 2 + ["EVENT_SRC"] * 2

    play(scene)


def test_one_that_is_away_holds_nothing_up_and_is_left_alone_for_a_while() -> None:
    async def scene(there: Stage) -> None:
        there.hotline.manners.behave({"no_dictionary": 1})
        asked = count(there)
        assert (await ordered(there))["recTypeId"] == 2
        assert (await ordered(there, 2))["recTypeId"] == 2
        assert (there.hotline.manners.no_dictionary, asked) == (0, [])
        there.clock.now += dictionary.PATIENCE
        assert (await ordered(there, 3))["recTypeId"] == 31

    play(scene)


def test_it_is_not_asked_where_the_city_does_not_want_it() -> None:
    async def scene(there: Stage) -> None:
        asked = count(there)
        assert (await ordered(there))["recTypeId"] == 2
        assert asked == []

    play(scene, dictionary_hours=0.0)


def test_without_a_token_nothing_is_asked_and_nothing_sent() -> None:
    async def scene(there: Stage) -> None:
        asked = count(there)
        await there.mood(status=500, times=1)
        with pytest.raises(Transient, match="token:"):
            await ordered(there)
        assert asked == []

    play(scene)
