"""首问负责: every petition has an owner, by the roster where its place is known, and the duty secretary otherwise."""

from bridge.house import HouseRules
from bridge.roster import Area, Member, Roster, Team
from bridge.rosterboard import RosterBoard
from schemas.petition import Place, Secretary
from tests.support.ledgers import DUTY, ROUTES, petition


def board() -> RosterBoard:
    found = RosterBoard()
    found.roster = Roster(
        1,
        (Team("T1", "第一服务队", "市住建局", "S1"),),
        (Member("S1", "孟一", "T1"), Member("S2", "孟二", "T1")),
        (Area("370811", "太白湖街道", "许庄社区", "T1", "S2"), Area("370811", "", "", "T1")),
    )
    return found


def test_by_the_place_and_otherwise_the_duty_secretary() -> None:
    house = HouseRules(ROUTES, DUTY, board().owner)
    assert house.owner(petition(place=Place(community="许庄社区"))).id == "S2"
    assert house.owner(petition(place=Place(region_code="370811"))) == Secretary(
        id="S1", name="孟一", team_id="T1", home_unit="市住建局"
    )
    assert house.owner(petition()) == DUTY
    assert HouseRules(ROUTES, DUTY).owner(petition(place=Place(community="许庄社区"))) == DUTY
