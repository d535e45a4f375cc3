"""A bridge behind its HTTP server on a port of its own, in a thread, and a caller that speaks plain HTTP to it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import orjson
import pytest
from yarl import URL

from adapters.registry import MANIFESTS
from bridge.apikeys import SCOPES, KeyRing, Scope, new_key
from bridge.app import Bridge, Part
from bridge.server import Server, build
from tests.support.assemblies import Played, play_systems, settings_in
from tests.support.waiting import wait_until

T = TypeVar("T")
SECONDS = 30.0

KEYS: dict[str, tuple[tuple[Scope, ...], str | None]] = {
    "writer": (("petitions:write",), None),
    "reader": (("petitions:read",), None),
    "clerk": (("petitions:read", "pii:read"), None),
    "ops": (("operate", "petitions:read"), None),
    "city_app": (("petitions:write", "petitions:read"), None),
    "form": (("petitions:write",), "wechat"),
    "nobody": ((), None),
    "all": (SCOPES, None),
}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def is_problem(self) -> bool:
        """An RFC 9457 document that says the same as the status line."""
        if self.headers.get("Content-Type") != "application/problem+json":
            return False
        document = self.json
        return document["status"] == self.status and bool(document["title"]) and bool(document["detail"])


class Hall:
    """The server's thread and loop; everything else is called from the test's own thread."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, *, doors: bool = False) -> None:
        """`doors`: with the adapters' own doors, whose secrets are in `sections`."""
        self.systems: dict[str, Played] = play_systems(patch, doors=doors)
        self.sections = {one.system: one.sandbox_settings("http://127.0.0.1:9", "s3cret") for one in MANIFESTS}
        made = {name: new_key(name, scopes, system) for name, (scopes, system) in KEYS.items()}
        self.keys = {name: key for name, (key, _) in made.items()}
        ring = folder / "keys.toml"
        ring.write_text("\n".join(entry for _, entry in made.values()))
        sections = self.sections if doors else {}
        self._settings = settings_in(folder, api_keys=ring, retry_ladder="1h", **sections)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="hall")
        self._thread.start()
        self.bridge, self._server, self._session = self.run(self._open())

    async def _open(self) -> tuple[Bridge, Server, aiohttp.ClientSession]:
        bridge = Bridge(self._settings, Part.ALL)
        server = Server(build(bridge, KeyRing.load(self._settings.api_keys)), "127.0.0.1", 0)
        await server.start()
        # A connection for each call: the server may hang up on an idle one at the moment it is used again.
        return bridge, server, aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    def close(self) -> None:
        async def end() -> None:
            await self._session.close()
            await self._server.stop()

        self.run(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    # ── calling ──
    async def call_later(
        self,
        method: str,
        path: str,
        key: str | None = None,
        *,
        json: Any = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        given = dict(headers or {})
        if key is not None:
            given["Authorization"] = f"Bearer {self.keys[key]}"
        data = orjson.dumps(json) if json is not None else body
        url = URL(self.url + path, encoded=True)
        async with self._session.request(method, url, data=data, headers=given) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    def call(self, method: str, path: str, key: str | None = None, **more: Any) -> Answer:
        return self.run(self.call_later(method, path, key, **more))

    def get(self, path: str, key: str | None = "reader") -> Answer:
        return self.call("GET", path, key)

    def post(self, path: str, key: str | None = "writer", **more: Any) -> Answer:
        return self.call("POST", path, key, **more)

    def submit(self, external_id: str, key: str = "writer", **fields: Any) -> str:
        """A petition through the API; its id."""
        answer = self.post("/v1/petitions", key, json=document(external_id, **fields))
        assert answer.status == 202, answer.body
        return str(answer.json["petition_id"])

    # ── looking ──
    def handoffs(self, petition_id: str, **filters: str) -> list[dict[str, Any]]:
        query = "&".join(f"{name}={value}" for name, value in {"petition_id": petition_id, **filters}.items())
        return list(self.get(f"/v1/handoffs?{query}").json["handoffs"])

    def wait_for(self, petition_id: str, system: str, *states: str) -> dict[str, Any]:
        """The petition's first hand-off to this system, once it is in one of these states."""
        found: list[dict[str, Any]] = []

        def there() -> bool:
            found[:] = [row for row in self.handoffs(petition_id, system=system) if row["state"] in states]
            return bool(found)

        wait_until(there, f"{system} to be {' or '.join(states)}", SECONDS)
        return found[0]

    def eventually(self, condition: Callable[[], bool], what: str) -> None:
        wait_until(condition, what, SECONDS)


def document(external_id: str, **fields: Any) -> dict[str, Any]:
    """A petition like no other: the same words from the same person by another road would be the same petition."""
    return {
        "external_id": external_id,
        "kind": "求助",
        "handling_class": "hotline_transfer",
        "content": f"路灯不亮，请联系13900001234。灯杆{external_id}",
        "petitioner": {"name": "徐某某", "phone": "13900001234"},
        **fields,
    }
