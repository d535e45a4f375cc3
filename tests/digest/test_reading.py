"""Out of the ledger: a month is what was recorded until its end, whatever happens later and whenever one asks."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest

from bridge.adapter import Ref
from bridge.clock import from_ms, to_ms
from bridge.digest import reading
from bridge.digest.case import Case
from bridge.digest.month import Month
from bridge.digest.rules import DigestRules
from bridge.digest.seal import BrokenSeal, NotBegun, Reckoned, reckon, sealing
from bridge.ids import digest as sha256
from bridge.ledger import digests
from bridge.ledger.erase import Erasure, erase
from bridge.ledger.operate import Order
from bridge.ledger.work import Work
from bridge.prose import mask
from bridge.witness.canonical import canonical
from schemas.event import Assignment, EventType, Satisfaction, Span, UnitRole
from schemas.petition import Category, HandlingClass, Kind, PetitionDraft, Petitioner, Place
from tests.support.ledgers import CENTER, HOTLINE, WECHAT, Bench, number, submission, update

MONTH = Month(2026, 10)
RULES = DigestRules(k=2)
MIDDLE = from_ms(MONTH.start) + timedelta(days=9, hours=10)


def draft(who: int, **more: Any) -> PetitionDraft:
    """A petition of person `who`."""
    fields: dict[str, Any] = {
        "kind": Kind.HELP, "title": "停水三天", "content": "我们小区停水三天没有人管",
        "petitioner": Petitioner(name="徐某某", phone=f"1390000{who:04d}", openid=f"oDemo{who:04d}"),
        "place": Place(region_code="370811", community="青砖里社区"), "category": Category(name="供水"),
        "handling_class": HandlingClass.HOTLINE_TRANSFER, "lead_unit": "水务局",
    }  # fmt: skip
    return PetitionDraft(**{**fields, **more})


class Town:
    """A bench whose clock stands in the middle of the month."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        bench.clock.at = MIDDLE

    def submit(self, who: int = 1, system: str = WECHAT, **more: Any) -> str:
        key = self.bench._key()
        given = submission(key, number(f"n-{key}", system), draft=draft(who, **more), at=self.bench.clock.at)
        (outcome,) = self.bench.take(given, system=system)
        assert outcome.petition_id
        return outcome.petition_id

    def say(self, petition_id: str, type_: EventType, system: str = HOTLINE, **data: Any) -> None:
        said = update(self.bench._key(), type_, Ref(petition_id=petition_id), at=self.bench.clock.at, **data)
        assert self.bench.take(said, system=system)[0].status == "event"

    def close(self, petition_id: str) -> None:
        """Closed on the spot: the secretary told the citizen, and nothing is on its way any more."""
        self.bench.route_all()
        self.say(petition_id, EventType.CLOSED, text="已解决")
        self.bench.route_all()
        for handoff in self.bench.rows("SELECT handoff_id, state FROM handoffs"):
            if handoff["state"] not in ("delivered", "acknowledged", "cancelled"):
                self.bench.do(self.bench.ledger.operate(Order("cancel", handoff["handoff_id"], "ops", "test")))

    def later(self, days: float) -> None:
        self.bench.clock.turn(days * 86_400)

    def cases(self, cut_off: int = MONTH.end - 1) -> dict[str, Case]:
        with self.bench.store.reading() as conn:
            found = reading.cases(conn, self.bench.privacy.vault, MONTH, cut_off, 3)
        return {case.petition_id: case for case in found}

    def reckon(self, month: Month = MONTH, rules: DigestRules = RULES, mask: Callable[[str], str] = mask) -> Reckoned:
        with self.bench.store.reading() as conn:
            return reckon(conn, self.bench.privacy.vault, month, self.bench.clock.ms, rules, mask)

    def write(self, work_on: Callable[[Work], Any]) -> Any:
        with self.bench.store.writing() as conn:
            return work_on(Work(conn, self.bench.clock.ms, self.bench.privacy))

    def seal(self, found: Reckoned) -> bool:
        return bool(self.write(lambda work: digests.seal(work, [sealing(found, "operator:test")]))[0])


@pytest.fixture
def town(bench: Bench) -> Town:
    return Town(bench)


