"""`bridge trail` says who has a petition, who ordered what, and what a 改类 made of it."""

from pathlib import Path

import pytest

from bridge.retry import Park
from bridge.words import sentence
from schemas.event import EventType as E
from schemas.petition import HandlingClass
from tests.support.commands import bridge
from tests.support.ledgers import HOTLINE, Bench


def test_the_trail(here: Path) -> None:
    bench = Bench("sqlite:///data/bridge.db")
    case = bench.submit()
    bench.route_all()
    assert "holder 持有：— none 无" in bridge("trail", case.id).stdout
    handoff = bench.head(case, HOTLINE)
    bench.send(handoff, Park("bad_region"))
    assert bridge("replay", handoff, "--reason", "区划已补", "--operator", "zhang").code == 0
    bench.deliver(case, HOTLINE, holds=True)
    bench.say(case, E.RECLASSED, HOTLINE, handling_class=HandlingClass.HOME_UNIT)
    bench.route_all()
    bench.close()
    head, *lines = bridge("trail", case.id).stdout.splitlines()
    assert head == f"{case.id}  state 状态：submitted  holder 持有：12345热线 hotline12345"
    (replayed,) = [line for line in lines if "handoff.replayed" in line]
    assert "由 操作人 zhang  事由 区划已补" in replayed
    (reclassed,) = [line for line in lines if "改为" in line]
    assert "(petition.reclassed)" in reclassed
    assert "改为 派出单位办理 home_unit" in reclassed


@pytest.mark.parametrize(
    ("outcome", "said"), [("held", "→ —  [已有系统持有 held]"), ("no_target", "→ —  [无须转告 no_target]")]
)
def test_why_nobody_was_told(outcome: str, said: str) -> None:
    entry = {"at": "2026-11-22T12:00:00.000+08:00", "what": "event.routed", "from": "bridge", "outcome": outcome}
    assert said in sentence(entry)


def test_who_did_it() -> None:
    entry = {"at": "2026-11-22T12:00:00.000+08:00", "what": "petition.closed", "from": "wechat", "actor": "owner"}
    assert sentence(entry).endswith("由 首问书记")
