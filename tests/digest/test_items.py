"""Proposals: each round at its time, in the table and in the journal, and out of it what deputies may see."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from bridge.clock import from_ms
from bridge.digest.documents import published
from bridge.digest.meeting import ACTIONS, STATES, export, package, told
from bridge.digest.rounds import MOVES, NEEDS, motion_words
from bridge.ledger.digests import Entered, Proposal, Round, enter, item_list, propose
from bridge.ledger.work import Work
from bridge.witness.canonical import canonical
from schemas.petition import HandlingClass, Petitioner, Secretary
from tests.digest.cases import MONTH, digest, many
from tests.digest.test_reading import Town
from tests.support.ledgers import HOTLINE, Bench

ITEM = "2026-10-01"
SAID: dict[str, dict[str, Any]] = {
    "consult": {"units": ["水务局", "财政局"]},
    "opine": {"unit": "水务局", "opinion": "同意，列入明年计划"},
    "assess": {"text": "资金与施工条件具备"},
    "adopt": {"text": "市政府常务会议通过"},
    "decline": {"text": "条件尚不具备"},
    "link": {"project": "2027年民生实事第3项"},
    "convey": {"to": "市人大代表、政协委员"},
    "table": {"kind": "proposal", "number": "2027-118"},
    "resolve": {"number": "2027-118", "outcome": "已采纳"},
}
WAY_TO: dict[str, list[str]] = {
    "proposed": [],
    "consulting": ["consult"],
    "assessed": ["consult", "opine", "assess"],
    "adopted": ["consult", "opine", "assess", "adopt"],
    "not_adopted": ["consult", "opine", "assess", "decline"],
}


class Office:
    """Whoever enters proposals and rounds."""

    def __init__(self, bench: Bench) -> None:
        """With a petition of the month."""
        self.bench = bench
        self.town = Town(bench)
        self.town.submit()

    def propose(self, item: str = ITEM, title: str = "更换老旧小区供水管道", **about: str) -> Entered:
        proposal = Proposal(item, "2026-10", title, about or {"subject": "供水"}, "wang")
        return self._write(lambda work: propose(work, [proposal]))[0]

    def enter(self, action: str, said: dict[str, Any] | None = None, item: str = ITEM) -> Entered:
        entry = Round(item, action, SAID.get(action, {}) if said is None else said, "wang")
        return self._write(lambda work: enter(work, [entry]))[0]

    def _write(self, work_on: Any) -> list[Entered]:
        with self.bench.store.writing() as conn:
            found: list[Entered] = work_on(Work(conn, self.bench.clock.ms, self.bench.privacy))
            return found

    def items(self) -> list[dict[str, Any]]:
        with self.bench.store.reading() as conn:
            return item_list(conn, "2026-10")

    def journal(self) -> list[dict[str, Any]]:
        query = "SELECT body FROM journal WHERE what LIKE 'digest.%' ORDER BY entry_id"
        return [orjson.loads(row["body"]) for row in self.bench.rows(query)]


@pytest.fixture
def office(bench: Bench) -> Office:
    found = Office(bench)
    assert found.propose() == Entered(ITEM, "done", "proposed")
    return found


def test_the_words_cover_the_table() -> None:
    assert MOVES.keys() == NEEDS.keys() == ACTIONS.keys() == SAID.keys()
    assert WAY_TO.keys() == STATES.keys()
    states = {"proposed"} | {after for _, after in MOVES.values() if after}
    assert states == STATES.keys()


@pytest.mark.parametrize("state", WAY_TO)
def test_each_round_at_its_time(office: Office, state: str) -> None:
    """Every action in this state: what the table allows is done, everything else is refused and changes nothing."""
    for number, (action, (states, after)) in enumerate(MOVES.items()):
        item = f"2026-10-1{number}"
        office.propose(item)
        for step in WAY_TO[state]:
            assert office.enter(step, item=item).result == "done"
        if action == "resolve":
            assert office.enter("table", item=item).result == "done"
        if action == "assess" and state == "consulting":
            assert office.enter("opine", item=item).result == "done"
        before = [one for one in office.items() if one["item_id"] == item]
        entered = office.enter(action, item=item)
        if state in states:
            assert (entered.result, entered.state) == ("done", after or state)
        else:
            assert (entered.result, entered.state) == ("refused", state)
            assert [one for one in office.items() if one["item_id"] == item] == before


@pytest.mark.parametrize("action", NEEDS)
def test_a_round_says_what_it_must(office: Office, action: str) -> None:
    for step in WAY_TO[
        "adopted" if action == "link" else "assessed" if action in ("adopt", "decline") else "consulting"
    ]:
        office.enter(step)
    for name in NEEDS[action]:
        said = {key: value for key, value in SAID[action].items() if key != name}
        entered = office.enter(action, said)
        assert entered.result == "refused"
        assert name in str(entered.why)


def test_what_cannot_be(office: Office) -> None:
    assert office.propose().result == "refused"
    assert office.enter("consult", item="2026-10-99").result == "not_found"
    assert office.enter("applaud").result == "refused"
    office.enter("table")
    assert office.enter("resolve", {"number": "2027-119", "outcome": "已采纳"}).result == "refused"


def test_the_journal_has_ids_and_digests_and_no_words(office: Office) -> None:
    for step in ("consult", "opine", "assess"):
        office.enter(step)
    entries = office.journal()
    assert [entry["what"] for entry in entries] == [
        "digest.proposed",
        "digest.consult",
        "digest.opine",
        "digest.assess",
    ]
    assert {entry["item_id"] for entry in entries} == {ITEM}
    assert {entry["actor"] for entry in entries} == {"operator:wang"}
    assert [entry["outcome"] for entry in entries] == ["proposed", "consulting", "consulting", "assessed"]
    assert "同意" not in str(entries)
    assert all(len(entry["said_sha256"]) == 64 for entry in entries)


def test_from_the_proposal_to_the_motion(office: Office) -> None:
    for step in ("consult", "opine", "assess", "adopt", "link", "convey", "table", "resolve"):
        assert office.enter(step).result == "done"
    document = published(digest(many(30)))
    meeting, deputies = package(document, office.items()), export(document, office.items())
    (item,) = meeting["proposals"]
    assert [entry["action"] for entry in item["rounds"]] == [
        "consult", "opine", "assess", "adopt", "link", "convey", "table", "resolve",
    ]  # fmt: skip
    assert item["rounds"][0]["at"].endswith("+08:00")
    assert deputies["proposals"] == [
        {
            "item_id": ITEM, "title": "更换老旧小区供水管道", "about": {"subject": "供水"}, "state": "adopted",
            "projects": ["2027年民生实事第3项"],
            "motions": [{"kind": "proposal", "number": "2027-118", "outcome": "已采纳"}],
        }
    ]  # fmt: skip
    assert "units" not in deputies
    assert "unit" not in deputies["tables"]
    assert canonical(meeting)
    assert canonical(deputies)


def test_a_motion_that_nobody_has_decided_yet(office: Office) -> None:
    office.enter("table")
    assert export(published(digest([])), office.items())["proposals"][0]["motions"][0]["outcome"] is None


def test_items_of_other_months_are_apart(office: Office) -> None:
    assert [item["item_id"] for item in office.items()] == [ITEM]
    with office.bench.store.reading() as conn:
        assert item_list(conn, "2026-09") == []
        assert [told(item)["item_id"] for item in item_list(conn)] == [ITEM]


def test_of_an_item_kept_before_kinds_had_codes() -> None:
    assert motion_words("提案") == motion_words("proposal") == ("提案", "Proposal")
    assert motion_words("建议") == ("建议", "建议")


# ── rounds that cannot be ───────────────────────────────────────────────────────────────────────────────────


def test_only_a_unit_that_was_asked_has_an_opinion(office: Office) -> None:
    office.enter("consult", {"units": ["水务局", "财政局"]})
    office.enter("consult", {"units": ["住建局"]})
    refused = office.enter("opine", {"unit": "城管局", "opinion": "同意"})
    assert (refused.result, "未向该单位征求意见" in str(refused.why)) == ("refused", True)
    for unit in ("住建局", "水务局"):
        assert office.enter("opine", {"unit": unit, "opinion": "同意"}).result == "done"


def test_a_second_opinion_is_asked_for_anew(office: Office) -> None:
    opinion = {"unit": "水务局", "opinion": "同意"}
    office.enter("consult")
    assert office.enter("opine", opinion).result == "done"
    again = office.enter("opine", opinion)
    assert (again.result, "再次征求" in str(again.why)) == ("refused", True)
    office.enter("consult", {"units": ["财政局"]})
    assert office.enter("opine", opinion).result == "refused"
    office.enter("consult", {"units": ["水务局"]})
    assert office.enter("opine", opinion).result == "done"
    assert office.enter("opine", opinion).result == "refused"


def test_nothing_is_assessed_before_any_unit_has_spoken(office: Office) -> None:
    office.enter("consult")
    refused = office.enter("assess")
    assert (refused.result, refused.state) == ("refused", "consulting")
    assert "尚无部门反馈意见" in str(refused.why)
    office.enter("opine")
    assert office.enter("assess").result == "done"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("议案", "motion"),
        ("提案", "proposal"),
        ("motion", "motion"),
        ("Proposal", "proposal"),
        ("建议", None),
        ("x", None),
    ],
)
def test_there_are_two_kinds_of_motions(office: Office, written: str, kept: str | None) -> None:
    entered = office.enter("table", {"kind": written, "number": "2027-118"})
    assert entered.result == ("done" if kept else "refused")
    assert [entry["kind"] for entry in office.items()[0]["rounds"]] == ([kept] if kept else [])


def test_a_motion_is_entered_once_and_decided_once(office: Office) -> None:
    assert office.enter("table").result == "done"
    for kind in ("motion", "proposal"):
        again = office.enter("table", {"kind": kind, "number": "2027-118"})
        assert (again.result, "编号已登记" in str(again.why)) == ("refused", True)
    assert office.enter("resolve").result == "done"
    again = office.enter("resolve", {"number": "2027-118", "outcome": "未采纳"})
    assert (again.result, "已登记办理结果" in str(again.why)) == ("refused", True)
    assert office.enter("table", {"kind": "motion", "number": "2027-119"}).result == "done"
    assert office.enter("resolve", {"number": "2027-119", "outcome": "未采纳"}).result == "done"


@pytest.mark.parametrize("blank", ["", "  ", [], [""], ["水务局", " "]])
def test_blanks_say_nothing(office: Office, blank: Any) -> None:
    assert "needs units" in str(office.enter("consult", {"units": blank}).why)


@pytest.mark.parametrize(
    ("item", "good"),
    [
        ("2026-10-01", True), ("A_b.c-9", True), ("x" * 64, True), ("", False), ("x" * 65, False), ("甲1", False),
        ("a b", False), ("a/b", False), ("a\n", False), ("１", False), ("13900001234", False),
    ],
)  # fmt: skip
def test_numbers_of_items(bench: Bench, item: str, good: bool) -> None:
    assert Office(bench).propose(item).result == ("done" if good else "refused")


def test_an_item_has_a_title(bench: Bench) -> None:
    assert Office(bench).propose(title=" ").result == "refused"


# ── words that point at a person ────────────────────────────────────────────────────────────────────────────

MEETING = {
    "phone": "联系人电话13900001234", "petitioner": "孟小满家中停水", "secretary": "由史大可书记牵头",
    "house": "柳岸社区5号楼", "roster": "请姜一舟落实", "called": "王女士反映",
}  # fmt: skip


@pytest.fixture
def town(bench: Bench) -> Office:
    """A petition of the month with a petitioner and a secretary, and another secretary in the roster."""
    office = Office(bench)
    office.town.submit(
        petitioner=Petitioner(name="孟小满", phone="13900000001"),
        secretary=Secretary(id="S1", name="史大可", team_id="T1"),
    )
    bench.sql("INSERT INTO secretaries VALUES ('S9', 'T1', '姜一舟', '审计局', true)")
    assert office.propose().result == "done"
    return office


@pytest.mark.parametrize("words", MEETING.values(), ids=MEETING.keys())
def test_words_that_point_at_a_person_are_entered_nowhere(town: Office, words: str) -> None:
    """In a title, in what it is about, and in every field of every round."""
    before = town.items()
    answers = [town.propose("2026-10-02", title=words), town.propose("2026-10-02", place=words)]
    for state, way in WAY_TO.items():
        item = f"way-{state}"
        town.propose(item)
        for step in (*way, "table"):
            town.enter(step, item=item)
        for action, said in SAID.items():
            for name, value in said.items():
                changed = {**said, name: [words] if isinstance(value, list) else words}
                answers.append(town.enter(action, changed, item=item))
    assert {answer.result for answer in answers} == {"refused"}
    assert sum("疑似个人信息" in str(answer.why) for answer in answers) > 20
    assert not any(words in str(answer.why) for answer in answers)
    assert [item for item in town.items() if item["item_id"] == ITEM] == before
    assert words not in str(town.items())


@pytest.mark.parametrize(("months", "refused"), [(-4, False), (-3, True), (-1, True), (1, True), (5, True)], ids=str)
def test_names_are_of_three_months_before_until_today(bench: Bench, months: int, refused: bool) -> None:
    """Of what came after the proposal's month as well, whoever enters it when; of what was done with before, not."""
    office = Office(bench)
    bench.clock.at = from_ms(MONTH.shift(months).start) + timedelta(days=1)
    who = Petitioner(name="孟小满", phone="13900000001")
    office.town.close(office.town.submit(system=HOTLINE, handling_class=HandlingClass.ON_SITE, petitioner=who))
    bench.clock.at = max(bench.clock.at, from_ms(MONTH.end))
    assert office.propose("2026-10-07", title="解决孟小满反映的路灯问题").result == ("refused" if refused else "done")
    assert office.propose("2026-10-08").result == "done"
    office.enter("consult", item="2026-10-08")
    opinion = {"unit": "水务局", "opinion": "请孟小满到场"}
    assert office.enter("opine", opinion, item="2026-10-08").result == ("refused" if refused else "done")


@pytest.mark.parametrize(
    ("month", "said"),
    [("2026-09", "台账自2026年10月起"), ("2026-10", None), ("2026-11", "尚未开始"), ("2027-10", "尚未开始")],
)
def test_a_proposal_is_of_a_month_that_the_ledger_has(bench: Bench, month: str, said: str | None) -> None:
    office = Office(bench)
    proposal = Proposal("x", month, "增设路灯", {}, "wang")
    (entered,) = office._write(lambda work: propose(work, [proposal]))
    assert (entered.result == "refused", str(said) in str(entered.why)) == (said is not None, True)


def test_an_empty_ledger_has_no_month(bench: Bench) -> None:
    bench.clock.at = from_ms(MONTH.end)
    with bench.store.writing() as conn:
        (entered,) = propose(
            Work(conn, bench.clock.ms, bench.privacy), [Proposal("x", "2026-10", "增设路灯", {}, "wang")]
        )
    assert (entered.result, "尚无诉求" in str(entered.why)) == ("refused", True)
