"""Whatever comes in, the door answers; and what it takes can be written down."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.hotline12345 import mapping, wire
from adapters.hotline12345.inbound import PLAIN, QUESTIONS
from bridge.adapter import Malformed, Question, Taken
from tests.adapters.hotline12345.support import CODES, adapter, request, sent

NAMES = sorted(
    {
        str(choice)
        for model in vars(wire).values()
        if isinstance(model, type) and issubclass(model, wire.Case)
        for one in model.model_fields.values()
        for choice in getattr(one.validation_alias, "choices", [one.validation_alias])
        if choice
    }
    | {"content", "action", "opinion", "medias", "title", "address", "contact"}
)
LEAF = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(
        ["0", "1", "2", "transit", "2024-01-02 03:04:05", "1704135845000", "{}", "[{}]", "投诉", "x" * 300]
    ),
)
VALUE = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner))
ACTIONS = st.sampled_from([*mapping.READERS, *QUESTIONS, *PLAIN, *CODES.notices])


@settings(max_examples=200, deadline=None)
@given(action=ACTIONS, data=st.dictionaries(st.sampled_from(NAMES), VALUE, max_size=12), uid=LEAF)
def test_any_data_for_any_action(action: str, data: dict[str, Any], uid: Any) -> None:
    data = {"caseId": "X1", "eventDesc": "x", "applyTypeId": 1, "action": "transit"} | data
    body = json.dumps(sent(action, data, uid), ensure_ascii=True).encode()
    reading = adapter().inbound.read(request(body)).reading
    if isinstance(reading, Taken):
        assert all(0 < len(draft.message_key) <= 160 for draft in reading.drafts)
    elif isinstance(reading, Malformed):
        assert (reading.response.status, bool(reading.reason)) == (400, True)
    elif isinstance(reading, Question):
        assert reading.refs


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    assert isinstance(adapter().inbound.read(request(body)).reading, Malformed)
