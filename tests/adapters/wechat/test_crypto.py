"""The official vectors (DOMAIN 3.2), the three modes, and the keys."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.wechat.crypto import BadCipher, MessageKey, matches, open_with, signature
from bridge.adapter import Answered, Ignored, Malformed, Refused, Request, Taken
from tests.adapters.wechat.support import (
    AES_KEY,
    APP_ID,
    NOW,
    TOKEN,
    Core,
    inbound,
    plain_query,
    request,
    sealed,
    text,
)

HANDSHAKE = {"timestamp": "1714036504", "nonce": "1514711492", "echostr": "4375120948345356249"}
PLAIN = {
    "timestamp": "1714037059",
    "nonce": "486452656",
    "signature": "899cf89e464efb63f54ddac96b0a0a235f53aa78",
}
PLAIN_BODY = (
    b'{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","CreateTime":1714037059,'
    b'"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}'
)
ENCRYPT = (
    "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8"
    "XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32I"
    "Ijdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04="
)
SAFE = {
    "timestamp": "1714112445",
    "nonce": "415670741",
    "encrypt_type": "aes",
    "signature": "6c5c811b55cc85e0e1b54100749188c20beb3f5d",
    "msg_signature": "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3",
}


def get(query: dict[str, str]) -> Request:
    return request(b"", query, method="GET")


# ── the three official vectors ──


def test_vector_1_the_handshake() -> None:
    query = {**HANDSHAKE, "signature": "f464b24fc39322e44b38aa78f5edd27bd1441696"}
    reading = inbound().read(get(query)).reading
    assert isinstance(reading, Answered)
    assert (reading.response.status, reading.response.body) == (200, b"4375120948345356249")


def test_vector_2_plain_json() -> None:
    reading = inbound().read(request(PLAIN_BODY, PLAIN)).reading
    assert isinstance(reading, Ignored)
    assert (reading.reason, reading.response.body) == ("unused_event:debug_demo", b"success")


def test_vector_3_safe_json() -> None:
    body = orjson.dumps({"ToUserName": "gh_97417a04a28d", "Encrypt": ENCRYPT})
    reading = inbound().read(request(body, SAFE)).reading
    assert isinstance(reading, Ignored)
    assert reading.reason == "unused_event:debug_demo"


def test_vector_3_in_detail() -> None:
    assert signature(TOKEN, SAFE["timestamp"], SAFE["nonce"]) == SAFE["signature"]
    assert signature(TOKEN, SAFE["timestamp"], SAFE["nonce"], ENCRYPT) == SAFE["msg_signature"]
    content = MessageKey.of(AES_KEY, APP_ID).decrypt(ENCRYPT)
    assert len(content) == 167
    assert orjson.loads(content)["CreateTime"] == 1714112445
    assert MessageKey.of(AES_KEY, APP_ID).encrypt(content, b"a8eedb185eb2fecf") == ENCRYPT


# ── refusals ──


@pytest.mark.parametrize(
    ("settings", "query", "reason"),
    [
        ({}, {**PLAIN, "signature": "0" * 40}, "bad_signature"),
        ({}, {**PLAIN, "signature": "签名"}, "bad_signature"),
        ({}, {**PLAIN, "nonce": "1"}, "bad_signature"),
        ({}, {}, "bad_signature"),
        ({"token": None}, PLAIN, "no_token_configured"),
        (
            {"token": ""},
            {**PLAIN, "signature": signature("", PLAIN["timestamp"], PLAIN["nonce"])},
            "no_token_configured",
        ),
        ({"require_encryption": True}, PLAIN, "plain_not_allowed"),
        ({}, {**PLAIN, "encrypt_type": "rot13"}, "unknown_encrypt_type"),
    ],
)
def test_who_cannot_sign_is_refused(settings: dict[str, object], query: dict[str, str], reason: str) -> None:
    reading = inbound(**settings).read(request(PLAIN_BODY, query)).reading
    assert isinstance(reading, Refused)
    assert (reading.reason, reading.response.status) == (reason, 401)


def test_raw_is_plain() -> None:
    assert isinstance(inbound().read(request(PLAIN_BODY, {**PLAIN, "encrypt_type": "raw"})).reading, Ignored)


def test_safe_mode_never_trusts_the_plain_signature() -> None:
    body = orjson.dumps({"Encrypt": ENCRYPT})
    wrong = {**SAFE, "msg_signature": "0" * 40}
    without = {name: value for name, value in SAFE.items() if name != "msg_signature"}
    for query in (wrong, without):
        assert isinstance(inbound().read(request(body, query)).reading, Refused)


@pytest.mark.parametrize("body", [b"", b"<xml><Content>hi</Content></xml>", b"{", b'{"Encrypt": 5}', b"\xff\xfe"])
def test_safe_mode_without_something_signed_is_refused(body: bytes) -> None:
    assert isinstance(inbound().read(request(body, SAFE)).reading, Refused)


def test_handshake_without_right_signature() -> None:
    assert isinstance(inbound().read(get({**HANDSHAKE, "signature": "f"})).reading, Refused)


def test_handshake_with_an_encrypted_echo() -> None:
    echo = MessageKey.of(AES_KEY, APP_ID).encrypt(b"12345")
    query = {"timestamp": "1", "nonce": "2", "echostr": echo, "msg_signature": signature(TOKEN, "1", "2", echo)}
    reading = inbound().read(get(query)).reading
    assert isinstance(reading, Answered)
    assert reading.response.body == b"12345"
    assert isinstance(inbound().read(get({**query, "echostr": echo[:-4]})).reading, Refused)


# ── keys ──


OTHER_KEY = "B" * 43


def test_the_previous_key_opens_and_answers() -> None:
    core = Core(inbound(aes_key=OTHER_KEY, previous_aes_key=AES_KEY))
    answer = core.answer(sealed(text("路灯坏了，请尽快维修")))
    assert b"<Encrypt>" in answer.body
    encrypted = answer.body.split(b"<Encrypt><![CDATA[")[1].split(b"]]>")[0].decode()
    assert "编号".encode() in MessageKey.of(AES_KEY, APP_ID).decrypt(encrypted)
    with pytest.raises(BadCipher):
        MessageKey.of(OTHER_KEY, APP_ID).decrypt(encrypted)


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ({"aes_key": OTHER_KEY}, sealed(text("路灯坏了"))),
        ({}, sealed(text("路灯坏了"), app_id="wx0000000000000000")),
        ({"aes_key": None}, sealed(text("路灯坏了"))),
    ],
)
def test_signed_but_not_readable_is_kept_as_malformed(settings: dict[str, object], asked: Request) -> None:
    reading = inbound(**settings).read(asked).reading
    assert isinstance(reading, Malformed)
    assert reading.response.status == 400
    assert "aes_key" in reading.reason


def test_compatible_mode_reads_the_sealed_part() -> None:
    asked = sealed(text("封好的话"))
    both = asked.body.replace(b"</xml>", b"<FromUserName>oThief</FromUserName><Content>plain</Content></xml>")
    reading = inbound(window_minutes=0).read(request(both, asked.query)).reading
    assert isinstance(reading, Taken)
    assert reading.drafts[0].petition.content == "封好的话"  # type: ignore[union-attr]


@given(content=st.binary(max_size=500))
def test_every_content_comes_back(content: bytes) -> None:
    key = MessageKey.of(AES_KEY, APP_ID)
    assert key.decrypt(key.encrypt(content)) == content
    assert open_with((MessageKey.of(OTHER_KEY, APP_ID), key), key.encrypt(content)) == (content, key)


@given(encrypted=st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda b: b.hex())))
def test_nothing_but_bad_cipher_comes_of_rubbish(encrypted: str) -> None:
    with pytest.raises(BadCipher):
        MessageKey.of(AES_KEY, APP_ID).decrypt(encrypted)


@given(one=st.text(), other=st.text())
def test_matches_is_equality(one: str, other: str) -> None:
    assert matches(one, other) == (one == other)


def test_the_request_time_is_never_a_reason_to_refuse() -> None:
    # The platform sends again by itself, and a queue in between may be slow: dedup makes a replay harmless.
    assert NOW.year == 2026
    assert isinstance(inbound(window_minutes=0).read(request(text("路灯坏了"), plain_query())).reading, Taken)
