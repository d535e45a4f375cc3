"""A whole small world: a bridge and its three sandboxes in one process, with secrets drawn anew for each run."""

import asyncio
import random
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson
import structlog

from bridge import app as root
from bridge.adapter import Manifest, SandboxPlan, SystemSettings
from bridge.apikeys import SCOPES, Caller, KeyRing, hash_of
from bridge.cli.output import err, out
from bridge.demo.petitions import DemoPetition, petitions
from bridge.ledger import reads
from bridge.server import Server, build, until_stopped
from bridge.settings import Settings
from schemas.base import SHANGHAI

LIGHT_TRAFFIC_SECONDS = 3.0
_PROVISIONAL = (
    "note 提示: the days off of {year} are not loaded, so deadlines in {year} are provisional. Nothing has failed: "
    "a real bridge raises an alarm for it (未导入{year}年放假安排，届时的时限为暂定；演示不受影响，正式环境会告警)"
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One petition that went in: what it was, and the number it got (None: the door told only the system)."""

    petition: DemoPetition
    status: int
    petition_id: str | None


class Playground:
    """`async with Playground(directory) as world:`; everything is stopped at the end."""

    def __init__(
        self,
        directory: Path,
        *,
        pace_seconds: float = 0.3,
        autopilot: bool = True,
        port: int = 0,
        seed: int = 5,
        **overrides: Any,
    ) -> None:
        self.key = f"lt_{secrets.token_urlsafe(24)}"
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._directory = directory
        self._secret = secrets.token_hex(16)
        self._plan = SandboxPlan(self.url, pace_seconds=pace_seconds, seed=seed, autopilot=autopilot)
        self._overrides = overrides
        self._ports = {manifest.system: free_port() for manifest in root.manifests()}
        self._servers: list[Server] = []
        self._http: aiohttp.ClientSession | None = None
        self.settings = self._settings()
        self.bridge = root.Bridge(self.settings, root.Part.ALL)

    def _settings(self) -> Settings:
        values: dict[str, Any] = {
            "database_url": f"sqlite:///{self._directory}/bridge.db",
            "broker_url": "memory://",
            "broker_prefix": f"demo{secrets.token_hex(4)}.",
            "audit_dir": self._directory / "audit",
            "keys_dir": self._directory / "keys",
            "checkpoint_seconds": 5.0,
            "host": "127.0.0.1",
            "port": self.port,
        }
        # No `.env`: a playground is the same whatever this machine is set up for.
        return root.settings(_env_file=None, **{**values, **self._sections(), **self._overrides})

    def _sections(self) -> dict[str, SystemSettings]:
        return {
            manifest.system: manifest.sandbox_settings(self.sandbox_url(manifest.system), self._secret)
            for manifest in root.manifests()
        }

    def sandbox_url(self, system: str) -> str:
        return f"http://127.0.0.1:{self._ports[system]}"

    # ── life ──
    async def __aenter__(self) -> Self:
        for manifest in root.manifests():
            await self._serve(self._sandbox(manifest), self._ports[manifest.system])
        ring = KeyRing((Caller(name="operator", sha256=hash_of(self.key), scopes=SCOPES),))
        await self._serve(build(self.bridge, ring), self.port)
        # A connection for each call: a server may hang up on an idle one at the moment it is used again.
        connector = aiohttp.TCPConnector(force_close=True)
        self._http = aiohttp.ClientSession(headers={"Authorization": f"Bearer {self.key}"}, connector=connector)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()
        for server in reversed(self._servers):
            await server.stop()

    async def _serve(self, app: object, port: int) -> None:
        server = Server(app, "127.0.0.1", port)
        await server.start()
        self._servers.append(server)

    def _sandbox(self, manifest: Manifest) -> object:
        return manifest.sandbox(self.settings.system(manifest.system), self._plan)

    # ── acting ──
    async def send(self, petition: DemoPetition) -> Sent:
        """The petition through its own door, as its own system would bring it."""
        if petition.door == "rest":
            status, answer = await self.call("POST", f"{self.url}/v1/petitions", petition.document)
            return Sent(petition, status, answer.get("petition_id"))
        document: dict[str, Any] = petition.document
        if petition.door in ("form", "wechat"):
            system, document["door"] = "wechat", petition.door
        else:
            system = petition.door
            document |= {"reply": petition.reply, "progress": petition.progress}
        status, answer = await self.call("POST", f"{self.sandbox_url(system)}/sandbox/originate", document)
        return Sent(petition, int(answer.get("status", status)), answer.get("petition_id"))

    async def say(self, petition_id: str, **event: Any) -> int:
        """An event over REST; the HTTP status."""
        status, _ = await self.call("POST", f"{self.url}/v1/petitions/{petition_id}/events", event)
        return status

    async def step(self, system: str, **step: Any) -> dict[str, Any]:
        """One step in a sandbox now."""
        _, answer = await self.call("POST", f"{self.sandbox_url(system)}/sandbox/step", step)
        return answer

    async def received(self, system: str) -> dict[str, Any]:
        """All the sandbox was sent."""
        _, answer = await self.call("GET", f"{self.sandbox_url(system)}/sandbox/received")
        return answer

    async def law(self) -> dict[str, Any]:
        _, answer = await self.call("GET", f"{self.url}/v1/conservation")
        return answer

    async def busy(self) -> bool:
        """Whether anything is still on its way, in the bridge or in a sandbox."""
        for system in self._ports:
            _, answer = await self.call("GET", f"{self.sandbox_url(system)}/sandbox/pending")
            if answer["pending"]:
                return True
        law = await self.law()
        unfinished = [
            count for states in law["by_system"].values() for state, count in states.items() if state in _MOVING
        ]
        return bool(law["in_flight"] or unfinished or await self.bridge.ledger.unsealed_count())

    async def call(self, method: str, url: str, document: Any = None) -> tuple[int, dict[str, Any]]:
        """One HTTP call; the status and the JSON object that came back."""
        if self._http is None:
            raise RuntimeError("use the playground as a context manager")
        async with self._http.request(method, url, json=document) as response:
            body = await response.read()
            answer = orjson.loads(body) if body.startswith(b"{") else {}
            return response.status, answer

    async def handoffs(self) -> Sequence[dict[str, Any]]:
        """Every hand-off of the ledger."""
        return await self.bridge.ledger.read(lambda conn: reads.handoff_list(conn, limit=1_000_000))


_MOVING = frozenset({"pending", "queued", "waiting", "sending", "retrying", "unknown"})


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def calmly() -> None:
    """An alarm that is about the city's calendar and not about this world becomes a line of its own."""
    structlog.configure(processors=[_calm, *structlog.get_config()["processors"]])


def _calm(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if event["event"] == "calendar.missing_year":
        err.print(_PROVISIONAL.format(year=event["year"]), style="yellow", markup=False)
        raise structlog.DropEvent
    return event


async def play(directory: Path = Path("data/sandbox")) -> None:
    """`bridge run --sandboxes`: light traffic until Ctrl-C, and a console to watch it."""
    calmly()
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    # The plain queue names: in a process of its own nothing can meet them.
    async with Playground(directory, port=_wished_port(), pace_seconds=2.0, broker_prefix="") as world:
        out.print("来听桥 sandbox mode (沙箱模式): invented petitions, nothing leaves this machine")
        out.print(f"console 控制台   {world.url}/console#key={world.key}", markup=False)
        out.print(f"API key 密钥     {world.key}", markup=False)
        for manifest in root.manifests():
            out.print(f"{manifest.zh}   {world.sandbox_url(manifest.system)}/sandbox/received", markup=False)
        out.print("for the other commands, in another terminal 在另一终端使用其他命令:")
        out.print(f"export BRIDGE_DATABASE_URL={world.settings.database_url}", markup=False)
        out.print(f"export BRIDGE_AUDIT_DIR={directory}/audit BRIDGE_KEYS_DIR={directory}/keys", markup=False)
        traffic = asyncio.get_running_loop().create_task(_light_traffic(world))
        await until_stopped()
        traffic.cancel()
        await asyncio.gather(traffic, return_exceptions=True)


async def _light_traffic(world: Playground) -> None:
    seed = int(datetime.now(SHANGHAI).timestamp())
    dice = random.Random(seed)  # noqa: S311 - play
    while True:
        for petition in petitions(100, seed=seed, day=datetime.now(SHANGHAI).date()):
            await world.send(petition)
            await asyncio.sleep(LIGHT_TRAFFIC_SECONDS * dice.uniform(0.3, 1.7))
        seed += 1


def _wished_port() -> int:
    """BRIDGE_PORT's default if it is free, any other port otherwise."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", 8080))
        except OSError:
            return 0
    return 8080
