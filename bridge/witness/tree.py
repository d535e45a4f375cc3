"""The append-only hash tree of the witness: RFC 6962 §2.1 (the same tree as RFC 9162 §2.1), SHA-256.

A leaf is `SHA-256(0x00 || data)`, a node `SHA-256(0x01 || left || right)`; every hash is 32 bytes. The tree of n
leaves is kept as a *frontier*: the roots of its complete subtrees, largest first, one for each bit set in n. Ten
million leaves are at most 24 hashes. Proofs are read from stored subtrees through a `SubtreeReader`, O(log n) reads.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

Node = tuple[int, int, bytes]
"""(level, index, hash) of a complete subtree: it covers the leaves index·2^level … (index+1)·2^level − 1."""

SubtreeReader = Callable[[int, int], bytes]
"""(level, index) → the hash of that complete subtree; level 0 is the leaf hashes."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf: SHA-256(0x00 || data)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of the tree: all that is needed to append a leaf and to name the root."""

    __slots__ = ("_size", "_subtrees")

    def __init__(self, size: int = 0, subtrees: Sequence[bytes] = ()) -> None:
        """`subtrees`: the roots of the complete subtrees, largest first. ValueError if they are not so many."""
        if size < 0 or len(subtrees) != size.bit_count() or any(len(root) != HASH_BYTES for root in subtrees):
            raise ValueError(f"not the frontier of {size} leaves: {len(subtrees)} subtrees")
        self._size = size
        self._subtrees = list(subtrees)

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    @property
    def subtrees(self) -> tuple[bytes, ...]:
        """The roots of the complete subtrees, largest first."""
        return tuple(self._subtrees)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash (32 bytes): one node hash on average, O(log n) at worst."""
        subtrees, carry = self._subtrees, self._size
        while carry & 1:
            leaf = node_hash(subtrees.pop(), leaf)
            carry >>= 1
        subtrees.append(leaf)
        self._size += 1

    def extend(self, leaves: Iterable[bytes]) -> list[Node]:
        """Add leaf hashes; returns every subtree thereby completed, the leaves included: store them to serve proofs."""
        completed: list[Node] = []
        for leaf in leaves:
            completed += self._append_listing(leaf)
        return completed

    def _append_listing(self, node: bytes) -> list[Node]:
        level, index, carry = 0, self._size, self._size
        completed = [(level, index, node)]
        while carry & 1:
            node = node_hash(self._subtrees.pop(), node)
            carry >>= 1
            level, index = level + 1, index >> 1
            completed.append((level, index, node))
        self._subtrees.append(node)
        self._size += 1
        return completed

    def root(self) -> bytes:
        """The root over all leaves; SHA-256 of nothing for the empty tree."""
        return _fold(self._subtrees) if self._subtrees else EMPTY_ROOT

    def copy(self) -> "Frontier":
        """An independent frontier of the same leaves."""
        return Frontier(self._size, self._subtrees)

    def to_bytes(self) -> bytes:
        """8 bytes of size, big-endian, then the subtrees: at most 8 + 32·log2(n) bytes."""
        return self._size.to_bytes(8, "big") + b"".join(self._subtrees)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Frontier":
        """The inverse of `to_bytes`. ValueError if `data` is not a frontier."""
        if len(data) < 8 or len(data) % HASH_BYTES != 8:
            raise ValueError(f"not a frontier: {len(data)} bytes")
        roots = [data[start : start + HASH_BYTES] for start in range(8, len(data), HASH_BYTES)]
        return cls(int.from_bytes(data[:8], "big"), roots)


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root of the tree over these leaf hashes."""
    frontier = Frontier()
    for leaf in leaf_hashes:
        frontier.append(leaf)
    return frontier.root()


def root_from(read: SubtreeReader, size: int) -> bytes:
    """The root of the tree of `size` leaves from stored subtrees: O(log n) reads."""
    return _range_root(read, 0, size) if size else EMPTY_ROOT


