"""What `bridge queues` and `bridge doctor` see of the broker when something is missing or not as declared."""

from kombu import Connection

from bridge.bus.queues import watch_queues
from bridge.bus.topology import Topology, declare, depths, differing

SYSTEMS = ("hotline12345", "governance_center", "wechat")


def test_a_missing_queue_is_left_out_and_a_different_one_named(amqp_url: str, topology_prefix: str) -> None:
    topology = Topology(SYSTEMS, topology_prefix)
    with Connection(amqp_url) as connection:
        assert depths(connection, topology.queue_names()) == {}
        declare(connection, topology)
        try:
            assert list(depths(connection, topology.queue_names())) == topology.queue_names()
            assert differing(connection, topology, topology.queue_names()) == []
            odd = topology.handoff_queue("wechat")
            channel = connection.channel()
            channel.queue_delete(odd)
            channel.queue_declare(odd, durable=True, auto_delete=False)
            assert differing(connection, topology, topology.queue_names()) == [odd]
        finally:
            _remove(connection, topology)


def test_a_broker_that_is_away_has_no_queues() -> None:
    assert watch_queues("amqp://guest:guest@127.0.0.1:1/", Topology(SYSTEMS)) == {}


def _remove(connection: Connection, topology: Topology) -> None:
    channel = connection.channel()
    for queue in topology.queue_names():
        channel.queue_delete(queue)
    for exchange in (topology.events, topology.handoffs, topology.unroutable):
        channel.exchange_delete(exchange)
