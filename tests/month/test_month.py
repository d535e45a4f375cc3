"""A simulated month on a virtual clock: the law holds, no petition is without owner or deadline, and cards and
supervision are exactly where a second, independent reckoning has them.

`make test` runs a small city; `make month` (BRIDGE_MONTH=20000) a whole one.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import orjson
import pytest

from bridge.adapter import Receipt, Ref
from bridge.clock import from_ms
from bridge.ledger.deliver import Leased
from bridge.ledger.keep import Replayed
from bridge.ledger.migrate import migrate
from bridge.ledger.opening import open_event
from bridge.ledger.store import Store
from schemas.event import EventType as E
from schemas.petition import Category, Petitioner, Place
from tests.month.city import BEGIN, END, HOUR, Brought, Told, month
from tests.month.reckoning import Reckoned, reckon, supervised
from tests.support.ledgers import WECHAT, Bench, Clock, arrival, number, petition, submission, update

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


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    url = f"sqlite:///{tmp_path_factory.mktemp('month') / 'bridge.db'}"
    store = Store(url)
    migrate(store)
    bench = Bench(url, Clock(BEGIN), store=store)
    run = Run(bench, month(COUNT))
    bench.do(_live(run), seconds=3600.0)
    yield run
    bench.close()


# ── the month ───────────────────────────────────────────────────────────────────────────────────────────────


async def _live(run: Run) -> None:
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
    place = Place(community="甲社区" if one.hot else f"{one.key}社区")
    category = Category(name="供暖" if one.hot else "路灯" if one.person is not None else None)
    draft = petition(content=f"诉求{one.key}", handling_class=one.handling_class, place=place, category=category)
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


# ── what must be true ───────────────────────────────────────────────────────────────────────────────────────


def test_the_law_held_every_midnight(over: Run) -> None:
    assert over.broken == []
    law = over.bench.law()
    assert law.accepted == len(over.city)
    assert (law.in_flight, law.parked) == (0, 0)
    assert law.closed > law.held > 0


def test_no_petition_is_without_owner_or_deadline(over: Run) -> None:
    rows = over.bench.rows("SELECT * FROM petitions")
    assert [row["petition_id"] for row in rows if not row["owner_id"] or row["due_at"] is None] == []
    open_ = [row for row in rows if row["closed_at"] is None]
    assert [
        row["petition_id"] for row in open_ if row["look_at"] is None or row["look_at"] <= over.bench.clock.ms
    ] == []
    assert over.bench.rows("SELECT * FROM journal WHERE what = 'deadline.not_judged'") == []


def test_cards_are_exactly_where_a_second_reckoning_has_them(over: Run) -> None:
    wrong = {}
    for one in over.city:
        rows = [row for row in over.events(one.key) if row["type"] in ("urged", "supervised")]
        said = [(over.data(row)["level"], from_ms(row["occurred_at"])) for row in rows]
        given = sorted((card for card in said if card[0] != "key"), key=lambda card: (card[1], card[0]))
        wanted = sorted(reckon(one).cards, key=lambda card: (card[1], card[0]))
        if given != wanted:
            wrong[one.key, one.story] = (given, wanted)
    assert wrong == {}
    assert {level for one in over.city for level, _ in reckon(one).cards} == {"urge", "yellow", "red", "black"}


def test_supervision_is_exactly_where_a_second_reckoning_has_it(over: Run) -> None:
    given: dict[str, set[str]] = {}
    for one in over.city:
        orders = [over.data(row) for row in over.events(one.key) if row["type"] == "supervised"]
        reasons = [order["supervision"]["reason"] for order in orders if order["level"] == "key"]
        assert len(reasons) == len(set(reasons)), "each rule supervises a petition once"
        if reasons:
            given[one.key] = set(reasons)
    assert {why for reasons in given.values() for why in reasons} == {"hot", "repeated", "long_pending", "unsatisfied"}
    alone, crowds = supervised(over.city)
    for crowd in crowds:
        chosen = [key for key in crowd.keys if crowd.why in given.get(key, ())]
        assert len(chosen) == crowd.supervised, crowd
        for key in chosen:
            given[key].discard(crowd.why)
    assert {key: reasons for key, reasons in given.items() if reasons} == alone


def test_reply_deadlines_are_what_a_second_reckoning_says(over: Run) -> None:
    reckoned: dict[str, Reckoned] = {one.key: reckon(one) for one in over.city}
    still_open = {
        row["petition_id"] for row in over.bench.rows("SELECT petition_id FROM petitions WHERE closed_at IS NULL")
    }
    for one in over.city:
        if over.ids[one.key] in still_open:
            assert from_ms(over.bench.petition(over.ids[one.key])["due_at"]) == reckoned[one.key].due, one


def test_every_no_began_one_round_and_every_night_one_class(over: Run) -> None:
    for one in over.city:
        reckoned, types = reckon(one), [row["type"] for row in over.events(one.key)]
        assert types.count("rehandled") == reckoned.noes, one
        announced = [row for row in over.events(one.key) if "现场解决未在" in str(over.data(row).get("text"))]
        assert len(announced) == reckoned.overnight, one


def test_only_what_came_after_the_end_was_out_of_order(over: Run) -> None:
    rows = over.bench.rows("SELECT petition_id FROM events WHERE out_of_order")
    strays = {over.ids[one.key] for one in over.city if one.story == "stray" and one.told[-1].heard <= END}
    assert sorted(row["petition_id"] for row in rows) == sorted(strays)


def test_whoever_is_listed_was_told_of_once_a_day(over: Run) -> None:
    forgotten = next(one for one in over.city if one.story == "forgotten")
    told = [from_ms(row["occurred_at"]) for row in over.events(forgotten.key) if row["type"] == E.NOTED]
    assert len(told) >= 10
    assert {moment.hour for moment in told} == {8}
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(told))
