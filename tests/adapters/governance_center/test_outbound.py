"""Our calls on the center, against its sandbox and against answers of many kinds."""

from datetime import timedelta
from uuid import UUID

import orjson
import pytest

from adapters.governance_center.guard import Guard
from adapters.governance_center.settings import CenterSettings, sandbox_settings
from adapters.governance_center.signature import SignType
from bridge.adapter import Busy, CannotAsk, OutboundError, Permanent, Transient, Unknown
from schemas.event import EventData, EventType, Package
from tests.adapters.governance_center.support import (
    NOW,
    PETITION_ID,
    SECRET,
    answering,
    outgoing,
    run,
    sending,
    served,
    with_sandbox,
)
from tests.support.ports import free_port

REPORTED = outgoing(EventType.SUBMITTED, event=UUID(int=1))
REPLIED = EventData(text="您好！\u0000已修复😀")


def test_report_then_steps() -> None:
    async def work() -> None:
        async with with_sandbox() as (center, outbound):
            receipt = await outbound.send(REPORTED)
            assert receipt.holds
            assert [(one.kind, one.value) for one in receipt.external_ids] == [("eventId", receipt.number)]
            again = await outbound.send(REPORTED)
            assert again.number == receipt.number
            step = await outbound.send(outgoing(EventType.REPLIED, REPLIED, known=receipt.number))
            assert (step.number, step.external_ids, step.holds) == (receipt.number, (), False)
            memory = center.box.memory
            assert (memory.repeats, memory.duplicates, len(memory.arrivals)) == (1, 0, 2)
            assert [one.what for one in memory.arrivals] == ["report", "reply"]
            assert {one.case for one in memory.arrivals} == {PETITION_ID}
            assert [one.text for one in memory.arrivals] == [REPORTED.petition.content, REPLIED.text]

    run(work())


def test_every_event_type_is_taken_by_the_sandbox() -> None:
    async def work() -> None:
        async with with_sandbox() as (center, outbound):
            number = (await outbound.send(REPORTED)).number
            for kind in sorted(outbound.speaks):
                await outbound.send(outgoing(EventType(kind), EventData(text="原话"), known=number))
            assert len(center.box.memory.arrivals) == len(outbound.speaks) + 1

    run(work())


@pytest.mark.parametrize(
    ("mood", "error", "code", "arrived"),
    [
        ({"status": 500}, Unknown, "http_500", False),
        ({"status": 502, "after": True}, Unknown, "http_502", True),
        ({"html": True}, Unknown, "login_page", False),
        ({"html": True, "after": True}, Unknown, "login_page", True),
        ({"delay": 5.0, "after": True}, Unknown, "transport:TimeoutError", True),
        ({"status": 429, "retry_after": 7}, Busy, "http_429", False),
        ({"status": 503}, Busy, "http_503", False),
    ],
)
def test_moods_and_what_the_look_up_finds_then(
    mood: dict[str, object], error: type[OutboundError], code: str, arrived: bool
) -> None:
    async def work() -> None:
        async with with_sandbox() as (center, outbound):
            outbound._caller.timeout_seconds = 0.3
            for name, value in {**mood, "times": 1}.items():
                setattr(center.box.mood, name, value)
            with pytest.raises(error) as told:
                await outbound.send(REPORTED)
            assert told.value.code.startswith(code.split(":", maxsplit=1)[0])
            if isinstance(told.value, Busy):
                assert told.value.retry_after == mood.get("retry_after")
            found = await outbound.lookup(REPORTED)
            assert (found is not None) is arrived
            receipt = found or await outbound.send(REPORTED)
            assert receipt.holds
            assert len(center.box.memory.arrivals) == 1

    run(work())


def test_a_cut_connection_is_unknown() -> None:
    async def work() -> None:
        async with with_sandbox() as (center, outbound):
            center.box.mood.reset, center.box.mood.after, center.box.mood.times = True, True, 1
            with pytest.raises(Unknown):
                await outbound.send(REPORTED)
            assert (await outbound.lookup(REPORTED)) is not None

    run(work())


def test_the_look_up_of_a_step_goes_by_its_message_id() -> None:
    async def work() -> None:
        async with with_sandbox() as (_, outbound):
            number = (await outbound.send(REPORTED)).number
            step = outgoing(EventType.REPLIED, REPLIED, known=number)
            assert await outbound.lookup(step) is None
            await outbound.send(step)
            found = await outbound.lookup(step)
            assert found is not None
            assert found.number == number

    run(work())


