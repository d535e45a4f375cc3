"""The composition root: the one place that knows everything and wires it. Nothing else imports `adapters`."""

import asyncio
import os
import secrets
import socket
from collections.abc import Coroutine, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import time
from enum import Flag, auto
from typing import Any

import aiohttp
import structlog

from adapters.registry import MANIFESTS
from bridge import failpoints, words
from bridge.adapter import Adapter, Manifest, Poller, Workshop
from bridge.bus.inspection import Inspection
from bridge.bus.message import Message
from bridge.bus.rabbit import RabbitRelay
from bridge.bus.relay import EmbeddedRelay, Relay
from bridge.bus.topology import Topology
from bridge.clock import Now, utc_now
from bridge.conservation import Conservation
from bridge.delivery import Desk
from bridge.digest.monthly import Monthly
from bridge.digest.rules import BadDigestRules, DigestRules
from bridge.house import HouseRules
from bridge.intake import Intake
from bridge.ledger.explaining import frozen_editions
from bridge.ledger.ledger import Ledger
from bridge.ledger.migrate import migrate
from bridge.ledger.store import Store, unreachable
from bridge.ledger.writer import LedgerAway
from bridge.minimum import Minimum
from bridge.polling import Polling
from bridge.privacy import Privacy
from bridge.prose import mask_words
from bridge.reconcile.nightly import Nightly
from bridge.reconcile.reconciler import CannotReconcile, Reconciler
from bridge.rosterboard import RosterBoard
from bridge.router import Router
from bridge.routing import BadRoutes, Routes
from bridge.rules import calendar as calendars
from bridge.rules import rates
from bridge.rules import supervision as supervisions
from bridge.rules.book import RuleBook
from bridge.rules.profiles import Profiles
from bridge.rules.table import BadTable
from bridge.settings import Settings, SettingsError, load
from bridge.vault import VaultError
from bridge.watch import Watch
from bridge.witness import keys
from bridge.witness.sealer import Sealer
from schemas.petition import Secretary

MESSENGER = "wechat"
"""The system that reaches people: the petitioner, the owner secretary, the home unit."""

_log = structlog.get_logger("bridge")


class Part(Flag):
    """Which parts a process runs. `serve` is DOORS, `work` is WORK, `run` both."""

    DOORS = auto()
    WORK = auto()
    ALL = DOORS | WORK

    @property
    def words(self) -> str:
        return " and ".join(str(part.name).lower() for part in self)


def manifests() -> tuple[Manifest, ...]:
    return MANIFESTS


def settings(**overrides: Any) -> Settings:
    """Settings with a section for every registered system, each of which is called by its manifest's name from here
    on. Raises `SettingsError`."""
    words.name_systems({manifest.system: manifest.zh for manifest in MANIFESTS})
    return load({manifest.system: manifest.settings for manifest in MANIFESTS}, **overrides)


@contextmanager
def set_by(variable: str) -> Iterator[None]:
    """A table that cannot be used is a setting that cannot be used. Raises `SettingsError` that names the variable."""
    try:
        yield
    except (BadTable, BadRoutes, BadDigestRules) as error:
        raise SettingsError(f"{variable}: {error}") from None


def routes(chosen: Settings, adapters: Mapping[str, Adapter]) -> Routes:
    """The routing table over what the systems can be told. Raises `SettingsError`."""
    speaks = {name: adapter.outbound.speaks for name, adapter in adapters.items()}
    with set_by("BRIDGE_ROUTES"):
        return Routes.load(chosen.routes, speaks, MESSENGER)


def digest_rules(chosen: Settings) -> DigestRules:
    """What the monthly analysis calls hot, repeated, pending. Raises `SettingsError`."""
    with set_by("BRIDGE_DIGEST_RULES"):
        return DigestRules.load(chosen.digest_rules)


def privacy(chosen: Settings) -> Privacy:
    """The vault and the keyed hashes. Raises `SettingsError` for a key file that cannot be used."""
    try:
        return Privacy.load(chosen.keys_dir, chosen.cipher, chosen.keyed_hash)
    except VaultError as error:
        raise SettingsError(f"BRIDGE_KEYS_DIR: {error}") from None


def rulebook(chosen: Settings) -> RuleBook:
    """The city's rules: deadlines, cards, supervision, working days. Raises `SettingsError` for a table that cannot be
    used."""
    with set_by("BRIDGE_RATES"):
        rates.rules(chosen.rates)
    with set_by("BRIDGE_CALENDAR"):
        calendar = calendars.rules(chosen.calendar)
    with set_by("BRIDGE_DEADLINES"):
        profiles = Profiles.load(chosen.deadlines)
    with set_by("BRIDGE_SUPERVISION"):
        return RuleBook(calendar, profiles, supervisions.rules(chosen.supervision))


