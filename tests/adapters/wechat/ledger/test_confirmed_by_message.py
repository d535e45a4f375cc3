"""A secretary confirms a closing by WeChat: from the door, through the roster's binding, to the ledger."""

from dataclasses import replace

from bridge.adapter import Ref, Response
from bridge.clock import to_ms
from bridge.intake import Intake
from bridge.ledger.roster import CodeOrder, Lists, bind, import_lists, make_codes
from bridge.ledger.work import Work
from bridge.roster import Member, Team
from schemas.event import EventType
from schemas.petition import HandlingClass, Secretary
from tests.adapters.wechat.support import inbound, request, xml
from tests.support.ledgers import HOTLINE, WECHAT, Bench, petition, submission, update

LISTS = Lists(
    teams=(Team("T1", "第一服务队", "", "S1"),),
    members=tuple(Member(f"S{n}", f"孟{n}", "T1") for n in (1, 2)),
)
OWNER, OTHER, CITIZEN = "oSecretary001", "oSecretary002", "oStranger0001"


def bound(bench: Bench) -> None:
    """Both secretaries, each with a phone."""
    with bench.store.writing() as conn:
        work = Work(conn, to_ms(bench.clock.at), bench.privacy)
        import_lists(work, [(LISTS, "ops")])
        for secretary, openid in (("S1", OWNER), ("S2", OTHER)):
            bind(work, [(str(make_codes(work, [CodeOrder(secretary, "ops")])[0]), openid)])


def brought(bench: Bench, key: str = "m1") -> str:
    """A petition that S1 answers for."""
    draft = petition(
        handling_class=HandlingClass.HOTLINE_TRANSFER, title="楼道灯不亮", secretary=Secretary(id="S1", team_id="T1")
    )
    (outcome,) = bench.take(submission(key, draft=draft))
    bench.clock.turn(60)
    return outcome.petition_id or ""


def replied(bench: Bench, key: str = "m1") -> str:
    petition_id = brought(bench, key)
    said = update(f"{key}-r", EventType.REPLIED, Ref(petition_id=petition_id), at=bench.clock.at, text="已修好")
    bench.take(said, system=HOTLINE)
    bench.clock.turn(60)
    return petition_id


def sends(bench: Bench, openid: str, said: str, number: str) -> str:
    written = str(int(bench.clock.at.timestamp()))
    body = xml(openid=openid, Content=said, MsgId=number, CreateTime=written)
    asked = replace(request(body), received_at=bench.clock.at)
    answer: Response = bench.do(Intake(bench.ledger).receive(WECHAT, inbound(), asked))
    assert answer.status == 200
    return answer.body.decode()


def closings(bench: Bench, petition_id: str) -> list[str]:
    query = "SELECT actor FROM events WHERE petition_id = :id AND type = 'closed'"
    return [row["actor"] for row in bench.rows(query, id=petition_id)]


def test_the_owners_word_closes_and_confirms(bench: Bench) -> None:
    bound(bench)
    petition_id = replied(bench)
    assert "还没有答复" in sends(bench, OWNER, f"确认 {brought(bench, 'm2')}", "1")
    assert "办结确认" in sends(bench, OWNER, f"确认 {petition_id.lower()} 已电话回访，群众认可", "2")
    row = bench.row("SELECT state, confirmed_at FROM petitions WHERE petition_id = :id", id=petition_id)
    assert (row["state"], row["confirmed_at"] is not None) == ("closed", True)
    assert closings(bench, petition_id) == ["owner"]
    assert "无需再次确认" in sends(bench, OWNER, f"确认 {petition_id} 已电话回访，群众认可", "2"), "it comes again"
    assert "无需再次确认" in sends(bench, OWNER, f"确认 {petition_id}", "3")
    assert closings(bench, petition_id) == ["owner"]


def test_what_the_hotline_closed_waits_for_the_owners_word(bench: Bench) -> None:
    bound(bench)
    petition_id = replied(bench)
    bench.take(update("c", EventType.CLOSED, Ref(petition_id=petition_id), at=bench.clock.at), system=HOTLINE)
    listed = sends(bench, OWNER, "待确认", "1")
    assert all(part in listed for part in (petition_id, "楼道灯不亮", "已办结"))
    assert "办结确认" in sends(bench, OWNER, f"确认 {petition_id}", "2")
    assert closings(bench, petition_id) == [None, "owner"]
    assert "没有等待您确认" in sends(bench, OWNER, "待确认", "3")


def test_nobody_else_confirms_it(bench: Bench) -> None:
    bound(bench)
    petition_id = replied(bench)
    for number, openid in enumerate((OTHER, CITIZEN)):
        assert "没有查到由您负责" in sends(bench, openid, f"确认 {petition_id}", f"1{number}")
        assert petition_id not in sends(bench, openid, "待确认", f"2{number}")
    assert closings(bench, petition_id) == []
