"""首问负责: the owner is replaced only by a recorded hand-over; the team's leader inherits when a secretary leaves."""

import orjson
import pytest

from bridge.clock import to_ms
from bridge.ledger import owner, reads
from bridge.ledger.opening import FIRST_OWNER, open_petition
from bridge.ledger.owner import HandOver
from bridge.ledger.roster import Lists, import_lists
from bridge.ledger.work import Work
from bridge.roster import Member, Team
from schemas.petition import HandlingClass, Secretary
from tests.support.ledgers import DUTY, WECHAT, Bench, petition, submission

TEAM = Team("t1", "第一服务队", "市住建局", "s1")
MEMBERS = tuple(Member(f"s{number}", f"孟{number}", "t1") for number in range(1, 5))


@pytest.fixture(autouse=True)
def _roster(bench: Bench) -> None:
    roster(bench, MEMBERS)


def roster(bench: Bench, members: tuple[Member, ...], leader: str = "s1") -> None:
    team = Team(TEAM.id, TEAM.name, TEAM.home_unit, leader)
    with bench.store.writing() as conn:
        import_lists(Work(conn, to_ms(bench.clock.at), bench.privacy), [(Lists((team,), members), "ops")])


def bring(bench: Bench, secretary: str = "s2") -> str:
    draft = petition(
        secretary=Secretary(id=secretary, name="孟2", team_id="t1"), handling_class=HandlingClass.HOTLINE_TRANSFER
    )
    (outcome,) = bench.take(submission(f"m-{secretary}", draft=draft))
    bench.route_all()
    return outcome.petition_id or ""


def owner_of(bench: Bench, petition_id: str) -> dict[str, str]:
    """As it stands in the sealed document."""
    row = bench.petition(petition_id)
    found: dict[str, str] = orjson.loads(open_petition(bench.privacy.vault, row)["body"])["secretary"]
    assert row["owner_id"] == found["id"]
    assert row["team_id"] == found["team_id"]
    return found


def entries(bench: Bench, petition_id: str) -> list[dict[str, str]]:
    query = "SELECT body FROM journal WHERE petition_id = :id AND what = 'operator.owner_changed' ORDER BY entry_id"
    return [orjson.loads(row["body"]) for row in bench.rows(query, id=petition_id)]


def test_a_hand_over_is_recorded_and_the_new_owner_is_told(bench: Bench) -> None:
    petition_id = bring(bench)
    before = bench.petition(petition_id)["body"]
    found = bench.do(bench.ledger.hand_over_owner(HandOver(petition_id, "s3", "zhang", "轮换")))
    assert (found.result, found.owner, found.before) == ("done", "s3", "s2")
    assert owner_of(bench, petition_id) == {"id": "s3", "name": "孟3", "team_id": "t1", "home_unit": "市住建局"}
    sealed = bench.petition(petition_id)["body"]
    assert sealed != before
    assert "孟3" not in sealed
    (entry,) = entries(bench, petition_id)
    assert (entry["actor"], entry["reason"], entry["detail"], entry["outcome"]) == (
        "operator:zhang", "轮换", "s2 → s3", "handed_over",
    )  # fmt: skip
    bench.route_all()
    told = [
        row for row in bench.rows("SELECT * FROM handoffs WHERE petition_id = :id", id=petition_id)
        if row["event_type"] == "noted"
    ]  # fmt: skip
    assert [(row["system"], row["audience"]) for row in told] == [(WECHAT, "owner")]


def test_a_rehearsal_changes_nothing(bench: Bench) -> None:
    petition_id = bring(bench)
    found = bench.do(bench.ledger.hand_over_owner(HandOver(petition_id, "s3", "zhang", "轮换", dry_run=True)))
    assert (found.result, owner_of(bench, petition_id)["id"]) == ("would", "s2")
    assert entries(bench, petition_id) == []


@pytest.mark.parametrize(
    ("number", "to", "result"), [("LT-none", "s3", "not_found"), ("", "s9", "refused"), ("", "s2", "refused")]
)
def test_what_cannot_be_handed_over(bench: Bench, number: str, to: str, result: str) -> None:
    petition_id = bring(bench)
    found = bench.do(bench.ledger.hand_over_owner(HandOver(number or petition_id, to, "zhang", "轮换")))
    assert found.result == result
    assert found.why
    assert owner_of(bench, petition_id)["id"] == "s2"


