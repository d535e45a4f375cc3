"""`GET /v1/unreached`: who still has to be reached, by page and scope, with nothing personal."""

import uuid

from bridge.adapter import Outgoing, Permanent, Receipt
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


def test_only_who_may_read_petitions_sees_it(hall: Hall) -> None:
    assert hall.get("/v1/unreached", None).status == 401
    assert hall.get("/v1/unreached", "writer").status == 403
    assert hall.get("/v1/unreached?limit=0").status == 422
