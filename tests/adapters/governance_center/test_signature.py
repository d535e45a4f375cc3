"""Signatures: the published vectors, and everything that must be refused."""

from datetime import timedelta

import orjson
import pytest

from adapters.governance_center.guard import REFUSALS
from adapters.governance_center.inbound import PATH
from adapters.governance_center.settings import CenterSettings
from adapters.governance_center.signature import Signer, SignType, canonical, hmac_sm3, sign, sm3
from bridge.adapter import Refused, Taken
from tests.adapters.governance_center.support import EVENT_ID, NOW, SETTINGS, center_signer, inbound, request

SIGNED = {"op": "sign", "eventId": EVENT_ID, "orgName": "市城管局"}


def test_sm3_vectors() -> None:
    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    fox = hmac_sm3(b"key", b"The quick brown fox jumps over the lazy dog")
    assert fox.hex() == "bd4a34077888162b210645b8ebf74b9af357303789357a27c7fc457244ebd398"


def test_hmac_sha256_vector() -> None:
    """RFC 4231, test case 2, by way of the algorithm table."""
    from adapters.governance_center.signature import ALGORITHMS

    digest, keyed = ALGORITHMS[SignType.HMAC_SHA256]
    assert digest(b"").hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert keyed(b"Jefe", b"what do ya want for nothing?").hex() == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


def test_the_five_lines() -> None:
    lines = canonical(SignType.HMAC_SM3, "POST", "/x/events", "1700000000", "n", b"abc").decode().split("\n")
    assert lines == ["POST", "/x/events", "1700000000", "n", sm3(b"abc").hex()]


@pytest.mark.parametrize("sign_type", list(SignType))
def test_both_algorithms_are_taken(sign_type: SignType) -> None:
    read = inbound().read(request(SIGNED, signer=center_signer(sign_type=sign_type)))
    assert isinstance(read.reading, Taken)
    assert read.nonce is not None
    assert read.nonce.value == "nonce-1"
    replayed = orjson.loads(read.nonce.replayed.body)
    assert (read.nonce.replayed.status, replayed["code"]) == (401, "0")
    assert replayed["message"] == REFUSALS["replayed_nonce"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"x-app-id": None}, "missing_header"),
        ({"x-sign": None}, "missing_header"),
        ({"x-nonce": ""}, "missing_header"),
        ({"x-app-id": "somebody-else"}, "unknown_key"),
        ({"x-app-id": "中心\udcff"}, "unknown_key"),
        ({"x-sign-type": "MD5"}, "bad_sign_type"),
        ({"x-sign-type": "HMAC-SHA256"}, "bad_signature"),
        ({"x-nonce": "another"}, "bad_signature"),
        ({"x-nonce": "n" * 129}, "bad_nonce"),
        ({"x-nonce": "一次"}, "bad_nonce"),
        ({"x-timestamp": "yesterday"}, "bad_timestamp"),
        ({"x-timestamp": "１７００００００００"}, "bad_timestamp"),
        ({"x-timestamp": "9" * 5000}, "bad_timestamp"),
        ({"x-sign": "0" * 64}, "bad_signature"),
        ({"x-sign": "签名"}, "bad_signature"),
    ],
)
def test_refusals(change: dict[str, str | None], reason: str) -> None:
    read = inbound().read(request(SIGNED, change=change))
    assert isinstance(read.reading, Refused)
    assert (read.reading.reason, read.reading.response.status, read.nonce) == (reason, 401, None)
    answer = orjson.loads(read.reading.response.body)
    assert answer["code"] == "0"
    assert answer["message"].startswith("认证信息[auth]无效")


@pytest.mark.parametrize(("seconds", "fresh"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_the_time_window(seconds: int, fresh: bool) -> None:
    reading = inbound().read(request(SIGNED, at=NOW + timedelta(seconds=seconds))).reading
    assert isinstance(reading, Taken) if fresh else isinstance(reading, Refused)
    assert fresh or reading.reason == "stale_timestamp"


def test_a_changed_body_or_path_is_refused() -> None:
    good = request(SIGNED)
    for name, value in (("body", good.body + b" "), ("path", PATH + "/x"), ("method", "PUT")):
        changed = type(good)(**{field: getattr(good, field) for field in good.__slots__} | {name: value})
        assert isinstance(inbound().read(changed).reading, Refused)


def test_the_path_may_be_signed_as_it_stands_on_the_request_line() -> None:
    coded = PATH + "/" + "%E5%8F%B7"
    signed = request(b"", method="GET", path=coded)
    decoded = type(signed)(signed.method, PATH + "/号", {}, signed.headers, b"", NOW)
    assert not isinstance(inbound().read(decoded).reading, Refused)


def test_without_credentials_nobody_is_let_in() -> None:
    """No default secret: an empty app id signed with an empty secret is refused too."""
    empty = Signer("", "", SignType.HMAC_SM3)
    reading = inbound(CenterSettings()).read(request(SIGNED, signer=empty)).reading
    assert isinstance(reading, Refused)
    assert reading.reason == "not_configured"


def test_the_directions_have_different_secrets() -> None:
    assert SETTINGS.secret.get_secret_value() != SETTINGS.inbound_secret.get_secret_value()
    outward = Signer(SETTINGS.inbound_app_id, SETTINGS.secret.get_secret_value(), SignType.HMAC_SM3)
    assert isinstance(inbound().read(request(SIGNED, signer=outward)).reading, Refused)


def test_sign_is_lower_case_hex() -> None:
    made = sign(SignType.HMAC_SM3, "秘密", "POST", "/events", "1", "n", "正文".encode())
    assert len(made) == 64
    assert made == made.lower()
