"""`bridge doctor`: each thing the bridge needs, what was found, and what to do when it is not as it should be."""

import asyncio
import shutil
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
from kombu import Connection
from sqlalchemy import Connection as LedgerConnection
from sqlalchemy.exc import SQLAlchemyError

from bridge import app as root
from bridge.adapter import Lack, Manifest
from bridge.apikeys import KeyRing
from bridge.bus.connect import connect
from bridge.bus.topology import Topology, depths, differing
from bridge.causes import cause
from bridge.clock import to_ms
from bridge.digest.month import Month
from bridge.digest.monthly import waiting
from bridge.ledger.explaining import frozen_editions
from bridge.ledger.migrate import current, newest
from bridge.ledger.notices import loaded_days, unreadable_days
from bridge.ledger.store import BadDatabaseUrl, Store
from bridge.rules import calendar as calendars
from bridge.rules import rates
from bridge.rules import supervision as supervisions
from bridge.rules.calendar import Calendar
from bridge.rules.profiles import Profiles
from bridge.rules.table import BadTable
from bridge.settings import Settings, SettingsError, unknown_names
from schemas.base import shanghai

OLDEST_BROKER = (3, 10)
MOST_SKEW_SECONDS = 5.0
LEAST_DISK_BYTES = 1 << 30
LEAST_CERTIFICATE_DAYS = 30
_SECONDS = 5.0
_NEW_KEY = "bridge keys api --name NAME --scope petitions:write --scope petitions:read"
Finding = dict[str, Any]
T = TypeVar("T")


async def examine(settings: Settings, manifests: Sequence[Manifest]) -> list[Finding]:
    """All findings, in the order an operator would look."""
    topology = Topology(tuple(manifest.system for manifest in manifests), settings.broker_prefix)
    checks: list[Callable[[], Awaitable[list[Finding]]]] = [
        lambda: asyncio.to_thread(_database, settings),
        lambda: asyncio.to_thread(_broker, settings, topology),
        lambda: asyncio.to_thread(_disk, settings),
        lambda: asyncio.to_thread(_names, settings),
        lambda: asyncio.to_thread(_tables, settings),
        lambda: asyncio.to_thread(_calendar, settings),
        lambda: asyncio.to_thread(_digest, settings),
        lambda: asyncio.to_thread(_keys, settings),
        *(lambda manifest=manifest: _system(settings, manifest) for manifest in manifests),
    ]
    return [finding for findings in await asyncio.gather(*(check() for check in checks)) for finding in findings]


def _found(
    what: str, ok: bool, found: str, next_: str = "", *, service: bool = False, warning: bool = False
) -> Finding:
    """`warning`: worth knowing, and no reason to fail; `service`: something outside cannot be reached."""
    finding: Finding = {"what": what, "ok": ok or warning, "found": found}
    if not ok:
        finding |= {"next": next_, "service": service, "warning": warning}
    return finding


def _database(settings: Settings) -> list[Finding]:
    try:
        store = Store(settings.database_url)
        if store.is_missing_file:
            # To ask it would begin it.
            found = f"there is no ledger at {settings.database_url} (无台账)"
            return [_found("database 数据库", False, found, "check BRIDGE_DATABASE_URL, or begin one: `bridge migrate`",
                           service=True)]  # fmt: skip
        revision = current(store)
        with store.engine.connect() as conn:
            name = conn.dialect.name
            version = ".".join(map(str, conn.dialect.server_version_info or ())) or "file"
        store.close()
    except Exception as error:
        return [_found("database 数据库", False, cause(error), "check BRIDGE_DATABASE_URL", service=True)]
    fresh = revision == newest()
    return [
        _found("database 数据库", True, f"{name} {version}"),
        _found(
            "tables 表结构",
            fresh,
            f"revision {revision or 'none yet'}, this code needs {newest()}",
            "run `bridge migrate`",
        ),
    ]


def _broker(settings: Settings, topology: Topology) -> list[Finding]:
    if settings.embedded:
        return [_found("broker 消息队列", True, "embedded (memory://): one process only")]
    try:
        with connect(settings.broker_url, seconds=3) as connection:
            connection.connect()
            server = _server(connection)
            queues = depths(connection, topology.queue_names())
            different = differing(connection, topology, queues)
    except Exception as error:
        return [_found("broker 消息队列", False, cause(error), "check BRIDGE_BROKER_URL", service=True)]
    return [_version(server), _topology(topology, queues), _as_declared(different), *_unroutable(topology, queues)]


