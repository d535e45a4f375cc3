"""The broker is killed, starved, wiped, robbed of its queues, filled up and cut off: nothing is lost, nothing doubled,
all in order. Each test has a bridge with its three sandboxes under light load, on a RabbitMQ that it may ruin.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from amqp import Message
from kombu import Connection

from bridge import app as root
from bridge.app import Part
from bridge.doctor import examine
from tests.faults.conftest import FULL
from tests.faults.report import Scenario
from tests.faults.stage import Stage
from tests.support.instances import PrivateRabbit
from tests.support.proxy import TO_CLIENT, TO_SERVER, Proxy
from tests.support.waiting import wait_until

HALF = 15
HEARTBEAT_SECONDS = 2
Fault = Callable[[Stage, PrivateRabbit], None]


@pytest.fixture(scope="module")
def rabbit() -> Iterator[PrivateRabbit]:
    with PrivateRabbit() as rabbit:
        yield rabbit


@pytest.fixture
def brief_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mute peer is noticed within seconds instead of half a minute."""
    monkeypatch.setattr("bridge.bus.rabbit.HEARTBEAT_SECONDS", HEARTBEAT_SECONDS)
    monkeypatch.setattr("bridge.bus.consumer.HEARTBEAT_SECONDS", HEARTBEAT_SECONDS)
    monkeypatch.setattr("bridge.bus.connect.CONNECT_SECONDS", HEARTBEAT_SECONDS)
    monkeypatch.setattr("bridge.bus.connect.ANSWER_SECONDS", HEARTBEAT_SECONDS)


# ── faults: each is made while petitions are on their way, and undone before it returns ──


def killed(stage: Stage, rabbit: PrivateRabbit) -> None:
    rabbit.kill()
    wait_until(lambda: bool(stage.trouble("broker")), "/readyz to say that the broker is away")
    stage.send(HALF, seed=6).answers()
    rabbit.start()


def wiped(stage: Stage, rabbit: PrivateRabbit) -> None:
    rabbit.kill()
    rabbit.wipe()
    stage.send(HALF, seed=6).answers()
    rabbit.start()


def starved(stage: Stage, rabbit: PrivateRabbit) -> None:
    rabbit.raise_memory_alarm()
    assert {answer.tries for answer in stage.send(HALF, seed=6).answers()} <= {0, 1}, "intake must not notice"
    wait_until(lambda: "blocked" in stage.trouble("broker"), "/readyz to say that the broker blocks")
    rabbit.clear_memory_alarm()
    wait_until(lambda: not stage.trouble("broker"), "/readyz to be content again")


