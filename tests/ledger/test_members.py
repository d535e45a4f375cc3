"""The members of a petition (并单): what becomes of them when it is cancelled, and who works when one says no."""

from typing import Any

import pytest

from bridge import ids
from bridge.ledger.merge import Merged, Merging
from schemas.event import EventType as E
from schemas.event import UnitRole
from schemas.petition import HandlingClass as C
from schemas.petition import Petitioner
from tests.ledger.test_judge import data
from tests.support.ledgers import CENTER, HOTLINE, OPENID, SYSTEMS, WECHAT, Bench, Case, number, petition, submission

OTHER = "oABCD-abcdefghijklm1234567890"
PHONES = {OPENID: "13912340567", OTHER: "13900009999"}


def brought(bench: Bench, openid: str = OPENID, cls: C = C.HOTLINE_TRANSFER) -> Case:
    """A petition of this petitioner, routed, with nothing delivered yet."""
    bench.clock.turn(1)
    given = number(f"n-{bench.clock.ms}")
    person = Petitioner(name="钱多多", phone=PHONES[openid], openid=openid)
    draft = petition(petitioner=person, handling_class=cls)
    (outcome,) = bench.take(submission(f"m-{bench.clock.ms}", given, draft=draft))
    assert outcome.petition_id
    assert outcome.event_id
    return Case(outcome.petition_id, outcome.event_id, given)


def merged(bench: Bench, member: Case, main: Case) -> Merged:
    return bench.do(bench.ledger.merge(Merging(member.id, main.id, "zhang", "同一盏路灯")))


def pair(bench: Bench, openid: str = OTHER, cls: C = C.HOTLINE_TRANSFER) -> tuple[Case, Case]:
    """A petition of one petitioner and a member of it, by default another one's."""
    main, member = brought(bench), brought(bench, openid, cls)
    assert merged(bench, member, main).result == "done"
    return main, member


def arrive(bench: Bench, *cases: Case) -> None:
    """Whatever waits to be told of them arrives; a system that is given the case holds it."""
    bench.route_all()
    for case in cases:
        for system in SYSTEMS:
            while set(bench.states(case, system)) - {"delivered", "acknowledged"}:
                bench.deliver(case, system, told_petitioner=system == WECHAT, holds=system != WECHAT)
    bench.route_all()
    assert bench.law().holds, bench.law()


def judged(bench: Bench) -> None:
    while bench.judge():
        pass


def types(bench: Bench, case: Case) -> list[str]:
    return [row["type"] for row in bench.events(case.id)]


def answered(bench: Bench, main: Case, member: Case) -> None:
    bench.say(main, E.ACCEPTED, HOTLINE)
    bench.say(main, E.REPLIED, HOTLINE, text="已修好")
    arrive(bench, main, member)
    assert bench.petition(member)["closed_at"] is not None
    bench.clock.turn(60)


def says_no(bench: Bench, case: Case, **more: Any) -> str:
    bench.clock.turn(1)
    said = {"actor": "petitioner", "satisfaction": "unsatisfied", "text": "我家三楼还是黑的", **more}
    return bench.say(case, E.RATED, WECHAT, **said)


# ── the petition is cancelled ──

HANDLERS = [
    (C.HOTLINE_TRANSFER, {HOTLINE}, HOTLINE),
    (C.KEY_SUPERVISION, {CENTER, WECHAT}, CENTER),
    (C.JOINT_PACKAGE, {CENTER, WECHAT}, CENTER),
    (C.HOME_UNIT, {WECHAT}, WECHAT),
    (C.ON_SITE, {WECHAT}, WECHAT),
]


@pytest.mark.parametrize(("cls", "told", "holder"), HANDLERS, ids=lambda value: getattr(value, "value", ""))
def test_another_petitioners_goes_on_by_itself_with_the_handler_of_its_class(
    bench: Bench, cls: C, told: set[str], holder: str
) -> None:
    main, member = pair(bench, cls=cls)
    arrive(bench, main, member)
    bench.say(main, E.CANCELLED, WECHAT, actor="petitioner", text="我撤回")
    row = bench.petition(member)
    assert (row["merged_into"], row["state"], row["answered_by"], row["closed_at"]) == (None, "rehandling", None, None)
    assert bench.petition(main)["members"] == 0
    assert types(bench, member) == ["submitted", "merged", "rehandled", "reclassed"]
    assert bench.law().holds
    bench.route_all()
    query = "SELECT system, audience FROM handoffs WHERE petition_id = :p AND event_type = 'reclassed'"
    handed = bench.rows(query, p=member.id)
    assert told <= {one["system"] for one in handed}
    if cls is C.HOME_UNIT:
        assert any("unit" in one["audience"].split(",") for one in handed)
    arrive(bench, main, member)
    assert bench.petition(main)["closed_at"] is not None
    assert (bench.petition(member)["holder"], bench.petition(member)["closed_at"]) == (holder, None)