def _server(connection: Connection) -> str:
    properties = connection.connection.server_properties
    return str(properties.get("version", "?"))


def _version(version: str) -> Finding:
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    return _found(
        "broker 消息队列", numbers >= OLDEST_BROKER, f"RabbitMQ {version}", "3.10 is the oldest that has what we need"
    )


def _topology(topology: Topology, queues: dict[str, dict[str, int]]) -> Finding:
    missing = [name for name in topology.queue_names() if name not in queues]
    found = "all queues declared" if not missing else f"missing: {', '.join(missing)}"
    return _found("queues 队列", not missing, found, "start `bridge work`: it declares them")


def _as_declared(different: list[str]) -> Finding:
    found = "as declared" if not different else f"declared otherwise: {', '.join(different)}"
    return _found(
        "topology 拓扑", not different, found, "delete them while the bridge is stopped; it declares them anew"
    )


def _unroutable(topology: Topology, queues: dict[str, dict[str, int]]) -> list[Finding]:
    stray = queues.get(topology.unroutable, {}).get("ready", 0)
    return [
        _found(
            "unroutable 无法路由",
            stray == 0,
            f"{stray} messages in {topology.unroutable}",
            "somebody deleted a queue or published a wrong key; the ledger publishes again, then purge it",
        )
    ]


def _disk(settings: Settings) -> list[Finding]:
    path = settings.audit_dir
    while not path.exists():
        path = path.parent
    free = shutil.disk_usage(path).free
    return [
        _found("disk 磁盘", free >= LEAST_DISK_BYTES, f"{free / (1 << 30):.1f} GiB free for the audit log", "make room")
    ]


def _names(settings: Settings) -> list[Finding]:
    """Whether something is set that no setting is."""
    unknown = unknown_names(type(settings))
    said = ", ".join(f"{name} (meant: {meant}?)" if meant else name for name, meant in unknown.items())
    found = f"no setting has this name, so it does nothing (无此设置): {said}" if unknown else "every BRIDGE_… is known"
    return [_found("settings 设置", not unknown, found, "mend or remove it; docs/settings.md has all", warning=True)]


def _tables(settings: Settings) -> list[Finding]:
    """Each table of rules, read as at a start: the bridge would not begin with one that it cannot use."""
    return [
        _table("calendar rules 日历规则", "CALENDAR", settings.calendar, lambda: calendars.rules(settings.calendar)),
        _table("deadlines 办理时限", "DEADLINES", settings.deadlines, lambda: _deadlines(settings)),
        _table(
            "supervision 督办", "SUPERVISION", settings.supervision, lambda: supervisions.rules(settings.supervision)
        ),
        _table("rates 三率", "RATES", settings.rates, lambda: rates.rules(settings.rates)),
        _table("routes 路由", "ROUTES", settings.routes, lambda: root.routes_for(settings)),
        _table("digest rules 研判规则", "DIGEST_RULES", settings.digest_rules, lambda: root.digest_rules(settings)),
    ]


def _table(what: str, name: str, path: Path | None, read: Callable[[], object]) -> Finding:
    try:
        with root.set_by(f"BRIDGE_{name}"):
            read()
    except SettingsError as error:
        return _found(what, False, str(error), "`bridge run` would not start: mend it (docs/rules.md 怎样改规则)")
    return _found(what, True, str(path or "built in (内置)"))


def _deadlines(settings: Settings) -> None:
    nothing: set[str] = set()
    root.check_editions(Profiles.load(settings.deadlines), _asked(settings, frozen_editions, nothing))


def _asked(settings: Settings, query: Callable[[LedgerConnection], T], otherwise: T) -> T:
    """What the ledger says. One that cannot be asked is another finding's matter."""
    with suppress(SQLAlchemyError, BadDatabaseUrl, OSError):
        store = Store(settings.database_url)
        try:
            if not store.is_missing_file:
                with store.reading() as conn:
                    return query(conn)
        finally:
            store.close()
    return otherwise


