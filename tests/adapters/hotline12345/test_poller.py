"""Notices: fetched by name and page, read like the action they carry, signed, and never lost to one bad one."""

import asyncio
import json
from typing import Any

import pytest

from adapters.hotline12345.sandbox_autopilot import Notice as Waiting
from bridge.adapter import Malformed, Notice, Poller, Taken, Transient
from schemas.event import EventType
from tests.adapters.hotline12345.support import CODES, NOW, PETITION_ID, REPORT, Stage, adapter, outgoing, stage


def poller() -> Poller:
    made = adapter().poller
    assert made is not None
    return made


def notice(name: str, data: Any, number: object = 17) -> Notice:
    body = {"noticeName": name, "noticeId": number, "noticeData": data}
    return Notice(f"notice:{name}:{number}", json.dumps(body).encode(), {"noticeId": str(number)})


@pytest.mark.parametrize("as_text", [True, False])
def test_a_notice_is_read_like_its_action(as_text: bool) -> None:
    data: Any = {"caseId": PETITION_ID, "applyReason": "非本部门", "applyTime": 1698920297000, "applyTypeId": 1}
    reading = poller().read(notice("APPLY_ROLLBACK_NOTICE", json.dumps(data) if as_text else data), NOW)
    assert isinstance(reading, Taken)
    (draft,) = reading.drafts
    assert draft.message_key == "notice:APPLY_ROLLBACK_NOTICE:17"
    assert draft.type is EventType.RETURN_REQUESTED
    assert draft.occurred_at.isoformat() == "2023-11-02T18:18:17+08:00"


def test_a_dispatch_by_notice_is_a_petition() -> None:
    reading = poller().read(notice("REPORT_NOTICE", json.dumps(REPORT)), NOW)
    assert isinstance(reading, Taken)
    assert reading.drafts[0].petition.content == REPORT["eventDesc"]


@pytest.mark.parametrize("name", list(CODES.notices))
def test_every_name_is_read_or_refused_clearly(name: str) -> None:
    for data in ("{", "", "[]", None, "{}", '{"caseId": "X1"}', "<html>"):
        reading = poller().read(notice(name, data), NOW)
        assert isinstance(reading, Malformed | Taken)


def test_an_unknown_name_is_kept() -> None:
    assert isinstance(poller().read(notice("PARTY_NOTICE", "{}"), NOW), Malformed)


def test_the_speed_is_the_settings() -> None:
    assert poller().every_seconds == 2.0


# ── against the sandbox ──


def leave(there: Stage, number: int, name: str, data: str) -> Waiting:
    waiting = Waiting(number, name, data)
    there.hotline.pilot.notices[number] = waiting
    return waiting


def play(scene: Any, **more: Any) -> None:
    async def run() -> None:
        async with stage(**more) as there:
            await scene(there, there.bridge.poller)

    asyncio.run(run())


def test_all_names_all_pages_and_signed_ones_do_not_come_again() -> None:
    async def scene(there: Stage, poll: Poller) -> None:
        left = [leave(there, n, "DISPOSE_FEEDBACK_NOTICE", f'{{"caseId": "X{n}"}}') for n in range(5)]
        left += [leave(there, 90 + n, name, "not json") for n, name in enumerate(CODES.notices)]
        fetched = await poll.fetch()
        assert len(fetched) == 5 + len(CODES.notices)
        assert len({one.key for one in fetched}) == len(fetched)
        assert [one.key for one in await poll.fetch()] == [one.key for one in fetched]
        await poll.sign(fetched[:3])
        assert len(await poll.fetch()) == len(fetched) - 3
        await poll.sign(fetched)
        assert await poll.fetch() == []
        assert all(one.signed.is_set() for one in left)

    play(scene, page_size=2)


def test_a_hotline_that_is_away_is_told() -> None:
    async def scene(there: Stage, poll: Poller) -> None:
        await there.mood(status=500, times=-1)
        with pytest.raises(Transient):
            await poll.fetch()

    play(scene)


def test_notices_already_fetched_are_not_lost_to_a_later_fault() -> None:
    async def scene(there: Stage, poll: Poller) -> None:
        leave(there, 1, "REPORT_NOTICE", "{}")
        await there.bridge.outbound.lookup(outgoing())
        names = list(CODES.notices)
        assert names[0] == "REPORT_NOTICE"
        seen = 0

        def notices(data: dict[str, Any]) -> dict[str, Any]:
            nonlocal seen
            seen += 1
            if seen > 1:
                raise RuntimeError("the sandbox breaks here")
            return there.hotline.questions._notices(data)

        there.hotline.questions._answers["GET_NOTICE_INFO"] = notices
        assert len(await poll.fetch()) == 1

    play(scene)
