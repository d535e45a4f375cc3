"""What only a real broker can do to us: send back, refuse, lose its queues and exchanges, hang up."""

import socket
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from kombu import Connection, Queue
from structlog.testing import capture_logs

from bridge.bus.rabbit import WINDOW, RabbitRelay
from bridge.bus.topology import Topology, declare
from tests.support.buses import SYSTEMS, Bus, event, eventually, handoff


class Small(Topology):
    """The same, with room for two messages in each queue."""

    __slots__ = ()

    def _quorum(self, name: str, exchange: Any, key: str) -> Queue:
        queue = Topology._quorum(self, name, exchange, key)
        queue.queue_arguments["x-max-length"] = 2
        return queue


def on_channel(bus: Bus, act: Callable[[Any], object]) -> None:
    with bus.connect() as connection:
        act(connection.channel())


def received(bus: Bus, queue: str) -> list[str]:
    """The ids of all messages in the queue, taken out of it."""
    with bus.connect() as connection:
        channel, ids = connection.channel(), []
        while (message := channel.basic_get(queue, no_ack=True)) is not None:
            ids.append(message.properties["message_id"])
    return ids


def cut(session: Any) -> None:
    """The network goes away under the relay's connection."""
    session._connection._transport._sock.shutdown(socket.SHUT_RDWR)


def another_session(relay: Any, old: Any) -> None:
    eventually(lambda: relay._session not in (None, old) and relay.connected, "another connection")


# ── redelivery: the embedded transport forgets what was handed over when its channel closes, RabbitMQ does not ──


def test_what_was_not_done_comes_again_and_what_was_done_does_not(rabbit: Bus) -> None:
    sink = rabbit.sink(rabbit.topology.router_queue, acks=False)
    rabbit.relay().publish([event(number) for number in range(10)])
    eventually(lambda: len(sink.ids) == 10, "ten messages")
    for delivery in sink.seen[:4]:
        sink.consumer.done(delivery)
    sink.consumer.stop()
    again = rabbit.sink(rabbit.topology.router_queue)
    eventually(lambda: len(again.ids) == 6, "the six that were not done")
    assert sorted(again.ids) == [f"event-{number}" for number in range(4, 10)]


def test_what_is_said_to_be_done_after_the_connection_was_lost_does_not_ack_a_stranger(rabbit: Bus) -> None:
    """Delivery tags begin at 1 on each connection: an ack for the old one must not hit a new message."""
    sink = rabbit.sink(rabbit.topology.router_queue, acks=False)
    relay = rabbit.relay()
    relay.publish([event("old")])
    eventually(lambda: sink.ids == ["event-old"], "the first message")
    old = sink.seen[0]
    # The queue is deleted: the broker cancels the consumer, which declares and consumes anew.
    on_channel(rabbit, lambda channel: channel.queue_delete(rabbit.topology.router_queue))
    eventually(lambda: sink.consumer._generation == 2 and sink.consumer.connected, "the consumer's new connection")
    relay.publish([event("new")])
    eventually(lambda: sink.ids == ["event-old", "event-new"], "the message on the new connection")
    assert sink.seen[1].tag == old.tag
    sink.consumer.done(old)
    sink.consumer.stop()
    eventually(lambda: rabbit.depth(rabbit.topology.router_queue) == 1, "the new message back in its queue")


def test_merged_acks_of_thousands_of_messages_out_of_order(rabbit: Bus) -> None:
    count = 3000
    sink = rabbit.sink(rabbit.topology.router_queue, acks=False, prefetch=count)
    rabbit.relay().publish([event(number) for number in range(count)])
    eventually(lambda: len(sink.ids) == count, f"{count} messages")
    left = sink.seen[17::100]
    keep = {delivery.tag for delivery in left}
    # Even ones from the front, odd ones from the back, and every hundredth never.
    done = [d for d in sink.seen[::2] if d.tag not in keep] + [d for d in sink.seen[-1::-2] if d.tag not in keep]
    assert len(done) + len(left) == count
    for delivery in done:
        sink.consumer.done(delivery)
    sink.consumer.stop()
    eventually(
        lambda: rabbit.depth(rabbit.topology.router_queue) == len(left), "what was never done, back in the queue"
    )
    assert sorted(received(rabbit, rabbit.topology.router_queue)) == sorted(delivery.id for delivery in left)


# ── unroutable ──


