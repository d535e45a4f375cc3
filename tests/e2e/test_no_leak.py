"""No clear personal data where it must not be: petitions full of it through all doors, news in both directions, and
then a search through everything that the bridge wrote, published, showed and sent.

`BRIDGE_NO_LEAK=2000` brings the full number; the usual run brings enough people for every door, class and way of
writing a number to come several times.
"""

import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kombu
import orjson
import pytest
from sqlalchemy import MetaData, select

from adapters.registry import MANIFESTS
from bridge.adapter import Manifest, Need
from bridge.bus.topology import Topology
from bridge.demo.petitions import DemoPetition
from bridge.lookup import Lookup
from bridge.minimum import Minimum
from schemas.base import shanghai
from tests.faults.stage import Stage, World
from tests.support.buses import remove
from tests.support.databases import fresh_database
from tests.support.leaks import Person, What, brought, hidden, look

FULL = int(os.environ.get("BRIDGE_NO_LEAK", "0"))
pytestmark = pytest.mark.timeout(300 + FULL)
COUNTS = {"sqlite": FULL or 40, "postgres": FULL or 120}

OF_NEED: dict[Need, What] = {
    Need.NAME: "name",
    Need.PHONE: "phone",
    Need.OPENID: "openid",
    Need.ADDRESS: "address",
    Need.SECRETARY: "secretary",
}
"""What each need lets a system have of what is searched for."""

IN_PROSE: frozenset[What] = frozenset({"words", "id_number"})
"""What citizens write into their petitions themselves: it goes where the petition goes."""


@dataclass
class Run:
    """Everything that one bridge left behind, by place."""

    stage: Stage
    people: Sequence[DemoPetition]
    petition_ids: dict[str, int]
    received: dict[str, list[bytes]]
    logs: list[str]
    queues: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.people)


# ── the run ─────────────────────────────────────────────────────────────────────────────────────────────────


class _Recorded:
    """A sandbox, with everything written down that the bridge sends to it."""

    def __init__(self, app: Any, bodies: list[bytes]) -> None:
        self._app = app
        self._bodies = bodies

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/sandbox/"):
            await self._app(scope, receive, send)
            return
        heads = [b"%s: %s" % pair for pair in scope["headers"]]
        self._bodies.append(b"\n".join([scope["raw_path"], scope["query_string"], *heads]))

        async def recording() -> Any:
            message = await receive()
            self._bodies.append(message.get("body", b""))
            return message

        await self._app(scope, recording, send)


def _play(directory: Path, count: int, patch: pytest.MonkeyPatch, **settings: Any) -> Iterator[Run]:
    """`count` people's petitions, worked on until nothing moves."""
    received: dict[str, list[bytes]] = {manifest.system: [] for manifest in MANIFESTS}
    plain = World._sandbox

    def recorded(self: World, manifest: Manifest) -> object:
        return _Recorded(plain(self, manifest), received[manifest.system])

    patch.setattr(World, "_sandbox", recorded)
    stage = Stage(directory, reconcile_at=None, **settings)
    with stage:
        listening = _Listening(settings.get("broker_url"), stage.bridge.topology)
        people = brought(count, shanghai(stage.clock()).date())
        answers = stage.bring(people).answers(60 + count)
        assert all(answer.acknowledged for answer in answers)
        stage.drain(60 + count)
        numbers = {answer.petition_id: n for n, answer in enumerate(answers) if answer.petition_id}
        yield Run(stage, people, numbers, received, [repr(line) for line in stage.logs], listening.taken())


