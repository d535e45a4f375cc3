"""Whatever comes in, the door answers in its dialect: never an exception, and what it takes keeps to the rules."""

from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.governance_center.inbound import PATH
from adapters.governance_center.wire import EventDocument, Op
from bridge.adapter import Ignored, Malformed, Outcome, Question, Reading, Response, Taken, Update
from schemas.event import EventType, UnitRole
from tests.adapters.governance_center.support import PETITION_ID, inbound, read, request, view
from tests.adapters.governance_center.test_schemas import fits

FIELDS = sorted(EventDocument.model_fields)
PLAUSIBLE = st.sampled_from(
    [
        "",
        "1",
        2,
        "03",
        "lead",
        "协办",
        "6",
        "免办",
        "2026-11-22 09:00:00",
        PETITION_ID,
        "E-1",
        "E-1,E-2",
        "018",
        "市城管局",
    ]
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
HEAD = st.fixed_dictionaries(
    {"op": st.sampled_from([*Op, "sendEvt", "userInfo"]), "eventId": st.sampled_from(["E-1", PETITION_ID, 7])}
)
SOME = st.dictionaries(st.sampled_from(FIELDS), PLAUSIBLE, max_size=4)
LIKELY = st.builds(lambda body, head: {**body, **head}, SOME, HEAD)
UNLIKELY = st.builds(lambda body, head: {**body, **head}, st.dictionaries(st.sampled_from(FIELDS), ANY_JSON), HEAD)


def answered(reading: Reading, *, known: bool) -> tuple[Reading, Response]:
    """The reading after every question, and the answer to it."""
    while isinstance(reading, Question):
        reading = reading.then([view()] if known else [])
    if isinstance(reading, Taken):
        return reading, reading.reply([Outcome("event", PETITION_ID, "ab" * 32) for _ in reading.drafts])
    assert isinstance(reading, Ignored | Malformed), reading
    return reading, reading.response


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(LIKELY, UNLIKELY, ANY_JSON), st.booleans())
def test_any_document_is_answered(document: Any, known: bool) -> None:
    reading, response = answered(read(document), known=known)
    assert response.status == (400 if isinstance(reading, Malformed) else 200)
    batch = isinstance(document, list) and document
    fits("batch-answer" if batch else "answer", orjson.loads(response.body))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(LIKELY | UNLIKELY | ANY_JSON, min_size=1, max_size=6), st.booleans())
def test_any_batch_accounts_for_each_of_its_documents(items: list[Any], known: bool) -> None:
    reading, response = answered(read({"events": items}), known=known)
    answer = orjson.loads(response.body)
    fits("batch-answer", answer)
    assert [one["index"] for one in answer["results"]] == list(range(len(items)))
    failed = [one for one in answer["results"] if one["result"] == "failed"]
    assert answer["failSituationList"] == failed
    assert (answer["code"] == "0") is bool(failed)
    alone = [answered(read(item), known=known)[0] for item in items if not isinstance(item, list)]
    if len(alone) == len(items):
        refused = [index for index, one in enumerate(alone) if isinstance(one, Malformed)]
        assert [one["index"] for one in failed] == refused
        assert isinstance(reading, Taken) is any(isinstance(one, Taken) for one in alone)


FINISH = st.fixed_dictionaries(
    {"op": st.sampled_from(["reply", "close", "progress", "supervise"]), "eventId": st.just("E-1")},
    optional={
        "role": st.sampled_from(["lead", "assist", "1", "协办"]),
        "orgName": st.just("甲局"),
        "status": st.sampled_from(["02", "03", "已办结"]),
        "householdsDone": st.integers(0, 3),
        "householdsTotal": st.integers(3, 5),
        "partStatus": st.sampled_from("01234567"),
        "superviseState": st.sampled_from("0123456"),
        "supervisionType": st.sampled_from("123"),
        "members": st.just(["E-1", "E-2"]),
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FINISH)
def test_only_the_lead_and_all_households_answer_the_citizen(document: dict[str, Any]) -> None:
    reading, _ = answered(read(document), known=False)
    assert isinstance(reading, Taken)
    for draft in reading.drafts:
        assert isinstance(draft, Update)
        if draft.type in (EventType.REPLIED, EventType.CLOSED):
            assert draft.data.role is not UnitRole.ASSIST
            share = draft.data.households
            assert share is None or share.total is None or share.done >= share.total
        if draft.type in (EventType.SUPERVISED, EventType.URGED):
            assert draft.data.supervision is not None
            assert draft.data.supervision.state == "issued"
        assert draft.type is not EventType.UNKNOWN


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_any_look_up_is_answered(number: str) -> None:
    path = f"{PATH}/{number}".encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    reading = inbound().read(request(b"", method="GET", path=path)).reading
    response = reading.then([]).response if isinstance(reading, Question) else reading.response  # type: ignore[union-attr]
    assert response.status in (400, 404)
    fits("look-up-answer", orjson.loads(response.body))
