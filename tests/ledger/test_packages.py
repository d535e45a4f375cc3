"""Joint packages: who is in which, the plan and its date, assisting units that are late, what is shown of it."""

from datetime import timedelta
from typing import Any

import pytest

from bridge.adapter import Ref
from bridge.ledger import lists
from bridge.ledger.packages import package
from schemas.event import Assignment, Package, UnitRole
from schemas.event import EventType as E
from schemas.petition import HandlingClass
from tests.support.ledgers import CENTER, HOTLINE, Bench, Case, update

NUMBER = "DB-7"
UNITS = (Assignment(unit="市住建局"), Assignment(unit="市水务局", role=UnitRole.ASSIST))


def pack(bench: Bench, case: Case, system: str = CENTER, **more: Any) -> None:
    joint = HandlingClass.JOINT_PACKAGE
    bench.say(case, E.RECLASSED, system, handling_class=joint, units=UNITS, package=Package(number=NUMBER, **more))


def listed(bench: Bench, which: lists.Which, **wanted: str) -> list[dict[str, Any]]:
    with bench.store.reading() as conn:
        return lists.listed(conn, which, **wanted)  # type: ignore[arg-type]  # a test's words


def shown(bench: Bench, **wanted: str) -> list[dict[str, Any]]:
    with bench.store.reading() as conn:
        found = package(conn, NUMBER, **wanted)
    assert found is not None
    assert found["answered"] + found["open"] == len(found["members"])
    return list(found["members"])


def test_members_are_known_by_the_packages_number_and_share_its_plans_date(bench: Bench) -> None:
    first, second, other = (bench.submit(CENTER) for _ in range(3))
    due = bench.clock.at + timedelta(days=3)
    pack(bench, first)
    pack(bench, second, due_at=due, plan="先排水，后修路")
    pack(bench, first, due_at=due + timedelta(days=1))
    pack(bench, other, HOTLINE)
    mine = shown(bench, system=CENTER)
    assert [member["petition_id"] for member in mine] == sorted([first.id, second.id])
    assert {member["due_at"] for member in mine} == {"2026-11-26T12:00:00.000+08:00"}, "the newest date is all members'"
    assert {member["answered"] for member in mine} == {False}
    assert len(shown(bench)) == 3
    assert "排水" not in str(bench.rows("SELECT * FROM packages"))


def test_each_member_is_answered_by_itself(bench: Bench) -> None:
    first, second = bench.submit(CENTER), bench.submit(CENTER)
    for case in (first, second):
        pack(bench, case)
    bench.say(first, E.REPLIED, CENTER, text="已处理")
    assert {member["petition_id"]: member["answered"] for member in shown(bench)} == {first.id: True, second.id: False}


def test_a_plan_that_is_over_is_listed_as_soon_as_it_is(bench: Bench) -> None:
    case = bench.submit(CENTER)
    bench.say(case, E.DISPATCHED, CENTER, units=UNITS)
    bench.say(case, E.SIGNED, CENTER, unit="市住建局")
    due = bench.clock.at + timedelta(hours=3)
    pack(bench, case, due_at=due)
    bench.judge()
    assert bench.petition(case)["look_at"] <= (due + timedelta(seconds=1)).timestamp() * 1000
    assert listed(bench, "no_landing") == []
    bench.clock.turn(3 * 3600 + 2)
    bench.judge()
    (line,) = listed(bench, "no_landing")
    assert (line["petition_id"], line["why"], line["why_zh"]) == (case.id, "plan_overdue", "打包方案逾期未落实")
    bench.say(case, E.REPLIED, CENTER, text="已处理")
    bench.say(case, E.CLOSED, CENTER, text="办结")
    bench.judge()
    assert [row["why"] for row in listed(bench, "no_landing")] == ["not_assisted"]


