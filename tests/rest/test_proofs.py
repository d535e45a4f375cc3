"""`/v1/petitions/{id}/proof` and `/v1/checkpoints`: from the receipt that intake gave to the auditor's own check."""

import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from bridge.witness import checkpoints
from bridge.witness.receipts import receipt_of
from bridge.witness.tiles import TileReader
from tests.support.halls import Hall
from tests.support.ledgers import HOTLINE
from tests.support.waiting import wait_until

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "verify_receipt.py"


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """A hall whose witness signs as soon as there is something new."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("quick")
        patch.chdir(folder)
        patch.setenv("BRIDGE_CHECKPOINT_SECONDS", "0.01")
        found = Hall(folder, patch)
        yield found
        found.close()


def audit_dir(hall: Hall) -> Path:
    return hall.bridge.settings.audit_dir


def proof_of(hall: Hall, petition_id: str) -> Any:
    answer = hall.get(f"/v1/petitions/{petition_id}/proof")
    assert answer.status == 200, answer.body
    return answer.json


def proven(hall: Hall, petition_id: str) -> Any:
    """The proof, as soon as nothing is pending."""
    wait_until(lambda: proof_of(hall, petition_id)["pending"] == [], "the next checkpoint", 20)
    return proof_of(hall, petition_id)


def verify(hall: Hall, folder: Path, *arguments: str, **documents: Any) -> "subprocess.CompletedProcess[str]":
    """The stand-alone script, isolated from everything that is installed here."""
    for name, document in documents.items():
        (folder / f"{name}.json").write_bytes(orjson.dumps(document))
    key = hall.bridge.settings.keys_dir / "witness.pub"
    command = [sys.executable, "-I", str(SCRIPT), *arguments, "--public-key", str(key)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_receipt_is_proven_by_the_script_alone(quick: Hall, tmp_path: Path) -> None:
    given = quick.post("/v1/petitions", "writer", json=document()).json
    found = proven(quick, given["petition_id"])
    (opening,) = [item for item in found["entries"] if item["entry"]["what"] == "petition.accepted"]
    assert opening["entry"]["receipt"] == receipt_of(opening["entry"]) == given["receipt"]
    run = verify(quick, tmp_path, "proof.json", "--receipt", given["receipt"], proof=found)
    assert (run.returncode, run.stderr) == (0, "")
    assert f"entry {opening['n']}, petition.accepted" in run.stdout
    wrong = verify(quick, tmp_path, "proof.json", "--receipt", "0" * 64)
    assert wrong.returncode == 1
    assert "no entry of this proof gives the receipt" in wrong.stderr


def document() -> dict[str, Any]:
    return {"external_id": uuid.uuid4().hex, "content": "路灯不亮", "petitioner": {"anonymous": True}}


def test_a_proof_has_every_entry_of_the_petition(quick: Hall) -> None:
    petition_id = quick.submit(uuid.uuid4().hex)
    quick.wait_for(petition_id, HOTLINE, "delivered")
    quick.wait_for(petition_id, "wechat", "delivered")
    found = proven(quick, petition_id)
    entries = quick.get(f"/v1/petitions/{petition_id}/trail").json["entries"]
    assert [item["n"] for item in found["entries"]] == [entry["n"] for entry in entries]
    assert [item["entry"]["what"] for item in found["entries"]] == [entry["what"] for entry in entries]
    assert (found["petition_id"], found["faults"]) == (petition_id, [])
    assert "leaf" not in found["entries"][0]["entry"]


def test_what_no_checkpoint_covers_is_pending(hall: Hall) -> None:
    """This hall's witness signs once a minute."""
    wait_until(lambda: hall.get("/v1/checkpoints/latest", None).status == 200, "a first checkpoint", 20)
    hall.submit(uuid.uuid4().hex)
    wait_until(lambda: newest_size(hall) > 0, "a checkpoint over something", 20)
    petition_id = hall.submit(uuid.uuid4().hex)
    found = proof_of(hall, petition_id)
    assert found["pending"][0]["what"] == "petition.accepted"
    assert found["pending"][0]["receipt"]
    assert found["entries"] == []


def newest_size(hall: Hall) -> int:
    return int(hall.get("/v1/checkpoints/latest", None).body.split(b"\n")[1])


def test_checkpoints_need_no_key_and_are_the_files(quick: Hall) -> None:
    proven(quick, quick.submit(uuid.uuid4().hex))
    for size in checkpoints.sizes(audit_dir(quick))[-3:]:
        answer = quick.get(f"/v1/checkpoints/{size}", None)
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert answer.body == (audit_dir(quick) / "checkpoints" / checkpoints.name_of(size)).read_bytes()
    assert newest_size(quick) == checkpoints.sizes(audit_dir(quick))[-1]


def test_consistency_from_any_earlier_size(quick: Hall, tmp_path: Path) -> None:
    proven(quick, quick.submit(uuid.uuid4().hex))
    first = newest_size(quick)
    (tmp_path / "kept.note").write_bytes(quick.get(f"/v1/checkpoints/{first}", None).body)
    found = proven(quick, quick.submit(uuid.uuid4().hex))
    size = found["checkpoint"]["size"]
    assert size > first
    between = quick.get(f"/v1/checkpoints/{size}/consistency?from={first}", None).json
    assert between["earlier"]["size"] == first
    run = verify(quick, tmp_path, "--consistency", "between.json", between=between)
    assert (run.returncode, run.stderr) == (0, "")
    run = verify(
        quick, tmp_path, "proof.json", "--checkpoint", "kept.note", "--consistency", "between.json", proof=found
    )
    assert (run.returncode, run.stderr) == (0, "")
    alone = verify(quick, tmp_path, "proof.json", "--checkpoint", "kept.note")
    assert "under another checkpoint than yours" in alone.stderr
    for earlier in (0, 1, size):
        answer = quick.get(f"/v1/checkpoints/{size}/consistency?from={earlier}", None)
        assert answer.status == 200
        assert (answer.json["proof"] == []) == (earlier in (0, size))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/checkpoints/999999999", 404),
        ("/v1/checkpoints/-1", 422),
        ("/v1/checkpoints/1e3", 422),
        ("/v1/checkpoints/9999999999999999999999", 422),
        ("/v1/checkpoints/newest", 422),
        ("/v1/checkpoints/999999999/consistency?from=1", 404),
        ("/v1/checkpoints/{newest}/consistency", 422),
        ("/v1/checkpoints/{newest}/consistency?from=", 422),
        ("/v1/checkpoints/{newest}/consistency?from=-1", 422),
        ("/v1/checkpoints/{newest}/consistency?from=x", 422),
        ("/v1/checkpoints/{newest}/consistency?from=999999999", 422),
    ],
)
def test_bad_sizes_are_problems(quick: Hall, path: str, status: int) -> None:
    wait_until(lambda: quick.get("/v1/checkpoints/latest", None).status == 200, "a first checkpoint", 20)
    answer = quick.get(path.replace("{newest}", str(newest_size(quick))), None)
    assert (answer.status, answer.is_problem) == (status, True)


def test_an_unknown_petition(quick: Hall) -> None:
    answer = quick.get("/v1/petitions/LT261122-NOBODY0000/proof")
    assert (answer.status, answer.is_problem) == (404, True)


@pytest.mark.parametrize(
    "change", [lambda body: body.replace('"level":"info"', '"level":"warning"'), lambda _: "{}", lambda _: "garbage"]
)
def test_a_row_that_was_changed_in_the_ledger_has_no_proof(
    quick: Hall, tmp_path: Path, change: Callable[[str], str]
) -> None:
    petition_id = quick.submit(uuid.uuid4().hex)
    found = proven(quick, petition_id)
    n = found["entries"][0]["n"]
    with quick.bridge.store.writing() as conn:
        before = conn.execute(text("SELECT body FROM journal WHERE n = :n"), {"n": n}).scalar_one()
        changed = change(before)
        conn.execute(text("UPDATE journal SET body = :body WHERE n = :n"), {"n": n, "body": changed})
    try:
        spoilt = proof_of(quick, petition_id)
        assert [fault["n"] for fault in spoilt["faults"]] == [n]
        assert n not in [item["n"] for item in spoilt["entries"]]
        assert verify(quick, tmp_path, "proof.json", proof=spoilt).returncode == 1
    finally:
        with quick.bridge.store.writing() as conn:
            conn.execute(text("UPDATE journal SET body = :body WHERE n = :n"), {"n": n, "body": before})


def test_damaged_tiles_give_a_503_and_never_a_wrong_proof(quick: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    petition_id = quick.submit(uuid.uuid4().hex)
    proven(quick, petition_id)
    load = TileReader._load
    with monkeypatch.context() as patched:
        patched.setattr(TileReader, "_load", lambda *asked: bytes(32) + load(*asked)[32:])
        answer = quick.get(f"/v1/petitions/{petition_id}/proof")
        assert (answer.status, answer.is_problem) == (503, True)
        assert "Retry-After" in answer.headers
    assert quick.get(f"/v1/petitions/{petition_id}/proof").status == 200


def test_a_second_place_that_is_behind_shows_and_makes_nothing_unready(quick: Hall) -> None:
    sealer = quick.bridge.sealer
    assert sealer is not None
    sealer.copies.troubles["https://witness.example/x"] = "CopyError: HTTP 503"
    try:
        answer = quick.get("/readyz", None)
        assert answer.status == 200
        assert answer.json["checks"]["witness"] == {
            "ok": True,
            "copies_behind": {"https://witness.example/x": "CopyError: HTTP 503"},
        }
    finally:
        sealer.copies.troubles.clear()
    assert quick.get("/readyz", None).json["checks"]["witness"] == {"ok": True}


def test_the_document_describes_them(quick: Hall) -> None:
    paths = quick.get("/openapi.json", None).json["paths"]
    answers = paths["/v1/petitions/{petition_id}/proof"]["get"]["responses"]
    assert answers["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/ProofDocument")
    assert answers["503"]["$ref"].endswith("/Problem503")
    parameters = paths["/v1/checkpoints/{size}/consistency"]["get"]["parameters"]
    assert {parameter["name"] for parameter in parameters} == {"size", "from"}