def check_editions(profiles: Profiles, bound: Set[str]) -> None:
    """Raises `SettingsError` when the table of deadlines has lost an edition that open petitions are bound to."""
    if gone := sorted(bound - {edition.version for edition in profiles.editions}):
        raise SettingsError(f"BRIDGE_DEADLINES: petitions are bound to the editions {', '.join(gone)}: add them")


def routes_for(chosen: Settings) -> Routes:
    """The routing table without a running bridge (for `bridge routes explain`)."""

    def no_session() -> aiohttp.ClientSession:
        raise RuntimeError("nothing is sent while explaining")

    return routes(chosen, _adapters(chosen, Workshop(utc_now, no_session)))


def _adapters(chosen: Settings, workshop: Workshop) -> dict[str, Adapter]:
    """Every adapter. Raises `SettingsError` for a table of the city's that cannot be read."""
    adapters: dict[str, Adapter] = {}
    for manifest in MANIFESTS:
        try:
            adapters[manifest.system] = manifest.build(chosen.system(manifest.system), workshop)
        except ValueError as error:
            raise SettingsError(f"{manifest.system}: {error}") from None
    return adapters


@dataclass
class Bridge:
    """One process of the bridge. `start` and `stop` once each, on one event loop."""

    settings: Settings
    parts: Part
    now: Now = utc_now
    owner: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}")

    def __post_init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self.roster = RosterBoard()
        self.adapters = _adapters(self.settings, Workshop(self.now, self.session, self.roster, self._hold))
        self.minimums = {manifest.system: Minimum.of(manifest, mask_words) for manifest in MANIFESTS}
        self.routes = routes(self.settings, self.adapters)
        duty = Secretary.model_validate(self.settings.duty_secretary.model_dump())
        self.house = HouseRules(
            self.routes, duty, self.roster.owner, self.settings.duplicate_days, self.settings.merge_repeats
        )
        self.privacy = privacy(self.settings)
        self.digest_rules = digest_rules(self.settings)
        self.topology = Topology(tuple(self.adapters), self.settings.broker_prefix)
        self.store = Store(self.settings.database_url)
        self.ledger = Ledger(
            self.store,
            self.privacy,
            self.now,
            self.house,
            self.routes.route,
            self._publish,
            MESSENGER,
            self.settings.patience,
            rulebook(self.settings),
        )
        self.relay: Relay = self._relay()
        self.intake = Intake(self.ledger)
        self.router: Router | None = None
        self._desks: dict[str, Desk] = {}
        self.watch: Watch | None = None
        self.inspection: Inspection | None = None
        self.sealer: Sealer | None = None
        self.pollings: list[Polling] = []
        self.nightly: Nightly | None = None
        self.monthly: Monthly | None = None
        self._law: Conservation | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._roster_watch: asyncio.Task[None] | None = None

    @property
    def desks(self) -> Mapping[str, Desk]:
        return self._desks

    @property
    def law(self) -> Conservation | None:
        return self._law

    @property
    def witness_trouble(self) -> str | None:
        return self.sealer.trouble if self.sealer else None

    @property
    def copy_troubles(self) -> Mapping[str, str]:
        return dict(self.sealer.copies.troubles) if self.sealer else {}

    # ── lent to others ──
    def session(self) -> aiohttp.ClientSession:
        """The one HTTP session of this process."""
        if self._session is None or self._session.closed:
            connector = aiohttp.TCPConnector(limit=0, limit_per_host=0, ttl_dns_cache=60)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    async def _hold(self, name: str, seconds: float) -> bool:
        """Alone at `name`. With the ledger away nobody can be asked, and two fetching one token is the lesser harm."""
        try:
            return await self.ledger.hold(name, self.owner, seconds)
        except LedgerAway:
            return True

    def _publish(self, messages: list[Message]) -> None:
        self.relay.publish(messages)

    def _relay(self) -> Relay:
        kind = EmbeddedRelay if self.settings.embedded else RabbitRelay
        return kind(self.settings.broker_url, self.topology, self._confirmed)

    def _confirmed(self, event_ids: Sequence[str], handoff_ids: Sequence[str]) -> None:
        self.ledger.confirm_later(event_ids, handoff_ids)

    # ── life ──
    async def start(self) -> None:
        """Wait for the database, then start the parts. The broker and the systems may come later."""
        failpoints.arm(self.settings.failpoints, self.settings.failpoints_log)
        await self.open()
        self._roster_watch = asyncio.get_running_loop().create_task(self.roster.watch(self.ledger))
        if self.settings.embedded and Part.WORK in self.parts:
            await self.ledger.wake_all(owners_gone=self.store.is_sqlite)
        self.relay.start()
        if Part.WORK in self.parts:
            self._start_work()
        _log.info("bridge.started", parts=self.parts.words, owner=self.owner, routes=self.routes.version)

    async def open(self) -> None:
        """Only the ledger: enough to reconcile, and for commands. What is put on the conveyor the watch of a working
        process publishes."""
        await self._wait_for_database()
        await self._check_editions()
        self.ledger.start()
        await self.roster.refresh(self.ledger)

    async def _check_editions(self) -> None:
        check_editions(self.ledger.rules.profiles, await self.ledger.read(frozen_editions))

    async def close(self) -> None:
        """The end of `open`."""
        await asyncio.to_thread(self.ledger.stop)
        if self._session is not None:
            await self._session.close()

    def reconciler(self, system: str) -> Reconciler:
        """Raises `CannotReconcile` for a system that has no list."""
        register = self.adapters[system].register
        if register is None:
            raise CannotReconcile(f"{system} has no list to be asked for (对方无查询接口)")
        return Reconciler(system, register, self.minimums[system], self.ledger, self.intake, self.now)

    async def _wait_for_database(self) -> None:
        while True:
            try:
                revision = await asyncio.to_thread(migrate, self.store)
            except Exception as error:
                if not unreachable(error):
                    raise
                _log.warning("bridge.waiting_for_database", error=type(error).__name__)
                await asyncio.sleep(1)
            else:
                _log.info("bridge.database_ready", revision=revision)
                return

    def _start_work(self) -> None:
        url, patience = self.settings.broker_url, self.settings.patience
        self.router = Router(url, self.topology, self.ledger)
        self.router.start()
        for system, adapter in self.adapters.items():
            desk = self._desks[system] = Desk(
                system=system,
                outbound=adapter.outbound,
                minimum=self.minimums[system],
                ladder=self.settings.ladder(system),
                concurrency=self.settings.system(system).concurrency,
                acknowledge_within_hours=self.settings.system(system).acknowledge_within_hours,
                ledger=self.ledger,
                owner=self.owner,
                now=self.now,
                url=url,
                topology=self.topology,
                lease_seconds=patience.lease_seconds,
            )
            desk.start()
            if adapter.poller is not None and adapter.poller.every_seconds > 0:
                self.pollings.append(self._polling(system, adapter.poller))
        self.watch = Watch(
            self.ledger, self.now, self._report_law, lambda: self.relay.connected, patience.watch_seconds
        )
        self.sealer = self._sealer()
        for work in (self.watch.run(), self.sealer.run(), *(polling.run() for polling in self.pollings)):
            self._spawn(work)
        if self.settings.reconcile_at is not None:
            self.nightly = self._nightly(self.settings.reconcile_at)
            self._spawn(self.nightly.run())
        if self.settings.digest_at is not None:
            self.monthly = Monthly(self.ledger, self.owner, self.now, self.settings.digest_at, self.digest_rules)
            self._spawn(self.monthly.run())
        if not self.settings.embedded:
            self.inspection = Inspection(url, self.topology)
            self._spawn(self.inspection.run())

    def _polling(self, system: str, poller: Poller) -> Polling:
        # A round of polling makes several calls: its lease lives longer than the sealer's.
        lease_seconds = 4 * self.settings.patience.duty_seconds
        return Polling(system, poller, self.intake, self.ledger, self.owner, self.now, lease_seconds)

    def _nightly(self, at: time) -> Nightly:
        connected = [
            self.reconciler(system)
            for system, adapter in self.adapters.items()
            if adapter.register is not None and self.settings.system(system).base_url is not None
        ]
        return Nightly(connected, self.ledger, self.owner, self.now, at)

    def _sealer(self) -> Sealer:
        keys.ensure(self.settings.keys_dir, self.settings.audit_origin)
        return Sealer(
            self.ledger,
            self.settings.audit_dir,
            lambda: keys.load(self.settings.keys_dir),
            self.owner,
            self.now,
            every_seconds=self.settings.checkpoint_seconds,
            lease_seconds=self.settings.patience.duty_seconds,
            copies=self.settings.audit_copies,
            keep_days=self.settings.audit_keep_days,
        )

    def _report_law(self, law: Conservation) -> None:
        self._law = law

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    async def stop(self) -> None:
        """Finish or hand back what is leased, seal and sign, then let go of everything (within about 10 s)."""
        if self._roster_watch is not None:
            self._roster_watch.cancel()
        for part in (self.watch, self.inspection, self.sealer, self.nightly, self.monthly, *self.pollings):
            if part is not None:
                await part.stop()
        if self.router is not None:
            await asyncio.to_thread(self.router.stop)
        await asyncio.gather(*(desk.stop() for desk in self._desks.values()))
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        for task in self._tasks:
            task.cancel()
        ended = [*self._tasks, *([self._roster_watch] if self._roster_watch is not None else [])]
        await asyncio.gather(*ended, return_exceptions=True)
        if self.sealer is not None:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.sealer.finish(), 10)
        await asyncio.to_thread(self.relay.stop)
        await self.close()
        _log.info("bridge.stopped", owner=self.owner)
