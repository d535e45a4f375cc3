"""A day's petitions on real processes while everything around them misbehaves at random, by a seed.

Twice a second the law is asked for its balance, and then something is broken: a system's mood, the connections to the
broker, the content of a queue. `BRIDGE_FAULTS=full` brings 20,000 petitions; `BRIDGE_SOAK_PETITIONS` and
`BRIDGE_SOAK_SEED` any other number and seed.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import pytest
from kombu import Connection

from bridge import logs
from bridge.adapter import SandboxPlan
from bridge.app import manifests
from bridge.bus.topology import Topology
from bridge.demo.petitions import petitions
from bridge.server import Server, until_stopped
from tests.faults.conftest import FULL
from tests.faults.report import Scenario
from tests.support import launch
from tests.support.callers import Sending, call
from tests.support.outside import judge
from tests.support.processes import World
from tests.support.proxy import Proxy
from tests.support.waiting import wait_until

COUNT = int(os.environ.get("BRIDGE_SOAK_PETITIONS", "20000" if FULL else "1500"))
SEED = int(os.environ.get("BRIDGE_SOAK_SEED", "5"))
SECONDS = 3600 if FULL else 280
PROGRESS_SECONDS = 5.0
PATIENCE = {
    "BRIDGE_LOG_LEVEL": "warning",
    "BRIDGE_PATIENCE__LEASE_SECONDS": "10",
    "BRIDGE_PATIENCE__QUEUED_SECONDS": "5",
    "BRIDGE_RETRY_LADDER": "1s,1s,1s,2s,2s,2s,5s,5s,5s,10s,10s,10s",
    **{f"BRIDGE_{manifest.system.upper()}__TIMEOUT_SECONDS": "2" for manifest in manifests()},
}
MOODS: tuple[dict[str, Any], ...] = (
    {"status": 500},
    {"status": 502, "after": True},
    {"status": 429, "retry_after": 1},
    {"reset": True},
    {"reset": True, "after": True},
    {"html": True, "after": True},
    {"delay": 3.0, "after": True},
    {"delay": 0.5},
)
TIMES = 4
TICK_SECONDS = 0.5


class QuietWorld(World):
    """The systems take what they are sent and do nothing of their own: the petitions are many, their ways are short."""

    def __enter__(self) -> Self:
        arguments = (self.directory, self.environment, self.sandboxes, self.url, self.secret)
        self._houses = launch.fork_function(quiet_houses, arguments)
        for base in self.sandboxes.values():
            wait_until(lambda base=base: answers(base), f"the sandbox at {base}")
        return self


def quiet_houses(directory: Path, environment: dict[str, str], bases: dict[str, str], url: str, secret: str) -> None:
    """All three sandboxes in one process, without their autopilot."""
    launch.settle_in(directory, environment, directory / "sandboxes.log")
    logs.configure("warning")

    async def stand_in() -> None:
        for manifest in manifests():
            base = bases[manifest.system]
            plan = SandboxPlan(url, autopilot=False)
            app = manifest.sandbox(manifest.sandbox_settings(base, secret), plan)
            await Server(app, "127.0.0.1", int(base.rpartition(":")[2])).start()
        await until_stopped()

    asyncio.run(stand_in())


def answers(base: str) -> bool:
    try:
        return call("GET", f"{base}/sandbox/pending")[0] == 200
    except OSError:
        return False


class Mischief:
    """One thing broken at a time, chosen by the seed."""

    def __init__(self, world: World, proxy: Proxy, broker_url: str) -> None:
        self.done: Counter[str] = Counter()
        self._world = world
        self._proxy = proxy
        self._broker_url = broker_url
        self._topology = Topology(world.systems, world.prefix)
        self._dice = random.Random(SEED)
        self._moody: list[str] = []
        self._tricks: tuple[Callable[[], None], ...] = (self._mood, self._mood, self._cut, self._purge)

    def play(self) -> None:
        # A mood lasts two ticks at most: a system that is never well would just be away, with its breaker open.
        self.cure(keep=1)
        trick = self._dice.choice(self._tricks)
        trick()
        self.done[trick.__name__.strip("_")] += 1

    def cure(self, keep: int = 0) -> None:
        """All systems but those with the newest moods are well again."""
        while len(self._moody) > keep:
            self._set_mood(self._moody.pop(0), {})

    def _mood(self) -> None:
        system = self._dice.choice(self._world.systems)
        self._set_mood(system, {**self._dice.choice(MOODS), "times": TIMES})
        self._moody.append(system)

    def _set_mood(self, system: str, mood: dict[str, Any]) -> None:
        status, _ = call("POST", f"{self._world.sandboxes[system]}/sandbox/mood", mood)
        assert status == 200

    def _cut(self) -> None:
        """Relay and consumers lose their connections in the middle of a word."""
        self._proxy.reset()

    def _purge(self) -> None:
        queue = self._dice.choice(self._topology.queue_names())
        with Connection(self._broker_url) as connection, connection.channel() as channel:
            channel.queue_purge(queue)


@pytest.mark.timeout(SECONDS)
def test_soak(
    tmp_path: Path, scenario: Scenario, fresh_postgres_url: str, amqp_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    with (
        broker_proxy(amqp_url) as (proxy, broker_url),
        QuietWorld(tmp_path, fresh_postgres_url, broker_url, settings=PATIENCE) as world,
    ):
        world.start_all()
        mischief = Mischief(world, proxy, amqp_url)
        sending = world.callers.send(petitions(COUNT, seed=SEED))
        samples = watch(world, sending, mischief, capsys)
        mischief.cure()
        sent = sending.answers(SECONDS)
        world.drain(SECONDS)
        tally = judge(sent, world.evidence())
        seconds = round(time.monotonic() - began, 1)
        scenario.record({**tally.as_dict(), "samples": samples, "mischief": dict(mischief.done), "seed": SEED})
        say(capsys, f"soak: {COUNT} petitions, {samples} samples, {dict(mischief.done)}, {seconds} s")
        assert tally.holds, "\n".join(tally.faults[:20])
        assert tally.ok == tally.attempted == COUNT
        world.check_commands()


def watch(world: World, sending: Sending, mischief: Mischief, capsys: pytest.CaptureFixture[str]) -> int:
    """Until all are answered: the law, then a trick, again and again. How many samples held."""
    samples, said = 0, time.monotonic()
    while not sending.done:
        began = time.monotonic()
        law = world.check_law()
        samples += 1
        mischief.play()
        if began - said >= PROGRESS_SECONDS:
            said = began
            say(capsys, f"soak: {law.accepted} accepted, {law.in_flight} in flight, {law.closed} closed, holds")
        time.sleep(max(0.0, TICK_SECONDS - (time.monotonic() - began)))  # the rhythm of the samples
    return samples


def say(capsys: pytest.CaptureFixture[str], line: str) -> None:
    """A long run shows that it is alive."""
    with capsys.disabled():
        print(line, flush=True)


@contextmanager
def broker_proxy(url: str) -> Iterator[tuple[Proxy, str]]:
    """A proxy before the broker, and the broker's address through it."""
    parts = urlsplit(url)
    with Proxy(parts.hostname or "127.0.0.1", parts.port or 5672) as proxy:
        credentials = f"{parts.username}:{parts.password}@" if parts.username else ""
        yield proxy, f"{parts.scheme}://{credentials}127.0.0.1:{proxy.port}{parts.path}"