class _Listening:
    """Another system's queue on the public bus, and one beside each queue of hand-offs."""

    def __init__(self, url: str | None, topology: Topology) -> None:
        self._connection = kombu.Connection(url) if url else None
        if self._connection is None:
            return
        channel = self._connection.channel()
        self._queues = [
            kombu.Queue(f"{topology.prefix}leak.{number}", exchange, routing_key=key, exclusive=True)
            for number, (exchange, key) in enumerate(
                [
                    (kombu.Exchange(topology.events, "topic", passive=True), "#"),
                    *((kombu.Exchange(topology.handoffs, "direct", passive=True), one) for one in topology.systems),
                ]
            )
        ]
        for queue in self._queues:
            queue(channel).declare()

    def taken(self) -> list[tuple[str, bytes]]:
        if self._connection is None:
            return []
        found = []
        with self._connection as connection:
            for queue in self._queues:
                bound = queue(connection.default_channel)
                while (message := bound.get(no_ack=True)) is not None:
                    body = message.body if isinstance(message.body, bytes) else message.body.encode()
                    found.append((queue.exchange.name, body + repr(message.headers).encode()))
        return found


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """On SQLite with the embedded bus, and on PostgreSQL with RabbitMQ."""
    mode = request.param
    settings: dict[str, Any] = {}
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        if mode == "postgres":
            services = request.getfixturevalue("_services")
            settings["database_url"] = stack.enter_context(fresh_database(services.postgres_url))
            settings["broker_url"] = services.amqp_url
            settings["broker_prefix"] = prefix = f"leak{secrets.token_hex(4)}."
            stack.callback(_tidy, services.amqp_url, Topology(tuple(one.system for one in MANIFESTS), prefix))
        yield from _play(tmp_path_factory.mktemp(mode), COUNTS[mode], patch, **settings)


def _tidy(url: str, topology: Topology) -> None:
    with kombu.Connection(url) as connection:
        remove(connection, topology)


# ── nothing at all ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_logs_show_nobody(run: Run) -> None:
    assert len(run.logs) >= 3
    assert look([("a log line", line) for line in run.logs]).but() == []


def test_the_audit_log_shows_nobody(run: Run) -> None:
    files = [path for path in run.stage.world.settings.audit_dir.rglob("*") if path.is_file()]
    assert any(path.name.startswith("audit-") for path in files)
    assert any(path.parent.name == "checkpoints" for path in files)
    assert look([(path.name, path.read_bytes()) for path in files]).but() == []


def test_the_bus_and_the_hand_offs_show_nobody(run: Run) -> None:
    if run.stage.world.settings.embedded:
        assert run.queues == [], "the embedded bus has no queue of anybody else's"
        return
    topology = run.stage.bridge.topology
    assert {name for name, _ in run.queues} == {topology.events, topology.handoffs}
    assert len(run.queues) > 5 * run.count
    assert look(run.queues).but() == []


def test_the_database_shows_nobody(run: Run) -> None:
    dumped = dict(_dump(run))
    assert len(dumped) > 15
    assert len(dumped["petitions"]) > 500 * run.count
    assert look(list(dumped.items())).but() == []
    assert look([("the database's file", content) for content in _files(run)]).but() == []


def _dump(run: Run) -> Iterator[tuple[str, str]]:
    """Every table there is, whatever this version of the code knows about it."""
    tables = MetaData()
    tables.reflect(run.stage.bridge.store.engine)
    for table in tables.sorted_tables:
        rows = run.stage.read(lambda conn, table=table: conn.execute(select(table)).all())
        yield table.name, "\n".join(map(_row, rows))


def _row(row: Iterable[Any]) -> str:
    values = (
        bytes(value).decode("utf-8", "replace") if isinstance(value, (bytes, memoryview)) else value for value in row
    )
    return "\t".join(map(str, values))


def _files(run: Run) -> list[bytes]:
    url = run.stage.bridge.store.url
    if not run.stage.bridge.store.is_sqlite:
        return []
    found = [path.read_bytes() for path in Path(str(url.database)).parent.glob("*.db*")]
    assert found
    return found


