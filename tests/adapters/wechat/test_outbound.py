"""Outbound against the sandbox: who is told, what went out stays out, and what each code and mood means."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from adapters.wechat.ways import client_msg_id
from bridge.adapter import Busy, CannotAsk, Permanent
from schemas.event import EventType
from schemas.petition import HandlingClass, Petitioner
from tests.adapters.wechat.support import Bench, bench, event, outgoing, petition

HOME = petition(handling_class=HandlingClass.HOME_UNIT)
TASK = {"told": event(EventType.SUBMITTED), "about": HOME}
AGAIN = {"told": event(EventType.RECLASSED, source="bridge", handling_class=HandlingClass.HOME_UNIT), "about": HOME}


def run(story: Callable[[Bench], Awaitable[None]], **settings: Any) -> None:
    async def whole() -> None:
        async with bench(**settings) as found:
            await story(found)

    asyncio.run(whole())


def citizen(openid: str | None) -> Any:
    return petition(petitioner=Petitioner(name="孔令宜", phone="13805370001", openid=openid))


# ── who is told ──


def test_the_petitioner_is_told() -> None:
    async def story(found: Bench) -> None:
        receipt = await found.send({"petitioner"})
        (arrival,) = found.arrivals
        assert receipt.number == arrival.number
        assert (receipt.told_petitioner, receipt.holds, receipt.detail) == (True, False, None)
        assert (arrival.case, arrival.what) == ("LT261122-7K3M9QX2AB", "accepted")
        assert arrival.key == client_msg_id("handoff-5", "petitioner")
        assert "已受理" in arrival.text

    run(story)


def test_all_three_in_order_and_the_unit_holds_the_task() -> None:
    async def story(found: Bench) -> None:
        receipt = await found.send({"unit", "owner", "petitioner"}, **TASK)
        assert [arrival.what for arrival in found.arrivals] == ["accepted", "task", "task"]
        assert len({arrival.key for arrival in found.arrivals}) == 3
        assert receipt.number == found.arrivals[0].number
        assert (receipt.holds, receipt.told_petitioner) == (True, True)

    run(story)


def test_of_a_new_class_the_unit_holds_the_task_too() -> None:
    async def story(found: Bench) -> None:
        receipt = await found.send({"unit", "owner"}, **AGAIN)
        assert [arrival.what for arrival in found.arrivals] == ["progress", "task"]
        assert (receipt.holds, receipt.told_petitioner) == (True, False)

    run(story)


def test_news_of_a_new_class_is_no_task_for_the_owner() -> None:
    async def story(found: Bench) -> None:
        receipt = await found.send({"owner"}, told=event(EventType.RECLASSED))
        assert not receipt.holds

    run(story)


def test_a_new_class_whose_unit_cannot_be_told_is_parked(tmp_path: Path) -> None:
    path = tmp_path / "recipients.toml"
    path.write_text(
        '[secretaries]\n"S001" = "oSecretary1"\n[units]\n"市住建局" = "oErrcode46004_u"\n', encoding="utf-8"
    )

    async def story(found: Bench) -> None:
        with pytest.raises(Permanent, match="unit_unbound") as caught:
            await found.send({"unit", "owner"}, **AGAIN)
        assert caught.value.progress["owner"] == found.arrivals[0].number

    run(story, recipients=str(path))


def test_each_openid_of_the_recipients_file(tmp_path: Path) -> None:
    path = tmp_path / "recipients.toml"
    path.write_text(
        '[secretaries]\n"S001" = "oErrcode43004_s"\n[units]\n"市住建局" = "oErrcode46004_u"\n', encoding="utf-8"
    )

    async def story(found: Bench) -> None:
        receipt = await found.send({"owner", "unit", "petitioner"}, told=event(EventType.DISPATCHED, unit="市住建局"))
        assert receipt.detail == "owner_unreachable:43004,unit_unreachable:46004"

    run(story, recipients=str(path))


def test_a_petitioner_without_openid_is_skipped() -> None:
    async def story(found: Bench) -> None:
        receipt = await found.send({"petitioner", "owner"}, about=citizen(None))
        assert (receipt.told_petitioner, receipt.detail) == (False, "petitioner_unreachable")
        assert receipt.number == found.arrivals[0].number

    run(story)


def test_nobody_bound() -> None:
    async def story(found: Bench) -> None:
        receipt = await found.send({"petitioner", "owner", "unit"})
        assert receipt.detail == "owner_unbound"
        with pytest.raises(Permanent, match="no_recipient"):
            await found.send({"petitioner", "owner"}, about=citizen(None))
        with pytest.raises(Permanent, match="unit_unbound") as caught:
            await found.send({"petitioner", "unit"}, **TASK)
        assert set(caught.value.progress) == {"petitioner", "petitioner:by"}

    run(story, duty_openid=None)


def test_it_cannot_be_asked() -> None:
    async def story(found: Bench) -> None:
        with pytest.raises(CannotAsk):
            await found.outbound.lookup(outgoing({"petitioner"}))
        await found.outbound.close()

    run(story)


def test_it_speaks_of_everything_but_riddles() -> None:
    async def story(found: Bench) -> None:
        assert found.outbound.speaks == set(EventType) - {EventType.UNKNOWN}

    run(story)


# ── what went out stays out ──


def test_sent_again_it_arrives_once() -> None:
    async def story(found: Bench) -> None:
        first, second = await found.send({"petitioner"}), await found.send({"petitioner"})
        assert first.number == second.number
        assert (len(found.arrivals), found.box.memory.repeats) == (1, 1)

    run(story)


def test_progress_is_carried_and_not_sent_again() -> None:
    async def story(found: Bench) -> None:
        found.box.memory.arrivals.clear()
        receipt = await found.send({"petitioner", "owner"}, petitioner="4711")
        assert receipt.number == "4711"
        assert receipt.told_petitioner
        assert len(found.arrivals) == 1

    run(story)


def test_a_failure_half_way_tells_what_is_done(tmp_path: Path) -> None:
    path = tmp_path / "recipients.toml"
    path.write_text('[secretaries]\n"S001" = "oErrcode45011_s"\n', encoding="utf-8")

    async def story(found: Bench) -> None:
        with pytest.raises(Busy) as caught:
            await found.send({"petitioner", "owner"})
        assert caught.value.progress["petitioner"] == found.arrivals[0].number

    run(story, recipients=str(path))


# ── the citizen cannot be reached ──


@pytest.mark.parametrize(
    ("openid", "code"), [("oInvalid1", 40003), ("oBlocked1", 43004), ("oNobody1", 46004), ("oRefused1", 43101)]
)
@pytest.mark.parametrize("audience", [{"petitioner", "owner"}, {"petitioner"}])
def test_the_owner_is_asked_to_call(openid: str, code: int, audience: set[str]) -> None:
    async def story(found: Bench) -> None:
        receipt = await found.send(audience, about=citizen(openid))
        assert receipt.detail == f"petitioner_unreachable:{code}"
        assert (receipt.told_petitioner, receipt.number) == (False, found.arrivals[0].number)
        assert "请致电诉求人" in found.arrivals[0].text

    run(story)


def test_a_refusal_is_remembered_between_attempts() -> None:
    async def story(found: Bench) -> None:
        with pytest.raises(Permanent, match="errcode_43004") as caught:
            await found.send({"petitioner"}, about=citizen("oBlocked1"))
        assert caught.value.progress["petitioner:refused"] == "43004"

    run(story, duty_openid=None)

    async def later(found: Bench) -> None:
        receipt = await found.send({"petitioner"}, **{"petitioner:refused": "43004"})
        assert receipt.detail == "petitioner_unreachable:43004"
        assert "请致电" in found.arrivals[0].text

    run(later)


# ── the recipients file ──


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[secretaries\n", "TOML"),
        ("[people]\n", "only"),
        ("[units]\nx = 5\n", "openids"),
        ("units = 5\n", "openids"),
        (None, "cannot be read"),
    ],
)
def test_a_wrong_recipients_file_is_one_clear_line(content: str | None, says: str) -> None:
    from adapters.wechat import recipients

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recipients.toml"
        if content is not None:
            path.write_text(content, encoding="utf-8")
        with pytest.raises(ValueError, match=r"^BRIDGE_WECHAT__RECIPIENTS: .*") as caught:
            recipients.load(str(path), None)
        assert says in str(caught.value)


def test_client_msg_ids_fit_and_differ() -> None:
    ids = {client_msg_id(key, audience) for key in ("a", "b") for audience in ("petitioner", "owner", "unit")}
    assert len(ids) == 6
    assert all(len(each) == 32 for each in ids)
    assert orjson.dumps(sorted(ids))
