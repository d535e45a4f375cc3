"""A whole bridge of real processes: killed, restarted and drained, with its sandboxes beside it that survive it all.

with World(directory) as world:                             # `bridge run` on SQLite and memory://
with World(directory, database, broker, workers=2) as world:    # `bridge serve` and two `bridge work`
    world.start_all()
    answers = world.callers.send(next(world.batches)).answers()
    world.kill("run")
    world.start("run")
    world.drain()
    evidence = world.evidence()
"""

import asyncio
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import kombu
from pydantic import SecretStr
from sqlalchemy import Connection, func, select

from bridge.apikeys import SCOPES, new_key
from bridge.app import manifests
from bridge.bus.topology import Topology
from bridge.clock import to_ms, utc_now
from bridge.conservation import Conservation, conservation
from bridge.demo.petitions import DemoPetition
from bridge.ledger.store import Store
from bridge.ledger.tables import conveyor, journal
from bridge.vault import Vault
from tests.support import launch
from tests.support.callers import Callers, batches, call
from tests.support.launch import Launched
from tests.support.outside import Evidence, collect
from tests.support.ports import free_port
from tests.support.waiting import wait_until

START_SECONDS = 60.0
DRAIN_SECONDS = 120.0
NOTICES = 0.5
"""The share of its steps that the hotline leaves to be polled; more than usual, so that the poller has work."""

SHORT_PATIENCE = {
    "BRIDGE_PATIENCE__LEASE_SECONDS": "2",
    "BRIDGE_PATIENCE__DUTY_SECONDS": "0.5",
    "BRIDGE_PATIENCE__PUBLISH_SECONDS": "1",
    "BRIDGE_PATIENCE__QUEUED_SECONDS": "3",
    "BRIDGE_PATIENCE__WATCH_SECONDS": "0.2",
    "BRIDGE_CHECKPOINT_SECONDS": "0.5",
    "BRIDGE_HOTLINE12345__POLL_SECONDS": "0.1",
    "BRIDGE_RETRY_LADDER": "1s,1s,1s,2s,2s,5s",
}
"""Minutes become seconds: what a dead process held is found soon."""


class Died(Exception):
    """The process ended before it was ready."""


@dataclass
class _Seat:
    """A process's place in the world: its command line stays, whoever sits there."""

    name: str
    arguments: tuple[str, ...]
    process: Launched | None = None


