"""The whole flow on RabbitMQ and PostgreSQL, with the doors in one process and the work in two others at once."""

from pathlib import Path

import pytest

from tests.support.outside import judge
from tests.support.processes import World

BATCHES = 8

pytestmark = [pytest.mark.rabbitmq, pytest.mark.postgres, pytest.mark.slow]


def test_two_workers_share_the_work_and_nothing_is_lost(tmp_path: Path, fresh_postgres_url: str, amqp_url: str) -> None:
    # Executed, not forked: the commands as an operator types them.
    with World(tmp_path, fresh_postgres_url, amqp_url, workers=2, executed=True) as world:
        world.start_all()
        sendings = [world.callers.send(next(world.batches)) for _ in range(BATCHES)]
        sent = [answer for sending in sendings for answer in sending.answers()]
        law = world.drain()

        assert {answer.petition.door for answer in sent} == {
            "form", "rest", "wechat", "hotline12345", "governance_center"
        }  # fmt: skip
        assert law.accepted == len(sent) == law.closed + law.held
        assert (law.in_flight, law.parked, law.difference, law.orphans) == (0, 0, 0, [])

        tally = judge(sent, world.evidence())
        assert tally.holds, "\n".join(tally.faults)
        assert tally.ok == tally.acknowledged == tally.attempted == 8 * BATCHES

        hit = world.points_hit()
        for worker in ("work1", "work2"):
            assert "delivery.after_settle" in hit[worker], f"{worker} delivered nothing"
            assert "router.before_ack" in hit[worker], f"{worker} routed nothing"

        world.check_commands()
        _, trail = world.command("trail", sent[0].petition_id or "")
        assert trail["entries"][0]["what"] == "petition.accepted"
        _, queues = world.command("queues")
        assert {queue["ready"] for queue in queues["queues"].values()} == {0}, queues

        for name in world.names:
            assert world.stop(name) == 0, world.last_words(name)
        world.check_law()
        world.check_commands()
