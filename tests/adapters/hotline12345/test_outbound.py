"""Calls against the sandbox on a real port, in all its moods."""

import asyncio
from typing import Any

import pytest

from adapters.hotline12345 import MANIFEST, build, telling
from adapters.hotline12345.sandbox_questions import Refusal
from adapters.hotline12345.settings import HotlineSettings
from bridge.adapter import Busy, CannotAsk, Outgoing, Permanent, Receipt, Transient, Unknown, Workshop
from schemas.event import EventData, EventType
from schemas.petition import Attachment, Place
from tests.adapters.hotline12345.support import NOW, PETITION_ID, Stage, outgoing, petition, stage


def play(scene: Any, **more: Any) -> Any:
    async def run() -> Any:
        async with stage(**more) as there:
            return await scene(there)

    return asyncio.run(run())


def test_a_report_gets_the_hotlines_numbers_and_arrives_byte_for_byte() -> None:
    async def scene(there: Stage) -> None:
        receipt = await there.bridge.outbound.send(outgoing())
        numbers = {n.kind: n.value for n in receipt.external_ids}
        assert receipt.holds
        assert receipt.number == numbers["taskNum"]
        assert numbers["recId"].isdigit()
        (item,) = (await there.received())["items"]
        assert (item["key"], item["case"], item["what"]) == ("key-1", PETITION_ID, "REPORT")
        assert item["text"] == petition().content
        assert item["number"] == receipt.number

    play(scene)


def test_the_same_uid_has_one_effect() -> None:
    async def scene(there: Stage) -> None:
        first = await there.bridge.outbound.send(outgoing())
        assert await there.bridge.outbound.send(outgoing(attempt=2)) == first
        seen = await there.received()
        assert (seen["received"], seen["repeats"], seen["duplicates"]) == (1, 1, 0)

    play(scene)


def test_another_uid_for_the_same_case_is_a_duplicate_with_the_same_number() -> None:
    async def scene(there: Stage) -> None:
        first = await there.bridge.outbound.send(outgoing())
        assert await there.bridge.outbound.send(outgoing(idempotency_key="key-2")) == first
        assert (await there.received())["duplicates"] == 1

    play(scene)


def test_every_event_of_a_case_is_taken() -> None:
    async def scene(there: Stage) -> None:
        await there.bridge.outbound.send(outgoing())
        for type_ in sorted(there.bridge.outbound.speaks - {EventType.SUBMITTED}):
            out = outgoing(
                type_,
                idempotency_key=f"key-{type_}",
                external_ids={"recId": "1"},
                data=EventData(text=f"说明{type_}", due_at=NOW),
            )
            assert (await there.bridge.outbound.send(out)).number.startswith("JN")
        seen = await there.received()
        assert seen["received"] == len(there.bridge.outbound.speaks)
        assert seen["duplicates"] == 0

    play(scene)


def test_a_case_they_do_not_know_is_refused_for_good() -> None:
    async def scene(there: Stage) -> None:
        with pytest.raises(Permanent, match="-500003"):
            await there.bridge.outbound.send(outgoing(EventType.URGED))

    play(scene)


@pytest.mark.parametrize(
    ("mood", "error", "code"),
    [
        ({"status": 500}, Unknown, "http_500"),
        ({"status": 502, "after": True}, Unknown, "http_502"),
        ({"html": True}, Unknown, "html_answer"),
        ({"html": True, "after": True}, Unknown, "html_answer"),
        ({"status": 404}, Permanent, "http_404"),
        ({"status": 429, "retry_after": 7}, Busy, "http_429"),
        ({"status": 503}, Busy, "http_503"),
        ({"delay": 30.0, "after": True}, Unknown, "transport:"),
        ({"delay": 30.0, "after": False}, Unknown, "transport:"),
    ],
)
def test_moods(mood: dict[str, Any], error: type[Exception], code: str) -> None:
    async def scene(there: Stage) -> None:
        await there.bridge.outbound.lookup(outgoing())  # the token is there already
        await there.mood(**mood, times=1)
        with pytest.raises(error, match=code) as raised:
            await there.bridge.outbound.send(outgoing())
        if isinstance(raised.value, Busy):
            assert raised.value.retry_after == mood.get("retry_after")
        await there.mood()
        # Whatever happened: the look-up tells whether it arrived, and sending again has one effect.
        found = await there.bridge.outbound.lookup(outgoing())
        assert (found is not None) == (bool(mood.get("after")) or "delay" in mood)
        receipt = found or await there.bridge.outbound.send(outgoing(attempt=2))
        assert receipt.holds
        assert receipt.number.startswith("JN")
        assert (await there.received())["received"] == 1

    # Only where its patience is what is tried may the caller be impatient: the token is fetched by the same rule.
    play(scene, timeout_seconds=1.0 if "delay" in mood else 10.0)


def test_a_cut_connection_is_unknown() -> None:
    async def scene(there: Stage) -> None:
        await there.bridge.outbound.lookup(outgoing())
        await there.mood(reset=True, after=True, times=1)
        with pytest.raises(Unknown):
            await there.bridge.outbound.send(outgoing())
        # A pooled connection that the other side is closing may spoil the first question: it is asked again.
        try:
            found = await there.bridge.outbound.lookup(outgoing())
        except Unknown:
            found = await there.bridge.outbound.lookup(outgoing())
        assert found is not None

    play(scene)


def test_a_refused_connection_is_transient() -> None:
    async def scene(there: Stage) -> None:
        nobody = there.settings.model_copy(update={"base_url": "http://127.0.0.1:9"})
        away = build(nobody, Workshop(now=lambda: NOW, session=lambda: there.session))
        with pytest.raises(Transient, match="connect:"):
            await away.outbound.send(outgoing())

    play(scene)


