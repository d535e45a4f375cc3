"""The broker is killed, starved, wiped, robbed of its queues and cut off: nothing is lost, nothing doubled, in order.

Each test runs a bridge with its three sandboxes under light load, on a RabbitMQ of its own that it may ruin.
"""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from bridge import app as root
from bridge.app import Part
from bridge.bus.topology import depths
from bridge.doctor import examine
from tests.faults.stage import Stage
from tests.support.instances import PrivateRabbit
from tests.support.proxy import TO_CLIENT, TO_SERVER, Proxy
from tests.support.waiting import wait_until

COUNT = 30


@pytest.fixture(scope="module")
def rabbit() -> Iterator[PrivateRabbit]:
    with PrivateRabbit() as rabbit:
        yield rabbit


@pytest.fixture
def brief_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mute peer is noticed within seconds instead of half a minute."""
    monkeypatch.setattr("bridge.bus.rabbit.HEARTBEAT_SECONDS", 2)
    monkeypatch.setattr("bridge.bus.consumer.HEARTBEAT_SECONDS", 2)


def run(
    directory: Path, url: str, during: Callable[[Stage], None], *, afterwards: Callable[[Stage], None] | None = None
) -> Stage:
    """Half of the petitions are on their way when the fault comes, the other half comes during it; then judge."""
    with Stage(directory, broker_url=url) as stage:
        stage.wait_settled()
        day = stage.day(COUNT)
        first = stage.send(day[: COUNT // 2])
        wait_until(lambda: len(stage.told) > COUNT // 4, "the first petitions to be on their way")
        during(stage)
        first.result(60)
        verdict = stage.finish()
        if afterwards is not None:
            afterwards(stage)
    assert verdict.faults == []
    assert verdict.ok == verdict.attempted == len(stage.told)
    assert stage.proof() == []
    return stage


def rest(stage: Stage) -> None:
    """The other half, all of it taken."""
    stage.send(stage.day(COUNT)[COUNT // 2 :]).result(60)


def test_killed_and_restarted(rabbit: PrivateRabbit, tmp_path: Path) -> None:
    def during(stage: Stage) -> None:
        rabbit.kill()
        wait_until(lambda: not ready(stage, "broker"), "/readyz to say that the broker is away")
        rest(stage)
        rabbit.start()

    run(tmp_path, rabbit.url, during)


def test_memory_alarm(rabbit: PrivateRabbit, tmp_path: Path) -> None:
    def during(stage: Stage) -> None:
        rabbit.raise_memory_alarm()
        rest(stage)
        wait_until(lambda: "blocked" in why(stage, "broker"), "/readyz to say that the broker blocks")
        rabbit.clear_memory_alarm()
        wait_until(lambda: ready(stage, "broker"), "/readyz to be content again")

    stage = run(tmp_path, rabbit.url, during)
    assert {status for told in stage.told for status in told.statuses} <= {200, 202}


def test_wiped_and_restarted(rabbit: PrivateRabbit, tmp_path: Path) -> None:
    def during(stage: Stage) -> None:
        rabbit.kill()
        rabbit.wipe()
        rest(stage)
        rabbit.start()

    run(tmp_path, rabbit.url, during)


def test_queue_deleted(rabbit: PrivateRabbit, tmp_path: Path) -> None:
    def during(stage: Stage) -> None:
        topology = stage.bridge.topology
        for name in topology.queue_names():
            with_channel(rabbit, lambda channel, name=name: channel.queue_delete(name))
        rest(stage)
        wait_until(lambda: set(topology.queue_names()) <= set(queues(rabbit, stage)), "the queues to be declared anew")

    run(tmp_path, rabbit.url, during)


def test_exchange_deleted(rabbit: PrivateRabbit, tmp_path: Path) -> None:
    def during(stage: Stage) -> None:
        topology = stage.bridge.topology
        for name in (topology.events, topology.handoffs, topology.unroutable):
            with_channel(rabbit, lambda channel, name=name: channel.exchange_delete(name))
        rest(stage)

    run(tmp_path, rabbit.url, during)


def ready(stage: Stage, what: str) -> bool:
    _, answer = stage.get("/readyz")
    return bool(answer["checks"][what]["ok"])


def why(stage: Stage, what: str) -> str:
    _, answer = stage.get("/readyz")
    return str(answer["checks"][what].get("why", ""))


def queues(rabbit: PrivateRabbit, stage: Stage) -> dict[str, dict[str, int]]:
    with Connection(rabbit.url) as connection:
        return depths(connection, stage.bridge.topology.queue_names())


def with_channel(rabbit: PrivateRabbit, act: Callable[[Any], None]) -> None:
    with Connection(rabbit.url) as connection, connection.channel() as channel:
        act(channel)
