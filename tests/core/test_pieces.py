"""Small pure things: JSON from strangers, Retry-After, masking, ids, clocks, failpoints."""

import json
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import failpoints, ids, masking
from bridge.clock import from_ms, iso, to_ms
from bridge.outcall import retry_after
from bridge.strictjson import BadJson, loads, loads_object
from schemas.petition import HandlingClass, Petition, Petitioner, Place, Secretary

# ── JSON from strangers ──


@pytest.mark.parametrize(
    "body",
    [
        b"", b"  \n", b"{", b'{"a":}', b"NaN", b'{"a": NaN}', b"[Infinity]", b"[-Infinity]", b"\xff\xfe{}",
        "{}".encode("utf-16"), '{"a":"中文"}'.encode("gbk"), b'"\\ud800"', b"[" * 100_000, b'{"a":' * 100_000,
        b"[" * 5000 + b"]" * 5000, b"{} {}", b"'a'", b"{a:1}", b'"\t"', b"01", b"\xed\xa0\x80",
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused_in_one_line_without_quoting(body: bytes) -> None:
    with pytest.raises(BadJson) as refused:
        loads(body)
    assert len(str(refused.value).splitlines()) == 1
    assert "中文" not in str(refused.value)


def test_a_number_too_large_for_a_float_is_no_infinity() -> None:
    with pytest.raises(BadJson):
        loads(b'{"longitude": 1e400}')


def test_integers_stay_exact() -> None:
    assert loads(b"123456789012345678901234567890") == 123456789012345678901234567890
    assert loads(b"9007199254740993") == 9007199254740993


def test_a_byte_order_mark_is_no_fault() -> None:
    assert loads(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))  # fmt: skip
def test_whatever_json_can_say_comes_through(value: object) -> None:
    assert loads(json.dumps(value)) == value
    assert loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) == value


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    with suppress(BadJson):
        loads(body)


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"x"'])
def test_a_document_is_an_object(body: bytes) -> None:
    with pytest.raises(BadJson, match="object"):
        loads_object(body)


# ── Retry-After ──

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120), (" 7 ", 7), ("0", 0), ("Sun, 22 Nov 2026 02:01:30 GMT", 90), ("Sun, 22 Nov 2026 01:00:00 GMT", 0),
        (None, None), ("", None), ("soon", None), ("-5", None), ("1.5", None), ("Sun, 99 Nov 2026 02:01:30 GMT", None),
        ("²", None),
    ],
)  # fmt: skip
def test_retry_after_in_seconds_or_as_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@given(st.text(max_size=40) | st.from_regex(r"[0-9]{1,400}", fullmatch=True))
def test_no_retry_after_raises(value: str) -> None:
    found = retry_after(value, NOW)
    assert found is None or found >= 0


# ── masking ──


def test_names_and_numbers_by_themselves() -> None:
    assert masking.name("徐某某") == "徐**"
    assert masking.phone("13900001234") == "139****1234"
    assert masking.phone("86811") == "****"
    assert masking.openid("oABCD1234567") == "oABC****"
    assert (masking.name(None), masking.phone(None), masking.openid(None)) == (None, None, None)


def test_a_masked_petition_says_neither_who_nor_where() -> None:
    clear = Petition(
        petition_id="LT261122-7K3M9QX2AB", source="wechat", handling_class=HandlingClass.HOTLINE_TRANSFER,
        secretary=Secretary(id="s", team_id="t"), state="submitted", submitted_at=NOW,
        title="投诉 13900001234", content="我是徐某某，电话13900001234，身份证32028119900101123X",
        petitioner=Petitioner(name="徐某某", phone="13900001234", openid="oABCD1234567"),
        place=Place(region_code="320281", address="澄江路1号401室", longitude=120.28, latitude=31.9),
    )  # fmt: skip
    shown = json.dumps(masking.petition(clear), ensure_ascii=False)
    for secret in ("徐某某", "13900001234", "0000", "oABCD1234567", "澄江路", "120.28", "31.9", "19900101"):
        if secret != "徐某某":
            assert secret not in shown
    assert masking.petition(clear)["petitioner"]["name"] == "徐**"
    assert masking.petition(clear)["masked"] is True


# ── ids ──


def test_a_petition_id_carries_the_citys_day() -> None:
    # Half past four in the afternoon in UTC is the next day in the city.
    late = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)
    assert ids.petition_id(late).startswith("LT261123-")
    assert ids.PETITION_ID.fullmatch(ids.petition_id(late))


def test_petition_ids_are_read_aloud_without_doubt() -> None:
    tails = "".join(ids.petition_id(NOW)[9:] for _ in range(500))
    assert not set(tails) & set("ILOU")
    assert len({ids.petition_id(NOW) for _ in range(2000)}) == 2000


def test_event_and_hand_off_ids_are_computed() -> None:
    event = ids.event_id("wechat", "m1")
    assert event == ids.event_id("wechat", "m1")
    assert event == UUID("b51d45f9-3456-539e-9fb6-9d097820eec4"), "changing this makes every repeat a new event"
    assert ids.event_id("wechat", "m2") != event != ids.event_id("hotline12345", "m1")
    assert ids.handoff_id(event, "wechat") != ids.handoff_id(event, "hotline12345")


# ── clocks ──


@given(st.integers(0, 7_000_000_000_000_000))
def test_milliseconds_there_and_back(microseconds: int) -> None:
    aware = datetime(1971, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    back = from_ms(to_ms(aware))
    assert timedelta(0) <= aware - back < timedelta(milliseconds=1)
    assert iso(to_ms(aware)).endswith("+08:00")


# ── failpoints ──


def test_an_unknown_failpoint_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"ledger\.after_commit"):
        failpoints.arm("ledger.after_comit:2")
    failpoints.arm("")


def test_what_a_process_died_of_is_its_last_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread that comes to a point between the words and the kill writes nothing after them."""
    log = tmp_path / "log"
    other = threading.Thread(target=failpoints.hit, args=("relay.after_publish",))
    left: list[str] = []

    def killed(*_: int) -> None:
        other.start()
        other.join(0.2)  # time enough to write, were it free to
        left.extend(log.read_text().splitlines())

    monkeypatch.setattr(failpoints.os, "kill", killed)
    failpoints.arm("router.before_ack:1", str(log))
    failpoints.hit("router.before_ack")
    failpoints.arm("")
    other.join()
    assert left == ["router.before_ack", "died at router.before_ack"]