def inclusion_proof(read: SubtreeReader, index: int, size: int) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962 §2.1.1: the siblings of leaf `index` (from 0), lowest first.

    ValueError unless 0 ≤ index < size.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    return _path(read, index, 0, size)


def consistency_proof(read: SubtreeReader, old: int, new: int) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 6962 §2.1.2; empty where there is nothing to prove (old = 0 or old = new).

    ValueError unless 0 ≤ old ≤ new.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} has no earlier size {old}")
    return [] if old in (0, new) else _subproof(read, old, 0, new, known=True)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows leaf hash `leaf` at `index` (from 0) in the tree of `size` leaves with this `root`.

    RFC 9162 §2.1.3.2. False for anything malformed.
    """
    if not 0 <= index < size or not _are_hashes((leaf, root, *proof)):
        return False
    node, last = leaf, size - 1
    for sibling in proof:
        if last == 0:
            return False
        if index & 1 or index == last:
            node = node_hash(sibling, node)
            index, last = _climb_to_right_child(index, last)
        else:
            node = node_hash(node, sibling)
        index, last = index >> 1, last >> 1
    return last == 0 and node == root


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether `proof` shows that the tree of `old` leaves is the beginning of the tree of `new` (RFC 9162 §2.1.4.2).

    The RFC leaves old = 0 open: here the empty tree, under its own root, is the beginning of every tree.
    """
    if not 0 <= old <= new or not _are_hashes((old_root, new_root, *proof)):
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    path = [old_root, *proof] if old.bit_count() == 1 else list(proof)
    return bool(path) and _both_roots(old, new, path) == (old_root, new_root)


def _both_roots(old: int, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """The old and the new root that this path gives; None if its length is not that of a proof."""
    first, last = _climb_to_left_child(old - 1, new - 1)
    old_node = new_node = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if first & 1 or first == last:
            old_node, new_node = node_hash(sibling, old_node), node_hash(sibling, new_node)
            first, last = _climb_to_right_child(first, last)
        else:
            new_node = node_hash(new_node, sibling)
        first, last = first >> 1, last >> 1
    return (old_node, new_node) if last == 0 else None


def _climb_to_left_child(first: int, last: int) -> tuple[int, int]:
    while first & 1:
        first, last = first >> 1, last >> 1
    return first, last


def _climb_to_right_child(index: int, last: int) -> tuple[int, int]:
    """Up the right edge while the node has no sibling: the tree is ragged there."""
    while index and not index & 1:
        index, last = index >> 1, last >> 1
    return index, last


def _path(read: SubtreeReader, index: int, start: int, end: int) -> list[bytes]:
    if end - start == 1:
        return []
    middle = _middle(start, end)
    if index < middle:
        return [*_path(read, index, start, middle), _range_root(read, middle, end)]
    return [*_path(read, index, middle, end), _range_root(read, start, middle)]


def _subproof(read: SubtreeReader, old: int, start: int, end: int, *, known: bool) -> list[bytes]:
    """SUBPROOF over the leaves start…end−1; `known`: this subtree's root is the old root, which the verifier has."""
    if old == end:
        return [] if known else [_range_root(read, start, end)]
    middle = _middle(start, end)
    if old <= middle:
        return [*_subproof(read, old, start, middle, known=known), _range_root(read, middle, end)]
    return [*_subproof(read, old, middle, end, known=False), _range_root(read, start, middle)]


def _middle(start: int, end: int) -> int:
    """Where RFC 6962 splits: the largest power of two smaller than the number of leaves."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def _range_root(read: SubtreeReader, start: int, end: int) -> bytes:
    """The root over leaves start…end−1, from the complete subtrees it is made of."""
    roots: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        roots.append(read(level, start >> level))
        start += 1 << level
    return _fold(roots)


def _fold(roots: Sequence[bytes]) -> bytes:
    node = roots[-1]
    for left in reversed(roots[:-1]):
        node = node_hash(left, node)
    return node


def _are_hashes(values: Iterable[bytes]) -> bool:
    # A shorter and a longer neighbour would give the same concatenation: only whole hashes may be hashed together.
    return all(len(value) == HASH_BYTES for value in values)