def test_without_a_base_url_nothing_is_sent() -> None:
    async def scene() -> None:
        def session() -> Any:
            raise AssertionError

        unset = build(HotlineSettings(), Workshop(now=lambda: NOW, session=session))
        assert unset.poller is None
        with pytest.raises(Permanent, match="no_base_url"):
            await unset.outbound.send(outgoing())

    asyncio.run(scene())


def test_what_is_not_there_is_surely_not_there() -> None:
    async def scene(there: Stage) -> None:
        assert await there.bridge.outbound.lookup(outgoing()) is None

    play(scene)


def test_a_step_is_found_by_its_words() -> None:
    async def scene(there: Stage) -> None:
        await there.bridge.outbound.send(outgoing())
        step = outgoing(EventType.PROGRESSED, idempotency_key="key-2", data=EventData(text="正在办理"))
        assert await there.bridge.outbound.lookup(step) is None
        await there.bridge.outbound.send(step)
        found = await there.bridge.outbound.lookup(step)
        assert found == Receipt(number="key-2", detail="found_by_lookup")

    play(scene)


def test_an_urging_cannot_be_asked_for() -> None:
    async def scene(there: Stage) -> None:
        with pytest.raises(CannotAsk):
            await there.bridge.outbound.lookup(outgoing(EventType.URGED))

    play(scene)


def test_the_token_may_travel_in_a_header() -> None:
    async def scene(there: Stage) -> None:
        assert (await there.bridge.outbound.send(outgoing())).holds

    play(scene, token_in="header")


# ── a hand-off of several calls ──

ADDED = EventData(
    text="灯又坏了",
    place=Place(street="古槐街道"),
    attachments=(Attachment(name="a.jpg", url="https://files.invalid/a.jpg"),),
)


def added(**more: Any) -> Outgoing:
    return outgoing(EventType.NOTED, data=ADDED, external_ids={"recId": "1"}, idempotency_key="key-2", **more)


def test_several_calls_are_each_made_once_whatever_fails_between_them() -> None:
    async def scene(there: Stage) -> None:
        await there.bridge.outbound.send(outgoing())
        answer = there.hotline._taken

        def refuse_files(action: str, data: dict[str, Any], uid: str) -> dict[str, Any]:
            if action == "UPLOAD_MEDIA":
                raise Refusal(-500001, "未知异常")
            return answer(action, data, uid)

        there.hotline._taken = refuse_files  # type: ignore[method-assign]
        with pytest.raises(Unknown) as raised:
            await there.bridge.outbound.send(added())
        assert set(raised.value.progress) == {"first", "info"}
        there.hotline._taken = answer  # type: ignore[method-assign]
        there.hotline.understood.clear()
        receipt = await there.bridge.outbound.send(added(attempt=2, progress=raised.value.progress))
        assert receipt.number.startswith("JN")
        assert dict(there.hotline.understood) == {"UPLOAD_MEDIA": 1}
        keys = [item["key"] for item in (await there.received())["items"][1:]]
        assert keys == ["key-2", "key-2/info", "key-2/media"]
        assert set(keys) <= MANIFEST.arrival_keys("key-2", frozenset())

    play(scene)


def test_all_calls_made_already_are_not_made_again() -> None:
    async def scene(there: Stage) -> None:
        await there.bridge.outbound.send(outgoing())
        done = {"first": "JN1", "info": "JN1", "media": "JN1"}
        assert (await there.bridge.outbound.send(added(attempt=2, progress=done))).number == "JN1"
        assert (await there.received())["received"] == 1

    play(scene)


def test_several_calls_cannot_be_asked_for_as_one() -> None:
    async def scene(there: Stage) -> None:
        with pytest.raises(CannotAsk):
            await there.bridge.outbound.lookup(added())

    play(scene)


def test_the_signature_before_a_notification_is_an_arrival_of_the_same_hand_off() -> None:
    async def scene(there: Stage) -> None:
        there.hotline._called({"external_id": "X1", "content": "路灯", "petitioner": {"anonymous": True}})
        visit = EventData(text="已电话回访", resolved="yes")
        told = outgoing(EventType.FOLLOWED_UP, data=visit, external_ids={"caseId": "X1"})
        await there.bridge.outbound.send(told)
        items = (await there.received())["items"]
        assert [(item["key"], item["what"]) for item in items] == [("key-1/sign", "SIGN"), ("key-1", "NOTIFY")]
        assert {item["key"] for item in items} <= MANIFEST.arrival_keys("key-1", frozenset())
        assert there.hotline.cases["X1"].state == "核查"

    play(scene)


def test_a_case_that_was_signed_in_the_meantime_is_told_all_the_same() -> None:
    async def scene(there: Stage) -> None:
        case = there.hotline._called({"external_id": "X1", "content": "路灯", "petitioner": {"anonymous": True}})
        answer = there.hotline._taken

        def signed_already(action: str, data: dict[str, Any], uid: str) -> dict[str, Any]:
            if action == "SIGN":
                case.signed = True
                raise Refusal(-1, "请勿重复签收")
            return answer(action, data, uid)

        there.hotline._taken = signed_already  # type: ignore[method-assign]
        visit = EventData(text="已电话回访", resolved="yes")
        await there.bridge.outbound.send(
            outgoing(EventType.FOLLOWED_UP, data=visit, external_ids={"caseId": "X1"}, attempt=2)
        )
        assert [item["what"] for item in (await there.received())["items"]] == ["NOTIFY"]

    play(scene)


def test_the_manifest_knows_every_part_of_a_hand_off() -> None:
    assert MANIFEST.arrival_keys("h", frozenset()) == {"h", *(f"h/{part}" for part in telling.PARTS)}
