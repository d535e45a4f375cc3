"""`GET /v1/unreached` and `/owners`: who still has to be reached, by page and scope, with nothing personal."""

import uuid

from bridge.adapter import Outgoing, Permanent, Receipt
from bridge.clock import to_ms, utc_now
from bridge.ledger.roster import Lists, import_lists
from bridge.ledger.work import Work
from bridge.roster import Member, Team
from tests.support.assemblies import Played, take
from tests.support.halls import Hall
from tests.support.ledgers import WECHAT

OPENID = "oCannotBeReached00000001"


async def _refuses(system: Played, outgoing: Outgoing) -> Receipt:
    if outgoing.petition.petitioner.openid == OPENID:
        raise Permanent("errcode_43004")
    return await take(system, outgoing)


def test_whose_message_is_parked_is_listed_without_anything_personal(hall: Hall) -> None:
    hall.systems[WECHAT].play = _refuses
    petitioner = {"name": "徐某某", "phone": "13900001234", "openid": OPENID}
    petitions = sorted(hall.submit(uuid.uuid4().hex, "form", petitioner=petitioner) for _ in range(2))
    for petition_id in petitions:
        said = {"type": "replied", "actor": "unit", "text": "已修好"}
        assert hall.post(f"/v1/petitions/{petition_id}/events", "form", json=said).status in (200, 202)
        hall.wait_for(petition_id, WECHAT, "parked")
    answer = hall.get("/v1/unreached")
    assert answer.status == 200
    listed = {row["petition_id"]: row for row in answer.json["unreached"]}
    assert set(petitions) <= set(listed)
    assert all((listed[one]["why"], listed[one]["code"]) == ("not_delivered", "errcode_43004") for one in petitions)
    for secret in ("徐某某", "13900001234", OPENID):
        assert secret not in answer.body.decode()
    first = hall.get("/v1/unreached?limit=1").json
    following = hall.get(f"/v1/unreached?limit=1&cursor={first['next_cursor']}").json
    assert first["unreached"][0]["petition_id"] < following["unreached"][0]["petition_id"]


def test_owners_who_have_bound_nothing_are_named_page_by_page(hall: Hall) -> None:
    for owner in ("S1", "S2", "S2", "S3"):
        hall.submit(uuid.uuid4().hex, "form", secretary={"id": owner, "name": "孟书记", "team_id": "T1"})
    assert hall.get("/v1/unreached/owners").json == {"owners": [], "next_cursor": None}, "there is no roster yet"
    bridge = hall.bridge
    members = tuple(Member(one, "孟书记", "T1") for one in ("S1", "S2"))
    with bridge.store.writing() as conn:
        lists = Lists((Team("T1", "第一服务队", "", "S1"),), members)
        import_lists(Work(conn, to_ms(utc_now()), bridge.privacy), [(lists, "ops")])
    answer = hall.get("/v1/unreached/owners")
    listed = {row["owner_id"]: (row["petitions"], row["why"]) for row in answer.json["owners"]}
    assert listed.items() >= {"S1": (1, "not_bound"), "S2": (2, "not_bound"), "S3": (1, "not_on_roster")}.items()
    assert "孟书记" not in answer.body.decode()
    first = hall.get("/v1/unreached/owners?limit=1").json
    following = hall.get(f"/v1/unreached/owners?limit=1&cursor={first['next_cursor']}").json
    assert first["owners"][0]["owner_id"] < following["owners"][0]["owner_id"]


def test_only_who_may_read_petitions_sees_it(hall: Hall) -> None:
    assert hall.get("/v1/unreached", None).status == 401
    assert hall.get("/v1/unreached", "writer").status == 403
    assert hall.get("/v1/unreached?limit=0").status == 422
    assert hall.get("/v1/unreached/owners", "writer").status == 403
    assert hall.get("/v1/unreached/owners?limit=201").status == 422
