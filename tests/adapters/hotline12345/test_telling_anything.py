"""Whatever a petition or an event says, what we write of it keeps to the standard, or is parked with a reason."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.hotline12345 import digests, sandbox_rules, telling, wire
from adapters.hotline12345.work_order import work_order
from bridge.adapter import Permanent
from schemas.event import EventData, EventType, Indicator, Satisfaction, Span
from schemas.petition import Attachment, Category, Kind, Petition, Petitioner, Place, Urgency
from tests.adapters.hotline12345.support import CODES, outgoing, petition

WORDS = st.text(max_size=30)
MAYBE = st.none() | WORDS
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is given
FILES = st.lists(st.builds(Attachment, name=WORDS, url=WORDS), max_size=3).map(tuple)
COORDINATES = st.none() | st.tuples(st.floats(-180, 180), st.floats(-90, 90))


def _place(street: str | None, region: str | None, address: str | None, where: tuple[float, float] | None) -> Place:
    x, y = where or (None, None)
    return Place(street=street, region_code=region, address=address, longitude=x, latitude=y)


PLACES = st.builds(_place, MAYBE, st.none() | st.text("0123456789A", max_size=12), MAYBE, COORDINATES)
PEOPLE = st.builds(
    Petitioner, name=MAYBE, phone=MAYBE, openid=st.none(), anonymous=st.booleans(), confidential=st.booleans()
)
PETITIONS: st.SearchStrategy[Petition] = st.builds(
    petition,
    title=WORDS,
    content=st.text(min_size=1, max_size=200),
    kind=st.sampled_from(Kind),
    urgency=st.sampled_from(Urgency),
    place=PLACES,
    petitioner=PEOPLE,
    category=st.builds(Category, code=MAYBE, name=MAYBE),
    lead_unit=MAYBE,
    attachments=FILES,
    source=st.sampled_from(["wechat", "governance_center", "hotline12345", "a_fourth"]),
)
SAID = st.builds(
    EventData,
    text=MAYBE,
    unit=MAYBE,
    person=MAYBE,
    due_at=st.none() | TIMES,
    extend_by=st.none()
    | st.builds(Span, amount=st.floats(0.5, 100), unit=st.sampled_from(["hours", "days", "working_days"])),
    satisfaction=st.none() | st.sampled_from(Satisfaction),
    resolved=st.none() | st.sampled_from(["yes", "no", "partly"]),
    stage=st.none() | st.sampled_from(["first", "final"]),
    indicators=st.lists(st.builds(Indicator, code=WORDS, score=WORDS), max_size=2).map(tuple),
    place=st.none() | PLACES,
    attachments=FILES,
)


@settings(max_examples=150, deadline=None)
@given(PETITIONS)
def test_any_petition(one: Petition) -> None:
    order = work_order(one, CODES)
    assert sandbox_rules.fault("REPORT", order) is None
    hidden = one.petitioner.anonymous or one.petitioner.confidential
    assert not hidden or not {"contact", "telReply"} & set(order)


@settings(max_examples=150, deadline=None)
@given(PETITIONS)
def test_any_work_order_reads_back_to_the_same_digests(one: Petition) -> None:
    order = wire.Report.model_validate(work_order(one, CODES))
    assert digests.of_order(order, CODES) == digests.of_petition(one)


@settings(max_examples=300, deadline=None)
@given(
    PETITIONS,
    st.sampled_from(sorted(CODES.tell)),
    SAID,
    st.sampled_from([{}, {"recId": "1"}, {"caseId": "X1"}, {"caseId": "X1", "caseHandleId": "h"}]),
)
def test_any_event(one: Petition, event: EventType, said: EventData, numbers: dict[str, Any]) -> None:
    out = outgoing(event, data=said, petition=one, external_ids=numbers)
    try:
        calls = telling.calls(out, CODES, "来听桥")
    except Permanent:
        theirs = event is EventType.SUBMITTED and telling.is_theirs(out) and one.source == "hotline12345"
        undated = event in (EventType.EXTENDED, EventType.EXTENSION_REQUESTED) and said.due_at is None
        assert theirs or undated, "nothing else is parked"
    else:
        assert [sandbox_rules.fault(call.action, call.data) for call in calls] == [None] * len(calls)
