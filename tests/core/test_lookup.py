"""Keyed hashes: the same for the same person and petition however they are written, and nothing without the key."""

from pathlib import Path

import pytest

from bridge.lookup import Lookup, phone_digits

LOOKUP = Lookup(b"k" * 32)


@pytest.mark.parametrize(
    "written",
    [
        "13900001234",
        "139 0000 1234",
        "139-0000-1234",
        "+86 139 0000 1234",
        "008613900001234",
        "１３９００００１２３４",
    ],
)
def test_a_number_is_one_number_however_it_is_written(written: str) -> None:
    assert LOOKUP.phone(written) == LOOKUP.phone("13900001234")
    assert phone_digits(written) == "13900001234"


@pytest.mark.parametrize("written", ["", "匿名", "12345", "无"])
def test_what_is_no_phone_number_finds_nobody(written: str) -> None:
    assert LOOKUP.phone(written) is None


def test_a_landline_that_begins_like_the_countrys_code_keeps_its_digits() -> None:
    assert phone_digits("86123456") == "86123456"


def test_another_key_gives_another_hash_and_so_does_another_use() -> None:
    assert LOOKUP.phone("13900001234") != Lookup(b"x" * 32).phone("13900001234")
    assert LOOKUP.petitioner("13900001234") != LOOKUP.phone("13900001234")


def test_a_petition_is_the_same_when_only_blanks_signs_and_widths_differ() -> None:
    ours = LOOKUP.fingerprint("13900001234", None, "路灯不亮，请修理！A1栋")
    assert ours == LOOKUP.fingerprint("139 0000 1234", "oX", "路灯 不亮,请修理 Ａ１栋")
    assert ours != LOOKUP.fingerprint("13900001234", None, "路灯又不亮，请修理！A1栋")
    assert ours != LOOKUP.fingerprint("13900001235", None, "路灯不亮，请修理！A1栋")


def test_nobody_known_has_no_fingerprint() -> None:
    assert LOOKUP.fingerprint(None, None, "路灯不亮") is None
    assert LOOKUP.fingerprint("", "oX", "路灯不亮") is not None


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("HMAC-SHA256", "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"),
        ("HMAC-SM3", "bd4a34077888162b210645b8ebf74b9af357303789357a27c7fc457244ebd398"),
    ],
)
def test_the_hashes_are_the_standards(algorithm: str, expected: str) -> None:
    """RFC 2104 and GB/T 32905 with the well-known sentence."""
    keyed = Lookup(b"key", algorithm)._keyed.copy()  # type: ignore[arg-type]  # parametrised
    keyed.update(b"The quick brown fox jumps over the lazy dog")
    assert keyed.finalize().hex() == expected


def test_the_key_is_made_once(tmp_path: Path) -> None:
    assert Lookup.load(tmp_path).salt("LT1") == Lookup.load(tmp_path).salt("LT1")
    assert (tmp_path / "lookup.key").stat().st_mode & 0o777 == 0o600
