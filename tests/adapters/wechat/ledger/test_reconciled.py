"""A day with differences of every kind is reconciled with the platform's list: mended, or listed by name."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bridge.clock import utc_now
from bridge.demo.playground import Playground
from bridge.reconcile.difference import Kind, Resolution
from bridge.reconcile.reconciler import Reconciler
from schemas.base import SHANGHAI

WECHAT = "wechat"


def document(number: str, **more: Any) -> dict[str, Any]:
    return {
        "external_id": number,
        "kind": "求助",
        "title": f"诉求{number}",
        "content": "楼道灯不亮",
        "handling_class": "现场解决",
        "petitioner": {"anonymous": True},
        "attachments": [{"name": f"{number}.jpg", "url": "http://files.example.invalid/1"}],
        **more,
    }


async def _post(world: Playground, path: str, order: dict[str, Any]) -> dict[str, Any]:
    status, answer = await world.call("POST", f"{world.sandbox_url(WECHAT)}{path}", order)
    assert status == 200, answer
    return answer


def test_a_day_with_every_kind_of_difference(tmp_path: Path) -> None:
    asyncio.run(_the_day(tmp_path))


async def _the_day(directory: Path) -> None:
    async with Playground(directory, autopilot=False) as world:
        day = datetime.now(SHANGHAI).date()
        numbers = {}
        for number in ("F-0", "F-1", "F-2", "F-3", "F-4", "F-5"):
            given = {"petitioner": {"phone": "13800000000"}} if number == "F-3" else {}
            answer = await _post(world, "/sandbox/originate", {"door": "form", **document(number, **given)})
            numbers[number] = answer["petition_id"]
        for order in (
            {"do": "forget", "number": "F-1"},
            {"do": "state", "number": "F-2", "state": "withdrawn"},
            {"do": "field", "number": "F-3", "name": "title", "value": "另一个标题"},
            {"do": "twice", "number": "F-4"},
            {"do": "attachment", "number": "F-5", "name": "没见过.jpg"},
            {"do": "stranger", "document": document("S-1")},
        ):
            await _post(world, "/sandbox/register", order)
        bridge = world.bridge
        register = bridge.adapters[WECHAT].register
        assert register is not None
        later = Reconciler(
            WECHAT, register, bridge.minimums[WECHAT], bridge.ledger, bridge.intake,
            lambda: utc_now() + timedelta(hours=3),
        )  # fmt: skip

        first = await later.run(day)
        found = {(one.kind, one.petition_id or one.number): one.resolution for one in first.differences}
        assert found == {
            (Kind.MISSING_THERE, numbers["F-1"]): Resolution.FOR_PEOPLE,
            (Kind.STATE_MISMATCH, numbers["F-2"]): Resolution.FOR_PEOPLE,
            (Kind.FIELD_MISMATCH, numbers["F-3"]): Resolution.FOR_PEOPLE,
            (Kind.DUPLICATE, numbers["F-4"]): Resolution.FOR_PEOPLE,
            (Kind.ORPHAN_ATTACHMENT, numbers["F-5"]): Resolution.FOR_PEOPLE,
            (Kind.MISSING_HERE, "S-1"): Resolution.TAKEN_IN,
        }
        assert first.matched >= 1, "F-0 agrees"

        # What was taken in is ours now, as the form would have brought it: nothing is missing here any more.
        again = await later.run(day)
        assert not [one for one in again.differences if one.kind is Kind.MISSING_HERE]
        late = await _post(world, "/sandbox/originate", {"door": "form", **document("S-1")})
        taken = next(one for one in first.differences if one.kind is Kind.MISSING_HERE)
        assert late["petition_id"] == taken.why, "a late original changes nothing"
