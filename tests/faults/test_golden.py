"""A run without a fault: every failpoint is passed, and no other. Otherwise a kill there would prove nothing."""

import pytest

from bridge.failpoints import POINTS
from tests.faults.report import Scenario
from tests.support.outside import judge
from tests.support.processes import World

BATCHES = 4
MODES = ["embedded", pytest.param("rabbit", marks=(pytest.mark.rabbitmq, pytest.mark.postgres))]


@pytest.mark.parametrize("world", MODES, indirect=True)
def test_a_golden_run_passes_every_failpoint(world: World, scenario: Scenario) -> None:
    sendings = [world.callers.send(next(world.batches)) for _ in range(BATCHES)]
    sent = [answer for sending in sendings for answer in sending.answers()]
    law = world.drain()
    tally = judge(sent, world.evidence())
    scenario.record(tally.as_dict())

    assert tally.holds, "\n".join(tally.faults)
    assert tally.ok == tally.attempted == law.accepted == law.closed + law.held
    assert {point for points in world.points_hit().values() for point in points} == POINTS
    world.check_commands()


@pytest.mark.parametrize("world", MODES, indirect=True)
def test_it_stops_in_an_orderly_way_and_leaves_nothing_behind(world: World, scenario: Scenario) -> None:
    """SIGTERM in the middle of the work: exit code 0 within the ten seconds, and the next start goes on."""
    before = list(world.callers.sent)
    sending = world.callers.send(next(world.batches))
    for name in world.names:
        assert world.stop(name) == 0, world.last_words(name)
    world.check_law()
    world.check_commands()
    for name in world.names:
        world.start(name)
    sent = sending.answers()
    world.drain()
    tally = judge(sent, world.evidence(), before)
    scenario.record(tally.as_dict())
    assert tally.holds, "\n".join(tally.faults)
