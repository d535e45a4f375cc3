"""The database is killed under load, and the disk is full: no 2xx without a COMMIT, and it recovers by itself.

Who is answered 503 may ask again, and is then there once. What a system had taken already is recorded afterwards.
"""

import asyncio
import resource
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import func, select

from bridge.app import manifests
from bridge.ledger.tables import attempts
from tests.faults.conftest import FULL
from tests.faults.report import Scenario
from tests.faults.stage import Stage
from tests.support.databases import fresh_database
from tests.support.doors import Doors, Heard
from tests.support.instances import PrivatePostgres
from tests.support.outside import judge
from tests.support.processes import World
from tests.support.waiting import wait_until

COUNT = 40


@pytest.fixture(scope="module")
def postgres() -> Iterator[PrivatePostgres]:
    with PrivatePostgres() as postgres:
        yield postgres


def test_killed_under_load(postgres: PrivatePostgres, tmp_path: Path, scenario: Scenario) -> None:
    with fresh_database(postgres.url) as url:
        with Stage(tmp_path, database_url=url, timeout_seconds=20) as stage:
            stage.wait_connected()
            sending = stage.send(COUNT)
            wait_until(lambda: len(stage.callers.sent) > COUNT // 4, "the first petitions to be taken")
            postgres.kill()
            check_refusals(stage.do(doors(stage).knock()))
            assert stage.trouble("database")
            postgres.start()
            sending.answers()
            tally = stage.finish(scenario)
            assert tally.recovered, "nobody was refused: the test has shown nothing"
            assert not stage.trouble("database")
        stage.check_proof()


def test_outcomes_that_waited_are_recorded(postgres: PrivatePostgres, tmp_path: Path, scenario: Scenario) -> None:
    """The systems have taken what was being sent when the database went away; nothing is sent a second time."""
    with fresh_database(postgres.url) as url:
        with Stage(tmp_path, database_url=url, timeout_seconds=20) as stage:
            stage.wait_connected()
            for system in stage.ways:
                stage.mood(system, delay=1.0, times=-1)
            stage.send(COUNT // 2).answers()
            desks = stage.bridge.desks.values()
            wait_until(
                lambda: sum(desk.load["sending"] for desk in desks) >= COUNT // 4, "hand-offs to be on their way"
            )
            postgres.kill()
            wait_until(lambda: bool(settlements_refused(stage)), "an outcome to wait for the database")
            for system in stage.ways:
                stage.mood(system)
            postgres.start()
            stage.finish(scenario)
            assert stage.read(second_attempts) == 0
        stage.check_proof()


def settlements_refused(stage: Stage) -> list[Any]:
    return [line for line in stage.logged("ledger.failed") if line["verb"] == "settle"]


def second_attempts(conn: Any) -> int:
    return int(conn.scalar(select(func.count()).select_from(attempts).where(attempts.c.attempt > 1)))


# ── a full disk ──


def test_no_room_for_a_file_to_grow(tmp_path: Path, scenario: Scenario) -> None:
    """The kernel refuses every write of the process (RLIMIT_FSIZE): to the ledger, to the audit log, to its own log."""
    with World(tmp_path) as world:
        world.start_all()
        before = list(world.callers.send(next(world.batches)).answers())
        full = psutil.Process(world.process("run").pid)
        full.rlimit(resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        sending = world.callers.send(next(world.batches))
        check_refusals(knock_until_refused(doors_of(world)), reads=200)
        full.rlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        answers = sending.answers()
        world.drain()
        tally = judge(answers, world.evidence(), before)
        scenario.record(tally.as_dict())
        assert tally.holds, "\n".join(tally.faults)
        assert tally.ok == tally.attempted
        assert tally.recovered, "nobody was refused: the test has shown nothing"
        world.check_commands()


if FULL:

    def test_no_space_left_on_device(tmp_path: Path, scenario: Scenario) -> None:
        """The same with ENOSPC, on a small disk that is mounted for it: for that one must be root."""
        with small_disk(tmp_path / "disk") as disk:
            with Stage(disk) as stage:
                stage.send(COUNT // 2).answers()
                filler = disk / "filler"
                fill(filler)
                sending = stage.send(COUNT, seed=6)
                check_refusals(knock_until_refused(doors(stage)), reads=200)
                filler.unlink()
                sending.answers()
                tally = stage.finish(scenario)
                assert tally.recovered, "nobody was refused: the test has shown nothing"
            stage.check_proof()


# ── what the doors say ──


def check_refusals(heard: Mapping[str, Heard], *, reads: int = 503) -> None:
    """503, each in its own dialect. A full disk can still be read."""
    assert {door: found.status for door, found in heard.items()} == {**dict.fromkeys(heard, 503), "read": reads}, heard
    for door in ("rest", "form"):
        assert heard[door].content_type == "application/problem+json"
        assert heard[door].document["status"] == 503
    assert heard["hotline12345"].document | {"success": False, "hasError": True} == heard["hotline12345"].document
    assert heard["governance_center"].document["code"] == "0"
    assert heard["wechat"].content_type.startswith("text/plain")


def doors(stage: Stage) -> Doors:
    settings = stage.world.settings
    return Doors(stage.world.url, stage.world.key, {system: settings.system(system) for system in stage.ways})


def doors_of(world: World) -> Doors:
    sections = {m.system: m.sandbox_settings(world.sandboxes[m.system], world.secret) for m in manifests()}
    return Doors(world.url, world.callers.key, sections)


def knock_until_refused(doors: Doors) -> Mapping[str, Heard]:
    """Pages that SQLite has already may hold a little more."""
    heard: dict[str, Heard] = {}

    def refused() -> bool:
        heard.update(asyncio.run(doors.knock()))
        return all(found.status == 503 for door, found in heard.items() if door != "read")

    wait_until(refused, "every door to refuse")
    return heard


# ── a small disk ──


@contextmanager
def small_disk(path: Path) -> Iterator[Path]:
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(path)], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


def fill(path: Path) -> None:
    """Until not a byte more goes in."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue
