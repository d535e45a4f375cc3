"""The stand-alone verifier: the same verdict as the bridge and OpenSSL, from the standard library alone."""

import ast
import copy
import hashlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.witness import checkpoints, keys, proofs
from bridge.witness.archive import pack
from bridge.witness.canonical import canonical, judge, render, seal
from bridge.witness.logfiles import files, read
from bridge.witness.proofs import Prover
from bridge.witness.receipts import receipt_of
from bridge.witness.verify import verify
from tests.witness.logs import ENTRIES, ORIGIN, Sealed, build, entry, seal_all
from tests.witness.test_tree import CONSISTENCY, INCLUSION, ROOTS, VECTOR_HASHES

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "verify_receipt.py"
PETITION = "LT261122-XGXVDBAPJQ"
SIGNED = (0, 5, 9)


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_receipt", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["verify_receipt"] = module
    spec.loader.exec_module(module)
    return module


script = load()


class Auditor:
    """A folder with the documents that somebody outside would have."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.audit_dir = root / "audit"
        self.signer = keys.ensure(root / "keys", ORIGIN)
        seal_all(self.audit_dir, self.signer, [self._entry(n) for n in range(1, 12)], SIGNED)
        self.judged = [judge(line.raw) for line in read(self.audit_dir)]
        self.proof = self._proof()
        self.receipt = self.judged[2].entry["receipt"]
        self.between = self._between(5, 9)

    def _entry(self, n: int) -> dict[str, object]:
        what = "petition.accepted" if n == 3 else "petition.progress"
        made = {**entry(n, what, PETITION, "2026-11-22"), "sequence": n, "level": "info"}
        receipt = {"receipt": receipt_of(made)} if n % 2 else {"what": "handoff.delivered", "receipt": "H1"}
        return {**made, **receipt}

    def _proof(self) -> dict[str, Any]:
        signed = proofs.newest(self.audit_dir)
        assert signed is not None
        prover = Prover(self.audit_dir, signed)
        return {
            "petition_id": PETITION,
            "checkpoint": {"size": signed.size, "root": signed.root.hex(), "note": signed.note},
            "entries": [
                {"n": n, "leaf": prover.leaf(n).hex(), "entry": self.judged[n - 1].entry,
                 "path": [node.hex() for node in prover.inclusion(n)]}
                for n in range(1, signed.size + 1)
            ],
            "pending": [{"n": 11, "what": "petition.progress", "receipt": self.judged[10].entry["receipt"]}],
            "faults": [],
        }  # fmt: skip

    def _between(self, old: int, new: int) -> dict[str, Any]:
        first, second = proofs.at(self.audit_dir, old), proofs.at(self.audit_dir, new)
        assert first is not None
        assert second is not None
        proof = [node.hex() for node in Prover(self.audit_dir, second).consistency(old)]
        return {
            "earlier": {"size": old, "root": first.root.hex(), "note": first.note},
            "checkpoint": {"size": new, "root": second.root.hex(), "note": second.note},
            "proof": proof,
        }

    def run(self, *arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        (self.root / "proof.json").write_text(json.dumps(self.proof), "utf-8")
        (self.root / "between.json").write_text(json.dumps(self.between), "utf-8")
        command = [sys.executable, "-I", str(SCRIPT), *arguments]
        return subprocess.run(command, cwd=self.root, input=given, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Auditor:
    return Auditor(tmp_path_factory.mktemp("auditor"))


KEY = ("--public-key", "keys/witness.pub")


# ── it stands alone ──


def test_it_imports_the_standard_library_and_nothing_else() -> None:
    tree = ast.parse(SCRIPT.read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_what_holds(auditor: Auditor) -> None:
    run = auditor.run("proof.json", *KEY, "--receipt", str(auditor.receipt))
    assert (run.returncode, run.stderr) == (0, "")
    assert "entry 3, petition.accepted" in run.stdout
    assert "9 proven, 1 pending" in run.stdout
    assert f"holds (成立): under the checkpoint of {ORIGIN} over 9 entries" in run.stdout


def test_from_standard_input_and_with_a_kept_checkpoint(auditor: Auditor) -> None:
    kept = auditor.audit_dir / "checkpoints" / checkpoints.name_of(5)
    more = ("--checkpoint", str(kept), "--consistency", "between.json")
    run = auditor.run("-", *KEY, *more, given=json.dumps(auditor.proof))
    assert (run.returncode, run.stderr) == (0, "")
    assert "the first 5 entries are unchanged among 9" in run.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("proof.json", *KEY, "--receipt", "0" * 64), 1, "no entry of this proof gives the receipt"),
        (("proof.json", "--public-key", "missing"), 2, "No such file"),
        (("missing.json", *KEY), 2, "No such file"),
        ((*KEY,), 2, "give a proof document"),
        (("proof.json",), 2, "--public-key"),
        (("--consistency", "between.json", *KEY, "--receipt", "00"), 2, "--receipt needs"),
        (("between.json", *KEY), 1, "not a document of the bridge"),
        (("proof.json", "--public-key", "proof.json"), 1, "public key is not base64"),
    ],
)
def test_what_does_not(auditor: Auditor, arguments: tuple[str, ...], code: int, told: str) -> None:
    run = auditor.run(*arguments)
    assert run.returncode == code
    assert told in run.stderr
    assert "Traceback" not in run.stderr


def verdict(auditor: Auditor, document: Any, receipt: str | None = None, between: Any = None) -> str | None:
    """Why it is refused; None if it holds. In this process, as `main` does it."""
    known = script.load_keys(auditor.signer.verifier.text())
    try:
        script.check_proof(document, known, receipt)
        if between is not None:
            script.check_consistency(between, known, None)
    except script.Refused as refused:
        return str(refused)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        return repr(error)
    return None


def test_a_receipt_that_is_still_pending(auditor: Auditor) -> None:
    pending = auditor.proof["pending"][0]["receipt"]
    assert "not under a checkpoint yet" in (verdict(auditor, auditor.proof, pending) or "")
    unsigned = {**auditor.proof, "checkpoint": None, "entries": []}
    assert verdict(auditor, unsigned) is None
    assert "no checkpoint has been signed" in (verdict(auditor, unsigned, pending) or "")


def test_a_number_of_a_system_is_no_receipt_of_ours(auditor: Auditor) -> None:
    assert "no entry of this proof" in (verdict(auditor, auditor.proof, "H1") or "")


def test_what_the_bridge_itself_calls_a_fault(auditor: Auditor) -> None:
    assert verdict(auditor, {**auditor.proof, "faults": [{"n": 1, "what": "differs"}]})


def test_another_key_is_refused(auditor: Auditor, tmp_path: Path) -> None:
    known = script.load_keys(keys.ensure(tmp_path, ORIGIN).verifier.text())
    with pytest.raises(script.Refused, match="has not signed"):
        script.check_proof(auditor.proof, known, None)


def test_a_name_twice_is_refused(auditor: Auditor) -> None:
    text = json.dumps(auditor.proof)
    run = auditor.run("-", *KEY, given=text.replace('{"petition_id"', '{"faults": [], "petition_id"', 1))
    assert run.returncode == 1
    assert "stands twice" in run.stderr


# ── whatever is changed ──


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values in a document that are no containers."""
    if isinstance(value, dict):
        return [found for name, item in value.items() for found in _leaves(item, (*path, name))]
    if isinstance(value, list):
        return [found for place, item in enumerate(value) for found in _leaves(item, (*path, place))]
    return [path]