def test_lists_metrics_and_trails_show_nobody(run: Run) -> None:
    documents = [(path, _shown(run, path)) for path in _lists(run)]
    assert {"/metrics", "/v1/petitions", "/v1/handoffs", "/v1/conservation"} <= {path for path, _ in documents}
    some = list(run.petition_ids)[:: max(1, run.count // 50)]
    documents += [(path, _shown(run, path)) for one in some for path in (f"/v1/petitions/{one}/trail",)]
    assert look(documents).but() == []


def _lists(run: Run) -> list[str]:
    """Every address that can be asked without naming one thing."""
    _, description = run.stage.get("/openapi.json")
    open_paths = [path for path, ways in description["paths"].items() if "get" in ways and "{" not in path]
    wants = {
        path
        for path in open_paths
        if any(one.get("required") for one in description["paths"][path]["get"].get("parameters", ()))
    }
    return sorted({*open_paths, "/metrics"} - wants - {"/in/wechat"})


def _shown(run: Run, path: str) -> str:
    async def read() -> str:
        headers = {"Authorization": f"Bearer {run.stage.world.key}"}
        async with run.stage.bridge.session().get(run.stage.world.url + path, headers=headers) as response:
            assert response.status == 200, path
            return await response.text()

    return run.stage.do(read())


# ── only so much ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_petition_is_shown_masked(run: Run) -> None:
    """Its words are shown, without whoever could be known by them; the secretary has an office."""
    shown = [(one, _shown(run, f"/v1/petitions/{one}")) for one in run.petition_ids]
    found = look(shown)
    assert found.but("words", "secretary") == []
    assert "words" in found.whats, "the search would find it"


def test_a_clear_read_is_journalled_with_who_and_why(run: Run) -> None:
    petition_id, n = next((one, n) for one, n in run.petition_ids.items() if run.people[n].petitioner.confidential)
    clear = _shown(run, f"/v1/petitions/{petition_id}?reason=callback-17")
    assert {found.what for found in look([("clear", clear)]).found if found.n == n} >= {"name", "phone", "address"}
    _, trail = run.stage.get(f"/v1/petitions/{petition_id}/trail")
    (entry,) = [entry for entry in trail["entries"] if entry["what"] == "pii.read"]
    assert (entry["actor"], entry["reason"]) == ("key:operator", "callback-17")
    assert look([("the trail", orjson.dumps(trail))]).but() == []


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest.system)
def test_each_system_gets_what_its_manifest_says(run: Run, manifest: Manifest) -> None:
    found = look([(manifest.system, body) for body in run.received[manifest.system]])
    hands_on = Need.ADDRESS in manifest.needs
    prose = IN_PROSE if hands_on else frozenset({"words"})
    allowed = {OF_NEED[need] for need in manifest.needs & OF_NEED.keys()} | prose
    of_hidden = {OF_NEED[need] for need in manifest.needs_confidential & OF_NEED.keys()} | {"words"}
    nameless = hidden(run.people)
    assert found.of(set(range(run.count)) - nameless, *allowed) == []
    assert found.of(nameless, *of_hidden) == []
    # What it needs it has, so the search looks at the right place. The messenger names no secretary as yet.
    assert found.whats >= allowed - {"id_number", "secretary"}
    assert of_hidden & {"name", "phone"} == set(), "nobody is told who a confidential petitioner is"


# ── the search can fail ─────────────────────────────────────────────────────────────────────────────────────


def test_leaks_that_are_planted_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One in the ledger, one at a system: both in places where no eye would fall on them."""
    monkeypatch.setattr(Minimum, "given", lambda self, petition, event: (petition, event))
    monkeypatch.setattr(Lookup, "petitioner", lambda self, openid: f"key-of-{openid}")
    for run in _play(tmp_path, 12, monkeypatch):
        dumped = look(list(_dump(run)))
        assert {(one.what, one.where) for one in dumped.found} == {("openid", "petitions")}
        handed_on = [
            (system, body) for system in ("hotline12345", "governance_center") for body in run.received[system]
        ]
        assert look(handed_on).of(hidden(run.people), "words", "address"), "they are known to who hands on"


@pytest.mark.parametrize("n", range(8))
@pytest.mark.parametrize("dress", ["plain", "json", "percent", "spaced", "bytes"])
def test_the_search_knows_a_value_in_any_dress(n: int, dress: str) -> None:
    person = Person(n)
    values = [
        person.name,
        person.spelled,
        person.openid,
        person.address,
        person.id_number,
        person.words,
        person.secretary,
    ]
    text = _dressed("，".join(values), dress)
    found = look([("here", text)]).found
    assert {(one.what, one.n) for one in found} == {
        (what, n) for what in ("name", "phone", "openid", "address", "id_number", "words", "secretary")
    }


def _dressed(text: str, dress: str) -> str | bytes:
    from urllib.parse import quote

    match dress:
        case "json":
            return orjson.dumps(text).decode() + "".join(f"\\u{ord(c):04x}" for c in text if ord(c) < 0x10000)
        case "percent":
            return quote(text)
        case "spaced":
            return "".join(f"{c}\u200b" for c in text)
        case "bytes":
            return b"\xff\x00" + text.encode() + b"\xfe"
        case _:
            return text


def test_masked_values_are_no_leaks() -> None:
    masked: Sequence[tuple[str, Any]] = [("here", "贾**，139****1234，oLea****，密语**，329***********1234")]
    assert look(masked).found == []
