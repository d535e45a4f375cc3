#!/usr/bin/env python3
"""Does a proof of the Laiting Bridge hold? Needs Python 3.10 or newer, no package, and no part of the bridge.

    python3 verify_receipt.py proof.json --public-key witness.pub
    python3 verify_receipt.py proof.json --public-key witness.pub --receipt 9f86d0…
    python3 verify_receipt.py proof.json --public-key witness.pub --checkpoint my-copy.note --consistency between.json
    python3 verify_receipt.py --consistency between.json --public-key witness.pub
    python3 verify_receipt.py --audit-dir audit --public-key witness.pub

`proof.json` is what `GET /v1/petitions/{id}/proof` answers, `between.json` what `GET
/v1/checkpoints/{n}/consistency?from=` answers; `-` reads from standard input. `witness.pub` has the log's public keys,
one a line, from somebody you trust; `my-copy.note` is a checkpoint that you kept. With `--receipt`, the proof must show
the entry that this receipt stands for.

With `--audit-dir` it reads a whole audit directory (a copy will do, packed days too) and names the first line or
checkpoint that is wrong: a second opinion on `bridge verify`, which names them all.

Checked: the signature of the checkpoint (Ed25519, RFC 8032); for each entry its canonical form (RFC 8785), its leaf,
its own receipt, and its path to the signed root (RFC 6962); between two checkpoints the consistency proof, and that
both are signed. Exit code: 0 it holds, 1 it does not, 2 wrong usage. 证明核验：只用标准库，不依赖来听桥。
"""

import argparse
import base64
import gzip
import hashlib
import json
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
SEALED_LATER = ("n", "entry", "leaf")
SAFE_INT = 2**53 - 1


class Refused(Exception):
    """It does not hold; the text says what and why."""


# ── Ed25519, verification only (RFC 8032 §5.1) ──────────────────────────────────────────────────────────────

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]
"""Extended coordinates (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z."""


def add(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar: int, point: Point) -> Point:
    result: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def x_of(y: int, sign: int) -> int | None:
    """The x with this low bit on the curve at y; None if there is none."""
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x


