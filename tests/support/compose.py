"""RabbitMQ and PostgreSQL as containers, where an engine runs."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

FILE = Path(__file__).with_name("compose.yml")
PROBE_SECONDS = 20


def engine_runs() -> bool:
    """A client alone is not enough: its engine must answer, and it must know compose."""
    return _succeeds("docker", "info") and _succeeds("docker", "compose", "version")


def up(service: str) -> str | None:
    """Start a service and give its URL; None if it cannot be had (docker's words are on stderr)."""
    password = secrets.token_hex(16)
    # Recreated, so that the password that this start made is the one in force.
    started = _compose(
        "up", "--detach", "--wait", "--force-recreate", "--renew-anon-volumes", service, password=password
    )
    if started is None:
        return None
    if service == "rabbitmq":
        return f"amqp://bridge:{password}@{_address(service, 5672)}/"
    return f"postgresql+psycopg://bridge:{password}@{_address(service, 5432)}/postgres"


def down(service: str) -> None:
    """Remove a service's container and its volume."""
    _compose("rm", "--stop", "--force", "--volumes", service)


def _address(service: str, port: int) -> str:
    return (_compose("port", service, str(port)) or "").strip()


def _compose(*arguments: str, password: str = "not-needed") -> str | None:
    done = subprocess.run(
        ["docker", "compose", "--file", FILE, *arguments],
        env=os.environ | {"BRIDGE_TEST_PASSWORD": password},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
        check=False,
    )
    return None if done.returncode else done.stdout


def _succeeds(*command: str) -> bool:
    try:
        return not subprocess.run(command, capture_output=True, timeout=PROBE_SECONDS, check=False).returncode
    except (OSError, subprocess.TimeoutExpired):
        return False
