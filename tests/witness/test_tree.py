"""The tree against the published vectors, a naive reading of RFC 6962, and every size up to 64."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.witness.tree import (
    EMPTY_ROOT,
    Frontier,
    SubtreeReader,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The reference data of certificate-transparency (merkle_tree_test.cc), used by every implementation since.
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
CONSISTENCY = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
VECTOR_HASHES = [leaf_hash(leaf) for leaf in LEAVES]
MANY = [leaf_hash(str(number).encode()) for number in range(64)]
OTHER = sha256(b"other").digest()


def naive_root(hashes: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word for word."""
    if len(hashes) <= 1:
        return hashes[0] if hashes else sha256().digest()
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return sha256(b"\x01" + naive_root(hashes[:split]) + naive_root(hashes[split:])).digest()


def reader(hashes: Sequence[bytes]) -> SubtreeReader:
    """Serves complete subtrees from what `Frontier.extend` gave to store, as the ledger does."""
    stored = {(level, index): node for level, index, node in Frontier().extend(hashes)}
    return lambda level, index: stored[level, index]


def spoilt(proof: Sequence[bytes]) -> list[list[bytes]]:
    """Proofs that must not pass: each hash replaced, one too many, one too few."""
    replaced = [[*proof[:place], OTHER, *proof[place + 1 :]] for place in range(len(proof))]
    return [*replaced, [*proof, OTHER], *([list(proof[:-1])] if proof else [])]


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    assert root_of(VECTOR_HASHES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_published_inclusion_proofs(index: int, size: int, proof: list[str]) -> None:
    path = [bytes.fromhex(node) for node in proof]
    assert inclusion_proof(reader(VECTOR_HASHES), index, size) == path
    assert verify_inclusion(VECTOR_HASHES[index], index, size, path, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new", "proof"), CONSISTENCY)
def test_published_consistency_proofs(old: int, new: int, proof: list[str]) -> None:
    path = [bytes.fromhex(node) for node in proof]
    assert consistency_proof(reader(VECTOR_HASHES), old, new) == path
    assert verify_consistency(old, new, path, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]))


def test_every_inclusion_proof_up_to_64() -> None:
    read = reader(MANY)
    for size in range(1, 65):
        root = naive_root(MANY[:size])
        for index in range(size):
            proof = inclusion_proof(read, index, size)
            assert verify_inclusion(MANY[index], index, size, proof, root)
            assert not verify_inclusion(OTHER, index, size, proof, root)
            assert not verify_inclusion(MANY[index], (index + 1) % size, size, proof, root) or size == 1
            assert not any(verify_inclusion(MANY[index], index, size, bad, root) for bad in spoilt(proof))


def test_every_consistency_proof_up_to_64() -> None:
    read = reader(MANY)
    roots = [naive_root(MANY[:size]) for size in range(65)]
    for new in range(65):
        for old in range(new + 1):
            proof = consistency_proof(read, old, new)
            assert verify_consistency(old, new, proof, roots[old], roots[new])
            assert not verify_consistency(old, new, proof, OTHER, roots[new])
            assert not verify_consistency(old, new, proof, roots[old], OTHER) or old == 0
            assert not any(verify_consistency(old, new, bad, roots[old], roots[new]) for bad in spoilt(proof))


def test_a_proof_needs_few_subtrees() -> None:
    """1,000,003 leaves: about 20 stored hashes a proof, none of them read twice."""
    size, reads = 1_000_003, []

    def read(level: int, index: int) -> bytes:
        assert (index + 1) << level <= size, "asked for a subtree that is not complete"
        reads.append((level, index))
        return OTHER

    inclusion_proof(read, 654_321, size)
    consistency_proof(read, 777_777, size)
    assert len(reads) <= 80


@given(st.lists(st.binary(max_size=4), max_size=200), st.data())
def test_any_tree(contents: list[bytes], data: st.DataObject) -> None:
    hashes = [leaf_hash(content) for content in contents]
    frontier = Frontier()
    completed = frontier.extend(hashes)
    assert frontier.root() == root_of(hashes) == naive_root(hashes)
    assert all(node == naive_root(hashes[index << level : (index + 1) << level]) for level, index, node in completed)
    if hashes:
        index = data.draw(st.integers(0, len(hashes) - 1))
        proof = inclusion_proof(reader(hashes), index, len(hashes))
        assert verify_inclusion(hashes[index], index, len(hashes), proof, frontier.root())


@given(st.integers(0, 300), st.integers(0, 50))
def test_a_frontier_goes_on_where_it_was_stored(before: int, after: int) -> None:
    hashes = [leaf_hash(number.to_bytes(4, "big")) for number in range(before + after)]
    frontier = Frontier()
    frontier.extend(hashes[:before])
    stored = Frontier.from_bytes(frontier.to_bytes())
    for leaf in hashes[before:]:
        stored.append(leaf)
    assert (stored.size, stored.root()) == (len(hashes), naive_root(hashes))
    assert (frontier.size, frontier.root()) == (before, naive_root(hashes[:before]))


def test_ten_million_leaves_fit_in_a_row() -> None:
    assert len(Frontier(10_000_000, [OTHER] * (10_000_000).bit_count()).to_bytes()) < 1000


def test_a_copy_is_independent() -> None:
    frontier = Frontier()
    frontier.append(OTHER)
    frontier.copy().append(OTHER)
    assert frontier.size == 1
    assert frontier.subtrees == (OTHER,)


@pytest.mark.parametrize("data", [b"", b"1234567", bytes(8) + OTHER, (3).to_bytes(8, "big") + OTHER, bytes(7 + 32)])
def test_not_a_frontier(data: bytes) -> None:
    with pytest.raises(ValueError, match="not"):
        Frontier.from_bytes(data)


def test_indexes_out_of_the_tree() -> None:
    read = reader(MANY)
    for index, size in [(0, 0), (5, 5), (-1, 5)]:
        with pytest.raises(ValueError, match="not in a tree"):
            inclusion_proof(read, index, size)
        assert not verify_inclusion(OTHER, index, size, [], OTHER)
    with pytest.raises(ValueError, match="no earlier size"):
        consistency_proof(read, 6, 5)
    assert not verify_consistency(6, 5, [], OTHER, OTHER)


def test_hashes_of_another_length_prove_nothing() -> None:
    """A byte moved from one neighbour to the other gives the same concatenation."""
    left, right = MANY[:2]
    root = node_hash(left, right)
    assert verify_inclusion(left, 0, 2, [right], root)
    assert not verify_inclusion(left + right[:1], 0, 2, [right[1:]], root)
    assert root_of([]) == EMPTY_ROOT