def _changed(value: Any, data: st.DataObject) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return "x"
    if isinstance(value, int):
        return value + data.draw(st.sampled_from([-1, 1, 2**40]))
    place = data.draw(st.integers(0, max(0, len(value) - 1)))
    return value[:place] + data.draw(st.sampled_from('0a一 \n"')) + value[place + 1 :]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_change_of_what_is_proven_is_refused(auditor: Auditor, data: st.DataObject) -> None:
    document = copy.deepcopy(auditor.proof)
    proven = [path for path in _leaves(document) if path[0] in ("checkpoint", "entries", "petition_id")]
    *way, last = data.draw(st.sampled_from(proven))
    place: Any = document
    for step in way:
        place = place[step]
    place[last] = _changed(place[last], data)
    if document != auditor.proof:
        assert verdict(auditor, document) is not None


@pytest.mark.parametrize("spoil", ["entry", "path", "swap", "other place"])
def test_parts_taken_away_or_exchanged_are_refused(auditor: Auditor, spoil: str) -> None:
    document = copy.deepcopy(auditor.proof)
    entries = document["entries"]
    if spoil == "entry":
        del entries[3]["entry"]["actor"]
    elif spoil == "path":
        entries[3]["path"].pop()
    elif spoil == "swap":
        entries[3]["entry"], entries[4]["entry"] = entries[4]["entry"], entries[3]["entry"]
    else:
        entries[3]["n"] = entries[3]["entry"]["n"] = 5
    assert verdict(auditor, document) is not None


