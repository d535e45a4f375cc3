"""What every bus does, the embedded one and RabbitMQ."""

import secrets
import threading

import orjson
import pytest

from bridge.bus.consumer import Delivery, QueueConsumer
from bridge.bus.message import CONTENT_TYPE
from bridge.bus.queues import watch_queues
from bridge.bus.topology import Topology
from tests.support.buses import SYSTEMS, Bus, Confirms, event, eventually, handoff


def test_a_message_arrives_as_it_was_published(bus: Bus) -> None:
    listener = bus.listen()
    sent = event("1", "progressed", "hotline12345")
    bus.relay().publish([sent])
    (got,) = listener.wait_for(1)
    body = got.body.encode() if isinstance(got.body, str) else bytes(got.body)
    assert body == sent.body
    assert orjson.loads(body)["data"]["unit"] == "城管局𠮷\x00"
    assert got.properties["message_id"] == "event-1"
    assert got.content_type == CONTENT_TYPE
    assert got.properties.get("delivery_mode") == 2
    assert got.delivery_info["routing_key"] == "petition.progressed.hotline12345"
    for name in ("ce-id", "ce-type", "ce-subject", "traceparent"):
        assert got.headers[name] == sent.headers[name]
    listener.close()


def test_what_arrived_is_confirmed_by_channel(bus: Bus) -> None:
    relay = bus.relay()
    relay.publish([event("1"), handoff("1"), event("2"), handoff("2", "hotline12345")])
    eventually(lambda: len(bus.confirms.all) == 4, "four confirms")
    assert sorted(bus.confirms.events) == ["event-1", "event-2"]
    assert sorted(bus.confirms.handoffs) == ["handoff-1", "handoff-2"]
    assert relay.trouble is None


def test_events_go_to_the_router_and_hand_offs_to_their_system(bus: Bus) -> None:
    sinks = {queue: bus.sink(queue) for queue in bus.topology.queue_names()}
    bus.relay().publish([event("1"), *(handoff(system, system) for system in SYSTEMS)])
    wanted = {bus.topology.router_queue: ["event-1"], bus.topology.unroutable: []}
    wanted |= {bus.topology.handoff_queue(system): [f"handoff-{system}"] for system in SYSTEMS}
    eventually(lambda: {queue: sink.ids for queue, sink in sinks.items()} == wanted, "each message in its own queue")


def test_messages_keep_their_order_in_a_queue(bus: Bus) -> None:
    sink = bus.sink(bus.topology.router_queue)
    relay = bus.relay()
    for start in range(0, 300, 50):
        relay.publish([event(number) for number in range(start, start + 50)])
    eventually(lambda: len(sink.ids) == 300, "300 messages")
    assert sink.ids == [f"event-{number}" for number in range(300)]