def test_a_case_is_its_document_and_its_events(town: Town) -> None:
    one = town.submit(kind=Kind.COMPLAINT)
    units = (Assignment(unit="住建局"), Assignment(unit="财政局", role=UnitRole.ASSIST))
    town.say(one, EventType.DISPATCHED, units=units)
    town.say(one, EventType.RETURNED, text="不属于我单位")
    town.say(one, EventType.RECLASSED, handling_class=HandlingClass.KEY_SUPERVISION)
    case = town.cases()[one]
    assert (case.kind, case.source, case.region, case.place, case.subject) == (
        "complaint", WECHAT, "370811", "青砖里社区", "供水",
    )  # fmt: skip
    assert (case.unit, case.units) == ("住建局", {"水务局", "住建局", "财政局"})
    assert (case.handling_class, case.state, case.is_open) == ("key_supervision", "returned", True)
    assert case.marked("returned") == 1
    assert case.accepted_at == to_ms(MIDDLE)


def test_what_two_systems_tell_of_one_thing_is_one(town: Town) -> None:
    """A return, an extension, a word of discontent and a new round, each told by the hotline and by the center."""
    one = town.submit(system=HOTLINE)
    told: list[tuple[EventType, dict[str, Any]]] = [
        (EventType.DISPATCHED, {"unit": "住建局"}),
        (EventType.RETURNED, {"unit": "住建局"}),
        (EventType.DISPATCHED, {"unit": "城管局"}),
        (EventType.EXTENDED, {"unit": "城管局", "extend_by": Span(amount=2, unit="working_days")}),
        (EventType.REPLIED, {"unit": "城管局"}),
        (EventType.FOLLOWED_UP, {"satisfaction": Satisfaction.UNSATISFIED}),
        (EventType.REHANDLED, {}),
    ]
    for type_, data in told:
        for system in (HOTLINE, CENTER):
            town.later(0.01)
            town.say(one, type_, system, **data, text=f"{system}告知")
    assert town.cases()[one].marks == {"returned": 1, "extended": 1, "rehandled": 1, "unsatisfied": 1, "heavy": 0}


def test_one_person_is_one_by_whichever_road(town: Town) -> None:
    """Known by phone and openid, then by one of them only; somebody unknown is a person of their own."""
    both = town.submit(1)
    phone = town.submit(1, petitioner=Petitioner(name="徐某某", phone="139-0000-0001"))
    wechat = town.submit(1, petitioner=Petitioner(openid="oDemo0001"))
    other = town.submit(2)
    nobody = [town.submit(petitioner=Petitioner(anonymous=True)) for _ in range(2)]
    found = town.cases()
    assert found[both].person == found[phone].person == found[wechat].person
    people = {found[one].person for one in (both, other, *nobody)}
    assert len(people) == 4
    assert not any("139" in person or "oDemo" in person for person in people)


def test_the_month_does_not_see_what_came_after_it(town: Town) -> None:
    one = town.submit()
    before = town.cases()
    town.later(25)
    town.say(one, EventType.DISPATCHED, units=(Assignment(unit="城管局"),))
    town.say(one, EventType.RECLASSED, handling_class=HandlingClass.JOINT_PACKAGE)
    town.say(one, EventType.NOT_ACCEPTED, text="不属于受理范围", actor="petitioner")
    new = town.submit(2)
    assert town.cases() == before
    now = town.cases(town.bench.clock.ms)
    assert new in now
    assert (now[one].unit, now[one].handling_class, now[one].state) == ("城管局", "joint_package", "not_accepted")


def test_what_was_closed_is_closed_and_what_came_to_life_again_later_is_still_closed(town: Town) -> None:
    one = town.submit(system=HOTLINE, handling_class=HandlingClass.ON_SITE)
    town.close(one)
    at = town.bench.clock.ms
    assert town.cases()[one].closed_at == at
    town.later(40)
    town.say(one, EventType.REHANDLED, text="回访不满意")
    assert town.cases()[one].closed_at == at
    assert town.cases(town.bench.clock.ms)[one].is_open


def test_which_petitions_a_month_concerns(town: Town) -> None:
    """Four months back and closed before the month: of no concern, unless it is still open."""
    town.bench.clock.at = from_ms(MONTH.shift(-5).start) + timedelta(days=3)
    still_open = town.submit(1)
    town.bench.clock.at = from_ms(MONTH.shift(-3).start) + timedelta(days=3)
    recent = town.submit(2)
    town.bench.clock.at = MIDDLE
    assert set(town.cases()) == {still_open, recent}
    assert set(town.cases(to_ms(MIDDLE))) == {still_open, recent}


