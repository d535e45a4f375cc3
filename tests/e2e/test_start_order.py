"""Start order is free: the bridge comes up first, the database after it, the broker last, and a petition gets home."""

import asyncio
from pathlib import Path

from bridge.demo.petitions import petitions
from bridge.demo.playground import Playground
from tests.support.instances import PrivatePostgres, PrivateRabbit

PATIENT = 60.0


def test_the_database_and_the_broker_may_come_late(tmp_path: Path) -> None:
    # Their addresses are known before they run; nothing listens there yet.
    postgres, rabbit = PrivatePostgres(), PrivateRabbit()
    try:
        asyncio.run(asyncio.wait_for(_come_late(tmp_path, postgres, rabbit), 3 * PATIENT))
    finally:
        postgres.stop()
        rabbit.stop()


async def _come_late(directory: Path, postgres: PrivatePostgres, rabbit: PrivateRabbit) -> None:
    world = Playground(directory, database_url=postgres.url, broker_url=rabbit.url, pace_seconds=0.05)
    opening = asyncio.create_task(world.__aenter__())
    await asyncio.to_thread(postgres.start)
    await opening
    try:
        await _take_a_petition_home(world, rabbit)
    finally:
        await world.__aexit__(None, None, None)


async def _take_a_petition_home(world: Playground, rabbit: PrivateRabbit) -> None:
    sent = await world.send(next(item for item in petitions(40) if item.door == "rest"))
    assert sent.status == 202
    _, ready = await world.call("GET", f"{world.url}/readyz")
    assert ready["checks"]["broker"]["ok"] is False
    await asyncio.to_thread(rabbit.start)
    while (await world.law())["in_flight"]:
        await asyncio.sleep(0.1)
    assert (await world.law())["holds"]
    assert any(row["state"] in ("delivered", "acknowledged") for row in await world.handoffs())
