"""Real processes of the bridge, with pids of their own, made to be killed.

A process can be started in two ways. `execute` runs the installed command as a user does. `fork` takes it from a fork
server that has read all modules before: the same command line in a process of its own, without the second and a half
of start-up that a suite of a hundred and fifty kills cannot afford.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support.waiting import wait_until

BRIDGE = Path(sys.executable).with_name("bridge")
STOP_SECONDS = 30.0
_PRELOADED = (
    "bridge.cli.main", "bridge.server", "bridge.doctor", "bridge.witness.compare", "tests.support.launch", "pytest",
    "uvloop", "uvicorn", "uvicorn.lifespan.on", "uvicorn.protocols.http.httptools_impl", "pika", "psycopg",
    "kombu.transport.memory", "kombu.transport.pyamqp", "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite", "alembic.command", "chinese_calendar",
)  # fmt: skip
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(list(_PRELOADED))


class Launched(ABC):
    """One process. `exit_code` is None while it runs, the negative signal number when it was killed."""

    pid: int

    @property
    @abstractmethod
    def exit_code(self) -> int | None: ...

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Its exit code, as soon as there is one."""
        wait_until(lambda: self.exit_code is not None, f"process {self.pid} to end", seconds)
        code = self.exit_code
        assert code is not None
        return code

    def send(self, number: signal.Signals) -> None:
        if self.exit_code is None:
            os.kill(self.pid, number)

    def kill(self) -> int:
        """kill -9."""
        self.send(signal.SIGKILL)
        return self.wait()

    def stop(self) -> int:
        """The orderly way; kill -9 if it does not listen."""
        self.send(signal.SIGTERM)
        try:
            return self.wait()
        except TimeoutError:
            self.kill()
            raise


class _Executed(Launched):
    def __init__(self, child: "subprocess.Popen[bytes]") -> None:
        self._child = child
        self.pid = child.pid

    @property
    def exit_code(self) -> int | None:
        return self._child.poll()


class _Forked(Launched):
    def __init__(self, child: "multiprocessing.context.ForkServerProcess") -> None:
        self._child = child
        assert child.pid is not None
        self.pid = child.pid

    @property
    def exit_code(self) -> int | None:
        with _one_at_a_time:
            return self._child.exitcode


_one_at_a_time = threading.Lock()
"""A forked process must be asked by one thread at a time: the first that reads its exit code takes it away."""


def execute(arguments: Sequence[str], environment: Mapping[str, str], directory: Path, log: Path) -> Launched:
    """`bridge ARGUMENTS` as a user starts it; what it writes goes to `log`."""
    with log.open("ab") as file:
        child = subprocess.Popen(
            [BRIDGE, *arguments],
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    return _Executed(child)


def fork(arguments: Sequence[str], environment: Mapping[str, str], directory: Path, log: Path) -> Launched:
    """The same from the fork server."""
    return fork_function(_bridge, (tuple(arguments), dict(environment), directory, log))


def fork_function(function: Callable[..., object], arguments: Sequence[object]) -> Launched:
    """A Python function in a process of its own."""
    child = _forks.Process(target=function, args=tuple(arguments), daemon=True)
    with _one_at_a_time:
        child.start()
    return _Forked(child)


def report(arguments: Sequence[str], environment: Mapping[str, str], directory: Path) -> tuple[int, bytes, bytes]:
    """A command that ends by itself: exit code, stdout, stderr."""
    out, log = directory / "report.out", directory / "report.log"
    log.write_bytes(b"")
    code = fork_function(_bridge, (tuple(arguments), dict(environment), directory, log, out)).wait(120)
    return code, out.read_bytes(), log.read_bytes()


def settle_in(directory: Path, environment: Mapping[str, str], log: Path, out: Path | None = None) -> None:
    """In the new process: its own environment, folder and output."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    for number, path, mode in ((2, log, os.O_APPEND), (1, out or log, os.O_APPEND if out is None else os.O_TRUNC)):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | mode, 0o644)
        os.dup2(handle, number)
        os.close(handle)


def _bridge(
    arguments: tuple[str, ...], environment: Mapping[str, str], directory: Path, log: Path, out: Path | None = None
) -> None:
    settle_in(directory, environment, log, out)
    sys.argv = ["bridge", *arguments]
    from bridge.cli import main

    main()
