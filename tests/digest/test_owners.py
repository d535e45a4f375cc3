"""Who answers for a petition changes; what a sealed month says of it does not."""

import pytest

from bridge.clock import from_ms, to_ms
from bridge.digest.case import Entry, Happening, fold
from bridge.digest.month import Month
from bridge.ledger.owner import HandOver, hand_over_owner
from bridge.ledger.roster import Lists, import_lists
from bridge.ledger.work import Work
from bridge.roster import Member, Team
from schemas.event import EventType as E
from schemas.petition import HandlingClass, Secretary
from tests.digest.test_reading import MIDDLE, MONTH, Town
from tests.support.ledgers import Bench

BEFORE = Secretary(id="s1", name="孟青", team_id="t1", home_unit="市水务局")


@pytest.fixture
def town(bench: Bench) -> Town:
    bench.clock.at = MIDDLE
    lists = Lists((Team("t2", "第二服务队", "市住建局"),), (Member("s2", "停水", "t2"),))
    with bench.store.writing() as conn:
        import_lists(Work(conn, to_ms(bench.clock.at), bench.privacy), [(lists, "ops")])
    return Town(bench)


def test_a_sealed_month_holds_after_a_hand_over(town: Town) -> None:
    bench = town.bench
    cases = [
        town.submit(who, secretary=BEFORE, handling_class=HandlingClass.HOME_UNIT, lead_unit=None) for who in range(4)
    ]
    bench.clock.at = from_ms(Month(2026, 11).start) + (MIDDLE - from_ms(MONTH.start))
    first = town.reckon()
    assert town.seal(first)
    found = town.write(lambda work: hand_over_owner(work, [HandOver(case, "s2", "ops", "轮换") for case in cases]))
    assert {one.result for one in found} == {"done"}
    again = town.reckon()
    assert again.holds is True
    assert "市水务局" in str(again.traced)


@pytest.mark.parametrize(
    ("actor", "first", "changes", "counted"),
    [
        ("petitioner", "home_unit", None, 1), (None, "home_unit", None, 1), ("unit", "hotline_transfer", None, 0),
        ("system", "hotline_transfer", None, 0), ("owner", "home_unit", None, 0), ("owner", "on_site", None, 0),
        ("owner", "hotline_transfer", None, 1), ("owner", "on_site", "hotline_transfer", 1),
    ],
)  # fmt: skip
def test_no_unit_is_unsatisfied_with_itself(actor: str | None, first: str, changes: str | None, counted: int) -> None:
    events = [Happening(E.REPLIED, 3, 3), Happening(E.RATED, 4, 4, {"satisfaction": "unsatisfied"}, actor)]
    if changes:
        events.insert(0, Happening(E.RECLASSED, 2, 2, {"handling_class": changes}))
    row = {
        "petition_id": "LT1", "accepted_at": 1, "source": "wechat", "kind": "help", "handling_class": first,
        "region": "", "team_id": "t1",
    }  # fmt: skip
    case = fold(row, {"handling_class": first}, events, [Entry("petition.accepted", 1, "submitted", "e")])
    assert case.marked("unsatisfied") == counted