def test_a_month_is_held_against_those_since_the_ledger_began(town: Town) -> None:
    """Also where what began it was closed long before the months that are looked at."""
    began = [str(MONTH.shift(-back)) for back in (3, 2, 1, 0)]
    town.submit()
    assert [month["month"] for month in town.reckon().traced["months"]] == began[-1:]
    town.bench.clock.at = from_ms(MONTH.shift(-5).start)
    town.close(town.submit(system=HOTLINE, handling_class=HandlingClass.ON_SITE))
    town.bench.clock.at = MIDDLE
    assert [month["month"] for month in town.reckon().traced["months"]] == began


# ── sealing ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_month_is_sealed_once_it_is_over(town: Town) -> None:
    for who in range(6):
        town.submit(who)
    assert not town.reckon().final
    town.later(25)
    found = town.reckon()
    assert (found.final, found.sealed) == (True, None)
    assert town.seal(found)
    assert not town.seal(found)
    (entry,) = [
        orjson.loads(row["body"]) for row in town.bench.rows("SELECT body FROM journal WHERE what = 'digest.sealed'")
    ]
    assert entry["month"] == "2026-10"
    assert entry["sha256"] == sha256(canonical(found.published))
    assert entry["traced_sha256"] == sha256(canonical(found.traced))
    assert entry["actor"] == "operator:test"


def test_a_sealed_month_is_the_same_a_year_later(town: Town) -> None:
    """After everything else has gone on: new petitions, closings, other rules in force."""
    ids = [town.submit(who) for who in range(7)]
    town.later(25)
    first = town.reckon()
    town.seal(first)
    town.later(365)
    for one in ids[:4]:
        town.say(one, EventType.NOT_ACCEPTED, actor="petitioner")
    for who in range(20, 30):
        town.submit(who)
    again = town.reckon(rules=DigestRules(k=9))
    assert (again.published, again.traced) == (first.published, first.traced)
    assert again.holds is True
    assert again.sealed is not None
    assert again.sealed["sha256"] == sha256(canonical(first.published))


def test_what_was_changed_behind_the_ledgers_back_is_noticed(town: Town) -> None:
    ids = [town.submit(who) for who in range(7)]
    town.later(25)
    town.seal(town.reckon())
    town.bench.sql("UPDATE petitions SET kind = 'praise' WHERE petition_id = :id", id=ids[0])
    assert town.reckon().holds is False


def test_after_an_erasure_the_seal_stands_and_is_not_judged(town: Town) -> None:
    """Words and persons are gone, as the law wants it; the sealed documents had neither."""
    for who in range(7):
        town.submit(who)
    closed = town.submit(30, system=HOTLINE, handling_class=HandlingClass.ON_SITE, kind=Kind.PRAISE)
    town.close(closed)
    town.later(25)
    first = town.reckon()
    town.seal(first)
    town.later(30)
    (done,) = town.write(lambda work: _flushed(work, erase(work, [Erasure(closed, "ops", "asked for")])))
    assert done.result == "done"
    again = town.reckon()
    assert again.published == first.published
    assert again.holds in (None, True)
    town.bench.sql("UPDATE petitions SET kind = 'other' WHERE petition_id = :id", id=closed)
    assert town.reckon().holds is None


TAMPERED = [
    "published = replace(published, 'count', 'Count')",
    "traced = replace(traced, 'P', 'Q')",
    "published = published || ' '",
    "published = 'not even JSON'",
    "sha256 = traced_sha256",
]


@pytest.mark.parametrize("change", TAMPERED)
def test_a_kept_document_that_was_changed_is_not_shown(town: Town, change: str) -> None:
    """Also after an erasure, when the month cannot be computed anew any more."""
    for who in range(7):
        town.submit(who, system=HOTLINE, handling_class=HandlingClass.ON_SITE, category=Category(name="P"))
    closed = town.submit(30, system=HOTLINE, handling_class=HandlingClass.ON_SITE)
    town.close(closed)
    town.later(25)
    town.seal(town.reckon())
    town.later(30)
    town.write(lambda work: _flushed(work, erase(work, [Erasure(closed, "ops", "asked for")])))
    assert town.reckon().sealed is not None
    town.bench.sql(f"UPDATE digests SET {change}")
    with pytest.raises(BrokenSeal, match="封存摘要不符"):
        town.reckon()


