"""`/healthz`, `/readyz`, `/metrics`: for machines that watch machines."""

import asyncio
from typing import Any

import orjson
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.bus.queues import watch_queues
from bridge.clock import utc_now
from bridge.ledger import lists, notices, reads, reconciling
from bridge.runtime import Runtime
from schemas.base import shanghai

_READY_SECONDS = 5.0


def routes(runtime: Runtime) -> list[Route]:
    """The three routes of this process."""

    async def healthz(_request: Request) -> Response:
        return _json({"status": "ok", "owner": runtime.owner}, 200)

    async def readyz(_request: Request) -> Response:
        checks = await check(runtime)
        good = all(item["ok"] for item in checks.values())
        return _json({"ready": good, "checks": checks}, 200 if good else 503)

    async def metrics(_request: Request) -> Response:
        return Response(await _metrics(runtime), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


async def check(runtime: Runtime) -> dict[str, dict[str, Any]]:
    """Each thing this process cannot do without, whether it is well, and if not, why."""
    law = runtime.law
    return {
        "database": await _database(runtime),
        "broker": _item(runtime.relay.trouble),
        "witness": _witness(runtime),
        "law": _item(None if law is None or law.holds else f"difference {law.difference}, orphans {len(law.orphans)}"),
    }


async def _database(runtime: Runtime) -> dict[str, Any]:
    try:
        await asyncio.wait_for(asyncio.to_thread(runtime.store.ping), _READY_SECONDS)
    except Exception as error:
        return _item(f"{type(error).__name__}: the database cannot be reached")
    return _item(None)


def _witness(runtime: Runtime) -> dict[str, Any]:
    """A second place that is behind is shown, and makes nothing unready: sealing and signing go on without it."""
    behind = runtime.copy_troubles
    return {**_item(runtime.witness_trouble), **({"copies_behind": behind} if behind else {})}


def _item(trouble: str | None) -> dict[str, Any]:
    return {"ok": trouble is None, **({"why": trouble} if trouble else {})}


async def _metrics(runtime: Runtime) -> bytes:
    law = await runtime.ledger.conservation()
    kept = await runtime.ledger.read(reads.message_counts)
    unsealed = await runtime.ledger.unsealed_count()
    queues = await asyncio.to_thread(watch_queues, runtime.settings.broker_url, runtime.topology)
    registry = CollectorRegistry()
    petitions = Gauge("bridge_petitions", "Petitions by place (诉求)", ["place"], registry=registry)
    for place in ("accepted", "closed", "held", "in_flight", "parked"):
        petitions.labels(place).set(getattr(law, place))
    Gauge("bridge_law_difference", "accepted - closed - held - in flight - parked; must be 0", registry=registry).set(
        law.difference
    )
    Gauge("bridge_law_orphans", "Cases and hand-offs that nobody would look at again", registry=registry).set(
        len(law.orphans)
    )
    Gauge("bridge_oldest_in_flight_seconds", "Age of the oldest unfinished hand-off", registry=registry).set(
        law.oldest_in_flight_seconds
    )
    handoffs = Gauge("bridge_handoffs", "Hand-offs by system and state", ["system", "state"], registry=registry)
    for system, states in law.by_system.items():
        for state, count in states.items():
            handoffs.labels(system, state).set(count)
    messages = Gauge("bridge_messages", "Messages that became nothing, by status", ["status"], registry=registry)
    for status, count in kept.items():
        messages.labels(status).set(count)
    depth = Gauge("bridge_queue_messages", "Messages ready in each queue", ["queue"], registry=registry)
    for name, found in queues.items():
        depth.labels(name).set(found["ready"])
    differences = Gauge(
        "bridge_reconciliation_open", "Differences that people must look at (对账)", ["system"], registry=registry
    )
    for system, count in (await runtime.ledger.read(reconciling.open_by_system)).items():
        differences.labels(system).set(count)
    calendar = await runtime.ledger.read(lambda conn: notices.calendar(conn, runtime.ledger.rules))
    Gauge(
        "bridge_calendar_missing_year", "The year whose notice of days off should be loaded by now; 0: none",
        registry=registry,
    ).set(calendar.alarm(shanghai(utc_now()).date()) or 0)  # fmt: skip
    listed = Gauge("bridge_listed", "Petitions on the lists of the day (每日清单)", ["list"], registry=registry)
    for which, count in (await runtime.ledger.read(lists.counts)).items():
        listed.labels(which).set(count)
    out_of_order = await runtime.ledger.read(lists.out_of_order_count)
    Gauge("bridge_events_out_of_order", "Events that were kept and moved nothing", registry=registry).set(out_of_order)
    Gauge("bridge_unsealed_entries", "Journal entries the witness has not sealed yet", registry=registry).set(unsealed)
    breaker = Gauge("bridge_breaker_open", "1 while a system's breaker is open", ["system"], registry=registry)
    for system, desk in runtime.desks.items():
        breaker.labels(system).set(int(desk.breaker.is_open))
    return generate_latest(registry)


def _json(document: object, status: int) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")
