"""The two byte forms of a journal entry: the canonical one that is hashed, and the line of the audit log.

Canonical: RFC 8785, JSON Canonicalization Scheme (JCS). Taken in: str, int within ±(2^53 − 1) (the safe integers of
RFC 7493), bool, None, lists, and dicts with string keys. Floats are refused: the journal has none, and their rendering
is the one hard part of JCS.

Line: a pure function of its entry: the fields in one fixed order, no blanks, `leaf` last. `leaf` is the hex of the
RFC 6962 leaf hash over the canonical form of all other fields, so whoever has the line can recompute it.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, cast

import orjson

from bridge.witness.tree import leaf_hash

MAX_DEPTH = 64

_SCALARS = frozenset({str, int, bool, type(None)})
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LEAF_AT_END = re.compile(rb'"leaf":"([0-9a-f]{64})"\}?\n?\Z')
_FIRST = (
    *("n", "at", "what", "petition_id", "event_id", "from", "to", "handoff_id"),
    *("attempt", "outcome", "receipt", "actor"),
)
_LAST = ("trace_id", "level", "leaf")
_REQUIRED = frozenset({"n", "at", "what"})
_WARNINGS = frozenset({"handoff.failed", "handoff.unknown", "handoff.parked", "message.rejected"})
_PLAIN = orjson.OPT_STRICT_INTEGER


class CanonicalError(ValueError):
    """The value has no canonical form here: what it is, and why."""


def canonical(entry: Mapping[str, object]) -> bytes:
    """The canonical UTF-8 bytes of `entry`.

    CanonicalError (a ValueError) for a float, a lone surrogate, an int beyond ±(2^53 − 1), and any other kind of value.
    """
    members = entry if type(entry) is dict else dict(entry)
    if _check_object(members, MAX_DEPTH):
        return _dump(members, _PLAIN | orjson.OPT_SORT_KEYS)
    return _dump(_in_utf16_order(members), _PLAIN)


def _dump(value: object, options: int) -> bytes:
    # orjson escapes strings exactly as RFC 8785 §3.2.2.2 asks; it sorts keys by code point, see _check_object.
    try:
        return orjson.dumps(value, option=options)
    except orjson.JSONEncodeError as error:
        raise CanonicalError(f"no canonical form: {error}") from error


def _check_object(members: Mapping[str, object], depth: int) -> bool:
    """Whether orjson's key order, by code point, is sure to be that of JCS, by UTF-16 unit.

    In ASCII they are the same; they part where characters beyond U+FFFF meet U+E000…U+FFFF.
    """
    ascii_only = True
    for key, value in members.items():
        if type(key) is not str:
            raise CanonicalError(f"no canonical form: a key of kind {type(key).__name__}")
        if not key.isascii():
            ascii_only = False
        if type(value) not in _SCALARS and not _check_nested(value, depth - 1):
            ascii_only = False
    return ascii_only


def _check_nested(value: object, depth: int) -> bool:
    if depth <= 0:
        raise CanonicalError(f"no canonical form: nested deeper than {MAX_DEPTH}")
    if type(value) is dict:
        return _check_object(value, depth)
    if type(value) is list:
        # A list, not a generator: every item must be checked, even after the first with other keys.
        return all([type(item) in _SCALARS or _check_nested(item, depth - 1) for item in value])  # noqa: C419
    raise CanonicalError(f"no canonical form: a value of kind {type(value).__name__}")


def _in_utf16_order(value: object) -> object:
    if type(value) is dict:
        members = cast(dict[str, object], value)
        return {key: _in_utf16_order(members[key]) for key in sorted(members, key=_utf16)}
    if type(value) is list:
        return [_in_utf16_order(item) for item in value]
    return value


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")


def seal(entry: Mapping[str, object]) -> tuple[dict[str, object], bytes]:
    """The line's fields in order, `leaf` last, and the leaf hash (32 bytes).

    `entry`: n, at, what and whatever else `canonical` takes; `level` is added if it is not there. ValueError if one of
    these is missing, if it has a `leaf` already, or if it has no canonical form.
    """
    if "leaf" in entry or not entry.keys() >= _REQUIRED:
        raise ValueError(f"not an entry to seal: it needs n, at and what, and no leaf; it has {sorted(entry)}")
    complete = entry if "level" in entry else {**entry, "level": level_of(str(entry["what"]))}
    digest = leaf_hash(canonical(complete))
    sealed = in_line_order(complete)
    sealed["leaf"] = digest.hex()
    return sealed, digest


def render(sealed: Mapping[str, object]) -> bytes:
    """The line of these fields in their order, without the newline."""
    return orjson.dumps(sealed)


def level_of(what: str) -> str:
    """`warning` for what somebody should look at, otherwise `info`."""
    return "warning" if what in _WARNINGS else "info"


def in_line_order(entry: Mapping[str, object]) -> dict[str, object]:
    """The same fields in the order of a line: the known ones first and last, any others between them by name."""
    return {name: entry[name] for name in _ordered(tuple(entry))}


@lru_cache(maxsize=256)
def _ordered(names: tuple[str, ...]) -> tuple[str, ...]:
    others = sorted(set(names).difference(_FIRST, _LAST))
    return tuple(name for name in (*_FIRST, *others, *_LAST) if name in names)


class Judged(NamedTuple):
    """What a line is worth: its fields without `leaf`, n, the leaf it records, the leaf its fields give, the fault."""

    entry: dict[str, object]
    n: int | None
    leaf: bytes | None
    digest: bytes | None
    fault: str | None

    @property
    def sound(self) -> bool:
        """Whether the fields give the recorded leaf and have an n: as far as the line goes, it can be trusted."""
        return self.n is not None and self.digest is not None and self.digest == self.leaf

    def whole(self) -> dict[str, object]:
        """The fields with the recorded `leaf`."""
        return {**self.entry, "leaf": self.leaf.hex() if self.leaf else None}


def judge(raw: bytes) -> Judged:
    """Hold one line, newline included, against its own leaf and against the one way of writing it. Raises nothing."""
    entry = _fields(raw)
    if entry is None:
        return Judged({}, None, _leaf_in(raw), None, "not a line of the audit log (不是审计行)")
    recorded = entry.pop("leaf", None)
    n = entry.get("n")
    judged = Judged(entry, n if type(n) is int else None, _leaf_of(recorded), _digest(entry), None)
    if judged.digest is None or judged.digest != judged.leaf:
        return judged._replace(fault="changed: the content does not give its leaf (内容与叶值不符)")
    if judged.n is None:
        return judged._replace(fault="without a number n (缺少序号)")
    if raw != render({**in_line_order(entry), "leaf": recorded}) + b"\n":
        return judged._replace(fault="rewritten: the same fields, but not as the bridge writes them (行格式被改写)")
    return judged


def _fields(raw: bytes) -> dict[str, object] | None:
    try:
        entry = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return entry if type(entry) is dict else None


def _leaf_in(raw: bytes) -> bytes | None:
    """The leaf at the end of a line that is otherwise unreadable: the tree can go on with it."""
    found = _LEAF_AT_END.search(raw[-128:])
    return bytes.fromhex(found[1].decode()) if found else None


def _leaf_of(recorded: object) -> bytes | None:
    return bytes.fromhex(recorded) if isinstance(recorded, str) and _HEX.fullmatch(recorded) else None


def _digest(entry: Mapping[str, object]) -> bytes | None:
    try:
        return leaf_hash(canonical(entry))
    except ValueError:
        return None