def robbed(stage: Stage, rabbit: PrivateRabbit) -> None:
    """Of every queue, and then of every exchange. An exchange that is back before its bindings are gives what comes in
    between to `petition.unroutable`, as it should: caught and named, while the ledger sends it again."""
    topology = stage.bridge.topology
    names = topology.queue_names()
    with Connection(rabbit.url) as connection, connection.channel() as channel:
        for name in names:
            channel.queue_delete(name)
        stage.send(HALF // 2, seed=6).answers()
        wait_until(lambda: set(names) <= set(stage.queues(rabbit.url)), "the queues to be declared anew")
        for name in (topology.events, topology.handoffs, topology.unroutable):
            channel.exchange_delete(name)
        stage.send(HALF // 2, seed=7).answers()


@pytest.mark.parametrize("fault", [killed, wiped, starved, robbed])
def test_it_goes_on(fault: Fault, rabbit: PrivateRabbit, tmp_path: Path, scenario: Scenario) -> None:
    with Stage(tmp_path, broker_url=rabbit.url) as stage:
        settle(stage, rabbit)
        begin(stage)
        fault(stage, rabbit)
        stage.wait_connected()
        stage.finish(scenario)
        if fault is robbed:
            check_strays_named(stage, rabbit)
        else:
            assert stray(stage, rabbit) == 0
    stage.check_proof()


def check_strays_named(stage: Stage, rabbit: PrivateRabbit) -> None:
    assert stage.bridge.inspection is not None
    strays = stage.do(stage.bridge.inspection.inspect())
    named = {line["id"] for line in stage.logged("inspection.unroutable")}
    assert {found.id for found in strays} <= named
    assert len(named) == stray(stage, rabbit)


def begin(stage: Stage) -> None:
    """The first half, and do not wait for it."""
    stage.send(HALF)
    wait_until(lambda: len(stage.callers.sent) > HALF // 3, "the first petitions to be on their way")


def stray(stage: Stage, rabbit: PrivateRabbit) -> int:
    return stage.queues(rabbit.url)[stage.bridge.topology.unroutable]["ready"]


def settle(stage: Stage, rabbit: PrivateRabbit) -> None:
    """Every queue is there and known to the disk. RabbitMQ 3.10 writes the register of its quorum queues half a second
    late: killed before that, it comes back with queues that nobody leads."""
    stage.wait_connected()
    rabbit.ctl("eval", "[dets:sync(Table) || Table <- dets:all()].")


# ── nobody works off the queues ──


def test_full_queue(rabbit: PrivateRabbit, tmp_path: Path, scenario: Scenario) -> None:
    """`overflow=reject-publish`: intake goes on, the relay is refused and says so, and later all of it gets through."""
    with Stage(tmp_path, broker_url=rabbit.url, parts=Part.DOORS) as stage:
        wait_until(lambda: stage.bridge.relay.connected, "the relay to be connected")
        topology = stage.bridge.topology
        pattern = f"^{topology.router_queue}$".replace(".", r"\.")
        rabbit.ctl("set_policy", "narrow", pattern, '{"max-length": 3}', "--apply-to", "queues")
        assert {answer.tries for answer in stage.send(2 * HALF).answers()} <= {0, 1}, "intake must not notice"
        wait_until(lambda: bool(stage.logged("relay.refused")), "the relay to be refused")
        assert stage.queues(rabbit.url)[topology.router_queue]["ready"] < HALF
        stage.start_worker()
        rabbit.ctl("clear_policy", "narrow")
        stage.wait_connected()
        stage.finish(scenario)
    stage.check_proof()


def test_backlog_deleted(rabbit: PrivateRabbit, tmp_path: Path, scenario: Scenario) -> None:
    """Every message that waited is gone: the ledger puts all of it on the conveyor again."""
    with Stage(tmp_path, broker_url=rabbit.url, parts=Part.DOORS) as stage:
        wait_until(lambda: stage.bridge.relay.connected, "the relay to be connected")
        queue = stage.bridge.topology.router_queue
        stage.send(2 * HALF).answers()
        wait_until(lambda: stage.queues(rabbit.url)[queue]["ready"] >= 2 * HALF, "every event to be in the queue")
        with Connection(rabbit.url) as connection, connection.channel() as channel:
            channel.queue_delete(queue)
        stage.start_worker()
        stage.wait_connected()
        stage.finish(scenario)
    stage.check_proof()


# ── a message that no queue wants ──


def test_unroutable(rabbit: PrivateRabbit, tmp_path: Path, scenario: Scenario) -> None:
    """It ends in `petition.unroutable`, is named in the log, `bridge doctor` raises the alarm; and it is mended."""
    with Stage(tmp_path, broker_url=rabbit.url) as stage:
        stage.wait_connected()
        topology = stage.bridge.topology
        with Connection(rabbit.url) as connection, connection.channel() as channel:
            channel.queue_unbind(topology.handoff_queue("wechat"), topology.handoffs, "wechat")
            channel.basic_publish(Message(b"{}", message_id="stranger"), topology.handoffs, "nobody")
        stage.send(HALF).answers()
        wait_until(lambda: stray(stage, rabbit) > 0, "the stray messages to be caught")
        findings = stage.do(examine(stage.world.settings, root.manifests()))
        assert [f["what"] for f in findings if not f["ok"] and "unroutable" in f["what"]]
        assert stage.bridge.inspection is not None
        strays = stage.do(stage.bridge.inspection.inspect())
        named = {line["id"]: line["routing_key"] for line in stage.logged("inspection.unroutable")}
        assert named == {found.id: found.routing_key for found in strays}
        assert named.pop("stranger") == "nobody"
        assert set(named.values()) == {"wechat"}
        stage.finish(scenario)
        assert stray(stage, rabbit) == len(strays), "they stay for people to look at; later ones find their way"
    stage.check_proof()


# ── the network ──


@pytest.mark.usefixtures("brief_heartbeats")
@pytest.mark.parametrize("passes", ["nothing", TO_CLIENT, *([TO_SERVER] if FULL else [])])
def test_mute_peer(passes: str, rabbit: PrivateRabbit, tmp_path: Path, scenario: Scenario) -> None:
    """Connections stay open and no byte comes through, both ways or one way: noticed, and begun anew."""
    with Proxy("127.0.0.1", rabbit.port) as proxy, Stage(tmp_path, broker_url=through(proxy, rabbit)) as stage:
        stage.wait_connected()
        begin(stage)
        proxy.mute() if passes == "nothing" else proxy.half_open(passes)
        stage.send(HALF, seed=6).answers()
        wait_until(lambda: not stage.bridge.relay.connected, "the relay to notice")
        wait_until(lambda: len(stage.logged("consumer.lost")) >= 4, "every consumer to notice")
        proxy.forward()
        stage.wait_connected()
        stage.finish(scenario)
    stage.check_proof()


@pytest.mark.usefixtures("brief_heartbeats")
def test_mute_in_the_middle_of_the_handshake(rabbit: PrivateRabbit, tmp_path: Path, scenario: Scenario) -> None:
    """kombu alone would wait for the answer to a declaration for ever."""
    with Proxy("127.0.0.1", rabbit.port) as proxy, Stage(tmp_path, broker_url=through(proxy, rabbit)) as stage:
        stage.wait_connected()
        proxy.mute_after(stage.bridge.topology.unroutable.encode())
        begin(stage)
        assert proxy.reset() >= 5
        wait_until(lambda: len(stage.logged("consumer.lost")) >= 8, "every consumer to give up waiting")
        proxy.forward()
        stage.wait_connected()
        stage.finish(scenario)
    stage.check_proof()


def through(proxy: Proxy, rabbit: PrivateRabbit) -> str:
    return rabbit.url.replace(f":{rabbit.port}/", f":{proxy.port}/")