@pytest.mark.parametrize(
    "spoil", [lambda p: p[:-1], lambda p: [*p, p[0]], lambda p: p[::-1], lambda p: ["00" * 32, *p[1:]]]
)
def test_a_wrong_consistency_proof(auditor: Auditor, spoil: Callable[[list[str]], list[str]]) -> None:
    assert verdict(auditor, auditor.proof, None, auditor.between) is None
    assert verdict(auditor, auditor.proof, None, {**auditor.between, "proof": spoil(auditor.between["proof"])})


# ── a whole directory ──


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    """A directory with a packed day, to be spoilt and put back."""
    log = build(tmp_path_factory.mktemp("directory"))
    pack(files(log.audit_dir)[0])
    return log


def opinion(log: Sealed) -> str | None:
    """Why the script refuses the directory; None if it holds."""
    try:
        script.check_directory(log.audit_dir, script.load_keys(log.signer.verifier.text()))
    except (script.Refused, UnicodeDecodeError) as refused:
        return str(refused)
    return None


def test_a_whole_directory_by_the_script_alone(spoilt: Sealed) -> None:
    key = spoilt.audit_dir.parent / "keys" / keys.PUBLIC
    command = [sys.executable, "-I", str(SCRIPT), "--audit-dir", str(spoilt.audit_dir), "--public-key", str(key)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert f"{ENTRIES} entries, {ENTRIES - 38} of them after the newest checkpoint" in run.stdout
    missing = subprocess.run([*command[:4], "nowhere", *command[5:]], capture_output=True, text=True, check=False)
    assert missing.returncode == 2


@pytest.fixture
def fast_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL instead of the script's own arithmetic, which has tests of its own."""
    monkeypatch.setattr(script, "ed25519_accepts", _openssl)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
@pytest.mark.usefixtures("fast_signatures")
def test_it_refuses_what_bridge_verify_refuses(spoilt: Sealed, data: st.DataObject) -> None:
    """Lines changed, taken out, doubled, swapped; the bridge's own verdict is the measure."""
    path = data.draw(st.sampled_from(files(spoilt.audit_dir)))
    whole = path.read_bytes()
    texts = whole.splitlines(keepends=True)
    one, other = data.draw(st.integers(0, len(texts) - 1)), data.draw(st.integers(0, len(texts) - 1))
    kind = data.draw(st.sampled_from(["forge", "byte", "delete", "double", "swap", "cut"]))
    if kind == "forge":
        fields = {**json.loads(texts[one]), "actor": data.draw(st.sampled_from(["系统", "someone"]))}
        del fields["leaf"]
        texts[one] = render(seal(fields)[0]) + b"\n"
    elif kind == "byte":
        place = data.draw(st.integers(0, len(texts[one]) - 2))
        texts[one] = texts[one][:place] + b"?" + texts[one][place + 1 :]
    elif kind == "delete":
        del texts[one]
    elif kind == "double":
        texts.insert(one, texts[one])
    elif kind == "swap":
        texts[one], texts[other] = texts[other], texts[one]
    else:
        del texts[one:]
    path.write_bytes(b"".join(texts))
    try:
        sound = {fault.what for fault in verify(spoilt.audit_dir, spoilt.verifiers).faults} == set()
        assert (opinion(spoilt) is None) == sound
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("name", ["checkpoints/000000000025.note", "audit-2026-11-20.jsonl.gz"])
def test_it_refuses_a_changed_file(spoilt: Sealed, name: str) -> None:
    path = spoilt.audit_dir / name
    whole = path.read_bytes()
    path.write_bytes(whole[:60] + bytes([whole[60] ^ 1]) + whole[61:])
    try:
        assert opinion(spoilt) is not None
    finally:
        path.write_bytes(whole)


def test_it_refuses_a_log_without_its_checkpoints(tmp_path: Path) -> None:
    log = build(tmp_path)
    for note in (log.audit_dir / "checkpoints").iterdir():
        note.unlink()
    assert "no checkpoint signs" in (opinion(log) or "")


# ── its parts against the originals ──


def test_the_published_vectors_of_rfc_6962() -> None:
    for index, size, path in INCLUSION:
        found = script.root_from_path(VECTOR_HASHES[index], index, size, [bytes.fromhex(node) for node in path])
        assert found.hex() == ROOTS[size]
    for old, new, path in CONSISTENCY:
        roots = bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new])
        assert script.is_beginning(old, roots[0], new, roots[1], [bytes.fromhex(node) for node in path])
        assert not script.is_beginning(old, bytes(32), new, roots[1], [bytes.fromhex(node) for node in path])


