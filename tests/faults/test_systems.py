"""The systems misbehave in every way they were seen to: each hand-off ends with one effect there, in order.

A mood strikes while petitions are on their way. What a system can be asked about is asked before it is sent again; what
it asks for is granted; while one is away, the others have all that is theirs.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bridge.breaker import FAILURES, Breaker
from bridge.delivery import Desk
from bridge.ledger.tables import UNFINISHED, attempts, handoffs
from bridge.retry import DEFAULT_LADDER
from tests.faults.conftest import FULL
from tests.faults.report import Scenario
from tests.faults.stage import Stage
from tests.support.waiting import wait_until

COUNT = 16
TIMES = 8
TIMEOUT_SECONDS = 1.0
SYSTEMS = ("hotline12345", "governance_center", "wechat")
STEP = 61.0
"""A little more than the breaker's longest pause: one probe a step."""


REFUSALS = {
    "hotline12345": '{"uid": null, "success": false, "code": -500001, "message": "系统异常", "result": null}',
    "governance_center": '{"success": false, "code": "0", "message": "系统繁忙，请稍后再试"}',
    "wechat": '{"errcode": -1, "errmsg": "system error"}',
}
"""`success: false` on HTTP 200, in each system's own words: nothing was taken, and it may be tried again."""

MOODS: dict[str, dict[str, Any]] = {
    "errors_after_success": {"status": 502, "after": True},
    "too_many_requests": {"status": 429, "retry_after": 1},
    "timeouts_after_success": {"delay": 2 * TIMEOUT_SECONDS, "after": True},
    "resets_after_success": {"reset": True, "after": True},
    "login_page_after_success": {"html": True, "after": True},
    "refused_on_http_200": {},
    "json_as_html": {"content_type": "text/html; charset=utf-8"},
}
if FULL:
    MOODS |= {
        "errors": {"status": 500},
        "unavailable": {"status": 503},
        "resets": {"reset": True},
        "login_page": {"html": True},
    }


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One bridge through all moods, with its tokens fetched: a mood is to strike the messages."""
    with Stage(tmp_path_factory.mktemp("systems"), timeout_seconds=TIMEOUT_SECONDS) as stage:
        stage.send(COUNT, seed=1).answers()
        stage.drain()
        yield stage
    stage.check_proof()


@pytest.mark.parametrize("name", MOODS)
def test_one_effect(name: str, stage: Stage, scenario: Scenario) -> None:
    before, failed = list(stage.callers.sent), stage.read(_failed_attempts)
    for system in SYSTEMS:
        more = {"body": REFUSALS[system]} if name == "refused_on_http_200" else {}
        stage.mood(system, **MOODS[name], **more, times=TIMES)
    stage.send(COUNT, seed=10 + list(MOODS).index(name)).answers()
    stage.finish(scenario, before)
    struck = {system: count - failed.get(system, 0) for system, count in stage.read(_failed_attempts).items()}
    if name == "json_as_html":
        # A label is no reason to doubt an answer.
        assert not any(struck.values()), struck
    else:
        # Otherwise the test would have shown nothing.
        assert all(struck.get(system, 0) >= 2 for system in SYSTEMS), struck


def test_retry_after_is_honoured(tmp_path: Path, scenario: Scenario) -> None:
    """Two minutes asked for are two minutes granted, whatever the ladder says."""
    pause = 120
    with Stage(tmp_path) as stage:
        stage.send(COUNT, seed=1).answers()
        stage.drain()
        # One less than opens the breaker, which would keep the whole system's two minutes on the real clock.
        stage.mood("hotline12345", status=429, retry_after=pause, times=FAILURES - 1)
        stage.send(COUNT).answers()
        stage.finish(scenario)
        tries = stage.read(_attempts_of_the_refused)
    assert tries
    for of_one in tries.values():
        first, second = of_one[:2]
        assert second - first >= pause * 1000, of_one
    stage.check_proof()


@pytest.mark.parametrize("away", ["hotline12345", *(["wechat"] if FULL else [])])
def test_an_hour_away(away: str, tmp_path: Path, scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens there for an hour: the others have all that is theirs, and what is held burns no attempts."""
    with Stage(tmp_path, retry_ladder=DEFAULT_LADDER) as stage:
        monkeypatch.setattr("bridge.breaker.FIRST_PAUSE", 2.0)
        monkeypatch.setattr("bridge.breaker.LONGEST_PAUSE", 60.0)
        desk = stage.bridge.desks[away]
        desk.breaker = Breaker(lambda: stage.clock().timestamp())
        stage.ways[away].stop()
        stage.send(COUNT).answers()
        _pass(stage, desk, steps=3)
        assert desk.breaker.is_open
        burnt = stage.read(lambda conn: _attempts_at(conn, away))
        stage.send(2 * COUNT, seed=6).answers()
        _pass(stage, desk, steps=60)
        wait_until(
            lambda: not stage.read(lambda conn: _unfinished(conn, away)), "the others to have all that is theirs"
        )
        others = [other for system, other in stage.bridge.desks.items() if system != away]
        assert not any(other.breaker.is_open for other in others)
        held = stage.read(lambda conn: _held(conn, away))
        probes = stage.read(lambda conn: _attempts_at(conn, away)) - burnt
        assert len(held) > 5, "the test would have shown nothing"
        assert set(held) <= {"queued", "pending", "retrying", "waiting"}
        assert 40 <= probes <= 61, "one probe a minute, and nothing else"
        stage.ways[away].start()
        _pass(stage, desk, steps=2)
        stage.finish(scenario, held=len(held), probes=probes)
        assert not desk.breaker.is_open
    stage.check_proof()


def _pass(stage: Stage, desk: Desk, steps: int) -> None:
    """Time goes by; at each step the desk looks up from its work."""
    for _ in range(steps):
        stage.pass_time(STEP)
        stage.do(_look_up(desk))
        wait_until(lambda: not desk.load["sending"], "the probe to come back")


async def _look_up(desk: Desk) -> None:
    desk._awake.set()
    await asyncio.sleep(0)


def _attempts_at(conn: Any, system: str) -> int:
    return int(conn.scalar(select(func.sum(handoffs.c.attempts)).where(handoffs.c.system == system)) or 0)


def _unfinished(conn: Any, away: str) -> int:
    query = select(func.count()).where(handoffs.c.system != away, handoffs.c.state.in_(UNFINISHED))
    return int(conn.scalar(query))


def _held(conn: Any, away: str) -> list[str]:
    query = select(handoffs.c.state).where(handoffs.c.system == away, handoffs.c.state.in_(UNFINISHED))
    return list(conn.scalars(query))


def _failed_attempts(conn: Any) -> dict[str, int]:
    query = select(handoffs.c.system, func.count()).join(attempts, attempts.c.handoff_id == handoffs.c.handoff_id)
    query = query.where(attempts.c.outcome != "delivered").group_by(handoffs.c.system)
    return dict(conn.execute(query).all())


def _attempts_of_the_refused(conn: Any) -> dict[str, list[int]]:
    refused = select(attempts.c.handoff_id).where(attempts.c.code == "http_429")
    query = select(attempts).where(attempts.c.handoff_id.in_(refused)).order_by(attempts.c.attempt)
    found: dict[str, list[int]] = {}
    for row in conn.execute(query):
        found.setdefault(row.handoff_id, []).append(row.started_at)
    return found
