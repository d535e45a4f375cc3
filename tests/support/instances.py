"""Private, throw-away RabbitMQ and PostgreSQL servers: made to be killed, wiped and starved.

Each lives in a temporary folder of its own with ports and credentials of its own, beside whatever the machine runs.

    with PrivateRabbit() as rabbit:
        use(rabbit.url)
        rabbit.kill()
        rabbit.start()
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil

from tests.support.packages import postgres_program, rabbitmq_program
from tests.support.ports import free_port
from tests.support.probe import amqp_fault, postgres_fault
from tests.support.waiting import wait_until

START_SECONDS = 90
STOP_SECONDS = 30
LAST_WORDS = 2_000


class Instance(ABC):
    """A server process in its own folder. `url` stays the same from start to start."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix=f"bridge-{type(self).__name__.lower()}-"))
        self.data = self.root / "data"
        self.log = self.root / "log"
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self._children: list[subprocess.Popen[bytes]] = []

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect, credentials included."""

    @abstractmethod
    def fault(self) -> str | None:
        """Why a client cannot log in now; None when it can."""

    @abstractmethod
    def _launch(self) -> None:
        """Start the processes; `start` does the waiting."""

    def start(self) -> None:
        """Start, also after a kill; return when a client can log in."""
        self._launch()
        wait_until(self._answers, f"{self.url} to answer; see {self.log}", START_SECONDS)

    def kill(self) -> None:
        """kill -9: every process at once, nothing flushed, nothing said."""
        kill_processes_in(self.root)
        self._reap()

    def restart(self) -> None:
        """Stop in an orderly way and start again, on the same data."""
        self._terminate()
        self.start()

    def stop(self) -> None:
        """Stop and remove every trace."""
        self.kill()
        shutil.rmtree(self.root)

    def wipe(self) -> None:
        """Throw all data away, as a lost disk does. Kill first."""
        if processes_in(self.root):
            raise RuntimeError("kill the instance before wiping its data")
        shutil.rmtree(self.data)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _spawn(self, command: Sequence[str | Path], env: Mapping[str, str], user: str | None = None) -> None:
        # A session of its own: Ctrl-C in the terminal is for the tests, not for their servers.
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                command,
                cwd=self.root,
                env=env,
                user=user,
                group=user,
                extra_groups=() if user else None,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children.append(child)

    def _answers(self) -> bool:
        died = next((child for child in self._children if child.poll() is not None), None)
        if died is not None:
            words = self.log.read_text(encoding="utf-8", errors="replace")[-LAST_WORDS:]
            raise RuntimeError(f"{type(self).__name__} ended with {died.returncode} while it started:\n{words}")
        return self.fault() is None

    def _terminate(self) -> None:
        for child in self._children:
            child.send_signal(self._polite_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            for child in self._children:
                child.wait(STOP_SECONDS)
        self.kill()

    _polite_signal = signal.SIGTERM

    def _reap(self) -> None:
        for child in self._children:
            child.wait(STOP_SECONDS)
        self._children.clear()


class PrivateRabbit(Instance):
    """A RabbitMQ node with its own name, cookie, port mapper (epmd) and distribution port.

    Beware of RabbitMQ 3.10: a quorum queue first declared less than about a second before a kill -9 comes back without
    a leader. It looks healthy, refuses every message after 65 s, and only deleting and declaring it anew mends it.
    """

    def __init__(self) -> None:
        # First, because installing the package is what brings Erlang and its epmd.
        self._server = rabbitmq_program("rabbitmq-server")
        super().__init__()
        self.node = f"bridge-{secrets.token_hex(4)}@localhost"
        self._epmd_port = free_port()
        self._distribution_port = free_port()
        self._write_configuration()

    @property
    def url(self) -> str:
        return f"amqp://bridge:{self.password}@127.0.0.1:{self.port}/"

    def fault(self) -> str | None:
        return amqp_fault(self.url)

    def ctl(self, *arguments: str) -> str:
        """Run rabbitmqctl against this node and give what it prints."""
        done = subprocess.run(
            [rabbitmq_program("rabbitmqctl"), "--quiet", "--timeout", "30", *arguments],
            env=self._env(),
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"rabbitmqctl {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def raise_memory_alarm(self) -> None:
        """From now on the broker blocks every connection that publishes."""
        self.ctl("set_vm_memory_high_watermark", "0")
        wait_until(self._in_alarm, "the memory alarm to go off")

    def clear_memory_alarm(self) -> None:
        self.ctl("set_vm_memory_high_watermark", "0.6")
        wait_until(lambda: not self._in_alarm(), "the memory alarm to clear")

    def _in_alarm(self) -> bool:
        return "memory" in self.ctl("eval", "rabbit_alarm:get_alarms().")

    def _launch(self) -> None:
        # Started by hand: the one that Erlang would start by itself outlives the node.
        self._spawn(["epmd", "-address", "127.0.0.1", "-port", str(self._epmd_port)], self._env())
        self._spawn([self._server], self._env())

    def _write_configuration(self) -> None:
        (self.root / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\ndefault_user = bridge\ndefault_pass = {self.password}\n"
        )
        (self.root / "enabled_plugins").write_text("[].\n")
        (self.root / "rabbitmq-env.conf").touch()
        cookie = self.root / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)

    def _env(self) -> dict[str, str]:
        root = str(self.root)
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": root,  # where Erlang looks for the cookie
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP_SECONDS": "0",
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_CONF_ENV_FILE": f"{root}/rabbitmq-env.conf",
            "RABBITMQ_CONFIG_FILE": f"{root}/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{root}/none.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{root}/enabled_plugins",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{root}/generated",
            "RABBITMQ_MNESIA_BASE": str(self.data),
            "RABBITMQ_LOG_BASE": f"{root}/logs",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": f"{root}/pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            # Makes the start script become the node, instead of staying as a shell between us and it.
            "RUNNING_UNDER_SYSTEMD": "true",
        }


class PrivatePostgres(Instance):
    """A PostgreSQL cluster. Its server refuses to run as root, so there it runs as the package's own user."""

    _polite_signal = signal.SIGINT  # "fast": roll back and go, instead of waiting for clients to leave

    def __init__(self) -> None:
        # First, because installing the package is what creates the user.
        self._postgres = postgres_program("postgres")
        super().__init__()
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            os.chown(self.root, pwd.getpwnam(self._user).pw_uid, -1)

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://bridge:{self.password}@127.0.0.1:{self.port}/postgres"

    def fault(self) -> str | None:
        return postgres_fault(self.url)

    def _launch(self) -> None:
        if not self.data.exists():
            self._create_cluster()
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._spawn([self._postgres, "-D", self.data, *options], self._env(), self._user)

    def _create_cluster(self) -> None:
        password_file = self.root / "password"
        password_file.write_text(self.password)
        authentication = ["-U", "bridge", "--auth=scram-sha-256", f"--pwfile={password_file}"]
        done = subprocess.run(
            [postgres_program("initdb"), "-D", self.data, *authentication, "--encoding=UTF8", "--locale=C.UTF-8"],
            cwd=self.root,
            env=self._env(),
            user=self._user,
            group=self._user,
            extra_groups=() if self._user else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"initdb: {done.stdout}{done.stderr}")

    def _env(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(self.root)}


def processes_in(folder: Path) -> list[psutil.Process]:
    """Whoever works inside a folder. Better than recorded pids: it finds grandchildren, and no stranger."""
    return [process for process in psutil.process_iter() if _works_in(process, folder)]


def kill_processes_in(folder: Path) -> None:
    """kill -9 all of them, and those that they start meanwhile, and see them gone."""
    wait_until(lambda: not _killed_in(folder), f"the killed processes in {folder} to be gone", STOP_SECONDS)


def _killed_in(folder: Path) -> list[psutil.Process]:
    processes = processes_in(folder)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    return processes


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(folder)
    except (psutil.Error, OSError):
        return False
