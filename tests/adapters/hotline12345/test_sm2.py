import pytest

from adapters.hotline12345 import sm2

PRIVATE = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
PUBLIC = (
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)


def test_there_and_back() -> None:
    sealed = sm2.encrypt(PUBLIC, "密钥 s3cret")
    assert sealed.startswith("04")
    assert len(sealed) == 2 * (65 + 32 + len("密钥 s3cret".encode()))
    assert sm2.decrypt(PRIVATE, sealed) == "密钥 s3cret"


def test_the_standard_vector_opens() -> None:
    """GB/T 32918.5, annex C: the message "encryption standard" on the recommended curve, in the order C1C3C2."""
    c1 = (
        "04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73"
        "e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"
    )
    c2 = "21886ca989ca9c7d58087307ca93092d651efa"
    c3 = "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766"
    assert sm2.decrypt(PRIVATE, "04" + c1 + c3 + c2) == "encryption standard"
    # The point itself begins with 04: without the format byte it must not lose its first byte.
    assert sm2.decrypt(PRIVATE, c1 + c3 + c2) == "encryption standard"


def test_a_public_key_that_begins_with_zeros_and_fours_keeps_them() -> None:
    private, public = sm2.new_keys()
    while public[2:3] not in ("0", "4"):
        private, public = sm2.new_keys()
    assert sm2.decrypt(private, sm2.encrypt(public, "x")) == "x"
    assert sm2.decrypt(private, sm2.encrypt(public[2:], "x")) == "x"


def test_two_sealings_differ() -> None:
    assert sm2.encrypt(PUBLIC, "x") != sm2.encrypt(PUBLIC, "x")


@pytest.mark.parametrize("broken", ["", "04", "zz", "04" + "00" * 120])
def test_broken_ciphertext(broken: str) -> None:
    with pytest.raises(sm2.BadCiphertext):
        sm2.decrypt(PRIVATE, broken)


def test_one_changed_bit_is_noticed() -> None:
    sealed = sm2.encrypt(PUBLIC, "s3cret")
    with pytest.raises(sm2.BadCiphertext):
        sm2.decrypt(PRIVATE, sealed[:-1] + ("0" if sealed[-1] != "0" else "1"))


@pytest.mark.parametrize("key", ["", "04", "<html>"])
def test_an_unusable_public_key(key: str) -> None:
    with pytest.raises(ValueError, match="SM2 public key"):
        sm2.encrypt(key, "x")