def test_what_is_freed_is_answered_like_any_petition(bench: Bench) -> None:
    main, member = pair(bench)
    bench.say(main, E.CANCELLED, WECHAT, actor="petitioner")
    arrive(bench, main, member)
    bench.say(member, E.REPLIED, HOTLINE, text="已修好")
    bench.say(member, E.CLOSED, HOTLINE, text="已修好，办结")
    arrive(bench, main, member)
    assert bench.petition(member)["closed_at"] is not None
    assert "我撤回" not in str([data(bench, row) for row in bench.events(member.id)])


def test_to_be_freed_is_no_rehandling_for_discontent(bench: Bench) -> None:
    main, member = pair(bench)
    bench.say(main, E.CANCELLED, WECHAT, actor="petitioner")
    arrive(bench, main, member)
    bench.say(member, E.REPLIED, HOTLINE, text="已修好")
    arrive(bench, main, member)
    says_no(bench, member)
    judged(bench)
    again = bench.events(member.id)[-1]
    assert (again["type"], data(bench, again)["text"]) == ("rehandled", "诉求人表示未解决或不满意，第1次重办")


def test_with_its_hand_offs_unfinished_the_law_holds_all_along(bench: Bench) -> None:
    main, member = pair(bench)
    # Neither routed nor delivered: what it was submitted with is still on its way.
    bench.say(main, E.CANCELLED, HOTLINE, text="作废")
    assert bench.law().holds
    bench.route_all()
    assert bench.law().holds
    arrive(bench, member)
    assert bench.place()
    assert bench.petition(member)["closed_at"] is None


def test_its_events_are_the_same_however_often_the_batch_is_run(bench: Bench) -> None:
    main, member = pair(bench)
    event = bench.say(main, E.CANCELLED, WECHAT, actor="petitioner")
    key = f"freed:{member.id}:{event}"
    expected = [str(ids.event_id("bridge", one)) for one in (key, f"{key}:class")]
    assert [row["event_id"] for row in bench.events(member.id)][-2:] == expected
    bench.say(main, E.CANCELLED, HOTLINE, text="作废")
    assert len(bench.events(member.id)) == 4, "told twice, it is freed once"


def test_the_same_petitioners_is_cancelled_with_it(bench: Bench) -> None:
    main, member = pair(bench, openid=OPENID)
    bench.say(main, E.CANCELLED, WECHAT, actor="petitioner", text="我撤回")
    arrive(bench, main, member)
    assert types(bench, member) == ["submitted", "merged", "cancelled"]
    assert bench.petition(member)["merged_into"] == main.id
    assert bench.petition(member)["closed_at"] is not None


def test_a_refusal_answers_every_member(bench: Bench) -> None:
    main, member = pair(bench)
    bench.say(main, E.NOT_ACCEPTED, HOTLINE, text="属于诉讼途径解决的事项")
    arrive(bench, main, member)
    assert types(bench, member) == ["submitted", "merged", "not_accepted"]
    assert bench.petition(member)["closed_at"] is not None


def test_an_end_that_is_out_of_order_ends_nothing_for_the_members(bench: Bench) -> None:
    main, member = pair(bench)
    bench.say(main, E.ACCEPTED, HOTLINE)
    bench.say(main, E.DISPATCHED, HOTLINE, unit="供电所")
    bench.say(main, E.NOT_ACCEPTED, CENTER, text="不予督办")
    bench.say(main, E.CLOSED, HOTLINE, text="已修好")
    bench.say(main, E.CANCELLED, CENTER, text="作废")
    arrive(bench, main, member)
    assert types(bench, member) == ["submitted", "merged", "closed"]
    assert bench.petition(member)["closed_at"] is not None