def test_many_threads_may_publish(bus: Bus) -> None:
    sink, relay = bus.sink(bus.topology.router_queue), bus.relay()
    threads = [
        threading.Thread(
            target=lambda thread=thread: [relay.publish([event(f"{thread}-{number}")]) for number in range(50)]
        )
        for thread in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    eventually(lambda: len(bus.confirms.all) == 200, "200 confirms")
    eventually(lambda: len(sink.ids) == 200, "200 messages")
    assert set(sink.counts.values()) == {1}


def test_what_is_done_is_gone(bus: Bus) -> None:
    sink = bus.sink(bus.topology.router_queue)
    bus.relay().publish([event(number) for number in range(20)])
    eventually(lambda: len(sink.ids) == 20, "20 messages")
    sink.consumer.stop()
    assert bus.depth(bus.topology.router_queue) == 0
    assert bus.sink(bus.topology.router_queue).ids == []


def test_prefetch_bounds_what_is_handed_over_and_not_done(bus: Bus) -> None:
    sink = bus.sink(bus.topology.router_queue, acks=False, prefetch=5)
    bus.relay().publish([event(number) for number in range(12)])
    eventually(lambda: len(bus.confirms.all) == 12, "12 confirms")
    eventually(lambda: len(sink.ids) >= 5, "the first five")
    for delivery in sink.seen[:5]:
        sink.consumer.done(delivery)
    eventually(lambda: len(sink.ids) >= 10, "the next five")
    assert len(sink.ids) == 10
    assert sink.ids == [f"event-{number}" for number in range(10)]


def test_a_message_handed_back_is_handed_over_again_by_the_same_consumer(bus: Bus) -> None:
    seen: list[Delivery] = []

    def handle(delivery: Delivery) -> None:
        seen.append(delivery)
        consumer.retry(delivery, 0.0) if len(seen) == 1 else consumer.done(delivery)

    consumer = QueueConsumer(bus.url, bus.topology, bus.topology.router_queue, handle)
    consumer.start()
    bus.relay().publish([event("1")])
    eventually(lambda: len(seen) == 2, "the message for the second time")
    assert seen[0] == seen[1]
    consumer.stop()
    assert bus.depth(bus.topology.router_queue) == 0


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("#", {"event-1", "event-2", "event-3"}),
        ("petition.replied.*", {"event-2"}),
        ("petition.*.hotline12345", {"event-2", "event-3"}),
    ],
)
def test_any_other_system_may_bind_a_queue_of_its_own(bus: Bus, key: str, expected: set[str]) -> None:
    listener, sink = bus.listen(key), bus.sink(bus.topology.router_queue)
    bus.relay().publish(
        [event("1"), event("2", "replied", "hotline12345"), event("3", "closed", "hotline12345"), handoff("1")]
    )
    listener.wait_for(len(expected))
    assert {message.properties["message_id"] for message in listener.messages} == expected
    # And takes nothing from us.
    eventually(lambda: sorted(sink.ids) == ["event-1", "event-2", "event-3"], "our own copies")
    listener.close()


def test_two_bridges_on_one_broker_do_not_hear_each_other(bus: Bus) -> None:
    other = Bus(bus.url, f"t{secrets.token_hex(4)}.")
    mine, theirs = bus.sink(bus.topology.router_queue), other.sink(other.topology.router_queue)
    bus.relay().publish([event("mine")])
    other.relay().publish([event("theirs")])
    eventually(lambda: bool(mine.ids and theirs.ids), "one message each")
    assert (mine.ids, theirs.ids) == (["event-mine"], ["event-theirs"])
    assert (bus.confirms.events, other.confirms.events) == (["event-mine"], ["event-theirs"])
    other.close()


def test_stop_publishes_what_is_buffered(bus: Bus) -> None:
    relay = bus.relay()
    relay.publish([event(number) for number in range(800)])
    relay.stop()
    assert len(bus.confirms.all) == 800
    sink = bus.sink(bus.topology.router_queue)
    eventually(lambda: len(set(sink.ids)) == 800, "800 messages")


def test_stop_right_after_the_start_publishes_what_is_buffered_and_ends(bus: Bus) -> None:
    confirms = Confirms()
    before = set(threading.enumerate())
    relay = bus.relay(confirms=confirms, wait=False)
    relay.publish([event("1")])
    relay.stop()
    assert confirms.events == ["event-1"]
    assert [thread.name for thread in set(threading.enumerate()) - before if thread.is_alive()] == []


def test_operators_see_each_queue_by_its_name(bus: Bus) -> None:
    bus.relay().publish([handoff(number) for number in range(3)])
    eventually(lambda: len(bus.confirms.all) == 3, "three confirms")
    queue = bus.topology.handoff_queue("wechat")
    eventually(lambda: watch_queues(bus.url, bus.topology)[queue]["ready"] == 3, "three messages in the queue")
    assert list(watch_queues(bus.url, bus.topology)) == bus.topology.queue_names()


def test_a_broker_that_is_not_there_has_no_queues() -> None:
    assert watch_queues("amqp://guest:guest@127.0.0.1:1/", Topology(SYSTEMS)) == {}