def _calendar(settings: Settings) -> list[Finding]:
    """By the package and the notices that were loaded. Rules that cannot be used are another finding's matter."""
    today = shanghai(datetime.now(UTC)).date()
    try:
        rules = calendars.rules(settings.calendar)
    except BadTable:
        return []
    known = Calendar(rules, _asked(settings, loaded_days, []))
    missing = known.alarm(today)
    unreadable: list[str] = _asked(settings, unreadable_days, [])
    return [
        _found(
            "days off 放假安排",
            not unreadable,
            "every day that was loaded can be read",
            f"of no use: {', '.join(unreadable)}; import the notice of that year again (放假安排须重新导入)",
        ),
        _found(
            "calendar 工作日历",
            missing is None,
            f"working days are known until the end of {known.horizon_end.year}",
            f"the notice for {missing} is not loaded: deadlines beyond {known.horizon_end.year} are provisional; "
            "bridge calendar import FILE --operator NAME",
            warning=True,
        ),
    ]


def _digest(settings: Settings) -> list[Finding]:
    """Whether every month that is over was sealed."""
    now = to_ms(datetime.now(UTC))
    months = _asked(settings, lambda conn: waiting(conn, now), otherwise=list[Month]())
    if not months:
        return [_found("monthly analysis 分析研判", True, "no month waits for its seal")]
    found = f"over and not sealed: {', '.join(map(str, months))}"
    hint = f"BRIDGE_DIGEST_AT seals them by itself, the oldest first; bridge digest --month {months[0]} does it now"
    return [_found("monthly analysis 分析研判", False, found, hint, warning=True)]


def _keys(settings: Settings) -> list[Finding]:
    ring = settings.api_keys
    if ring is None:
        found = "BRIDGE_API_KEYS is not set: nobody can call /v1"
        return [_found("API keys 接口密钥", False, found, f"set BRIDGE_API_KEYS=data/keys/api.toml, then {_NEW_KEY}")]
    try:
        KeyRing.load(ring)
    except ValueError as error:
        return [_found("API keys 接口密钥", False, str(error), f"`bridge run` would not start; {_NEW_KEY}")]
    return [_found("API keys 接口密钥", True, str(ring))]


async def _system(settings: Settings, manifest: Manifest) -> list[Finding]:
    """Reachability, clock and certificate of one system, and what is not set of it."""
    what = f"{manifest.system} {manifest.zh}"
    lacks = [_lack(manifest, lack) for lack in settings.system(manifest.system).lacks() if lack.names]
    return [*await _reached(what, manifest.system, settings.system(manifest.system).base_url), *lacks]


def _lack(manifest: Manifest, lack: Lack) -> Finding:
    names = ", ".join(f"BRIDGE_{manifest.system}__{name}".upper() for name in lack.names)
    found = f"not set: {names}: {lack.means}"
    return _found(
        f"{manifest.system} settings 设置",
        False,
        found,
        "set it; docs/settings.md says what it is",
        warning=lack.choice,
    )


async def _reached(what: str, system: str, url: str | None) -> list[Finding]:
    if not url:
        name = f"BRIDGE_{system.upper()}__BASE_URL"
        return [_found(what, False, f"{name} is not set: nothing can be handed over", f"set {name}")]
    try:
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            date = response.headers.get("Date")
            findings = [_found(what, True, f"{_host(url)} answers (HTTP {response.status})")]
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return [_found(what, False, f"{_host(url)}: {cause(error)}", "check the address and the network", service=True)]
    findings += _skew(what, date)
    if url.startswith("https:"):
        findings += await asyncio.to_thread(_certificate, what, url)
    return findings


def _skew(what: str, date: str | None) -> list[Finding]:
    from email.utils import parsedate_to_datetime

    if not date:
        return []
    skew = abs(parsedate_to_datetime(date).timestamp() - time.time())
    return [_found(f"{what} clock 时钟", skew <= MOST_SKEW_SECONDS, f"{skew:.0f} s apart", "check NTP on both sides")]


def _certificate(what: str, url: str) -> list[Finding]:
    import socket

    host, port = urlsplit(url).hostname or "", urlsplit(url).port or 443
    try:
        context = ssl.create_default_context()
        with (
            socket.create_connection((host, port), _SECONDS) as raw,
            context.wrap_socket(raw, server_hostname=host) as tls,
        ):
            certificate = tls.getpeercert() or {}
    except (OSError, ssl.SSLError) as error:
        return [_found(f"{what} certificate 证书", False, cause(error), "renew or trust it", service=True)]
    until = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    days = (until - time.time()) / 86400
    return [
        _found(f"{what} certificate 证书", days >= LEAST_CERTIFICATE_DAYS, f"valid for {days:.0f} days", "renew it")
    ]


def _host(url: str) -> str:
    return urlsplit(url).netloc
