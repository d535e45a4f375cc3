"""Whatever an authenticated body says, the door answers 200 or 400, keeps it, and never falls; also after a look-up."""

from datetime import timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from adapters.wechat.pushes import EVENTS, MESSAGES
from adapters.wechat.sandbox_dialect import as_json
from bridge.adapter import Bind, Ignored, Malformed, Outcome, PetitionView, Question, Reading, Response, Taken
from bridge.roster import Bound
from tests.adapters.wechat.support import ACCOUNT, NOW, OPENID, inbound, request, view, xml

DOOR = inbound()
KINDS = [*MESSAGES, "event", "hologram"]
NAMES = ["Content", "PicUrl", "MediaId", "Format", "Recognition", "Location_X", "Location_Y", "Label", "Title", "Url",
         "MsgId", "MsgID", "Event", "EventKey", "Status", "CreateTime", "Description"]  # fmt: skip
WORDS = st.sampled_from(["1", "满意", "不满意，还是坏的", "进度", "绑定 ABCD-1234", "新诉求", "新诉求：停水", "123456",
                         "确认", "待确认", "确认 LT261122-7K3M9QX2AB 已回访", "确认LT261122-7K3M9QX2AB灯"])  # fmt: skip
VALUES = st.one_of(WORDS, st.text(max_size=40), st.integers(-(2**70), 2**70).map(str), st.just("路" * 100_001))
FIELDS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6)
STATES = st.sampled_from(["submitted", "handling", "replied", "closed", "merged", "a new one"])


@st.composite
def views(draw: st.DrawFn) -> list[PetitionView]:
    wrote = st.one_of(st.none(), st.integers(0, 10_000).map(lambda seconds: NOW - timedelta(seconds=seconds)))
    return [
        view(
            state=draw(STATES),
            petitioner_wrote_at=draw(wrote),
            rated=draw(st.booleans()),
            said=draw(st.text(max_size=9)),
        )
        for _ in range(draw(st.integers(0, 3)))
    ]


def answered(reading: Reading, known: list[PetitionView], bound: Bound) -> Response:
    """As the core goes on with a reading."""
    for _ in range(3):
        if isinstance(reading, Question):
            reading = reading.then(known)
        elif isinstance(reading, Bind):
            reading = reading.then(bound)
    if isinstance(reading, Taken):
        status = "event" if bound.status == "used" else "new"
        return reading.reply([Outcome(status, "LT261122-0000000001", "r") for _ in reading.drafts])
    assert isinstance(reading, Ignored | Malformed)
    return reading.response


@example("text", "", {"MsgId": str(2**70)}, [], "bound")
@given(
    kind=st.sampled_from(KINDS),
    event=st.sampled_from([*EVENTS, "brand_new"]),
    fields=FIELDS,
    known=views(),
    status=st.sampled_from(["bound", "used", "unknown"]),
)
def test_any_message_is_answered(
    kind: str, event: str, fields: dict[str, str], known: list[PetitionView], status: str
) -> None:
    named = {"Event": event, **fields} if kind == "event" else fields
    head = {"ToUserName": ACCOUNT, "FromUserName": OPENID, "CreateTime": "1795311000", "MsgType": kind}
    for body in (xml(kind, **named), as_json({**head, **named})):
        answer = answered(DOOR.read(request(body)).reading, known, Bound(status, "S1", "孟一"))
        assert answer.status in (200, 400)


@given(body=st.binary(max_size=300))
def test_any_bytes_are_answered(body: bytes) -> None:
    reading = DOOR.read(request(body)).reading
    assert answered(reading, [], Bound("unknown")).status in (200, 400)
