"""The vault: what is sealed opens only with its key, in its place, unchanged."""

import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from bridge.vault import FILE, Algorithm, Vault, VaultError, VaultKey, add_key, read_keys

AES = VaultKey("k1-aes", "AES-256-GCM", bytes(range(32)))
SM4 = VaultKey("k2-sm4", "SM4-GCM", bytes(range(16)))
PLACE = "petitions.body:LT261125-AAAAAAAAAA"


@pytest.mark.parametrize("key", [AES, SM4], ids=lambda key: key.algorithm)
@given(text=st.text())
def test_what_was_sealed_opens_as_it_was(key: VaultKey, text: str) -> None:
    vault = Vault([key])
    sealed = vault.seal_text(PLACE, text)
    assert vault.open_text(PLACE, sealed) == text
    assert vault.open_bytes(PLACE, vault.seal_bytes(PLACE, text.encode("utf-8", "surrogatepass"))) == text.encode(
        "utf-8", "surrogatepass"
    )


@pytest.mark.parametrize("key", [AES, SM4], ids=lambda key: key.algorithm)
def test_a_lone_surrogate_and_a_nul_come_back(key: VaultKey) -> None:
    vault = Vault([key])
    text = "a\x00\ud800起"
    assert vault.open_text(PLACE, vault.seal_text(PLACE, text)) == text


@pytest.mark.parametrize("key", [AES, SM4], ids=lambda key: key.algorithm)
def test_algorithm_and_key_stand_in_the_value_and_the_text_does_not(key: VaultKey) -> None:
    sealed = Vault([key]).seal_text(PLACE, "13900001234")
    assert sealed.startswith(key.head.decode())
    assert sealed != Vault([key]).seal_text(PLACE, "13900001234"), "the same text twice must not look the same"
    assert "13900001234" not in sealed


def test_the_empty_document_needs_no_secret() -> None:
    vault = Vault([AES])
    assert vault.seal_text(PLACE, "{}") == "{}"
    assert vault.open_text(PLACE, "{}") == "{}"


@pytest.mark.parametrize("key", [AES, SM4], ids=lambda key: key.algorithm)
def test_moved_to_another_row_it_does_not_open(key: VaultKey) -> None:
    vault = Vault([key])
    sealed = vault.seal_text("petitions.body:A", "徐某某")
    with pytest.raises(VaultError, match=r"petitions\.body:B"):
        vault.open_text("petitions.body:B", sealed)


@pytest.mark.parametrize("key", [AES, SM4], ids=lambda key: key.algorithm)
def test_any_changed_byte_is_seen(key: VaultKey) -> None:
    vault = Vault([key])
    sealed = vault.seal_bytes(PLACE, "路灯不亮".encode())
    for place in range(len(key.head), len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(VaultError):
            vault.open_bytes(PLACE, bytes(changed))


@pytest.mark.parametrize("value", ["", "{", "plain", "v1.A256GCM.k1-aes.", "v1.A256GCM.k1-aes.?", "v1.X.k9.AAAA"])
def test_what_is_no_sealed_value_is_said_without_quoting_it(value: str) -> None:
    with pytest.raises(VaultError) as error:
        Vault([AES]).open_text(PLACE, value)
    assert PLACE in str(error.value)
    assert not value or value not in str(error.value)


def test_the_newest_key_seals_and_every_key_opens() -> None:
    old = Vault([AES]).seal_text(PLACE, "a")
    both = Vault([AES, SM4])
    assert both.open_text(PLACE, old) == "a"
    assert both.seal_text(PLACE, "a").startswith(SM4.head.decode())
    assert not both.is_current(old)
    assert both.is_current(both.seal_text(PLACE, "a"))


def test_the_national_cipher_is_the_one_of_the_standard() -> None:
    """RFC 8998, A.1: SM4-GCM, with this library as the vault uses it."""
    key, nonce = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"), bytes.fromhex("00001234567800000000ABCD")
    said = bytes.fromhex("AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD" + "EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA")  # fmt: skip  # noqa: E501 - the vector as printed
    encryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2"))
    encryptor.update(said) + encryptor.finalize()
    assert encryptor.tag.hex() == "83de3541e4c2b58177e065a9bf7b62ec"


# ── the key file ──


@pytest.mark.parametrize("algorithm", ["AES-256-GCM", "SM4-GCM"])
def test_the_first_start_makes_a_key_that_only_its_owner_reads(tmp_path: Path, algorithm: Algorithm) -> None:
    sealed = Vault.load(tmp_path, algorithm).seal_text(PLACE, "a")
    assert Vault.load(tmp_path).open_text(PLACE, sealed) == "a"
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    (key,) = read_keys(tmp_path / FILE)
    assert key.algorithm == algorithm


def test_processes_that_start_together_end_up_with_one_key(tmp_path: Path) -> None:
    found: list[Vault] = []
    starts = [threading.Thread(target=lambda: found.append(Vault.load(tmp_path))) for _ in range(8)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert len({vault.key_id for vault in found}) == 1


def test_a_process_from_before_a_rotation_opens_what_the_new_key_sealed(tmp_path: Path) -> None:
    before = Vault.load(tmp_path)
    fresh = add_key(tmp_path, "SM4-GCM")
    after = Vault.load(tmp_path)
    assert after.key_id == fresh.id
    assert before.open_text(PLACE, after.seal_text(PLACE, "a")) == "a"
    assert after.open_text(PLACE, before.seal_text(PLACE, "a")) == "a"


@pytest.mark.parametrize(
    "text", ["", "key = 5", "[[key]]\nid = 'a'\n", "[[key]]\nid='a'\nalgorithm='ROT13'\nsecret='AAAA'\n", "\x00"]
)
def test_a_key_file_that_cannot_be_used_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(VaultError, match="vault"):
        Vault.load(tmp_path)