def test_who_has_the_answer_keeps_it_and_is_freed_by_a_no(bench: Bench) -> None:
    main, member = pair(bench)
    answered(bench, main, member)
    bench.say(main, E.CANCELLED, WECHAT, actor="petitioner")
    assert types(bench, member) == ["submitted", "merged", "replied"]
    assert bench.petition(member)["closed_at"] is not None
    says_no(bench, member)
    judged(bench)
    assert types(bench, member)[3:] == ["rated", "rehandled", "reclassed"]
    assert bench.petition(member)["merged_into"] is None
    assert types(bench, main)[-1] == "cancelled", "nobody wants anything of that one any more"
    arrive(bench, main, member)
    assert bench.petition(member)["closed_at"] is None


def test_a_member_that_was_withdrawn_itself_wants_nothing_any_more(bench: Bench) -> None:
    main, member = pair(bench)
    bench.say(member, E.CANCELLED, WECHAT, actor="petitioner", text="我撤回")
    assert types(bench, main) == ["submitted"]
    bench.say(main, E.ACCEPTED, HOTLINE)
    bench.say(main, E.REHANDLED, HOTLINE)
    bench.say(main, E.CANCELLED, HOTLINE, text="作废")
    arrive(bench, main, member)
    assert types(bench, member) == ["submitted", "merged", "cancelled"]
    assert bench.petition(member)["closed_at"] is not None


def test_into_what_is_cancelled_nothing_is_merged(bench: Bench) -> None:
    main, late = brought(bench), brought(bench, OTHER)
    bench.say(main, E.CANCELLED, WECHAT, actor="petitioner")
    found = merged(bench, late, main)
    assert (found.result, "cancelled" in (found.why or "")) == ("refused", True)


def test_what_was_withdrawn_and_is_said_again_is_a_petition_of_its_own(bench: Bench) -> None:
    bench.house.duplicate_days, bench.house.merge_repeats = 7.0, True
    main = brought(bench)
    bench.say(main, E.CANCELLED, WECHAT, actor="petitioner")
    again = brought(bench)
    assert bench.petition(again)["merged_into"] is None
    assert types(bench, again) == ["submitted"]


def test_an_assisting_units_word_is_no_members_answer(bench: Bench) -> None:
    main, member = pair(bench)
    bench.say(main, E.DISPATCHED, HOTLINE, unit="供电所")
    bench.say(main, E.REPLIED, HOTLINE, unit="街道办", role=UnitRole.ASSIST, text="协办完成")
    assert types(bench, member) == ["submitted", "merged"]
    bench.say(main, E.REPLIED, HOTLINE, unit="供电所", text="已修好")
    assert types(bench, member) == ["submitted", "merged", "replied"]


# ── a member says no ──


def test_a_members_no_reopens_the_petition_and_every_member_wants_the_new_answer(bench: Bench) -> None:
    main, member = pair(bench)
    third = brought(bench, OTHER)
    merged(bench, third, main)
    answered(bench, main, member)
    arrive(bench, third)
    event = says_no(bench, member)
    said = bench.events(main.id)[-1]
    assert said["event_id"] == str(ids.event_id("bridge", f"complaint:{event}"))
    assert (said["type"], said["source"], said["actor"]) == ("rated", "bridge", "petitioner")
    assert data(bench, said) == {"satisfaction": "unsatisfied"}, "their words are not told with another's case"
    judged(bench)
    assert bench.petition(main)["state"] == "rehandling"
    for one in (member, third):
        row = bench.petition(one)
        assert types(bench, one)[-2:] == ["rehandled", "merged"]
        assert (row["state"], row["closed_at"], row["answered_by"]) == ("merged", None, None)
    arrive(bench, main, member, third)
    assert bench.petition(member)["closed_at"] is None, "to be told that it begins again is no answer"

    bench.say(main, E.REPLIED, HOTLINE, text="三楼也修好了")
    arrive(bench, main, member, third)
    assert bench.petition(member)["closed_at"] is not None
    assert bench.petition(third)["closed_at"] is not None
    judged(bench)
    assert types(bench, main).count("rehandled") == 1


def told(bench: Bench, case: Case, system: str) -> list[str]:
    return [row["event_type"] for row in bench.lane(case, system)]


def test_the_people_of_a_member_are_told_once_that_it_begins_again(bench: Bench) -> None:
    main, member = brought(bench), brought(bench, OTHER)
    arrive(bench, main, member)
    merged(bench, member, main)
    answered(bench, main, member)
    assert told(bench, member, WECHAT).count("merged") == 1
    says_no(bench, member)
    judged(bench)
    arrive(bench, main, member)
    assert types(bench, member)[-2:] == ["rehandled", "merged"]
    assert told(bench, member, WECHAT).count("rehandled") == 1
    assert told(bench, member, WECHAT).count("merged") == 1, "that it is still merged is no news to a citizen"
    assert told(bench, member, HOTLINE)[-2:] == ["rehandled", "merged"], "a system must know where it stands"


