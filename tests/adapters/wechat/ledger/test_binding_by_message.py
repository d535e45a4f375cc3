"""A secretary sends the one-time code to the service account: from the door to the roster's openid."""

from bridge.adapter import Response
from bridge.clock import to_ms
from bridge.intake import Intake
from bridge.ledger.roster import CodeOrder, Lists, import_lists, load, make_codes
from bridge.ledger.work import Work
from bridge.roster import Member, Team
from tests.adapters.wechat.support import inbound, request, xml
from tests.support.ledgers import Bench

LISTS = Lists(teams=(Team("T1", "第一服务队", "", "S1"),), members=(Member("S1", "孟一", "T1"),))
SECRETARY, STRANGER = "oSecretary001", "oStranger0001"


def code(bench: Bench) -> str:
    with bench.store.writing() as conn:
        work = Work(conn, to_ms(bench.clock.at), bench.privacy)
        import_lists(work, [(LISTS, "ops")])
        return str(make_codes(work, [CodeOrder("S1", "ops")])[0])


def sends(bench: Bench, openid: str, said: str, number: str) -> str:
    asked = request(xml(openid=openid, Content=said, MsgId=number))
    answer: Response = bench.do(Intake(bench.ledger).receive("wechat", inbound(), asked))
    assert answer.status == 200
    return answer.body.decode()


def bound(bench: Bench) -> dict[str, str]:
    with bench.store.reading() as conn:
        return dict(load(conn, bench.privacy.vault).openids)


def test_the_code_binds_whoever_sends_it_first(bench: Bench) -> None:
    given = code(bench)
    assert "没有查到" in sends(bench, SECRETARY, "绑定 0000-0000", "1")
    assert "孟一，您好" in sends(bench, SECRETARY, f"绑定 {given}", "2")
    assert bound(bench) == {"S1": SECRETARY}
    assert "孟一，您好" in sends(bench, SECRETARY, f"绑定 {given}", "2"), "the platform sends it again"
    assert "已被使用" in sends(bench, STRANGER, f"绑定 {given}", "3")
    assert bound(bench) == {"S1": SECRETARY}


def test_the_message_is_kept_and_its_code_is_in_no_journal(bench: Bench) -> None:
    given = code(bench)
    sends(bench, SECRETARY, f"绑定 {given}", "2")
    (message,) = bench.rows("SELECT * FROM messages")
    assert (message["status"], message["reason"]) == ("ignored", "bind:bound")
    bare = given.replace("-", "")
    for row in bench.rows("SELECT body FROM journal"):
        assert bare not in row["body"].replace("-", "")
        assert SECRETARY not in row["body"]
