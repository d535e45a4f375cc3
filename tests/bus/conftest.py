"""The contract of the bus is one; it is tested on kombu's in-process transport and on RabbitMQ."""

from collections.abc import Iterator

import pytest

from tests.support.buses import Bus


@pytest.fixture(params=["memory", pytest.param("rabbit", marks=pytest.mark.rabbitmq)])
def bus(request: pytest.FixtureRequest, topology_prefix: str) -> Iterator[Bus]:
    # The memory transport keeps its queues on the class: the prefix keeps tests apart there too.
    url = "memory://" if request.param == "memory" else str(request.getfixturevalue("amqp_url"))
    found = Bus(url, topology_prefix)
    yield found
    found.close()


@pytest.fixture
def rabbit(amqp_url: str, topology_prefix: str) -> Iterator[Bus]:
    found = Bus(amqp_url, topology_prefix)
    yield found
    found.close()
