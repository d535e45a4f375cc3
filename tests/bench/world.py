"""The processes of a bench: the bridge as a user runs it, and its sandboxes beside it, each its own process."""

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from pydantic import SecretStr

from bridge.app import manifests
from bridge.demo.playground import free_port

BRIDGE = str(Path(sys.executable).with_name("bridge"))
START_SECONDS = 30.0


@dataclass
class World:
    """A running bridge under load. `processes` are its own, by name; the sandboxes are not counted."""

    name: str
    url: str
    form_key: str
    sandboxes: Mapping[str, str]
    processes: Mapping[str, psutil.Process]
    environment: Mapping[str, str]

    def cpu(self) -> dict[str, float]:
        """CPU seconds used so far, by process."""
        return {name: sum(process.cpu_times()[:2]) for name, process in self.processes.items()}


@contextmanager
def world(name: str, directory: Path, database_url: str, broker_url: str, *, split: bool) -> Iterator[World]:
    """`split`: `bridge serve` and `bridge work`, otherwise `bridge run`. All processes end with the block."""
    port = free_port()
    ports = {manifest.system: free_port() for manifest in manifests()}
    url = f"http://127.0.0.1:{port}"
    environment = _environment(directory, database_url, broker_url, port, ports)
    running: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> psutil.Process:
        running.append(subprocess.Popen([BRIDGE, *command], env=environment, cwd=directory))
        return psutil.Process(running[-1].pid)

    try:
        for system, sandbox_port in ports.items():
            start("sandbox", system, "--port", str(sandbox_port), "--bridge-url", url, "--no-autopilot")
        bridge = {"serve": start("serve"), "work": start("work")} if split else {"run": start("run")}
        sandboxes = {system: f"http://127.0.0.1:{number}" for system, number in ports.items()}
        for address in (f"{url}/readyz", *(f"{base}/sandbox/pending" for base in sandboxes.values())):
            _wait_for(address)
        yield World(name, url, environment["BRIDGE_WECHAT__INBOUND_KEY"], sandboxes, bridge, environment)
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            process.wait(30)


def _environment(
    directory: Path, database_url: str, broker_url: str, port: int, ports: Mapping[str, int]
) -> dict[str, str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("BRIDGE_")}
    environment |= {
        "BRIDGE_DATABASE_URL": database_url,
        "BRIDGE_BROKER_URL": broker_url,
        "BRIDGE_BROKER_PREFIX": f"bench{secrets.token_hex(4)}.",
        "BRIDGE_AUDIT_DIR": str(directory / "audit"),
        "BRIDGE_KEYS_DIR": str(directory / "keys"),
        "BRIDGE_PORT": str(port),
        "BRIDGE_LOG_LEVEL": "error",
    }
    secret = secrets.token_hex(16)
    for manifest in manifests():
        section = manifest.sandbox_settings(f"http://127.0.0.1:{ports[manifest.system]}", secret)
        for key, value in section.model_dump(exclude_defaults=True).items():
            environment[f"BRIDGE_{manifest.system.upper()}__{key.upper()}"] = _plain(value)
    return environment


def _plain(value: Any) -> str:
    """A setting's value as an environment variable has it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)  # between two looks at a condition
    raise TimeoutError(f"{address} did not answer within {START_SECONDS:.0f} s")


def received(base: str, *, brief: bool) -> dict[str, Any]:
    """What a sandbox has taken so far."""
    with urllib.request.urlopen(f"{base}/sandbox/received{'?brief' if brief else ''}", timeout=60) as answer:
        return dict(json.load(answer))
