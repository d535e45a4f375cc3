"""RabbitMQ and PostgreSQL for the tests: found, or started. Never skipped.

For each of the two, the first of these that holds:

1. the environment names it (BRIDGE_TEST_AMQP_URL, BRIDGE_TEST_POSTGRES_URL);
2. it answers at its usual port on 127.0.0.1, to its usual account (BRIDGE_TEST_FORCE_OWN=1 leaves this step out);
3. an earlier call started it, and it still answers;
4. a container engine runs: docker compose starts it;
5. Debian's packages, installed if need be, start a private one.

    python -m tests.services up | down
"""

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import compose
from tests.support.instances import Instance, PrivatePostgres, PrivateRabbit, kill_processes_in
from tests.support.packages import ServiceUnavailable
from tests.support.probe import amqp_fault, postgres_fault, sqlalchemy

# What we started, so that a later process can use it again and stop it.
OWN = Path(__file__).resolve().parent.parent / ".services"


@dataclass(frozen=True)
class Services:
    """Where the tests find them."""

    amqp_url: str
    postgres_url: str


@dataclass(frozen=True)
class Kind:
    """One service: what it is called, where it usually is, how to ask it, how to start it."""

    name: str
    variable: str
    usual_url: str
    fault: Callable[[str], str | None]
    private: type[Instance]

    @property
    def record(self) -> Path:
        return OWN / f"{self.name}.json"


RABBITMQ = Kind("rabbitmq", "BRIDGE_TEST_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/", amqp_fault, PrivateRabbit)
POSTGRES = Kind(
    "postgres",
    "BRIDGE_TEST_POSTGRES_URL",
    "postgresql+psycopg://postgres@127.0.0.1:5432/postgres",
    postgres_fault,
    PrivatePostgres,
)


def ensure() -> Services:
    """Find or start both. Safe to call from several processes at once."""
    with _one_at_a_time():
        return Services(amqp_url=_ensure(RABBITMQ), postgres_url=_ensure(POSTGRES))


def down() -> None:
    """Stop and remove what `ensure` started; leave alone what it found."""
    with _one_at_a_time():
        for kind in (RABBITMQ, POSTGRES):
            _remove_own(kind)


def _ensure(kind: Kind) -> str:
    named = os.environ.get(kind.variable)
    if named:
        return _as_named(kind, sqlalchemy(named))
    return _usual(kind) or _remembered(kind) or _in_container(kind) or _private(kind)


def _as_named(kind: Kind, url: str) -> str:
    fault = kind.fault(url)
    if fault:
        raise ServiceUnavailable(
            f"{kind.variable} names a {kind.name} that cannot be used ({fault}). "
            "Correct the variable, or unset it: then the tests find or start one themselves."
        )
    return url


def _usual(kind: Kind) -> str | None:
    if os.environ.get("BRIDGE_TEST_FORCE_OWN") == "1":
        return None
    fault = kind.fault(kind.usual_url)
    if fault:
        _say(f"{kind.name}: none to use at its usual address ({fault})")
    return None if fault else kind.usual_url


def _remembered(kind: Kind) -> str | None:
    if not kind.record.exists():
        return None
    url = str(json.loads(kind.record.read_text())["url"])
    if kind.fault(url) is None:
        return url
    _remove_own(kind)
    return None


def _in_container(kind: Kind) -> str | None:
    if not compose.engine_runs():
        return None
    _say(f"{kind.name}: starting a container")
    url = compose.up(kind.name)
    if url is None:
        _say(f"{kind.name}: docker compose could not start it; trying Debian's package")
        return None
    _remember(kind, url, root=None)
    # An engine on another machine starts containers too, but not where we can reach them.
    fault = kind.fault(url)
    if fault:
        _say(f"{kind.name}: its container cannot be used ({fault}); trying Debian's package")
        _remove_own(kind)
        return None
    return url


def _private(kind: Kind) -> str:
    _say(f"{kind.name}: starting a private one")
    instance = kind.private()
    _remember(kind, instance.url, instance.root)
    try:
        instance.start()
    except (OSError, RuntimeError) as error:
        _remove_own(kind)
        raise ServiceUnavailable(f"A private {kind.name} does not start: {error}") from error
    return instance.url


def _remember(kind: Kind, url: str, root: Path | None) -> None:
    kind.record.write_text(json.dumps({"url": url, "root": root and str(root)}))
    kind.record.chmod(0o600)


def _remove_own(kind: Kind) -> None:
    if not kind.record.exists():
        return
    root = json.loads(kind.record.read_text())["root"]
    if root is None:
        compose.down(kind.name)
    else:
        kill_processes_in(Path(root))
        shutil.rmtree(root, ignore_errors=True)
    kind.record.unlink()
    _say(f"{kind.name}: stopped")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    OWN.mkdir(exist_ok=True)
    with (OWN / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    """Give 0 if done, 1 if a service cannot be had, 2 for wrong usage."""
    if arguments == ["down"]:
        down()
        return 0
    if arguments != ["up"]:
        _say("usage: python -m tests.services up | down")
        return 2
    try:
        services = ensure()
    except ServiceUnavailable as error:
        _say(f"error: {error}")
        return 1
    print(f"BRIDGE_TEST_AMQP_URL={services.amqp_url}\nBRIDGE_TEST_POSTGRES_URL={services.postgres_url}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
