"""The servers that other tests rely on and break: they start, they die, they come back with what they had promised."""

from collections.abc import Iterator

import pika
import psycopg
import pytest

from tests import services
from tests.support.instances import Instance, PrivatePostgres, PrivateRabbit, processes_in
from tests.support.packages import ServiceUnavailable
from tests.support.probe import amqp_fault, libpq, postgres_fault


@pytest.fixture(scope="module")
def rabbit() -> Iterator[PrivateRabbit]:
    with PrivateRabbit() as instance:
        yield instance


@pytest.fixture(scope="module")
def postgres() -> Iterator[PrivatePostgres]:
    with PrivatePostgres() as instance:
        yield instance


def test_the_shared_services_answer(amqp_url: str, postgres_url: str, fresh_postgres_url: str) -> None:
    assert amqp_fault(amqp_url) is None
    assert postgres_fault(postgres_url) is None
    assert postgres_fault(fresh_postgres_url) is None
    assert postgres_url != fresh_postgres_url


def test_a_private_broker_lives_beside_the_shared_one(rabbit: PrivateRabbit, amqp_url: str) -> None:
    assert rabbit.url != amqp_url
    assert rabbit.fault() is None
    assert amqp_fault(amqp_url) is None


def test_a_killed_broker_comes_back_with_its_confirmed_messages(rabbit: PrivateRabbit) -> None:
    publish(rabbit, "petitions", b"one")
    rabbit.kill()
    assert processes_in(rabbit.root) == []
    assert rabbit.fault() is not None
    rabbit.start()
    assert take(rabbit, "petitions") == b"one"


def test_a_memory_alarm_blocks_publishers_until_it_clears(rabbit: PrivateRabbit) -> None:
    rabbit.raise_memory_alarm()
    try:
        with pytest.raises(pika.exceptions.ConnectionBlockedTimeout):
            publish(rabbit, "alarmed", b"blocked", patience=1)
    finally:
        rabbit.clear_memory_alarm()
    publish(rabbit, "alarmed", b"free again")


def test_a_wiped_broker_comes_back_empty(rabbit: PrivateRabbit) -> None:
    publish(rabbit, "petitions", b"lost")
    with pytest.raises(RuntimeError, match="kill"):
        rabbit.wipe()
    rabbit.kill()
    rabbit.wipe()
    rabbit.start()
    assert take(rabbit, "petitions") is None


def test_a_killed_database_comes_back_with_its_commits(postgres: PrivatePostgres) -> None:
    execute(postgres, "CREATE TABLE kept (text text)")
    execute(postgres, "INSERT INTO kept VALUES ('来听')")
    postgres.kill()
    assert postgres.fault() is not None
    postgres.start()
    assert execute(postgres, "SELECT text FROM kept") == [("来听",)]
    postgres.restart()
    assert execute(postgres, "SELECT text FROM kept") == [("来听",)]


def test_an_instance_leaves_nothing_behind() -> None:
    with PrivatePostgres() as instance:
        assert processes_in(instance.root)
    assert processes_in(instance.root) == []
    assert not instance.root.exists()


def test_an_instance_that_cannot_start_says_why() -> None:
    class Broken(PrivatePostgres):
        def _launch(self) -> None:
            self._spawn(["sh", "-c", "echo the disk is full; exit 7"], self._env())

    broken = Broken()
    with pytest.raises(RuntimeError, match="ended with 7 while it started:\nthe disk is full"), broken:
        pass
    assert not broken.root.exists()


def test_a_named_service_that_does_not_answer_is_an_error_and_never_a_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_TEST_AMQP_URL", "amqp://guest:guest@127.0.0.1:1/")
    with pytest.raises(ServiceUnavailable, match=r"BRIDGE_TEST_AMQP_URL names a rabbitmq that cannot be used"):
        services.ensure()


def publish(rabbit: Instance, queue: str, body: bytes, patience: float = 30) -> None:
    """Return when the broker has confirmed."""
    parameters = pika.URLParameters(rabbit.url)
    parameters.blocked_connection_timeout = patience
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.confirm_delivery()
    channel.queue_declare(queue, durable=True)
    channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=2), mandatory=True)
    connection.close()


def take(rabbit: Instance, queue: str) -> bytes | None:
    with pika.BlockingConnection(pika.URLParameters(rabbit.url)) as connection:
        channel = connection.channel()
        channel.queue_declare(queue, durable=True)
        body: bytes | None = channel.basic_get(queue, auto_ack=True)[2]
        return body


def execute(postgres: Instance, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(libpq(postgres.url)) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []
