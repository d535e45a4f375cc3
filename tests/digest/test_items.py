"""Proposals: each round at its time, in the table and in the journal, and out of it what deputies may see."""

from typing import Any

import orjson
import pytest

from bridge.digest.documents import published
from bridge.digest.meeting import ACTIONS, STATES, export, package, personal, told
from bridge.ledger.digests import MOVES, NEEDS, Entered, Proposal, Round, enter, item_list, propose
from bridge.ledger.work import Work
from bridge.prose import mask
from bridge.witness.canonical import canonical
from tests.digest.cases import digest, many
from tests.support.ledgers import Bench

ITEM = "2026-10-01"
SAID: dict[str, dict[str, Any]] = {
    "consult": {"units": ["水务局", "财政局"]},
    "opine": {"unit": "水务局", "opinion": "同意，列入明年计划"},
    "assess": {"text": "资金与施工条件具备"},
    "adopt": {"text": "市政府常务会议通过"},
    "decline": {"text": "条件尚不具备"},
    "link": {"project": "2027年民生实事第3项"},
    "convey": {"to": "市人大代表、政协委员"},
    "table": {"kind": "提案", "number": "2027-118"},
    "resolve": {"number": "2027-118", "outcome": "已采纳"},
}
WAY_TO: dict[str, list[str]] = {
    "proposed": [],
    "consulting": ["consult"],
    "assessed": ["consult", "assess"],
    "adopted": ["consult", "assess", "adopt"],
    "not_adopted": ["consult", "assess", "decline"],
}


class Office:
    """Whoever enters proposals and rounds."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def propose(self, item: str = ITEM) -> Entered:
        proposal = Proposal(item, "2026-10", "更换老旧小区供水管道", {"subject": "供水"}, "wang")
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
        return [orjson.loads(row["body"]) for row in self.bench.rows("SELECT body FROM journal ORDER BY entry_id")]


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
            "motions": [{"kind": "提案", "number": "2027-118", "outcome": "已采纳"}],
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


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ({"text": "资金与施工条件具备"}, []),
        ({"text": "联系人电话13900001234"}, ["text"]),
        ({"units": ["水务局", "张三 13900001234"], "text": "同意"}, ["units"]),
        ({"about": {"note": ["身份证370802199001011230"]}}, ["about"]),
    ],
)
def test_words_that_look_personal_are_named(said: dict[str, Any], fields: list[str]) -> None:
    assert personal(said, mask) == fields