@pytest.mark.parametrize("number", ["C 9", "号/9", "A!b'(c)~*", "50%", "a?b#c&d=e+f", "é"])
def test_what_is_signed_is_the_path_as_it_stands_on_the_request_line(number: str) -> None:
    async def work() -> None:
        async with with_sandbox() as (_, outbound):
            # Refused for its signature it would be `Permanent("auth")`; so it is only not there.
            assert await outbound.lookup(outgoing(EventType.REPLIED, REPLIED, known=number)) is None

    run(work())


def test_nobody_listening_is_transient() -> None:
    async def work() -> None:
        async with sending(sandbox_settings(f"http://127.0.0.1:{free_port()}", SECRET)) as outbound:
            with pytest.raises(Transient):
                await outbound.send(REPORTED)

    run(work())


def test_without_an_address_nothing_is_sent() -> None:
    async def work() -> None:
        async with sending(CenterSettings()) as outbound:
            with pytest.raises(Permanent, match="no_base_url"):
                await outbound.send(REPORTED)

    run(work())


@pytest.mark.parametrize(
    "change",
    [{"app_id": "somebody"}, {"window_seconds": 300}],
)
def test_the_sandbox_refuses_what_is_wrong(change: dict[str, object]) -> None:
    async def work() -> None:
        async with with_sandbox() as (center, outbound):
            url = outbound._caller._base
            settings = sandbox_settings(url, SECRET).model_copy(update=change)
            async with sending(settings, lambda: NOW - timedelta(days=365)) as wrong:
                with pytest.raises(Permanent, match="auth"):
                    await wrong.send(REPORTED)
            assert not center.box.memory.arrivals

    run(work())


@pytest.mark.parametrize("kind", [EventType.SUPERVISED, EventType.URGED, EventType.RECLASSED])
def test_what_escalates_a_petition_that_the_center_has_lost_reports_it_anew(kind: EventType) -> None:
    async def work() -> None:
        async with with_sandbox() as (center, outbound):
            lost = (await outbound.send(REPORTED)).number
            center.book.forget(center.book.find(lost))
            data = EventData(text="久拖不决", package=Package(number="P-1") if kind is EventType.RECLASSED else None)
            receipt = await outbound.send(outgoing(kind, data, known=lost))
            assert receipt.holds
            assert receipt.number != lost
            assert [one.value for one in receipt.external_ids] == [receipt.number]

    run(work())


def test_a_reopened_petition_gets_a_new_number_once_its_event_is_archived() -> None:
    async def work() -> None:
        async with with_sandbox() as (center, outbound):
            first = (await outbound.send(REPORTED)).number
            again = outgoing(EventType.REHANDLED, EventData(text="群众不满意，重办"), known=first)
            assert (await outbound.send(again)).number == first
            await center.step({"eventId": first, "step": "archive"})
            reopened = outgoing(EventType.REHANDLED, EventData(text="再次重办"), known=first)
            receipt = await outbound.send(reopened)
            assert receipt.holds
            assert [one.value for one in receipt.external_ids] == [receipt.number] != [first]
            case = center.book.find(PETITION_ID)
            assert (case.number, case.document["advice"]) == (receipt.number, "再次重办")
            assert case.document["relatedCodes"] == [{"bizPlatform": "000", "code": first}]
            assert (center.box.memory.duplicates, center.book.find(first).archived) == (0, True)
            await outbound.send(outgoing(EventType.REPLIED, REPLIED, known=receipt.number))

    run(work())


@pytest.mark.parametrize("sign_type", ["HMAC-SM3", "HMAC-SHA256"])
def test_both_algorithms_are_sent(sign_type: str) -> None:
    async def work() -> None:
        async with with_sandbox(sign_type=SignType(sign_type)) as (_, outbound):
            assert (await outbound.send(REPORTED)).holds
            headers = outbound._caller._signer.headers("GET", "/", b"", NOW, "n")
            assert headers["X-Sign-Type"] == sign_type

    run(work())