def test_in_its_package_it_stays_whatever_its_class_is_by_then(bench: Bench) -> None:
    case = bench.submit(CENTER)
    due = bench.clock.at + timedelta(days=1)
    bench.say(case, E.DISPATCHED, CENTER, units=UNITS, package=Package(number=NUMBER, due_at=due))
    bench.say(case, E.SIGNED, CENTER, unit="市住建局", role=UnitRole.LEAD)
    bench.say(case, E.RECLASSED, CENTER, handling_class=HandlingClass.KEY_SUPERVISION)
    bench.clock.turn(86_402)
    bench.judge()
    assert [row["why"] for row in listed(bench, "no_landing")] == ["plan_overdue"]
    bench.clock.turn(14 * 86_400)
    bench.judge()
    assert bench.petition(case)["late_units"] == "\n市水务局\n"


def test_an_assisting_unit_that_is_late_is_on_the_list_under_its_own_name(bench: Bench) -> None:
    case = bench.submit(CENTER)
    pack(bench, case)
    bench.say(case, E.DISPATCHED, CENTER, units=UNITS)
    for unit, role in (("市住建局", UnitRole.LEAD), ("市水务局", UnitRole.ASSIST)):
        bench.say(case, E.SIGNED, CENTER, unit=unit, role=role)
    bench.say(case, E.REPLIED, CENTER, unit="市住建局", text="主办已答复")
    bench.judge()
    assert listed(bench, "no_echo") == []
    bench.clock.turn(30 * 86_400)
    bench.judge()
    (line,) = listed(bench, "no_echo")
    assert (line["why"], line["late_units"], line["unit"]) == ("assist_not_replied", ["市水务局"], "市住建局")
    for unit in ("市水务局", "市住建局"):
        assert [row["petition_id"] for row in listed(bench, "no_echo", unit=unit)] == [case.id]
    assert listed(bench, "no_echo", unit="水务局") == [], "a part of a name is no name"
    bench.say(case, E.REPLIED, CENTER, unit="市水务局", role=UnitRole.ASSIST, text="协办已答复")
    bench.judge()
    assert listed(bench, "no_echo") == []
    assert bench.petition(case)["late_units"] is None


@pytest.mark.parametrize("type_", [E.REPLIED, E.CLOSED])
def test_what_an_assisting_unit_says_is_of_its_own_part_also_where_nobody_says_its_role(bench: Bench, type_: E) -> None:
    case = bench.submit(CENTER)
    pack(bench, case)
    bench.say(case, E.DISPATCHED, CENTER, units=UNITS)
    bench.say(case, type_, CENTER, unit="市水务局", text="排水部分已完成")
    row = bench.petition(case)
    assert (row["state"], row["answered_by"]) == ("dispatched", None), "the lead's word is the answer"
    bench.say(case, E.REPLIED, CENTER, unit="市住建局", text="全部已处理")
    row = bench.petition(case)
    assert (row["state"], row["answered_by"] is not None) == ("replied", True)


def test_the_units_part_is_known_within_one_batch(bench: Bench) -> None:
    """Its dispatch and its word may come in one message."""
    case = bench.submit(CENTER)
    pack(bench, case)
    ref, at = Ref(petition_id=case.id), bench.clock.at
    bench.take(
        update("1", E.DISPATCHED, ref, at=at, units=UNITS),
        update("2", E.REPLIED, ref, at=at, unit="市水务局", text="已完成"),
        system=CENTER,
    )
    assert bench.petition(case)["state"] == "dispatched"


@pytest.mark.parametrize("actor", ["owner", "petitioner"])
def test_who_speaks_of_an_assisting_unit_is_not_the_unit(bench: Bench, actor: str) -> None:
    case = bench.submit(CENTER)
    pack(bench, case)
    bench.say(case, E.DISPATCHED, CENTER, units=UNITS)
    bench.say(case, E.CLOSED, CENTER, actor=actor, unit="市水务局")
    assert bench.petition(case)["state"] == "closed"
