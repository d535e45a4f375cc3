"""The load: petitions through the form door, each bound for the hotline, and when each of them arrived there."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime

import aiohttp
import orjson

from bridge.demo.petitions import petitions
from tests.bench.world import World, received

CONNECTIONS = 64
TARGET = "hotline12345"
_LIMIT_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Throughput:
    """Petitions a second: until the last 202, and until the last arrival at the hotline."""

    petitions: int
    accepted_per_second: float
    delivered_per_second: float
    cpu_us: dict[str, float]


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from sending to arriving at the hotline, at a steady rate."""

    rate: float
    p50: float
    p99: float


def bodies(count: int, mark: str, *, openid: bool) -> list[bytes]:
    """`count` petition documents for the hotline; without an openid nobody else is told."""
    texts = petitions(200)
    documents = []
    for number in range(count):
        document = texts[number % len(texts)].document
        document |= {"external_id": f"{mark}-{number:06d}", "handling_class": "hotline_transfer"}
        document["petitioner"] = {"name": "李某某", "phone": "13900000000", "openid": None}
        if openid:
            document["petitioner"]["openid"] = f"oBench{number:022d}"
        document["secretary"] = {"id": "S00001", "name": "王某某", "team_id": "T0001", "home_unit": "市统计局"}
        documents.append(orjson.dumps(document))
    return documents


async def throughput(world: World, count: int, mark: str, *, openid: bool = False) -> Throughput:
    """A closed loop of `CONNECTIONS` callers."""
    waiting = bodies(count, mark, openid=openid)
    before, cpu = _taken(world), world.cpu()
    began = time.monotonic()
    async with _session(world) as session:
        await asyncio.gather(*(_caller(world, session, waiting) for _ in range(CONNECTIONS)))
    accepted = time.monotonic() - began
    delivered = await _until_taken(world, before + count, began)
    used = {name: (after - cpu[name]) / count * 1e6 for name, after in world.cpu().items()}
    return Throughput(count, count / accepted, count / delivered, used)


async def latency(world: World, count: int, mark: str, rate: float) -> Latency:
    """An open loop: one petition every 1/rate seconds, whatever the answers take."""
    documents = bodies(count, mark, openid=False)
    before = _taken(world)
    sent: dict[str, float] = {}
    async with _session(world) as session:
        began = time.monotonic()
        tasks = []
        for number, body in enumerate(documents):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            tasks.append(asyncio.create_task(_timed(world, session, body, sent)))
        await asyncio.gather(*tasks)
    await _until_taken(world, before + count, began)
    arrived = {item["case"]: item["at"] for item in received(world.sandboxes[TARGET], brief=False)["items"]}
    took = sorted((_seconds(arrived[case]) - at) * 1000 for case, at in sent.items())
    return Latency(rate, took[len(took) // 2], took[min(len(took) - 1, int(len(took) * 0.99))])


def _session(world: World) -> aiohttp.ClientSession:
    headers = {"Authorization": f"Bearer {world.form_key}", "Content-Type": "application/json"}
    # Idle connections are dropped before the server (uvicorn: after 5 s) hangs up on them.
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=2)
    return aiohttp.ClientSession(headers=headers, connector=connector)


async def _caller(world: World, session: aiohttp.ClientSession, waiting: list[bytes]) -> None:
    while waiting:
        await _post(world, session, waiting.pop())


async def _timed(world: World, session: aiohttp.ClientSession, body: bytes, sent: dict[str, float]) -> None:
    at = time.time()
    sent[await _post(world, session, body)] = at


async def _post(world: World, session: aiohttp.ClientSession, body: bytes) -> str:
    async with session.post(f"{world.url}/in/wechat/petitions", data=body) as answer:
        document = orjson.loads(await answer.read())
        if answer.status != 202:
            raise RuntimeError(f"refused: {answer.status} {document}")
        return str(document["petition_id"])


def _taken(world: World) -> int:
    return int(received(world.sandboxes[TARGET], brief=True)["received"])


async def _until_taken(world: World, count: int, began: float) -> float:
    while await asyncio.to_thread(_taken, world) < count:
        if time.monotonic() - began > _LIMIT_SECONDS:
            raise TimeoutError(f"only {_taken(world)} of {count} arrived")
        await asyncio.sleep(0.02)
    return time.monotonic() - began


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