def test_the_key_of_a_message_is_no_number_of_an_event() -> None:
    """A batch-shaped answer may list the keys that it took."""

    async def work() -> None:
        listed = orjson.dumps({"code": "1", "successStr": REPORTED.idempotency_key})
        app, _ = answering((200, listed, "application/json"))
        async with served(app, free_port()) as url, sending(sandbox_settings(url, SECRET)) as outbound:
            with pytest.raises(Unknown, match="no_event_id"):
                await outbound.send(REPORTED)

    run(work())


@pytest.mark.parametrize("kind", [EventType.REPLIED, EventType.CLOSED])
def test_steps_of_an_event_nobody_reported(kind: EventType) -> None:
    async def work() -> None:
        async with with_sandbox() as (_, outbound):
            with pytest.raises(Permanent, match="unknown_event"):
                await outbound.send(outgoing(kind))

    run(work())


def test_steps_after_the_archive() -> None:
    async def work() -> None:
        async with with_sandbox() as (center, outbound):
            number = (await outbound.send(REPORTED)).number
            await center.step({"eventId": number, "step": "archive"})
            with pytest.raises(Permanent, match="archived"):
                await outbound.send(outgoing(EventType.NOTED, known=number))

    run(work())


# ── centers of another kind ───────────────────────────────────────────────────────────────────────────────

OK = b'{"code":1,"message":"ok","eventId":20261122000000000001}'


def test_the_request_is_signed_over_the_whole_path() -> None:
    async def work() -> None:
        app, asked = answering((200, OK, "text/html"))
        async with served(app, free_port()) as url:
            settings = sandbox_settings(f"{url}/a/b/", SECRET)
            async with sending(settings, lambda: NOW) as outbound:
                receipt = await outbound.send(REPORTED)
            assert receipt.number == "20261122000000000001"
            (web,) = asked
            guard = Guard(settings.app_id, settings.secret.get_secret_value(), 300)
            assert web.url.path == "/a/b/events"
            assert guard.fault("POST", "/a/b/events", web.headers, await web.body(), NOW) is None

    run(work())


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((200, b'{"code":"1"}', "application/json"), "no_event_id"),
        ((200, b"<html></html>", "text/html"), "login_page"),
        ((200, b'{"success":false,"code":"0","message":"x"}', "text/html"), "code_0"),
    ],
)
def test_a_report_needs_a_number(answer: tuple[int, bytes, str], outcome: str) -> None:
    async def work() -> None:
        app, _ = answering(answer)
        async with served(app, free_port()) as url, sending(sandbox_settings(url, SECRET)) as outbound:
            with pytest.raises(OutboundError) as told:
                await outbound.send(REPORTED)
            assert told.value.code == outcome

    run(work())


def test_an_echo_of_our_number_is_a_number_only_where_there_is_no_other() -> None:
    async def work() -> None:
        echo = orjson.dumps({"code": "1", "eventId": PETITION_ID})
        app, _ = answering((200, echo, "application/json"))
        async with served(app, free_port()) as url, sending(sandbox_settings(url, SECRET)) as outbound:
            assert (await outbound.send(REPORTED)).number == PETITION_ID
            step = await outbound.send(outgoing(EventType.SIGNED, known="C-9"))
            assert (step.number, step.external_ids) == (PETITION_ID, ())

    run(work())


@pytest.mark.parametrize(
    ("answer", "kind", "outcome"),
    [
        ((200, b'{"code":"1","eventId":"C-9"}', "application/json"), EventType.REPLIED, CannotAsk),
        ((404, b"<html>nginx</html>", "text/html"), EventType.SUBMITTED, CannotAsk),
        ((405, b"", "text/html"), EventType.SUBMITTED, CannotAsk),
        ((401, b'{"code":"0","message":"x"}', "application/json"), EventType.SUBMITTED, Permanent),
        ((500, b"", "text/html"), EventType.SUBMITTED, Unknown),
    ],
)
def test_centers_that_cannot_be_asked(
    answer: tuple[int, bytes, str], kind: EventType, outcome: type[Exception]
) -> None:
    async def work() -> None:
        app, _ = answering(answer)
        async with served(app, free_port()) as url, sending(sandbox_settings(url, SECRET)) as outbound:
            with pytest.raises(outcome):
                await outbound.lookup(outgoing(kind, known="C-9" if kind is EventType.REPLIED else None))

    run(work())
