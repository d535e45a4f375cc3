"""Does a server answer, in its own protocol and to these credentials? None says yes, a string says why not."""

import kombu
import psycopg

SECONDS = 3


def amqp_fault(url: str) -> str | None:
    """Log in to a broker."""
    # The transport itself, because connecting through kombu.Connection tries again after two seconds.
    transport = kombu.Connection(url, connect_timeout=SECONDS).transport
    try:
        transport.close_connection(transport.establish_connection())
    except (*transport.connection_errors, *transport.channel_errors) as error:
        return _named(error)
    return None


def postgres_fault(url: str) -> str | None:
    """Log in to a database server."""
    try:
        psycopg.connect(libpq(url), connect_timeout=SECONDS).close()
    except psycopg.Error as error:
        return _named(error)
    return None


def libpq(url: str) -> str:
    """SQLAlchemy's URL as psycopg takes it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def sqlalchemy(url: str) -> str:
    """Any PostgreSQL URL as SQLAlchemy and the bridge take it."""
    scheme, _, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if scheme in {"postgres", "postgresql"} else url


def _named(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
