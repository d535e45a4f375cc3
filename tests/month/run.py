"""The bridge through the invented month: a ledger with the real verbs, and everything that must be told arrives."""

import asyncio
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from bridge.adapter import Receipt, Ref
from bridge.ledger.deliver import Leased
from bridge.ledger.keep import Replayed
from bridge.ledger.opening import open_event
from schemas.petition import Category, Petitioner, Place
from tests.month.city import BEGIN, END, HOUR, Brought, Told
from tests.support.ledgers import WECHAT, Bench, arrival, number, petition, submission, update

COUNT = int(os.environ.get("BRIDGE_MONTH", "300"))


@dataclass
class Run:
    """The month when it is over."""

    bench: Bench
    city: list[Brought]
    ids: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def events(self, key: str) -> list[dict[str, Any]]:
        return [row for row in self.bench.events(self.ids[key]) if row["source"] == "bridge"]

    def data(self, row: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(open_event(self.bench.privacy.vault, row)["data"])
        return found


async def live(run: Run) -> None:
    agenda = _agenda(run.city)
    gathered = 0
    for hour in _hours(agenda):
        run.bench.clock.at = hour
        if await _take(run, agenda.get(hour, ())):
            await run.bench.ledger.gather(gathered)
            gathered = run.bench.clock.ms
        while await run.bench.ledger.judge(200):
            pass
        await _tell(run)
        if hour.hour == 0:
            law = await run.bench.ledger.conservation()
            if not law.holds:
                run.broken.append(f"{hour}: {law}")


def _hours(agenda: Mapping[datetime, Any]) -> Iterator[datetime]:
    """Every hour in which something is heard, and midnight and eight o'clock of every day."""
    hour = BEGIN
    while hour <= END:
        if hour.hour in (0, 8) or hour in agenda:
            yield hour
        hour += HOUR


def _agenda(city: list[Brought]) -> dict[datetime, list[tuple[datetime, Brought, Told | None]]]:
    """What the bridge hears in each hour, in the order in which it happened."""
    found: dict[datetime, list[tuple[datetime, Brought, Told | None]]] = defaultdict(list)
    for one in city:
        found[one.heard].append((one.at, one, None))
        for told in one.told:
            found[told.heard].append((told.at, one, told))
    for heard in found.values():
        heard.sort(key=lambda entry: entry[0])
    return found


async def _take(run: Run, heard: Any) -> bool:
    """The submissions of the hour together, then what is told of petitions, each petition's in order. Whether there
    were submissions."""
    ledger, at = run.bench.ledger, run.bench.clock.at
    fresh = [one for _, one, told in heard if told is None]
    results = await asyncio.gather(
        *(ledger.accept(arrival(_submission(one), system=one.source, at=at)) for one in fresh)
    )
    for one, outcomes in zip(fresh, results, strict=True):
        assert not isinstance(outcomes, Replayed)
        run.ids[one.key] = outcomes[0].petition_id or ""
    later = [
        arrival(_update(run, one, told, place), system=told.system, at=at)
        for place, (_, one, told) in enumerate(heard)
        if told is not None
    ]
    await asyncio.gather(*(ledger.accept(one) for one in later))
    return bool(fresh)


def _submission(one: Brought) -> Any:
    who = f"{one.person:03}" if one.person is not None else one.key
    place = Place(region_code=one.region, community="甲社区" if one.hot else f"{one.key}社区")
    category = Category(name="供暖" if one.hot else "路灯" if one.person is not None else None)
    draft = petition(
        one.words, title="", kind=one.kind, handling_class=one.handling_class, place=place, category=category
    )
    draft = draft.model_copy(update={"petitioner": Petitioner(openid=f"o-{who}")})
    return submission(f"s-{one.key}", number(one.key, one.source), draft=draft, at=one.at)


def _update(run: Run, one: Brought, told: Told, place: int) -> Any:
    key = f"{one.key}-{told.type}-{told.at:%m%d%H%M}-{place}"
    return update(key, told.type, Ref(petition_id=run.ids[one.key]), at=told.at, actor=told.actor, **told.data)


async def _tell(run: Run) -> None:
    """Everything that must be told arrives at once."""
    bench = run.bench
    while True:
        events = [row["event_id"] for row in bench.rows("SELECT event_id FROM conveyor WHERE routed_at IS NULL")]
        await asyncio.gather(*(asyncio.wrap_future(bench.ledger.route_later(event_id)) for event_id in events))
        bench.ledger.confirm_later(events, []).result()
        ready = [row["handoff_id"] for row in bench.rows(_READY)]
        if not events and not ready:
            break
        leased = await asyncio.gather(*(bench.ledger.lease(one, "w1", 60) for one in ready))
        await asyncio.gather(*(_arrive(bench, one) for one in leased if one is not None))
    bench.published.clear()


_READY = "SELECT handoff_id FROM handoffs WHERE state IN ('pending', 'queued')"


async def _arrive(bench: Bench, leased: Leased) -> None:
    handoff = leased.handoff
    holds = handoff["system"] != WECHAT and handoff["event_type"] in ("submitted", "reclassed")
    told = "petitioner" in handoff["audience"]
    receipt = Receipt(f"R-{handoff['handoff_id']}", holds=holds, told_petitioner=told)
    await bench.ledger.settle(bench.settlement(leased, receipt))
