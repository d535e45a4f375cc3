"""The systems misbehave in every way they were seen to: each hand-off ends with one effect there, in order.

A mood strikes while petitions are on their way; what a system must be asked about is asked, what it asks for is granted.
"""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bridge.ledger.tables import attempts, handoffs
from tests.faults.report import Scenario
from tests.faults.stage import Stage
from tests.support.waiting import wait_until

COUNT = 24
TIMES = 12
TIMEOUT_SECONDS = 0.4
SYSTEMS = ("hotline12345", "governance_center", "wechat")

REFUSALS = {
    "hotline12345": '{"uid": null, "success": false, "code": -500001, "message": "系统异常", "result": null}',
    "governance_center": '{"success": false, "code": "0", "message": "系统繁忙，请稍后再试"}',
    "wechat": '{"errcode": -1, "errmsg": "system error"}',
}
"""`success: false` on HTTP 200, in each system's own words: nothing was taken, and it may be tried again."""

MOODS: dict[str, dict[str, Any]] = {
    "errors": {"status": 500},
    "errors after success": {"status": 502, "after": True},
    "too many requests": {"status": 429, "retry_after": 1},
    "unavailable": {"status": 503},
    "time-outs after success": {"delay": 3 * TIMEOUT_SECONDS, "after": True},
    "resets": {"reset": True},
    "resets after success": {"reset": True, "after": True},
    "login page": {"html": True},
    "login page after success": {"html": True, "after": True},
    "refused on HTTP 200": {},
    "JSON as HTML": {"content_type": "text/html; charset=utf-8"},
}


@pytest.mark.parametrize("name", MOODS)
def test_one_effect(name: str, tmp_path: Path, scenario: Scenario) -> None:
    with Stage(tmp_path, timeout_seconds=TIMEOUT_SECONDS) as stage:
        for system in SYSTEMS:
            more = {"body": REFUSALS[system]} if name == "refused on HTTP 200" else {}
            stage.mood(system, **MOODS[name], **more, times=TIMES)
        stage.send(COUNT).answers()
        stage.finish(scenario)
        struck = stage.read(_failed_attempts)
    stage.check_proof()
    # A label is no reason to doubt an answer; everything else must have been met, or the test has shown nothing.
    assert bool(struck) == (name != "JSON as HTML"), struck


def _failed_attempts(conn: Any) -> int:
    return int(conn.scalar(select(func.count()).select_from(attempts).where(attempts.c.outcome != "delivered")))