def test_an_unroutable_message_lands_where_operators_look(rabbit: Bus) -> None:
    rabbit.relay().publish([handoff("1", "no_such_system"), handoff("2")])
    eventually(lambda: "handoff-2" in rabbit.confirms.all, "the good one's confirm")
    eventually(lambda: rabbit.depth(rabbit.topology.unroutable) == 1, "the bad one among the unroutable")
    assert received(rabbit, rabbit.topology.unroutable) == ["handoff-1"]


def test_a_message_that_the_broker_returns_is_named_and_not_confirmed(rabbit: Bus) -> None:
    on_channel(rabbit, lambda channel: channel.queue_delete(rabbit.topology.handoff_queue("wechat")))
    relay = rabbit.relay()
    on_channel(rabbit, lambda channel: channel.queue_delete(rabbit.topology.handoff_queue("wechat")))
    on_channel(rabbit, lambda channel: channel.queue_delete(rabbit.topology.unroutable))
    with capture_logs() as logs:
        relay.publish([handoff("lost"), event("1")])
        eventually(lambda: "event-1" in rabbit.confirms.all, "the next one's confirm")
    assert rabbit.confirms.handoffs == []
    (said,) = [line for line in logs if line["event"] == "relay.unroutable"]
    assert (said["id"], said["routing_key"]) == ("handoff-lost", "wechat")


# ── things that vanish while we run ──


def test_a_queue_deleted_while_running_is_made_again_by_its_consumer(rabbit: Bus) -> None:
    queue = rabbit.topology.handoff_queue("wechat")
    sink, relay = rabbit.sink(queue), rabbit.relay()
    relay.publish([handoff("1")])
    eventually(lambda: sink.ids == ["handoff-1"], "the first message")
    on_channel(rabbit, lambda channel: channel.queue_delete(queue))
    eventually(lambda: sink.consumer._generation == 2 and sink.consumer.connected, "the consumer again")
    relay.publish([handoff("2")])
    eventually(lambda: sink.ids == ["handoff-1", "handoff-2"], "the second message")


@pytest.mark.parametrize("which", ["events", "handoffs"])
def test_an_exchange_deleted_while_running_is_made_again_and_nothing_outstanding_is_lost(
    rabbit: Bus, which: str
) -> None:
    sinks = [rabbit.sink(rabbit.topology.router_queue), rabbit.sink(rabbit.topology.handoff_queue("wechat"))]
    relay = rabbit.relay()
    relay.publish([event("before")])
    eventually(lambda: "event-before" in rabbit.confirms.all, "the first confirm")
    on_channel(rabbit, lambda channel: channel.exchange_delete(getattr(rabbit.topology, which)))
    relay.publish([message for number in range(100) for message in (event(number), handoff(number))])
    wanted = {f"{kind}-{number}" for number in range(100) for kind in ("event", "handoff")}
    eventually(lambda: wanted <= rabbit.confirms.all, "200 confirms")
    eventually(lambda: wanted <= {*sinks[0].ids, *sinks[1].ids}, "200 messages")
    eventually(lambda: relay.trouble is None, "the end of the trouble")


def test_a_hang_up_loses_nothing_that_is_outstanding(rabbit: Bus) -> None:
    """The socket is cut under a full window: all that was not confirmed is published again."""
    relay = rabbit.relay()
    sink = rabbit.sink(rabbit.topology.router_queue)
    ids = [[f"event-{round_}-{number}" for number in range(2 * WINDOW)] for round_ in range(3)]
    for batch in ids:
        session = relay._session  # type: ignore[attr-defined]
        relay.publish([event(id_.removeprefix("event-")) for id_ in batch])
        cut(session)
        eventually(lambda wanted=batch: set(wanted) <= rabbit.confirms.all, "every confirm")
        another_session(relay, session)
    eventually(lambda: {id_ for batch in ids for id_ in batch} <= set(sink.ids), "every message")