def test_there_and_back_again(bench: Bench) -> None:
    petition_id = bring(bench)
    for to in ("s3", "s2", "s3"):
        assert bench.do(bench.ledger.hand_over_owner(HandOver(petition_id, to, "zhang", "轮换"))).result == "done"
    assert [entry["detail"] for entry in entries(bench, petition_id)] == ["s2 → s3", "s3 → s2", "s2 → s3"]


# ── a secretary leaves ──


def test_the_leader_inherits_what_is_open(bench: Bench) -> None:
    mine, others = bring(bench, "s2"), bring(bench, "s3")
    assert bench.do(bench.ledger.inherit(100)) == 0
    roster(bench, tuple(one for one in MEMBERS if one.id != "s2"))
    assert bench.do(bench.ledger.inherit(100)) == 1
    assert (owner_of(bench, mine)["id"], owner_of(bench, others)["id"]) == ("s1", "s3")
    (entry,) = entries(bench, mine)
    assert (entry["actor"], entry["outcome"], entry["detail"]) == ("bridge", "inherited", "s2 → s1")
    assert bench.do(bench.ledger.inherit(100)) == 0


def test_where_nobody_leads_a_member_inherits(bench: Bench) -> None:
    petition_id = bring(bench)
    roster(bench, MEMBERS[2:], leader="s1")
    assert bench.do(bench.ledger.inherit(100)) == 1
    assert owner_of(bench, petition_id)["id"] == "s3"


def test_where_nobody_is_left_the_one_on_duty_inherits(bench: Bench) -> None:
    petition_id = bring(bench)
    roster(bench, ())
    assert bench.do(bench.ledger.inherit(100)) == 1
    assert owner_of(bench, petition_id)["id"] == DUTY.id
    (entry,) = entries(bench, petition_id)
    assert (entry["outcome"], entry["detail"]) == ("inherited", "s2 → duty")
    assert bench.do(bench.ledger.inherit(100)) == 0


def test_the_home_unit_stays_whoever_answers_for_it(bench: Bench) -> None:
    secretary = Secretary(id="s2", name="孟2", team_id="t1", home_unit="市水务局")
    (outcome,) = bench.take(
        submission("m", draft=petition(secretary=secretary, handling_class=HandlingClass.HOME_UNIT))
    )
    petition_id = outcome.petition_id or ""
    for to in ("s3", "s4"):
        assert bench.do(bench.ledger.hand_over_owner(HandOver(petition_id, to, "zhang", "轮换"))).result == "done"
    assert owner_of(bench, petition_id) == {"id": "s4", "name": "孟4", "team_id": "t1", "home_unit": "市水务局"}
    document = orjson.loads(open_petition(bench.privacy.vault, bench.petition(petition_id))["body"])
    assert document[FIRST_OWNER] == secretary.model_dump(mode="json")
    with bench.store.reading() as conn:
        found = reads.petition(conn, bench.privacy.vault, petition_id)
    assert found is not None
    assert found[0].secretary.home_unit == "市水务局"


def test_what_is_closed_is_nobodys_matter_any_more(bench: Bench) -> None:
    petition_id = bring(bench)
    bench.sql("UPDATE petitions SET closed_at = 1")
    roster(bench, MEMBERS[:1])
    assert bench.do(bench.ledger.inherit(100)) == 0
    assert owner_of(bench, petition_id)["id"] == "s2"


def test_an_order_is_carried_out_once_whatever_else_is_in_the_batch(bench: Bench) -> None:
    petition_id = bring(bench)
    orders = [HandOver(petition_id, to, "zhang", "轮换") for to in ("s3", "s4")]
    with bench.store.writing() as conn:
        found = owner.hand_over_owner(Work(conn, to_ms(bench.clock.at), bench.privacy), orders)
    assert [(one.before, one.owner) for one in found] == [("s2", "s3"), ("s3", "s4")]
    assert owner_of(bench, petition_id)["id"] == "s4"
