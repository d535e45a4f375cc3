"""What every test may ask for. A service that cannot be had fails the test: nothing is ever skipped."""

import secrets
from collections.abc import Iterator

import pytest

from tests import services
from tests.support.databases import fresh_database

MARKS = {"amqp_url": "rabbitmq", "postgres_url": "postgres", "fresh_postgres_url": "postgres"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the services that its fixtures stand for: `-m "not rabbitmq"` then leaves none out."""
    for item in items:
        for name in MARKS.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(MARKS[name])


@pytest.fixture(scope="session")
def _services() -> services.Services:
    return services.ensure()


@pytest.fixture(scope="session")
def amqp_url(_services: services.Services) -> str:
    """A RabbitMQ that other tests use too: keep to names that start with `topology_prefix`."""
    return _services.amqp_url


@pytest.fixture
def topology_prefix() -> str:
    """Keeps this test's exchanges and queues apart from everybody else's, such as `t3f9a2c71.`."""
    return f"t{secrets.token_hex(4)}."


@pytest.fixture(scope="session")
def postgres_url(_services: services.Services) -> Iterator[str]:
    """An empty database, one for the whole session."""
    with fresh_database(_services.postgres_url) as url:
        yield url


@pytest.fixture
def fresh_postgres_url(_services: services.Services) -> Iterator[str]:
    """An empty database, one for this test alone."""
    with fresh_database(_services.postgres_url) as url:
        yield url