def test_a_broker_that_closes_the_connection_is_come_back_to(rabbit: Bus) -> None:
    relay = rabbit.relay()
    first = relay._session  # type: ignore[attr-defined]
    relay.publish([event("1")])
    eventually(lambda: "event-1" in rabbit.confirms.all, "the first confirm")
    # Closed from the broker's side, as an operator would.
    session_port = first._connection._transport._sock.getsockname()[1]
    listed = subprocess.run(
        ["rabbitmqctl", "-q", "list_connections", "pid", "peer_port"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    if listed.returncode == 0:
        lines = [line.split("\t") for line in listed.stdout.splitlines()]
        (pid,) = [line[0] for line in lines if line[-1] == str(session_port)]
        subprocess.run(["rabbitmqctl", "-q", "close_connection", pid, "test"], check=True, timeout=60)
    else:
        # No rabbitmqctl beside this broker (a container, a remote one): the socket is cut instead.
        cut(first)
    another_session(relay, first)
    relay.publish([event("2")])
    eventually(lambda: "event-2" in rabbit.confirms.all, "the second confirm")


def test_a_relay_that_starts_before_its_broker_says_why_and_publishes_later(rabbit: Bus) -> None:
    absent = RabbitRelay("amqp://guest:s3cret@127.0.0.1:1/", rabbit.topology, rabbit.confirms)
    absent.start()
    eventually(lambda: (absent.trouble or "") not in ("", "not connected yet"), "a reason")
    assert not absent.connected
    assert "s3cret" not in (absent.trouble or "")
    absent.publish([event("1")])
    absent._url = rabbit.url
    eventually(lambda: rabbit.confirms.events == ["event-1"], "the confirm")
    absent.stop()


# ── a full queue ──


@pytest.fixture
def small(amqp_url: str, topology_prefix: str) -> Any:
    found = Bus(amqp_url, topology_prefix, Small(SYSTEMS, topology_prefix))
    yield found
    found.close()


def refuse(relay: Any) -> set[str]:
    """Publish to WeChat's queue until the broker refuses: a burst may get in before it sees that the queue is full."""
    sent: set[str] = set()
    with capture_logs() as logs:
        for burst in range(20):
            batch = [handoff(f"{burst}-{number}") for number in range(20)]
            sent |= {message.id for message in batch}
            relay.publish(batch)
            eventually(
                lambda: not len(relay._buffer) and not relay._session._unconfirmed, "the broker's answer to each"
            )
            if any(line["event"] == "relay.refused" for line in logs):
                return sent
    raise AssertionError("a full queue refused nothing")


def test_a_full_queue_refuses_and_loses_nothing(small: Bus) -> None:
    relay = small.relay()
    sent = refuse(relay)
    # What is refused stops no other queue.
    relay.publish([event("1"), handoff("x", "hotline12345")])
    eventually(lambda: {"event-1", "handoff-x"} <= small.confirms.all, "the confirms of the other queues")
    sink = small.sink(small.topology.handoff_queue("wechat"))
    eventually(lambda: sent <= set(sink.ids), "all that was sent")
    eventually(lambda: sent <= small.confirms.all, "the confirm of each")
    assert small.depth(small.topology.unroutable) == 0


def test_what_was_refused_survives_a_hang_up(small: Bus) -> None:
    """Refused messages wait a moment before they are tried again; the connection may be lost in that moment."""
    relay = small.relay()
    sent = refuse(relay)
    first = relay._session  # type: ignore[attr-defined]
    cut(first)
    another_session(relay, first)
    sink = small.sink(small.topology.handoff_queue("wechat"))
    eventually(lambda: sent <= set(sink.ids), "all that was sent")


def test_another_declaration_of_the_same_queue_is_said_and_not_run_over(rabbit: Bus) -> None:
    other = Small(SYSTEMS, rabbit.topology.prefix)
    with rabbit.connect() as connection, pytest.raises(Exception, match="PRECONDITION_FAILED"):
        declare(connection, other)
    relay = rabbit.relay(topology=other, wait=False)
    eventually(lambda: "PRECONDITION_FAILED" in (relay.trouble or ""), "the reason")


def test_the_queues_are_as_promised(rabbit: Bus) -> None:
    """Quorum, refusing when full, dead-lettering to where operators look: declared so, or declaring differs."""
    for queue in rabbit.topology.entities():
        assert queue.queue_arguments["x-queue-type"] == "quorum"
        assert queue.durable
        if queue.name != rabbit.topology.unroutable:
            assert queue.queue_arguments["x-overflow"] == "reject-publish"
            assert queue.queue_arguments["x-dead-letter-exchange"] == rabbit.topology.unroutable
            assert queue.queue_arguments["x-delivery-limit"] > 20
    with Connection(rabbit.url) as connection:
        declare(connection, rabbit.topology)