class World:
    """One bridge, its sandboxes and its callers. Embedded (`run`), or `serve` and `work1`, `work2`, … on a broker."""

    def __init__(
        self,
        directory: Path,
        database_url: str | None = None,
        broker_url: str | None = None,
        *,
        workers: int = 1,
        pace: float = 0.02,
        seed: int = 5,
        executed: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.embedded = broker_url is None
        self.broker_url = broker_url or "memory://"
        self.prefix = f"t{secrets.token_hex(4)}."
        self.url = f"http://127.0.0.1:{free_port()}"
        self.systems = tuple(manifest.system for manifest in manifests())
        self.sandboxes = {system: f"http://127.0.0.1:{free_port()}" for system in self.systems}
        self.secret = secrets.token_hex(16)
        self.pace = pace
        self.store = Store(database_url or f"sqlite:///{directory}/bridge.db")
        key, entry = new_key("tester", SCOPES)
        (directory / "keys.toml").write_text(entry)
        self.environment = {**self._environment(), **SHORT_PATIENCE, **(settings or {})}
        self.callers = Callers(self.url, key, self.sandboxes)
        self.batches: Iterator[list[DemoPetition]] = batches(seed)
        self._launch = launch.execute if executed else launch.fork
        self._seats = {seat.name: seat for seat in self._plan(workers)}
        self._houses: Launched | None = None
        self._repeats = 0

    def _plan(self, workers: int) -> list[_Seat]:
        if self.embedded:
            return [_Seat("run", ("run",))]
        names = [f"work{n}" for n in range(1, workers + 1)]
        work = [_Seat(name, ("work", "--ready-file", str(self._ready_file(name)))) for name in names]
        return [_Seat("serve", ("serve",)), *work]

    def _environment(self) -> dict[str, str]:
        """No variable of this machine's bridge, and a folder without a `.env`: the same wherever it runs."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
        environment |= {
            "BRIDGE_DATABASE_URL": self.store.url.render_as_string(hide_password=False),
            "BRIDGE_BROKER_URL": self.broker_url,
            "BRIDGE_BROKER_PREFIX": self.prefix,
            "BRIDGE_AUDIT_DIR": str(self.directory / "audit"),
            "BRIDGE_KEYS_DIR": str(self.directory / "keys"),
            "BRIDGE_API_KEYS": str(self.directory / "keys.toml"),
            "BRIDGE_PORT": self.url.rpartition(":")[2],
        }
        for manifest in manifests():
            section = manifest.sandbox_settings(self.sandboxes[manifest.system], self.secret)
            for name, value in section.model_dump(exclude_defaults=True).items():
                environment[f"BRIDGE_{manifest.system}__{name}".upper()] = plain(value)
        return environment

    # ── life ──
    def __enter__(self) -> Self:
        self._houses = launch.fork_function(
            _houses, (self.directory, self.environment, self.sandboxes, self.url, self.secret, self.pace)
        )
        for system in self.systems:
            pending = f"{self.sandboxes[system]}/sandbox/pending"
            wait_until(partial(_answers, pending), f"the {system} sandbox to answer at {pending}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.callers.close()
        for seat in self._seats.values():
            if seat.process is not None:
                seat.process.kill()
        if self._houses is not None:
            self._houses.kill()
        self.store.close()
        if not self.embedded:
            self._delete_queues()

    def _delete_queues(self) -> None:
        topology = Topology(self.systems, self.prefix)
        with kombu.Connection(self.broker_url) as connection, connection.channel() as channel:
            for name in topology.queue_names():
                channel.queue_delete(name)
            for name in (topology.events, topology.handoffs, topology.unroutable):
                channel.exchange_delete(name)

    # ── processes ──
    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._seats)

    def process(self, name: str) -> Launched:
        process = self._seats[name].process
        assert process is not None, f"{name} was never started"
        return process

    def alive(self, name: str) -> bool:
        process = self._seats[name].process
        return process is not None and process.exit_code is None

    def launch(self, name: str, failpoints: str = "", **settings: str) -> Launched:
        """Start it, without waiting for it to be ready."""
        seat = self._seats[name]
        self._ready_file(name).unlink(missing_ok=True)
        environment = {
            **self.environment,
            "BRIDGE_FAILPOINTS": failpoints,
            "BRIDGE_FAILPOINTS_LOG": str(self.failpoints_log(name)),
            **settings,
        }
        seat.process = self._launch(seat.arguments, environment, self.directory, self.log(name))
        return seat.process

    def start(self, name: str, **settings: str) -> None:
        """Start it and wait until it is ready. Raises `Died`."""
        self.launch(name, **settings)
        self.wait_ready(name)

    def start_all(self, **settings: str) -> None:
        for name in self._seats:
            self.launch(name, **settings)
        for name in self._seats:
            self.wait_ready(name)

    def wait_ready(self, name: str) -> None:
        """Until it is ready. Raises `Died` if it ends first."""

        def ready() -> bool:
            if not self.alive(name):
                raise Died(
                    f"{name} ended with {self.process(name).exit_code}; its last words:\n{self.last_words(name)}"
                )
            return self.is_ready(name)

        wait_until(ready, f"{name} to be ready; see {self.log(name)}", START_SECONDS)

    def is_ready(self, name: str) -> bool:
        """Whether it says so itself: `/readyz` for who has doors, the ready file for who has none."""
        if name.startswith("work"):
            return self._ready_file(name).exists()
        return _answers(f"{self.url}/readyz")

    def kill(self, name: str) -> None:
        """kill -9, wherever it is."""
        self.process(name).kill()

    def stop(self, name: str) -> int:
        """SIGTERM; the exit code."""
        return self.process(name).stop()

    # ── what they wrote ──
    def log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def last_words(self, name: str) -> str:
        return self.log(name).read_text(errors="replace")[-3000:] if self.log(name).exists() else ""

    def failpoints_log(self, name: str) -> Path:
        return self.directory / f"{name}.failpoints"

    def points_hit(self) -> dict[str, list[str]]:
        """The lines of each process's failpoint log."""
        logs = {name: self.failpoints_log(name) for name in self._seats}
        return {name: log.read_text().splitlines() if log.exists() else [] for name, log in logs.items()}

    def _ready_file(self, name: str) -> Path:
        return self.directory / f"{name}.ready"

    # ── the ledger, read from outside ──
    def read(self, query: Callable[[Connection], Any]) -> Any:
        with self.store.reading() as conn:
            return query(conn)

    def law(self) -> Conservation:
        """The law at this instant, also while everybody is dead."""
        law: Conservation = self.read(lambda conn: conservation(conn, to_ms(utc_now())))
        return law

    def check_law(self) -> Conservation:
        """Raises `AssertionError` when it does not hold."""
        law = self.law()
        assert law.difference == 0, f"the law is broken: {law}"
        assert not law.orphans, f"nobody would ever look at these again: {law}"
        return law

    # ── draining ──
    def drain(self, seconds: float = DRAIN_SECONDS) -> Conservation:
        """Until nothing is on its way, here or in a sandbox. The law is looked at all the while."""
        calm = 0
        what = ""
        deadline = time.monotonic() + seconds
        while calm < 2:
            self._all_alive()
            what = self._busy()
            calm = 0 if what else calm + 1
            if time.monotonic() > deadline:
                raise TimeoutError(f"after {seconds:g} s still on its way: {what}; {self.law()}")
            time.sleep(0.05)  # between two looks at a condition
        return self.check_law()

    def _all_alive(self) -> None:
        for name in self._seats:
            if not self.alive(name):
                raise Died(f"{name} died while the world drained:\n{self.last_words(name)}")

    def _busy(self) -> str:
        """What is still on its way; empty when nothing is."""
        law = self.check_law()
        moving = {
            f"{system} {state}": count
            for system, states in law.by_system.items()
            for state, count in states.items()
            if state not in _AT_REST
        }
        moving |= {"petitions in flight": law.in_flight} if law.in_flight else {}
        moving |= {name: count for name, count in self.read(_unfinished).items() if count}
        if moving:
            return f"{moving}"
        for system, base in self.sandboxes.items():
            _, answer = call("GET", f"{base}/sandbox/pending")
            if answer.get("pending"):
                return f"{system} has {answer['pending']} steps to make"
        return ""

    # ── evidence ──
    def evidence(self) -> Evidence:
        """What the ledger says and what each system says; repeats are counted from one look to the next."""
        received = {system: call("GET", f"{base}/sandbox/received")[1] for system, base in self.sandboxes.items()}
        told = {system: call("GET", f"{base}/sandbox/told")[1]["told"] for system, base in self.sandboxes.items()}
        vault = Vault.load(self.directory / "keys")
        evidence: Evidence = self.read(lambda conn: collect(conn, vault, received, told))
        evidence.repeats -= self._repeats
        self._repeats += evidence.repeats
        return evidence

    def command(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """A reporting command with `--json`: its exit code and its document."""
        code, out, log = launch.report((*arguments, "--json"), self.environment, self.directory)
        if not out:
            raise RuntimeError(f"bridge {' '.join(arguments)} ended with {code} and said nothing: {log.decode()}")
        return code, dict(json.loads(out))

    def check_commands(self) -> None:
        """`bridge conservation` and `bridge verify --ledger` hold."""
        code, law = self.command("conservation")
        assert (code, law["holds"], law["difference"]) == (0, True, 0), law
        code, verdict = self.command("verify", "--ledger")
        assert (code, verdict["holds"], verdict["faults"]) == (0, True, []), verdict


_AT_REST = frozenset({"delivered", "acknowledged", "parked", "cancelled"})


def _unfinished(conn: Connection) -> dict[str, int]:
    return {
        "events to route": conn.scalar(select(func.count()).select_from(conveyor)) or 0,
        "journal rows to seal": conn.scalar(select(func.count()).select_from(journal).where(journal.c.n.is_(None)))
        or 0,
    }


def _answers(url: str) -> bool:
    try:
        return call("GET", url, seconds=5)[0] == 200
    except OSError:
        return False


def plain(value: Any) -> str:
    """A setting's value as an environment variable has it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Enum):
        return str(value.value)
    return value if isinstance(value, str) else json.dumps(value)


# ── the sandboxes' process ──────────────────────────────────────────────────────────────────────────────────


def _houses(
    directory: Path,
    environment: Mapping[str, str],
    bases: Mapping[str, str],
    bridge_url: str,
    secret: str,
    pace: float,
) -> None:
    """All three sandboxes in one process, apart from the ones that are killed."""
    from adapters.hotline12345 import sandbox_autopilot
    from bridge import logs
    from bridge.adapter import SandboxPlan
    from bridge.server import Server, until_stopped

    launch.settle_in(directory, environment, directory / "sandboxes.log")
    logs.configure("warning")
    sandbox_autopilot.BY_NOTICE = NOTICES
    plan = SandboxPlan(bridge_url, pace_seconds=pace)

    async def stand_in() -> None:
        for manifest in manifests():
            base = bases[manifest.system]
            app = manifest.sandbox(manifest.sandbox_settings(base, secret), plan)
            await Server(app, "127.0.0.1", int(base.rpartition(":")[2])).start()
        await until_stopped()

    asyncio.run(stand_in())
