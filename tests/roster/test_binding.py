"""The roster in the ledger: imported whole, loaded whole, and secretaries bound by one-time codes."""

import asyncio
from typing import Any

from bridge.clock import to_ms
from bridge.ledger.roster import CodeOrder, Lists, bind, code_key, import_lists, load, make_codes, version
from bridge.ledger.work import Work
from bridge.roster import Area, Bound, Member, Roster, Team, Unit
from bridge.rosterboard import RosterBoard
from schemas.petition import Place
from tests.support.ledgers import Bench, petition

OPENID, OTHER = "oSecretary00000000000000001", "oSecretary00000000000000002"
LISTS = Lists(
    teams=(Team("T1", "第一服务队", "市住建局", "S1"),),
    members=tuple(Member(f"S{n}", f"孟{n}", "T1") for n in range(1, 6)),
    areas=(Area("370811", "太白湖街道", "许庄社区", "T1", "S2"),),
    units=(Unit("市住建局", "ZJ", "S1"),),
)


def write(bench: Bench, verb: Any, order: Any) -> Any:
    """One verb in a transaction of its own, as the command line does it."""
    with bench.store.writing() as conn:
        return verb(Work(conn, to_ms(bench.clock.at), bench.privacy), [order])[0]


def loaded(bench: Bench) -> Roster:
    with bench.store.reading() as conn:
        return load(conn, bench.privacy.vault)


def code(bench: Bench, secretary: str = "S1", hours: float = 24.0) -> str:
    made = write(bench, make_codes, CodeOrder(secretary, "ops", hours))
    assert made is not None
    return str(made)


def imported(bench: Bench, lists: Lists = LISTS) -> Any:
    return write(bench, import_lists, (lists, "ops"))


def test_what_is_imported_is_loaded(bench: Bench) -> None:
    changes = imported(bench)
    assert (changes.version, changes.joined, changes.left) == (1, ("S1", "S2", "S3", "S4", "S5"), ())
    assert dict(changes.counts) == {"teams": 1, "secretaries": 5, "areas": 1, "units": 1}
    found = loaded(bench)
    assert (found.teams, found.members, found.areas, found.units) == (
        LISTS.teams,
        LISTS.members,
        LISTS.areas,
        LISTS.units,
    )
    assert [item.covered for item in found.coverage()] == [True]


def test_who_is_not_listed_any_more_has_left_and_is_unbound(bench: Bench) -> None:
    imported(bench)
    assert write(bench, bind, (code(bench, "S1"), OPENID)) == Bound("bound", "S1", "孟1")
    waiting = code(bench, "S1")
    changes = imported(bench, Lists(members=LISTS.members[1:]))  # type: ignore[index]
    assert (changes.joined, changes.left) == ((), ("S1",))
    found = loaded(bench)
    assert found.openids == {}
    assert found.secretary("S1") is None
    assert {member.id for member in found.members} == {"S1", "S2", "S3", "S4", "S5"}
    assert found.teams == LISTS.teams, "a list that was not given stays"
    assert write(bench, bind, (waiting, OPENID)) == Bound("unknown")
    assert imported(bench).joined == ("S1",)


def test_a_code_binds_once(bench: Bench) -> None:
    imported(bench)
    given = code(bench)
    assert write(bench, bind, (given.lower().replace("-", " "), OPENID)) == Bound("bound", "S1", "孟1")
    before = version_of(bench)
    assert write(bench, bind, (given, OPENID)) == Bound("bound", "S1", "孟1"), "the message came twice"
    assert version_of(bench) == before
    assert write(bench, bind, (given, OTHER)) == Bound("used")
    assert loaded(bench).openids == {"S1": OPENID}


def version_of(bench: Bench) -> int:
    with bench.store.reading() as conn:
        return version(conn)


def test_a_code_expires_and_a_wrong_one_is_unknown(bench: Bench) -> None:
    imported(bench)
    given = code(bench, hours=1.0)
    bench.clock.turn(3600)
    assert write(bench, bind, (given, OPENID)) == Bound("expired")
    assert write(bench, bind, ("0000-0000", OPENID)) == Bound("unknown")
    assert write(bench, bind, ("", OPENID)) == Bound("unknown")
    assert loaded(bench).openids == {}


def test_a_new_code_takes_the_place_of_the_unused_one(bench: Bench) -> None:
    imported(bench)
    first, second = code(bench), code(bench)
    assert write(bench, bind, (first, OPENID)) == Bound("unknown")
    assert write(bench, bind, (second, OPENID)).status == "bound"
    assert write(bench, make_codes, CodeOrder("S9", "ops")) is None


def test_one_person_one_phone(bench: Bench) -> None:
    imported(bench)
    for secretary, openid in (("S1", OPENID), ("S1", OTHER), ("S2", OTHER)):
        assert write(bench, bind, (code(bench, secretary), openid)).status == "bound"
    assert loaded(bench).openids == {"S2": OTHER}, "a new phone replaces the old, a phone handed on its owner"


def test_no_openid_and_no_code_lies_in_the_clear(bench: Bench) -> None:
    imported(bench)
    given = code(bench)
    write(bench, bind, (given, OPENID))
    bare = given.replace("-", "")
    for name in ("bindings", "binding_codes", "journal"):
        for row in bench.rows(f"SELECT * FROM {name}"):
            assert OPENID not in str(row)
            assert bare not in str(row)
    (row,) = bench.rows("SELECT * FROM binding_codes")
    assert row["code_key"] == code_key(bench.privacy.lookup, given)
    whats = [row["what"] for row in bench.rows("SELECT what FROM journal ORDER BY entry_id")]
    assert whats == ["operator.roster", "operator.bind_code", "operator.bound"]


def test_the_board_reloads_when_the_version_changes(bench: Bench) -> None:
    board = RosterBoard()
    draft = petition(place=Place(community="许庄社区"))
    assert board.owner(draft) is None
    assert bench.do(board.refresh(bench.ledger)) is False
    imported(bench)
    assert bench.do(board.refresh(bench.ledger)) is True
    owner = board.owner(draft)
    assert owner is not None
    assert owner.id == "S2"
    snapshot = board.roster
    assert bench.do(board.refresh(bench.ledger)) is False
    assert board.roster is snapshot
    write(bench, bind, (code(bench, "S2"), OPENID))
    assert bench.do(board.refresh(bench.ledger)) is True
    assert board.of_secretary("S2") == OPENID
    assert board.of_unit("市住建局") is None


def test_the_board_watches_until_it_is_cancelled(bench: Bench) -> None:
    board = RosterBoard()

    async def story() -> None:
        watching = asyncio.get_running_loop().create_task(board.watch(bench.ledger, 0.01))
        await asyncio.to_thread(imported, bench)
        while board.roster.version == 0:
            await asyncio.sleep(0.01)
        watching.cancel()

    bench.do(story())
    assert len(board.roster.members) == 5
