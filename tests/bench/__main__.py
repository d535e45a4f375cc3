"""Runs the bench on the embedded default and on RabbitMQ + PostgreSQL, prints a table, writes `build/bench.json`."""

import argparse
import asyncio
import json
import secrets
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url

from tests import services
from tests.bench.load import latency, throughput
from tests.bench.stages import stages
from tests.bench.world import World, world

RATE = 50.0


def main() -> None:
    options = _options()
    results = {}
    with tempfile.TemporaryDirectory() as scratch:
        for mode in options.modes.split(","):
            directory = Path(scratch) / mode
            directory.mkdir()
            results[mode] = (
                _embedded(directory, options.petitions) if mode == "embedded" else _real(directory, options.petitions)
            )
    _show(results)
    Path("build").mkdir(exist_ok=True)
    Path("build/bench.json").write_text(json.dumps(results, indent=2))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--petitions", type=int, default=3000)
    parser.add_argument("--modes", default="embedded,real")
    return parser.parse_args()


def _embedded(directory: Path, count: int) -> dict[str, Any]:
    url = f"sqlite:///{directory}/bridge.db"
    with world("embedded", directory, url, "memory://", split=False) as running:
        return asyncio.run(_measure(running, url, count))


def _real(directory: Path, count: int) -> dict[str, Any]:
    found = services.ensure()
    name = f"bridge_bench_{secrets.token_hex(4)}"
    server = make_url(found.postgres_url)
    plain = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}")
    url = server.set(database=name).render_as_string(hide_password=False)
    try:
        with world("RabbitMQ + PostgreSQL", directory, url, found.amqp_url, split=True) as running:
            return asyncio.run(_measure(running, url, count))
    finally:
        with psycopg.connect(plain, autocommit=True) as conn:
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def _measure(running: World, database_url: str, count: int) -> dict[str, Any]:
    await throughput(running, count // 5, "WARM")
    full = await throughput(running, count, "FULL")
    told = await throughput(running, count // 2, "TOLD", openid=True)
    steady = await latency(running, int(RATE * 10), "STEADY", RATE)
    return {
        "throughput": asdict(full),
        "with_the_citizen_told": asdict(told),
        "latency": asdict(steady),
        "stages_ms": stages(database_url, "STEADY"),
    }


def _show(results: dict[str, dict[str, Any]]) -> None:
    shown = Table(title="make bench: petitions through the form door to the hotline", title_justify="left")
    for column in ("", *results):
        shown.add_column(column, justify="left" if not column else "right")
    for label, read in _ROWS:
        shown.add_row(label, *(read(result) for result in results.values()))
    Console().print(shown)


_ROWS = (
    ("accepted a second (202 after COMMIT)", lambda result: f"{result['throughput']['accepted_per_second']:.0f}"),
    (
        "delivered a second (receipt of the hotline)",
        lambda result: f"{result['throughput']['delivered_per_second']:.0f}",
    ),
    (
        "the same with the citizen told on WeChat",
        lambda result: f"{result['with_the_citizen_told']['delivered_per_second']:.0f}",
    ),
    ("accepted to delivered at 50/s, p50 ms", lambda result: f"{result['latency']['p50']:.0f}"),
    ("accepted to delivered at 50/s, p99 ms", lambda result: f"{result['latency']['p99']:.0f}"),
    ("  of it accepted to routed, median ms", lambda result: f"{result['stages_ms']['accepted to routed']:.0f}"),
    ("  of it routed to delivered, median ms", lambda result: f"{result['stages_ms']['routed to delivered']:.0f}"),
    (
        "CPU a petition, µs, by process",
        lambda result: ", ".join(f"{name} {used:.0f}" for name, used in result["throughput"]["cpu_us"].items()),
    ),
)

if __name__ == "__main__":
    main()
