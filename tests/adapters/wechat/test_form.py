"""The form door: a secretary files a petition."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.adapter import Malformed, Refused, Request, Submission
from schemas.petition import ExternalId, HandlingClass, Kind
from tests.adapters.wechat.support import NOW, Core, inbound, request

PATH = "/in/wechat/petitions"

DOCUMENT: dict[str, Any] = {
    "external_id": "F-2026-0001",
    "kind": "求助",
    "handling_class": "home_unit",
    "title": "楼道灯不亮",
    "content": "明珠小区3号楼楼道灯坏了一周。\r\n老人出入不便。\u0000",
    "petitioner": {"name": "孔令宜", "phone": "13805370001", "openid": None, "anonymous": False, "confidential": True},
    "place": {"region_code": "370811", "address": "明珠小区3号楼", "longitude": 116.58, "latitude": 35.41},
    "category": {"code": "0501", "name": "物业管理"},
    "urgency": "一般",
    "secretary": {"id": "S001", "name": "孟书记", "team_id": "T01", "home_unit": "市住建局"},
    "lead_unit": None,
    "assist_units": ["街道办"],
    "attachments": [{"name": "照片.jpg", "url": "https://files.example.invalid/1.jpg"}],
    "occurred_at": "2026-11-21T19:00:00+08:00",
}


def asked(document: Any, key: str = "Bearer form-key") -> Request:
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    return request(body, {}, path=PATH, authorization=key)


def test_a_petition_is_filed() -> None:
    core = Core(inbound())
    answer = core.answer(asked(DOCUMENT))
    assert answer.status == 202
    assert orjson.loads(answer.body) == {"petition_id": "LT261122-0000000001", "receipt": f"{1:064x}"}
    (draft,) = core.drafts
    assert isinstance(draft, Submission)
    assert (draft.message_key, draft.actor, draft.submitted_at) == ("form:F-2026-0001", "owner", NOW)
    assert draft.external_ids == (ExternalId(system="wechat", kind="external_id", value="F-2026-0001"),)
    petition = draft.petition
    assert (petition.kind, petition.handling_class) == (Kind.HELP, HandlingClass.HOME_UNIT)
    assert petition.content == DOCUMENT["content"]
    assert petition.secretary is not None
    assert petition.secretary.home_unit == "市住建局"
    assert not hasattr(petition, "external_id")


def test_the_same_number_again_gives_the_same_answer() -> None:
    core = Core(inbound())
    first, second = (core.answer(asked({**DOCUMENT, "title": title})).body for title in ("一", "二"))
    assert first == second
    assert len(core.drafts) == 1


@pytest.mark.parametrize(
    ("key", "settings", "reason"),
    [
        ("", {}, "unknown_key"),
        ("Bearer", {}, "unknown_key"),
        ("Bearer wrong", {}, "unknown_key"),
        ("Bearer 密钥", {}, "unknown_key"),
        ("Basic form-key", {}, "unknown_key"),
        ("form-key", {}, "unknown_key"),
        ("Bearer form-key", {"inbound_key": None}, "no_key_configured"),
        ("Bearer ", {"inbound_key": ""}, "no_key_configured"),
    ],
)
def test_without_the_key_nothing_opens(key: str, settings: dict[str, Any], reason: str) -> None:
    reading = inbound(**settings).read(asked(DOCUMENT, key)).reading
    assert isinstance(reading, Refused)
    assert (reading.reason, reading.response.status) == (reason, 401)
    assert orjson.loads(reading.response.body)["status"] == 401


def test_the_form_needs_no_token_of_the_message_server() -> None:
    assert Core(inbound(token=None)).answer(asked(DOCUMENT)).status == 202


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"external_id": None}, "external_id"),
        ({"content": ""}, "content"),
        ({"content": "长" * 100_001}, "content"),
        ({"petitioner": {"name": "孔令宜"}}, "petitioner"),
        ({"petitioner": {"phone": 13805370001}}, "petitioner.phone"),
        ({"petitioner": "孔令宜"}, "petitioner"),
        ({"kind": "骂街"}, "kind"),
        ({"handling_class": "nobody"}, "handling_class"),
        ({"urgency": "马上"}, "urgency"),
        ({"occurred_at": "2026-11-21T19:00:00"}, "occurred_at"),
        ({"occurred_at": "昨天"}, "occurred_at"),
        ({"place": {"longitude": 116.5}}, "place"),
        ({"place": {"longitude": 216.5, "latitude": 35}}, "place.longitude"),
        ({"attachments": [{"name": "x"}]}, "attachments.0.url"),
        ({"secretary": {"id": "S001"}}, "secretary.team_id"),
        ({"assist_units": "街道办"}, "assist_units"),
        ({"sercet": "孔令宜"}, "sercet"),
        ({"external_id": "a\nb"}, "external_id"),
    ],
)
def test_what_is_wrong_is_named_and_never_quoted(change: dict[str, Any], field: str) -> None:
    document = {name: value for name, value in {**DOCUMENT, **change}.items() if name != "external_id" or value}
    reading = inbound().read(asked(document)).reading
    assert isinstance(reading, Malformed)
    assert (reading.response.status, reading.response.content_type) == (422, "application/problem+json")
    problem = orjson.loads(reading.response.body)
    fault = next(error for error in problem["errors"] if error["field"].startswith(field))
    assert fault["reason"]
    assert fault["next"]
    for value in ("孔令宜", "骂街", "nobody", "马上", "昨天", "13805370001", "长长"):
        assert value not in reading.response.body.decode()
        assert value not in reading.reason


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"content": NaN}', '{"content": "路灯"}'.encode("gbk"), b"\x00", b"[" * 5000]
)
def test_what_is_not_json_is_400(body: bytes) -> None:
    reading = inbound().read(asked(body)).reading
    assert isinstance(reading, Malformed)
    problem = orjson.loads(reading.response.body)
    assert (reading.response.status, problem["status"]) == (400, 400)
    assert problem["detail"] == reading.reason


VALUES = st.one_of(
    st.none(), st.text(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False), st.lists(st.text(), max_size=2)
)
DOCUMENTS = st.dictionaries(st.sampled_from(sorted(DOCUMENT)), VALUES).map(lambda change: {**DOCUMENT, **change})


@given(body=st.one_of(st.binary(max_size=200), DOCUMENTS.map(lambda document: json.dumps(document).encode())))
def test_nothing_makes_the_door_fall(body: bytes) -> None:
    assert Core(inbound()).answer(asked(body)).status in {202, 400, 422}


def test_too_large_and_unavailable_speak_the_dialect() -> None:
    door = inbound()
    for answer, status in ((door.too_large(asked(b"")), 413), (door.unavailable(asked(b"")), 503)):
        assert (answer.status, answer.content_type) == (status, "application/problem+json")
        assert orjson.loads(answer.body)["status"] == status
    assert door.too_large(request(b"")).status == 413
    assert door.unavailable(request(b"")).status == 503
