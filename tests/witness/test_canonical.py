"""The canonical form against RFC 8785's own examples; the line against its leaf."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.witness.canonical import MAX_DEPTH, canonical, in_line_order, judge, level_of, render, seal
from bridge.witness.tree import leaf_hash

SAFE = 2**53 - 1
TEXT = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-SAFE, SAFE) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
ENTRY = {"n": 7, "what": "event.routed", "at": "2026-11-22T10:00:00.123456+08:00", "petition_id": "p-1"}


class Word(StrEnum):
    ONE = "one"


def reference(value: Any) -> str:
    """JCS with the standard library: sorted by UTF-16 units, only the short escapes RFC 8785 §3.2.2.2 names."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{reference(key)}:{reference(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(reference, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def test_sorting_example_of_rfc_8785() -> None:
    """§3.2.3: the emoji (U+1F600, in UTF-16 D83D DE00) comes before U+FB33, though its code point is larger."""
    parsed = json.loads(
        r"""{"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
             "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control",
             "\u00f6": "Latin Small Letter O With Diaeresis"}"""
    )
    assert list(json.loads(canonical(parsed)).values()) == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]


def test_strings_and_literals_of_rfc_8785() -> None:
    """§3.2.2 and §3.2.4, without the numbers."""
    parsed = json.loads(
        r"""{"string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"""
    )
    assert canonical(parsed) == r"""{"literals":[null,true,false],"string":"€$\u000f\nA'B\"\\\\\"/"}""".encode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [56, {"d": True, "10": None, "1": []}]}, '{"a":[56,{"1":[],"10":null,"d":true}]}'),
        (
            {
                "1": {"f": {"f": "hi", "F": 5}, "\n": 56},
                "10": {},
                "": "empty",
                "a": {},
                "111": [{"e": "y", "E": "n"}],
                "A": {},
            },
            '{"":"empty","1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"n","e":"y"}],"A":{},"a":{}}',
        ),
        ({"Unnormalized Unicode": "A\u030a"}, '{"Unnormalized Unicode":"A\u030a"}'),
        ({"péché": 1, "peach": 2, "pêche": 3}, '{"peach":2,"péché":1,"pêche":3}'),
        ({"诉求": {"\U00010000": 1, "\ue000": 2}}, '{"诉求":{"\U00010000":1,"\ue000":2}}'),
        ({"x": [{"\ue000": 2, "\U00010000": 1}]}, '{"x":[{"\U00010000":1,"\ue000":2}]}'),
        ({"max": SAFE, "min": -SAFE, "zero": 0}, f'{{"max":{SAFE},"min":-{SAFE},"zero":0}}'),
    ],
)
def test_structures(value: dict[str, object], expected: str) -> None:
    assert canonical(value) == expected.encode()


@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_any_value(value: dict[str, object]) -> None:
    assert canonical(value) == reference(value).encode()


def test_every_control_character() -> None:
    text = "".join(map(chr, range(0x20))) + '"\\/\x7f\u2028\u00a0'
    assert canonical({"k": text, text: "v"}) == reference({"k": text, text: "v"}).encode()


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        2**53,
        -(2**53),
        "\ud800",
        "\udfff𝄞",
        (1, 2),
        {1, 2},
        b"bytes",
        {1: "key"},
        {"\ud800": 1},
        {"\ud800": 1, "é": 2},
        [[1, 2.5]],
        {"deep": {"é": 1, "worse": 0.5}},
        [{"é": 1}, 2.5],
        Word.ONE,
        UUID(int=1),
        datetime(2026, 11, 22, tzinfo=UTC),
    ],
)
def test_what_has_no_canonical_form(value: object) -> None:
    with pytest.raises(ValueError, match="no canonical form"):
        canonical({"value": value})


def test_depth_is_limited_and_never_a_crash() -> None:
    value: object = 1
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    canonical({"value": value})
    for _ in range(5000):
        value = [value]
    with pytest.raises(ValueError, match="nested deeper"):
        canonical({"value": value})


def test_a_line_is_a_function_of_its_entry() -> None:
    sealed, leaf = seal(ENTRY)
    assert list(sealed) == ["n", "at", "what", "petition_id", "level", "leaf"]
    assert sealed["level"] == "info"
    assert leaf == leaf_hash(canonical({**ENTRY, "level": "info"}))
    assert sealed["leaf"] == leaf.hex()
    shuffled, same = seal(dict(reversed([*ENTRY.items(), ("level", "info")])))
    assert (render(shuffled), same) == (render(sealed), leaf)


def test_unknown_fields_stand_by_name_before_the_last() -> None:
    assert list(in_line_order({"leaf": 1, "zeta": 2, "level": 3, "alpha": 4, "n": 5, "trace_id": 6})) == [
        *("n", "alpha", "zeta", "trace_id", "level", "leaf"),
    ]


def test_levels() -> None:
    assert level_of("handoff.parked") == "warning"
    assert level_of("handoff.delivered") == "info"
    assert seal({**ENTRY, "level": "error"})[0]["level"] == "error"


@pytest.mark.parametrize("entry", [{**ENTRY, "leaf": "00"}, {"n": 1, "at": "x"}, {**ENTRY, "x": 0.5}])
def test_what_cannot_be_sealed(entry: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"not an entry to seal|no canonical form"):
        seal(entry)


def test_a_sealed_line_is_sound() -> None:
    sealed, leaf = seal(ENTRY)
    judged = judge(render(sealed) + b"\n")
    assert (judged.fault, judged.n, judged.leaf, judged.sound) == (None, 7, leaf, True)
    assert judged.whole() == sealed


LINE = render(seal(ENTRY)[0]) + b"\n"


@pytest.mark.parametrize(
    "raw",
    [
        LINE[:-1],
        LINE.replace(b",", b", ", 1),
        LINE.replace(b'{"n":7,', b'{"n":7,"n":7,'),
        LINE.replace(b'"p-1"', b'"\\u0070-1"'),
        b"\xef\xbb\xbf" + LINE,
        LINE.replace(b"\n", b"\r\n"),
        render(dict(reversed(seal(ENTRY)[0].items()))) + b"\n",
        LINE.replace(b'"n":7', b'"n":7.0'),
        LINE.replace(b'"n":7', b'"n":true'),
        b"\n",
        b"{}\n",
        b"[1]\n",
        b"\x00" * 100,
        b"[" * 900 + b"]" * 900 + b"\n",
        b'{"n":' + b"[" * 900 + b"]" * 900 + b"}\n",
        orjson.dumps({"at": 1, "leaf": leaf_hash(canonical({"at": 1})).hex()}) + b"\n",
    ],
)
def test_every_other_line_has_a_fault(raw: bytes) -> None:
    assert judge(raw).fault


@given(st.integers(0, len(LINE) - 1), st.integers(0, 255))
def test_every_changed_byte_is_a_fault(place: int, byte: int) -> None:
    raw = LINE[:place] + bytes([byte]) + LINE[place + 1 :]
    assert (judge(raw).fault is None) == (raw == LINE)


@given(st.binary(max_size=200))
def test_judging_never_raises(raw: bytes) -> None:
    assert judge(raw).fault