def test_what_begins_again_and_is_merged_by_hand_is_told_so(bench: Bench) -> None:
    """The bridge reopened it, and the next thing that happens is that an operator merges it."""
    late = brought(bench, OTHER)
    for type_ in (E.ACCEPTED, E.REPLIED, E.CLOSED):
        bench.say(late, type_, HOTLINE, text="已修好")
    arrive(bench, late)
    bench.say(late, E.RATED, WECHAT, actor="petitioner", satisfaction="unsatisfied")
    judged(bench)
    arrive(bench, late)
    assert types(bench, late)[-1] == "rehandled"
    assert merged(bench, late, brought(bench)).result == "done"
    arrive(bench, late)
    assert told(bench, late, WECHAT)[-1] == "merged"


def test_the_clocks_of_the_new_round_are_the_petitions_alone(bench: Bench) -> None:
    main, member = pair(bench)
    answered(bench, main, member)
    says_no(bench, member)
    for _ in range(20):
        judged(bench)
        bench.clock.turn(86_400)
    assert {"urged", "supervised"} & set(types(bench, main))
    assert not {"urged", "supervised"} & set(types(bench, member))


def test_in_the_new_round_a_no_counts_again(bench: Bench) -> None:
    main, member = pair(bench)
    answered(bench, main, member)
    for times in (1, 2):
        says_no(bench, member)
        judged(bench)
        assert types(bench, main).count("rehandled") == times
        bench.clock.turn(60)
        bench.say(main, E.REPLIED, HOTLINE, text=f"第{times}次重新答复")
        arrive(bench, main, member)
        bench.clock.turn(60)


def test_the_petitions_own_no_and_the_members_are_one_round(bench: Bench) -> None:
    main, member = pair(bench)
    answered(bench, main, member)
    says_no(bench, main)
    says_no(bench, member)
    says_no(bench, member)
    assert types(bench, main).count("rated") == 2, "a member's no is passed on once a round"
    judged(bench)
    assert types(bench, main).count("rehandled") == 1
    # The one that comes after the new round has begun is about the old answer.
    says_no(bench, member)
    judged(bench)
    assert types(bench, main).count("rehandled") == 1


@pytest.mark.parametrize(
    "said",
    [{"satisfaction": "satisfied"}, {"actor": "unit"}, {"actor": "system"}, {"finding": "unreachable"}],
    ids=lambda said: next(iter(said.values())),
)
def test_what_is_no_complaint_of_the_petitioner_stays_with_the_member(bench: Bench, said: dict[str, Any]) -> None:
    main, member = pair(bench)
    answered(bench, main, member)
    says_no(bench, member, **said)
    assert "rated" not in types(bench, main)


def test_a_no_before_the_answer_is_about_nothing_yet(bench: Bench) -> None:
    main, member = pair(bench)
    says_no(bench, member)
    assert types(bench, main) == ["submitted"]


def test_a_follow_up_that_the_hotline_made_of_a_closed_petition_reopens_it_too(bench: Bench) -> None:
    main, member = pair(bench)
    answered(bench, main, member)
    bench.say(main, E.CLOSED, HOTLINE, text="办结")
    arrive(bench, main, member)
    assert bench.petition(main)["closed_at"] is not None
    bench.clock.turn(60)
    bench.say(member, E.FOLLOWED_UP, HOTLINE, resolved="no", text="诉求人称未解决")
    assert (types(bench, main)[-1], data(bench, bench.events(main.id)[-1])) == ("followed_up", {"resolved": "no"})
    judged(bench)
    assert (bench.petition(main)["state"], bench.petition(main)["closed_at"]) == ("rehandling", None)
    assert bench.petition(member)["closed_at"] is None
    assert bench.law().holds


def test_who_joins_while_it_is_handled_again_is_not_told_the_old_answer(bench: Bench) -> None:
    main, member = pair(bench)
    answered(bench, main, member)
    says_no(bench, member)
    judged(bench)
    late = brought(bench, OTHER)
    merged(bench, late, main)
    assert types(bench, late) == ["submitted", "merged"]
