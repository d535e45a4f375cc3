"""Whose a place is, and who is bound: the snapshot, without a ledger."""

import pytest

from bridge.roster import ENOUGH, Area, Member, Roster, Team, Unit, place_key
from schemas.petition import Place

TEAMS = (
    Team("T1", "第一服务队", "市住建局", "S1"),
    Team("T2", "第二服务队", "市水务局", "S5"),
    Team("T3", "第三服务队", "市教育局"),
)
MEMBERS = (
    Member("S1", "孟一", "T1", "市住建局"),
    Member("S2", "孟二", "T1"),
    Member("S3", "孟三", "T1"),
    Member("S4", "孟四", "T1"),
    Member("S5", "颜五", "T2", active=False),
    Member("S6", "颜六", "T2"),
    Member("S7", "曾七", "T9"),
)
AREAS = (
    Area("370811", "太白湖街道", "许庄社区", "T1", "S2"),
    Area("370811", "太白湖街道", "新区社区", "T1"),
    Area("370811", "太白湖街道", "湖滨社区", "T2"),
    Area("370811", "太白湖街道", "", "T2", "S6"),
    Area("370811", "", "", "T1", "S3"),
    Area("3708", "", "", "T3"),
    Area("370812", "鼓楼街道", "和平社区", "T1", "S4"),
    Area("370826", "夏镇街道", "和平社区", "T2", "S6"),
    Area("370812", "鼓楼街道", "无人社区", ""),
)
UNITS = (Unit("市住建局", "ZJ", "S1"), Unit("市水务局", "SW", "S5"))
ROSTER = Roster(3, TEAMS, MEMBERS, AREAS, UNITS, {"S1": "oMeng1", "S5": "oYan5", "S6": "oYan6"})


@pytest.mark.parametrize(
    ("place", "owner"),
    [
        (Place(region_code="370811", street="太白湖街道", community="许庄社区"), "S2"),
        (Place(community="许庄社区"), "S2"),
        (Place(region_code="370811003", street="太白湖街道办事处", community=" 许庄社区居委会 "), "S2"),
        (Place(region_code="370811", street="太白湖街道", community="新区社区"), "S1"),
        (Place(region_code="370811", street="太白湖街道", community="湖滨社区"), "S6"),
        (Place(region_code="370811", street="太白湖街道", community="没有的社区"), "S6"),
        (Place(region_code="370811", street="太白湖街道"), "S6"),
        (Place(region_code="370811004", street="没有的街道"), "S3"),
        (Place(region_code="370811"), "S3"),
        (Place(region_code="370899"), None),
        (Place(region_code="370812", community="和平社区"), "S4"),
        (Place(street="夏镇街道", community="和平社区"), "S6"),
        (Place(community="和平社区"), None),
        (Place(region_code="370812", street="鼓楼街道", community="无人社区"), None),
        (Place(), None),
        (Place(address="济宁市太白湖新区许庄社区3号楼"), None),
    ],
)
def test_whose_a_place_is(place: Place, owner: str | None) -> None:
    found = ROSTER.owner(place)
    assert (found.id if found else None) == owner


def test_an_owner_is_named_as_petitions_name_them() -> None:
    found = ROSTER.owner(Place(community="许庄社区"))
    assert found is not None
    assert (found.name, found.team_id, found.home_unit) == ("孟二", "T1", "市住建局")
    assert ROSTER.secretary("S5") is None, "who has left owns nothing new"
    assert ROSTER.secretary("S9") is None


def test_who_is_bound() -> None:
    assert ROSTER.of_secretary("S1") == "oMeng1"
    assert ROSTER.of_secretary("S5") == "oYan6", "who has left reads nothing any more; the team goes on"
    assert ROSTER.of_secretary("S2") is None
    assert ROSTER.of_unit(" 市住建局 ") == "oMeng1"
    assert ROSTER.of_unit("市水务局") == "oYan6"
    assert ROSTER.of_unit("没有的局") is None


def test_who_answers_for_one_who_has_left() -> None:
    def heir(roster: Roster, secretary_id: str) -> str | None:
        found = roster.successor(secretary_id)
        return found.id if found else None

    assert [heir(ROSTER, one) for one in ("S1", "S5", "S9")] == ["S1", "S6", None]
    team = Team("T2", "第二服务队", "", "S8")
    members = (Member("S5", "颜五", "T2", active=False), Member("S6", "颜六", "T2"), Member("S8", "颜八", "T2"))
    led = Roster(1, (team,), members)
    assert heir(led, "S5") == "S8", "the leader before the others"
    alone = Roster(1, (), (Member("S5", "颜五", "T2", active=False),))
    assert heir(alone, "S5") is None


def test_coverage_counts_active_members() -> None:
    covered = {item.area.community: item.covered for item in ROSTER.coverage() if item.area.region_code == "370811"}
    assert covered == {"许庄社区": True, "新区社区": True, "湖滨社区": False}
    nobody = next(item for item in ROSTER.coverage() if item.area.community == "无人社区")
    assert (nobody.team, nobody.active, nobody.covered) == (None, 0, False)
    one_less = Roster(1, TEAMS, MEMBERS[: ENOUGH - 1], AREAS[:1])
    assert [item.active for item in one_less.coverage()] == [ENOUGH - 1]
    assert not one_less.coverage()[0].covered


def test_nothing_personal_in_what_is_printed() -> None:
    assert "oMeng1" not in repr(ROSTER)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("阜桥街道办事处", "阜桥街道"),
        ("东门　社区居委会", "东门社区"),
        ("居委会", "居委会"),
        (None, ""),
        ("Ａ区", "a区"),
    ],
)
def test_names_are_compared_without_their_office(written: str | None, key: str) -> None:
    assert place_key(written) == key
