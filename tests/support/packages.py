"""Debian's packages of RabbitMQ and PostgreSQL: where their programs lie, and how they get there."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300")
ADVICE = "Set BRIDGE_TEST_AMQP_URL and BRIDGE_TEST_POSTGRES_URL to servers that the tests may use."


class ServiceUnavailable(RuntimeError):
    """A service that the tests need cannot be had. It fails the run: nothing is ever skipped."""


def rabbitmq_program(name: str) -> Path:
    """Find rabbitmq-server, rabbitmqctl, …; install them first if need be."""
    # Not Debian's wrapper in /usr/sbin: that one changes to the system's own user, folder and cookie.
    return _program(name, "rabbitmq-server", "/usr/lib/rabbitmq/bin")


def postgres_program(name: str) -> Path:
    """Find initdb, postgres, …; install them first if need be."""
    # Debian keeps the server's programs off PATH, a folder for each version.
    return _program(name, "postgresql", "/usr/lib/postgresql/*/bin")


def _program(name: str, package: str, folder: str) -> Path:
    found = _find(name, folder)
    if found is None:
        with _one_at_a_time():
            _install(package, name)
        found = _find(name, folder)
    if found is None:
        raise ServiceUnavailable(f"{package} was installed, but there is no {name} in {folder}. {ADVICE}")
    return found


def _find(name: str, folder: str) -> Path | None:
    newest_first = sorted(Path("/").glob(f"{folder}/{name}".lstrip("/")), key=_version, reverse=True)
    elsewhere = shutil.which(name)
    return newest_first[0] if newest_first else Path(elsewhere) if elsewhere else None


def _version(program: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in program.parts if part.isdigit())


def _install(package: str, wanted: str) -> None:
    if shutil.which("apt-get") is None:
        raise ServiceUnavailable(f"There is no {wanted}, and no apt-get to install {package} with. {ADVICE}")
    # A default instance that the package may start is left alone: ours have folders and ports of their own.
    _apt("update")
    _apt("install", "-y", "--no-install-recommends", package)


def _apt(*arguments: str) -> None:
    command = [*_sudo(), *APT, *arguments]
    print("$", *command, file=sys.stderr, flush=True)
    if subprocess.run(command, stdout=sys.stderr, stdin=subprocess.DEVNULL, check=False).returncode:
        raise ServiceUnavailable(f"`{' '.join(command)}` failed (its words are above). {ADVICE}")


def _sudo() -> list[str]:
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        raise ServiceUnavailable(f"Installing needs root, and there is no sudo. {ADVICE}")
    return ["sudo"]


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """`apt-get update` does not wait for another one, and pytest may have several workers."""
    with (Path(tempfile.gettempdir()) / f"bridge-apt-{os.geteuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
