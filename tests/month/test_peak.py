"""Peaks: visits fall on the 5th, 15th and 25th. On such a weekend day ten times the mean comes in one hour; the units'
clocks stand still until Monday, and nothing is late that should not be."""

import asyncio
from datetime import datetime, timedelta

from bridge.clock import from_ms
from bridge.ledger.keep import Replayed
from bridge.ledger.migrate import migrate
from bridge.ledger.store import Store
from bridge.watch import JUDGED
from schemas.base import SHANGHAI
from schemas.event import EventType as E
from schemas.petition import HandlingClass
from tests.support.ledgers import HOTLINE, Bench, Clock, arrival, number, petition, ref, submission, update

SUNDAY = datetime(2026, 10, 25, 10, tzinfo=SHANGHAI)
MEAN_AN_HOUR = 28
"""Twenty thousand a month."""

COUNT = 10 * MEAN_AN_HOUR


def _bring(bench: Bench) -> list[str]:
    async def together() -> list[str]:
        drafts = [
            submission(
                f"m{place}", number(f"m{place}"), at=SUNDAY + timedelta(seconds=12 * place),
                draft=petition(f"第{place}件", openid=f"o-{place}", handling_class=HandlingClass.HOTLINE_TRANSFER),
            )
            for place in range(COUNT)
        ]  # fmt: skip
        found = await asyncio.gather(*(bench.ledger.accept(arrival(one, at=bench.clock.at)) for one in drafts))
        outcomes = [outcomes for outcomes in found if not isinstance(outcomes, Replayed)]
        return [outcome.petition_id or "" for of_one in outcomes for outcome in of_one]

    return bench.do(together())


def _tell(bench: Bench, type_: E, at: datetime, **data: str) -> None:
    bench.clock.at = at
    told = [update(f"{type_}-{place}", type_, ref(f"m{place}"), at=at, **data) for place in range(COUNT)]
    for start in range(0, COUNT, 100):
        bench.take(*told[start : start + 100], system=HOTLINE)


def test_ten_times_the_mean_in_an_hour_of_a_weekend(tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/bridge.db"
    store = Store(url)
    migrate(store)
    bench = Bench(url, Clock(SUNDAY + timedelta(hours=1)), store=store)
    petitions = _bring(bench)
    assert len(set(petitions)) == COUNT > JUDGED
    rows = bench.rows("SELECT due_at, look_at FROM petitions")
    assert {from_ms(row["due_at"]) for row in rows} == {datetime(2026, 10, 30, 23, 59, 59, tzinfo=SHANGHAI)}
    monday = datetime(2026, 10, 26, 23, 59, 59, tzinfo=SHANGHAI)
    assert {from_ms(row["look_at"]) for row in rows} == {monday}, "nothing needs a look while nobody works"

    bench.clock.at = monday - timedelta(hours=14)
    assert bench.judge() == 0
    _tell(bench, E.SIGNED, monday - timedelta(hours=10), unit="区城管局")
    bench.clock.at = monday
    looked = 0
    while found := bench.judge(JUDGED):
        assert found <= JUDGED, "whoever stands at a door waits for no more than one round"
        looked += found
    assert looked == COUNT
    assert bench.rows("SELECT * FROM events WHERE source = 'bridge'") == [], "signed on the first working day: no card"

    _tell(bench, E.REPLIED, datetime(2026, 10, 30, 17, tzinfo=SHANGHAI), text="已处理", unit="区城管局")
    bench.clock.at = datetime(2026, 11, 20, tzinfo=SHANGHAI)
    while bench.judge():
        pass
    said = bench.rows("SELECT type, announced FROM events WHERE source = 'bridge'")
    # The yellow card comes a working day before the end, whoever answers on the last day.
    assert len(said) == COUNT
    assert all('"level":"yellow"' in row["announced"] for row in said)
    assert bench.rows("SELECT * FROM petitions WHERE no_echo IS NOT NULL OR no_landing IS NOT NULL") == []
    law = bench.law()
    assert (law.accepted, law.difference) == (COUNT, 0)
    bench.close()
