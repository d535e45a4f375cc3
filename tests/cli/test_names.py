"""A name that nobody has is refused: to find nothing of it would look like an all-clear."""

from pathlib import Path

import pytest

from bridge.retry import Park
from tests.support.commands import Told, bridge
from tests.support.ledgers import HOTLINE, Bench

WHO = ("--reason", "试", "--operator", "zhang")


@pytest.fixture
def parked(here: Path) -> str:
    """A hand-off to the hotline that is parked."""
    bench = Bench("sqlite:///data/bridge.db")
    case = bench.submit()
    bench.route_all()
    handoff = bench.head(case, HOTLINE)
    bench.send(handoff, Park("bad_region"))
    bench.close()
    return handoff


def refused(told: Told, *words: str) -> None:
    assert told.code == 2, told
    assert all(word in told.stderr for word in words), told


@pytest.mark.parametrize(
    "words",
    [("parked", "--system", "nosuch"), ("replay", "--all-parked", "nosuch", *WHO), ("reconcile", "nosuch"),
     ("cancel", "--all-parked", "nosuch", *WHO)],
    ids=" ".join,
)  # fmt: skip
def test_no_such_system(words: tuple[str, ...], here: Path) -> None:
    refused(bridge(*words), "nosuch: no such system; known: hotline12345, governance_center, wechat")


def test_no_such_reason(parked: str) -> None:
    refused(
        bridge("replay", "--all-parked", HOTLINE, "--parked-for", "foo", *WHO),
        f"nothing of {HOTLINE} is parked for foo; it is for: bad_region",
    )
    refused(bridge("replay", parked, "--parked-for", "bad_region", *WHO), "--parked-for goes with --all-parked")
    told = bridge("replay", "--all-parked", HOTLINE, "--parked-for", "bad_region", *WHO, "--json")
    assert [order["result"] for order in told.document["handoffs"]] == ["done"]
    told = bridge("replay", "--all-parked", HOTLINE, "--parked-for", "bad_region", *WHO)
    assert (told.code, "nothing to do" in told.stdout) == (0, True)


def test_no_such_team_or_unit(parked: str) -> None:
    refused(bridge("lists", "--team", "nosuch"), "nosuch: no such team", "on the roster: none")
    refused(bridge("rates", "--month", "2026-10", "--team", "nosuch"), "nosuch: no such team")
    refused(bridge("lists", "--unit", "无此单位"), "无此单位: no such unit")
    assert bridge("lists", "--team", "team-9").code == 0, "of a petition, if not on the roster"
    Path("teams.csv").write_text("服务队编号,服务队名称\nT1,第一服务队\n", encoding="utf-8")
    Path("units.csv").write_text("单位名称,联系人编号\n市城管局,\n", encoding="utf-8")
    assert bridge("roster", "import", "teams.csv", "units.csv").code == 0
    assert bridge("lists", "--team", "T1", "--unit", "市城管局").code == 0
    refused(bridge("lists", "--team", "nosuch"), "on the roster: T1")


@pytest.mark.parametrize("phone", ["abc", "123456", "abc13900001234", "13900001234 或 13900005678", "1" * 21, " "])
def test_what_is_no_telephone_number(phone: str, here: Path) -> None:
    told = bridge("erase", "--phone", phone, *WHO)
    refused(told, "--phone: this is no telephone number")
    assert phone == " " or phone not in told.stderr


@pytest.mark.parametrize(
    "phone", ["13900001234", "+86 139-0000-1234", "（0537）2345678", "0537-2345678转801", "0537-2345678 ext. 801"]
)
def test_what_is_a_telephone_number(phone: str, here: Path) -> None:
    told = bridge("erase", "--phone", phone, *WHO)
    assert (told.code, "没有该诉求人的记录" in told.stdout) == (0, True), told


def test_to_erase_asks_for_all_that_it_needs(here: Path) -> None:
    told = bridge("erase")
    assert all(option in told.stdout + told.stderr for option in ("--petition", "--phone", "--openid", "--operator"))
    assert told.code == 2
    refused(bridge("erase", "--openid", " ", *WHO), "--openid: nothing was given")