def decompress(data: bytes) -> Point | None:
    number = int.from_bytes(data, "little")
    y, sign = number & ((1 << 255) - 1), number >> 255
    x = x_of(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def compress(point: Point) -> bytes:
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = x_of(BASE_Y, 0) or 0
BASE: Point = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def ed25519_accepts(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether this is the key's signature over the message."""
    if len(public) != 32 or len(signature) != 64:
        return False
    a, s = decompress(public), int.from_bytes(signature[32:], "little")
    if a is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    minus_a: Point = (P - a[0], a[1], 1, P - a[3])
    return compress(add(multiply(s, BASE), multiply(h, minus_a))) == signature[:32]


# ── signed notes and checkpoints (c2sp.org/signed-note, c2sp.org/tlog-checkpoint) ───────────────────────────


class Key(NamedTuple):
    name: str
    key_hash: bytes
    public: bytes


class Checkpoint(NamedTuple):
    origin: str
    size: int
    root: bytes


def strict_base64(text: str, what: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused(f"the {what} is not base64") from None
    if base64.b64encode(data).decode() != text:
        raise Refused(f"the {what} is not canonical base64")
    return data


def load_keys(text: str) -> list[Key]:
    """`<name>+<hash8>+<base64(0x01 || public key)>`, one a line."""
    keys = []
    for line in filter(None, map(str.strip, text.splitlines())):
        parts = line.split("+", 2)
        if len(parts) != 3:
            raise Refused(f"not a public key: {line[:60]}")
        name, key_hash, data = parts[0], parts[1], strict_base64(parts[2], "public key")
        right = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
        if len(data) != 33 or data[0] != 1 or right.hex() != key_hash.lower():
            raise Refused(f"not an Ed25519 public key with its hash: {line[:60]}")
        keys.append(Key(name, right, data[1:]))
    if not keys:
        raise Refused("no public key was given")
    return keys


def open_note(note: str, keys: Sequence[Key]) -> Checkpoint:
    """The checkpoint in a note that the log itself signed with one of these keys."""
    body, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise Refused("not a signed note")
    text = body + "\n"
    lines = text.split("\n")[:-1]
    if len(lines) < 3 or not all(lines) or not re.fullmatch("0|[1-9][0-9]{0,18}", lines[1]):
        raise Refused("the note is not a checkpoint")
    root = strict_base64(lines[2], "root")
    if len(root) != HASH_BYTES:
        raise Refused("the root is not 32 bytes")
    check_signatures(text, signatures[:-1].split("\n"), lines[0], keys)
    return Checkpoint(lines[0], int(lines[1]), root)


def check_signatures(text: str, lines: Sequence[str], origin: str, keys: Sequence[Key]) -> None:
    by_the_log = False
    for line in lines:
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        if dash != "—":
            raise Refused("not a signature line")
        data = strict_base64(encoded, "signature")
        for key in keys:
            if (key.name, key.key_hash) == (name, data[:4]):
                if not ed25519_accepts(key.public, text.encode(), data[4:]):
                    raise Refused(f"the signature of {name}+{data[:4].hex()} is wrong (签名不符)")
                by_the_log = by_the_log or name == origin
    if not by_the_log:
        raise Refused(f"{origin} has not signed this checkpoint with a key you gave (没有已知公钥的签名)")


# ── entries (RFC 8785) ──────────────────────────────────────────────────────────────────────────────────────


def canonical(value: Any) -> bytes:
    """The JSON Canonicalization Scheme for what entries have: no floats, integers within ±(2^53 − 1)."""
    check_values(value)
    return dump(value).encode()


def check_values(value: Any) -> None:
    if isinstance(value, dict):
        for item in value.values():
            check_values(item)
    elif isinstance(value, list):
        for item in value:
            check_values(item)
    elif isinstance(value, float) or (isinstance(value, int) and abs(value) > SAFE_INT):
        raise Refused(f"an entry has no such number: {value}")


def dump(value: Any) -> str:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{dump(name)}:{dump(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def leaf_of(entry: dict[str, Any]) -> bytes:
    return hashlib.sha256(b"\x00" + canonical(entry)).digest()


def receipt_of(entry: dict[str, Any]) -> str:
    """The receipt that this entry gives: SHA-256 of what the journal wrote before the receipt was added."""
    kept = {name: value for name, value in entry.items() if name not in (*SEALED_LATER, "receipt")}
    return hashlib.sha256(canonical(kept)).hexdigest()


def gives_a_receipt(entry: dict[str, Any]) -> bool:
    """Whether its `receipt` is one of the bridge (others are the numbers of the systems)."""
    return "receipt" in entry and "sequence" in entry and str(entry.get("what", "")).startswith("petition.")


# ── the tree (RFC 6962 §2.1, verified as in RFC 9162 §2.1.3.2 and §2.1.4.2) ─────────────────────────────────


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that the path gives; None if it is not as long as it has to be."""
    if not 0 <= index < size:
        return None
    result, last = leaf, size - 1
    for sibling in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            result = node(sibling, result)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            result = node(result, sibling)
        index, last = index >> 1, last >> 1
    return result if last == 0 else None


def is_beginning(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the proof shows the old tree to be the beginning of the new one."""
    if old in (0, new):
        return not path and old_root == (new_root if old == new else EMPTY_ROOT)
    if old > new:
        return False
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    rest = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not rest:
        return False
    one = two = rest[0]
    for sibling in rest[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            one, two = node(sibling, one), node(sibling, two)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            two = node(two, sibling)
        first, last = first >> 1, last >> 1
    return last == 0 and one == old_root and two == new_root


def hashes(values: Any) -> list[bytes]:
    found = [bytes.fromhex(value) for value in values]
    if any(len(value) != HASH_BYTES for value in found):
        raise Refused("a hash is not 32 bytes")
    return found


# ── documents ───────────────────────────────────────────────────────────────────────────────────────────────


def check_proof(document: dict[str, Any], keys: Sequence[Key], receipt: str | None) -> Checkpoint | None:
    """The checkpoint that every entry of the proof is in; None if no entry is proven yet."""
    if document.get("faults"):
        raise Refused(f"the bridge itself says that entries differ from what was sealed: {document['faults']}")
    if document["checkpoint"] is None:
        if receipt is not None:
            raise Refused("no checkpoint has been signed yet: ask again later")
        return None
    checkpoint = open_note(document["checkpoint"]["note"], keys)
    if (document["checkpoint"]["size"], document["checkpoint"]["root"]) != (checkpoint.size, checkpoint.root.hex()):
        raise Refused("size or root stand beside the note otherwise than in it")
    for item in document["entries"]:
        check_entry(item, checkpoint, document["petition_id"])
    if receipt is not None:
        find_receipt(document, receipt)
    return checkpoint


def check_entry(item: dict[str, Any], checkpoint: Checkpoint, petition_id: str) -> None:
    entry, n = item["entry"], item["n"]
    if type(n) is not int or entry.get("n") != n or entry.get("petition_id") != petition_id:
        raise Refused(f"entry {n}: it is another entry, or another petition's")
    leaf = leaf_of(entry)
    if leaf.hex() != item["leaf"]:
        raise Refused(f"entry {n}: its content does not give its leaf (内容与叶值不符)")
    if gives_a_receipt(entry) and receipt_of(entry) != entry["receipt"]:
        raise Refused(f"entry {n}: its content does not give its receipt (内容与回执不符)")
    if root_from_path(leaf, n - 1, checkpoint.size, hashes(item["path"])) != checkpoint.root:
        raise Refused(f"entry {n}: the path does not lead to the signed root (路径不通向树根)")


def find_receipt(document: dict[str, Any], receipt: str) -> None:
    for item in document["entries"]:
        if gives_a_receipt(item["entry"]) and receipt_of(item["entry"]) == receipt:
            print(f"receipt {receipt[:16]}…: entry {item['n']}, {item['entry']['what']} at {item['entry']['at']}")
            return
    if any(item.get("receipt") == receipt for item in document["pending"]):
        raise Refused("the entry of this receipt is not under a checkpoint yet: ask again in a minute (尚待签署)")
    raise Refused("no entry of this proof gives the receipt (回执未被证明)")


def check_consistency(document: dict[str, Any], keys: Sequence[Key], kept: Checkpoint | None) -> Checkpoint:
    """The later checkpoint; `kept` stands in for the earlier one that the document brings."""
    later = open_note(document["checkpoint"]["note"], keys)
    if kept is None:
        if document["earlier"] is None:
            raise Refused("no earlier checkpoint: give yours with --checkpoint")
        kept = open_note(document["earlier"]["note"], keys)
    if kept.origin != later.origin:
        raise Refused("the two checkpoints are of different logs")
    if not is_beginning(kept.size, kept.root, later.size, later.root, hashes(document["proof"])):
        raise Refused(f"{kept.size} entries are not the beginning of the {later.size} (一致性证明不成立)")
    print(f"consistent: the first {kept.size} entries are unchanged among {later.size}")
    return later


# ── a whole audit directory ─────────────────────────────────────────────────────────────────────────────────


def check_directory(folder: Path, keys: Sequence[Key]) -> Checkpoint | None:
    """The newest checkpoint; every line and every checkpoint was right."""
    notes = {int(path.stem): path for path in (folder / "checkpoints").glob("[0-9]" * 12 + ".note")}
    subtrees: list[tuple[int, bytes]] = []
    newest, n = at_size(notes, 0, [], keys), 0
    for where, line in lines(folder):
        n += 1
        add_leaf(subtrees, checked_leaf(where, line, n))
        newest = at_size(notes, n, subtrees, keys) or newest
    if notes:
        raise Refused(f"{n} entries, but a checkpoint signs {min(notes)}: cut short (日志被截断)")
    if n and newest is None:
        raise Refused("no checkpoint signs any of these entries (没有检查点)")
    print(f"{n} entries, {n - (newest.size if newest else 0)} of them after the newest checkpoint")
    return newest


def lines(folder: Path) -> Iterator[tuple[str, bytes]]:
    """(where, line) of all days in order; of a day that is there twice, the plain file."""
    days = {path.name.removesuffix(".gz"): path for path in sorted(folder.glob("audit-*.jsonl.gz"))}
    days.update((path.name, path) for path in folder.glob("audit-*.jsonl"))
    for _, path in sorted(days.items()):
        try:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
                for number, line in enumerate(stream, 1):
                    yield f"{path.name}:{number}", line
        except (OSError, EOFError, zlib.error) as error:
            raise Refused(f"{path.name}: cannot be read: {error}") from None


def checked_leaf(where: str, line: bytes, n: int) -> bytes:
    try:
        entry = json.loads(line, object_pairs_hook=without_doubles)
        recorded = entry.pop("leaf")
        if entry["n"] != n:
            raise Refused(f"{where}: n={entry['n']} stands where n={n} belongs (序号错位)")
        leaf = leaf_of(entry)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(f"{where}: not a line of the audit log: {error!r}") from None
    if leaf.hex() != recorded:
        raise Refused(f"{where}: n={n} was changed: its content does not give its leaf (内容与叶值不符)")
    if gives_a_receipt(entry) and receipt_of(entry) != entry["receipt"]:
        raise Refused(f"{where}: n={n}: its content does not give its receipt (内容与回执不符)")
    return leaf


def add_leaf(subtrees: list[tuple[int, bytes]], leaf: bytes) -> None:
    """Complete subtrees as (height, root), the largest first: two of one height make one of the next."""
    height = 0
    while subtrees and subtrees[-1][0] == height:
        leaf = node(subtrees.pop()[1], leaf)
        height += 1
    subtrees.append((height, leaf))


def at_size(
    notes: dict[int, Path], size: int, subtrees: Sequence[tuple[int, bytes]], keys: Sequence[Key]
) -> Checkpoint | None:
    """The checkpoint of this size, if there is one; taken out of `notes`."""
    path = notes.pop(size, None)
    if path is None:
        return None
    checkpoint = open_note(path.read_bytes().decode(), keys)
    root = EMPTY_ROOT
    for place, (_, subtree) in enumerate(reversed(subtrees)):
        root = node(subtree, root) if place else subtree
    if (checkpoint.size, checkpoint.root) != (size, root):
        raise Refused(f"{path.name}: does not confirm the lines up to n={size} (与检查点不符)")
    return checkpoint


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    try:
        checkpoint = check(options)
    except Refused as refused:
        print(f"does not hold (不成立): {refused}", file=sys.stderr)
        return 1
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        print(f"does not hold (不成立): not a document of the bridge: {error!r}", file=sys.stderr)
        return 1
    where = f"under the checkpoint of {checkpoint.origin} over {checkpoint.size} entries" if checkpoint else "so far"
    print(f"holds (成立): {where}")
    return 0


def check(options: argparse.Namespace) -> Checkpoint | None:
    keys = load_keys(read(options.public_key))
    if options.audit_dir:
        if not Path(options.audit_dir).is_dir():
            wrong_usage(f"{options.audit_dir}: no such directory")
        return check_directory(Path(options.audit_dir), keys)
    kept = open_note(read(options.checkpoint), keys) if options.checkpoint else None
    checkpoint = None
    if options.proof:
        document = load(options.proof)
        checkpoint = check_proof(document, keys, options.receipt)
        print(f"{document['petition_id']}: {len(document['entries'])} proven, {len(document['pending'])} pending")
    if options.consistency:
        later = check_consistency(load(options.consistency), keys, kept)
        if checkpoint is not None and later != checkpoint:
            raise Refused("the consistency proof leads to another checkpoint than the entries")
        return later
    if kept is not None and checkpoint is not None and kept != checkpoint:
        raise Refused("the proof is under another checkpoint than yours: add --consistency between the two")
    return checkpoint


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("proof", nargs="?", help="the proof document")
    parser.add_argument("--public-key", required=True, help="file of the log's public keys (witness.pub)")
    parser.add_argument("--receipt", help="the receipt that must be among the proven entries")
    parser.add_argument("--checkpoint", help="a checkpoint that you kept")
    parser.add_argument("--consistency", help="the consistency document from your checkpoint to the proof's")
    parser.add_argument("--audit-dir", help="a whole audit directory, instead of a proof")
    options = parser.parse_args(arguments)
    if not (options.proof or options.consistency or options.audit_dir):
        parser.error("give a proof document, --consistency or --audit-dir")
    if options.audit_dir and (options.proof or options.consistency or options.checkpoint):
        parser.error("--audit-dir goes with --public-key only")
    if options.receipt and not options.proof:
        parser.error("--receipt needs a proof document")
    return options


def read(path: str) -> str:
    try:
        if path == "-":
            return sys.stdin.buffer.read().decode()
        return Path(path).read_bytes().decode()
    except OSError as error:
        wrong_usage(f"{path}: {error.strerror}")
    except UnicodeDecodeError:
        raise Refused(f"{path}: not UTF-8") from None


def load(path: str) -> dict[str, Any]:
    document = json.loads(read(path), object_pairs_hook=without_doubles)
    if not isinstance(document, dict):
        raise Refused(f"{path}: not a JSON object")
    return document


def without_doubles(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused("a name stands twice in one JSON object")
    return found


def wrong_usage(why: str) -> NoReturn:
    print(f"verify_receipt: {why}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    sys.exit(main())