def test_a_document_with_digests_to_fit_is_held_against_the_journal(town: Town) -> None:
    town.submit()
    town.later(25)
    town.seal(town.reckon())
    other = canonical({"format": "laiting-digest/0", "final": True}).decode()
    town.bench.sql("UPDATE digests SET published = :text, sha256 = :sha", text=other, sha=sha256(other.encode()))
    with pytest.raises(BrokenSeal):
        town.reckon()


def test_what_was_sealed_anew_must_be_what_was_sealed_first(town: Town) -> None:
    ids = [town.submit(who) for who in range(7)]
    town.later(25)
    town.seal(town.reckon())
    town.bench.sql("DELETE FROM digests")
    assert town.seal(town.reckon())
    assert town.reckon().holds
    town.bench.sql("DELETE FROM digests")
    town.bench.sql("UPDATE petitions SET kind = 'praise' WHERE petition_id = :id", id=ids[0])
    assert town.seal(town.reckon())
    with pytest.raises(BrokenSeal):
        town.reckon()


def test_a_kept_document_without_a_seal_in_the_journal_is_not_shown(town: Town) -> None:
    town.submit()
    town.later(25)
    town.seal(town.reckon())
    town.bench.sql("DELETE FROM journal WHERE what = 'digest.sealed'")
    with pytest.raises(BrokenSeal, match="knows of no seal"):
        town.reckon()


def _flushed(work: Work, result: Any) -> Any:
    work.flush()
    return result


def test_erased_words_are_alike_to_nothing(town: Town) -> None:
    ids = [town.submit(who, system=HOTLINE, handling_class=HandlingClass.ON_SITE) for who in range(3)]
    for one in ids:
        town.close(one)
        town.write(lambda work, one=one: _flushed(work, erase(work, [Erasure(one, "ops", "asked for")])))
    found = town.cases()
    assert {(found[one].title, found[one].content) for one in ids} == {("", "")}
    assert {found[one].subject for one in ids} == {"供水"}


def test_a_seal_of_another_version_is_kept_and_not_judged(town: Town) -> None:
    town.submit()
    town.later(25)
    found = town.reckon()
    older = Reckoned(MONTH, {**found.published, "format": "laiting-digest/0"}, found.traced)
    town.seal(older)
    assert town.reckon().published["format"] == "laiting-digest/0"
    assert town.reckon().holds is None


@pytest.mark.parametrize(
    ("month", "said"), [("2026-12", "尚未开始"), ("2026-09", "ask for 2026-10 or after"), ("2000-01", "2026年10月")]
)
def test_a_month_of_which_nothing_can_be_said(town: Town, month: str, said: str) -> None:
    """It has not begun, or the ledger began later: an empty month must not be sealed for ever."""
    with pytest.raises(NotBegun, match="尚无诉求"):
        town.reckon()
    town.submit()
    with pytest.raises(NotBegun, match=said):
        town.reckon(Month.parse(month))


def test_a_month_that_goes_on_is_cut_off_now(town: Town) -> None:
    town.submit()
    found = town.reckon()
    assert found.published["final"] is False
    assert found.published["cut_off"] == town.bench.clock().astimezone(from_ms(0).tzinfo).isoformat(
        timespec="milliseconds"
    )


def test_no_words_of_a_citizen_are_in_either_document(town: Town) -> None:
    for who in range(8):
        town.submit(who)
    town.later(25)
    found = town.reckon()
    for document in (found.published, found.traced):
        text = canonical(document).decode()
        assert "停水三天没有人管" not in text
        assert "徐某某" not in text
        assert "1390000" not in text
        assert "oDemo" not in text


def test_two_sealers_at_once_seal_once(town: Town, make_bench: Any) -> None:
    town.submit()
    town.later(25)
    found = town.reckon()
    orders = [sealing(found, "operator:a"), sealing(found, "operator:b")]
    assert town.write(lambda work: digests.seal(work, orders)) == [True, False]
