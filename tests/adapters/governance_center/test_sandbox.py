"""The sandbox towards the bridge: its own steps, in order, signed anew for each try, read by our own door."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest

from adapters.governance_center import autopilot
from adapters.governance_center.settings import sandbox_settings
from adapters.governance_center.wire import Op
from bridge.adapter import Submission, Update
from schemas.event import EventData, EventType, PartState, SupervisionLevel, SupervisionState
from tests.adapters.governance_center.support import (
    PETITION_ID,
    SECRET,
    FakeBridge,
    outgoing,
    run,
    served,
    until,
    with_sandbox,
)
from tests.support.ports import free_port

DOCUMENT = {
    "external_id": "x-1",
    "kind": "投诉",
    "title": "",
    "content": "【退回重办】翠湖花园\u0000停水😀",
    "petitioner": {"name": "测试甲", "phone": "13800000000", "openid": "o-1"},
    "place": {"region_code": "370811", "longitude": 116.5, "latitude": 35.4},
    "urgency": "紧急",
    "lead_unit": "市城管局",
    "assist_units": ["市水务局"],
    "occurred_at": "2026-11-21T08:00:00+08:00",
    "reply": "您好！供水已恢复。",
}


@contextlib.asynccontextmanager
async def both(*, autopilot: bool) -> AsyncIterator[tuple[FakeBridge, Any, Any]]:
    bridge = FakeBridge(sandbox_settings("http://127.0.0.1:9/center", SECRET))
    async with (
        served(bridge.app, free_port()) as url,
        with_sandbox(autopilot=autopilot, bridge_url=url) as (center, outbound),
    ):
        yield bridge, center, outbound


def test_a_reported_case_is_worked_to_its_end_in_order() -> None:
    async def work() -> None:
        async with both(autopilot=True) as (bridge, _, outbound):
            units = {"lead_unit": "甲局", "assist_units": ("乙局", "丙局")}
            await outbound.send(outgoing(EventType.SUBMITTED, **units))
            await until(lambda: "rated" in bridge.types(), "the evaluation")
            types = [kind for kind in bridge.types() if not kind.startswith("exten")]
            assert types == [
                *("supervised", "dispatched", "signed", "signed", "signed", "progressed"),
                *("progressed", "progressed", "replied", "closed", "rated"),
            ]
            signed = [one.data.unit for one in bridge.drafts if one.type is EventType.SIGNED]
            assert signed == ["甲局", "乙局", "丙局"]
            assert all(one.refs[0].petition_id == PETITION_ID for one in bridge.drafts)
            assert bridge.drafts[0].data.level is SupervisionLevel.KEY
            assert not bridge.refused

    run(work())


def test_the_autopilot_can_be_off() -> None:
    async def work() -> None:
        async with both(autopilot=False) as (bridge, center, outbound):
            await outbound.send(outgoing(EventType.SUBMITTED))
            assert not center.box._tasks
            assert not bridge.drafts

    run(work())


def test_a_case_the_bridge_closed_is_left_alone() -> None:
    async def work() -> None:
        async with both(autopilot=True) as (bridge, center, outbound):
            center.box.pace = 60
            number = (await outbound.send(outgoing(EventType.SUBMITTED))).number
            await outbound.send(outgoing(EventType.CANCELLED, known=number))
            assert center.book.find(number).over
            assert not bridge.drafts

    run(work())


def test_a_petition_that_starts_at_the_center() -> None:
    async def work() -> None:
        async with both(autopilot=True) as (bridge, center, _):
            told = await center.originate(DOCUMENT)
            assert (told["status"], told["petition_id"]) == (200, PETITION_ID)
            await until(lambda: "rated" in bridge.types(), "the evaluation")
            new = bridge.drafts[0]
            assert isinstance(new, Submission)
            assert (new.petition.content, new.petition.title) == (DOCUMENT["content"], "")
            assert (new.petition.lead_unit, new.petition.assist_units) == ("市城管局", ("市水务局",))
            assert (new.petition.petitioner.openid, new.petition.urgency.value) == ("o-1", "urgent")
            replies = [one.data.text for one in bridge.drafts if isinstance(one, Update) and one.type == "replied"]
            assert replies == [DOCUMENT["reply"]]

    run(work())


STEPS = {
    "supervise": "supervised",
    "propose": "noted",
    "order_signed": "noted",
    "order_feedback": "noted",
    "order_review": "noted",
    "order_closed": "noted",
    "order_rejected": "noted",
    "excuse": "noted",
    "first_batch": "progressed",
    "package": "reclassed",
    "urge": "urged",
    "dispatch": "dispatched",
    "sign": "signed",
    "progress": "progressed",
    "return_apply": "return_requested",
    "return_review": "returned",
    "delay_apply": "extension_requested",
    "delay_review": "extended",
    "reply": "replied",
    "close": "closed",
    "evaluate": "rated",
    "evaluate_unit": "rated",
    "withdraw": "cancelled",
}


@pytest.mark.parametrize(("step", "kind"), STEPS.items())
def test_one_step_now(step: str, kind: str) -> None:
    async def work() -> None:
        async with both(autopilot=False) as (bridge, center, outbound):
            await outbound.send(outgoing(EventType.SUBMITTED))
            told = await center.step({"petition_id": PETITION_ID, "step": step, "text": "原话\u0000"})
            assert (told["status"], told["answer"]["code"]) == (200, "1")
            (draft,) = bridge.drafts
            assert (draft.type.value, draft.data.text) == (kind, "原话\u0000")

    run(work())


def test_the_center_asks_the_citizen_and_a_unit_speaks_of_itself() -> None:
    async def work() -> None:
        async with both(autopilot=False) as (bridge, center, outbound):
            await outbound.send(outgoing(EventType.SUBMITTED))
            for step in ("evaluate", "evaluate_unit"):
                await center.step({"petition_id": PETITION_ID, "step": step})
            asked, itself = bridge.drafts
            assert (asked.actor, asked.data.unit, asked.data.person) == (None, None, "中心回访员")
            assert (itself.actor, itself.data.unit) == ("unit", center.book.find(PETITION_ID).lead)

    run(work())


def test_a_package_of_the_center_has_a_plan() -> None:
    async def work() -> None:
        async with both(autopilot=False) as (bridge, center, outbound):
            await outbound.send(outgoing(EventType.SUBMITTED))
            await center.step({"petition_id": PETITION_ID, "step": "package"})
            joint, entered = bridge.drafts[0].data.package, center.book.find(PETITION_ID).entered_at
            assert joint.plan
            assert joint.due_at == (entered + autopilot.PLANNED).replace(microsecond=0)

    run(work())


def test_every_op_but_the_report_has_a_step() -> None:
    assert set(Op) - {Op.REPORT} <= set(STEPS)
    assert set(STEPS) == set(autopilot.STEPS)


def test_other_fields_of_a_step_go_along() -> None:
    async def work() -> None:
        async with both(autopilot=False) as (bridge, center, outbound):
            await outbound.send(outgoing(EventType.SUBMITTED))
            red = {"petition_id": PETITION_ID, "step": "supervise", "supervisionType": "2"}
            await center.step(red)
            assert bridge.drafts[0].data.level is SupervisionLevel.RED
            assert "error" in await center.step({"petition_id": PETITION_ID, "step": "fly"})
            assert "error" in await center.step({"petition_id": "LT000000-0000000000", "step": "sign"})

    run(work())


def test_each_try_has_a_nonce_of_its_own() -> None:
    async def work() -> None:
        async with both(autopilot=False) as (bridge, center, outbound):
            await outbound.send(outgoing(EventType.SUBMITTED))
            nonces: set[str] = set()
            make = center.voice._headers

            def kept(body: bytes) -> dict[str, str]:
                headers: dict[str, str] = make(body)
                nonces.add(headers["X-Nonce"])
                return headers

            center.voice._headers = kept
            bridge.failures = 2
            told = await center.step({"petition_id": PETITION_ID, "step": "sign"})
            assert told["status"] == 200
            assert len(nonces) == 3
            assert len(bridge.drafts) == 1

    run(work())


def test_a_replayed_request_is_refused() -> None:
    async def work() -> None:
        async with with_sandbox() as (center, outbound), aiohttp.ClientSession() as session:
            from datetime import datetime

            from schemas.base import SHANGHAI

            headers = outbound._caller._signer.headers("GET", "/center/events/1", b"", datetime.now(SHANGHAI), "once")
            for expected in (200, 401):
                async with session.get(outbound._caller._base + "/events/1", headers=headers) as response:
                    assert response.status == expected
                    assert orjson.loads(await response.read())["code"] == "0"
            async with session.post(outbound._caller._base + "/events", data=b"{}") as response:
                assert response.status == 401
            assert not center.box.memory.arrivals

    run(work())


def test_the_runners_paths_show_what_arrived() -> None:
    async def work() -> None:
        async with with_sandbox() as (_, outbound), aiohttp.ClientSession() as session:
            await outbound.send(outgoing(EventType.SUBMITTED))
            url = outbound._caller._base.removesuffix("/center") + "/sandbox/received"
            async with session.get(url) as response:
                seen = orjson.loads(await response.read())
            assert (seen["system"], seen["received"], seen["duplicates"]) == ("governance_center", 1, 0)
            assert seen["items"][0]["case"] == PETITION_ID

    run(work())


# ── joint work ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_joint_case_unit_by_unit() -> None:
    """Each unit signs, returns, extends and finishes for itself; the lead finishes last, and only it answers."""

    async def work() -> None:
        async with both(autopilot=False) as (bridge, center, outbound):
            units = {"lead_unit": "甲局", "assist_units": ("乙局", "丙局", "丁局")}
            await outbound.send(outgoing(EventType.SUBMITTED, **units))
            case = center.book.find(PETITION_ID)

            async def step(name: str, unit: str, **more: Any) -> dict[str, Any]:
                command = {"petition_id": PETITION_ID, "step": name, "orgName": unit, **more}
                told: dict[str, Any] = await center.step(command)
                return told

            await center.step({"petition_id": PETITION_ID, "step": "dispatch"})
            assert set(case.parts) == {"甲局", "乙局", "丙局", "丁局"}
            for unit in case.parts:
                await step("sign", unit)
            assert "error" in await step("reply", "甲局")
            await step("return_apply", "乙局")
            assert case.parts["乙局"] is PartState.RETURN_REQUESTED
            await step("return_review", "乙局", checkResult="1")
            await step("delay_apply", "丙局")
            await step("delay_review", "丙局", checkResult="1")
            await step("excuse", "丁局")
            assert case.open_assists() == ["丙局"]
            assert "丙局" in (await step("reply", "甲局"))["error"]
            await step("reply", "丙局", text="协办完毕")
            assert (await step("reply", "甲局", text="您好，已办结"))["status"] == 200
            spoken = [(one.type, one.data.units[0].unit, one.data.units[0].state) for one in bridge.drafts[1:]]
            assert spoken[4:] == [
                (EventType.RETURN_REQUESTED, "乙局", PartState.RETURN_REQUESTED),
                (EventType.RETURNED, "乙局", PartState.RETURNED),
                (EventType.EXTENSION_REQUESTED, "丙局", PartState.EXTENSION_REQUESTED),
                (EventType.EXTENDED, "丙局", PartState.HANDLING),
                (EventType.NOTED, "丁局", PartState.EXCUSED),
                (EventType.PROGRESSED, "丙局", PartState.FINISHED),
                (EventType.REPLIED, "甲局", PartState.FINISHED),
            ]
            assert case.parts == {
                "甲局": PartState.FINISHED,
                "乙局": PartState.RETURNED,
                "丙局": PartState.FINISHED,
                "丁局": PartState.EXCUSED,
            }

    run(work())


def test_a_package_is_completed_in_parts() -> None:
    """Several petitions in one package: the first batch of households, then one member, is done; the others go on."""

    async def work() -> None:
        async with both(autopilot=False) as (bridge, center, outbound):
            first = (await outbound.send(outgoing(EventType.SUBMITTED))).number
            second = center.seeds.seed({"do": "invent"})["eventId"]
            both_of_them = {"packageId": "P-1", "members": [PETITION_ID, second]}
            await center.step({"eventId": first, "step": "package", **both_of_them})
            formed = bridge.drafts[:]
            assert [one.type for one in formed] == [EventType.RECLASSED] * 2
            assert formed[0].refs[0].petition_id == PETITION_ID
            await center.step({"eventId": first, "step": "first_batch"})
            batch = bridge.drafts[2]
            assert (batch.type, batch.data.households.done) == (EventType.PROGRESSED, 162)
            assert center.book.find(first).status is EventType.PROGRESSED
            await center.step({"eventId": second, "step": "close", "packageId": "P-1"})
            closed = bridge.drafts[3]
            assert (closed.type, closed.refs[0].value) == (EventType.CLOSED, second)
            assert center.book.find(first).status is EventType.PROGRESSED
            assert center.book.find(second).status is EventType.CLOSED

    run(work())


def test_a_proposal_is_published_by_the_center_itself() -> None:
    async def work() -> None:
        async with both(autopilot=True) as (bridge, center, outbound):
            told = await center.originate(DOCUMENT)
            await until(lambda: "rated" in bridge.types(), "the evaluation")
            proposal = EventData(level=SupervisionLevel.RED, text="久拖不决")
            center.book.find(told["eventId"]).over = False
            await outbound.send(outgoing(EventType.SUPERVISED, proposal, known=told["eventId"]))
            await until(lambda: "supervised" in bridge.types(), "the order")
            order = bridge.drafts[-1]
            assert order.data.supervision.state is SupervisionState.ISSUED
            assert (order.data.level, bool(order.data.supervision.number)) == (SupervisionLevel.RED, True)

    run(work())