# RFC 8032 §7.1, tests 1 to 3: public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_the_published_vectors_of_rfc_8032(public: str, message: str, signature: str) -> None:
    parts = [bytes.fromhex(part) for part in (public, message, signature)]
    assert script.ed25519_accepts(*parts)
    assert not script.ed25519_accepts(parts[0], parts[1] + b"x", parts[2])


def _openssl(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=40), st.data())
def test_signatures_as_openssl_sees_them(seed: bytes, message: bytes, data: st.DataObject) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), bytearray(key.sign(message))
    assert script.ed25519_accepts(public, message, bytes(signature))
    kind = data.draw(st.sampled_from(["flip", "add L", "random key", "cut"]))
    if kind == "flip":
        signature[data.draw(st.integers(0, 63))] ^= 1 << data.draw(st.integers(0, 7))
    elif kind == "add L":
        # The same signature modulo the group's order: it must not have two spellings.
        raised = int.from_bytes(signature[32:], "little") + script.L
        signature[32:] = raised.to_bytes(33, "little")[:32]
    elif kind == "cut":
        del signature[-1]
    else:
        public = data.draw(st.binary(min_size=32, max_size=32))
    assert script.ed25519_accepts(public, message, bytes(signature)) == _openssl(public, message, bytes(signature))


_TEXT = st.text(st.characters(codec="utf-8"))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(_TEXT, _VALUES, max_size=6))
def test_the_canonical_form_is_that_of_the_bridge(value: dict[str, Any]) -> None:
    assert script.canonical(value) == canonical(value)
    if "receipt" not in value:
        assert script.receipt_of({**value, "n": 1, "leaf": "x", "entry": 2}) == receipt_of(
            {name: item for name, item in value.items() if name not in ("n", "leaf", "entry")}
        )


@pytest.mark.parametrize("value", [0.5, 2**53, -(2**53), float("nan")])
def test_numbers_that_no_entry_has(value: float) -> None:
    with pytest.raises(script.Refused):
        script.canonical({"x": [value]})


def test_the_receipt_is_the_digest_of_what_was_journalled(auditor: Auditor) -> None:
    sealed = auditor.judged[2].entry
    journalled = {name: value for name, value in sealed.items() if name not in ("n", "entry", "receipt")}
    assert hashlib.sha256(canonical(journalled)).hexdigest() == sealed["receipt"]
